"""Whether originals are there now: the library knows it of the last scan only."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from facesort.domain import PlaceState

if TYPE_CHECKING:
    from facesort.domain import Photo, Place

__all__ = ["as_on_disk", "is_there"]


def is_there(photo: Photo) -> bool:
    """Whether a photo can be shown or copied from one of its places."""
    return any(place.state is PlaceState.PRESENT and _is_file(place) for place in photo.places)


def as_on_disk(photo: Photo) -> Photo:
    """Return a photo with the places missing that are not there any more."""
    return replace(
        photo,
        places=tuple(
            replace(place, state=PlaceState.MISSING)
            if place.state is PlaceState.PRESENT and not _is_file(place)
            else place
            for place in photo.places
        ),
    )


def _is_file(place: Place) -> bool:
    return os.path.isfile(place.path)  # noqa: PTH113 - is_file may raise

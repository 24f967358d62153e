"""Files that begin or cease to belong to a photo beside them, between one scan and the next.

What is known of them is handed on, so that nothing the user said gets lost: see
`catalog.succession`. Each scan sees anew what belongs together, so a scan that was cut off is
completed by the next one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from facesort.catalog import photos as catalog
from facesort.catalog import places
from facesort.catalog.succession import Half, hand_over, is_spoken_of
from facesort.imaging.companions import RAW, raw_stem, still_stem

if TYPE_CHECKING:
    from collections.abc import Iterable

    from facesort.catalog.connection import Database
    from facesort.catalog.places import StoredPlace
    from facesort.catalog.roots import RootPart
    from facesort.imaging.walk import Companion, FoundFile

__all__ = ["Pair", "StandIns", "join"]


@dataclass(frozen=True, slots=True)
class Pair:
    """A companion that was known as a photo of its own.

    Args:
        part: the scanned folder.
        companion: the file, and the photo that it belongs to.
        place: what is known of the file.
    """

    part: RootPart
    companion: Companion
    place: StoredPlace


def join(db: Database, pair: Pair) -> bool:
    """Let a known photo become a companion; belongs inside a transaction.

    Returns:
        False when it stays a photo of its own: the photo beside it could not be read, or something
        that the user said about this one would not find its face there.
    """
    place = pair.place
    if place.photo_id is None:
        places.forget_place(db, [place.id])  # it never could be read
        return True
    photo = places.place_at(db, pair.part, pair.companion.photo)
    if photo is None:
        return False
    lies_elsewhere = len(places.of_photo(db, place.photo_id)) > 1
    if not (lies_elsewhere or place.photo_id == photo[0]):
        if pair.companion.kind == RAW:
            moved = hand_over(db, Half(place.photo_id, place.orientation), Half(*photo))
        else:
            moved = not is_spoken_of(db, place.photo_id)  # a clip shows more than its still does
        if not moved:
            return False
    places.forget_place(db, [place.id])
    catalog.bump_generation(db)  # its faces count no longer
    return True


class StandIns:
    """RAW files that are photos of their own, for photos beside them that have gone.

    Args:
        part: the scanned folder.
        files: what was found there.
    """

    def __init__(self, part: RootPart, files: Iterable[FoundFile]) -> None:
        self._part = part
        self._raws = {stem: file.path for file in files if (stem := raw_stem(file.path))}

    def has_for(self, path: str) -> bool:
        """Whether there is one for the photo that was at a path."""
        return still_stem(path) in self._raws

    def take_over(self, db: Database, path: str, place: StoredPlace) -> bool:
        """Let a RAW stand for the photo that was at a path, which is then forgotten.

        Belongs inside a transaction.

        Args:
            db: the catalog.
            path: one that `has_for` says yes to.
            place: what was known there.

        Returns:
            Whether it does: then no photo is missing.
        """
        photo = places.place_at(db, self._part, self._raws[still_stem(path)])
        if photo is None or place.photo_id is None or len(places.of_photo(db, place.photo_id)) > 1:
            return False
        if not hand_over(db, Half(place.photo_id, place.orientation), Half(*photo)):
            return False
        places.forget_place(db, [place.id])
        return True

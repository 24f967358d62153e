"""From people to what the exporter needs: photos, originals and their companions."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from facesort.domain import PlaceState
from facesort.export.targets import Album, AlbumPhoto
from facesort.imaging.formats import RAW_SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from facesort.domain import FaceId, Person, Photo, PhotoId, Place
    from facesort.jobs.situation import Situation

__all__ = ["collect_albums"]

# What lies beside a photo under the same stem and belongs to it: the camera's raw file, the sidecar
# of an editor, the moving half of a Live Photo.
_COMPANION_SUFFIXES = frozenset({".xmp", ".mov", ".aae", *RAW_SUFFIXES})


def collect_albums(
    situation: Situation, photos: dict[PhotoId, Photo], *, unnamed: bool, min_photos: int
) -> list[Album]:
    """Return one album per person to export.

    Args:
        situation: who is who.
        photos: all of them.
        unnamed: also people without a name.
        min_photos: people without a name need that many.
    """
    wanted = [
        person
        for person in situation.people.by_id.values()
        if not person.ignored
        and person.faces
        and (person.name is not None or (unnamed and person.photos >= min_photos))
    ]
    beside = _Neighbours()
    return [
        Album(
            person.id,
            person.name,
            tuple(_album_photos(person, situation, photos, beside)),
            situation.people.named_at.get(person.id, 0),
        )
        for person in wanted
    ]


def _album_photos(
    person: Person, situation: Situation, photos: dict[PhotoId, Photo], beside: _Neighbours
) -> Iterable[AlbumPhoto]:
    faces: dict[PhotoId, list[FaceId]] = {}
    for face in person.faces:
        faces.setdefault(situation.faces[face].photo_id, []).append(face)
    for photo_id, ids in faces.items():
        photo = photos[photo_id]
        present = [p for p in photo.places if p.state is PlaceState.PRESENT]
        # A copy will do when the first place has gone since its folder was scanned last.
        there = [p for p in present if os.path.isfile(p.path)] or present  # noqa: PTH113 - is_file may raise
        place = there[0] if there else photo.places[0]
        source = str(place.path) if there else None
        yield AlbumPhoto(
            content_key=photo.content_key,
            source=source,
            filename=place.path.name,
            taken_at=photo.taken_at,
            camera=photo.camera,
            companions=tuple(beside.of(source)) if source else (),
            faces=tuple(sorted(ids)),
            last_path=str(place.path),
            trouble=_trouble(place),
        )


def _trouble(place: Place) -> str:
    """Say why an original that may be there cannot be exported, '' where nothing is known."""
    if place.state is PlaceState.FAILED:
        return f"it could not be read when it was scanned: {place.reason}"
    try:
        place.path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except OSError as error:
        return f"it cannot be looked at: {error.strerror or error}"
    return ""


class _Neighbours:
    """Finds companions; each folder is listed once."""

    def __init__(self) -> None:
        self._by_stem: dict[str, dict[str, list[str]]] = {}

    def of(self, source: str) -> list[str]:
        folder, filename = os.path.split(source)
        if folder not in self._by_stem:
            self._by_stem[folder] = self._list(folder)
        stem = os.path.splitext(filename)[0]
        # IMG_1.xmp (Adobe) and IMG_1.jpg.xmp (darktable, digiKam) both belong to IMG_1.jpg.
        names = {*self._by_stem[folder].get(stem, ()), *self._by_stem[folder].get(filename, ())}
        return sorted(os.path.join(folder, name) for name in names if name != filename)

    @staticmethod
    def _list(folder: str) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        try:
            names = os.listdir(folder)
        except OSError:
            return found  # the photo itself will be reported missing
        for name in names:
            stem, suffix = os.path.splitext(name)
            if suffix.lower() in _COMPANION_SUFFIXES:
                found.setdefault(stem, []).append(name)
        return found

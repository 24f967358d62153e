"""Exporting: from people to albums of photos, originals and their companions."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from facesort.domain import PlaceState
from facesort.export.albums import export_albums, plan_albums
from facesort.export.manifest import Mode
from facesort.export.targets import Album, AlbumPhoto
from facesort.imaging.companions import Neighbours

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from facesort.domain import FaceId, Person, Photo, PhotoId, Place
    from facesort.export.apply import ExportResult
    from facesort.export.operations import Plan
    from facesort.jobs.showing.situation import Situation
    from facesort.protocols import Progress

__all__ = ["AlbumOrder", "Source", "collect_albums", "export_order", "plan_order"]


@dataclass(frozen=True, slots=True)
class AlbumOrder:
    """Which albums the user wants, and where.

    Args:
        dest: their folder.
        layout: template of the paths below it.
        mode: copy or link.
        unnamed: also people without a name.
        min_photos: people without a name need that many.
    """

    dest: Path
    layout: str
    mode: Mode = Mode.COPY
    unnamed: bool = False
    min_photos: int = 1


@dataclass(frozen=True, slots=True)
class Source:
    """The library that albums are taken from.

    Args:
        situation: who is who.
        photos: all of them.
        id: the library's.
        folder: the library's.
        roots: the scanned folders.
    """

    situation: Situation
    photos: dict[PhotoId, Photo]
    id: str
    folder: Path
    roots: Sequence[Path]


def plan_order(order: AlbumOrder, source: Source) -> Plan:
    """Say what an export would do; see `export.albums.plan_albums`."""
    return plan_albums(
        _ordered(order, source),
        order.dest,
        library=source.id,
        layout=order.layout,
        mode=order.mode,
        scanned_roots=source.roots,
        library_folder=source.folder,
    )


def export_order(order: AlbumOrder, source: Source, progress: Progress) -> ExportResult:
    """Write the albums; see `export.albums.export_albums`."""
    return export_albums(
        _ordered(order, source),
        order.dest,
        library=source.id,
        progress=progress,
        layout=order.layout,
        mode=order.mode,
        scanned_roots=source.roots,
        library_folder=source.folder,
    )


def _ordered(order: AlbumOrder, source: Source) -> list[Album]:
    return collect_albums(
        source.situation, source.photos, unnamed=order.unnamed, min_photos=order.min_photos
    )


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
    beside = _Beside()
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
    person: Person, situation: Situation, photos: dict[PhotoId, Photo], beside: _Beside
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


class _Beside:
    """Finds companions; each folder is listed once."""

    def __init__(self) -> None:
        self._folders: dict[str, Neighbours] = {}

    def of(self, source: str) -> list[str]:
        folder, filename = os.path.split(source)
        if folder not in self._folders:
            try:
                names = os.listdir(folder)
            except OSError:
                names = []  # the photo itself will be reported missing
            self._folders[folder] = Neighbours(names)
        return [os.path.join(folder, name) for name in self._folders[folder].of(filename)]

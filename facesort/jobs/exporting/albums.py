"""Exporting: from people to albums of photos, originals and their companions."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from facesort.catalog import places
from facesort.catalog.roots import root_paths
from facesort.domain import FaceStatus, PlaceState
from facesort.export.albums import export_albums, plan_albums
from facesort.export.manifest import Choice, Mode
from facesort.export.targets import Album, AlbumPhoto
from facesort.imaging.companions import Neighbours
from facesort.jobs.showing.situation import read_situation
from facesort.jobs.showing.there import is_there

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from facesort.catalog.connection import Database
    from facesort.domain import FaceId, Person, PersonId, Photo, PhotoId, Place
    from facesort.export.apply import ExportResult
    from facesort.export.operations import Plan
    from facesort.inference.card import ModelCard
    from facesort.jobs.showing.situation import Situation
    from facesort.protocols import Progress

__all__ = ["AlbumOrder", "Source", "collect_albums", "export_order", "plan_order", "read_source"]


class BestPhotos(NamedTuple):
    """The best different photos of a person.

    Args:
        why: in the order of their choice: why each was chosen, in one line and for programs.
        left_out: how many others may show somebody else and so could not be chosen.
    """

    why: Mapping[PhotoId, tuple[str, Choice]]
    left_out: int


@dataclass(frozen=True, slots=True)
class AlbumOrder:
    """Which albums the user wants, and where.

    Args:
        dest: their folder.
        layout: template of the paths below it.
        mode: copy or link.
        unnamed: also people without a name.
        min_photos: people without a name need that many.
        best: only so many different photos of each, the best ones; None: all.
    """

    dest: Path
    layout: str
    mode: Mode = Mode.COPY
    unnamed: bool = False
    min_photos: int = 1
    best: int | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """The library that albums are taken from.

    Args:
        situation: who is who.
        photos: all of them.
        id: the library's.
        folder: the library's.
        roots: the scanned folders.
        best: the photos that go into each person's album; None: all photos go.
    """

    situation: Situation
    photos: dict[PhotoId, Photo]
    id: str
    folder: Path
    roots: Sequence[Path]
    best: Mapping[PersonId, BestPhotos] | None = None


def read_source(
    db: Database, card: ModelCard, order: AlbumOrder, folder: Path, *, min_face: int
) -> Source:
    """Read all that an export needs; inside a snapshot.

    Args:
        db: the catalog.
        card: the embedder's, whose vectors say which photos are different.
        order: what is wanted.
        folder: the library's.
        min_face: smaller faces do not count, pixels.
    """
    situation = read_situation(db, min_face=min_face)
    photos = places.photos(db)
    return Source(
        situation,
        photos,
        db.meta("library_id"),
        folder,
        root_paths(db),
        None if order.best is None else _best(db, card, order, situation, photos, order.best),
    )


def _best(
    db: Database,
    card: ModelCard,
    order: AlbumOrder,
    situation: Situation,
    photos: dict[PhotoId, Photo],
    count: int,
) -> dict[PersonId, BestPhotos]:
    from facesort.jobs.describing.best import Candidate, choose_best  # noqa: PLC0415 - it computes
    from facesort.jobs.describing.picks import why  # noqa: PLC0415

    best: dict[PersonId, BestPhotos] = {}
    for person in _wanted(situation, unnamed=order.unnamed, min_photos=order.min_photos):
        faces = [situation.faces[face] for face in person.faces]
        gone = {one: not is_there(photos[one]) for one in {face.photo_id for face in faces}}
        chosen = choose_best(
            db,
            card,
            [
                Candidate(
                    face.id,
                    face.photo_id,
                    face.quality,
                    gone[face.photo_id],
                    situation.people.status[face.id] is FaceStatus.CONFIRMED,
                    situation.people.identities[face.id] or person.id,
                )
                for face in faces
            ],
            {photo: photos[photo].taken_at for photo in gone},
            count,
        )
        said = {}
        for rank, pick in enumerate(chosen.picks, start=1):
            face = situation.faces[pick.face]
            reasons = why(card, face, pick, rank)
            choice = Choice(rank, round(face.quality, 4), pick.burst, reasons.reasons)
            said[pick.photo] = reasons.text, choice
        best[person.id] = BestPhotos(said, len(chosen.odd))
    return best


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
        source.situation,
        source.photos,
        unnamed=order.unnamed,
        min_photos=order.min_photos,
        best=source.best,
    )


def collect_albums(
    situation: Situation,
    photos: dict[PhotoId, Photo],
    *,
    unnamed: bool,
    min_photos: int,
    best: Mapping[PersonId, BestPhotos] | None = None,
) -> list[Album]:
    """Return one album per person to export.

    Args:
        situation: who is who.
        photos: all of them.
        unnamed: also people without a name.
        min_photos: people without a name need that many.
        best: the photos to take, and why; None: all.
    """
    beside = _Beside()
    return [
        Album(
            person.id,
            person.name,
            tuple(
                _album_photos(
                    person, situation, photos, beside, None if best is None else best[person.id].why
                )
            ),
            situation.people.named_at.get(person.id, 0),
            "" if best is None else _note(person, best[person.id].left_out),
        )
        for person in _wanted(situation, unnamed=unnamed, min_photos=min_photos)
    ]


def _wanted(situation: Situation, *, unnamed: bool, min_photos: int) -> list[Person]:
    return [
        person
        for person in situation.people.by_id.values()
        if not person.ignored
        and person.faces
        and (person.name is not None or (unnamed and person.photos >= min_photos))
    ]


def _note(person: Person, left_out: int) -> str:
    if not left_out:
        return ""
    photos, they = ("1 photo", "it") if left_out == 1 else (f"{left_out:,} photos", "they")
    who = person.name or f"person-{person.id}"
    return f"{who}: {photos} left out, {they} may show somebody else: facesort coreset {person.id}"


def _album_photos(
    person: Person,
    situation: Situation,
    photos: dict[PhotoId, Photo],
    beside: _Beside,
    best: Mapping[PhotoId, tuple[str, Choice]] | None,
) -> Iterable[AlbumPhoto]:
    faces: dict[PhotoId, list[FaceId]] = {}
    for face in person.faces:
        faces.setdefault(situation.faces[face].photo_id, []).append(face)
    chosen = dict.fromkeys(faces, ("", None)) if best is None else best
    for photo_id, (reason, choice) in chosen.items():
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
            faces=tuple(sorted(faces[photo_id])),
            last_path=str(place.path),
            trouble=_trouble(place),
            why=reason,
            best=choice,
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

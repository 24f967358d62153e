"""Lists of faces with whose they are and where; inside a snapshot of tables that are up to date."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from facesort.catalog import places, showing
from facesort.domain import FaceStatus, PlaceState
from facesort.jobs.viewing import ListedFace, SeenFace

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from facesort.catalog.connection import Database
    from facesort.catalog.showing import FaceRow
    from facesort.domain import Person

__all__ = ["every_face", "faces_of", "list_faces", "seen_faces"]


def list_faces(db: Database, person: Person, *, min_face: int) -> list[ListedFace]:
    """Return the faces of a person, best first."""
    rows = _rows(db, person, min_face)
    paths = places.first_paths(db, {row.photo for row in rows})
    return [
        ListedFace(
            row.id,
            row.quality,
            _status(row, person),
            os.fspath(paths[row.photo][0]),
            paths[row.photo][1] is not PlaceState.PRESENT,
        )
        for row in rows
    ]


def _rows(db: Database, person: Person, min_face: int) -> list[FaceRow]:
    rows = showing.face_rows(db, (person.id, *person.aliases), min_face=min_face)
    return sorted(rows, key=lambda row: (-row.quality, row.id))


def _status(row: FaceRow, person: Person) -> FaceStatus:
    if person.ignored:
        return FaceStatus.IGNORED
    return FaceStatus.CONFIRMED if row.confirmed else FaceStatus.AUTOMATIC


def faces_of(db: Database, person: Person, *, min_face: int) -> list[SeenFace]:
    """Return the faces of a person, best first, with all that is known of them."""
    return seen_faces(db, person, _rows(db, person, min_face), min_face=min_face)


def seen_faces(
    db: Database, person: Person, rows: Sequence[FaceRow], *, min_face: int
) -> list[SeenFace]:
    """Return some faces of a person, in their order, with all that is known of them."""
    from facesort.catalog import photos as catalog  # noqa: PLC0415 - brings NumPy along

    faces = catalog.faces_of(db, [row.id for row in rows], min_face=min_face)
    found = {face.id: face for face in faces}
    photos = places.photos(db, {row.photo for row in rows})
    return [
        SeenFace(found[row.id], person.id, person.name, _status(row, person), photos[row.photo])
        for row in rows
    ]


def every_face(db: Database, *, min_face: int) -> Iterator[SeenFace]:
    """Yield every face, in anchor order."""
    from facesort.catalog import photos as catalog  # noqa: PLC0415 - brings NumPy along
    from facesort.jobs.showing.part import owners_of, status_of  # noqa: PLC0415 - likewise

    names, ignored = showing.names(db), showing.ignored(db)
    for block in catalog.stream_faces(db, min_face=min_face):
        owners = owners_of(db, [face.id for face in block])
        photos = places.photos(db, {face.photo_id for face in block})
        for face in block:
            said = owners[face.id]
            yield SeenFace(
                face,
                said.owner,
                None if said.owner is None else names.get(said.owner),
                status_of(said, is_ignored=said.owner in ignored),
                photos[face.photo_id],
            )

"""Who is shown, ready to be read: derived tables, and what has changed since they were filled.

`jobs.showing.shown` fills them. The database itself notes every change to faces, places, anchors
and assignments (`stale_photos`, `stale_people`); what was decided since is told by the stamp.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from facesort.catalog.showing import FACE_COUNTS, FaceRow, PersonRow, as_faces
from facesort.domain import FaceId, PersonId, PhotoId

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from facesort.catalog.connection import Database

__all__ = [
    "SaidRow",
    "Stale",
    "Stamp",
    "all_face_rows",
    "change_people",
    "change_said",
    "count_stale",
    "is_fresh",
    "mark_fresh",
    "people_of_photos",
    "photos_said",
    "replace_everything",
    "said",
    "said_on",
    "stale",
    "stamp",
]

# Belongs to the rules by which the tables are filled: another number fills them anew.
_VERSION = 2


@dataclass(frozen=True, slots=True)
class SaidRow:
    """A face of which a decision says something else, or more, than the last grouping.

    Args:
        photo: its photo.
        person: the identity beneath merges; None: nobody's.
        confirmed: it never moves by itself.
        not_face: it is none.
    """

    photo: PhotoId
    person: PersonId | None
    confirmed: bool
    not_face: bool


@dataclass(frozen=True, slots=True)
class Stale:
    """What has changed since the tables were filled."""

    photos: frozenset[PhotoId]
    people: frozenset[PersonId]


@dataclass(frozen=True, slots=True)
class Stamp:
    """What the tables were filled from.

    Args:
        min_face: faces with a shorter side did not count, pixels.
        decision: the last one that was known.
    """

    min_face: int
    decision: int


def stamp(db: Database) -> Stamp | None:
    """Return what the tables were filled from, None when they cannot be used."""
    try:
        version, min_face, decision = map(int, db.meta("shown").split())
    except ValueError:
        return None
    return Stamp(min_face, decision) if version == _VERSION else None


def is_fresh(db: Database, *, min_face: int) -> bool:
    """Whether the tables say what is so now."""
    found = stamp(db)
    if found is None or found.min_face != min_face:
        return False
    (last, photo, person) = db.execute(
        """SELECT (SELECT COALESCE(MAX(id), 0) FROM decisions),
               EXISTS (SELECT 1 FROM stale_photos), EXISTS (SELECT 1 FROM stale_people)"""
    ).fetchone()
    return found.decision == last and not photo and not person


def mark_fresh(db: Database, seen: Stamp) -> None:
    """Say that the tables are up to date; belongs inside the transaction that made them so."""
    before = stamp(db)
    if before is None or before.min_face != seen.min_face:  # other faces stand for people now
        db.execute("DELETE FROM descriptors")
    db.execute("DELETE FROM stale_photos")
    db.execute("DELETE FROM stale_people")
    db.set_meta("shown", f"{_VERSION} {seen.min_face} {seen.decision}")


def count_stale(db: Database) -> tuple[int, int]:
    """Return how many photos and how many people have changed."""
    photos, persons = db.execute(
        "SELECT (SELECT COUNT(*) FROM stale_photos), (SELECT COUNT(*) FROM stale_people)"
    ).fetchone()
    return photos, persons


def stale(db: Database) -> Stale:
    """Return what has changed."""
    return Stale(
        frozenset(PhotoId(photo) for (photo,) in db.rows("SELECT photo_id FROM stale_photos")),
        frozenset(PersonId(person) for (person,) in db.rows("SELECT person_id FROM stale_people")),
    )


def all_face_rows(
    db: Database, said: Mapping[FaceId, SaidRow], *, min_face: int
) -> Iterator[list[FaceRow]]:
    """Yield everybody's faces, some thousand at a time.

    Args:
        db: the catalog.
        said: what decisions say; the table of it is not read.
        min_face: faces with a shorter side are left out, pixels.
    """
    for rows in db.blocks(
        f"""SELECT f.id, f.photo_id, f.quality, a.person_id, 0 FROM assignments a
            JOIN faces f ON f.id = a.face_id WHERE {FACE_COUNTS} ORDER BY a.face_id""",  # noqa: S608 - constants
        (min_face,),
    ):
        yield as_faces(row for row in rows if row[0] not in said)
    spoken = {face: row for face, row in said.items() if row.person and not row.not_face}
    for rows in db.blocks(
        f"""SELECT f.id, f.photo_id, f.quality FROM json_each(?) j JOIN faces f ON f.id = j.value
            WHERE {FACE_COUNTS}""",  # noqa: S608 - constants
        (json.dumps(list(spoken)), min_face),
    ):
        yield as_faces((*row, spoken[row[0]].person, spoken[row[0]].confirmed) for row in rows)


def people_of_photos(db: Database, photos: Collection[PhotoId]) -> set[PersonId]:
    """Return everybody whom the last grouping or a decision saw on some photos."""
    return {
        PersonId(person)
        for (person,) in db.rows(
            """SELECT a.person_id FROM json_each(?1) j JOIN faces f ON f.photo_id = j.value
               JOIN assignments a ON a.face_id = f.id
               UNION SELECT s.person_id FROM json_each(?1) j
               JOIN said_faces s ON s.photo_id = j.value WHERE s.person_id IS NOT NULL""",
            (json.dumps(list(photos)),),
        )
    }


def photos_said(db: Database, persons: Collection[PersonId]) -> set[PhotoId]:
    """Return the photos with a face of some identities of which something is said."""
    return {
        PhotoId(photo)
        for (photo,) in db.rows(
            """SELECT s.photo_id FROM json_each(?1) j JOIN said_faces s ON s.person_id = j.value
               UNION SELECT s.photo_id FROM said_faces s JOIN assignments a USING (face_id)
               WHERE a.person_id IN (SELECT value FROM json_each(?1))""",
            (json.dumps(list(persons)),),
        )
    }


def said(db: Database) -> dict[FaceId, SaidRow]:
    """Return all that the table says."""
    return _said(db, "said_faces s", ())


def said_on(db: Database, photos: Collection[PhotoId]) -> dict[FaceId, SaidRow]:
    """Return what the table says of the faces on some photos."""
    tables = "json_each(?) j JOIN said_faces s ON s.photo_id = j.value"
    return _said(db, tables, (json.dumps(list(photos)),))


def _said(db: Database, tables: str, values: tuple[str, ...]) -> dict[FaceId, SaidRow]:
    return {
        FaceId(face): SaidRow(photo, person, bool(confirmed), bool(not_face))
        for face, photo, person, confirmed, not_face in db.rows(
            f"SELECT s.face_id, s.photo_id, s.person_id, s.confirmed, s.not_face FROM {tables}",  # noqa: S608 - constants
            values,
        )
    }


# -- writing: belongs inside a transaction -------------------------------------------------------


def change_said(db: Database, gone: Iterable[FaceId], said: Mapping[FaceId, SaidRow]) -> None:
    """Forget what is said of some faces, and write what is said of others."""
    # A row is never replaced: the triggers would not hear of the one that goes.
    db.executemany("DELETE FROM said_faces WHERE face_id = ?", [(face,) for face in (*gone, *said)])
    db.executemany(
        "INSERT INTO said_faces VALUES (?, ?, ?, ?, ?)",
        [(face, r.photo, r.person, r.confirmed, r.not_face) for face, r in said.items()],
    )


def change_people(
    db: Database,
    touched: Collection[PersonId],
    rows: Iterable[PersonRow],
    merges: Mapping[PersonId, tuple[PersonId, int]],
) -> None:
    """Write some people anew.

    Args:
        db: the catalog.
        touched: identities whose rows go, whether others come or not.
        rows: those of them that are shown.
        merges: those of them that were merged away: survivor and position.
    """
    gone = [(person,) for person in touched]
    db.executemany("DELETE FROM shown_people WHERE person_id = ?", gone)
    db.executemany("INSERT INTO shown_people VALUES (?, ?, ?, ?, ?, ?, ?, ?)", _values(rows))
    before = _merges(
        db,
        "json_each(?) j JOIN shown_merges m ON m.person_id = j.value",
        (json.dumps(list(touched)),),
    )
    _change_merges(db, before, merges)


def replace_everything(
    db: Database,
    said: Mapping[FaceId, SaidRow],
    rows: Iterable[PersonRow],
    merges: Mapping[PersonId, tuple[PersonId, int]],
) -> None:
    """Write all tables anew; see `change_people`.

    Where a row says what it said, it is left alone: what stands for those people stays too.
    """
    before = _said(db, "said_faces s", ())
    changed = {face: row for face, row in said.items() if before.get(face) != row}
    change_said(db, [face for face in before if face not in said], changed)
    db.execute("DELETE FROM shown_people")
    change_people(db, (), rows, {})
    _change_merges(db, _merges(db, "shown_merges m", ()), merges)


def _merges(
    db: Database, tables: str, values: tuple[str, ...]
) -> dict[PersonId, tuple[PersonId, int]]:
    return {
        PersonId(person): (PersonId(survivor), position)
        for person, survivor, position in db.rows(
            f"SELECT m.person_id, m.survivor, m.position FROM {tables}",  # noqa: S608 - constants
            values,
        )
    }


def _change_merges(
    db: Database,
    before: Mapping[PersonId, tuple[PersonId, int]],
    merges: Mapping[PersonId, tuple[PersonId, int]],
) -> None:
    gone = [(person,) for person, merge in before.items() if merges.get(person) != merge]
    db.executemany("DELETE FROM shown_merges WHERE person_id = ?", gone)
    db.executemany(
        "INSERT INTO shown_merges VALUES (?, ?, ?)",
        [(p, *merge) for p, merge in merges.items() if before.get(p) != merge],
    )


def _values(rows: Iterable[PersonRow]) -> list[tuple[object, ...]]:
    return [
        (r.id, r.named_at, r.faces, r.photos, r.cover, r.confirmed, r.ignored, r.picked)
        for r in sorted(rows, key=lambda row: row.id)
    ]

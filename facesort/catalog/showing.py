"""Reading who is shown: people, whom they are made of, and their faces.

The tables are right if `shown.is_fresh` says so; whoever reads them makes sure of that before.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from facesort.domain import FaceId, PersonId, PhotoId

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from facesort.catalog.connection import Database

__all__ = [
    "FACE_COUNTS",
    "FaceRow",
    "PersonRow",
    "aliases",
    "best_covers",
    "count_people",
    "count_shown",
    "face_counts",
    "face_rows",
    "faces_beside",
    "held_faces",
    "ignored",
    "known_people",
    "members",
    "merges",
    "names",
    "people",
    "said_of",
    "survivors",
]


class PersonRow(NamedTuple):
    """One person as shown, without the list of faces; a tuple, because there may be 100,000.

    Args:
        id: of the survivor, where people were merged.
        name: a label, or None.
        faces: how many.
        photos: how many distinct ones.
        cover: the face that stands for the person, None when no face is left.
        confirmed: how many of the faces the user has confirmed.
        ignored: the user asked not to be shown this person.
        named_at: the decision that gave the name; None without one.
        picked: the user chose the cover.
    """

    id: PersonId
    name: str | None
    faces: int
    photos: int
    cover: FaceId | None
    confirmed: int
    ignored: bool
    named_at: int | None
    picked: bool = False


class FaceRow(NamedTuple):
    """One face that belongs to somebody; a tuple, because there may be a million.

    Args:
        id: the face.
        photo: its photo.
        quality: 0..1.
        person: the identity beneath merges; from `faces_beside` also None.
        confirmed: it never moves by itself.
    """

    id: FaceId
    photo: PhotoId
    quality: float
    person: PersonId
    confirmed: bool


def people(db: Database, persons: Collection[PersonId] | None = None) -> list[PersonRow]:
    """Return people as shown: most photos first, then most faces, then by name and id.

    Args:
        db: the catalog.
        persons: only these; None: everybody.
    """
    if persons is None:
        return _in_order(db, "shown_people", ())
    tables = "json_each(?) j JOIN shown_people ON person_id = j.value"
    return _in_order(db, tables, (json.dumps(list(persons)),))


def known_people(db: Database, *, min_photos: int) -> list[PersonRow]:
    """Return those with a name, or on so many photos, that are not ignored; in that order."""
    rows = _in_order(
        db,
        "shown_people WHERE NOT ignored AND (photos >= ? OR named_at IS NOT NULL)",
        (min_photos,),
    )
    return [row for row in rows if row.photos >= min_photos or row.name is not None]


def _in_order(db: Database, tables: str, values: tuple[object, ...]) -> list[PersonRow]:
    called = names(db)
    found = db.rows(f"SELECT {_PERSON} FROM {tables}", values)  # noqa: S608 - constants
    rows = [PersonRow._make(row) for row in found]
    covers = best_covers(db)
    if covers:
        rows = [
            row if row.picked or row.id not in covers else row._replace(cover=covers[row.id])
            for row in rows
        ]
    if called:
        rows = [
            row if row.named_at is None else row._replace(name=called.get(row.id)) for row in rows
        ]
    # Named ones before others, where all else is equal.
    return sorted(rows, key=lambda row: (-row.photos, -row.faces, row.name or _LAST, row.id))


_PERSON = "person_id, NULL, faces, photos, cover, confirmed, ignored, named_at, picked"
_LAST = "\U0010ffff"


def best_covers(db: Database) -> dict[PersonId, FaceId]:
    """Return the cover of those whose best face is no good one: it may not be theirs at all."""
    return {
        PersonId(person): FaceId(face)
        for person, face in db.rows(
            """SELECT person_id, cover FROM descriptors WHERE cover NOTNULL
               AND model = (SELECT value FROM meta WHERE key = 'grouped_model')"""
        )
    }


def names(db: Database) -> dict[PersonId, str]:
    """Return the names of everybody who has one, as shown."""
    return {
        PersonId(person): name
        for person, name in db.rows(
            """SELECT s.person_id, n.text FROM shown_people s
               JOIN decisions d ON d.id = s.named_at JOIN names n ON n.id = d.name_id
               WHERE s.named_at IS NOT NULL AND n.text IS NOT NULL"""
        )
    }


def ignored(db: Database) -> set[PersonId]:
    """Return whom the user does not want to see."""
    rows = db.rows("SELECT person_id FROM shown_people WHERE ignored")
    return {PersonId(person) for (person,) in rows}


def count_people(db: Database) -> int:
    """Return how many people have a face or a name."""
    row = db.execute("SELECT COUNT(*) FROM shown_people WHERE faces > 0").fetchone()
    without = "SELECT person_id FROM shown_people WHERE faces = 0 AND named_at IS NOT NULL"
    called = names(db)
    return int(row[0]) + sum(person in called for (person,) in db.rows(without))


def count_shown(db: Database) -> tuple[int, int]:
    """Return how many people there are that are not ignored, and that are."""
    row = db.execute(
        "SELECT COUNT(*) - COALESCE(SUM(ignored), 0), COALESCE(SUM(ignored), 0) FROM shown_people"
    ).fetchone()
    return row[0], row[1]


def face_counts(db: Database) -> dict[PersonId, int]:
    """Return how many faces everybody has who has one."""
    rows = db.rows("SELECT person_id, faces FROM shown_people WHERE faces > 0")
    return {PersonId(person): faces for person, faces in rows}


def held_faces(db: Database) -> int:
    """Return how many faces belong to somebody."""
    return int(db.execute("SELECT COALESCE(SUM(faces), 0) FROM shown_people").fetchone()[0])


def survivors(db: Database, persons: Iterable[PersonId]) -> dict[PersonId, PersonId]:
    """Return for each identity whom it is shown as."""
    wanted = list(dict.fromkeys(persons))
    found = {
        PersonId(person): PersonId(survivor)
        for person, survivor in db.rows(
            """SELECT m.person_id, m.survivor FROM json_each(?) j
               JOIN shown_merges m ON m.person_id = j.value""",
            (json.dumps(wanted),),
        )
    }
    return {person: found.get(person, person) for person in wanted}


def merges(db: Database) -> dict[PersonId, PersonId]:
    """Return everybody who was merged away, and whom they are shown as."""
    rows = db.rows("SELECT person_id, survivor FROM shown_merges")
    return {PersonId(person): PersonId(survivor) for person, survivor in rows}


def aliases(db: Database, persons: Iterable[PersonId]) -> dict[PersonId, tuple[PersonId, ...]]:
    """Return for each survivor who was merged into it, in the order they came."""
    found: dict[PersonId, list[PersonId]] = {person: [] for person in persons}
    for survivor, person in db.rows(
        """SELECT m.survivor, m.person_id FROM json_each(?) j
           JOIN shown_merges m ON m.survivor = j.value ORDER BY m.survivor, m.position""",
        (json.dumps(list(found)),),
    ):
        found[PersonId(survivor)].append(PersonId(person))
    return {person: tuple(merged) for person, merged in found.items()}


def members(db: Database, persons: Iterable[PersonId]) -> dict[PersonId, PersonId]:
    """Return every identity that is shown as one of these survivors, and as which."""
    merged = aliases(db, persons)
    return {
        identity: survivor
        for survivor, others in merged.items()
        for identity in (survivor, *others)
    }


# A face counts if it is large enough and its photo has a place.
FACE_COUNTS = """MIN(f.right - f.left, f.bottom - f.top) >= ?
    AND EXISTS (SELECT 1 FROM places l WHERE l.photo_id = f.photo_id)"""


def face_rows(db: Database, identities: Collection[PersonId], *, min_face: int) -> list[FaceRow]:
    """Return the faces of some identities, as the decisions have it; `said_faces` is up to date."""
    wanted = json.dumps(list(identities))
    return as_faces(
        db.rows(
            f"""SELECT f.id, f.photo_id, f.quality, a.person_id, 0
                FROM json_each(?) j JOIN assignments a ON a.person_id = j.value
                JOIN faces f ON f.id = a.face_id
                WHERE NOT EXISTS (SELECT 1 FROM said_faces s WHERE s.face_id = a.face_id)
                  AND {FACE_COUNTS}
                UNION ALL
                SELECT f.id, f.photo_id, f.quality, s.person_id, s.confirmed
                FROM json_each(?) j JOIN said_faces s ON s.person_id = j.value
                JOIN faces f ON f.id = s.face_id WHERE NOT s.not_face AND {FACE_COUNTS}""",  # noqa: S608 - constants
            (wanted, min_face, wanted, min_face),
        )
    )


def faces_beside(db: Database, faces: Collection[FaceId], *, min_face: int) -> list[FaceRow]:
    """Return all faces on the photos of some faces; whose the last grouping said they are, or None.

    Faces that a decision speaks of are among them, as the grouping had them.
    """
    return as_faces(
        db.rows(
            f"""SELECT f.id, f.photo_id, f.quality, a.person_id, 0
                FROM (SELECT DISTINCT g.photo_id FROM json_each(?) j
                      JOIN faces g ON g.id = j.value) p
                JOIN faces f ON f.photo_id = p.photo_id
                LEFT JOIN assignments a ON a.face_id = f.id WHERE {FACE_COUNTS}""",  # noqa: S608 - constants
            (json.dumps(list(faces)), min_face),
        )
    )


def as_faces(rows: Iterable[tuple[Any, ...]]) -> list[FaceRow]:
    """Name the columns of rows."""
    return list(map(FaceRow._make, rows))


def said_of(
    db: Database, faces: Collection[FaceId]
) -> dict[FaceId, tuple[PersonId | None, bool, bool]]:
    """Return what decisions say of some faces: identity, confirmed, no face; of others nothing."""
    return {
        FaceId(face): (person, bool(confirmed), bool(not_face))
        for face, person, confirmed, not_face in db.rows(
            """SELECT s.face_id, s.person_id, s.confirmed, s.not_face FROM json_each(?) j
               JOIN said_faces s ON s.face_id = j.value""",
            (json.dumps(list(faces)),),
        )
    }

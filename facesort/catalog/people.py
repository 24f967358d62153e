"""Identities and what the last grouping assigned to them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from facesort.catalog.connection import now
from facesort.domain import Anchor, Box, FaceId, PersonId

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from facesort.catalog.connection import Database

__all__ = [
    "add_anchors",
    "assigned",
    "assignments",
    "corners",
    "count_assigned",
    "count_grouped",
    "count_unassigned",
    "existing",
    "exists",
    "found",
    "found_all",
    "founder",
    "founding_anchors",
    "publish",
    "publish_changes",
    "put_repeats",
    "repeats",
]


def corners(anchor: Anchor) -> tuple[str, float, float, float, float]:
    """Return an anchor as the columns of its table."""
    box = anchor.box
    return anchor.content_key, box.left, box.top, box.right, box.bottom


def add_anchors(db: Database, rows: Sequence[tuple[str, float, float, float, float]]) -> None:
    """Make the rows of anchors that have none yet; belongs inside a transaction."""
    db.executemany(
        """INSERT INTO anchors (content_key, left, top, right, bottom) VALUES (?, ?, ?, ?, ?)
           ON CONFLICT DO NOTHING""",
        list(rows),
    )


def exists(db: Database, person: PersonId) -> bool:
    """Whether an id was ever given."""
    return db.execute("SELECT 1 FROM people WHERE id = ?", (person,)).fetchone() is not None


def founder(db: Database, person: PersonId) -> Anchor | None:
    """Return the face an identity was founded on; None for forgotten and unknown ones."""
    row = db.execute(
        """SELECT a.content_key, a.left, a.top, a.right, a.bottom FROM people p
           JOIN anchors a ON a.id = p.anchor_id WHERE p.id = ? AND a.content_key IS NOT NULL""",
        (person,),
    ).fetchone()
    return None if row is None else Anchor(row[0], Box(*row[1:]))


def existing(db: Database, among: Collection[PersonId] | None = None) -> set[PersonId]:
    """Return every identity ever founded, or those among some ids."""
    if among is None:
        return {PersonId(person) for (person,) in db.rows("SELECT id FROM people")}
    found = db.rows(
        "SELECT p.id FROM json_each(?) j JOIN people p ON p.id = j.value",
        (json.dumps(list(among)),),
    )
    return {PersonId(person) for (person,) in found}


def founding_anchors(db: Database) -> dict[PersonId, Anchor]:
    """Return the face each identity was founded on; forgotten people are left out."""
    return {
        PersonId(person): Anchor(key, Box(left, top, right, bottom))
        for person, key, left, top, right, bottom in db.rows(
            """SELECT p.id, a.content_key, a.left, a.top, a.right, a.bottom FROM people p
               JOIN anchors a ON a.id = p.anchor_id WHERE a.content_key IS NOT NULL"""
        )
    }


def found(db: Database, person: PersonId, anchor: Anchor) -> None:
    """Add an identity; belongs inside a transaction."""
    found_all(db, {person: anchor})


def found_all(db: Database, founders: Mapping[PersonId, Anchor]) -> None:
    """Add identities, each with the face it is founded on; belongs inside a transaction."""
    rows = sorted((corners(anchor), person) for person, anchor in founders.items())
    add_anchors(db, [anchor for anchor, _ in rows])
    time = now()
    db.executemany(
        """INSERT INTO people (id, anchor_id, founded_at)
           SELECT ?, id, ? FROM anchors
           WHERE content_key = ? AND left = ? AND top = ? AND right = ? AND bottom = ?
           ON CONFLICT DO NOTHING""",
        [(person, time, *anchor) for anchor, person in rows],
    )


def assignments(db: Database) -> dict[FaceId, PersonId]:
    """Return the identity of every assigned face."""
    everybody: dict[str, PersonId] = {}  # many faces share one id: one string for all of them
    owners: dict[FaceId, PersonId] = {}
    for rows in db.blocks("SELECT face_id, person_id FROM assignments ORDER BY face_id"):
        owners |= {
            FaceId(face): everybody.setdefault(person, PersonId(person)) for face, person in rows
        }
    return owners


def assigned(db: Database, faces: Iterable[FaceId]) -> dict[FaceId, PersonId]:
    """Return the identity of some faces; those that nobody has are left out."""
    return {
        FaceId(face): PersonId(person)
        for face, person in db.rows(
            """SELECT a.face_id, a.person_id FROM json_each(?) j
               JOIN assignments a ON a.face_id = j.value""",
            (json.dumps(list(faces)),),
        )
    }


def publish(
    db: Database, owners: Mapping[FaceId, PersonId], unassigned: Collection[FaceId] = ()
) -> None:
    """Replace what the last grouping said; belongs inside a transaction.

    Only differences are written, in the order of the table.

    Args:
        db: the catalog.
        owners: the identity of every face that has one.
        unassigned: faces that were grouped and belong to nobody.
    """
    before = assignments(db)
    left = [face for face in before if face not in owners]
    changed = [face for face, person in owners.items() if before.get(face) != person]
    _write(db, {face: owners[face] for face in changed}, left)
    known = {FaceId(face) for (face,) in db.rows("SELECT face_id FROM unassigned")}
    nobody = set(unassigned)
    db.executemany(_NOT_UNASSIGNED, [(face,) for face in sorted(known - nobody)])
    db.executemany(_UNASSIGNED, [(face,) for face in sorted(nobody - known)])


def count_grouped(db: Database) -> int:
    """Return how many identities the last grouping gave a face."""
    return int(db.execute("SELECT COUNT(DISTINCT person_id) FROM assignments").fetchone()[0])


def count_assigned(db: Database) -> int:
    """Return how many faces have an identity."""
    return int(db.execute("SELECT COUNT(*) FROM assignments").fetchone()[0])


def count_unassigned(db: Database) -> int:
    """Return how many faces the last grouping saw and gave to nobody."""
    return int(db.execute("SELECT COUNT(*) FROM unassigned").fetchone()[0])


def repeats(db: Database) -> list[tuple[FaceId, FaceId]]:
    """Return pairs of faces by which a photo seems to show one person twice."""
    return [
        (FaceId(face), FaceId(other))
        for face, other in db.rows("SELECT face_id, other_id FROM repeats ORDER BY 1, 2")
    ]


def put_repeats(db: Database, pairs: Iterable[tuple[FaceId, FaceId]], *, everything: bool) -> None:
    """Store such pairs; belongs inside a transaction.

    Args:
        db: the catalog.
        pairs: what a grouping found.
        everything: it looked at all faces: what was found before is replaced.
    """
    if everything:
        db.execute("DELETE FROM repeats")
    db.executemany(
        "INSERT INTO repeats VALUES (?, ?) ON CONFLICT DO NOTHING",
        sorted((min(pair), max(pair)) for pair in pairs),
    )


def publish_changes(
    db: Database, owners: Mapping[FaceId, PersonId], unassigned: Collection[FaceId] = ()
) -> None:
    """Change what the last grouping said of some faces only; belongs inside a transaction.

    Args:
        db: the catalog.
        owners: faces and the identity that each has from now on.
        unassigned: faces that were grouped and belong to nobody.
    """
    _write(db, owners, unassigned)
    db.executemany(_NOT_UNASSIGNED, [(face,) for face in sorted(owners)])
    db.executemany(_UNASSIGNED, [(face,) for face in sorted(unassigned)])


_UNASSIGNED = "INSERT INTO unassigned VALUES (?) ON CONFLICT DO NOTHING"
_NOT_UNASSIGNED = "DELETE FROM unassigned WHERE face_id = ?"


def _write(db: Database, owners: Mapping[FaceId, PersonId], nobody: Iterable[FaceId]) -> None:
    # Sorted: each page of the table is then touched once.
    db.executemany("DELETE FROM assignments WHERE face_id = ?", [(f,) for f in sorted(nobody)])
    db.executemany(
        """INSERT INTO assignments (face_id, person_id) VALUES (?, ?)
           ON CONFLICT (face_id) DO UPDATE SET person_id = excluded.person_id""",
        [(face, owners[face]) for face in sorted(owners)],
    )

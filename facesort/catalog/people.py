"""Identities and what the last grouping assigned to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facesort.catalog.connection import now
from facesort.domain import Anchor, Box, FaceId, PersonId

if TYPE_CHECKING:
    from collections.abc import Mapping

    from facesort.catalog.connection import Database

__all__ = ["anchor_id", "assignments", "existing", "found", "founding_anchors", "publish"]


def anchor_id(db: Database, anchor: Anchor) -> int:
    """Find or make the row of an anchor; belongs inside a transaction."""
    box = anchor.box
    values = (anchor.content_key, box.left, box.top, box.right, box.bottom)
    row = db.execute(
        """SELECT id FROM anchors WHERE content_key = ? AND left = ? AND top = ? AND right = ?
           AND bottom = ?""",
        values,
    ).fetchone()
    if row is not None:
        return int(row[0])
    cursor = db.execute(
        "INSERT INTO anchors (content_key, left, top, right, bottom) VALUES (?, ?, ?, ?, ?)", values
    )
    return int(cursor.lastrowid or 0)


def existing(db: Database) -> set[PersonId]:
    """Return every identity ever founded."""
    return {PersonId(person) for (person,) in db.rows("SELECT id FROM people")}


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
    db.execute(
        "INSERT INTO people (id, anchor_id, founded_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        (person, anchor_id(db, anchor), now()),
    )


def assignments(db: Database) -> dict[FaceId, PersonId]:
    """Return the identity of every assigned face."""
    return {
        FaceId(face): PersonId(person)
        for face, person in db.rows("SELECT face_id, person_id FROM assignments")
    }


def publish(db: Database, owners: Mapping[FaceId, PersonId]) -> None:
    """Replace all assignments; belongs inside a transaction. Only differences are written."""
    before = assignments(db)
    db.executemany(
        "DELETE FROM assignments WHERE face_id = ?",
        [(face,) for face in before if face not in owners],
    )
    db.executemany(
        """INSERT INTO assignments (face_id, person_id) VALUES (?, ?)
           ON CONFLICT (face_id) DO UPDATE SET person_id = excluded.person_id""",
        [(face, person) for face, person in owners.items() if before.get(face) != person],
    )

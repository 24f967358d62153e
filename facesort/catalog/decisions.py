"""The append-only log of what the user said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facesort.catalog.connection import now
from facesort.catalog.people import anchor_id
from facesort.domain import (
    Anchor,
    Box,
    Decision,
    DecisionFace,
    FaceRole,
    PersonId,
    Verdict,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from facesort.catalog.connection import Database

__all__ = ["append", "last_id", "log"]


def append(
    db: Database,
    verdict: Verdict,
    *,
    people: Sequence[PersonId] = (),
    name: str | None = None,
    faces: Iterable[DecisionFace] = (),
    target: int | None = None,
) -> int:
    """Add one decision and return its id; belongs inside a transaction."""
    name_id = None
    if name is not None:
        name_id = db.execute("INSERT INTO names (text) VALUES (?)", (name,)).lastrowid
    cursor = db.execute(
        "INSERT INTO decisions (made_at, verdict, name_id, target) VALUES (?, ?, ?, ?)",
        (now(), verdict.value, name_id, target),
    )
    decision_id = int(cursor.lastrowid or 0)
    db.executemany(
        "INSERT INTO decision_people VALUES (?, ?, ?)",
        [(decision_id, position, person) for position, person in enumerate(people)],
    )
    db.executemany(
        "INSERT INTO decision_faces VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        [(decision_id, anchor_id(db, f.anchor), f.person, f.role.value) for f in faces],
    )
    return decision_id


def last_id(db: Database) -> int:
    """Return the id of the newest decision, 0 when there is none."""
    return int(db.execute("SELECT COALESCE(MAX(id), 0) FROM decisions").fetchone()[0])


def log(db: Database) -> list[Decision]:
    """Return the whole log, oldest first."""
    people: dict[int, list[PersonId]] = {}
    for decision_id, person in db.rows(
        "SELECT decision_id, person_id FROM decision_people ORDER BY decision_id, position"
    ):
        people.setdefault(decision_id, []).append(PersonId(person))
    faces: dict[int, list[DecisionFace]] = {}
    for decision_id, person, role, key, left, top, right, bottom in db.rows(
        """SELECT d.decision_id, d.person_id, d.role, a.content_key, a.left, a.top, a.right,
        a.bottom
           FROM decision_faces d JOIN anchors a ON a.id = d.anchor_id
           WHERE a.content_key IS NOT NULL
           ORDER BY d.decision_id, d.anchor_id, d.person_id, d.role"""
    ):
        anchor = Anchor(key, Box(left, top, right, bottom))
        faces.setdefault(decision_id, []).append(
            DecisionFace(anchor, PersonId(person), FaceRole(role))
        )
    return [
        Decision(
            decision_id,
            made_at,
            Verdict(verdict),
            tuple(people.get(decision_id, ())),
            name,
            tuple(faces.get(decision_id, ())),
            target,
        )
        for decision_id, made_at, verdict, name, target in db.rows(
            """SELECT d.id, d.made_at, d.verdict, n.text, d.target FROM decisions d
               LEFT JOIN names n ON n.id = d.name_id ORDER BY d.id"""
        )
    ]

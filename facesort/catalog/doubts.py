"""What the user could not say: kept, so that it is not asked again before there is more to see."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from facesort.catalog.connection import now
from facesort.catalog.people import add_anchors, corners
from facesort.domain import Anchor, Box, PersonId

if TYPE_CHECKING:
    from collections.abc import Sequence

    from facesort.catalog.connection import Database

__all__ = ["DoubtRow", "append", "every", "last_id", "standing", "take_back"]


class DoubtRow(NamedTuple):
    """One not-sure.

    Args:
        id: grows with every one.
        made_at: ISO 8601, UTC.
        kind: what was asked: the value of `review.questions.Kind`.
        answer: 'unsure', or 'no' where a no is not a decision about anybody.
        people: of whom, the subject first; of 'who' also those who were listed as guesses.
        anchors: of the faces that were asked about.
        sizes: how many faces each of the people had.
        last_decision: the newest decision at that time, 0 before the first.
    """

    id: int
    made_at: str
    kind: str
    answer: str
    people: tuple[PersonId, ...]
    anchors: tuple[Anchor, ...]
    sizes: tuple[int, ...]
    last_decision: int


def append(
    db: Database,
    kind: str,
    answer: str,
    *,
    people: Sequence[tuple[PersonId, int]],
    anchors: Sequence[Anchor] = (),
) -> int:
    """Add a not-sure and return its number; belongs inside a transaction.

    Args:
        db: the catalog.
        kind: what was asked.
        answer: 'unsure' or 'no'.
        people: of whom, and how many faces each has.
        anchors: of the faces that were asked about.
    """
    number = _add(db, kind, answer, None)
    db.executemany(
        "INSERT INTO doubt_people VALUES (?, ?, ?, ?)",
        [(number, position, *person) for position, person in enumerate(people)],
    )
    rows = [corners(anchor) for anchor in anchors]
    add_anchors(db, rows)
    db.executemany(
        """INSERT INTO doubt_anchors SELECT ?, ?, id FROM anchors
           WHERE content_key = ? AND left = ? AND top = ? AND right = ? AND bottom = ?""",
        [(number, position, *row) for position, row in enumerate(rows)],
    )
    return number


def take_back(db: Database, doubt: DoubtRow) -> int:
    """Say that one stands no longer; belongs inside a transaction."""
    return _add(db, doubt.kind, "undo", doubt.id)


def _add(db: Database, kind: str, answer: str, target: int | None) -> int:
    cursor = db.execute(
        """INSERT INTO doubts (made_at, kind, answer, last_decision, target)
           VALUES (?, ?, ?, (SELECT COALESCE(MAX(id), 0) FROM decisions), ?)""",
        (now(), kind, answer, target),
    )
    return int(cursor.lastrowid or 0)


def last_id(db: Database) -> int:
    """Return the number of the newest row, also of one that took another back; 0 without any."""
    return int(db.execute("SELECT COALESCE(MAX(id), 0) FROM doubts").fetchone()[0])


def standing(db: Database) -> list[DoubtRow]:
    """Return those that were not taken back, oldest first; forgotten faces are left out."""
    return [row for row, stands in every(db) if stands]


def every(db: Database) -> list[tuple[DoubtRow, bool]]:
    """Return all, oldest first, and whether each stands."""
    people: dict[int, list[tuple[PersonId, int]]] = {}
    for number, person, faces in db.rows(
        "SELECT doubt_id, person_id, faces FROM doubt_people ORDER BY doubt_id, position"
    ):
        people.setdefault(number, []).append((PersonId(person), faces))
    anchors: dict[int, list[Anchor]] = {}
    for number, key, left, top, right, bottom in db.rows(
        """SELECT d.doubt_id, a.content_key, a.left, a.top, a.right, a.bottom
           FROM doubt_anchors d JOIN anchors a ON a.id = d.anchor_id
           WHERE a.content_key IS NOT NULL ORDER BY d.doubt_id, d.position"""
    ):
        anchors.setdefault(number, []).append(Anchor(key, Box(left, top, right, bottom)))
    return [
        (
            DoubtRow(
                number,
                made_at,
                kind,
                answer,
                tuple(person for person, _ in people.get(number, ())),
                tuple(anchors.get(number, ())),
                tuple(faces for _, faces in people.get(number, ())),
                last,
            ),
            bool(stands),
        )
        for number, made_at, kind, answer, last, stands in db.rows(
            """SELECT id, made_at, kind, answer, last_decision,
                   NOT EXISTS (SELECT 1 FROM doubts u WHERE u.target = d.id)
               FROM doubts d WHERE answer != 'undo' ORDER BY id"""
        )
    ]

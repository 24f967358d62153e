"""What the user could not say: kept, so that it is not asked again before there is more to see.

A row is taken back by a row 'undo' whose target it is, and brought back by a copy of it whose
target it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from facesort.catalog.connection import now
from facesort.catalog.people import add_anchors, corners
from facesort.domain import Anchor, Box, PersonId

if TYPE_CHECKING:
    from collections.abc import Sequence

    from facesort.catalog.connection import Database

__all__ = [
    "DoubtEvent",
    "DoubtRow",
    "append",
    "bring_back",
    "events",
    "every",
    "last_id",
    "log",
    "standing",
    "take_back",
]


_UNDO = "undo"


class DoubtEvent(NamedTuple):
    """One row, without whom it is about.

    Args:
        id: grows with every one.
        last_decision: the newest decision at that time, 0 before the first.
        answer: 'unsure', 'no' or 'undo'.
        target: the row taken back, or brought back.
    """

    id: int
    last_decision: int
    answer: str
    target: int | None


class DoubtRow(NamedTuple):
    """One not-sure.

    Args:
        id: grows with every one.
        made_at: ISO 8601, UTC.
        kind: what was asked: the value of `review.questions.Kind`.
        answer: 'unsure', or 'no' where a no is not a decision about anybody; in the log also
            'undo'.
        people: of whom, the subject first; of 'who' also those who were listed as guesses.
        anchors: of the faces that were asked about.
        sizes: how many faces each of the people had.
        last_decision: the newest decision at that time, 0 before the first.
        target: what this row takes back or brings back, as it was first said; None of what was said
            newly.
    """

    id: int
    made_at: str
    kind: str
    answer: str
    people: tuple[PersonId, ...]
    anchors: tuple[Anchor, ...]
    sizes: tuple[int, ...]
    last_decision: int
    target: int | None = None


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
    cursor = db.execute(
        """INSERT INTO doubts (made_at, kind, answer, last_decision)
           VALUES (?, ?, ?, (SELECT COALESCE(MAX(id), 0) FROM decisions))""",
        (now(), kind, answer),
    )
    number = int(cursor.lastrowid or 0)
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


def take_back(db: Database, number: int) -> int:
    """Say that one stands no longer; belongs inside a transaction.

    Args:
        db: the catalog.
        number: of the row as it was first said, however often it was brought back since.
    """
    latest = _latest(db, number)
    return _copy(db, latest, _UNDO)


def bring_back(db: Database, number: int) -> int:
    """Say one again that was taken back, with the numbers of faces of that time.

    Args:
        db: the catalog.
        number: of the row as it was first said.
    """
    latest = _latest(db, number)
    made = _copy(db, latest, None)
    db.execute(
        """INSERT INTO doubt_people
           SELECT ?, position, person_id, faces FROM doubt_people WHERE doubt_id = ?""",
        (made, latest),
    )
    db.execute(
        """INSERT INTO doubt_anchors
           SELECT ?, position, anchor_id FROM doubt_anchors WHERE doubt_id = ?""",
        (made, latest),
    )
    return made


def _latest(db: Database, number: int) -> int:
    """Return the newest copy of a row."""
    return int(
        db.execute(
            """WITH RECURSIVE copies (id) AS (
                   SELECT ? UNION ALL
                   SELECT d.id FROM doubts d JOIN copies c ON d.target = c.id
                   WHERE d.answer != 'undo')
               SELECT MAX(id) FROM copies""",
            (number,),
        ).fetchone()[0]
    )


def _copy(db: Database, number: int, answer: str | None) -> int:
    """Add a row about another one, with the same answer if none is given."""
    cursor = db.execute(
        """INSERT INTO doubts (made_at, kind, answer, last_decision, target)
           SELECT ?, kind, COALESCE(?, answer), (SELECT COALESCE(MAX(id), 0) FROM decisions), id
           FROM doubts WHERE id = ?""",
        (now(), answer, number),
    )
    return int(cursor.lastrowid or 0)


def last_id(db: Database) -> int:
    """Return the number of the newest row, also of one that took another back; 0 without any."""
    return int(db.execute("SELECT COALESCE(MAX(id), 0) FROM doubts").fetchone()[0])


def standing(db: Database) -> list[DoubtRow]:
    """Return those that were not taken back, oldest first; forgotten faces are left out."""
    return [row for row, stands in every(db) if stands]


def events(db: Database) -> list[DoubtEvent]:
    """Return every row, oldest first, as far as undo and redo need it."""
    return [
        DoubtEvent(*row)
        for row in db.rows("SELECT id, last_decision, answer, target FROM doubts ORDER BY id")
    ]


def every(db: Database) -> list[tuple[DoubtRow, bool]]:
    """Return all that was said, oldest first, and whether it stands, perhaps again."""
    rows = log(db)
    stands = {row.id if row.target is None else row.target: row.answer != _UNDO for row in rows}
    return [(row, stands[row.id]) for row in rows if row.target is None]


def log(db: Database) -> list[DoubtRow]:
    """Return every row, oldest first, also those that take another one back."""
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
    found: list[DoubtRow] = []
    first: dict[int, int] = {}
    for number, made_at, kind, answer, last, target in db.rows(
        "SELECT id, made_at, kind, answer, last_decision, target FROM doubts ORDER BY id"
    ):
        first[number] = number if target is None else first[target]
        found.append(
            DoubtRow(
                number,
                made_at,
                kind,
                answer,
                tuple(person for person, _ in people.get(number, ())),
                tuple(anchors.get(number, ())),
                tuple(faces for _, faces in people.get(number, ())),
                last,
                None if target is None else first[target],
            )
        )
    return found

"""The append-only log of what the user said."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from facesort.catalog.connection import now
from facesort.catalog.people import add_anchors, corners
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

__all__ = ["Ballot", "Event", "answers", "append", "events", "last_id", "log", "make_one"]


class Event(NamedTuple):
    """One line of the log, without whom it is about.

    Args:
        id: grows with every one.
        verdict: value of the `Verdict`.
        target: of an undo or a redo, what it is about.
        group: the first of those that were made with one answer, or taken or brought back as one.
    """

    id: int
    verdict: str
    target: int | None
    group: int


class Ballot(NamedTuple):
    """A vote: a face that was there when something was said of its person. There may be many.

    Args:
        key: of the face's picture, as in its anchor.
        left, top, right, bottom: of the anchor's box, 0..1.
        person: the identity beneath merges.
    """

    key: str
    left: float
    top: float
    right: float
    bottom: float
    person: PersonId


def append(
    db: Database,
    verdict: Verdict,
    *,
    people: Sequence[PersonId] = (),
    name: str | None = None,
    faces: Iterable[DecisionFace] = (),
    votes: Iterable[Ballot] = (),
    target: int | None = None,
) -> int:
    """Add one decision and return its id; belongs inside a transaction.

    Args:
        db: the catalog.
        verdict: what was said.
        people: those spoken of, the subject first.
        name: the label, if one was given.
        faces: those spoken of.
        votes: those that were there.
        target: the decision taken back or brought back.
    """
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
    said = [(Ballot(*corners(face.anchor), face.person), face.role.value) for face in faces]
    said += [(ballot, FaceRole.VOTE.value) for ballot in votes]
    said.sort()  # each page of the tables is touched once
    add_anchors(db, [ballot[:5] for ballot, _ in said])
    db.executemany(
        """INSERT INTO decision_faces SELECT ?, id, ?, ? FROM anchors
           WHERE content_key = ? AND left = ? AND top = ? AND right = ? AND bottom = ?
           ON CONFLICT DO NOTHING""",
        [(decision_id, ballot.person, role, *ballot[:5]) for ballot, role in said],
    )
    return decision_id


def make_one(db: Database, made: Sequence[int]) -> None:
    """Note that decisions were made with one answer; belongs inside the transaction that did.

    Likewise of the lines by which several are taken back, or brought back, as one.
    """
    if len(made) > 1:
        db.executemany(
            "INSERT INTO answer_decisions VALUES (?, ?)", [(number, made[0]) for number in made]
        )


def answers(db: Database) -> dict[int, int]:
    """Return the first decision of the answer that each was made with, where it made several."""
    return dict(db.rows("SELECT decision_id, answer FROM answer_decisions"))


def events(db: Database) -> list[Event]:
    """Return the whole log, oldest first, as far as undo and redo need it."""
    return [
        Event(*row)
        for row in db.rows(
            """SELECT d.id, d.verdict, d.target, COALESCE(a.answer, d.id) FROM decisions d
               LEFT JOIN answer_decisions a ON a.decision_id = d.id ORDER BY d.id"""
        )
    ]


def last_id(db: Database) -> int:
    """Return the id of the newest decision, 0 when there is none."""
    return int(db.execute("SELECT COALESCE(MAX(id), 0) FROM decisions").fetchone()[0])


def log(db: Database, *, votes: bool = True) -> list[Decision]:
    """Return the whole log, oldest first.

    Args:
        db: the catalog.
        votes: with the faces that merely were there; False leaves them out, because only grouping
            needs them and there may be a million; shelters of rejected faces are no plain votes.
    """
    people: dict[int, list[PersonId]] = {}
    for decision_id, person in db.rows(
        "SELECT decision_id, person_id FROM decision_people ORDER BY decision_id, position"
    ):
        people.setdefault(decision_id, []).append(PersonId(person))
    faces: dict[int, list[DecisionFace]] = {}
    for decision_id, _, person, role, key, left, top, right, bottom in db.rows(
        _EVERY_FACE if votes else _SAID_FACES
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


_FACE = """d.decision_id, d.anchor_id, d.person_id, d.role, a.content_key, a.left, a.top, a.right,
    a.bottom"""
_EVERY_FACE = f"""SELECT {_FACE} FROM decision_faces d JOIN anchors a ON a.id = d.anchor_id
    WHERE a.content_key IS NOT NULL
    ORDER BY d.decision_id, d.anchor_id, d.person_id, d.role"""  # noqa: S608 - constants
# By the index `decision_faces_said`, and from its rejected faces to their shelters.
_SAID_FACES = f"""SELECT {_FACE} FROM decision_faces d JOIN anchors a ON a.id = d.anchor_id
    WHERE d.role != 'vote' AND a.content_key IS NOT NULL
    UNION ALL
    SELECT {_FACE} FROM decision_faces r
    JOIN decision_faces d ON d.decision_id = r.decision_id AND d.anchor_id = r.anchor_id
    JOIN anchors a ON a.id = d.anchor_id
    WHERE r.role != 'vote' AND r.role = 'rejected' AND d.role = 'vote'
      AND a.content_key IS NOT NULL
    ORDER BY 1, 2, 3, 4"""  # noqa: S608 - constants

"""Libraries to review: people in pieces, a few wrong faces, made of vectors."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from facesort.catalog import people
from facesort.domain import FaceId, PersonId
from facesort.jobs.grouping.options import GroupOptions
from facesort.review.questions import ALLOWED, Answer, Given, Kind
from tests.fakes import open_library
from tests.stored import Stock, shaped_stock, store

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    import numpy as np

    from facesort.jobs.showing.situation import Situation
    from facesort.library import Library
    from facesort.review.questions import Question
    from facesort.review.state import ReviewState

__all__ = [
    "in_pieces",
    "let_go",
    "open_pieces",
    "partition",
    "random_answer",
    "remembered",
    "spoil",
]


def in_pieces(folder: Path, faces: int = 240, *, min_cosine: float = 0.72) -> Stock:
    """Store faces and group them so carefully that people stay in pieces."""
    stock = shaped_stock(faces)
    with open_library(folder) as library:
        store(library, stock, stock.photos.tolist(), model_key=library._embedder.model_key)
        library.group(GroupOptions(min_cosine=min_cosine))
    return stock


def spoil(folder: Path) -> None:
    """Let the last grouping have erred: strangers' faces, two in one, and twice on a photo."""
    with open_library(folder, create=False) as library:
        db = library._db
        situation = library.situation()
        large = sorted(situation.people.by_id.values(), key=lambda p: (-len(p.faces), p.id))[:8]
        with db.transaction():
            for one, other in pairwise(large[:5]):
                db.execute(
                    "UPDATE assignments SET person_id = ? WHERE face_id = ?",
                    (one.id, min(other.faces)),
                )
            for one, other in ((large[5], large[6]),):
                db.execute(
                    "UPDATE assignments SET person_id = ? WHERE person_id = ?", (one.id, other.id)
                )
            people.put_repeats(db, _beside_each_other(situation), everything=False)


def let_go(library: Library, faces: Collection[FaceId]) -> None:
    """Let the last grouping have left faces with nobody."""
    with library._db.transaction():
        people.publish_changes(library._db, {}, faces)


def _beside_each_other(situation: Situation) -> list[tuple[FaceId, FaceId]]:
    """Return two pairs of faces, each of one photo."""
    by_photo: dict[int, list[FaceId]] = {}
    for face in situation.faces.values():
        by_photo.setdefault(face.photo_id, []).append(face.id)
    pairs = [(faces[0], faces[1]) for faces in by_photo.values() if len(faces) > 1]
    return pairs[:2]


def open_pieces(folder: Path) -> Library:
    """Open it again."""
    return open_library(folder, create=False)


def partition(library: Library) -> dict[str, object]:
    """Return everything a review may change, as the catalog has it."""
    situation = library.situation()
    return {
        "people": {
            person.id: (person.name, person.ignored, frozenset(person.faces))
            for person in situation.people.by_id.values()
        },
        "status": dict(situation.people.status),
        "different": set(situation.standing.different),
        "rejected": {
            anchor: set(people) for anchor, people in situation.standing.rejected.items() if people
        },
    }


def remembered(state: ReviewState) -> dict[str, tuple[str | None, bool, frozenset[FaceId]]]:
    """Return who is who in memory."""
    return {
        person: (
            state.name_of(person),
            bool(state.ignored[state.row(person)]),
            frozenset(state.faces_of(person)),
        )
        for person in state.people()
    }


def random_answer(
    question: Question, state: ReviewState, random: np.random.Generator, number: int
) -> Given:
    """Return some answer that the question takes, with things taken out now and then."""
    answers = sorted(ALLOWED[question.kind])
    answer = Answer(answers[int(random.integers(len(answers)))])
    named = [p for p in state.people() if state.name_of(p) and p not in question.people]
    if answer is Answer.PERSON and not named:
        answer = Answer.UNSURE
    but_people: tuple[PersonId, ...] = ()
    but_faces: tuple[FaceId, ...] = ()
    if answer in {Answer.YES, Answer.NAME, Answer.PERSON, Answer.IGNORE} and random.random() < 0.5:
        others = question.people[1:]
        most = len(others) - (question.kind is Kind.SAME)
        but_people = tuple(one for one in others[:most] if random.random() < 0.5)
        if question.kind in {Kind.BELONGS, Kind.ALSO, Kind.TWO}:
            but_faces = question.faces[1:][: int(random.integers(2))]
        elif question.kind in {Kind.WHO, Kind.SAME}:
            own = [f for p in question.people if p not in but_people for f in state.faces_of(p)]
            but_faces = tuple(own[1:2]) if len(state.faces_of(question.people[0])) > 2 else ()
    return Given(
        question.id,
        answer,
        f"Name {number}" if answer is Answer.NAME else None,
        named[int(random.integers(len(named)))] if answer is Answer.PERSON else None,
        but_people=but_people,
        but_faces=but_faces,
    )

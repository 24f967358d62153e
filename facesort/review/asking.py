"""Questions, made from rows."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import numpy as np

from facesort.review.questions import Guess, Kind, Question, question_id
from facesort.review.singles import MOST_SHOWN

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from facesort.domain import FaceId, PersonId
    from facesort.review.chances import Chances
    from facesort.review.neighbours import Neighbours
    from facesort.review.state import ReviewState
    from facesort.review.worth import Worth

__all__ = ["Asking"]

_MOST_GUESSES = 5
_LEAST_GUESS = 0.01

# A face of a person about whom something else is asked is pointed out if that much speaks for it.
_POINTED_OUT = 0.9


class Asking:
    """Makes questions.

    Args:
        state: the people.
        near: who is like whom.
        chances: how likely likenesses are.
        worth: what questions are worth.
    """

    def __init__(
        self, state: ReviewState, near: Neighbours, chances: Chances, worth: Worth
    ) -> None:
        self._state = state
        self._near = near
        self._chances = chances
        self._worth = worth

    def build(self, kind: Kind, subject: int) -> Question | None:
        """Return the question of a kind about a row (MIRROR: about a photo), None if it is none."""
        settles, cost, matters = self._worth.expected(kind, subject)
        if not settles * matters > 0:
            return None
        if kind is Kind.WHO:
            return self._who(subject, self._worth.parts_of(subject), settles, cost)
        if kind is Kind.SAME:
            return self._same(subject, self._worth.shown_with(subject), settles, cost)
        if kind is Kind.BELONGS:
            return self._belongs(subject, settles, cost)
        if kind is Kind.ALSO:
            return self._also(subject, settles, cost)
        if kind is Kind.TWO:
            return self._two(subject, settles, cost)
        return self._mirror(self._worth.singles.photos[subject], settles)

    def about(
        self, kind: Kind, people: tuple[PersonId, ...], faces: tuple[FaceId, ...] = ()
    ) -> Question:
        """Return a question about some people and faces, whatever it is worth.

        Raises:
            UnknownPerson: somebody is not there.
        """
        rows = list(dict.fromkeys(self._state.row(person) for person in people))
        if kind in {Kind.WHO, Kind.SAME}:
            others = [(row, self._worth.may_be(row).get(rows[0], 0.5)) for row in rows[1:]]
            make = self._who if kind is Kind.WHO else self._same
            return make(rows[0], others, 0.0, 1.0)
        ids = tuple(self._state.ids[row] for row in rows)
        guesses = self._guesses_for(rows[0], faces) if kind is not Kind.MIRROR else ()
        return Question(question_id(kind, ids, faces), kind, ids, faces, guesses=guesses)

    def _who(
        self, row: int, parts: Sequence[tuple[int, float]], settles: float, cost: float
    ) -> Question:
        guesses = self._guesses(self._worth.may_be(row))
        people = self._ids([row, *(other for other, _ in parts)])
        return Question(
            question_id(Kind.WHO, people),
            Kind.WHO,
            people,
            self._pointed_out([row, *(other for other, _ in parts)]),
            min(1.0, sum((guess.chance for guess in guesses), 0.0)),
            settles,
            cost,
            guesses,
            tuple(chance for _, chance in parts),
        )

    def _same(
        self, row: int, others: Sequence[tuple[int, float]], settles: float, cost: float
    ) -> Question:
        people = self._ids([row, *(other for other, _ in others)])
        return Question(
            question_id(Kind.SAME, people),
            Kind.SAME,
            people,
            self._pointed_out([row, *(other for other, _ in others)]),
            prod(each for _, each in others),
            settles,
            cost,
            chances=tuple(each for _, each in others),
        )

    def _belongs(self, row: int, settles: float, cost: float) -> Question:
        doubted = self._worth.singles.doubted(row)
        faces = tuple(suspect.face for suspect in doubted)
        people = self._ids([row])
        return Question(
            question_id(Kind.BELONGS, people, faces),
            Kind.BELONGS,
            people,
            faces,
            prod(suspect.chance for suspect in doubted),
            settles,
            cost,
            self._guesses_for(row, faces),
            tuple(suspect.chance for suspect in doubted),
        )

    def _also(self, row: int, settles: float, cost: float) -> Question:
        loose, likely = self._state.loose, self._worth.singles.likely_theirs(row)
        faces = tuple(loose.faces[place] for place, _ in likely)
        people = self._ids([row])
        return Question(
            question_id(Kind.ALSO, people, faces),
            Kind.ALSO,
            people,
            faces,
            prod(chance for _, chance in likely),
            settles,
            cost,
            self._guesses(self._worth.singles.may_also_be(row, likely)),
            tuple(chance for _, chance in likely),
        )

    def _two(self, row: int, settles: float, cost: float) -> Question:
        part = self._state.parts[row]
        people = self._ids([row])
        return Question(
            question_id(Kind.TWO, people, part.faces),
            Kind.TWO,
            people,
            part.faces,
            part.chance,
            settles,
            cost,
            self._guesses_for(row, part.faces),
        )

    def _mirror(self, faces: frozenset[FaceId], settles: float) -> Question:
        twice = self._state.twice[faces]
        rows = [self._state.row(person) for person in twice.people if person is not None]
        people = self._ids(list(dict.fromkeys(rows)))
        return Question(
            question_id(Kind.MIRROR, people, twice.faces),
            Kind.MIRROR,
            people,
            twice.faces,
            twice.chance,
            settles,
        )

    def _ids(self, rows: Iterable[int]) -> tuple[PersonId, ...]:
        return tuple(self._state.ids[row] for row in rows)

    def _pointed_out(self, rows: Iterable[int]) -> tuple[FaceId, ...]:
        doubted = sorted(
            (suspect.chance, suspect.face)
            for row in rows
            for suspect in self._state.suspects.get(row, ())
            if suspect.chance < _POINTED_OUT
        )
        return tuple(face for _, face in doubted[:MOST_SHOWN])

    def _guesses_for(self, row: int, faces: Sequence[FaceId]) -> tuple[Guess, ...]:
        """Return who else some faces of a row may be."""
        state = self._state
        known = [
            (vector, state.loose.quality_of(face))
            for face in faces[:MOST_SHOWN]
            if (vector := state.vector(face)) is not None
        ]
        found: dict[int, float] = {}
        near = self._near.of_vectors([vector for vector, _ in known])
        for (_, quality), (rows, cosines) in zip(known, near, strict=True):
            chances = self._chances.of_neighbours(
                cosines,
                state.weights[rows].astype(np.float64),
                1.0,
                float(state.sizes.sum()),
                quality,
            )
            for other, chance in zip(rows.tolist(), chances.tolist(), strict=True):
                found[other] = max(found.get(other, 0.0), chance)
        found.pop(row, None)
        return self._guesses(found)

    def _guesses(self, may_be: dict[int, float]) -> tuple[Guess, ...]:
        state = self._state
        listed = [
            Guess(state.ids[row], state.names.get(row), chance, bool(state.ignored[row]))
            for row, chance in may_be.items()
            if chance >= _LEAST_GUESS and (state.named[row] or state.ignored[row])
        ]
        listed.sort(key=lambda guess: (-guess.chance, guess.person))
        return tuple(listed[:_MOST_GUESSES])

    def to_show(self, question: Question) -> dict[PersonId, tuple[FaceId, ...]]:
        """Return up to eight faces of each person in a question, those in doubt first."""
        state = self._state
        asked = set(question.faces)
        shown: dict[PersonId, tuple[FaceId, ...]] = {}
        for person in question.people:
            row = state.row(person)
            doubted = sorted(state.suspects.get(row, ()), key=lambda s: (s.chance, s.face))
            first = [s.face for s in doubted if s.face in asked]
            others = (face for face in state.first_faces(row, 2 * MOST_SHOWN) if face not in first)
            shown[person] = tuple([*first, *others][:MOST_SHOWN])
        return shown

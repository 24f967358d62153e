"""What an answer changes: the same in memory as the decisions that are written change it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facesort.domain import PersonId, comparable_name, tidy_name
from facesort.errors import NameTaken, UsageError
from facesort.review.questions import ABOUT_FACES, Answer, Kind, check

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from facesort.domain import FaceId
    from facesort.review.questions import Given, Question
    from facesort.review.state import ReviewState

__all__ = ["apply"]

_NONE: Mapping[FaceId, PersonId] = {}


def apply(
    state: ReviewState,
    question: Question,
    given: Given,
    founded: Mapping[FaceId, PersonId] = _NONE,
) -> None:
    """Apply an answer; `state.undo` takes it back.

    Args:
        state: is changed.
        question: what was asked.
        given: the answer.
        founded: new people, by the face they are founded on; others get ids made up here.

    Raises:
        UsageError: the answer does not fit the question.
        UnknownPerson: it names nobody.
        NameTaken: the name is somebody else's, and `another` was not said.
    """
    check(question, given)
    rows = list(dict.fromkeys(state.row(person) for person in question.people))
    with state.changing():
        if given.answer in {Answer.UNSURE, Answer.SKIP}:
            faces = question.faces if question.kind in ABOUT_FACES else ()
            if question.kind is Kind.WHO:
                rows = [rows[0], *(state.row(guess.person) for guess in question.guesses)]
            state.hold(question.kind, rows, faces, for_now=given.answer is Answer.SKIP)
            return
        _ANSWERS[question.kind](_Change(state, question, given, founded, rows))


class _Change:
    """One answer that says something.

    Args:
        state: is changed.
        question: what was asked.
        given: the answer.
        founded: see `apply`.
        rows: of the question's people, each once.
    """

    def __init__(
        self,
        state: ReviewState,
        question: Question,
        given: Given,
        founded: Mapping[FaceId, PersonId],
        rows: Sequence[int],
    ) -> None:
        self.state = state
        self.question = question
        self.given = given
        self._founded = founded
        out = {state.row(person) for person in given.but_people}
        self.kept = [row for row in rows if row not in out]
        self.out = [row for row in rows if row in out]
        faces = set(given.but_faces)
        self.faces = [face for face in question.faces if face not in faces]

    def new(self, face: FaceId) -> PersonId:
        """Return the id of the person that a face founds."""
        return self._founded.get(face) or PersonId(f"n{self.state.changes}-{face}")

    def other(self) -> int:
        """Return the row of the person that the answer names."""
        if self.given.person is None:
            raise UsageError(f"{self.question.id}: nobody was named")
        return self.state.row(self.given.person)

    def check_name(self) -> str:
        """Return the name that was given, as the catalog stores it.

        Raises:
            NameTaken: it is somebody else's.
        """
        name = tidy_name(self.given.name or "")
        wanted = comparable_name(name)
        themselves = self.kept[:1] if self.question.kind is Kind.WHO else []
        if not self.given.another:
            taken = [
                self.state.ids[row]
                for row, known in self.state.names.items()
                if self.state.alive[row]
                and row not in themselves
                and comparable_name(known) == wanted
            ]
            if taken:
                raise NameTaken(
                    f"{name!r} is already the name of {', '.join(taken)}",
                    hint="Is it the same person, or another one of that name?",
                    several=len(taken) > 1,
                )
        return name

    def take_out_faces(self) -> None:
        """Make the faces that were taken out people of their own."""
        for face in self.given.but_faces:
            row = self.state.owner_of(face, {self.state.find(row) for row in self.kept})
            if row is not None and self.state.sizes[row] > 1:
                self.state.take_out(row, [face], to=None, new=self.new(face))

    def set_apart(self, row: int) -> None:
        """Say that somebody is none of the people who were taken out."""
        for other in self.out:
            self.state.set_apart(row, other)

    def part(self) -> int | None:
        """Make the faces in question one new person; None where that is all there is."""
        row = self.kept[0]
        if not self.faces or len(self.faces) >= self.state.sizes[row]:
            return None
        return self.state.take_out(row, self.faces, to=None, new=self.new(self.faces[0]))


def _same(change: _Change) -> None:
    state, (first, *others) = change.state, change.kept
    if change.given.answer is Answer.NO:
        for row in others:
            state.set_apart(first, row)
        return
    keep = state.merge([first, *others])
    change.set_apart(keep)
    change.take_out_faces()


def _who(change: _Change) -> None:
    state, kept = change.state, change.kept
    answer = change.given.answer
    if answer is Answer.NOT_A_FACE:
        state.take_out(kept[0], state.faces_of(state.ids[kept[0]]), to=None)
        return
    if answer is Answer.IGNORE:
        for row in kept:
            state.ignore(row)
        change.set_apart(kept[0])
        change.take_out_faces()
        return
    if answer is Answer.PERSON:
        keep = state.merge([change.other(), *kept])
    else:
        name = change.check_name()
        keep = state.merge(kept)
        state.rename(keep, name)
    change.set_apart(keep)
    change.kept = [keep]
    change.take_out_faces()
    # Whoever was pointed out and left in has been looked at.
    state.hold(Kind.BELONGS, [keep], change.faces, for_now=True)


def _belongs(change: _Change) -> None:
    state, row = change.state, change.kept[0]
    answer = change.given.answer
    if answer is Answer.NOT_A_FACE:
        state.take_out(row, change.faces, to=None)
    elif answer is Answer.YES:
        state.confirm(row, change.faces)
        change.take_out_faces()
    elif answer is Answer.NO:
        for face in change.faces:
            if state.sizes[row] > 1:
                state.take_out(row, [face], to=None, new=change.new(face))
    else:
        _is_somebody(change)


def _also(change: _Change) -> None:
    state, row, given = change.state, change.kept[0], change.given
    yes, no = given.answer is Answer.YES, given.answer is Answer.NO
    state.deny(row, given.but_faces if yes else change.faces if no else ())
    if yes:
        state.take_in(row, change.faces)
    elif given.answer is Answer.NOT_A_FACE:
        state.drop(change.faces)
    elif given.answer is Answer.PERSON:
        state.take_in(change.other(), change.faces)
    elif given.answer is Answer.NAME:
        name = change.check_name()
        state.rename(state.found(change.new(change.faces[0]), change.faces), name)


def _two(change: _Change) -> None:
    if change.given.answer is Answer.NO:
        change.state.confirm(change.kept[0], change.faces)
    elif change.given.answer is Answer.YES:
        change.part()
    else:
        _is_somebody(change)


def _is_somebody(change: _Change) -> None:
    """Give the faces in question to the person of that name, or to somebody new."""
    if change.given.answer is Answer.PERSON:
        target = change.other()
        change.state.take_out(change.kept[0], change.faces, to=target)
        return
    name = change.check_name()
    row = change.part()
    if row is not None:
        change.state.rename(row, name)


def _mirror(change: _Change) -> None:
    state = change.state
    state.settle_twice(frozenset(change.question.faces))
    if len(change.kept) < 2:
        if change.given.answer is Answer.YES and change.kept:
            state.take_in(change.kept[0], change.question.faces)
        return
    one, other = change.kept
    if change.given.answer is Answer.NO:
        state.set_apart(one, other)
        return
    keep = one
    if min(state.sizes[one], state.sizes[other]) == 1:  # the face joins, as `jobs.review.writing`
        keep = max(change.kept, key=lambda row: (bool(state.named[row]), int(state.sizes[row])))
    state.merge([keep, one, other])


_ANSWERS = {
    Kind.SAME: _same,
    Kind.WHO: _who,
    Kind.BELONGS: _belongs,
    Kind.ALSO: _also,
    Kind.TWO: _two,
    Kind.MIRROR: _mirror,
}

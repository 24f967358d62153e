"""A sitting: questions come, answers are kept at once, everything can be taken back.

Everything derives from the catalog, so a sitting can end at any moment and be taken up again. What
somebody else does to the library meanwhile (a scan, another window, a command) is seen before the
next question and before every answer; an answer holds only if the faces that were shown are still
with the people they were shown as.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from facesort.catalog import decisions, doubts, reviewing
from facesort.errors import DecisionConflict, UnknownPerson, UsageError
from facesort.grouping.standing import replay
from facesort.jobs import decide
from facesort.jobs.review.acting import Acting, Step
from facesort.jobs.review.looking import show_question
from facesort.jobs.review.reading import read_crowd
from facesort.jobs.review.shown import Answered, Asked, Undone
from facesort.jobs.review.steps import Written
from facesort.jobs.review.writing import write_answer
from facesort.jobs.showing.part import owners_of
from facesort.review.crowd import Doubt
from facesort.review.questions import Answer, Kind, check
from facesort.review.queue import Queue

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from facesort.catalog.reviewing import Moment
    from facesort.domain import FaceId, PersonId
    from facesort.jobs.review.access import Access
    from facesort.review.progress import Progress
    from facesort.review.questions import Given, Question

__all__ = ["ReviewSession"]

_REMEMBERED = 10_000


class ReviewSession(Acting):
    """A sitting; used by one thread. What can be listed and done besides answering: `acting`.

    Args:
        access: the open library.
        min_photos: people on fewer photos and without a name are asked about late.
    """

    def __init__(self, access: Access, *, min_photos: int = 3) -> None:
        super().__init__(access)
        self._min_photos = min_photos
        self._sitting = 0
        self._held: list[Doubt] = []
        self._asked: dict[str, Asked] = {}
        self._steps: list[Step] = []
        self._undone: list[Step] = []
        self._regrouped = False
        self._stale = False
        self._read()

    @property
    def _queue(self) -> Queue:
        """The questions; read anew where memory could not follow."""
        if self._stale:
            self._read()
        return self._questions

    def _read(self) -> None:
        """Read everybody anew."""
        access = self._access
        with access.up_to_date():
            self._version = access.db.version()
            self._moment = reviewing.moment(access.db)
            crowd, chances = read_crowd(
                access.db, access.card, min_face=access.min_face(), held=self._held
            )
        self._questions = Queue(crowd, chances, min_photos=self._min_photos)
        self._sitting += 1
        self._stale = self._regrouped = False

    def refresh(self) -> bool:
        """Take over what others have done meanwhile; returns whether people have changed."""
        access = self._access
        if self._stale:
            self._read()
            return True
        if access.db.version() == self._version:
            return False
        if self._now() == self._moment:
            return False
        self._read()
        return True

    def _now(self) -> Moment:
        access = self._access
        with access.up_to_date():
            self._version = access.db.version()
            return reviewing.moment(access.db)

    # -- asking ----------------------------------------------------------------------------------

    def question(self) -> Asked | None:
        """Return the question that comes next, the same until it is answered; None at the end."""
        self.refresh()
        question = self._queue.question()
        return None if question is None else self._show(question)

    def upcoming(self, count: int) -> list[Question]:
        """Return the questions that would come next, if all answers changed nothing else."""
        self.refresh()
        found = self._queue.upcoming(count)
        for question in found:
            self._show(question)
        return found

    def ask(
        self, kind: Kind, people: tuple[PersonId, ...], faces: tuple[FaceId, ...] = ()
    ) -> Asked:
        """Return a question about some people and faces, whatever it is worth.

        Raises:
            UnknownPerson: somebody is not there.
            UsageError: the question makes no sense.
        """
        self.refresh()
        least = {Kind.SAME: 2, Kind.MIRROR: 0}.get(kind, 1)
        about_faces = kind in {Kind.BELONGS, Kind.TWO, Kind.MIRROR}
        if len(set(people)) < least or (about_faces and not faces):
            raise UsageError(f"{kind.value!r} cannot be asked about {len(people)} people")
        return self._show(self._queue.ask(kind, people, faces))

    def asked(self, question_id: str) -> Asked:
        """Return a question that was asked in this sitting.

        Raises:
            UnknownPerson: none has that id.
        """
        self.refresh()
        current = self._queue.question()
        if question_id not in self._asked and current is not None and current.id == question_id:
            self._show(current)
        if question_id not in self._asked:
            raise UnknownPerson(
                f"there is no question {question_id!r} now",
                hint="It was answered, or people have changed since it was asked.",
            )
        return self._asked[question_id]

    def _show(self, question: Question) -> Asked:
        known = self._asked.get(question.id)
        if known is not None and known.question == question:
            return known
        access = self._access
        with access.up_to_date():
            shown = show_question(
                access.db, question, min_face=access.min_face(), doubt=self._doubt_of(question)
            )
        if len(self._asked) >= _REMEMBERED:
            self._asked.clear()
        self._asked[question.id] = shown
        return shown

    def _doubt_of(self, question: Question) -> dict[FaceId, float]:
        state = self._queue.state
        return {
            suspect.face: 1 - suspect.chance
            for person in question.people
            for suspect in state.suspects.get(state.row(person), ())
        }

    def progress(self) -> Progress:
        """Return how far the review has come."""
        self.refresh()
        return self._queue.progress()

    # -- answering -------------------------------------------------------------------------------

    def answer(self, given: Given) -> Answered:
        """Keep an answer: when this returns, it is on the disk.

        Raises:
            UnknownPerson: no such question was asked, or nobody answers to the person given.
            UsageError: the answer does not fit the question.
            StaleQuestion: the people asked about have changed since; nothing is stored.
            DecisionConflict, NameTaken: it contradicts what was said before.
        """
        asked = self.asked(given.question_id)
        question = asked.question
        check(question, given)
        before = self._queue.progress().settled
        written = Written(sentence="skipped")
        if given.answer is Answer.SKIP:
            self._held.append(_held(question))
        else:
            shown = {
                side.person: tuple(face.id for face in side.shown)
                for side in asked.sides
                if side.person is not None
            }
            written = write_answer(self._access, question, given, shown)
        self._asked.pop(question.id, None)
        moved = {*written.founded, *(question.faces if written.moved else ())}
        skipped = question if given.answer is Answer.SKIP else None
        self._remember(
            Step(
                tuple(written.decisions),
                written.doubt,
                written.sentence,
                lambda queue: queue.answer(given, question, founded=written.founded),
                skipped,
                tuple(moved),
            )
        )
        settled = self._queue.progress().settled - before
        return Answered(written.sentence, tuple(written.decisions), written.doubt, settled)

    def _remember(self, step: Step) -> None:
        """Follow in memory what was stored; where that is not possible, read anew."""
        self._undone.clear()
        self._follow(step)
        self._steps.append(step)

    def _follow(self, step: Step) -> None:
        others = self._access.db.version() != self._version
        now = self._now()
        self._stale |= others or self._regrouped
        if self._stale:
            return
        try:
            step.follow(self._queue)
        except (UsageError, UnknownPerson, DecisionConflict):
            self._stale = True
        if self._stale or not self._is_as_stored(step.faces):
            self._stale = True
            return
        step.sitting = self._sitting
        self._moment = now

    def _is_as_stored(self, faces: Sequence[FaceId]) -> bool:
        """Whether faces are in memory with whom the catalog says.

        A face that was moved by hand before may go back to where grouping had put it.
        """
        if not faces:
            return True
        access, state = self._access, self._queue.state
        with access.up_to_date():
            owners = owners_of(access.db, faces)
        for face, said in owners.items():
            if said.owner is None:
                continue
            try:
                row = state.row(said.owner)
            except UnknownPerson:
                return False
            if state.owner_of(face, [row]) is None:
                return False
        return True

    # -- taking back -----------------------------------------------------------------------------

    def undo(self) -> Undone | None:
        """Take back the last answer or act; before the first of this sitting, the last decision.

        Returns:
            None when nothing is left.

        Raises:
            DecisionConflict: it was taken back somewhere else meanwhile.
        """
        if not self._stale:  # many undos in a row read once, when something is asked again
            self.refresh()
        step = self._steps.pop() if self._steps else self._before_this_sitting()
        if step is None:
            return None
        with self._noticing_regroup():
            self._take_back(step)
        self._undone.append(step)
        alone = self._access.db.version() == self._version and not self._regrouped
        if alone and not self._stale and step.sitting == self._sitting:
            self._queue.undo()
            self._moment = self._now()
        else:
            self._stale = True
        return Undone(f"taken back: {step.sentence}", step.decisions, step.doubt)

    def _take_back(self, step: Step) -> None:
        access = self._access
        if step.skipped is not None:
            self._held.remove(_held(step.skipped))
        if step.decisions or step.doubt is not None:
            with access.deciding() as situation:
                for number in reversed(step.decisions):
                    decide.undo(access.db, situation, 1, number)
                for doubt in doubts.standing(access.db):
                    if doubt.id == step.doubt:
                        doubts.take_back(access.db, doubt)

    @contextmanager
    def _noticing_regroup(self) -> Iterator[None]:
        """Group anew afterwards, if that is wanted, and remember whether it was."""
        before = self._access.db.meta("grouped_decision")
        yield
        self._access.regroup_if_wanted()
        self._regrouped = self._access.db.meta("grouped_decision") != before

    def _before_this_sitting(self) -> Step | None:
        """Return the newest decision or not-sure that stands, whoever made it."""
        access = self._access
        with access.up_to_date():
            active = replay(decisions.log(access.db, votes=False)).active
            unsure = doubts.standing(access.db)
        last = active[-1].id if active else 0
        if unsure and unsure[-1].last_decision >= last:
            return Step((), unsure[-1].id, "not sure")
        return Step((last,), None, active[-1].verdict.value) if active else None

    def redo(self) -> Undone | None:
        """Bring back what was taken back last; None when there is nothing."""
        self.refresh()
        if not self._undone:
            return None
        step = self._undone.pop()
        access = self._access
        with self._noticing_regroup(), access.deciding() as situation:
            redone = decide.redo(access.db, situation, len(step.decisions))
            if {decision.id for decision in redone} != set(step.decisions):
                raise DecisionConflict(
                    "something else was decided since: there is nothing to bring back",
                    hint="facesort log shows what stands.",
                )
            if step.doubt is not None:
                step.doubt = self._again(step.doubt)
        if step.skipped is not None:
            self._held.append(_held(step.skipped))
        self._follow(step)
        self._steps.append(step)
        return Undone(f"again: {step.sentence}", step.decisions, step.doubt)

    def _again(self, number: int) -> int | None:
        db = self._access.db
        for doubt, _ in doubts.every(db):
            if doubt.id == number:
                return doubts.append(
                    db,
                    doubt.kind,
                    doubt.answer,
                    people=list(zip(doubt.people, doubt.sizes, strict=True)),
                    anchors=doubt.anchors,
                )
        return None


def _held(question: Question) -> Doubt:
    about_faces = question.kind in {Kind.BELONGS, Kind.MIRROR}
    people = question.people
    if question.kind is Kind.WHO:
        people = (people[0], *(guess.person for guess in question.guesses))
    return Doubt(question.kind, people, question.faces if about_faces else ())

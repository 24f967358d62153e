"""Taking back what was said in a sitting, or before it, and bringing it back."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from facesort.catalog import decisions, doubts
from facesort.errors import DecisionConflict
from facesort.grouping.standing import replay
from facesort.jobs import decide
from facesort.jobs.review.acting import Step
from facesort.jobs.review.shown import Undone
from facesort.jobs.review.sitting import Sitting
from facesort.review.crowd import Doubt
from facesort.review.questions import ABOUT_FACES, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from facesort.review.questions import Question

__all__ = ["TakingBack", "held"]


class TakingBack(Sitting):
    """A sitting of which everything can be taken back."""

    def undo(self) -> Undone | None:
        """Take back the last answer or act; before the first of this sitting, the last decision.

        Returns:
            None when nothing is left.

        Raises:
            DecisionConflict: it was taken back somewhere else meanwhile.
        """
        if not self._stale:  # many undos in a row read once, when something is asked again
            self.refresh()
        step = self._steps[-1] if self._steps else self._before_this_sitting()
        if step is None:
            return None
        before = self._version
        try:
            with self._noticing_regroup():
                self._take_back(step)
        except DecisionConflict:
            self._forget(step)
            raise
        self._forget(step)
        self._undone.append(step)
        now = self._now()
        alone = self._version == before and not self._regrouped
        if alone and not self._stale and step.sitting == self._sitting:
            self._queue.undo()
            self._moment = now
        else:
            self._stale = True
        return Undone(f"taken back: {step.sentence}", step.decisions, step.doubt)

    def _forget(self, step: Step) -> None:
        # Only now: had nothing been stored (somebody else was writing), it could be tried again.
        if self._steps and self._steps[-1] is step:
            self._steps.pop()
        if step.skipped is not None:
            self._held.remove(held(step.skipped))

    def _take_back(self, step: Step) -> None:
        """Take back what still stands of an answer.

        Raises:
            DecisionConflict: nothing does.
        """
        access = self._access
        if not step.decisions and step.doubt is None:
            return
        with access.deciding() as situation:
            active = {decision.id for decision in situation.history.active}
            # Of several decisions somebody may have taken back one; of one that is an error.
            standing = [one for one in step.decisions if one in active] or step.decisions
            for number in reversed(standing):
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
        """Return the newest answer, decision or not-sure that stands, whoever made it."""
        access = self._access
        with access.up_to_date():
            active = replay(decisions.log(access.db, votes=False)).active
            unsure = doubts.standing(access.db)
            one = decisions.answers(access.db)
        last = active[-1].id if active else 0
        if unsure and unsure[-1].last_decision >= last:
            return Step((), unsure[-1].id, "not sure")
        made = [entry for entry in active if one.get(entry.id, entry.id) == one.get(last, last)]
        what = ", ".join(dict.fromkeys(entry.verdict.value for entry in made))
        return Step(tuple(entry.id for entry in made), None, what) if made else None

    def redo(self) -> Undone | None:
        """Bring back what was taken back last; None when there is nothing."""
        self.refresh()
        if not self._undone:
            return None
        step = self._undone[-1]
        access = self._access
        with self._noticing_regroup(), access.deciding() as situation:
            redone = decide.redo(access.db, situation, 1 if step.decisions else 0)
            numbers = {decision.id for decision in redone}
            if not numbers <= set(step.decisions) or bool(numbers) != bool(step.decisions):
                self._undone.clear()
                raise DecisionConflict(
                    "something else was decided since: there is nothing to bring back",
                    hint="facesort log shows what stands.",
                )
            if step.doubt is not None:
                step.doubt = self._again(step.doubt)
        self._undone.pop()
        if step.skipped is not None:
            self._held.append(held(step.skipped))
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


def held(question: Question) -> Doubt:
    """Return what keeps a question from being asked in this sitting."""
    about_faces = question.kind in ABOUT_FACES
    people = question.people
    if question.kind is Kind.WHO:
        people = (people[0], *(guess.person for guess in question.guesses))
    return Doubt(question.kind, people, question.faces if about_faces else ())

"""Taking back what was said in a sitting, or before it, and bringing it back."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from facesort.catalog import decisions
from facesort.domain import Verdict
from facesort.errors import DecisionConflict, UsageError
from facesort.grouping.standing import replay
from facesort.jobs import decide
from facesort.jobs.decide import words
from facesort.jobs.review.acting import Step
from facesort.jobs.review.shown import Done, Entry, Undone
from facesort.jobs.review.sitting import Sitting
from facesort.review.crowd import Doubt
from facesort.review.questions import ABOUT_FACES, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from facesort.jobs.review.sight import Sight
    from facesort.review.questions import Question

__all__ = ["TakingBack", "held"]

# Lines of the history in which something that stands is looked for: those after it were undone.
_LOOKED_THROUGH = 1000


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
                taken = self._take_back(step)
        except DecisionConflict:
            self._forget(step)
            raise
        self._forget(step)
        # What somebody else took back before stays so when this is brought back.
        whole = len(taken) == len(step.decisions)
        self._undone.append(step if whole else replace(step, decisions=taken, follow=None))
        now = self._now()
        alone = self._version == before and not self._regrouped
        if alone and whole and not self._stale and step.sitting == self._sitting:
            self._queue.undo()
            self._moment = now
        else:
            self._stale = True
        return Undone(f"taken back: {step.sentence}", taken, step.doubt)

    def _forget(self, step: Step) -> None:
        # Only now: had nothing been stored (somebody else was writing), it could be tried again.
        if self._steps and self._steps[-1] is step:
            self._steps.pop()
        if step.skipped is not None:
            self._held.remove(held(step.skipped))

    def _take_back(self, step: Step) -> tuple[int, ...]:
        """Take back what still stands of an answer; returns those decisions.

        Raises:
            DecisionConflict: nothing does.
        """
        access = self._access
        if not step.decisions and step.doubt is None:
            return ()
        with access.deciding() as situation:
            active = {decision.id for decision in situation.history.active}
            # Of several decisions somebody may have taken back one; of one that is an error.
            standing = tuple(one for one in step.decisions if one in active) or step.decisions
            decide.undo_word(access.db, situation, decide.Word(standing, step.doubt))
        return standing

    @contextmanager
    def _noticing_regroup(self) -> Iterator[None]:
        """Group anew afterwards, if that is wanted, and remember whether it was."""
        before = self._access.db.meta("grouped_decision")
        yield
        self._access.regroup_if_wanted()
        self._regrouped = self._access.db.meta("grouped_decision") != before

    def before_this_sitting(self) -> Entry | None:
        """Return what `undo` would take back, where that was not said in this sitting.

        None where it was, and where nothing is left to take back.
        """
        step = None if self._steps else self._before_this_sitting()
        if step is None:
            return None
        last = step.decisions[-1] if step.decisions else None
        told = self.history(_LOOKED_THROUGH)
        known = (one for one in told if (one.decision, one.doubt) == (last, step.doubt))
        return next(known, Entry("", step.sentence, last, step.doubt, stands=True))

    def _before_this_sitting(self) -> Step | None:
        """Return the newest answer, decision or not-sure that stands, whoever made it."""
        access = self._access
        with access.up_to_date():
            standing = words.read(access.db).standing
            log = decisions.log(access.db, votes=False)
        if not standing:
            return None
        newest = standing[-1]
        verdicts = [entry.verdict.value for entry in log if entry.id in newest.decisions]
        what = ", ".join(dict.fromkeys(verdicts)) or "not sure"
        return Step(newest.decisions, newest.doubt, what)

    def last_answer_is_newest(self) -> bool:
        """Whether the command `undo` would take back the last answer or act of this sitting now.

        It would not where that was only skipped, or taken back, or where something was said since.
        """
        step = self._steps[-1] if self._steps else None
        if step is None or not (step.decisions or step.doubt):
            return False
        access = self._access
        with access.up_to_date():
            standing = words.read(access.db).standing
        newest = standing[-1] if standing else decide.Word()
        return newest.doubt == step.doubt and set(newest.decisions) <= set(step.decisions)

    def redo(self) -> Undone | None:
        """Bring back what was taken back last; None when there is nothing."""
        self.refresh()
        if not self._undone:
            return None
        step = self._undone[-1]
        access = self._access
        with self._noticing_regroup(), access.deciding() as situation:
            word = decide.Word(tuple(sorted(step.decisions)), step.doubt)
            if word != decide.Word() and not decide.redo(access.db, situation, 1, only=word):
                self._undone.clear()
                raise DecisionConflict(
                    "something else was decided since: there is nothing to bring back",
                    hint="facesort log shows what stands.",
                )
        self._undone.pop()
        if step.skipped is not None:
            self._held.append(held(step.skipped))
        self._follow(step)
        self._steps.append(step)
        return Undone(f"again: {step.sentence}", step.decisions, step.doubt)

    @property
    def can_redo(self) -> bool:
        """Whether something was taken back that `redo` may bring back."""
        return bool(self._undone)

    def show_again(self, reference: str, *, seen: Sight) -> Done:
        """Show somebody again who was ignored: the opposite of `ignore`.

        The ignoring is taken back; `redo` brings it back. Whoever was ignored with them stays so.

        Raises:
            UsageError: they are not ignored.
            StaleQuestion: they are somebody else meanwhile.
        """
        access = self._access
        with access.up_to_date():
            active = replay(decisions.log(access.db, votes=False)).active
        ignoring = [one for one in active if one.verdict is Verdict.IGNORE]
        everybody = [str(person) for one in ignoring for person in one.people]
        with (
            self._noticing_regroup(),
            access.deciding([reference, *seen.references, *everybody]) as now,
        ):
            seen.check(now)
            person = now.meant(reference)
            about = [one for one in ignoring if person.id in map(now.standing.survivor, one.people)]
            if not person.ignored or not about:
                raise UsageError(f"{person.name or person.id} is not ignored")
            decide.undo_word(access.db, now, decide.Word(tuple(one.id for one in about)))
            found = [now.person(other) for one in about for other in one.people]
            rest = list({other.id: other for other in found if other.ignored}.values())
            rest = [other for other in rest if other.id != person.id]
            again = [decide.ignore(access.db, now, rest)] if rest else []
        self._distrust()
        numbers = tuple(one.id for one in about)
        self._steps = list(_without(self._steps, numbers))
        who = person.name or f"unnamed {person.id}"
        self._undone.append(Step(numbers, None, f"ignored {who}"))
        if again:  # a new word: what was taken back before it stays so
            self._remember(Step(tuple(again), None, f"ignored {len(rest):,} others"))
        return Done(f"{who} is shown again", numbers, person.id)


def _without(steps: Iterable[Step], numbers: Sequence[int]) -> Iterator[Step]:
    """Return what of steps can still be taken back, once decisions were."""
    for step in steps:
        rest = tuple(one for one in step.decisions if one not in numbers)
        if rest == step.decisions:
            yield step
        elif rest or step.doubt is not None:
            yield replace(step, decisions=rest, follow=None)


def held(question: Question) -> Doubt:
    """Return what keeps a question from being asked in this sitting."""
    about_faces = question.kind in ABOUT_FACES
    people = question.people
    if question.kind is Kind.WHO:
        people = (people[0], *(guess.person for guess in question.guesses))
    return Doubt(question.kind, people, question.faces if about_faces else ())

"""Taking decisions back, and bringing them back again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facesort.catalog import decisions
from facesort.domain import Verdict
from facesort.errors import DecisionConflict, UnknownPerson
from facesort.jobs.decide.voicing import told

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from facesort.catalog.connection import Database
    from facesort.domain import Decision
    from facesort.jobs.showing.situation import Situation

__all__ = ["redo", "undo"]


def undo(db: Database, situation: Situation, count: int, decision: int | None) -> list[Decision]:
    """Take back the last decisions that stand, or one particular one; see `due.wants_regroup`.

    All that was decided with one answer of a review counts as one.

    What stands afterwards is what the log without these decisions says: a later decision about the
    same people or faces stays as it was made.

    Raises:
        UnknownPerson: there is no decision of that number.
        DecisionConflict: it does not stand any more.
    """
    active = situation.history.active
    if decision is None:
        chosen = _last(db, active, count)
    else:
        chosen = [entry for entry in active if entry.id == decision]
        if not chosen:
            _refuse_target(db, situation, decision)
    for entry in chosen:
        decisions.append(db, Verdict.UNDO, target=entry.id)
    _mark_regroup(db, chosen)
    return chosen


def redo(db: Database, situation: Situation, count: int) -> list[Decision]:
    """Bring back what was undone last, an answer as one; see `due.wants_regroup`."""
    chosen = _last(db, situation.history.undone, count)
    for entry in chosen:
        decisions.append(db, Verdict.REDO, target=entry.id)
    _mark_regroup(db, chosen)
    return chosen


def _last(db: Database, entries: Sequence[Decision], count: int) -> list[Decision]:
    """Return the last ones, newest first, those of one answer counted as one."""
    answer = decisions.answers(db) if count > 0 else {}
    chosen: list[Decision] = []
    known = 0
    for entry in reversed(entries):
        if not chosen or _answer(answer, entry) != _answer(answer, chosen[-1]):
            known += 1
        if known > count:
            break
        chosen.append(entry)
    return chosen


def _answer(answers: Mapping[int, int], entry: Decision) -> int:
    return answers.get(entry.id, entry.id)


def _mark_regroup(db: Database, changed: list[Decision]) -> None:
    # What was decided before the last grouping shaped it: only a new one takes that back.
    grouped = int(db.meta("grouped_decision", "0"))
    shaping = [decision for decision in changed if decision.verdict is not Verdict.COVER]
    if any(decision.id <= grouped for decision in shaping):
        db.set_meta("regroup", "1")


def _refuse_target(db: Database, situation: Situation, decision: int) -> None:
    for entry in situation.history.undone:
        if entry.id == decision:
            raise DecisionConflict(
                f"that is undone already ({told(entry)})", hint="To bring it back: facesort redo"
            )
    if 0 < decision <= decisions.last_id(db):
        raise DecisionConflict(
            f"decision {decision} does not stand any more, or is itself an undo",
            hint="facesort log shows what stands.",
        )
    raise UnknownPerson(f"there is no decision {decision}", hint="facesort log lists them.")

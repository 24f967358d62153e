"""Taking back what was said, and bringing it back again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facesort.catalog import decisions, doubts
from facesort.domain import Verdict
from facesort.errors import DecisionConflict, UnknownPerson
from facesort.jobs.decide import words
from facesort.jobs.decide.voicing import told
from facesort.jobs.decide.words import Word

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from facesort.catalog.connection import Database
    from facesort.catalog.doubts import DoubtRow
    from facesort.domain import Decision
    from facesort.jobs.showing.situation import Situation

__all__ = ["redo", "undo", "undo_word"]


def undo(
    db: Database, situation: Situation, count: int, decision: int | None
) -> list[Decision | DoubtRow]:
    """Take back what was said last and stands, or one decision; see `due.wants_regroup`.

    A not-sure of a review counts like a decision, and all that was decided with one answer as one:
    `words` has the order.

    What stands afterwards is what the log without these decisions says: a later decision about the
    same people or faces stays as it was made.

    Returns:
        What was taken back, the newest first.

    Raises:
        UnknownPerson: there is no decision of that number.
        DecisionConflict: it does not stand any more.
    """
    if decision is not None:
        return undo_word(db, situation, Word((decision,)))
    chosen = words.read(db).standing[::-1][:count]
    return _changed(db, situation.history.active, [_take_back(db, word) for word in chosen])


def undo_word(db: Database, situation: Situation, word: Word) -> list[Decision | DoubtRow]:
    """Take back, as one, decisions and a not-sure.

    Raises:
        UnknownPerson: there is no decision of one of the numbers.
        DecisionConflict: one of them does not stand any more.
    """
    active = {entry.id for entry in situation.history.active}
    for number in word.decisions:
        if number not in active:
            _refuse_target(db, situation, number)
    if word.doubt is not None and Word(doubt=word.doubt) not in words.read(db).standing:
        raise DecisionConflict(
            "that not-sure was taken back already", hint="facesort log shows what stands."
        )
    return _changed(db, situation.history.active, [_take_back(db, word)])


def _take_back(db: Database, word: Word) -> Word:
    words.take_back(db, word)
    return Word(word.decisions[::-1], word.doubt)  # as it is told, the newest first


def redo(
    db: Database, situation: Situation, count: int, *, only: Word | None = None
) -> list[Decision | DoubtRow]:
    """Bring back what was undone last, as it was undone; see `due.wants_regroup`.

    Args:
        db: the catalog.
        situation: who is who.
        count: of answers, decisions and not-sures.
        only: what must be the next; else nothing is brought back.
    """
    chosen = words.read(db).undone[::-1][:count]
    if only is not None and chosen != (only,):
        return []
    for word in chosen:
        words.bring_back(db, word)
    return _changed(db, situation.history.undone, chosen)


def _changed(
    db: Database, known: Iterable[Decision], said: Sequence[Word]
) -> list[Decision | DoubtRow]:
    """Return what words consist of, in their order, after they were taken or brought back."""
    decided = {entry.id: entry for entry in known}
    unsure = {row.id: row for row in doubts.log(db)} if any(word.doubt for word in said) else {}
    _mark_regroup(db, [decided[number] for word in said for number in word.decisions])
    changed: list[Decision | DoubtRow] = []
    for word in said:
        changed += [decided[number] for number in word.decisions]
        changed += [] if word.doubt is None else [unsure[word.doubt]]
    return changed


def _mark_regroup(db: Database, changed: Iterable[Decision]) -> None:
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

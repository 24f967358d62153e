"""What was said, as lines of a history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facesort.catalog import decisions, doubts, showing
from facesort.domain import Verdict
from facesort.grouping.standing import replay
from facesort.jobs.review.shown import Entry

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from facesort.catalog.connection import Database
    from facesort.domain import Decision, PersonId

__all__ = ["entries"]

_VERBS = {
    Verdict.NAME: "named",
    Verdict.MERGE: "merged",
    Verdict.SPLIT: "split off",
    Verdict.REJECT: "taken out of",
    Verdict.CONFIRM: "confirmed",
    Verdict.IGNORE: "ignored",
    Verdict.NOT_A_FACE: "not a face",
    Verdict.COVER: "cover chosen for",
    Verdict.SAME: "the same:",
    Verdict.DIFFERENT: "kept apart:",
    Verdict.UNDO: "taken back: decision",
    Verdict.REDO: "brought back: decision",
}


_ABOUT_OTHERS = {Verdict.UNDO, Verdict.REDO}


def entries(db: Database, count: int) -> list[Entry]:
    """Return what was said last, newest first; inside a snapshot of tables that are up to date.

    What was decided with one answer is one line, and so is taking it back.
    """
    log = decisions.log(db, votes=False)
    names = showing.names(db)
    active = {decision.id for decision in replay(log).active}
    found = [
        ((told[-1].id, 0), _entry(told, names, active))
        for told in _answers(log, decisions.answers(db))[-count:]
    ]
    found += [
        (
            (row.last_decision, row.id),
            Entry(row.made_at, _unsure(row, names), None, row.id, stands=stands),
        )
        for row, stands in doubts.every(db)[-count:]
    ]
    found.sort(key=lambda pair: pair[0], reverse=True)
    return [entry for _, entry in found[:count]]


def _answers(log: Iterable[Decision], answers: Mapping[int, int]) -> list[list[Decision]]:
    """Put together what was decided, taken back, or brought back with one answer."""
    found: list[list[Decision]] = []
    last: object = None
    for decision in log:
        about = decision.target if decision.verdict in _ABOUT_OTHERS else decision.id
        answer = answers.get(about) if about is not None else None
        kind = decision.verdict if decision.verdict in _ABOUT_OTHERS else None
        key = None if answer is None else (answer, kind)
        if key is not None and key == last:
            found[-1].append(decision)
        else:
            found.append([decision])
        last = key
    return found


def _entry(told: Sequence[Decision], names: Mapping[PersonId, str], active: set[int]) -> Entry:
    last = told[-1]
    if last.verdict in _ABOUT_OTHERS:
        targets = ", ".join(str(one) for one in sorted(d.target for d in told if d.target))
        sentence = f"{_VERBS[last.verdict]}{'s' if len(told) > 1 else ''} {targets}"
        return Entry(last.made_at, sentence, last.id, None, stands=True)
    sentence = "; ".join(_sentence(decision, names) for decision in told)
    stands = any(decision.id in active for decision in told)
    return Entry(last.made_at, sentence, last.id, None, stands=stands)


def _sentence(decision: Decision, names: Mapping[PersonId, str]) -> str:
    verb = _VERBS[decision.verdict]
    if decision.target is not None:
        return f"{verb} {decision.target}"
    people = ", ".join(names.get(person, person) for person in decision.people)
    spoken = [face for face in decision.faces if face.role.value != "vote"]
    faces = f" ({len(spoken)} faces)" if spoken else ""
    if decision.name is not None:
        return f"{verb} {decision.name}: {people}{faces}"
    return f"{verb} {people}{faces}".strip()


def _unsure(row: doubts.DoubtRow, names: Mapping[PersonId, str]) -> str:
    people = ", ".join(names.get(person, person) for person in row.people)
    what = "not sure" if row.answer == "unsure" else "two people on one photo"
    return f"{what} ({row.kind}): {people or 'nobody'}"

"""What was said, as lines of a history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facesort.catalog import decisions, doubts, showing
from facesort.domain import FaceRole, Verdict
from facesort.grouping.standing import replay
from facesort.jobs.review.shown import Entry
from facesort.jobs.review.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from facesort.catalog.connection import Database
    from facesort.domain import Decision, PersonId

__all__ = ["entries"]

_ABOUT_OTHERS = {Verdict.UNDO: "taken back", Verdict.REDO: "brought back"}


def entries(db: Database, count: int) -> list[Entry]:
    """Return what was said last, newest first; inside a snapshot of tables that are up to date.

    What was decided with one answer is one line, and so is taking it back.
    """
    log = decisions.log(db, votes=False)
    names = showing.names(db)
    active = {decision.id for decision in replay(log).active}
    by_id = {decision.id: decision for decision in log}
    found = [
        ((told[-1].id, 0), _entry(told, names, active, by_id))
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


def _entry(
    told: Sequence[Decision],
    names: Mapping[PersonId, str],
    active: set[int],
    by_id: Mapping[int, Decision],
) -> Entry:
    last = told[-1]
    if last.verdict in _ABOUT_OTHERS:
        targets = sorted(d.target for d in told if d.target is not None)
        about = [by_id[one] for one in targets if one in by_id]
        sentence = (
            f"{_ABOUT_OTHERS[last.verdict]}: {_sentences(about, names)} "
            f"(decision{'s' if len(targets) > 1 else ''} {', '.join(map(str, targets))})"
        )
        return Entry(last.made_at, sentence, last.id, None, stands=True)
    stands = any(decision.id in active for decision in told)
    return Entry(last.made_at, _sentences(told, names), last.id, None, stands=stands)


def _sentences(told: Iterable[Decision], names: Mapping[PersonId, str]) -> str:
    return "; ".join(_sentence(decision, names) for decision in told)


def _sentence(decision: Decision, names: Mapping[PersonId, str]) -> str:
    """Return what was said; people are called as they are called now."""
    first, *others = [names.get(person, str(person)) for person in decision.people] or ["nobody"]
    spoken = {face.anchor for face in decision.faces if face.role is not FaceRole.VOTE}
    waits = any(face.role is FaceRole.VOTE for face in decision.faces)
    faces, is_one = counted(len(spoken), "face"), len(spoken) == 1
    people = ", ".join([first, *others])
    sentences = {
        Verdict.NAME: f"{decision.people[0] if decision.people else first} is {decision.name}",
        Verdict.MERGE: f"merged {', '.join(others)} into {first}",
        Verdict.SPLIT: f"{faces} split off {', '.join(others)}: {decision.name or first}",
        # Only who was taken out of somebody waits somewhere.
        Verdict.REJECT: f"{faces} taken out of {people}"
        if waits
        else f"{faces} {'is' if is_one else 'are'} not {people}",
        Verdict.CONFIRM: f"{faces} confirmed as {people}",
        Verdict.IGNORE: f"ignored {people}",
        Verdict.NOT_A_FACE: f"{len(spoken):,} {'is not a face' if is_one else 'are not faces'}",
        Verdict.COVER: f"cover chosen for {people}",
        Verdict.SAME: f"the same: {people}",
        Verdict.DIFFERENT: f"kept apart: {people}",
    }
    return sentences[decision.verdict]


def _unsure(row: doubts.DoubtRow, names: Mapping[PersonId, str]) -> str:
    people = ", ".join(names.get(person, person) for person in row.people)
    what = "not sure" if row.answer == "unsure" else "two people on one photo"
    return f"{what} ({row.kind}): {people or 'nobody'}"

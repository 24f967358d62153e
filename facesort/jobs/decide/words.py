"""Everything the user said, in one order: decisions, answers of several decisions, and not-sures.

Decisions and not-sures are two logs of the catalog. Each not-sure knows the newest decision of its
time, so that both have one order, and `undo`, `redo`, and a review take back the same thing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from facesort.catalog import decisions, doubts
from facesort.domain import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from facesort.catalog.connection import Database
    from facesort.catalog.decisions import Event
    from facesort.catalog.doubts import DoubtEvent

__all__ = ["Said", "Word", "bring_back", "read", "replay", "take_back"]


class Word(NamedTuple):
    """What is taken back, or brought back, as one.

    Args:
        decisions: their numbers, ascending.
        doubt: number of a not-sure as it was first said, or None.
    """

    decisions: tuple[int, ...] = ()
    doubt: int | None = None


class Said(NamedTuple):
    """What came of everything that was said.

    Args:
        standing: what stands, in the order in which it was first said: to bring something back does
            not make it newer than what was said after it.
        undone: what can be brought back, the next one last.
    """

    standing: tuple[Word, ...]
    undone: tuple[Word, ...]


class _Step(NamedTuple):
    """One line of either log.

    Args:
        verb: 'said', 'undo' or 'redo'.
        about: number of what was said first.
        group: the first line of what happened at once.
        is_doubt: of which log.
    """

    verb: str
    about: int
    group: int
    is_doubt: bool


_SAID, _UNDO, _REDO = "said", Verdict.UNDO.value, Verdict.REDO.value


def read(db: Database) -> Said:
    """Return what was said; inside a snapshot or a transaction."""
    return replay(decisions.events(db), doubts.events(db))


def replay(made: Iterable[Event], unsure: Iterable[DoubtEvent]) -> Said:
    """Apply every undo and redo; whatever is said newly clears what could be brought back.

    Args:
        made: the log of decisions, oldest first.
        unsure: that of not-sures.
    """
    said: dict[tuple[bool, int], int] = {}
    standing: set[tuple[bool, int]] = set()
    undone: dict[tuple[bool, int], int] = {}
    for step in _in_order(made, unsure):
        thing = (step.is_doubt, step.about)
        if step.verb == _UNDO:
            if thing in standing:
                standing.remove(thing)
                undone[thing] = step.group
        elif step.verb == _REDO:
            if undone.pop(thing, None) is not None:
                standing.add(thing)
        else:
            said[thing] = step.group
            standing.add(thing)
            undone.clear()
    stands = {thing: group for thing, group in said.items() if thing in standing}
    return Said(_words(stands), _words(undone))


def _in_order(made: Iterable[Event], unsure: Iterable[DoubtEvent]) -> Iterator[_Step]:
    """Merge both logs: a not-sure comes after the newest decision that it knew."""
    later = list(unsure)
    place = 0
    first: dict[int, int] = {}

    def up_to(decision: int | None) -> Iterator[_Step]:
        nonlocal place
        while place < len(later) and (decision is None or later[place].last_decision < decision):
            row = later[place]
            place += 1
            about = row.id if row.target is None else first[row.target]
            first[row.id] = about
            verb = _SAID if row.target is None else _UNDO if row.answer == _UNDO else _REDO
            yield _Step(verb, about, row.id, is_doubt=True)

    for event in made:
        yield from up_to(event.id)
        verb = event.verdict if event.verdict in {_UNDO, _REDO} else _SAID
        about = event.id if verb == _SAID or event.target is None else event.target
        yield _Step(verb, about, event.group, is_doubt=False)
    yield from up_to(None)


def _words(things: dict[tuple[bool, int], int]) -> tuple[Word, ...]:
    """Put together what happened at once."""
    found: list[Word] = []
    last: tuple[bool, int] | None = None
    for (is_doubt, number), group in things.items():
        if is_doubt:
            found.append(Word(doubt=number))
        elif last == (False, group):
            found[-1] = Word(tuple(sorted((*found[-1].decisions, number))))
        else:
            found.append(Word((number,)))
        last = (is_doubt, group)
    return tuple(found)


def take_back(db: Database, word: Word) -> None:
    """Say that a word stands no longer, as one; belongs inside a transaction."""
    _append(db, Verdict.UNDO, word.decisions[::-1])
    if word.doubt is not None:
        doubts.take_back(db, word.doubt)


def bring_back(db: Database, word: Word) -> None:
    """Say that a word stands again, as one; belongs inside a transaction."""
    _append(db, Verdict.REDO, word.decisions)
    if word.doubt is not None:
        doubts.bring_back(db, word.doubt)


def _append(db: Database, verdict: Verdict, targets: Iterable[int]) -> None:
    decisions.make_one(db, [decisions.append(db, verdict, target=one) for one in targets])

"""Farthest points without the odd ones: choose, look at who is odd, choose again without them.

Who is odd is told from a first choice, because that says which faces are copies of each other. Only
people of whom an odd face was taken are chosen again: leaving out others changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from facesort.descriptors.bursts import BurstRule, burst_labels
from facesort.descriptors.greedy import Picks, Wanted, pick_each
from facesort.descriptors.odd import Voices, odd_faces, unusual_faces
from facesort.descriptors.rows import NO_ROW

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from facesort.descriptors.rows import PersonRows
    from facesort.descriptors.rule import Rule
    from facesort.protocols import Vectors

__all__ = ["Choice", "choose_guarded"]

_Number = TypeVar("_Number", bound=np.generic)

# `min_gain` tells copies and twins; photos without a time need no rule of their own.
_BY_TIME = BurstRule(twin_cosine=None)

# Fewer faces say nothing of what is usual, and two per cent of them are none.
_FEWEST_GUARDED = 3


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """What was chosen of n faces, and what was not; arrays sorted as their rows.

    Args:
        picks: the faces.
        covered: (n,) those for which the chosen stand.
        odd: (n,) those that may not be their person's, and were not chosen.
        unusual: (n,) those that are to be looked at all the same.
        likeness: (n,) mean cosine to the person's other faces; 1 where nobody asked.
    """

    picks: Picks
    covered: NDArray[np.bool_]
    odd: NDArray[np.bool_]
    unusual: NDArray[np.bool_]
    likeness: NDArray[np.float32]


def choose_guarded(
    vectors: Vectors,
    rows: PersonRows,
    wanted: Wanted,
    rule: Rule,
    *,
    pins: NDArray[np.int64],
    sure: NDArray[np.bool_],
    moments: NDArray[np.float64] | None,
) -> Choice:
    """Choose faces for p people.

    Args:
        vectors: (m, d) unit float32.
        rows: their n rows.
        wanted: what these are worth.
        rule: how.
        pins: (p, q) rows that are taken first, NO_ROW where there are fewer.
        sure: (n,) sorted: faces that are not odd.
        moments: (m,) seconds, NaN where unknown: of a burst only the best may be chosen; or None.
    """
    pick = partial(pick_each, vectors, size=rule.size, min_gain=rule.min_gain)
    first = wanted if moments is None else _leaders(vectors, rows, wanted, moments)
    picks = pick(rows, first, pins)
    if rule.unguarded() == rule or rows.sizes.max() < _FEWEST_GUARDED:
        none = np.zeros(len(sure), dtype=bool)
        return Choice(picks, wanted.allowed, none, none, np.ones(len(sure), dtype=np.float32))
    voices = Voices.of(vectors, rows, wanted.first, wanted.allowed, picks, alike=rule.min_gain)
    odd = ~sure & odd_faces(
        voices,
        rows,
        share=rule.odd_share,
        one_person=rule.one_person,
    )
    unusual = unusual_faces(voices, rows, deviations=rule.odd_deviations) & ~sure & ~odd
    # Nothing else is there: rather an odd face than none.
    some = np.repeat(rows.count(wanted.allowed & ~odd) > 0, rows.sizes)
    covered = wanted.allowed & ~(odd & some)
    if odd.any():
        fewer = replace(wanted, allowed=covered)
        people = _took(rows, picks, odd)
        if moments is not None:
            fewer = _leaders(vectors, rows, fewer, moments)
            people = rows.count(odd) > 0  # a burst that an odd face led has another leader now
        picks = _again(pick, rows, fewer, pins, picks, people)
    return Choice(picks, covered, odd, unusual, voices.likeness)


def _took(rows: PersonRows, picks: Picks, which: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Say which (p,) people took one of some faces."""
    marked = np.zeros(int(rows.order.max()) + 1, dtype=bool)
    marked[rows.order[which]] = True
    return np.asarray((marked[picks.rows] & (picks.rows != NO_ROW)).any(axis=1))


def _again(
    pick: Callable[[PersonRows, Wanted, NDArray[np.int64]], Picks],
    rows: PersonRows,
    wanted: Wanted,
    pins: NDArray[np.int64],
    picks: Picks,
    people: NDArray[np.bool_],
) -> Picks:
    """Choose anew for some people, and leave the others as they are."""
    if not people.any():
        return picks
    mine = np.repeat(people, rows.sizes)
    some = Wanted(
        wanted.quality[mine], wanted.first[mine], wanted.worth[mine], wanted.allowed[mine]
    )
    anew = pick(rows.of_people(people), some, pins[people])
    return Picks(
        _put(picks.rows, people, anew.rows),
        _put(picks.gains, people, anew.gains),
        _put(picks.scores, people, anew.scores),
        _put(picks.distance, mine, anew.distance),
        _put(picks.nearest, mine, anew.nearest),
    )


def _put(
    values: NDArray[_Number], where: NDArray[np.bool_], others: NDArray[_Number]
) -> NDArray[_Number]:
    changed = values.copy()
    changed[where] = others
    return changed


def _leaders(
    vectors: Vectors, rows: PersonRows, wanted: Wanted, moments: NDArray[np.float64]
) -> Wanted:
    """Of the faces that may be chosen, allow only those that are the best of their burst."""
    allowed = wanted.allowed.copy()
    seconds = np.where(allowed, moments[rows.order], np.nan)
    for number in _crowded(rows, seconds).tolist():
        start = int(rows.starts[number])
        mine = start + np.flatnonzero(~np.isnan(seconds[start : start + rows.sizes[number]]))
        quality, where = wanted.quality[mine], rows.order[mine]
        bursts = burst_labels(vectors, seconds[mine], quality=quality, rows=where, rule=_BY_TIME)
        best_first = np.argsort(-quality, kind="stable")
        allowed[mine] = False
        allowed[mine[best_first[np.unique(bursts[best_first], return_index=True)[1]]]] = True
    return replace(wanted, allowed=allowed)


def _crowded(rows: PersonRows, seconds: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the people of whom two faces were taken within the time of a burst."""
    person = np.repeat(np.arange(len(rows.sizes)), rows.sizes)
    order = np.lexsort((seconds, person))  # those without a time come last
    window = max(_BY_TIME.seconds, _BY_TIME.instant_seconds)
    near = (np.diff(seconds[order]) <= window) & (np.diff(person[order]) == 0)
    return np.unique(person[order][1:][near])

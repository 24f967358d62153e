"""Who may be whom, and what each question is worth."""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from facesort.review.questions import Kind
from facesort.review.singles import MOST_SHOWN, NOTHING, Singles, matters_to_join

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from facesort.review.chances import Chances
    from facesort.review.claims import Claims
    from facesort.review.neighbours import Neighbours
    from facesort.review.state import ReviewState

__all__ = ["MOST_SHOWN", "Worth"]

# Chances from which somebody is listed as a guess, is asked about where nobody could be named, is
# shown together with others that are likely the same, and is named along with who they are.
_GUESS, _LEAST_CHANCE, _LIKELY, _PIECE = 0.01, 0.1, 0.5, 0.8

# What somebody on few photos matters who is probably a stranger, and what a stranger does whom the
# user does not want to see.
_STRANGER, _IGNORED = 0.1, 0.25


class Worth:
    """Values questions about a state.

    Args:
        state: the people.
        near: who is like whom.
        claims: whose the faces of nobody may be.
        chances: how likely likenesses are.
        min_photos: people on so many photos matter though they have no name yet.
    """

    def __init__(
        self,
        state: ReviewState,
        near: Neighbours,
        claims: Claims,
        chances: Chances,
        *,
        min_photos: int,
    ) -> None:
        self._state = state
        self._near = near
        self._chances = chances
        self._min_photos = min_photos
        self._faces = float(state.sizes.sum())
        self._may_be: dict[int, dict[int, float]] = {}
        self._fans: defaultdict[int, set[int]] = defaultdict(set)
        self.singles = Singles(state, claims)

    # -- who may be whom -------------------------------------------------------------------------

    def judge(self, rows: Iterable[int]) -> set[int]:
        """Say anew who some rows may be; returns all whose questions are to be valued anew."""
        again: set[int] = set()
        for row in rows:
            before = self.may_be(row)
            now = self._judged(row)
            for other in before.keys() - now.keys():
                self._fans[other].discard(row)
            for other in now:
                self._fans[other].add(row)
            self._may_be[row] = now
            again.add(row)
            again |= {other for other, chance in now.items() if chance >= _LEAST_CHANCE}
            again |= {other for other, chance in before.items() if chance >= _LEAST_CHANCE}
        return again

    def _judged(self, row: int) -> dict[int, float]:
        state = self._state
        if not state.alive[row] or not state.weights[row] or state.named[row] or state.ignored[row]:
            return {}
        rows, cosines = self._near.of(row)
        apart = state.apart_from(row)
        free = np.array([other not in apart for other in rows.tolist()], dtype=bool)
        rows, cosines = rows[free], cosines[free]
        while len(rows):
            chances = self._chances.of_neighbours(
                cosines,
                state.weights[rows].astype(np.float64),
                float(state.weights[row]),
                self._faces,
            )
            clash = np.array(
                [
                    chance >= _GUESS and self._on_one_picture(row, other)
                    for other, chance in zip(rows.tolist(), chances.tolist(), strict=True)
                ],
                dtype=bool,
            )
            if not clash.any():
                return {
                    other: chance
                    for other, chance in zip(rows.tolist(), chances.tolist(), strict=True)
                    if chance >= _GUESS
                }
            rows, cosines = rows[~clash], cosines[~clash]
        return {}

    def _on_one_picture(self, one: int, other: int) -> bool:
        few, many = sorted((self._state.moments(one), self._state.moments(other)), key=len)
        if not len(few) or not len(many):
            return False
        at = np.minimum(np.searchsorted(many, few), len(many) - 1)
        return bool((many[at] == few).any())

    def _fits(self, rows: Sequence[int]) -> bool:
        return not any(
            self._state.are_apart(one, other) or self._on_one_picture(one, other)
            for one, other in combinations(rows, 2)
        )

    def _is_open(self, row: int) -> bool:
        """Whether nobody has said who a row is."""
        state = self._state
        return bool(
            state.alive[row]
            and state.sizes[row]
            and not state.named[row]
            and not state.ignored[row]
        )

    def _pieces(self, row: int, least: float) -> list[tuple[int, float]]:
        """Return rows that are likely this one, likeliest first, and no two of them on a photo."""
        state = self._state
        found = [
            (self._may_be[other][row], other)
            for other in self._fans.get(row, ())
            if other != row
            and self._may_be[other].get(row, 0.0) >= least
            and self._is_open(other)
            and not self._state.is_held(Kind.SAME, [row, other])
        ]
        found.sort(key=lambda one: (-one[0], state.ids[one[1]]))
        chosen: list[tuple[int, float]] = []
        for chance, other in found:
            if len(chosen) == MOST_SHOWN:
                break
            if all(self._fits([other, before]) for before, _ in chosen):
                chosen.append((other, chance))
        return chosen

    # -- values ----------------------------------------------------------------------------------

    def value(self, kind: Kind, subject: int) -> float:
        """Return the faces that a question settles for each answer; 0: it is not asked."""
        settles, cost, matters = self.expected(kind, subject)
        return settles * matters / cost

    def key(self, kind: Kind, subject: int) -> tuple[str, str]:
        """Return what orders questions of equal value."""
        if kind is Kind.MIRROR:
            return (kind.value, min(self.singles.photos[subject]))
        return (kind.value, self._state.ids[subject])

    def expected(self, kind: Kind, subject: int) -> tuple[float, float, float]:
        """Return expected faces settled, expected cost, and how much these faces matter."""
        if kind is Kind.WHO:
            return self._worth_of_who(subject)
        if kind is Kind.SAME:
            return self._worth_of_same(subject)
        return self.singles.expected(kind, subject)

    def _worth_of_who(self, row: int) -> tuple[float, float, float]:
        state = self._state
        if not self._is_open(row) or state.is_held(Kind.WHO, [row]):
            return NOTHING
        if self.singles.is_likely_two(row):
            return NOTHING
        if any(chance >= _PIECE and state.ignored[p] for p, chance in self.may_be(row).items()):
            return NOTHING  # never asked about as a person: see `shown_with`
        known, ignored = self.known(row)
        pieces = self.parts_of(row)
        settles = float(state.sizes[row])
        settles += sum(float(state.sizes[other]) * chance for other, chance in pieces)
        cost = 2 - known - ignored + sum(1 - chance for _, chance in pieces)
        matters = 1.0
        if state.photos[row] < self._min_photos:
            piece = sum(
                chance for other, chance in self.may_be(row).items() if not state.ignored[other]
            )
            stranger = _STRANGER * float(state.prominence[row])
            matters = stranger + (1 - stranger) * min(1.0, piece)
        return settles, cost, matters * (1 - (1 - _IGNORED) * ignored)

    def known(self, row: int) -> tuple[float, float]:
        """Return how likely a row is one of the people with a name, or of the ignored."""
        state = self._state
        may_be = self.may_be(row)
        known = sum(chance for other, chance in may_be.items() if state.named[other])
        ignored = sum(
            chance
            for other, chance in may_be.items()
            if state.ignored[other] and not state.named[other]
        )
        return known, ignored

    def parts_of(self, row: int) -> list[tuple[int, float]]:
        """Return smaller rows that are almost surely pieces of this one."""
        state = self._state
        rank = (state.sizes[row], state.ids[row])
        return [
            (other, chance)
            for other, chance in self._pieces(row, _PIECE)
            if (state.sizes[other], state.ids[other]) < rank
        ]

    def _worth_of_same(self, row: int) -> tuple[float, float, float]:
        pieces = self.shown_with(row)
        if not pieces:
            return NOTHING
        settles = sum(float(self._state.sizes[other]) * chance for other, chance in pieces)
        cost = 1 + sum(1 - chance for _, chance in pieces)
        return settles, cost, matters_to_join(self._state, row)

    def shown_with(self, row: int) -> list[tuple[int, float]]:
        """Return who is asked about together with a row; see `queue`."""
        state = self._state
        if not state.alive[row]:
            return []
        if state.named[row] or state.ignored[row]:
            likely = self._pieces(row, _LIKELY)
            if len(likely) > 1:
                return likely
            if state.ignored[row] and likely and likely[0][1] >= _PIECE:
                return likely  # whoever comes back whom nobody wants to see
            return [
                piece
                for piece in self._pieces(row, _LEAST_CHANCE)
                if state.is_held(Kind.WHO, [piece[0]])
            ][:1]
        if not state.is_held(Kind.WHO, [row]):
            return []
        rank = (state.sizes[row], state.ids[row])
        return [
            (other, chance)
            for other, chance in self._pieces(row, _LEAST_CHANCE)
            if state.is_held(Kind.WHO, [other]) and (state.sizes[other], state.ids[other]) < rank
        ][:1]

    def may_be(self, row: int) -> dict[int, float]:
        """Return whom a row may be, and how likely."""
        return self._may_be.get(row, {})

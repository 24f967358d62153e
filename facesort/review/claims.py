"""Who each face may be that is with nobody: kept while people change.

People who can be asked about are compared with all such faces, and again when they change. A face
is compared with everybody only when a question shall show it: whoever else it may be then counts
against the one it was thought to be.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from facesort.review.chances import Chances
    from facesort.review.neighbours import Neighbours
    from facesort.review.state import ReviewState

__all__ = ["Claims"]

# Whoever has less of a chance to be a face, if nobody else came into question, is left out.
_LEAST_RIVAL = 0.02

# A face is somebody's to be asked about if it is likelier theirs than not.
_LIKELY = 0.5

_BLOCK_COSINES = 1 << 23

_VERIFIED_AT_ONCE = 8


class Claims:
    """Likely people of faces of nobody.

    Args:
        state: people and faces.
        near: the people's mean vectors.
        chances: how likely likenesses are.
    """

    def __init__(self, state: ReviewState, near: Neighbours, chances: Chances) -> None:
        self._state = state
        self._near = near
        self._chances = chances
        self._all = float(state.sizes.sum())
        self._looked: set[int] = set()
        self._verified = np.zeros(len(state.loose), dtype=bool)
        self._of_row: dict[int, list[int]] = {}
        self._odds: defaultdict[int, dict[int, float]] = defaultdict(dict)
        self._likeliest: dict[int, tuple[int, float]] = {}
        self._theirs: defaultdict[int, set[int]] = defaultdict(set)

    def has_looked(self, row: int) -> bool:
        """Whether a row was compared with all faces of nobody."""
        return row in self._looked

    def look(self, rows: Iterable[int]) -> set[int]:
        """Compare rows with all faces, as they are now; returns rows whose faces have changed."""
        touched: set[int] = set()
        wanted = sorted(set(rows))
        for row in wanted:
            self._looked.add(row)
            for place in self._of_row.pop(row, ()):
                del self._odds[place][row]
                touched.add(place)
        n = len(self._state)
        there = [row for row in wanted if row < n and self._state.weights[row]]
        for row, places, odds in self._alike([row for row in there if self._state.alive[row]]):
            self._of_row[row] = places
            for place, each in zip(places, odds, strict=True):
                self._odds[place][row] = each
            touched.update(places)
        return self._judge(touched)

    def _alike(self, rows: Sequence[int]) -> Iterator[tuple[int, list[int], list[float]]]:
        """Yield rows with the faces that may be theirs, and the odds of each."""
        loose, nobody = self._state.loose, self._chances.nobody
        step = max(1, _BLOCK_COSINES // max(1, len(loose)))
        for at in range(0, len(rows) if len(loose) else 0, step):
            block = rows[at : at + step]
            cosines = self._near.means(block) @ loose.vectors.T
            for row, line in zip(block, cosines, strict=True):
                places = np.flatnonzero(line >= self._near.floor)
                odds = self._chances.odds(
                    line[places].astype(np.float64),
                    np.full(len(places), float(self._state.weights[row])),
                    1.0,
                    self._all,
                    loose.quality[places].astype(np.float64),
                )
                # Nobody is twice on one picture, as a rule.
                with_them = np.isin(loose.moments[places], self._state.moments(row))
                kept = (odds >= _LEAST_RIVAL * (odds + nobody)) & ~with_them
                yield row, places[kept].tolist(), odds[kept].tolist()

    def verify(self, row: int, places: Sequence[int]) -> set[int] | None:
        """Compare faces with everybody, where that was not done.

        Args:
            row: whose they likely are; as many others of its faces are compared with them.
            places: the faces.

        Returns:
            Rows whose faces have changed; None where nothing was left to do.
        """
        if self._verified[list(places)].all():
            return None
        # Next time it is these: to read everybody's means takes longer than to multiply them.
        more = dict.fromkeys([*places, *self.of(row)[: _VERIFIED_AT_ONCE - len(places)].tolist()])
        new = [place for place in more if not self._verified[place]]
        self._verified[new] = True
        n = len(self._state)
        rivals: set[int] = set()
        cosines = self._state.loose.vectors[new] @ self._near.means(slice(0, n)).T
        qualities = self._state.loose.quality[new].tolist()
        for line, quality in zip(cosines, qualities, strict=True):
            rows = np.flatnonzero(line >= self._near.floor)
            sizes = self._state.weights[rows].astype(np.float64)
            alike = line[rows].astype(np.float64)
            odds = self._chances.odds(alike, sizes, 1.0, self._all, quality)
            rivals.update(rows[odds >= _LEAST_RIVAL * (odds + self._chances.nobody)].tolist())
        return self.look(rivals - self._looked)

    def _judge(self, places: Iterable[int]) -> set[int]:
        """Say anew whose faces are; returns rows that have lost or won some."""
        rows: set[int] = set()
        for place in places:
            before, now = self._likeliest.get(place), self._judged(place)
            if before is not None:
                self._theirs[before[0]].discard(place)
                rows.add(before[0])
            if now is None:
                self._likeliest.pop(place, None)
            else:
                self._likeliest[place] = now
                self._theirs[now[0]].add(place)
                rows.add(now[0])
        return rows

    def may_be(self, place: int) -> dict[int, float]:
        """Return which of the people that were compared a face may be, and how likely."""
        odds = self._odds.get(place)
        if not odds:
            return {}
        denied = {self._state.find(row) for row in self._state.loose.denied(place)}
        left = {row: each for row, each in odds.items() if row not in denied}
        everybody = sum(left.values()) + self._chances.nobody
        return {row: each / everybody for row, each in left.items()}

    def _judged(self, place: int) -> tuple[int, float] | None:
        """Return whose a face likely is and how likely; None where nobody is likely."""
        may_be = self.may_be(place)
        row = max(may_be, key=lambda one: (may_be[one], -one), default=None)
        return None if row is None or may_be[row] < _LIKELY else (row, may_be[row])

    def of(self, row: int) -> NDArray[np.int64]:
        """Return the free faces that are likely a row's, the likeliest first."""
        state = self._state
        found = [(-self._likeliest[place][1], place) for place in self._theirs.get(row, ())]
        places = np.array([place for _, place in sorted(found)], dtype=np.int64)
        free: NDArray[np.int64] = places[state.loose.free[places]]
        return free

    def chance(self, place: int) -> float:
        """Return how likely a face is the person it likely is, 0 where nobody is."""
        return self._likeliest.get(place, (0, 0.0))[1]

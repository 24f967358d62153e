"""Who is like whom: the likest people of each row, kept while people change."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from facesort.protocols import Vectors
    from facesort.review.state import ReviewState

__all__ = ["Neighbours"]

_MOST = 16
_BLOCK_COSINES = 1 << 23


class Neighbours:
    """The mean vector of each row, and which rows are like which.

    Args:
        state: the people.
        floor: mean cosine below which two rows have nothing to do with each other.
    """

    def __init__(self, state: ReviewState, floor: float) -> None:
        self._state = state
        self._floor = np.float32(floor)
        weights = np.maximum(state.weights, 1).astype(np.float32)
        self._means: Vectors = state.sums / weights[:, None]
        self._means[~state.alive] = 0
        self._looked: set[int] = set()
        self._links: defaultdict[int, set[int]] = defaultdict(set)

    def update(self, rows: Iterable[int]) -> None:
        """Take over what has changed of rows."""
        state = self._state
        if len(self._means) < len(state.sums):
            grown = np.zeros(state.sums.shape, dtype=np.float32)
            grown[: len(self._means)] = self._means
            self._means = grown
        for row in rows:
            weight = max(1, int(state.weights[row]))
            lives = row < len(state) and bool(state.alive[row])
            self._means[row] = state.sums[row] / np.float32(weight) if lives else 0

    def look(self, rows: Sequence[int]) -> None:
        """Compare rows with everybody; links go both ways."""
        self._looked.update(rows)
        n = len(self._state)
        step = max(1, _BLOCK_COSINES // max(1, n))
        for at in range(0, len(rows), step):
            block = np.array(rows[at : at + step], dtype=np.int64)
            cosines = self._means[block] @ self._means[:n].T
            cosines[np.arange(len(block)), block] = -1
            for row, line in zip(block.tolist(), cosines, strict=True):
                near = np.flatnonzero(line >= self._floor)
                if len(near) > _MOST:
                    likest = np.argpartition(-line[near], _MOST - 1)[:_MOST]
                    near = near[likest]
                for other in near.tolist():
                    self._links[row].add(other)
                    self._links[other].add(row)

    @property
    def floor(self) -> float:
        """Mean cosine below which two have nothing to do with each other."""
        return float(self._floor)

    def means(self, rows: Sequence[int] | slice) -> Vectors:
        """Return the mean vector of each of some rows, zeros where nobody is."""
        return self._means[rows]

    def has_looked(self, row: int) -> bool:
        """Whether a row was compared with everybody."""
        return row in self._looked

    def merge(self, keep: int, other: int) -> None:
        """Let the survivor know whom the other one was like.

        Whoever is like the two together is like one of them.
        """
        self._links[keep] |= self._links[other]

    def of(self, row: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return rows like this one, as they are now, and the mean cosine to each."""
        find = self._state.find
        n = len(self._state)
        known = {find(other) for other in self._links.get(row, ()) if other < n} - {row}
        alive = self._state.alive
        rows = np.array(sorted(one for one in known if alive[one]), dtype=np.int64)
        cosines: NDArray[np.float64] = (self._means[rows] @ self._means[row]).astype(np.float64)
        near = cosines >= self._floor
        return rows[near], cosines[near]

    def of_vectors(
        self, vectors: Sequence[NDArray[np.float32]]
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float64]]]:
        """Yield the rows that each of some faces is like, and the cosine with each."""
        if not vectors:
            return
        for cosines in np.stack(vectors) @ self._means[: len(self._state)].T:
            near = np.flatnonzero(cosines >= self._floor)
            if len(near) > _MOST:
                near = near[np.argpartition(-cosines[near], _MOST - 1)[:_MOST]]
            yield near, cosines[near].astype(np.float64)

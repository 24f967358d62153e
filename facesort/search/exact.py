"""Exact nearest neighbours by blocked matrix products: the oracle, and for most libraries."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np

from facesort.search.best import BestSoFar
from facesort.search.sharing import share

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from facesort.protocols import Vectors

__all__ = ["ExactNeighbours"]

_BLOCK_ROWS = 1024  # a block of 1024 x 1024 float32 cosines is 4 MB: it stays in the cache
_QUERY_ROWS = 256  # fewer: a thousand queries are enough for four cores


class ExactNeighbours:
    """All pairs, block by block; never the whole (n, n) matrix.

    Args:
        vectors: (n, d) unit float32.
    """

    def __init__(self, vectors: Vectors) -> None:
        self._vectors = np.ascontiguousarray(vectors)

    def neighbours(self, k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """For each row its k nearest other rows and their cosines.

        The cosine of a pair is computed once, for both.

        Returns:
            Rows (n, k) and cosines (n, k), nearest first, ties by row; k shrinks to n - 1.
        """
        n = len(self._vectors)
        k = max(0, min(k, n - 1))
        if k == 0:
            return _nothing(n)
        best = BestSoFar(n, k)
        blocks = [np.arange(n)[start : start + _BLOCK_ROWS] for start in range(0, n, _BLOCK_ROWS)]
        locks = [threading.Lock() for _ in blocks]

        def weigh(pair: tuple[int, int]) -> None:
            first, second = pair
            rows, others = blocks[first], blocks[second]
            block = self._of(rows) @ self._of(others).T
            if first == second:
                np.fill_diagonal(block, -np.inf)
            with locks[first]:
                best.offer(rows, block, others)
            if first != second:
                with locks[second]:
                    best.offer_transposed(others, block, rows)

        # Diagonal after diagonal: so two threads seldom have a block in common.
        count = len(blocks)
        share(weigh, [(i, i + step) for step in range(count) for i in range(count - step)])
        return best.result()

    def nearest(self, queries: Vectors, k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """For each query its k nearest rows and their cosines.

        Args:
            queries: (m, d) unit float32.
            k: how many; shrinks to n.

        Returns:
            Rows (m, k) and cosines (m, k), nearest first, ties by row.
        """
        n, m = len(self._vectors), len(queries)
        k = max(0, min(k, n))
        if k == 0:
            return _nothing(m)
        best = BestSoFar(m, k)

        def weigh(start: int) -> None:
            rows = np.arange(start, min(start + _QUERY_ROWS, m))
            for other in range(0, n, _BLOCK_ROWS):
                others = np.arange(other, min(other + _BLOCK_ROWS, n))
                best.offer(rows, queries[start : rows[-1] + 1] @ self._of(others).T, others)

        share(weigh, range(0, m, _QUERY_ROWS))
        return best.result()

    def _of(self, rows: NDArray[np.int64]) -> Vectors:
        return self._vectors[rows[0] : rows[-1] + 1]


def _nothing(n: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    return np.empty((n, 0), dtype=np.int64), np.empty((n, 0), dtype=np.float32)

"""Exact nearest neighbours by blocked matrix products: the oracle, and for small libraries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from facesort.protocols import Vectors

__all__ = ["ExactNeighbours"]

_BLOCK_ROWS = 1024  # 1024 x 20,000 float32 similarities: 80 MB


class ExactNeighbours:
    """All pairs, block by block; never the whole (n, n) matrix.

    Args:
        vectors: (n, d) unit float32.
    """

    def __init__(self, vectors: Vectors) -> None:
        self._vectors = vectors

    def neighbours(self, k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """For each row its k nearest other rows and their cosines.

        Returns:
            Rows (n, k) and cosines (n, k), nearest first, ties by row; k shrinks to n - 1.
        """
        n = len(self._vectors)
        k = max(0, min(k, n - 1))
        rows = np.empty((n, k), dtype=np.int64)
        cosines = np.empty((n, k), dtype=np.float32)
        if k == 0:
            return rows, cosines
        for start in range(0, n, _BLOCK_ROWS):
            block = self._vectors[start : start + _BLOCK_ROWS] @ self._vectors.T
            here = np.arange(len(block))
            block[here, start + here] = -np.inf
            nearest = _k_largest(block, k)
            values = np.take_along_axis(block, nearest, axis=1)
            order = np.argsort(-values, axis=1, kind="stable")
            rows[start : start + len(block)] = np.take_along_axis(nearest, order, axis=1)
            cosines[start : start + len(block)] = np.take_along_axis(values, order, axis=1)
        return rows, cosines


def _k_largest(block: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """Return the columns of the k largest values of each row in rising order, ties by column."""
    columns: NDArray[np.int64] = np.argpartition(-block, k - 1, axis=1)[:, :k]
    columns.sort(axis=1)
    smallest = np.take_along_axis(block, columns, axis=1).min(axis=1, keepdims=True)
    # Where more than k values reach the smallest one, the partition took any of the equal ones.
    for row in np.flatnonzero((block >= smallest).sum(axis=1) > k).tolist():
        columns[row] = np.sort(np.argsort(-block[row], kind="stable")[:k])
    return columns

"""A graph of known faces and an exact tail of new ones, answering as one index."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from facesort.search.exact import ExactNeighbours

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from facesort.protocols import Vectors
    from facesort.search.hnsw import HnswGraph

__all__ = ["TailedIndex"]

_BATCH_ROWS = 10_000  # queries at a time where every row is one


class TailedIndex:
    """Finds rows in the graph and in the tail.

    Args:
        graph: of the faces that were there when it was made; those gone since are removed from it.
        row_of_label: (labels,) the row of each, -1 where it was removed.
        tail_rows: (t,) rows that the graph lacks.
        tail: (t, d) their vectors.
    """

    def __init__(
        self,
        graph: HnswGraph,
        row_of_label: NDArray[np.int64],
        tail_rows: NDArray[np.int64],
        tail: Vectors,
    ) -> None:
        self._graph = graph
        self._row_of_label = row_of_label
        self._tail_rows = tail_rows
        self._tail_vectors = tail
        self._tail = ExactNeighbours(tail)

    def __len__(self) -> int:
        return len(self._tail_rows) + len(self._graph) - self._graph.removed

    @property
    def waiting(self) -> int:
        """How many faces the tail holds."""
        return len(self._tail_rows)

    def nearest(self, queries: Vectors, k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Find rows; see `NeighbourIndex.nearest`."""
        k = max(0, min(k, len(self)))
        labels, cosines = self._graph.nearest(queries, k)
        rows = np.where(labels >= 0, self._row_of_label[labels], -1) if k else labels
        if not len(self._tail_rows) or not k:
            return rows, cosines
        waiting, their_cosines = self._tail.nearest(queries, k)
        rows = np.concatenate([rows, self._tail_rows[waiting]], axis=1)
        cosines = np.concatenate([cosines, their_cosines], axis=1)
        best = np.lexsort((rows, -cosines), axis=1)[:, :k]
        return np.take_along_axis(rows, best, axis=1), np.take_along_axis(cosines, best, axis=1)

    def neighbours(self, k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Find the others nearest to every row; see `NeighbourIndex.neighbours`."""
        n = len(self)
        k = max(0, min(k, n - 1))
        rows = np.full((n, k), -1, dtype=np.int64)
        cosines = np.full((n, k), -np.inf, dtype=np.float32)
        labels = np.flatnonzero(self._row_of_label >= 0)
        for start in range(0, len(labels) if k else 0, _BATCH_ROWS):
            some = labels[start : start + _BATCH_ROWS]
            own = self._row_of_label[some]
            rows[own], cosines[own] = self._others(self._graph.vectors(some), own, k)
        if len(self._tail_rows) and k:
            own = self._tail_rows
            rows[own], cosines[own] = self._others(self._tail_vectors, own, k)
        return rows, cosines

    def _others(
        self, queries: Vectors, own: NDArray[np.int64], k: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        rows, cosines = self.nearest(queries, k + 1)
        # Each query finds itself, unless the graph missed it or copies of it crowd it out.
        itself = rows == own[:, None]
        itself[~itself.any(axis=1), -1] = True
        shape = (len(rows), k)
        return rows[~itself].reshape(shape), cosines[~itself].reshape(shape)

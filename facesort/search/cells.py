"""Approximate nearest neighbours: vectors are sorted into cells, and only near cells are searched.

An inverted file (Sivic and Zisserman, "Video Google", ICCV 2003; Jegou, Douze, Schmid, PAMI 33(1),
2011): each vector belongs to the nearest of some centres, and a search looks exactly at the members
of the cells whose centres are nearest to the query. Matrix products do all the work, there is no
random number in it, and no product is split between threads: the result is a function of the
vectors in their order (on one machine: another BLAS may round the last digit differently).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from facesort.search.best import BestSoFar
from facesort.search.exact import ExactNeighbours
from facesort.search.sharing import share

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from facesort.protocols import Vectors

__all__ = ["CellNeighbours"]

# Centres are 4 sqrt(n): 4,000 for a million faces, 250 faces a cell. Measured in ADR 9: half as
# many means more to look at for the same recall, twice as many costs more to find the cells.
_CENTRES = 4.0
_SAMPLE_PER_CENTRE = 40  # vectors that each centre is fitted to
# Lloyd steps. More split large people into more cells: their recall falls where few are searched.
_STEPS = 4
# Queries that one thread looks for at a time: enough to fill products, and 70 MB of finds.
_BATCH_ROWS = 1 << 16


class CellNeighbours:
    """Finds most of the nearest rows by searching a few cells for each.

    Args:
        vectors: (n, d) unit float32.
        searched: cells that are searched for each row or query, its own included.
    """

    def __init__(self, vectors: Vectors, searched: int) -> None:
        self._vectors = np.ascontiguousarray(vectors)
        count = min(len(vectors), round(_CENTRES * len(vectors) ** 0.5))
        self._centres = _centres(self._vectors, count)
        self._searched = min(searched, count)
        self._probes = self._near_cells(self._vectors)
        # Cell c has the members _order[_starts[c] : _starts[c + 1]], rows in rising order.
        own = self._probes[:, 0] if count else np.zeros(0, dtype=np.uint16)
        self._order = np.argsort(own, kind="stable")
        self._starts = np.searchsorted(own[self._order], np.arange(count + 1))

    def neighbours(self, k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """For each row the k nearest other rows that were found, and their cosines.

        Returns:
            Rows (n, k) and cosines (n, k), nearest first; k shrinks to n - 1. Where the searched
            cells hold fewer, the end is -1 and -inf.
        """
        k = max(0, min(k, len(self._vectors) - 1))
        return self._search(self._vectors, self._probes, k, itself=True)

    def nearest(self, queries: Vectors, k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """For each query the k nearest rows that were found, and their cosines.

        Args:
            queries: (m, d) unit float32.
            k: how many; shrinks to n.

        Returns:
            Rows (m, k) and cosines (m, k) as `neighbours`.
        """
        k = max(0, min(k, len(self._vectors)))
        return self._search(queries, self._near_cells(queries), k, itself=False)

    def _near_cells(self, queries: Vectors) -> NDArray[np.uint16]:
        """Return the cells (m, searched) to look in, nearest first."""
        near = np.empty((len(queries), self._searched), dtype=np.uint16)
        index = ExactNeighbours(self._centres)
        for start in range(0, len(queries), _BATCH_ROWS):  # the index answers in longer integers
            some = slice(start, start + _BATCH_ROWS)
            near[some] = index.nearest(queries[some], self._searched)[0]
        return near

    def _search(
        self, queries: Vectors, probes: NDArray[np.uint16], k: int, *, itself: bool
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        rows = np.full((len(queries), k), -1, dtype=np.int64)
        cosines = np.full((len(queries), k), -np.inf, dtype=np.float32)
        if k == 0:
            return rows, cosines

        def look(start: int) -> None:
            some = slice(start, start + _BATCH_ROWS)
            first = start if itself else None
            rows[some], cosines[some] = self._search_batch(queries[some], probes[some], k, first)

        share(look, range(0, len(queries), _BATCH_ROWS))
        return rows, cosines

    def _search_batch(
        self, queries: Vectors, probes: NDArray[np.uint16], k: int, first: int | None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Search for some queries; `first` is the row of the first one when they are rows."""
        best = BestSoFar(len(queries), k)
        # The nearest cell comes first: it sets a bar that little of the others passes.
        for columns in (probes[:, :1], probes[:, 1:]):
            for cell, asking in _by_cell(columns):
                members = self._order[self._starts[cell] : self._starts[cell + 1]]
                if not len(members):
                    continue
                block = queries[asking] @ self._vectors[members].T
                if first is not None:
                    place = np.minimum(np.searchsorted(members, asking + first), len(members) - 1)
                    own = np.flatnonzero(members[place] == asking + first)
                    block[own, place[own]] = -np.inf
                best.offer(asking, block, members)
        return best.result()


def _by_cell(probes: NDArray[np.uint16]) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Yield each cell that somebody looks in with who does, (m,) rows in rising order."""
    flat = probes.ravel()
    if not len(flat):
        return
    order = np.argsort(flat, kind="stable")
    asked = flat[order]
    ends = np.append(np.flatnonzero(np.diff(asked)) + 1, len(asked))
    start = 0
    for end in ends.tolist():
        yield int(asked[start]), order[start:end] // probes.shape[1]
        start = end


def _centres(vectors: Vectors, count: int) -> Vectors:
    """Fit centres by Lloyd's steps, on evenly spaced rows and starting from evenly spaced ones.

    Returns:
        (count, d) unit vectors.
    """
    sample = vectors[_spaced(len(vectors), count * _SAMPLE_PER_CENTRE)]
    centres = sample[_spaced(len(sample), count)].copy()
    for _ in range(_STEPS if count else 0):
        own = ExactNeighbours(centres).nearest(sample, 1)[0][:, 0]
        order = np.argsort(own, kind="stable")
        used, starts = np.unique(own[order], return_index=True)
        sums = np.add.reduceat(sample[order], starts, axis=0)
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        centres[used] = np.divide(sums, lengths, out=centres[used], where=lengths > 0)
    return centres


def _spaced(n: int, count: int) -> NDArray[np.int64]:
    """Return `count` rows of n (all, if they are fewer) at equal distances."""
    count = min(n, count)
    return np.arange(count, dtype=np.int64) * n // max(count, 1)

"""Growing clusters: their sums, sizes and constraints, for many at a time.

A cluster is named by its first row. The mean cosine between clusters A and B is
<S_A, S_B> / (|A| |B|) with S the sum of the vectors, exactly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from facesort.grouping.constraints import Constraints, Membership, fixed_groups

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from facesort.protocols import Vectors

    Rows: TypeAlias = NDArray[np.int32]

__all__ = ["Clusters", "sums_of", "together"]

# Up to here sums have double precision; beyond, a million faces would need 1 GB for them.
_DOUBLE_UP_TO = 2**24

_BLOCK = 1 << 14  # pairs of clusters multiplied at a time: 16 MB of 128-d sums


class Clusters:
    """Clusters of n rows that only ever merge.

    Args:
        vectors: (n, d); unit, or the mean of the faces that a row stands for.
        constraints: of these rows.
        start: (n,) labels of rows that are together from the start, besides the confirmed faces;
            below zero for a row that is alone.
        weights: (n,) how many faces each row stands for; None means one.
    """

    def __init__(
        self,
        vectors: Vectors,
        constraints: Constraints,
        *,
        start: NDArray[np.int64] | None = None,
        weights: NDArray[np.float64] | None = None,
    ) -> None:
        n = len(vectors)
        precision = np.float64 if vectors.size <= _DOUBLE_UP_TO else np.float32
        self._sums: NDArray[np.floating[Any]] = vectors.astype(precision)
        self.sizes = np.ones(n)
        if weights is not None:
            self._sums *= weights[:, None].astype(precision)
            self.sizes[:] = weights
        self._parents = np.arange(n, dtype=np.int32)
        self._members = Membership(constraints)
        self.count = n
        self.touched = np.zeros(n, dtype=bool)
        labels = _from_the_start(n, fixed_groups(constraints), start)
        if labels is not None:
            self._unite(labels)

    def __len__(self) -> int:
        return len(self._parents)

    def _unite(self, labels: NDArray[np.int64]) -> None:
        """Merge what labels say is together, whatever speaks against it: as trees of pairs."""
        rows = np.argsort(labels, kind="stable").astype(np.int32)
        while True:
            first = np.ones(len(rows), dtype=bool)
            first[1:] = labels[rows[1:]] != labels[rows[:-1]]
            places = np.arange(len(rows))
            odd = (places - np.maximum.accumulate(np.where(first, places, 0))) % 2 == 1
            if not odd.any():
                return
            second = np.flatnonzero(odd)
            self.merge(rows[second - 1], rows[second])
            rows = rows[~odd]

    def find(self, rows: Rows) -> Rows:
        """Return the clusters that rows are in."""
        names = self._parents[rows]
        while True:
            further = self._parents[names]
            if np.array_equal(further, names):
                return names
            names = further

    def find_all(self) -> Rows:
        """Return the clusters that all rows are in; makes what `find` follows short again."""
        self._parents = self.find(self._parents)
        return self._parents.copy()

    def live(self) -> Rows:
        """Return the clusters there are, rising."""
        return np.flatnonzero(self._parents == np.arange(len(self))).astype(np.int32)

    def merge(self, into: Rows, others: Rows) -> None:
        """Merge pairs of clusters, in which none occurs twice; the first row names the result."""
        into, others = np.minimum(into, others), np.maximum(into, others)
        self._members.merge_pairs(into, others)
        self._sums[into] += self._sums[others]
        self.sizes[into] += self.sizes[others]
        self._parents[others] = into
        self.touched[into] = True
        self.count -= len(into)

    def forbidden(self, ones: Rows, others: Rows) -> NDArray[np.bool_]:
        """Say of each pair of clusters whether it may not be one person."""
        return self._members.forbidden_pairs(ones, others)

    def mean_cosines(self, ones: Rows, others: Rows) -> NDArray[np.float64]:
        """Return the mean cosine of each pair of clusters."""
        cosines = np.empty(len(ones))
        for at in range(0, len(ones), _BLOCK):
            a, b = ones[at : at + _BLOCK], others[at : at + _BLOCK]
            products = np.einsum("ij,ij->i", self._sums[a], self._sums[b])
            cosines[at : at + _BLOCK] = products / (self.sizes[a] * self.sizes[b])
        return cosines

    def means(self, names: Rows) -> Vectors:
        """Return the mean vectors, (m, d), of some clusters."""
        means: Vectors = (self._sums[names] / self.sizes[names, None]).astype(np.float32)
        return means

    def labels(self) -> NDArray[np.int64]:
        """Number the clusters of all rows by their first row."""
        numbers = np.unique(self.find_all(), return_inverse=True)[1]
        labels: NDArray[np.int64] = numbers.astype(np.int64)
        return labels


def together(n: int, ones: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.int64]:
    """Label what pairs connect, among n rows."""
    from scipy.sparse import coo_array  # noqa: PLC0415 - heavy
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415

    graph = coo_array((np.ones(len(ones), dtype=np.int8), (ones, others)), shape=(n, n))
    labels: NDArray[np.int64] = connected_components(graph, directed=False)[1].astype(np.int64)
    return labels


def sums_of(
    vectors: Vectors,
    labels: NDArray[np.int64],
    count: int,
    rows: NDArray[np.int64],
    weights: NDArray[np.float64] | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Add up the vectors of clusters.

    Args:
        vectors: (n, d).
        labels: (n,) clusters below `count`.
        count: m, the number of clusters.
        rows: which of the n take part.
        weights: (n,) how many faces each stands for; None means one.

    Returns:
        (m, d) sums and (m,) sizes.
    """
    sums, sizes = np.zeros((count, vectors.shape[1])), np.zeros(count)
    order = rows[np.argsort(labels[rows], kind="stable")]
    for at in range(0, len(order), _BLOCK):
        block = order[at : at + _BLOCK]
        weight = np.ones(len(block)) if weights is None else weights[block]
        starts = np.flatnonzero(np.diff(labels[block], prepend=-1))
        names = labels[block[starts]]
        sums[names] += np.add.reduceat(vectors[block] * weight[:, None], starts, axis=0)
        sizes[names] += np.add.reduceat(weight, starts)
    return sums, sizes


def _from_the_start(
    n: int, groups: Sequence[Sequence[int]], start: NDArray[np.int64] | None
) -> NDArray[np.int64] | None:
    """Label what is together from the start by any of the two accounts; None where nothing is."""
    pairs = [(group[0], row) for group in groups for row in group[1:]]
    if start is None and not pairs:
        return None
    links = [np.array(pairs, dtype=np.int64).reshape(-1, 2)]
    nodes = n
    if start is not None:  # a label is one more node, that its rows are connected with
        rows = np.flatnonzero(start >= 0)
        links.append(np.stack([rows, n + start[rows]], axis=1))
        nodes += int(start.max(initial=-1)) + 1
    ones, others = np.concatenate(links).T
    return together(nodes, ones, others)[:n]

"""Constrained average linkage on the nearest-neighbour graph: the default.

The mean cosine between clusters A and B of unit vectors is <S_A, S_B> / (|A| |B|) with S the sum of
the vectors, exactly, so that a merge costs O(d) per neighbour and no n x n matrix is ever needed.
Pairs of clusters are candidates when at least one of their faces has one of the other's among its k
nearest.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

import numpy as np

from facesort.grouping.constraints import Constraints, Membership, fixed_groups

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from facesort.grouping.calibration import MergeRule
    from facesort.protocols import NeighbourIndex, Vectors

__all__ = ["average_linkage"]

# Neighbours per face. A person of more than 64 faces is still reached through its nearest ones.
_NEIGHBOURS = 64


def average_linkage(
    vectors: Vectors,
    index: NeighbourIndex,
    constraints: Constraints,
    rule: MergeRule,
) -> NDArray[np.int64]:
    """Cluster faces.

    Args:
        vectors: (n, d) unit vectors, one per face.
        index: finds neighbours among these rows.
        constraints: of these rows.
        rule: scores pairs of clusters and says when to stop.

    Returns:
        (n,) labels 0..m-1, numbered by each cluster's first row. A function of its arguments only:
        ties are broken by row numbers.
    """
    if len(vectors) == 0:
        return np.zeros(0, dtype=np.int64)
    state = _Clusters(vectors, constraints, rule)
    rows, cosines = index.neighbours(_NEIGHBOURS)
    state.link(rows, cosines)
    for group in fixed_groups(constraints):
        for row in group[1:]:
            state.merge(state.find(group[0]), state.find(row))
    state.queue_all()
    state.run()
    return state.labels()


class _Clusters:
    """Growing clusters, their candidates, and the queue of possible merges."""

    def __init__(self, vectors: Vectors, constraints: Constraints, rule: MergeRule) -> None:
        n = len(vectors)
        self._sums = vectors.astype(np.float64)
        self._sizes = np.ones(n)
        self._parents = list(range(n))
        self._versions = [0] * n  # grows with every merge: older queue entries are stale
        self._near: list[set[int]] = [set() for _ in range(n)]
        self._members = Membership(constraints)
        self._rule = rule
        self._count = n
        self._queue: list[tuple[float, int, int, int, int]] = []

    def link(self, rows: NDArray[np.int64], cosines: NDArray[np.float32]) -> None:
        """Make neighbours candidates, unless they are less alike than strangers on average."""
        for row, (others, values) in enumerate(zip(rows.tolist(), cosines.tolist(), strict=True)):
            for other, value in zip(others, values, strict=True):
                if value <= 0:
                    break
                self._near[row].add(other)
                self._near[other].add(row)

    def find(self, row: int) -> int:
        """Return the cluster that a row is in."""
        while self._parents[row] != row:
            self._parents[row] = self._parents[self._parents[row]]
            row = self._parents[row]
        return row

    def queue_all(self) -> None:
        """Queue every pair of candidates once."""
        for row, near in enumerate(self._near):
            if self._parents[row] == row:
                self._push(row, (other for other in near if other > row))

    def run(self) -> None:
        """Merge the best pair until none is good enough."""
        while self._queue:
            negative_score, a, b, version_a, version_b = heapq.heappop(self._queue)
            if (self._versions[a], self._versions[b]) != (version_a, version_b):
                continue
            if -negative_score < self._rule.limit(self._count):
                return  # the limit only falls when clusters merge, and none better is left
            if self._members.forbidden(a, b):
                self._near[a].discard(b)
                self._near[b].discard(a)
                continue
            survivor = self.merge(a, b)
            self._push(survivor, self._near[survivor])

    def merge(self, a: int, b: int) -> int:
        """Join two clusters and return the survivor."""
        if a == b:
            return a
        if len(self._near[a]) < len(self._near[b]):
            a, b = b, a
        self._members.merge(a, b)
        self._sums[a] += self._sums[b]
        self._sizes[a] += self._sizes[b]
        self._parents[b] = a
        self._versions[a] += 1
        self._versions[b] = -1
        for other in self._near[b]:
            self._near[other].discard(b)
            if other != a:
                self._near[other].add(a)
                self._near[a].add(other)
        self._near[a].discard(b)
        self._near[b] = set()
        self._count -= 1
        return a

    def _push(self, cluster: int, others: Iterable[int]) -> None:
        near = np.array(sorted(others), dtype=np.int64)
        if not len(near):
            return
        mean = self._sums[near] @ self._sums[cluster] / (self._sizes[near] * self._sizes[cluster])
        scores = self._rule.score(mean, self._sizes[near], float(self._sizes[cluster]))
        floor = self._rule.limit(1)  # no number of clusters ever makes a lower score good enough
        for k in np.flatnonzero(scores >= floor).tolist():
            a, b = sorted((cluster, int(near[k])))
            heapq.heappush(
                self._queue, (-float(scores[k]), a, b, self._versions[a], self._versions[b])
            )

    def labels(self) -> NDArray[np.int64]:
        """Number the clusters by their first row."""
        numbers: dict[int, int] = {}
        return np.array(
            [numbers.setdefault(self.find(row), len(numbers)) for row in range(len(self._parents))],
            dtype=np.int64,
        )

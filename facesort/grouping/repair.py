"""What merging alone cannot do: take a face out of a cluster, and take a cluster apart.

Merges are final, and the early ones were made with little evidence. Afterwards every cluster says
more about who it is than the single faces did.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from facesort.grouping.attach import Members
from facesort.grouping.clusters import sums_of
from facesort.grouping.constraints import NOBODY, Constraints
from facesort.grouping.edges import Bars

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from facesort.grouping.calibration import MergeRule
    from facesort.protocols import Vectors

    Neighbours: TypeAlias = tuple[NDArray[np.int32], NDArray[np.float32]]

__all__ = ["moved", "split"]

# Cosine: how much closer another cluster must be than a face's own, and how far halves must be
# below the rule. A face between two clusters stays, and so does a cluster whose last merge just
# passed. At .1 the repair changes nothing on LFW and random subsets of it, and pairwise F by -.0005
# to +.0007 on hard synthetic sets (2026-11-22): it is for the mistakes that those do not have.
_MARGIN = 0.1

_STEPS = 8  # of two-means; most clusters are stable after three

_BLOCK = 1 << 16


def split(
    vectors: Vectors, labels: NDArray[np.int64], constraints: Constraints, rule: MergeRule
) -> NDArray[np.int64]:
    """Divide loose clusters whose halves would not be merged by far.

    Whom the user has spoken of is not divided: faces that claim an identity stay together.

    Args:
        vectors: (n, d) unit vectors.
        labels: (n,) clusters 0..m-1.
        constraints: of the n faces.
        rule: the one the clusters were made with.

    Returns:
        (n,) labels, numbered by first row.
    """
    count = int(labels.max(initial=-1)) + 1
    sums, sizes = sums_of(vectors, labels, count, np.arange(len(labels)))
    pairs = np.maximum(sizes * (sizes - 1), 1)
    cohesion = ((sums**2).sum(axis=1) - sizes) / pairs
    loose = (sizes > 3) & (cohesion < rule.min_cosine(count))
    rows = np.flatnonzero(loose[labels])
    if not len(rows):
        return labels
    names, group = np.unique(labels[rows], return_inverse=True)
    second = _two_means(vectors, rows, group)
    sums, sizes = sums_of(vectors[rows], 2 * group + second, 2 * len(names), np.arange(len(rows)))
    a, b = sizes[::2], sizes[1::2]
    there = (a > 0) & (b > 0)
    a, b = np.maximum(a, 1), np.maximum(b, 1)
    mean = np.einsum("ij,ij->i", sums[::2], sums[1::2]) / (a * b)
    apart = there & (rule.score(mean + _MARGIN, a, b) < rule.limit(count))
    spoken = constraints.claims[rows] != NOBODY
    said = np.bincount(2 * group + second, spoken, 2 * len(names)) > 0
    apart &= ~(said[::2] & said[1::2])
    result = labels.copy()
    leaving = apart[group] & second
    result[rows[leaving]] = count + group[leaving]
    return _numbered(result)


def _two_means(
    vectors: Vectors, rows: NDArray[np.int64], group: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Divide each group of rows in two; says which rows are in the second half."""
    count = int(group.max()) + 1
    everybody = np.arange(len(rows))
    faces = vectors[rows]
    centre, _ = sums_of(faces, group, count, everybody)
    one = faces[_farthest(faces, group, centre)]
    other = faces[_farthest(faces, group, one)]
    second = np.zeros(len(rows), dtype=bool)
    for _ in range(_STEPS):
        nearer = _products(faces, everybody, other, group) > _products(faces, everybody, one, group)
        if (nearer == second).all():
            break
        second = nearer
        sums, sizes = sums_of(faces, 2 * group + second, 2 * count, everybody)
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        directions = (sums / np.maximum(lengths, 1e-12)).astype(np.float32)
        kept = sizes[:, None] > 0
        one = np.where(kept[::2], directions[::2], one)
        other = np.where(kept[1::2], directions[1::2], other)
    return second


def _farthest(
    faces: Vectors, group: NDArray[np.int64], centres: NDArray[np.floating[Any]]
) -> NDArray[np.int64]:
    """Return the place of each group's face that is least like the group's centre."""
    order = np.lexsort((_products(faces, np.arange(len(faces)), centres, group), group))
    return order[np.flatnonzero(np.diff(group[order], prepend=-1))]


def moved(
    vectors: Vectors,
    labels: NDArray[np.int64],
    neighbours: Neighbours,
    constraints: Constraints,
    rule: MergeRule,
) -> NDArray[np.int64]:
    """Move single faces that do not pass with the rest of their cluster, and do with strangers.

    A face that merely resembles others more stays: those may be the same person on another day, and
    moving faces there one by one tears the larger cluster to pieces (synthetic stress set,
    2026-11-22: pairwise F .967 to .950). So do faces that the user has spoken of. The clearest go
    first, and each is weighed with the clusters as they are by then.

    Args:
        vectors: (n, d) unit vectors.
        labels: (n,) clusters 0..m-1.
        neighbours: (n, k) rows, negative for none, and cosines: where to look for better clusters.
        constraints: of the n faces.
        rule: the one the clusters were made with.

    Returns:
        (n,) labels, numbered by first row.
    """
    places = _Places(vectors, labels, rule)
    rows, others = places.candidates(neighbours, constraints.claims == NOBODY)
    gains = places.gains(rows, others)
    order = np.lexsort((others, rows, -gains))
    order = order[gains[order] > 0]
    rows, others = rows[order], others[order]
    members = Members(places.labels, constraints, rows)
    for row, other in zip(rows.tolist(), others.tolist(), strict=True):
        still = places.labels[row] == labels[row] and not members.forbidden(row, other)
        if still and places.gains(np.array([row]), np.array([other]))[0] > 0:
            places.move(row, other)
            members.leave(row)
            members.join(row, other)
    return _numbered(places.labels)


class _Places:
    """Clusters that exchange single faces."""

    def __init__(self, vectors: Vectors, labels: NDArray[np.int64], rule: MergeRule) -> None:
        count = int(labels.max(initial=-1)) + 1
        self.labels = labels.copy()
        self._vectors = vectors
        self._rule = rule
        self._limit = rule.limit(count)
        # Below this no clusters of any sizes are one person, not even in the smallest library.
        self._strangers = Bars(rule, rule.limit(1)).lowest()
        self._sums, self._sizes = sums_of(vectors, labels, count, np.arange(len(labels)))

    def candidates(
        self, neighbours: Neighbours, free: NDArray[np.bool_]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return rows that do not pass with their own cluster, and clusters that may be better.

        No mean is above all of its parts: a better cluster has a face that is nearer than the mean.
        """
        rows = np.flatnonzero(free & (self._sizes[self.labels] > 1))
        mean, left = self._with_own(rows)
        doubtful = self._rule.score(mean, left, 1.0) < self._limit
        rows, mean = rows[doubtful], mean[doubtful]
        near, cosines = neighbours[0][rows], neighbours[1][rows]
        at, place = np.nonzero((cosines > mean[:, None]) & (near >= 0))
        others = self.labels[near[at, place]]
        elsewhere = others != self.labels[rows[at]]
        pairs = np.unique(np.stack([rows[at], others], axis=1)[elsewhere], axis=0)
        return pairs[:, 0], pairs[:, 1]

    def _with_own(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the mean cosine of faces with the others of their cluster, and how many."""
        left = np.maximum(self._sizes[self.labels[rows]] - 1, 1)
        return (_products(self._vectors, rows, self._sums, self.labels[rows]) - 1) / left, left

    def gains(self, rows: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.float64]:
        """Say by how much closer, in cosine, faces are than they need be to move; up to 0: stay."""
        here, score, limit = self.labels[rows], self._rule.score, self._limit
        own, left = self._with_own(rows)
        size = self._sizes[others]
        new = _products(self._vectors, rows, self._sums, others) / size
        rest = self._sums[here] - self._vectors[rows]
        between = np.einsum("ij,ij->i", rest, self._sums[others]) / (left * size)
        sensible = (
            (self._sizes[here] > 1)
            & (score(own, left, 1.0) < limit)
            & (score(new, size, 1.0) >= limit)
            & (between < self._strangers)
        )
        gains: NDArray[np.float64] = np.where(sensible, new - own - _MARGIN, -1.0)
        return gains

    def move(self, row: int, other: int) -> None:
        """Count a face with another cluster; `labels` are the caller's."""
        here = self.labels[row]
        self._sums[here] -= self._vectors[row]
        self._sums[other] += self._vectors[row]
        self._sizes[here] -= 1
        self._sizes[other] += 1


def _products(
    vectors: Vectors,
    rows: NDArray[np.int64],
    centres: NDArray[np.floating[Any]],
    which: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Multiply each of some vectors with one of the centres."""
    products = np.empty(len(rows))
    for at in range(0, len(rows), _BLOCK):
        block = slice(at, at + _BLOCK)
        products[block] = np.einsum("ij,ij->i", vectors[rows[block]], centres[which[block]])
    return products


def _numbered(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number clusters by their first row."""
    _, first, which = np.unique(labels, return_index=True, return_inverse=True)
    numbers: NDArray[np.int64] = np.unique(first[which], return_inverse=True)[1].astype(np.int64)
    return numbers

"""FaceNet's clustering: faces above a similarity are one person, transitively.

Source: Schroff, Kalenichenko, Philbin, "FaceNet", CVPR 2015, section 1 ("clustering becomes the
task of finding connected components"). Offered for comparison: chains grow with the library (its
pairwise F on 5 million faces is reported as .0037), so it is never the default.

Where the rule knows how unlike one person's faces can be, chains that are more unlike than that do
not join: two people who resemble each other on one picture each stay two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from facesort.grouping.clusters import together
from facesort.grouping.constraints import Constraints, Membership, conflicted, fixed_groups

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from facesort.grouping.calibration import MergeRule
    from facesort.protocols import NeighbourIndex, Vectors

    Pairs = tuple[NDArray[np.int64], NDArray[np.int64]]

__all__ = ["connected_components"]

_NEIGHBOURS = 64

_BLOCK = 1 << 20  # connections turned into Python numbers at a time


def connected_components(
    vectors: Vectors, index: NeighbourIndex, constraints: Constraints, rule: MergeRule
) -> NDArray[np.int64]:
    """Connect faces whose cosine passes the rule for two single faces, the most alike first.

    A connection is left out that would break a constraint, or join chains that are more unlike
    than one person ever is.

    Args:
        vectors: (n, d) unit vectors.
        index: finds neighbours among them.
        constraints: of these faces.
        rule: its `min_cosine` for n clusters decides; and where its `score` is minus infinity,
            two clusters are not one person.

    Returns:
        (n,) labels numbered by first row.
    """
    n = len(constraints.claims)
    rows, cosines = index.neighbours(_NEIGHBOURS)
    near, k = np.nonzero(cosines >= rule.min_cosine(n))
    others = rows[near, k].astype(np.int64)
    fixed = [(group[0], row) for group in fixed_groups(constraints) for row in group[1:]]
    sure = np.array(fixed, dtype=np.int64).reshape(-1, 2)
    everything = (np.concatenate([sure[:, 0], near]), np.concatenate([sure[:, 1], others]))
    labels = together(n, *everything)
    # The order of the connections matters only where not all of them are possible.
    torn = np.isin(labels, conflicted(labels, constraints))
    if _knows_one_person(rule):
        torn |= np.bincount(labels)[labels] > 2  # labels of components are 0, 1, 2...
    if torn.any():
        inside = np.flatnonzero(torn[near])
        order = inside[np.lexsort((others[inside], near[inside], -cosines[near, k][inside]))]
        chains = _Chains(vectors, constraints, rule)
        names = chains.joined(sure, (near[order], others[order]))
        labels = np.where(torn, names, _first_rows(labels))
    return _numbered(labels)


def _knows_one_person(rule: MergeRule) -> bool:
    """Whether the rule says how unlike one person's faces can be."""
    return bool(rule.score(-np.ones(1), np.ones(1), 1.0)[0] == -np.inf)


class _Chains:
    """Grows chains one connection at a time; each is named by its first row."""

    def __init__(self, vectors: Vectors, constraints: Constraints, rule: MergeRule) -> None:
        self._members = Membership(constraints)
        self._parents = list(range(len(vectors)))
        self._rule = rule
        self._vectors = vectors
        self._sums: dict[int, NDArray[np.float64]] = {}  # of chains of more than one face
        self._sizes: dict[int, int] = {}

    def joined(self, sure: NDArray[np.int64], pairs: Pairs) -> NDArray[np.int64]:
        """Connect what is sure, then what may be connected, in order; return names."""
        for one, other in sure.tolist():
            a, b = self._find(one), self._find(other)
            if a != b:
                self._join(a, b)
        for at in range(0, len(pairs[0]), _BLOCK):
            ones, others = (side[at : at + _BLOCK].tolist() for side in pairs)
            for one, other in zip(ones, others, strict=True):
                a, b = self._find(one), self._find(other)
                if a != b and not self._members.forbidden(a, b) and self._may_be_one(a, b):
                    self._join(a, b)
        rows = range(len(self._parents))
        return np.array([self._find(row) for row in rows], dtype=np.int64)

    def _find(self, row: int) -> int:
        parents = self._parents
        while parents[row] != row:
            parents[row] = parents[parents[row]]
            row = parents[row]
        return row

    def _join(self, a: int, b: int) -> None:
        a, b = min(a, b), max(a, b)
        self._members.merge(a, b)
        self._parents[b] = a
        self._sums[a] = self._sum(a) + self._sum(b)
        self._sizes[a] = self._sizes.get(a, 1) + self._sizes.pop(b, 1)
        self._sums.pop(b, None)

    def _sum(self, chain: int) -> NDArray[np.float64]:
        known = self._sums.get(chain)
        return self._vectors[chain].astype(np.float64) if known is None else known

    def _may_be_one(self, a: int, b: int) -> bool:
        sizes = float(self._sizes.get(a, 1)), float(self._sizes.get(b, 1))
        mean = np.array([float(self._sum(a) @ self._sum(b)) / (sizes[0] * sizes[1])])
        return bool(self._rule.score(mean, np.array([sizes[0]]), sizes[1])[0] > -np.inf)


def _first_rows(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Name clusters by their first row."""
    _, first, which = np.unique(labels, return_index=True, return_inverse=True)
    return first[which].astype(np.int64)


def _numbered(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number clusters by their first row."""
    numbers: NDArray[np.int64] = np.unique(_first_rows(labels), return_inverse=True)[1]
    return numbers.astype(np.int64)

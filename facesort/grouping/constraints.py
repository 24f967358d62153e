"""What the user said and what photos prove, in the form that clusterers can use."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from facesort.grouping.moments import Moments, pick

if TYPE_CHECKING:
    from collections.abc import Sequence, Set

    from numpy.typing import NDArray

    _Rows: TypeAlias = NDArray[np.int64] | NDArray[np.int32]

__all__ = ["NOBODY", "Constraints", "Membership", "conflicted", "fixed_groups", "homes"]

NOBODY = -1


@dataclass(frozen=True, slots=True, eq=False)
class Constraints:
    """Facts about n faces.

    Args:
        moments: when they were seen; two faces of one moment are two people.
        claims: (n,) number of the identity that the user's decisions put the face with, or NOBODY.
            Clusters that claim different identities are never merged.
        rejected: for a face, the identities that the user said it is not.
        fixed: (n,) whether the claim is confirmed: such faces are together from the start.
    """

    moments: Moments
    claims: NDArray[np.int64]
    rejected: dict[int, frozenset[int]] = field(default_factory=dict)
    fixed: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=bool))

    @classmethod
    def none(cls, n: int) -> Constraints:
        """No decisions, and every face on a photo of its own."""
        return cls(Moments(np.arange(n)), np.full(n, NOBODY), {}, np.zeros(n, dtype=bool))

    def subset(self, rows: NDArray[np.int64]) -> Constraints:
        """Return the same facts about some of the faces, renumbered."""
        rejected = pick(self.rejected, rows)
        return Constraints(self.moments.subset(rows), self.claims[rows], rejected, self.fixed[rows])


class Membership:
    """The constraints of growing clusters; merging two is set union.

    Clusters are named by one of their rows. Most faces are alone in their picture and nobody has
    spoken of them: they cost nothing but an entry in three columns.
    """

    def __init__(self, constraints: Constraints) -> None:
        self._moments = constraints.moments
        self._claims = constraints.claims.astype(np.int64)
        self._crowded = constraints.moments.crowded()
        self._seen: dict[int, set[int]] = {}  # of clusters that have merged
        self._rejected = {row: set(whom) for row, whom in constraints.rejected.items() if whom}
        self._choosy = np.zeros(len(constraints.moments), dtype=bool)
        self._choosy[list(self._rejected)] = True

    def forbidden(self, one: int, other: int) -> bool:
        """Whether the two clusters may not be one person; once true, it stays true."""
        return bool(self.forbidden_pairs(np.array([one]), np.array([other]))[0])

    def forbidden_pairs(self, ones: _Rows, others: _Rows) -> NDArray[np.bool_]:
        """Say of each pair of clusters whether it may not be one person."""
        a, b = self._claims[ones], self._claims[others]
        forbidden: NDArray[np.bool_] = (a != b) & (a != NOBODY) & (b != NOBODY)
        doubtful = (self._choosy[ones] | self._choosy[others]) & ~forbidden
        for i in np.flatnonzero(doubtful).tolist():
            one, other = int(ones[i]), int(others[i])
            forbidden[i] = int(a[i]) in self._rejected.get(other, ()) or int(
                b[i]
            ) in self._rejected.get(one, ())
        doubtful = self._crowded[ones] & self._crowded[others] & ~forbidden
        for i in np.flatnonzero(doubtful).tolist():
            forbidden[i] = not self._moments_of(int(ones[i])).isdisjoint(
                self._moments_of(int(others[i]))
            )
        return forbidden

    def merge(self, into: int, other: int) -> None:
        """Move the constraints of one cluster to another."""
        self.merge_pairs(np.array([into]), np.array([other]))

    def merge_pairs(self, into: _Rows, others: _Rows) -> None:
        """Move the constraints of clusters to others, pair by pair; no cluster is in two pairs."""
        open_ = self._claims[into] == NOBODY
        self._claims[into[open_]] = self._claims[others[open_]]
        for i in np.flatnonzero(self._crowded[others]).tolist():
            one, other = int(into[i]), int(others[i])
            theirs = self._seen.pop(other, None) or self._moments.of(other)
            mine = self._seen.get(one)
            if mine is None:
                mine = set(self._moments.of(one)) if self._crowded[one] else set()
            if len(mine) < len(theirs) and isinstance(theirs, set):
                mine, theirs = theirs, mine
            mine |= theirs
            self._seen[one] = mine
        self._crowded[into] |= self._crowded[others]
        for i in np.flatnonzero(self._choosy[others]).tolist():
            self._rejected.setdefault(int(into[i]), set()).update(self._rejected[int(others[i])])
        self._choosy[into] |= self._choosy[others]

    def _moments_of(self, cluster: int) -> Set[int]:
        return self._seen.get(cluster) or self._moments.of(cluster)


def fixed_groups(constraints: Constraints) -> list[Sequence[int]]:
    """Return the rows of each identity's confirmed faces: they start as one cluster."""
    groups: dict[int, list[int]] = {}
    for row in np.flatnonzero(constraints.fixed).tolist():
        groups.setdefault(int(constraints.claims[row]), []).append(row)
    return [rows for claim, rows in sorted(groups.items()) if claim != NOBODY and len(rows) > 1]


def homes(labels: NDArray[np.int64], constraints: Constraints) -> dict[int, int]:
    """Return for each identity the cluster with most of the faces that claim it.

    A confirmed face outweighs any number of votes; among equals the lower cluster wins. Labels
    below zero are no cluster.
    """
    rows = np.flatnonzero((constraints.claims != NOBODY) & (labels >= 0))
    pairs = np.stack([constraints.claims[rows], labels[rows]], axis=1)
    found, which = np.unique(pairs, axis=0, return_inverse=True)
    # Weights are whole numbers far below 2 ** 53: their sums are exact.
    weights = np.bincount(which, np.where(constraints.fixed[rows], 1e6, 1.0), len(found))
    lightest_first = np.lexsort((-found[:, 1], weights))
    return dict(found[lightest_first].tolist())  # the last one of each identity stays


def conflicted(labels: NDArray[np.int64], constraints: Constraints) -> NDArray[np.int64]:
    """Return the clusters, rising, that hold faces which may not be one person.

    Args:
        labels: (n,) clusters; below zero is none.
        constraints: of the n faces.
    """
    in_one = labels >= 0
    claiming = np.flatnonzero(in_one & (constraints.claims != NOBODY))
    claims = np.unique(np.stack([labels[claiming], constraints.claims[claiming]], axis=1), axis=0)
    bad = [_repeated(claims[:, 0])]
    rows, moments = constraints.moments.shared()
    there = in_one[rows]
    seen = np.stack([labels[rows[there]], moments[there]], axis=1)
    both, times = np.unique(seen, axis=0, return_counts=True)
    bad.append(both[times > 1, 0])
    said = {(label, claim) for label, claim in claims.tolist()}
    denied = {
        int(labels[row])
        for row, whom in constraints.rejected.items()
        if in_one[row] and any((int(labels[row]), claim) in said for claim in whom)
    }
    return np.unique(np.concatenate([*bad, np.array(sorted(denied), dtype=np.int64)]))


def _repeated(values: NDArray[np.int64]) -> NDArray[np.int64]:
    found, times = np.unique(values, return_counts=True)
    return found[times > 1]

"""What the user said and what photos prove, in the form that clusterers can use."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from facesort.grouping.moments import Moments

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["NOBODY", "Constraints", "Membership", "fixed_groups", "homes"]

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
        rejected = {
            new: self.rejected[old] for new, old in enumerate(rows.tolist()) if old in self.rejected
        }
        return Constraints(self.moments.subset(rows), self.claims[rows], rejected, self.fixed[rows])


class Membership:
    """The constraints of growing clusters; merging two is set union.

    Clusters are named by one of their rows.
    """

    def __init__(self, constraints: Constraints) -> None:
        self._moments = [set(moments) for moments in constraints.moments.all()]
        self._claims = constraints.claims.tolist()
        self._rejected = [
            set(constraints.rejected.get(row, ())) for row in range(len(constraints.moments))
        ]

    def forbidden(self, one: int, other: int) -> bool:
        """Whether the two clusters may not be one person; once true, it stays true."""
        a, b = self._claims[one], self._claims[other]
        if NOBODY not in {a, b} and a != b:
            return True
        if a in self._rejected[other] or b in self._rejected[one]:
            return True
        return not self._moments[one].isdisjoint(self._moments[other])

    def merge(self, into: int, other: int) -> None:
        """Move the constraints of one cluster to another."""
        if self._claims[into] == NOBODY:
            self._claims[into] = self._claims[other]
        self._moments[into] |= self._moments[other]
        self._rejected[into] |= self._rejected[other]


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
    weights: Counter[tuple[int, int]] = Counter()
    facts = (constraints.claims.tolist(), labels.tolist(), constraints.fixed.tolist())
    for claim, label, sure in zip(*facts, strict=True):
        if claim != NOBODY and label >= 0:
            weights[claim, label] += 10**6 if sure else 1
    lightest_first = sorted(weights, key=lambda pair: (weights[pair], -pair[1]))
    return dict(lightest_first)  # the last one of each identity stays

"""Poor faces join clusters that good faces made; they never start or bridge one.

A blurred or tiny face resembles other blurred faces more than its own sharp pictures. Measured on
synthetic stress sets, holding poor faces back and guarding against their common centre moved
pairwise F more (+3.5 points) than the choice among the three best algorithms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from facesort.grouping.constraints import NOBODY, Constraints, homes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from facesort.grouping.calibration import MergeRule
    from facesort.protocols import Vectors

__all__ = ["UNASSIGNED", "attach_poor"]

UNASSIGNED = -1

# The best cluster must be this much closer than the second: a face that fits two people fits none.
_MARGIN = 0.05

# Below this many poor faces their mean says more about who they are than about how poor they are.
_MIN_FOR_CENTRE = 20


def attach_poor(
    vectors: Vectors,
    good: NDArray[np.bool_],
    good_labels: NDArray[np.int64],
    constraints: Constraints,
    rule: MergeRule,
    *,
    margin: float = _MARGIN,
    guarded: bool = True,
) -> NDArray[np.int64]:
    """Give every face a label.

    Args:
        vectors: (n, d) unit vectors.
        good: (n,) which faces were clustered.
        good_labels: labels 0..m-1 of the good ones, in their order.
        constraints: of all n faces.
        rule: the one the good faces were clustered with.
        margin: how much closer the best cluster must be than the second, in cosine.
        guarded: keep faces out that are closer to the centre of all poor ones.

    Returns:
        (n,) labels; UNASSIGNED for poor faces that nobody is close enough to.
    """
    labels = np.full(len(vectors), UNASSIGNED, dtype=np.int64)
    labels[good] = good_labels
    poor = np.flatnonzero(~good)
    clusters = int(good_labels.max()) + 1 if len(good_labels) else 0
    if not len(poor) or not clusters:
        return labels
    sums = np.zeros((clusters, vectors.shape[1]))
    np.add.at(sums, good_labels, vectors[good].astype(np.float64))
    sizes = np.bincount(good_labels, minlength=clusters).astype(np.float64)
    cosines = vectors[poor] @ (sums / sizes[:, None]).T
    guard = _guard(vectors[poor]) if guarded else np.full(len(poor), -1.0, dtype=np.float32)
    limit = rule.limit(clusters)
    members = _Members(labels, constraints)
    best = np.argmax(cosines, axis=1)
    # The surest first: an earlier face can take the place that a later one of its photo wanted.
    for i in np.argsort(-cosines[np.arange(len(poor)), best], kind="stable").tolist():
        row, cluster = int(poor[i]), int(best[i])
        claimed = members.claimed_by(row)
        if claimed is not None:
            members.join(row, claimed)
            continue
        cosine = float(cosines[i, cluster])
        others = np.delete(cosines[i], cluster)
        second = float(others.max()) if len(others) else -1.0
        score = float(rule.score(np.array([cosine]), sizes[cluster : cluster + 1], 1.0)[0])
        sure = score >= limit and cosine >= guard[i] and cosine - second >= margin
        if sure and not members.forbidden(row, cluster):
            members.join(row, cluster)
    return labels


def _guard(poor: Vectors) -> NDArray[np.float32]:
    """Return how close each poor face is to the centre of all: a cluster must be closer."""
    if len(poor) < _MIN_FOR_CENTRE:
        return np.full(len(poor), -1.0, dtype=np.float32)
    centre = poor.mean(axis=0)
    guard: NDArray[np.float32] = poor @ (centre / max(float(np.linalg.norm(centre)), 1e-12))
    return guard


class _Members:
    """Moments, claims and rejections of the clusters while faces are added."""

    def __init__(self, labels: NDArray[np.int64], constraints: Constraints) -> None:
        self._labels = labels
        self._constraints = constraints
        self._moments: dict[int, set[int]] = {}
        self._claims: dict[int, int] = {}
        self._by_claim = homes(labels, constraints)
        self._rejected: dict[int, set[int]] = {}
        for row in np.flatnonzero(labels != UNASSIGNED).tolist():
            self._record(row, int(labels[row]))

    def _record(self, row: int, cluster: int) -> None:
        self._moments.setdefault(cluster, set()).update(self._constraints.moments.of(row))
        self._rejected.setdefault(cluster, set()).update(self._constraints.rejected.get(row, ()))
        claim = int(self._constraints.claims[row])
        if claim != NOBODY:
            self._claims.setdefault(cluster, claim)
            self._by_claim.setdefault(claim, cluster)

    def claimed_by(self, row: int) -> int | None:
        """Return the cluster of the identity that the user put this face with, if it may join."""
        cluster = self._by_claim.get(int(self._constraints.claims[row]))
        if cluster is None or self.forbidden(row, cluster):
            return None
        return cluster

    def forbidden(self, row: int, cluster: int) -> bool:
        """Whether a constraint keeps the face out."""
        claim = self._claims.get(cluster, NOBODY)
        own = int(self._constraints.claims[row])
        return (
            not self._moments[cluster].isdisjoint(self._constraints.moments.of(row))
            or (NOBODY not in {claim, own} and claim != own)
            or claim in self._constraints.rejected.get(row, ())
            or own in self._rejected[cluster]
        )

    def join(self, row: int, cluster: int) -> None:
        """Add the face."""
        self._labels[row] = cluster
        self._record(row, cluster)

"""Poor faces join clusters that good faces made; they never start or bridge one.

A blurred or tiny face resembles other blurred faces more than its own sharp pictures. Measured on
synthetic stress sets, holding poor faces back and guarding against their common centre moved
pairwise F more (+3.5 points) than the choice among the three best algorithms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from facesort.grouping.clusters import sums_of
from facesort.grouping.constraints import NOBODY, Constraints, homes
from facesort.search.exact import ExactNeighbours

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from facesort.grouping.calibration import MergeRule
    from facesort.protocols import Vectors

__all__ = ["UNASSIGNED", "Members", "attach_poor", "centre_of"]

UNASSIGNED = -1

# The best cluster must be this much closer than the second: a face that fits two people fits none.
_MARGIN = 0.05

# Below this many poor faces their mean says more about who they are than about how poor they are.
_MIN_FOR_CENTRE = 20


def attach_poor(
    vectors: Vectors,
    labels: NDArray[np.int64],
    poor: NDArray[np.bool_],
    constraints: Constraints,
    rule: MergeRule,
    *,
    margin: float = _MARGIN,
    guarded: bool = True,
    weights: NDArray[np.float64] | None = None,
    centre: Vectors | None = None,
) -> NDArray[np.int64]:
    """Give faces that are in no cluster one that they are close enough to.

    Args:
        vectors: (n, d) unit vectors; the mean of its faces for a row that stands for several.
        labels: (n,) clusters 0..m-1; UNASSIGNED for faces in none.
        poor: (n,) faces in none that may join one.
        constraints: of all n faces.
        rule: the one the clusters were made with.
        margin: how much closer the best cluster must be than the second, in cosine.
        guarded: keep faces out that are closer to the centre of all poor ones.
        weights: (n,) how many faces each row stands for; None means one.
        centre: that centre, (d,); None means of those given here (`centre_of`).

    Returns:
        (n,) labels; UNASSIGNED for faces that nobody is close enough to.
    """
    labels = labels.copy()
    rows = np.flatnonzero(poor)
    count = int(labels.max(initial=UNASSIGNED)) + 1
    if not len(rows) or not count:
        return labels
    there = np.flatnonzero(labels != UNASSIGNED)
    sums, sizes = sums_of(vectors, labels, count, there, weights)
    means = (sums / sizes[:, None]).astype(np.float32)
    if guarded and centre is None:
        centre = centre_of(vectors[rows])
    best, cosines, seconds = _two_best(vectors, rows, means)
    sure = rule.score(cosines, sizes[best], 1.0) >= rule.limit(count)
    sure &= cosines - seconds >= margin
    if guarded and centre is not None:
        sure &= cosines >= vectors[rows] @ centre
    claiming = constraints.claims[rows] != NOBODY
    # The surest first: an earlier face can take the place that a later one of its photo wanted.
    order = np.argsort(-cosines, kind="stable")
    order = order[(sure | claiming)[order]]
    members = Members(labels, constraints, rows[order])
    for i in order.tolist():
        row, cluster = int(rows[i]), int(best[i])
        claimed = members.claimed_by(row)
        if claimed is not None:
            members.join(row, claimed)
        elif sure[i] and not members.forbidden(row, cluster):
            members.join(row, cluster)
    return labels


def centre_of(poor: Vectors) -> Vectors | None:
    """Return the direction, (d,), that poor faces share: a person must be closer than that.

    None for fewer than 20.
    """
    if len(poor) < _MIN_FOR_CENTRE:
        return None
    mean = poor.mean(axis=0)
    centre: Vectors = mean / np.float32(max(float(np.linalg.norm(mean)), 1e-12))
    return centre


def _two_best(
    vectors: Vectors, rows: NDArray[np.int64], means: Vectors
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Return for each row its best cluster, the cosine with it, and that with the second best."""
    best, cosines = ExactNeighbours(means).nearest(vectors[rows], 2)
    first = cosines[:, 0].astype(np.float64)
    second = cosines[:, 1].astype(np.float64) if len(means) > 1 else np.full(len(rows), -1.0)
    return best[:, 0], first, second


class Members:
    """Moments, claims and rejections of the clusters while faces come and go.

    Args:
        labels: (n,) clusters, UNASSIGNED for none; written to when faces come and go.
        constraints: of the n faces.
        joining: rows that may join a cluster: only what can matter to these is recorded.
    """

    def __init__(
        self, labels: NDArray[np.int64], constraints: Constraints, joining: NDArray[np.int64]
    ) -> None:
        self._labels = labels
        self._constraints = constraints
        self._by_claim = homes(labels, constraints)
        self._seen: set[tuple[int, int]] = set()  # moment and cluster
        self._claims: dict[int, int] = {}
        self._rejected: dict[int, set[int]] = {}
        rows, moments = constraints.moments.shared()
        concerned = np.isin(moments, moments[np.isin(rows, joining)]) & (labels[rows] >= 0)
        self._seen.update(
            zip(moments[concerned].tolist(), labels[rows[concerned]].tolist(), strict=True)
        )
        claiming = np.flatnonzero((constraints.claims != NOBODY) & (labels >= 0))
        self._claims.update(
            zip(labels[claiming].tolist(), constraints.claims[claiming].tolist(), strict=True)
        )
        for row, whom in constraints.rejected.items():
            if labels[row] >= 0:
                self._rejected.setdefault(int(labels[row]), set()).update(whom)

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
            any((moment, cluster) in self._seen for moment in self._constraints.moments.of(row))
            or (NOBODY not in {claim, own} and claim != own)
            or claim in self._constraints.rejected.get(row, ())
            or own in self._rejected.get(cluster, ())
        )

    def join(self, row: int, cluster: int) -> None:
        """Add the face."""
        self._labels[row] = cluster
        self._seen.update((moment, cluster) for moment in self._constraints.moments.of(row))
        self._rejected.setdefault(cluster, set()).update(self._constraints.rejected.get(row, ()))
        claim = int(self._constraints.claims[row])
        if claim != NOBODY:
            self._claims.setdefault(cluster, claim)
            self._by_claim.setdefault(claim, cluster)

    def leave(self, row: int) -> None:
        """Take the face out; what was said of it goes on to count for those who stay."""
        cluster = int(self._labels[row])
        self._seen -= {(moment, cluster) for moment in self._constraints.moments.of(row)}
        self._labels[row] = UNASSIGNED

"""The clusterers by name, and how they and the user's votes work together."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from facesort.errors import UsageError
from facesort.grouping.agglomerative import agglomerate
from facesort.grouping.calibration import FalseMatchRule
from facesort.grouping.constraints import NOBODY
from facesort.grouping.linkage import average_linkage
from facesort.grouping.phases import cluster_in_phases, repeated_pairs
from facesort.grouping.refine import REPEAT_RATE
from facesort.grouping.said import release, unite
from facesort.grouping.threshold import connected_components

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from facesort.grouping.calibration import MergeRule
    from facesort.grouping.constraints import Constraints
    from facesort.grouping.phases import Part
    from facesort.grouping.policy import Policy
    from facesort.protocols import NeighbourIndex, Vectors

__all__ = ["METHODS", "check_method", "cluster_with_votes", "clusterer"]

METHODS = ("linkage", "threshold", "agglomerative")


def check_method(method: str) -> None:
    """Refuse a method that there is not.

    Raises:
        UsageError: names those that there are.
    """
    if method not in METHODS:
        raise UsageError(f"no grouping method {method!r}", hint=f"One of: {', '.join(METHODS)}.")


def cluster_with_votes(
    vectors: Vectors,
    good: NDArray[np.bool_],
    constraints: Constraints,
    policy: Policy,
    *,
    rule: MergeRule | None = None,
    refine: Callable[[NDArray[np.int64]], MergeRule] | None = None,
    weights: NDArray[np.float64] | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Cluster faces, and once more without the votes that evidence speaks against.

    Args:
        vectors: (n, d) unit vectors; the mean of its faces for a row that stands for several.
        good: (n,) faces that may start a cluster.
        constraints: of the n faces.
        policy: how to group.
        rule: instead of the policy's.
        refine: see `phases.cluster_in_phases`.
        weights: (n,) how many faces each row stands for; None means one.

    Returns:
        (n,) labels, UNASSIGNED for faces that nobody is close enough to; (n,) the claims that still
        count; (p, 2) rows of pairs by which a photo seems to show one person twice.
    """
    # Rows that stand for several faces are no pictures: only photos show somebody twice.
    single = np.arange(len(vectors)) if weights is None else np.flatnonzero(weights == 1)
    pairs = repeated_pairs(
        vectors if weights is None else vectors[single],
        constraints.moments if weights is None else constraints.moments.subset(single),
        policy.repeat_cosine,
    )
    repeats = single[pairs]
    repeated = np.zeros(len(vectors), dtype=bool)
    repeated[repeats.ravel()] = True
    cluster = clusterer(policy)

    # A confirmed face takes part whatever its quality: the user has seen it. So do the votes for
    # somebody who has no better face: else a person whom the user named would have none at all.
    claims = constraints.claims
    served = np.unique(claims[(good | constraints.fixed) & (claims != NOBODY)])
    spoken_for = constraints.fixed | ((claims != NOBODY) & ~np.isin(claims, served))

    def labels_under(facts: Constraints) -> NDArray[np.int64]:
        labels = cluster_in_phases(
            vectors,
            good=good | spoken_for,
            repeated=repeated & ~facts.fixed,
            constraints=facts,
            rule=rule or policy.rule,
            cluster=cluster,
            refine=refine,
            weights=weights,
            centre=policy.poor_centre,
        )
        return unite(labels, facts)

    labels = labels_under(constraints)
    released = release(labels, constraints)
    if released is None:
        return labels, constraints.claims, repeats
    return labels_under(released), released.claims, repeats


def clusterer(policy: Policy) -> Callable[[Part], NDArray[np.int64]]:
    """Return what clusters a part of the faces in the policy's way.

    Raises:
        UsageError: no such method.
    """
    check_method(policy.method)
    if policy.method == "agglomerative":
        return lambda part: agglomerate(part.vectors, part.constraints, part.rule)
    remembered = _Remembered(policy.make_index)
    if policy.method == "threshold":
        return lambda part: connected_components(
            part.vectors, remembered.index(part.vectors), part.constraints, part.rule
        )
    # Where different people are compared to learn how alike they are, nobody may be two clusters.
    core = FalseMatchRule(policy.calibration, REPEAT_RATE) if policy.calibration else None
    return lambda part: average_linkage(
        part.vectors,
        remembered.index(_directions(part)),
        part.constraints,
        part.rule,
        weights=part.weights,
        core=core,
        refine=part.refine,
        repair=True,
    )


def _directions(part: Part) -> Vectors:
    """Bring means to unit length: neighbours are by direction."""
    if part.weights is None:
        return part.vectors
    lengths = np.linalg.norm(part.vectors, axis=1, keepdims=True)
    directions: Vectors = part.vectors / np.maximum(lengths, np.float32(1e-12))
    return directions


class _Remembered:
    """Answers the same question again without computing: faces are clustered twice.

    (Once with all votes, and again when some of them turned out to be of others.) With a million
    faces, finding neighbours is most of the work.
    """

    def __init__(self, make_index: Callable[[Vectors], NeighbourIndex]) -> None:
        self._make_index = make_index
        self._digest = b""
        self._found: dict[int, tuple[NDArray[np.int64], NDArray[np.float32]]] = {}

    def index(self, vectors: Vectors) -> NeighbourIndex:
        """Return an index of some vectors; of those that were asked for last, with a memory."""
        digest = hashlib.blake2b(np.ascontiguousarray(vectors).data).digest()
        if digest != self._digest:
            self._digest, self._found = digest, {}
        return _Index(self._make_index, vectors, self._found)


class _Index:
    def __init__(
        self,
        make_index: Callable[[Vectors], NeighbourIndex],
        vectors: Vectors,
        found: dict[int, tuple[NDArray[np.int64], NDArray[np.float32]]],
    ) -> None:
        self._make_index = make_index
        self._vectors = vectors
        self._found = found

    def neighbours(self, k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """See `NeighbourIndex`."""
        if k not in self._found:
            self._found[k] = self._make_index(self._vectors).neighbours(k)
        return self._found[k]

    def nearest(self, queries: Vectors, k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """See `NeighbourIndex`."""
        return self._make_index(self._vectors).nearest(queries, k)

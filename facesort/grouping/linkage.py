"""Constrained average linkage on the nearest-neighbour graph: the default.

The mean cosine between clusters A and B of unit vectors is <S_A, S_B> / (|A| |B|) with S the sum of
the vectors, exactly, so that a merge costs O(d) per neighbour and no n x n matrix is ever needed.
Pairs of clusters are candidates when one of their faces has one of the other's among its k nearest.
Once no such pair is good enough, all clusters are compared by their means: when the merging ends,
no two clusters that may be one person pass the rule.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from facesort.grouping.clusters import Clusters
from facesort.grouping.edges import Edges, NeighbourGraph
from facesort.grouping.means import close_means
from facesort.grouping.repair import moved, split
from facesort.grouping.rounds import Rounds

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from facesort.grouping.calibration import MergeRule
    from facesort.grouping.constraints import Constraints
    from facesort.protocols import NeighbourIndex, Vectors

__all__ = ["average_linkage"]

# Neighbours per face. They start the merging; what they miss is found among the means of clusters:
# 8, 16, 32 and 48 gave one F to four digits (LFW, and 300,000 synthetic faces, 2026-11-22).
_NEIGHBOURS = 32

# With more clusters than this, single faces are only compared with larger clusters by their means:
# the graph of faces has compared them with each other.
_ALL_MEANS = 50_000


def average_linkage(
    vectors: Vectors,
    index: NeighbourIndex,
    constraints: Constraints,
    rule: MergeRule,
    *,
    start: NDArray[np.int64] | None = None,
    weights: NDArray[np.float64] | None = None,
    core: MergeRule | None = None,
    refine: Callable[[NDArray[np.int64]], MergeRule] | None = None,
    repair: bool = False,
) -> NDArray[np.int64]:
    """Cluster faces.

    Args:
        vectors: (n, d) unit vectors, one per face, or the mean of the faces a row stands for.
        index: finds neighbours among these rows.
        constraints: of these rows.
        rule: scores pairs of clusters and says when to stop.
        start: (n,) labels of rows that are together whatever they look like; below zero: none.
        weights: (n,) how many faces each row stands for; None means one.
        core: with `refine`: a first pass stops where this or the rule stops, whichever is earlier;
            both score alike.
        refine: is shown the labels of the first pass and returns the rule to go on with.
        repair: divide loose clusters and move single faces in the end, where each row is one face.

    Returns:
        (n,) labels 0..m-1, numbered by each cluster's first row. A function of its arguments only:
        ties are broken by row numbers.
    """
    if len(vectors) == 0:
        return np.zeros(0, dtype=np.int64)
    clusters = Clusters(vectors, constraints, start=start, weights=weights)
    rows, cosines = index.neighbours(_NEIGHBOURS)
    graph = NeighbourGraph(rows.astype(np.int32, copy=False), cosines)
    pool = Edges.none()
    if core is not None and refine is not None:
        pool = Rounds(clusters, rule, core.limit(1)).run(graph, pool)
        rule = refine(clusters.labels())
    pool = Rounds(clusters, rule).run(graph, pool)
    _complete(clusters, rule)
    labels = clusters.labels()
    if not repair or start is not None or weights is not None:
        return labels
    parts = split(vectors, labels, constraints, rule)
    if parts.max() > labels.max():  # what was divided may be somebody else's
        clusters = Clusters(vectors, constraints, start=parts)
        _complete(clusters, rule)
        parts = clusters.labels()
    return moved(vectors, parts, graph.neighbours, constraints, rule)


def _complete(clusters: Clusters, rule: MergeRule) -> None:
    """Merge what the graph of faces did not connect."""
    asked: NDArray[np.bool_] | None = None
    searched = 2 * clusters.count + 2
    nothing = NeighbourGraph(np.empty((0, 1), dtype=np.int32), np.empty((0, 1), dtype=np.float32))
    while True:
        before = clusters.count
        if before < searched // 2:
            asked = clusters.sizes > 1 if before > _ALL_MEANS else None
            searched = before
        # Pairs that pass only when half of the clusters are gone wait among the edges.
        score = rule.limit(max(1, searched // 2))
        names_before = clusters.find_all()
        Rounds(clusters, rule).run(nothing, close_means(clusters, rule, score, asked))
        if clusters.count == before:
            return
        names = clusters.find_all()
        asked = np.zeros(len(clusters), dtype=bool)
        asked[names[names != names_before]] = True

"""scikit-learn's average-linkage agglomeration, split afterwards where it broke a constraint.

Confirmed faces of one identity are joined first. All n x n distances are in memory, so it is for
small libraries and for comparison.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from facesort.errors import UsageError
from facesort.grouping.calibration import MinCosineRule
from facesort.grouping.constraints import Constraints, conflicted, fixed_groups
from facesort.grouping.linkage import average_linkage
from facesort.search.exact import ExactNeighbours

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from facesort.grouping.calibration import MergeRule
    from facesort.protocols import Vectors

__all__ = ["MAX_FACES", "agglomerate"]

MAX_FACES = 20_000  # 3.2 GB of float64 distances


def agglomerate(vectors: Vectors, constraints: Constraints, rule: MergeRule) -> NDArray[np.int64]:
    """Cluster with a fixed mean cosine: the rule's for two single faces.

    Args:
        vectors: (n, d) unit vectors.
        constraints: of these rows.
        rule: its `min_cosine` for n clusters decides.

    Returns:
        (n,) labels numbered by first row.

    Raises:
        UsageError: more than MAX_FACES faces.
    """
    n = len(vectors)
    if n > MAX_FACES:
        raise UsageError(
            f"--method agglomerative holds all pairs in memory: {n} faces are over {MAX_FACES}",
            hint="Use --method linkage.",
        )
    if n < 2:
        return np.zeros(n, dtype=np.int64)
    from sklearn.cluster import AgglomerativeClustering  # noqa: PLC0415 - heavy

    distances = 1.0 - (vectors @ vectors.T).astype(np.float64)
    np.clip(distances, 0.0, 2.0, out=distances)
    for group in fixed_groups(constraints):
        distances[np.ix_(group, group)] = -1.0  # nearer than any pair: joined before all others
    model = AgglomerativeClustering(
        n_clusters=None,
        metric="precomputed",
        linkage="average",
        distance_threshold=1.0 - rule.min_cosine(n),
    )
    return _split_conflicts(vectors, model.fit_predict(distances), constraints)


def _split_conflicts(
    vectors: Vectors, found: NDArray[np.int64], constraints: Constraints
) -> NDArray[np.int64]:
    """Divide every cluster that holds a forbidden pair; its own faces decide who goes where."""
    labels = found.astype(np.int64)
    everything = MinCosineRule(-1.0)  # whatever is not forbidden stays together
    for label in conflicted(labels, constraints).tolist():
        rows = np.flatnonzero(found == label)
        part, inner = vectors[rows], constraints.subset(rows)
        inside = average_linkage(part, ExactNeighbours(part), inner, everything)
        labels[rows] = labels.max() + 1 + inside
    _, first, which = np.unique(labels, return_index=True, return_inverse=True)
    numbered: NDArray[np.int64] = np.unique(first[which], return_inverse=True)[1].astype(np.int64)
    return numbered

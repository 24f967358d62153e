"""The order in which faces are grouped, so that doubtful ones cannot harm the rest.

1. Good faces that are alone of their kind on their photo are clustered.
2. Faces that a photo shows more than once join what phase 1 found, one per photo and cluster.
3. Those of them that are left over are clustered among themselves.
4. Poor faces are attached.

A collage or a contact sheet shows one person many times. Two faces of one photo are kept apart, so
in phase 1 each face on the sheet would first join its own original, and pull the person to pieces.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from facesort.grouping.attach import UNASSIGNED, attach_poor

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from facesort.grouping.calibration import MergeRule
    from facesort.grouping.constraints import Constraints
    from facesort.grouping.moments import Moments
    from facesort.protocols import Vectors

__all__ = ["cluster_in_phases", "repeated_faces"]


def repeated_faces(
    vectors: Vectors, moments: Moments, repeat_cosine: float | None
) -> NDArray[np.bool_]:
    """Find faces whose photo (or video, at that moment) shows the same person again.

    Args:
        vectors: (n, d) unit vectors.
        moments: when the n faces were seen.
        repeat_cosine: at least this much alike is the same person; None finds nobody.

    Returns:
        (n,) flags.
    """
    repeated = np.zeros(len(vectors), dtype=bool)
    if repeat_cosine is None:
        return repeated
    rows_of: dict[int, list[int]] = {}
    for row, seen in enumerate(moments.all()):
        for moment in seen:
            rows_of.setdefault(moment, []).append(row)
    for rows in rows_of.values():
        if len(rows) > 1:
            cosines = vectors[rows] @ vectors[rows].T
            np.fill_diagonal(cosines, -1.0)
            repeated[rows] |= (cosines >= repeat_cosine).any(axis=1)
    return repeated


def cluster_in_phases(
    vectors: Vectors,
    *,
    good: NDArray[np.bool_],
    repeated: NDArray[np.bool_],
    constraints: Constraints,
    rule: MergeRule,
    cluster: Callable[[Vectors, Constraints], NDArray[np.int64]],
) -> NDArray[np.int64]:
    """Give every face a label.

    Args:
        vectors: (n, d) unit vectors.
        good: (n,) faces that may start a cluster.
        repeated: (n,) faces whose photo shows the same person again.
        constraints: of all n faces.
        rule: when faces are alike enough to be attached.
        cluster: clusters some of the faces under their constraints.

    Returns:
        (n,) labels; UNASSIGNED for poor faces that nobody is close enough to.
    """
    part = np.flatnonzero(good)
    free = ~repeated[part]
    inner = constraints.subset(part)
    found = cluster(vectors[part[free]], inner.subset(np.flatnonzero(free)))
    labels = attach_poor(vectors[part], free, found, inner, rule, margin=0.0, guarded=False)
    left = np.flatnonzero(labels == UNASSIGNED)
    if len(left):
        labels[left] = len(set(found.tolist())) + cluster(vectors[part[left]], inner.subset(left))
    return attach_poor(vectors, good, labels, constraints, rule)

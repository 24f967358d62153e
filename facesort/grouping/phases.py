"""The order in which faces are grouped, so that doubtful ones cannot harm the rest.

1. Good faces that are alone of their kind on their photo are clustered.
2. Faces that a photo shows more than once join what phase 1 found, one per photo and cluster.
3. Those of them that are left over are clustered among themselves.
4. Poor faces are attached.

A collage or a contact sheet shows one person many times. Two faces of one photo are kept apart, so
in phase 1 each face on the sheet would first join its own original, and pull the person to pieces.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from facesort.grouping.attach import UNASSIGNED, attach_poor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from facesort.grouping.calibration import MergeRule
    from facesort.grouping.constraints import Constraints
    from facesort.grouping.moments import Moments
    from facesort.protocols import Vectors

__all__ = ["Part", "cluster_in_phases", "repeated_faces", "repeated_pairs"]

_BLOCK = 1 << 22  # cosines of photos of equally many faces, compared at a time: 16 MB


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Some of the faces, to be clustered among themselves.

    Args:
        vectors: (m, d) unit vectors; the mean of its faces for a row that stands for several.
        constraints: of these rows.
        rule: when clusters are alike enough.
        weights: (m,) how many faces each row stands for; None means one.
        refine: makes a rule for the rest of the way from the (m,) labels of a first, strict pass;
            None: there is no such pass.
    """

    vectors: Vectors
    constraints: Constraints
    rule: MergeRule
    weights: NDArray[np.float64] | None = None
    refine: Callable[[NDArray[np.int64]], MergeRule] | None = None


def repeated_pairs(
    vectors: Vectors, moments: Moments, repeat_cosine: float | None
) -> NDArray[np.int64]:
    """Find pairs of faces by which a photo (or a video, at that moment) shows one person twice.

    Mirrors, collages, screens and pictures in pictures do; so do two boxes around one face, and
    twins. Such a pair is never merged unasked and never dropped: it is something to ask about.

    Args:
        vectors: (n, d) unit vectors.
        moments: when the n faces were seen.
        repeat_cosine: at least this much alike is the same person; None finds nobody.

    Returns:
        (p, 2) rows, the lower one first, rising.
    """
    none = np.zeros((0, 2), dtype=np.int64)
    if repeat_cosine is None:
        return none
    pairs = [none]
    for together in _by_moment(moments):
        size = together.shape[1]
        step = max(1, _BLOCK // size**2)
        for at in range(0, len(together), step):
            rows = together[at : at + step]
            faces = vectors[rows]
            cosines = faces @ faces.transpose(0, 2, 1)
            which, a, b = np.nonzero(np.triu(cosines >= repeat_cosine, k=1))
            pairs.append(np.stack([rows[which, a], rows[which, b]], axis=1))
    return np.unique(np.concatenate(pairs), axis=0)


def _by_moment(moments: Moments) -> Iterator[NDArray[np.int64]]:
    """Yield (m, s) rising rows: those of all m moments that show the same number s of faces."""
    rows, when = moments.shared()
    starts = np.flatnonzero(np.diff(when, prepend=when[:1] - 1))
    sizes = np.diff(np.append(starts, len(rows)))
    for size in np.unique(sizes).tolist():
        yield rows[starts[sizes == size][:, None] + np.arange(size)]


def repeated_faces(
    vectors: Vectors, moments: Moments, repeat_cosine: float | None
) -> NDArray[np.bool_]:
    """Say which faces, (n,), belong to a pair of `repeated_pairs`."""
    repeated = np.zeros(len(vectors), dtype=bool)
    repeated[repeated_pairs(vectors, moments, repeat_cosine).ravel()] = True
    return repeated


def cluster_in_phases(
    vectors: Vectors,
    *,
    good: NDArray[np.bool_],
    repeated: NDArray[np.bool_],
    constraints: Constraints,
    rule: MergeRule,
    cluster: Callable[[Part], NDArray[np.int64]],
    refine: Callable[[NDArray[np.int64]], MergeRule] | None = None,
    weights: NDArray[np.float64] | None = None,
    centre: Vectors | None = None,
) -> NDArray[np.int64]:
    """Give every face a label.

    Args:
        vectors: (n, d) unit vectors; the mean of its faces for a row that stands for several.
        good: (n,) faces that may start a cluster.
        repeated: (n,) faces whose photo shows the same person again.
        constraints: of all n faces.
        rule: when faces are alike enough.
        cluster: clusters some of the faces under their constraints.
        refine: is shown the (n,) labels of a first, strict pass, UNASSIGNED where a face took no
            part, and returns the rule for everything after it. Clusterers without such a pass do
            not call it.
        weights: (n,) how many faces each row stands for; None means one.
        centre: (d,) where the poor faces of the whole library are, if these are only some of them.

    Returns:
        (n,) labels; UNASSIGNED for poor faces that nobody is close enough to.
    """
    n, part = len(vectors), np.flatnonzero(good)
    free = part[~repeated[part]]
    latest = rule

    def refined(labels: NDArray[np.int64]) -> MergeRule:
        nonlocal latest
        latest = rule if refine is None else refine(_spread(n, free, labels))
        return latest

    def of(rows: NDArray[np.int64]) -> Part:
        return Part(
            _rows(vectors, rows),
            constraints.subset(rows) if len(rows) < n else constraints,
            latest,
            None if weights is None else weights[rows],
        )

    first = of(free)
    found = cluster(replace(first, refine=refined) if refine is not None else first)
    labels = _spread(n, free, found)
    if len(free) < len(part):
        labels = attach_poor(
            vectors,
            labels,
            good & repeated,
            constraints,
            latest,
            margin=0.0,
            guarded=False,
            weights=weights,
        )
        left = part[labels[part] == UNASSIGNED]
        if len(left):
            labels[left] = int(found.max(initial=-1)) + 1 + cluster(of(left))
    return attach_poor(vectors, labels, ~good, constraints, latest, weights=weights, centre=centre)


def _rows(vectors: Vectors, rows: NDArray[np.int64]) -> Vectors:
    """Choose rows; all of them without a copy, which of a million is half a gigabyte."""
    return vectors if len(rows) == len(vectors) else vectors[rows]


def _spread(n: int, rows: NDArray[np.int64], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    everywhere = np.full(n, UNASSIGNED, dtype=np.int64)
    everywhere[rows] = labels
    return everywhere

"""FaceNet's clustering: faces above a similarity are one person, transitively.

Source: Schroff, Kalenichenko, Philbin, "FaceNet", CVPR 2015, section 1 ("clustering becomes the
task of finding connected components"). Offered for comparison: chains grow with the library (its
pairwise F on 5 million faces is reported as .0037), so it is never the default.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from facesort.grouping.clusters import together
from facesort.grouping.constraints import Constraints, Membership, conflicted, fixed_groups

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from facesort.grouping.calibration import MergeRule
    from facesort.protocols import NeighbourIndex

    Pairs = tuple[NDArray[np.int64], NDArray[np.int64]]

__all__ = ["connected_components"]

_NEIGHBOURS = 64

_BLOCK = 1 << 20  # connections turned into Python numbers at a time


def connected_components(
    index: NeighbourIndex, constraints: Constraints, rule: MergeRule
) -> NDArray[np.int64]:
    """Connect faces whose cosine passes the rule for two single faces, the most alike first.

    A connection that would break a constraint is left out.

    Args:
        index: finds neighbours among n faces.
        constraints: of these faces.
        rule: its `min_cosine` for n clusters decides.

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
    if torn.any():
        inside = np.flatnonzero(torn[near])
        order = inside[np.lexsort((others[inside], near[inside], -cosines[near, k][inside]))]
        names = _one_by_one(constraints, sure, (near[order], others[order]))
        labels = np.where(torn, names, _first_rows(labels))
    return _numbered(labels)


def _one_by_one(
    constraints: Constraints, sure: NDArray[np.int64], pairs: Pairs
) -> NDArray[np.int64]:
    """Connect what may be connected, in order; every cluster is named by its first row."""
    members = Membership(constraints)
    parents = list(range(len(constraints.claims)))

    def find(row: int) -> int:
        while parents[row] != row:
            parents[row] = parents[parents[row]]
            row = parents[row]
        return row

    def join(a: int, b: int) -> None:
        a, b = min(a, b), max(a, b)
        members.merge(a, b)
        parents[b] = a

    for one, other in sure.tolist():
        join(find(one), find(other))
    for at in range(0, len(pairs[0]), _BLOCK):
        ones, others = (side[at : at + _BLOCK].tolist() for side in pairs)
        for one, other in zip(ones, others, strict=True):
            a, b = find(one), find(other)
            if a != b and not members.forbidden(a, b):
                join(a, b)
    return np.array([find(row) for row in range(len(parents))], dtype=np.int64)


def _first_rows(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Name clusters by their first row."""
    _, first, which = np.unique(labels, return_index=True, return_inverse=True)
    return first[which].astype(np.int64)


def _numbered(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number clusters by their first row."""
    numbers: NDArray[np.int64] = np.unique(_first_rows(labels), return_inverse=True)[1]
    return numbers.astype(np.int64)

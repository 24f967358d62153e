"""FaceNet's clustering: faces above a similarity are one person, transitively.

Source: Schroff, Kalenichenko, Philbin, "FaceNet", CVPR 2015, section 1 ("clustering becomes the
task of finding connected components"). Offered for comparison: chains grow with the library (its
pairwise F on 5 million faces is reported as .0037), so it is never the default.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from facesort.grouping.constraints import Constraints, Membership, fixed_groups

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from facesort.grouping.calibration import MergeRule
    from facesort.protocols import NeighbourIndex

__all__ = ["connected_components"]

_NEIGHBOURS = 64


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
    parents = list(range(n))
    members = Membership(constraints)

    def find(row: int) -> int:
        while parents[row] != row:
            parents[row] = parents[parents[row]]
            row = parents[row]
        return row

    def join(a: int, b: int) -> None:
        a, b = sorted((find(a), find(b)))
        if a != b:
            members.merge(a, b)
            parents[b] = a

    for group in fixed_groups(constraints):
        for row in group[1:]:
            join(group[0], row)
    rows, cosines = index.neighbours(_NEIGHBOURS)
    near, k = np.nonzero(cosines >= rule.min_cosine(n))
    pairs = zip((-cosines[near, k]).tolist(), near.tolist(), rows[near, k].tolist(), strict=True)
    for _, a, b in sorted(pairs):
        if find(a) != find(b) and not members.forbidden(find(a), find(b)):
            join(a, b)
    numbers: dict[int, int] = {}
    return np.array(
        [numbers.setdefault(find(row), len(numbers)) for row in range(n)], dtype=np.int64
    )

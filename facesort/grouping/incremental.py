"""New faces join the people who are there; only what they touch is grouped again.

1. A person who is there is one row: the mean of the faces and their number. The mean cosine between
   it and anything else is exact that way (see `linkage`), and a named person never comes apart.
2. A new face touches the people it is nearly alike enough to join: all of their faces on average,
   or those that stand for them (`descriptors`), which a burst does not outweigh. Of those, an
   unnamed person whom the newcomers could change is taken apart into faces again; everybody else
   stays whole.
3. New faces, faces taken apart and touched people are clustered as in a full grouping, under the
   same constraints, and with the bar that the whole library has.

People whom no new face touches are not looked at: the work follows the number of new faces.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from facesort.grouping.calibration import MergeRule, Sizes
    from facesort.grouping.past import Crowd
    from facesort.protocols import Vectors

__all__ = ["LibraryRule", "may_change", "touched"]

# A newcomer that misses the bar by this much, in cosine, may still pass it together with others:
# the mean of several faces varies less.
_NEARLY = 0.1

# A person is taken apart when there is one newcomer for this many faces, or when there are few
# faces at all: the mean of more hardly moves.
_FACES_PER_NEWCOMER = 10
_FEW_FACES = 32

_BLOCK_ROWS = 2048


def touched(vectors: Vectors, crowd: Crowd, rule: MergeRule) -> tuple[NDArray[np.int64], ...]:
    """Return whom new faces nearly reach, and who may change by them.

    Args:
        vectors: (m, d) unit vectors of the new faces.
        crowd: everybody.
        rule: when clusters are alike enough.

    Returns:
        Rows of the crowd that are touched, and how many new faces touch each.
    """
    people = len(crowd.sizes)
    floor = _floor(rule, people + len(vectors))
    counts = np.zeros(people, dtype=np.int64)
    sizes = np.maximum(crowd.sizes, 1.0)
    chosen = crowd.chosen
    for start in range(0, len(vectors), _BLOCK_ROWS):
        block = vectors[start : start + _BLOCK_ROWS]
        cosines = block @ crowd.means.T
        nearer = np.zeros((len(block), 0)) if chosen is None else block @ chosen.means.T
        for row, near in zip(cosines, nearer, strict=True):
            reached = rule.score(row.astype(np.float64), sizes, 1.0) >= floor
            if chosen is not None:
                by_them = rule.score(near.astype(np.float64), chosen.sizes, 1.0) >= floor
                reached[chosen.rows[by_them]] = True
            counts += reached
    counts[crowd.sizes == 0] = 0  # all of their faces were taken away by decisions
    rows = np.flatnonzero(counts)
    return rows, counts[rows]


def _floor(rule: MergeRule, clusters: int) -> float:
    bar = rule.min_cosine(clusters)
    pair = rule.score(np.array([bar, bar - _NEARLY]), np.ones(2), 1.0)
    return rule.limit(clusters) - float(pair[0] - pair[1])


def may_change(sizes: NDArray[np.float64], newcomers: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Say which touched people are few enough for their newcomers to change them."""
    return (sizes <= _FEW_FACES) | (sizes <= _FACES_PER_NEWCOMER * newcomers)


@dataclass(frozen=True, slots=True)
class LibraryRule:
    """A rule for a part of a library that keeps the bar of the whole.

    Args:
        rule: of the whole.
        others: clusters that are not in the part.
    """

    rule: MergeRule
    others: int

    def score(
        self, mean_cosine: NDArray[np.float64], sizes: NDArray[np.float64], size: Sizes
    ) -> NDArray[np.float64]:
        """As the whole's."""
        return self.rule.score(mean_cosine, sizes, size)

    def limit(self, clusters: int) -> float:
        """As the whole's, with the others counted in."""
        return self.rule.limit(clusters + self.others)

    def min_cosine(self, clusters: int, faces: int = 1) -> float:
        """As the whole's, with the others counted in."""
        return self.rule.min_cosine(clusters + self.others, faces)

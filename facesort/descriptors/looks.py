"""The looks of a person: beard and no beard, child and grown up. Mostly there is only one.

What is left of a face's vector when the person's mean is taken away is how this picture differs
from the others. If these differences fall into groups, the person has several looks. Groups can be
found in anything, so they count only if all of this holds:

- there are enough good faces, each burst counting once;
- the groups are apart: of any two the means lie 5.5 standard deviations from each other, measured
  within the groups and along the line through the means, and the mean cosine silhouette is .10;
- none is tiny: three faces and 5 % at least;
- none is one afternoon, whose pictures are all alike: half the variance of the widest group;
- they are farther apart than chance makes them. The same search is made in faces drawn from one
  normal distribution of the same mean and covariance, brought to unit length as faces are; what was
  found has to be beyond the 95th percentile of these.

Otherwise the answer is one look. What follows the quality of the faces is taken out before, so that
blurred pictures are no look. How often that is right: docs/coresets.md.

Source: Ward, JASA 58, 1963 (the groups: Ward's tree, improved by k-means); Rousseeuw, J. Comp.
Appl. Math. 20, 1987 (silhouette).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

from facesort.descriptors.bursts import burst_labels
from facesort.descriptors.differences import Differences
from facesort.descriptors.groups import Groups, best_groups
from facesort.descriptors.rows import id_ranks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from facesort.protocols import Vectors

__all__ = ["Looks", "LooksRule", "Verdict", "find_looks"]

# Draws are the same for the same faces, on every machine and in every run.
_SEED = 20_001


class Verdict(StrEnum):
    """Why somebody has several looks, or one."""

    SEVERAL = "several"
    FEW_FACES = "too few good faces"
    NO_GROUPS = "no groups"
    CHANCE = "groups as chance makes them"


@dataclass(frozen=True, slots=True)
class LooksRule:
    """What counts as a look; see the module.

    Args:
        min_faces: good faces, each burst counting once, that are looked at at all.
        min_quality: of a good face.
        min_apart: standard deviations between the means of two looks. Two whose cosines are .3 to
            each other and .65 within are 7 to 16 apart from 24 faces on; the groups that are found
            among LFW people, whose faces are no normal distribution, 3.5 to 5.1, and once 6.6
            (SFace, 2026-11-22).
        min_silhouette: mean cosine silhouette, -1..1.
        min_spread: variance of the tightest look, as a part of that of the widest.
        min_size: faces of the smallest look.
        min_share: of the smallest look.
        most_looks: at most.
        draws: how often the search is made in made-up faces.
        most_beyond: in how many of them it may find something as good: 1 of 60 is the 98th
            percentile.
        most_sampled: faces that are looked at; of more some, evenly over time. The others go to
            the look that they are like.
        dimensions: directions in which the differences are largest that are looked at.
    """

    min_faces: int = 12
    min_quality: float = 0.3
    min_apart: float = 5.5
    min_silhouette: float = 0.1
    min_spread: float = 0.5
    min_size: int = 3
    min_share: float = 0.05
    most_looks: int = 6
    draws: int = 60
    most_beyond: int = 1
    most_sampled: int = 200
    dimensions: int = 16


@dataclass(frozen=True, slots=True, eq=False)
class Looks:
    """The looks of a person.

    Args:
        labels: (n,) the look of each face, poor ones included; 0 is the one with most faces.
        sizes: (k,) faces of each look; none for somebody without a face.
        verdict: why there are several, or one.
    """

    labels: NDArray[np.int64]
    sizes: NDArray[np.int64]
    verdict: Verdict


def find_looks(
    vectors: Vectors,
    quality: NDArray[np.float32],
    *,
    ids: Sequence[str] | NDArray[np.str_] | None = None,
    seconds: NDArray[np.float64] | None = None,
    rule: LooksRule | None = None,
) -> Looks:
    """Say which looks a person has; the same for the same faces in any order.

    8 ms for 100 faces of one look, 160 where there are two; .25 s for 10,000 at most (people of
    tests/benchmarks/coresets.py, one core of a Xeon, 2026-11-22).

    Args:
        vectors: (n, d) unit float32.
        quality: (n,) 0..1.
        ids: n different ids; None: the rows count as ids, and their order matters a little.
        seconds: (n,) when each was taken, from any zero; NaN or None where that is not known.
        rule: what counts; None: the default.
    """
    rule = rule or LooksRule()
    n = len(vectors)
    order = np.argsort(id_ranks(ids, n))
    moments = np.full(n, np.nan) if seconds is None else seconds
    quality = np.nan_to_num(quality, nan=0.0).astype(np.float32, copy=False)
    sample = _sample(vectors, quality, moments, order, rule)
    if len(sample) < rule.min_faces:
        return _told(np.zeros(n, dtype=np.int64), Verdict.FEW_FACES)
    with threadpool_limits(limits=1, user_api="blas"):  # so small that threads only get in the way
        return _searched(vectors, quality[:, None], sample, order, rule)


def _searched(
    vectors: Vectors,
    known: NDArray[np.float32],
    sample: NDArray[np.int64],
    order: NDArray[np.int64],
    rule: LooksRule,
) -> Looks:
    """Look for groups among some of the faces; see `find_looks`."""
    one = np.zeros(len(vectors), dtype=np.int64)
    space = Differences.of(vectors[sample], known[sample].astype(np.float64), rule.dimensions)
    seen = space.place(vectors[sample], known[sample])
    smallest = max(rule.min_size, int(np.ceil(rule.min_share * len(sample))))
    found = _groups(seen, smallest, rule)
    if found is None or found.apart < rule.min_apart or found.silhouette < rule.min_silhouette:
        return _told(one, Verdict.NO_GROUPS)
    if _by_chance(space, seen, found, smallest, rule):
        return _told(one, Verdict.CHANCE)
    labels = space.nearest(vectors, known, found.centres)
    return _told(_by_size(labels, order), Verdict.SEVERAL)


def _groups(seen: NDArray[np.float64], smallest: int, rule: LooksRule) -> Groups | None:
    return best_groups(
        seen, rule.most_looks, smallest, enough=rule.min_apart, tightest=rule.min_spread
    )


def _by_chance(
    space: Differences,
    seen: NDArray[np.float64],
    found: Groups,
    smallest: int,
    rule: LooksRule,
) -> bool:
    """Say whether chance makes groups as far apart as those that were found."""
    rng = np.random.default_rng(_SEED)
    beyond = 0
    for _ in range(rule.draws):
        chance = _groups(space.draw(seen, rng), smallest, rule)
        beyond += chance is not None and chance.apart >= found.apart
        if beyond > rule.most_beyond:
            return True
    return False


def _sample(
    vectors: Vectors,
    quality: NDArray[np.float32],
    moments: NDArray[np.float64],
    order: NDArray[np.int64],
    rule: LooksRule,
) -> NDArray[np.int64]:
    """Return the rows of good faces, the best of each burst, in the order of the ids."""
    good = order[quality[order] >= np.float32(rule.min_quality)]
    if len(good) < rule.min_faces:
        return good
    good = _evenly(good, moments, 4 * rule.most_sampled)
    # Copies are no look of their own either, whenever they were taken.
    for seconds in (moments, None):
        good = good[
            _leaders(vectors[good], None if seconds is None else seconds[good], quality[good])
        ]
    return _evenly(good, moments, rule.most_sampled)


def _leaders(
    vectors: Vectors, seconds: NDArray[np.float64] | None, quality: NDArray[np.float32]
) -> NDArray[np.int64]:
    """Return the places of the best of each burst, in their order."""
    bursts = burst_labels(vectors, seconds, quality=quality)
    best_first = np.argsort(-quality, kind="stable")
    return np.sort(best_first[np.unique(bursts[best_first], return_index=True)[1]])


def _evenly(rows: NDArray[np.int64], moments: NDArray[np.float64], most: int) -> NDArray[np.int64]:
    """Return so many rows at most, evenly over time; those without a time are at the end of it."""
    if len(rows) <= most:
        return rows
    by_time = np.argsort(moments[rows], kind="stable")
    return rows[np.sort(by_time[(np.arange(most) * len(rows)) // most])]


def _by_size(labels: NDArray[np.int64], order: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number looks by their faces, most first; of equal ones that with the first face."""
    there, first, sizes = np.unique(labels[order], return_index=True, return_counts=True)
    renamed = np.empty(int(there.max()) + 1, dtype=np.int64)
    renamed[there[np.lexsort((first, -sizes))]] = np.arange(len(there))
    return renamed[labels]


def _told(labels: NDArray[np.int64], verdict: Verdict) -> Looks:
    return Looks(labels, np.bincount(labels).astype(np.int64), verdict)

"""What a library's own photos say about how alike different people look in it.

Two faces of one photo are two people. That makes pairs of people who are surely different, without
a question asked, and they are the people of this library: their age, their origin, their cameras.
The card moves towards what those pairs say, the more of them there are:

    weight = n / (n + 2000)        n = pairs of people, each counted once

- Compared are faces from *different* photos. What is on one photo shares its light, focus and
  distance and looks more alike for that (measured: docs/adr/0010); a merge never joins such a pair.
- One number is taken from them: by how much the cosine that a tenth of the pairs exceeds lies above
  or below the card's.
- Families are photographed together: such pairs are more often kin than any two people of the
  library are, and kin are kept apart by those very photos. So the same number is taken from all
  pairs of people, few of whom can be one person, and the library is believed as far as both agree.
- A pair whose faces on one photo are as alike as strangers are once in a million comparisons is
  left out: a mirror, a screen, a collage or twins. It is handed back, to be asked about.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from facesort.grouping.calibration import FalseMatchRule, WrongMergesRule

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from facesort.grouping.calibration import Calibration, MergeRule
    from facesort.grouping.moments import Moments
    from facesort.protocols import Vectors

__all__ = ["MIN_ANSWERS", "REPEAT_RATE", "Answer", "Refinement", "refine", "with_calibration"]

# Two faces of one photo that strangers match once in so many comparisons: one person shown twice.
REPEAT_RATE = 1e-6

# Of each kind; fewer say more about which pairs were asked than about the people.
MIN_ANSWERS = 50

_SHRINKAGE = 2000

# More change the weight by less than .01 and would cost memory.
_MAX_PAIRS = 200_000

_TAIL = 0.1  # of the pairs

# All pairs of so many people are 200,000.
_SAMPLE = 632

# In standard deviations. A library further off than that has something on its photos that we do not
# understand, and is not believed all the way.
_MAX_SHIFT = 1.0

_BLOCK_ROWS = 1 << 16


@dataclass(frozen=True, slots=True)
class Answer:
    """What the user said about two faces, or two people of whom these are faces."""

    row: int
    other: int
    same: bool


@dataclass(frozen=True, slots=True)
class Refinement:
    """A library's calibration, and where it comes from.

    Args:
        card: the embedder's.
        calibration: the one to use: the card's, shifted.
        shift: by so many standard deviations; see `Calibration.shifted`.
        pairs: pairs of people who are surely two, and have faces on different photos.
        weight: of what they say, 0..1.
        answers: how many of the pairs the user told us.
        doubtful: rows of two faces on one photo that look like one person.
    """

    card: Calibration
    calibration: Calibration
    shift: float
    pairs: int
    weight: float
    answers: int = 0
    doubtful: tuple[tuple[int, int], ...] = ()


def refine(
    card: Calibration,
    vectors: Vectors,
    labels: NDArray[np.int64],
    moments: Moments,
    *,
    answers: Sequence[Answer] = (),
) -> Refinement:
    """Move a card's calibration towards what a library shows. A function of its arguments only.

    Args:
        card: of the embedder.
        vectors: (n, d) unit vectors of good faces.
        labels: (n,) who is who after a strict first pass; below 0 is nobody.
        moments: when the n faces were seen.
        answers: used when there are at least MIN_ANSWERS of each kind.
    """
    together = _faces_together(labels, moments)
    cosines = _cosines(vectors, together)
    repeated = cosines >= card.min_cosine(REPEAT_RATE)
    said = _told_apart(labels, answers)
    pairs = _PeoplePairs.of(labels, together, cosines, repeated, said)
    deviations = pairs.deviations(card, vectors, labels)
    doubtful = tuple((int(a), int(b)) for a, b in together[repeated].tolist())
    n = min(len(deviations), _pairs_of_people(labels)) if len(deviations) else 0
    weight = n / (n + _SHRINKAGE)
    shift = 0.0
    if n:
        seen = _difference(deviations)
        all_pairs = _difference(_between_everybody(card, vectors, labels))
        shift = weight * _agreed(seen, all_pairs)
    return Refinement(card, card.shifted(shift), shift, n, weight, len(said), doubtful)


def with_calibration(rule: MergeRule, calibration: Calibration) -> MergeRule:
    """Return the same rule on another calibration; a fixed cosine has none."""
    if isinstance(rule, WrongMergesRule | FalseMatchRule):
        return replace(rule, calibration=calibration)
    return rule


def _faces_together(labels: NDArray[np.int64], moments: Moments) -> NDArray[np.int64]:
    """Return the (m, 2) rows of all pairs of faces of two clusters that one moment shows."""
    rows, at = moments.shared()
    known = labels[rows] >= 0
    rows, at = rows[known], at[known]
    starts = np.flatnonzero(np.diff(at, prepend=at[:1] - 1))
    sizes = np.diff(starts, append=len(at))
    found = [np.zeros((0, 2), dtype=np.int64)]
    for size in np.unique(sizes).tolist():  # all photos of one number of faces at a time
        first, second = np.triu_indices(size, 1)
        of = starts[sizes == size]
        ones, others = (of[:, None] + first).ravel(), (of[:, None] + second).ravel()
        found.append(np.stack([rows[ones], rows[others]], axis=1))
    pairs = np.concatenate(found)
    pairs = pairs[labels[pairs[:, 0]] != labels[pairs[:, 1]]]
    return np.unique(pairs, axis=0)  # a video shows two people at many moments


def _cosines(vectors: Vectors, pairs: NDArray[np.int64]) -> NDArray[np.float64]:
    cosines = np.empty(len(pairs))
    for at in range(0, len(pairs), _BLOCK_ROWS):
        ones, others = pairs[at : at + _BLOCK_ROWS].T
        cosines[at : at + _BLOCK_ROWS] = np.einsum("ij,ij->i", vectors[ones], vectors[others])
    return cosines


def _told_apart(labels: NDArray[np.int64], answers: Sequence[Answer]) -> list[tuple[int, int]]:
    """Return the clusters of the faces that the user called different, each pair once."""
    kinds = [answer.same for answer in answers]
    if min(kinds.count(True), kinds.count(False)) < MIN_ANSWERS:
        return []
    told = {
        (min(ends), max(ends))
        for answer in answers
        if not answer.same
        for ends in [(int(labels[answer.row]), int(labels[answer.other]))]
    }
    return sorted((a, b) for a, b in told if 0 <= a < b)


@dataclass(frozen=True, slots=True, eq=False)
class _PeoplePairs:
    """Pairs of clusters that are surely two people.

    Args:
        ones: (p,) labels.
        others: (p,) labels.
        together: (p,) how many pairs of their faces one photo shows.
        cosines: (p,) the sum over those.
    """

    ones: NDArray[np.int64]
    others: NDArray[np.int64]
    together: NDArray[np.int64]
    cosines: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        labels: NDArray[np.int64],
        together: NDArray[np.int64],
        cosines: NDArray[np.float64],
        repeated: NDArray[np.bool_],
        said: Sequence[tuple[int, int]],
    ) -> _PeoplePairs:
        """Count each pair of people once, without those that look like one person."""
        width = int(labels.max(initial=0)) + 1
        ends = np.sort(labels[together], axis=1)
        told = np.array(said, dtype=np.int64).reshape(-1, 2)
        every = np.concatenate([ends, told])
        keys, which = np.unique(every[:, 0] * width + every[:, 1], return_inverse=True)
        seen = which[: len(ends)]
        doubtful = np.zeros(len(keys), dtype=bool)
        doubtful[seen[repeated]] = True
        keep = np.flatnonzero(~doubtful)
        keep = keep[:: 1 + len(keep) // _MAX_PAIRS]
        counts = np.bincount(seen, minlength=len(keys))
        sums = np.bincount(seen, weights=cosines, minlength=len(keys)).astype(np.float64)
        return cls(keys[keep] // width, keys[keep] % width, counts[keep], sums[keep])

    def deviations(
        self, card: Calibration, vectors: Vectors, labels: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Say where the card sees the pairs, by their faces on different photos.

        Returns:
            (q,) standard deviations above the impostor mean; pairs that are never seen on
            different photos are left out.
        """
        people = np.unique(np.concatenate([self.ones, self.others]))
        sums, sizes = _sums(vectors, labels, people)
        a, b = np.searchsorted(people, self.ones), np.searchsorted(people, self.others)
        apart = sizes[a] * sizes[b] - self.together
        some = apart > 0
        a, b, apart = a[some], b[some], apart[some]
        products = np.empty(len(a))
        for at in range(0, len(a), _BLOCK_ROWS):
            part = slice(at, at + _BLOCK_ROWS)
            products[part] = np.einsum("ij,ij->i", sums[a[part]], sums[b[part]])
        means = (products - self.cosines[some]) / apart
        # With the pairs on one photo taken out, fewer faces of each are compared.
        return card.deviations(
            means, np.maximum(1.0, apart / sizes[b]), np.maximum(1.0, apart / sizes[a])
        )


def _sums(
    vectors: Vectors, labels: NDArray[np.int64], people: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the (p, d) sums of the people's vectors and the (p,) numbers of their faces."""
    rows = np.flatnonzero(np.isin(labels, people))
    rows = rows[np.argsort(labels[rows], kind="stable")]
    which = np.searchsorted(people, labels[rows])
    sums = np.zeros((len(people), vectors.shape[1]))
    for at in range(0, len(rows), _BLOCK_ROWS):
        part = which[at : at + _BLOCK_ROWS]
        starts = np.flatnonzero(np.diff(part, prepend=-1))
        block = vectors[rows[at : at + _BLOCK_ROWS]].astype(np.float64)
        sums[part[starts]] += np.add.reduceat(block, starts, axis=0)
    return sums, np.bincount(which, minlength=len(people)).astype(np.float64)


def _pairs_of_people(labels: NDArray[np.int64]) -> int:
    """Bound the pairs of people, of whom some are still in pieces, by the effective number of them.

    That number is how many people of equal size would give two random faces the same chance of
    being of one person (Simpson's index).
    """
    sizes = np.bincount(labels[labels >= 0]).astype(np.float64)
    people = float(sizes.sum() ** 2 / (sizes**2).sum())
    return round(people * (people - 1) / 2)


def _between_everybody(
    card: Calibration, vectors: Vectors, labels: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the deviations of all pairs of clusters, or of an even sample of clusters."""
    people = np.unique(labels[labels >= 0])
    people = people[:: 1 + len(people) // _SAMPLE]
    sums, sizes = _sums(vectors, labels, people)
    a, b = np.triu_indices(len(people), 1)
    means = (sums @ sums.T)[a, b] / (sizes[a] * sizes[b])
    return card.deviations(means, sizes[a], sizes[b])


def _agreed(one: float, other: float) -> float:
    """Return what both say: the smaller of two shifts to one side, nothing of two to both."""
    return min(one, other, key=abs) if one * other > 0 else 0.0


def _difference(deviations: NDArray[np.float64]) -> float:
    """Say how much further out than the card's the tail of a library lies, within bounds."""
    expected = -NormalDist().inv_cdf(_TAIL)
    difference = float(np.quantile(deviations, 1 - _TAIL)) - expected
    return min(_MAX_SHIFT, max(-_MAX_SHIFT, difference))

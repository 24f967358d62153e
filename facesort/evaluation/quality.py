"""Judges a quality of faces: does it say how well a face is recognised, and which to leave out?

Two questions. *Correlation*: of the faces of one person, those of higher quality should be more
like the person's other photos; Spearman's rank correlation with the mean similarity to them, over
all faces (`pooled`) and inside each person (`within`: what chooses between the faces of one).
*Rejection*: when the poorest faces are left out, fewer pairs of one person should be missed at the
same threshold (error versus reject curve: Grother, Tabassi, IEEE TPAMI 29(4), 2007). Intervals
come from drawing people with replacement: photos of one person are not independent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from facesort.protocols import Vectors

__all__ = [
    "Interval",
    "JudgedQuality",
    "QualityTest",
    "genuine_similarity",
    "rank_correlation",
]

_SEED = 0
_ROUNDS = 1000
_LEAST_FACES = 4  # a mean similarity to fewer than three others is mostly chance
_LEAST_WITHIN = 6  # faces of one person; a rank correlation of fewer is mostly chance
_BLOCK = 2048  # rows of similarities held at once


@dataclass(frozen=True, slots=True)
class Interval:
    """A number and where 95 % of its bootstrap lies."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class JudgedQuality:
    """How good a quality is.

    Args:
        pooled: rank correlation with the genuine similarity over all faces.
        within: the same inside each person, mean weighted with the number of faces.
        missed: for each share of faces that is left out, the false non-match rate of the rest.
    """

    pooled: Interval
    within: Interval
    missed: tuple[Interval, ...]


class QualityTest:
    """Faces of known people, on which qualities are compared.

    All qualities are judged with the same draws of people, so that their differences are paired.

    Args:
        vectors: (n, d) unit float32.
        people: n names.
        photos: n names; two faces with one name (a photo and its copy) are no pair.
        shares: of the faces to leave out.
        false_match_rate: sets the threshold, on all pairs of two people.
        rounds: of the bootstrap.
    """

    def __init__(
        self,
        vectors: Vectors,
        people: Sequence[str],
        photos: Sequence[str],
        *,
        shares: Sequence[float] = (0.0, 0.05, 0.1, 0.2, 0.3),
        false_match_rate: float = 1e-3,
        rounds: int = _ROUNDS,
    ) -> None:
        names, owner = np.unique(np.asarray(people), return_inverse=True)
        self._owner: NDArray[np.int64] = owner.astype(np.int64)
        self._people = len(names)
        self._shares = tuple(shares)
        self.similarity = genuine_similarity(vectors, people, photos)
        faces = np.bincount(owner, minlength=len(names))
        self._counted = (faces[owner] >= _LEAST_FACES) & np.isfinite(self.similarity)
        self.threshold = _threshold(vectors, self._owner, false_match_rate)
        self._pairs = _genuine_pairs(vectors, self._owner, np.asarray(photos), self.threshold)
        # Of each round, how often each person was drawn. The first is the people as they are.
        self._draws = np.ones((1 + rounds, len(names)))
        even = np.full(len(names), 1 / len(names))
        self._draws[1:] = np.random.default_rng(_SEED).multinomial(len(names), even, rounds)

    def judge(self, quality: NDArray[np.float64]) -> JudgedQuality:
        """Judge (n,) qualities, higher is better."""
        return _judged(self._drawn(quality))

    def compare(self, one: NDArray[np.float64], other: NDArray[np.float64]) -> JudgedQuality:
        """Return by how much the numbers of `one` are higher than those of `other`."""
        pairs = zip(self._drawn(one), self._drawn(other), strict=True)
        return _judged([a - b for a, b in pairs])

    def _drawn(self, quality: NDArray[np.float64]) -> list[NDArray[np.float64]]:
        """Return each number as (1 + rounds,)."""
        missed = [self._missed(quality, share) for share in self._shares]
        return [self._pooled(quality), self._within(quality), *missed]

    def _pooled(self, quality: NDArray[np.float64]) -> NDArray[np.float64]:
        counted = self._counted
        owner = self._owner[counted]
        # Ranks among all faces stand for those among the drawn ones: the same order, and no sort
        # for each draw.
        x, y = _ranks(quality[counted]), _ranks(self.similarity[counted])
        terms = [np.ones_like(x), x, y, x * x, y * y, x * y]
        sums = np.stack([np.bincount(owner, term, minlength=self._people) for term in terms])
        return _correlation(sums @ self._draws.T)

    def _within(self, quality: NDArray[np.float64]) -> NDArray[np.float64]:
        counted = np.flatnonzero(self._counted)
        order = counted[np.argsort(self._owner[counted], kind="stable")]
        starts = np.flatnonzero(np.diff(self._owner[order], prepend=-1))
        weight, total = np.zeros(self._people), np.zeros(self._people)
        for rows in np.split(order, starts[1:]):
            if len(rows) < _LEAST_WITHIN:
                continue
            person = int(self._owner[rows[0]])
            weight[person] = len(rows)
            total[person] = len(rows) * rank_correlation(quality[rows], self.similarity[rows])
        return _share(self._draws @ total, self._draws @ weight)

    def _missed(self, quality: NDArray[np.float64], share: float) -> NDArray[np.float64]:
        """Return the false non-match rate without the poorest faces."""
        one, two, missed = self._pairs
        kept = np.ones(len(quality), dtype=bool)
        kept[np.argsort(quality, kind="stable")[: round(share * len(quality))]] = False
        both = kept[one] & kept[two]
        person = self._owner[one[both]]
        pairs = np.bincount(person, minlength=self._people)
        wrong = np.bincount(person, missed[both], minlength=self._people)
        return _share(self._draws @ wrong, self._draws @ pairs)


def _judged(drawn: Sequence[NDArray[np.float64]]) -> JudgedQuality:
    def interval(numbers: NDArray[np.float64]) -> Interval:
        some = numbers[1:][np.isfinite(numbers[1:])]
        low, high = np.percentile(some, (2.5, 97.5)).tolist() if len(some) else (np.nan, np.nan)
        return Interval(float(numbers[0]), low, high)

    pooled, within, *missed = (interval(numbers) for numbers in drawn)
    return JudgedQuality(pooled, within, tuple(missed))


def _share(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    """Divide; NaN where there is nothing to divide by."""
    divided: NDArray[np.float64] = np.full(len(whole), np.nan)
    np.divide(part, whole, out=divided, where=whole > 0)
    return divided


def genuine_similarity(
    vectors: Vectors, people: Sequence[str], photos: Sequence[str]
) -> NDArray[np.float64]:
    """Return (n,) mean cosines to the other photos of the person; NaN where there is none.

    Args:
        vectors: (n, d) unit float32.
        people: n names.
        photos: n names; a photo and its copy, of one name, are not compared.
    """
    names, photo = np.asarray(people), np.asarray(photos)
    result = np.full(len(names), np.nan)
    order = np.argsort(names, kind="stable")
    starts = np.flatnonzero(names[order][1:] != names[order][:-1]) + 1
    for rows in np.split(order, starts):
        other = photo[rows][:, None] != photo[rows][None]
        count = other.sum(axis=1)
        total = np.where(other, vectors[rows] @ vectors[rows].T, 0.0).sum(axis=1)
        result[rows] = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return result


def rank_correlation(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return Spearman's correlation of two (n,) arrays; 0 where one of them is constant."""
    x, y = _ranks(one), _ranks(other)
    sums = np.array([len(x), x.sum(), y.sum(), (x * x).sum(), (y * y).sum(), (x * y).sum()])
    return float(_correlation(sums[:, None])[0])


def _correlation(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Pearson's correlations from the (6, m) sums of 1, x, y, xx, yy, xy."""
    n, x, y, xx, yy, xy = sums
    spread = (n * xx - x * x) * (n * yy - y * y)
    flat = spread <= 1e-12 * n**4  # ranks are 0..1: what is left is rounding
    correlations: NDArray[np.float64] = (n * xy - x * y) / np.sqrt(np.where(flat, 1.0, spread))
    return np.where(flat, 0.0, correlations)


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ranks from 0 to 1; equal values share the middle of theirs."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    middle = np.cumsum(count) - (count + 1) / 2
    ranks: NDArray[np.float64] = middle[place] / max(1, len(values) - 1)
    return ranks


def _threshold(vectors: Vectors, owner: NDArray[np.int64], rate: float) -> float:
    """Return the cosine that this share of the pairs of two people reaches."""
    counts = np.zeros(40001, dtype=np.int64)  # of cosines -1..1, in steps far below what matters
    for start in range(0, len(vectors), _BLOCK):
        cosines = vectors[start : start + _BLOCK] @ vectors.T
        strangers = owner[start : start + _BLOCK, None] != owner[None]
        step = np.clip((cosines[strangers] + 1) * 20000, 0, 40000).astype(np.int64)
        counts += np.bincount(step, minlength=len(counts))
    if not counts.any():
        raise ValueError("there are no two people")
    above = np.cumsum(counts[::-1])[::-1]
    return float(np.argmax(above <= rate * above[0]) / 20000 - 1)


def _genuine_pairs(
    vectors: Vectors, owner: NDArray[np.int64], photo: NDArray[np.str_], threshold: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Return the rows of all pairs of one person, and whether they are missed."""
    order = np.argsort(owner, kind="stable")
    starts = np.flatnonzero(np.diff(owner[order])) + 1
    ones, twos, missed = [], [], []
    for rows in np.split(order, starts):
        i, j = np.triu_indices(len(rows), 1)
        apart = photo[rows[i]] != photo[rows[j]]
        one, two = rows[i[apart]], rows[j[apart]]
        ones.append(one)
        twos.append(two)
        missed.append(np.einsum("ij,ij->i", vectors[one], vectors[two]) < threshold)
    return np.concatenate(ones), np.concatenate(twos), np.concatenate(missed)

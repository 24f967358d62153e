"""Fits how alike different people look to an embedder: the `[calibration]` table of its card.

For every pair of people, the mean cosine between m faces of one and m faces of the other has a
normal upper flank, with the mean `mean` and the variance

    person_variance + face_variance / m

The flank is what decides about wrong merges, so that the variances are fitted to it: to the cosines
that 1 %, 0.1 % and 0.01 % of the pairs of people exceed. A variance by moments would describe the
bulk, and miss the flank by as much as the distribution differs from a normal one.

Of one person the lower flank is fitted likewise, `face_variance / m` about a mean, to the cosines
that 1 % of the draws are below.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from facesort.protocols import Vectors

__all__ = [
    "ImpostorFit",
    "OnePersonFit",
    "OwnTail",
    "Tail",
    "fit_impostors",
    "fit_one_person",
    "impostor_tails",
    "one_person_tails",
]

_NORMAL = NormalDist()

_FACES_EACH = (1, 2, 3, 5, 9)
_RATES = (1e-2, 1e-3, 1e-4)

# A tail of fewer pairs says more about those pairs than about people.
_MIN_EXCEEDING = 10

# Which faces stand for a person is chance: the median of this many draws is kept.
_DRAWS = 20
_SEED = 0

_OWN_FACES_EACH = (1, 2, 3, 4, 5)
_OWN_RATE = 0.01
_OWN_PEOPLE = 20  # fewer people with so many photos say more about themselves


@dataclass(frozen=True, slots=True)
class Tail:
    """One measured point of the upper flank.

    Args:
        faces: of each of the two people; the cosine is the mean over all their pairs.
        rate: share of the pairs of people above the cosine, 0..1.
        people: with that many faces.
        cosine: the quantile, median over the draws.
    """

    faces: int
    rate: float
    people: int
    cosine: float


@dataclass(frozen=True, slots=True)
class ImpostorFit:
    """How alike different people look.

    Args:
        mean: mean cosine of two faces of different people.
        person_variance: variance between pairs of people, when each has endless photos.
        face_variance: what single photos add.
    """

    mean: float
    person_variance: float
    face_variance: float

    def cosine_at(self, rate: float, *, faces: int = 1) -> float:
        """Return the mean cosine that a share of the pairs of people exceeds.

        Args:
            rate: 0..1, without the ends.
            faces: of each of the two people.
        """
        deviation = math.sqrt(self.person_variance + self.face_variance / faces)
        return self.mean - _NORMAL.inv_cdf(rate) * deviation


def fit_impostors(vectors: Vectors, people: Sequence[str]) -> ImpostorFit:
    """Fit the three numbers of a card's calibration.

    Each measured tail says what variance a normal distribution of that mean would need. A variance
    in m is fitted to them by least squares. The result is a function of the arguments only.

    Args:
        vectors: (n, d) unit float32, of good and bad faces alike.
        people: n names, all right.

    Raises:
        ValueError: too few people for two tails of different numbers of faces. With 46 people who
            have two faces each there are enough.
    """
    mean = _mean_between_people(vectors, people)
    tails = impostor_tails(vectors, people)
    if len({tail.faces for tail in tails}) < 2:
        raise ValueError("too few people with two faces or more to measure what a face adds")
    terms = np.array([[1.0, 1.0 / tail.faces] for tail in tails])
    needed = np.array([((t.cosine - mean) / -_NORMAL.inv_cdf(t.rate)) ** 2 for t in tails])
    person_variance, face_variance = np.linalg.lstsq(terms, needed, rcond=None)[0].tolist()
    return ImpostorFit(mean, person_variance, face_variance)


def impostor_tails(vectors: Vectors, people: Sequence[str]) -> tuple[Tail, ...]:
    """Measure the upper flank wherever at least ten pairs of people lie above the quantile.

    Args:
        vectors: (n, d) unit float32.
        people: n names.

    Returns:
        By number of faces, then from the near to the far flank; for 1, 2, 3, 5 and 9 faces of each
        person and rates of 1 %, 0.1 % and 0.01 %.
    """
    rng = np.random.default_rng(_SEED)
    rows_of = _rows_of(people)
    tails: list[Tail] = []
    for faces in _FACES_EACH:
        rich = [rows for rows in rows_of if len(rows) >= faces]
        pairs = len(rich) * (len(rich) - 1) // 2
        rates = [rate for rate in _RATES if pairs * rate >= _MIN_EXCEEDING]
        if not rates:
            continue
        ranks = [int(pairs * rate) for rate in rates]
        draws = [_highest(_draw(vectors, rich, faces, rng), ranks) for _ in range(_DRAWS)]
        medians = np.median(draws, axis=0).tolist()
        tails += [
            Tail(faces, rate, len(rich), cosine)
            for rate, cosine in zip(rates, medians, strict=True)
        ]
    return tuple(tails)


@dataclass(frozen=True, slots=True)
class OwnTail:
    """One measured point of the lower flank of one person's cosines.

    Args:
        faces: in each of two parts of a person's photos.
        people: with that many photos.
        mean: cosine between the parts, over people and draws.
        low: what 1 % of the draws are below.
    """

    faces: int
    people: int
    mean: float
    low: float


@dataclass(frozen=True, slots=True)
class OnePersonFit:
    """How little alike one person is at worst."""

    mean: float
    face_variance: float

    def least(self, faces: int) -> float:
        """Return the cosine that 1 % are below, with so many faces in each part."""
        deviation = math.sqrt(self.face_variance / faces)
        return self.mean + _NORMAL.inv_cdf(_OWN_RATE) * deviation


def fit_one_person(tails: Sequence[OwnTail]) -> OnePersonFit:
    """Fit mean and variance to measured tails by least squares.

    Raises:
        ValueError: no tails.
    """
    if not tails:
        raise ValueError("too few people with two photos or more")
    mean = sum(tail.mean for tail in tails) / len(tails)
    needed = [((tail.low - mean) / _NORMAL.inv_cdf(_OWN_RATE)) ** 2 for tail in tails]
    shares = [1 / tail.faces for tail in tails]
    product = sum(n * share for n, share in zip(needed, shares, strict=True))
    return OnePersonFit(mean, product / sum(share * share for share in shares))


def one_person_tails(
    vectors: Vectors, people: Sequence[str], photos: Sequence[str]
) -> tuple[OwnTail, ...]:
    """Measure how alike two parts of one person's photos are, wherever there are twenty people.

    Args:
        vectors: (n, d) unit float32, of faces good enough to start a person.
        people: n names.
        photos: n names; of a photo and its copies one face at most is drawn.

    Returns:
        For 1, 2, 3, 4 and 5 faces in each part.
    """
    rng = np.random.default_rng(_SEED)
    names = np.asarray(photos, dtype=str)
    by_photo = [
        [rows[names[rows] == photo] for photo in np.unique(names[rows])]
        for rows in _rows_of(people)
    ]
    tails: list[OwnTail] = []
    for faces in _OWN_FACES_EACH:
        rich = [photos for photos in by_photo if len(photos) >= 2 * faces]
        if len(rich) < _OWN_PEOPLE:
            continue
        cosines = [_own_cosine(vectors, photos, faces, rng) for photos in rich * _DRAWS]
        low = float(np.quantile(cosines, _OWN_RATE))
        tails.append(OwnTail(faces, len(rich), float(np.mean(cosines)), low))
    return tuple(tails)


def _own_cosine(
    vectors: Vectors, photos: Sequence[NDArray[np.int64]], faces: int, rng: np.random.Generator
) -> float:
    """Return the mean cosine between two parts of a person's photos, drawn by chance."""
    chosen = rng.permutation(len(photos))[: 2 * faces].tolist()
    rows = [int(rng.choice(photos[which])) for which in chosen]
    drawn = vectors[rows].astype(np.float64)
    return float(drawn[:faces].mean(axis=0) @ drawn[faces:].mean(axis=0))


def _mean_between_people(vectors: Vectors, people: Sequence[str]) -> float:
    """Average over pairs of people, one face of each: else the most pictured would dominate."""
    first = vectors[[rows[0] for rows in _rows_of(people)]].astype(np.float64)
    n = len(first)
    if n < 2:
        raise ValueError("cosines between people need two people")
    # The sum of all cosines is |sum|^2; each face's with itself is taken out again.
    total = first.sum(axis=0)
    return float((total @ total - (first * first).sum()) / (n * (n - 1)))


def _rows_of(people: Sequence[str]) -> list[NDArray[np.int64]]:
    """Return the rows of each person, by name."""
    codes = np.unique(np.asarray(people, dtype=str), return_inverse=True)[1]
    order = np.argsort(codes, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(codes[order])) + 1)


def _draw(
    vectors: Vectors, rich: Sequence[NDArray[np.int64]], faces: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return the mean cosines of all pairs of people, by some faces of each drawn by chance."""
    chosen = np.stack([rng.choice(rows, faces, replace=False) for rows in rich])
    means = vectors[chosen].mean(axis=1)
    cosines: NDArray[np.float32] = (means @ means.T)[np.triu_indices(len(rich), 1)]
    return cosines


def _highest(cosines: NDArray[np.float32], ranks: Sequence[int]) -> list[float]:
    """Return the highest but `rank - 1` for each rank."""
    at = [len(cosines) - rank for rank in ranks]
    ordered = np.partition(cosines, at)
    return [float(ordered[k]) for k in at]

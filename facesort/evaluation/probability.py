"""Fits how strongly a similarity speaks for one person: `[calibration.evidence]` of a card.

The log-likelihood ratio of two faces is taken to be

    constant + cosine * c + cosine_squared * c^2 + quality * q + cosine_quality * c * q
             + quality_squared * q^2

with c their cosine and q the quality of the poorer one: logistic regression, in which the pairs of
one person and those of two weigh the same. docs/adr/0010 compares this form with others.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from facesort.protocols import Vectors

__all__ = ["EvidenceFit", "FacePairs", "draw_pairs", "fit_evidence"]

# Of one person: else those with most photos would decide.
_PAIRS_EACH = 20
_STRANGERS = 400_000
_SEED = 0

_STEPS = 100
_CONVERGED = 1e-10
_FAR = 500.0  # beyond it a probability is 0 or 1 in double precision, and its exponential none


@dataclass(frozen=True, slots=True, eq=False)
class FacePairs:
    """Pairs of faces of known people.

    Args:
        cosine: (p,) how alike they are.
        lower: (p,) quality of the poorer face, 0..1.
        higher: (p,) quality of the better face.
        same: (p,) whether they are one person.
    """

    cosine: NDArray[np.float64]
    lower: NDArray[np.float64]
    higher: NDArray[np.float64]
    same: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.same)

    def take(self, which: NDArray[np.bool_]) -> FacePairs:
        """Return some of them."""
        return FacePairs(
            self.cosine[which], self.lower[which], self.higher[which], self.same[which]
        )

    def weights(self, prior: float = 0.5) -> NDArray[np.float64]:
        """Return (p,) weights under which a share of `prior` is one person; their sum is 1."""
        same = int(np.count_nonzero(self.same))
        different = len(self) - same
        return np.where(self.same, prior / max(1, same), (1 - prior) / max(1, different))


@dataclass(frozen=True, slots=True)
class EvidenceFit:
    """The six numbers of the log-likelihood ratio."""

    constant: float
    cosine: float
    cosine_squared: float
    quality: float
    cosine_quality: float
    quality_squared: float

    def log_ratio(self, pairs: FacePairs) -> NDArray[np.float64]:
        """Return (p,) natural logarithms, without the bounds that grouping puts on them."""
        ratio: NDArray[np.float64] = _terms(pairs) @ np.array(astuple(self))
        return ratio


def draw_pairs(
    vectors: Vectors,
    qualities: NDArray[np.floating],
    people: Sequence[str],
    photos: Sequence[str],
) -> FacePairs:
    """Draw pairs: up to twenty of each person, and 400,000 of two people.

    Args:
        vectors: (n, d) unit float32.
        qualities: (n,) 0..1.
        people: n names, all right.
        photos: n names of the photos; a bad copy has its original's, and the two are never a pair.

    Returns:
        A function of the arguments only.
    """
    rng = np.random.default_rng(_SEED)
    names, originals = np.asarray(people, dtype=str), np.asarray(photos, dtype=str)
    ones, others = _of_one_person(names, originals, rng)
    a, b = rng.integers(0, len(names), (2, _STRANGERS))
    two = names[a] != names[b]
    i, j = np.concatenate([ones, a[two]]), np.concatenate([others, b[two]])
    cosines = np.concatenate(
        [
            np.einsum("ij,ij->i", vectors[i[at : at + 65536]], vectors[j[at : at + 65536]])
            for at in range(0, len(i), 65536)
        ]
    )
    q, other = qualities[i].astype(np.float64), qualities[j].astype(np.float64)
    return FacePairs(
        cosines.astype(np.float64),
        np.minimum(q, other),
        np.maximum(q, other),
        np.arange(len(i)) < len(ones),
    )


def _of_one_person(
    names: NDArray[np.str_], originals: NDArray[np.str_], rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    codes = np.unique(names, return_inverse=True)[1]
    order = np.argsort(codes, kind="stable")
    ones, others = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for rows in np.split(order, np.flatnonzero(np.diff(codes[order])) + 1):
        i, j = np.triu_indices(len(rows), 1)
        i, j = rows[i], rows[j]
        apart = originals[i] != originals[j]
        i, j = i[apart], j[apart]
        if len(i) > _PAIRS_EACH:
            chosen = rng.choice(len(i), _PAIRS_EACH, replace=False)
            i, j = i[chosen], j[chosen]
        ones.append(i)
        others.append(j)
    return np.concatenate(ones), np.concatenate(others)


def fit_evidence(pairs: FacePairs) -> EvidenceFit:
    """Fit the six numbers by Newton's method (iteratively reweighted least squares).

    Raises:
        ValueError: pairs of one kind only, or pairs that a cosine separates without a mistake.
    """
    if pairs.same.all() or not pairs.same.any():
        raise ValueError("pairs of one person and pairs of two people are needed")
    terms, weights = _terms(pairs), pairs.weights()
    same = pairs.same.astype(np.float64)
    numbers = np.zeros(terms.shape[1])
    for _ in range(_STEPS):
        probability = 1 / (1 + np.exp(-np.clip(terms @ numbers, -_FAR, _FAR)))
        slope = terms.T @ (weights * (same - probability))
        curve = (terms * (weights * probability * (1 - probability))[:, None]).T @ terms
        try:
            step = np.linalg.solve(curve, slope)
        except np.linalg.LinAlgError as error:
            raise ValueError("these pairs do not overlap: any number would fit") from error
        numbers = numbers + step
        if np.abs(step).max() < _CONVERGED * np.abs(numbers).max():
            return EvidenceFit(*numbers.tolist())
    raise ValueError("these pairs do not overlap: any number would fit")


def _terms(pairs: FacePairs) -> NDArray[np.float64]:
    c, q = pairs.cosine, pairs.lower
    return np.column_stack([np.ones(len(pairs)), c, c * c, q, c * q, q * q])

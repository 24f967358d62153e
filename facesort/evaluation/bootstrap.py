"""True accept rates at low false accept rates, and what they would be with other people.

A false accept rate of 1e-5 is decided by a handful of pairs, so that drawing the people again moves
the threshold too. Only the highest cosines of different people are kept for that: a pair (i, j)
counts as often as both were drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from facesort.protocols import Vectors

__all__ = ["FALSE_ACCEPT_RATES", "Found", "Scores", "Shares", "least_people", "score_templates"]

FALSE_ACCEPT_RATES = {"1e-3": 1e-3, "1e-4": 1e-4, "1e-5": 1e-5}

_DRAWS = 1000
_SEED = 0

# People drawn again can let through more pairs: so many times as many as the highest rate allows
# are kept, and some more.
_MARGIN, _LEAST_KEPT = 3, 200

_BLOCK_SCORES = 4_000_000  # cosines, or weights, held at once
_SAME_FACE = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """The cosines that matter of one seed.

    Args:
        same: (p,) of the two templates of each person.
        different: (m,) the highest of templates of different people, highest first.
        first: (m,) one of the two people, 0..p-1.
        second: (m,) the other.
    """

    same: NDArray[np.float32]
    different: NDArray[np.float32]
    first: NDArray[np.int64]
    second: NDArray[np.int64]


def score_templates(vectors: Vectors, *, keep: int) -> Scores:
    """Compare all templates.

    Args:
        vectors: (2 p, d) unit float32; 2 i and 2 i + 1 are of the i-th person.
        keep: so many of the highest cosines of different people.
    """
    same = np.einsum("ij,ij->i", vectors[0::2], vectors[1::2])
    person = np.arange(len(vectors)) // 2
    best = np.empty(0, dtype=np.float32)
    pairs = np.empty((0, 2), dtype=np.int64)
    step = max(1, _BLOCK_SCORES // len(vectors))
    for start in range(0, len(vectors), step):
        cosines = vectors[start : start + step] @ vectors[start:].T
        cosines[person[start : start + step, None] >= person[None, start:]] = -np.inf
        floor = best[-1] if len(best) >= keep else np.float32(-2)
        rows, columns = np.nonzero(cosines > floor)
        found = cosines[rows, columns]
        best = np.concatenate([best, found])
        pairs = np.concatenate(
            [pairs, np.stack([person[rows + start], person[columns + start]], 1)]
        )
        order = np.argsort(-best, kind="stable")[:keep]
        best, pairs = best[order], pairs[order]
    return Scores(same.astype(np.float32), best, pairs[:, 0], pairs[:, 1])


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What one false accept rate gives.

    Args:
        min_cosine: the threshold; pairs strictly above it match.
        by_seed: the TAR of each.
        drawn: (1 + draws,) TARs over all seeds, the first of the people as they are.
    """

    min_cosine: float
    by_seed: tuple[float, ...]
    drawn: NDArray[np.float64]


def least_people(rate: float, seeds: int) -> int:
    """Return how many people it takes for a single pair of templates to be that share of all."""
    people = 2
    while 2 * people * (people - 1) * seeds * rate < 1:
        people += 1
    return people


class Shares:
    """Measures TARs of some people over some seeds, and of draws of them with replacement.

    Args:
        people: p > 1.
        seeds: how often templates were drawn.
    """

    def __init__(self, people: int, seeds: int) -> None:
        rng = np.random.default_rng(_SEED)
        self._people = np.ones((1 + _DRAWS, people))
        self._people[1:] = rng.multinomial(people, np.full(people, 1 / people), _DRAWS)
        self._seeds = np.ones((1 + _DRAWS, seeds))
        self._seeds[1:] = rng.multinomial(seeds, np.full(seeds, 1 / seeds), _DRAWS)
        self.different = 2 * people * (people - 1) * seeds
        # By draw: each pair of people is four pairs of templates, or two for each order.
        ordered = self._people.sum(axis=1) ** 2 - (self._people**2).sum(axis=1)
        self._different = 2 * ordered * self._seeds.sum(axis=1)
        most = max(FALSE_ACCEPT_RATES.values()) * self.different
        self.kept = int(_MARGIN * most) + _LEAST_KEPT

    def measure(self, scores: Sequence[Scores]) -> dict[str, Found | None]:
        """Return what each false accept rate gives; None where no pair may pass.

        Args:
            scores: of each seed.
        """
        measured = {
            name: rate for name, rate in FALSE_ACCEPT_RATES.items() if rate * self.different >= 1
        }
        pooled = _Pooled.of(scores, self.kept)
        found: dict[str, Found | None] = dict.fromkeys(FALSE_ACCEPT_RATES)
        thresholds = self._thresholds(pooled, list(measured.values()))
        same = np.stack([one.same for one in scores])
        for name, limits in zip(measured, thresholds, strict=True):
            above = same[None] > limits[:, None, None]  # (draws, seeds, people)
            each = np.einsum("bsp,bp->bs", above, self._people)
            each /= self._people.sum(axis=1)[:, None]
            drawn = (each * self._seeds).sum(axis=1) / self._seeds.sum(axis=1)
            found[name] = Found(float(limits[0]), tuple(each[0].tolist()), drawn)
        return found

    def _thresholds(self, pooled: _Pooled, rates: Sequence[float]) -> list[NDArray[np.float32]]:
        """Return for each rate the (1 + draws,) thresholds."""
        chosen = [np.empty(len(self._people), dtype=np.float32) for _ in rates]
        for draws in self._blocks(len(pooled.cosine)):
            weights = self._people[draws][:, pooled.first] * self._people[draws][:, pooled.second]
            weights *= self._seeds[draws][:, pooled.seed]
            passed = np.cumsum(weights, axis=1)
            for limits, rate in zip(chosen, rates, strict=True):
                allowed = rate * self._different[draws] + _SAME_FACE
                # The first whose passing would be one too many: all before it pass.
                ends = (passed <= allowed[:, None]).sum(axis=1)
                limits[draws] = pooled.cosine[np.minimum(ends, len(pooled.cosine) - 1)]
        return chosen

    def _blocks(self, width: int) -> Iterator[slice]:
        step = max(1, _BLOCK_SCORES // max(1, width))
        for start in range(0, len(self._people), step):
            yield slice(start, start + step)


@dataclass(frozen=True, slots=True, eq=False)
class _Pooled:
    """The highest cosines of different people of all seeds, highest first."""

    cosine: NDArray[np.float32]
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    seed: NDArray[np.int64]

    @classmethod
    def of(cls, scores: Sequence[Scores], keep: int) -> _Pooled:
        cosine = np.concatenate([one.different for one in scores])
        order = np.argsort(-cosine, kind="stable")[:keep]
        seed = np.repeat(np.arange(len(scores)), [len(one.different) for one in scores])
        return cls(
            cosine[order],
            np.concatenate([one.first for one in scores])[order],
            np.concatenate([one.second for one in scores])[order],
            seed[order],
        )

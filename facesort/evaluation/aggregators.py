"""The simple ways to make one vector of several faces, to compare the library's own with."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from facesort.descriptors.coreset import Rule, choose_each
from facesort.domain.codes import unit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from facesort.protocols import Aggregator, Vectors

__all__ = [
    "BestSingle",
    "FarthestPoint",
    "Together",
    "WeightedMean",
    "aggregate_each",
    "plain_methods",
]

_SIZES, _GAMMAS = (3, 5, 8), (0.0, 1.0)


@runtime_checkable
class Together(Protocol):
    """An aggregator that takes many sets of faces at once, which saves thousands of calls."""

    def aggregate_each(
        self, vectors: Vectors, quality: NDArray[np.float32], owner: NDArray[np.int64]
    ) -> Vectors:
        """Return the (p, d) unit vectors of p sets.

        Args:
            vectors: (n, d) unit float32.
            quality: (n,) 0..1.
            owner: (n,) whose set: 0..p-1, each of which occurs.
        """


def aggregate_each(
    aggregator: Aggregator,
    vectors: Vectors,
    quality: NDArray[np.float32],
    owner: NDArray[np.int64],
) -> Vectors:
    """Return the (p, d) vectors of p sets, one after the other where it must be; see `Together`."""
    if isinstance(aggregator, Together):
        return aggregator.aggregate_each(vectors, quality, owner)
    order = np.argsort(owner, kind="stable")
    sets = np.split(order, np.flatnonzero(np.diff(owner[order])) + 1)
    each = [aggregator.aggregate(vectors[rows], quality[rows]) for rows in sets]
    return np.stack(each).astype(np.float32)


class _Alone(ABC):
    """One set is many sets of which there is one."""

    def aggregate(self, vectors: Vectors, quality: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the (d,) unit vector of n > 0 faces; see `protocols.Aggregator`."""
        owner = np.zeros(len(vectors), dtype=np.int64)
        one: NDArray[np.float32] = self.aggregate_each(vectors, quality, owner)[0]
        return one

    @abstractmethod
    def aggregate_each(
        self, vectors: Vectors, quality: NDArray[np.float32], owner: NDArray[np.int64]
    ) -> Vectors:
        """Return one (d,) unit vector for each of the sets 0..p-1: (p, d)."""


@dataclass(frozen=True, slots=True)
class BestSingle(_Alone):
    """The vector of the face with the highest quality."""

    name: str = "best single"

    def aggregate_each(
        self, vectors: Vectors, quality: NDArray[np.float32], owner: NDArray[np.int64]
    ) -> Vectors:
        """Return one row for each set; of equals the first."""
        order = np.lexsort((np.arange(len(owner)), -quality, owner))
        first = np.concatenate([[True], np.diff(owner[order]) > 0])
        best: Vectors = vectors[order[first]]
        return best


@dataclass(frozen=True, slots=True)
class WeightedMean(_Alone):
    """The mean of all vectors, weighted by a power of the quality.

    Args:
        name: what users call it.
        power: 0: all faces count alike.
    """

    name: str
    power: float

    def aggregate_each(
        self, vectors: Vectors, quality: NDArray[np.float32], owner: NDArray[np.int64]
    ) -> Vectors:
        """Return normalised sums; a set whose qualities are all zero gets its plain mean."""
        weights = np.maximum(quality, np.float32(1e-6)) ** np.float32(self.power)
        if not owner.any():
            return unit((weights @ vectors)[None])
        order = np.argsort(owner, kind="stable")
        starts = np.flatnonzero(np.diff(owner[order], prepend=-1))
        weighted = (vectors[order] * weights[order, None]).astype(np.float32)
        return unit(np.add.reduceat(weighted, starts))


@dataclass(frozen=True, slots=True)
class FarthestPoint(_Alone):
    """The descriptor of a coreset.

    Args:
        name: what users call it.
        rule: how its faces are chosen.
    """

    name: str
    rule: Rule

    def aggregate_each(
        self, vectors: Vectors, quality: NDArray[np.float32], owner: NDArray[np.int64]
    ) -> Vectors:
        """Return the weighted means of the chosen faces."""
        return choose_each(vectors, quality, owner, self.rule).descriptors


def plain_methods(rule: Rule | None = None) -> tuple[Aggregator, ...]:
    """Return what `bench sets` compares: `mean` is among them, the library's own comes last.

    Args:
        rule: how the library chooses faces; the farthest points share its floor and `min_gain`, and
            have no guard against odd faces. None: without what a model card knows of people.
    """
    own = rule or Rule()
    plain = own.unguarded()
    farthest = [
        FarthestPoint(f"farthest {size}, gamma {gamma:g}", replace(plain, size=size, gamma=gamma))
        for size in _SIZES
        for gamma in _GAMMAS
    ]
    return (
        BestSingle(),
        WeightedMean("mean", 0.0),
        WeightedMean("quality mean", 1.0),
        WeightedMean("quality-squared mean", 2.0),
        *farthest,
        FarthestPoint("default", own),
    )

"""The faces of many people in one pass: which rows are whose, in an order that is always the same.

Everything here is sorted by person, and within a person by the rank of the face's id. So whatever
is added up is added up in one order, and the first of equals is the one with the smallest id, in
whatever order the faces came.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from facesort.protocols import Vectors

__all__ = ["NO_ROW", "PersonRows", "id_ranks"]

_Number = TypeVar("_Number", bound=np.generic)

NO_ROW = -1

# Rows whose vectors are gathered at a time: 2 MiB of 512 numbers each.
_BLOCK_ROWS = 1 << 10


def id_ranks(ids: Sequence[str] | NDArray[np.str_] | None, n: int) -> NDArray[np.int64]:
    """Return the (n,) places of n different ids in their order; without ids, that of the rows.

    Raises:
        ValueError: there are not n ids.
    """
    if ids is None:
        return np.arange(n, dtype=np.int64)
    if len(ids) != n:
        raise ValueError(f"{len(ids)} ids for {n} faces")
    ranks = np.empty(n, dtype=np.int64)
    ranks[np.argsort(np.asarray(ids), kind="stable")] = np.arange(n)
    return ranks


@dataclass(frozen=True, slots=True, eq=False)
class PersonRows:
    """The rows of people who have some.

    Args:
        order: (n,) rows sorted by person, then by rank.
        starts: (p,) where each person begins in `order`.
        sizes: (p,) faces of each, > 0.
    """

    order: NDArray[np.int64]
    starts: NDArray[np.int64]
    sizes: NDArray[np.int64]

    @classmethod
    def of(cls, person: NDArray[np.int64], ranks: NDArray[np.int64]) -> PersonRows:
        """Sort the rows of p people, numbers 0..p-1, each of which occurs."""
        sizes = np.bincount(person).astype(np.int64)
        by_rank = np.empty_like(ranks)
        by_rank[ranks] = np.arange(len(ranks))
        order = by_rank[np.argsort(person[by_rank], kind="stable")]
        return cls(order, np.cumsum(sizes) - sizes, sizes)

    def of_people(self, which: NDArray[np.bool_]) -> PersonRows:
        """Return the rows of some of the (p,) people."""
        sizes = self.sizes[which]
        return PersonRows(self.order[np.repeat(which, self.sizes)], np.cumsum(sizes) - sizes, sizes)

    def places(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return where some rows are in the sorted order; 0 for NO_ROW."""
        where = np.zeros(int(self.order.max(initial=0)) + 1, dtype=np.int64)
        where[self.order] = np.arange(len(self.order))
        return np.where(rows == NO_ROW, 0, where[rows])

    def spread(self, values: NDArray[_Number]) -> NDArray[_Number]:
        """Return (n,) what of (p,) values is each sorted row's person's."""
        return np.repeat(values, self.sizes)

    def highest(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the (p,) highest of each person's sorted values."""
        top: NDArray[np.float32] = np.maximum.reduceat(values, self.starts)
        return top

    def count(self, wanted: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return how many (p,) of each person's sorted rows are wanted."""
        return np.add.reduceat(wanted.astype(np.int64), self.starts)

    def any_or_all(self, wanted: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return which sorted rows are wanted; all of those people's who have no such row."""
        some = np.logical_or.reduceat(wanted, self.starts)
        return np.asarray(wanted | ~np.repeat(some, self.sizes))

    def best(
        self, scores: NDArray[np.float32], quality: NDArray[np.float32], tie: float
    ) -> NDArray[np.int64]:
        """Return the (p,) places, in the sorted order, of each person's highest score.

        Args:
            scores: (n,) sorted.
            quality: (n,) sorted; of scores within `tie` of the highest the best face's counts,
                and of equal ones the first.
            tie: below that order and processor differ.
        """
        near = scores >= self.spread(self.highest(scores) - np.float32(tie))
        among = np.where(near, quality, np.float32(-2))
        near &= among == self.spread(self.highest(among))
        places = np.where(near, np.arange(len(scores)), len(scores))
        found: NDArray[np.int64] = np.minimum.reduceat(places, self.starts)
        return found

    def sums(self, vectors: Vectors, weights: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the (p, d) sums of each person's vectors.

        Args:
            vectors: (n, d), not sorted.
            weights: (n,) sorted; rows of weight 0 are not read.
        """
        sums = np.zeros((len(self.sizes), vectors.shape[1]), dtype=np.float32)
        for first, last in self._chunks():
            start = self.starts[first]
            size = int(self.sizes[first:last].sum())
            if last == first + 1:
                sums[first] = self._sum(vectors, weights, int(start), size)
                continue
            rows = slice(start, start + size)
            weighted = vectors[self.order[rows]] * weights[rows, None]
            sums[first:last] = np.add.reduceat(weighted, self.starts[first:last] - start)
        return sums

    def _sum(
        self, vectors: Vectors, weights: NDArray[np.float32], start: int, size: int
    ) -> NDArray[np.float32]:
        total = np.zeros(vectors.shape[1], dtype=np.float32)
        for begin in range(start, start + size, _BLOCK_ROWS):
            rows = slice(begin, min(begin + _BLOCK_ROWS, start + size))
            total += (vectors[self.order[rows]] * weights[rows, None]).sum(axis=0)
        return total

    def _chunks(self) -> Iterator[tuple[int, int]]:
        """Cut the people into runs of about a block of rows; large ones stand alone."""
        first, rows = 0, 0
        for number, size in enumerate(self.sizes.tolist()):
            if rows + size > _BLOCK_ROWS and number > first:
                yield first, number
                first, rows = number, 0
            rows += size
        if rows:
            yield first, len(self.sizes)

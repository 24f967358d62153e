"""The last grouping, as an incremental one asks for it: never all of a million faces at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray

    from facesort.domain import FaceColumns, FaceId, GroupedFaces, PersonId
    from facesort.protocols import Vectors

__all__ = ["Crowd", "Past", "sums_of"]

_BLOCK_PEOPLE = 2048


@dataclass(frozen=True, slots=True, eq=False)
class Crowd:
    """Everybody, each as one row.

    Args:
        ids: p identities, each with a face.
        means: (p, d) float32 mean vectors of their faces, shorter than 1.
        sizes: (p,) float64 numbers of faces.
    """

    ids: Sequence[PersonId]
    means: NDArray[np.float32]
    sizes: NDArray[np.float64]


class Past(Protocol):
    """What the last grouping left."""

    def crowd(self) -> Crowd:
        """Return everybody."""

    def owners(self, faces: Collection[FaceId]) -> Mapping[FaceId, PersonId]:
        """Return the identity of some faces; those that nobody has are left out."""

    def members(self, people: Collection[PersonId]) -> GroupedFaces:
        """Return all faces of some people."""

    def columns(self, faces: Collection[FaceId]) -> FaceColumns:
        """Return some faces, in anchor order."""

    def vectors(self, faces: Sequence[FaceId]) -> Vectors:
        """Return the (n, d) vectors of n faces; all of them have one."""


def sums_of(
    vectors: Vectors, person: NDArray[np.int32], people: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Add up everybody's vectors.

    Args:
        vectors: (n, d) unit float32.
        person: (n,) 0..people - 1; negative rows are left out.
        people: how many there are.

    Returns:
        (people, d) sums and (people,) numbers of faces.
    """
    sums = np.zeros((people, vectors.shape[1]), dtype=np.float32)
    order = np.argsort(person, kind="stable")
    order = order[np.searchsorted(person[order], 0) :]
    sizes = np.bincount(person[order], minlength=people)
    ends = np.cumsum(sizes)
    starts = ends - sizes
    # In blocks of people: a sorted copy of all vectors would double the memory.
    for first in range(0, people, _BLOCK_PEOPLE):
        some = first + np.flatnonzero(sizes[first : first + _BLOCK_PEOPLE])
        if len(some):
            rows = order[starts[some[0]] : ends[some[-1]]]
            block = vectors[rows].astype(np.float64)
            sums[some] = np.add.reduceat(block, starts[some] - starts[some[0]])
    return sums, sizes

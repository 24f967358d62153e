"""The last grouping, as an incremental one asks for it: never all of a million faces at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from facesort.domain import FaceColumns, FaceId, GroupedFaces, PersonId
    from facesort.protocols import Vectors

__all__ = ["ChosenMeans", "Crowd", "Past"]


@dataclass(frozen=True, slots=True, eq=False)
class ChosenMeans:
    """The faces that stand for people, of whom there are others too.

    Args:
        rows: (r,) rows of the crowd; one that has several looks is there several times.
        means: (r, d) float32 mean vectors of the chosen faces, shorter than 1.
        sizes: (r,) float64 numbers of them.
    """

    rows: NDArray[np.int64]
    means: NDArray[np.float32]
    sizes: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Crowd:
    """Everybody, each as one row.

    Args:
        ids: p identities, each with a face.
        means: (p, d) float32 mean vectors of their faces, shorter than 1.
        sizes: (p,) float64 numbers of faces.
        chosen: what stands for them, where that is known and not all of their faces.
    """

    ids: Sequence[PersonId]
    means: NDArray[np.float32]
    sizes: NDArray[np.float64]
    chosen: ChosenMeans | None = None


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

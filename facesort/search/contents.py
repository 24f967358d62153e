"""What an index must hold, and what has been opened for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from facesort.protocols import NeighbourIndex, Vectors

__all__ = ["FaceIndex", "IndexContents"]


@dataclass(frozen=True, slots=True, eq=False)
class IndexContents:
    """What an index must hold.

    Args:
        model_key: of the vectors.
        dimension: of the vectors.
        ids: (n,) face ids, each once; rows are positions in it.
        stamp: another one means that the vectors of known faces changed.
        read: rows (m,) -> (m, d) unit float32; called for as few as possible.
    """

    model_key: str
    dimension: int
    ids: Sequence[str]
    stamp: str
    read: Callable[[NDArray[np.int64]], Vectors]

    def some(self, rows: NDArray[np.int64]) -> Vectors:
        """Read the vectors of rows."""
        return self.read(rows) if len(rows) else np.zeros((0, self.dimension), dtype=np.float32)

    def everything(self) -> Vectors:
        """Read all vectors."""
        return self.some(np.arange(len(self.ids)))


@dataclass(frozen=True, slots=True, eq=False)
class FaceIndex:
    """An index that answers for all faces, however much of it was stored.

    Args:
        index: finds rows.
        kind: "exact" or "hnsw".
        waiting: faces that are searched exactly beside a stored index.
        note: what is not as it should be, in a sentence; empty when all is.
    """

    index: NeighbourIndex
    kind: str
    waiting: int = 0
    note: str = ""

    def neighbours(self, k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """See `NeighbourIndex`."""
        return self.index.neighbours(k)

    def nearest(self, queries: Vectors, k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """See `NeighbourIndex`."""
        return self.index.nearest(queries, k)

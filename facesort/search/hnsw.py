"""Approximate nearest neighbours by hnswlib's layered graph, which a file keeps between commands.

Source: Malkov and Yashunin, "Efficient and robust approximate nearest neighbor search using
Hierarchical Navigable Small World graphs", IEEE TPAMI 42(4), 2020. The library is loaded only when
an index is made or read; whether it is installed says `available`.
"""

from __future__ import annotations

import errno
import os
import struct
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from facesort.protocols import Progress, Vectors

__all__ = ["PARAMETERS", "SPACE", "GraphDamaged", "HnswGraph", "available"]

SPACE = "ip"  # inner product: for unit vectors, one less the cosine

# Links of a vector on each layer, and how carefully they are chosen; the seed fixes the layers.
# Recall and times: ADR 9.
PARAMETERS = {"M": 16, "ef_construction": 100, "seed": 1}
_SEARCH_WIDTH = 512  # vectors that a query keeps in view ("ef"): 1.4 ms a query at a million, ADR 9

_CHUNK_ROWS = 10_000  # between two signs of progress

# How hnswlib 0.8 begins its files: six numbers of the layout, in the machine's byte order.
_LAYOUT = struct.Struct("=6Q")


class GraphDamaged(Exception):
    """The file holds no graph of these vectors; it never leaves this package."""


def available() -> bool:
    """Whether hnswlib is installed and loads: it comes as source and needs a compiler."""
    try:
        import hnswlib  # noqa: F401, PLC0415 - loaded only when asked for
    except ImportError:
        return False
    return True


class HnswGraph:
    """A graph of unit vectors with the labels 0, 1, 2..., in the order in which they were added.

    Args:
        dimension: of the vectors.
    """

    def __init__(self, dimension: int) -> None:
        self._dimension = dimension
        self._index = _new(dimension)
        self._index.init_index(
            max_elements=1,
            M=PARAMETERS["M"],
            ef_construction=PARAMETERS["ef_construction"],
            random_seed=PARAMETERS["seed"],
        )
        self._removed = 0

    @classmethod
    def load(cls, path: Path, dimension: int, count: int, removed: int) -> HnswGraph:
        """Read a graph that `save` wrote.

        hnswlib takes a file of another dimension for one of this and reads beyond its arrays, so
        what the file says of itself is compared first. It must have been proved whole before.

        Args:
            path: of the file.
            dimension: that its vectors must have.
            count: of vectors that must be in it, removed ones too.
            removed: how many of them were removed.

        Raises:
            GraphDamaged: it is no such graph.
            OSError: it cannot be read.
        """
        with path.open("rb") as file:
            start = file.read(_LAYOUT.size)
        if len(start) < _LAYOUT.size:
            raise GraphDamaged("it ends in its header")
        _, capacity, stored, _, label_at, vector_at = _LAYOUT.unpack(start)
        if (label_at - vector_at, stored) != (4 * dimension, count) or capacity < stored:
            raise GraphDamaged("it holds other vectors than its header says")
        graph = cls(dimension)
        graph._index = _new(dimension)
        try:
            graph._index.load_index(os.fspath(path))
        except (RuntimeError, MemoryError) as error:
            raise GraphDamaged(str(error)) from error
        graph._removed = removed
        return graph

    def __len__(self) -> int:
        return int(self._index.element_count)

    @property
    def removed(self) -> int:
        """How many of the vectors were removed."""
        return self._removed

    def add(self, vectors: Vectors, progress: Progress | None = None) -> None:
        """Add unit vectors; their labels follow the ones given so far."""
        first = len(self)
        self._index.resize_index(max(1, first + len(vectors)))
        for start in range(0, len(vectors), _CHUNK_ROWS):
            some = vectors[start : start + _CHUNK_ROWS]
            labels = np.arange(first + start, first + start + len(some))
            self._index.add_items(some, labels)
            if progress:
                progress.advance(len(some))

    def remove(self, labels: NDArray[np.int64]) -> None:
        """Never find these again; their place in the graph stays, so many of them slow it down."""
        for label in labels.tolist():
            self._index.mark_deleted(label)
        self._removed += len(labels)

    def vectors(self, labels: NDArray[np.int64]) -> Vectors:
        """Return the stored vectors (m, d)."""
        stored: Vectors = np.asarray(self._index.get_items(labels), dtype=np.float32)
        return stored.reshape(-1, self._dimension)

    def nearest(self, queries: Vectors, k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Find nearest vectors.

        Returns:
            Labels (m, k) and cosines (m, k), nearest first; -1 and -inf where fewer were found.
        """
        labels = np.full((len(queries), k), -1, dtype=np.int64)
        cosines = np.full((len(queries), k), -np.inf, dtype=np.float32)
        wanted = min(k, len(self) - self._removed)
        while wanted > 0 and len(queries):
            try:
                self._index.set_ef(max(_SEARCH_WIDTH, 2 * wanted))
                found, distances = self._index.knn_query(queries, wanted)
            except RuntimeError:  # some query reached fewer: parts of the graph may be cut off
                wanted //= 2
                continue
            labels[:, :wanted] = found
            cosines[:, :wanted] = 1 - distances
            break
        return labels, cosines

    def save(self, file: BinaryIO) -> None:
        """Write the graph over a file that is open for writing and has a name.

        Raises:
            OSError: not all of it could be written; hnswlib itself says nothing then.
        """
        self._index.save_index(file.name)
        if os.fstat(file.fileno()).st_size != self._index.index_file_size():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), file.name)


def _new(dimension: int) -> Any:  # noqa: ANN401 - hnswlib ships no types
    import hnswlib  # noqa: PLC0415 - only where an index is used

    return hnswlib.Index(space=SPACE, dim=dimension)

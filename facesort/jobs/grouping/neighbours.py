"""The neighbour index of a library: what it must hold, and how much of it is found."""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from facesort.catalog import vectors
from facesort.search.choose import EXACT_UP_TO
from facesort.search.contents import IndexContents
from facesort.search.exact import ExactNeighbours
from facesort.search.store import erase_indexes, is_due, open_index

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from facesort.catalog.connection import Database
    from facesort.domain import FaceId, VectorCode
    from facesort.protocols import Progress, Vectors
    from facesort.search.contents import FaceIndex

__all__ = [
    "INDEX_FOLDER",
    "LibraryIndex",
    "open_library_index",
    "publish_library_index",
    "recall_at",
]

INDEX_FOLDER = "index"  # inside the library's folder

_SAMPLE = 200  # faces whose neighbours are compared


@dataclass(frozen=True, slots=True, eq=False)
class LibraryIndex:
    """An index of a library's faces.

    Args:
        index: its rows are positions in `ids`.
        ids: (n,) faces with a vector of the model, in order of id.
        contents: what it was opened for.
    """

    index: FaceIndex
    ids: list[FaceId]
    contents: IndexContents


def open_library_index(
    db: Database,
    folder: Path,
    model_key: str,
    *,
    publish: bool = False,
    progress: Progress | None = None,
    exact_up_to: int = EXACT_UP_TO,
) -> LibraryIndex:
    """Open the index of all faces that have a vector of a model; call it inside a snapshot.

    Args:
        db: the catalog.
        folder: the library's.
        model_key: of the vectors.
        publish: bring what is stored up to date; only under the job lock.
        progress: is told of building.
        exact_up_to: faces that need no stored index.

    Raises:
        LibraryDamaged: a stored vector is of a strange length.
    """
    ids = vectors.face_ids(db, model_key)
    code = vectors.code_of(db, model_key)

    def read(rows: NDArray[np.int64]) -> Vectors:
        if len(rows) == len(ids) and (np.diff(rows) == 1).all():
            return vectors.matrix(db, model_key).vectors  # all, in this order: the fastest way
        return vectors.aligned(db, model_key, [ids[row] for row in rows.tolist()])[0]

    dimension = _dimension(db, model_key, code)
    contents = IndexContents(model_key, dimension, ids, _stamp(code), read)
    index = open_index(
        folder / INDEX_FOLDER,
        contents,
        publish=publish,
        progress=progress,
        exact_up_to=exact_up_to,
    )
    return LibraryIndex(index, ids, contents)


def publish_library_index(
    db: Database,
    folder: Path,
    model_key: str,
    progress: Progress,
    *,
    exact_up_to: int = EXACT_UP_TO,
) -> str:
    """Bring the stored index up to date where it is due; only under the job lock.

    Some thousand new faces among a million are not: they are searched exactly beside it.

    Args:
        db: the catalog.
        folder: the library's.
        model_key: of the vectors.
        progress: is told of building.
        exact_up_to: faces that need no stored index.

    Returns:
        What went wrong, in a sentence; mostly ''.
    """
    code = vectors.code_of(db, model_key)
    count = vectors.count(db, model_key)
    if count <= exact_up_to:  # it may have been larger: no vectors are left behind
        with contextlib.suppress(OSError):
            erase_indexes(folder / INDEX_FOLDER)
        return ""
    due = is_due(
        folder / INDEX_FOLDER,
        model_key=model_key,
        dimension=_dimension(db, model_key, code),
        stamp=_stamp(code),
        count=count,
        exact_up_to=exact_up_to,
    )
    if not due:
        return ""
    with db.snapshot():
        opened = open_library_index(
            db, folder, model_key, publish=True, progress=progress, exact_up_to=exact_up_to
        )
    return opened.index.note


def _dimension(db: Database, model_key: str, code: VectorCode | None) -> int:
    """Return the length of the vectors as they are read; 1 where there are none."""
    return code.size if code else vectors.vector_dimension(db, model_key) or 1


def _stamp(code: VectorCode | None) -> str:
    """Return what changes when known faces' vectors do: making a library compact rounds them."""
    if code is None:
        return "float16"
    axes = b"" if code.axes is None else code.axes.tobytes()
    return f"int8 {code.size} {code.scale!r} {hashlib.sha256(axes).hexdigest()[:16]}"


def recall_at(library_index: LibraryIndex, k: int) -> float:
    """Measure which share of the k nearest the index finds, on a sample of the library's faces.

    Returns:
        0..1; 1 where there are no neighbours to miss.
    """
    every = library_index.contents.everything()
    sample = np.arange(min(len(every), _SAMPLE)) * max(1, len(every) // _SAMPLE)
    queries = every[sample]
    expected, _ = ExactNeighbours(every).nearest(queries, k)
    found, _ = library_index.index.nearest(queries, k)
    if not expected.size:
        return 1.0
    return float((expected[:, :, None] == found[:, None, :]).any(axis=2).mean())

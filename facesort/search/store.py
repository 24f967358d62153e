"""The stored neighbour index: found on disk, checked, brought up to date, published.

Nothing here is ever the only copy of anything: whatever does not match is made anew from the
vectors, and losing the folder loses nothing but the time for that.
"""

from __future__ import annotations

import contextlib
import hashlib
from typing import TYPE_CHECKING

import numpy as np

from facesort.errors import LibraryUnwritable
from facesort.files import (
    atomic_replace,
    atomic_write,
    explain_os_error,
    make_private_dir,
    sha256_of,
)
from facesort.search import hnsw
from facesort.search.choose import EXACT_UP_TO
from facesort.search.contents import FaceIndex
from facesort.search.exact import ExactNeighbours
from facesort.search.header import Header, IndexFiles
from facesort.search.hnsw import HnswGraph
from facesort.search.stored import Stored, Unusable, load, verify
from facesort.search.tailed import TailedIndex

if TYPE_CHECKING:
    from pathlib import Path

    from facesort.protocols import Progress
    from facesort.search.contents import IndexContents

__all__ = ["erase_indexes", "is_due", "open_index"]

_MAX_TAIL_SHARE = 0.05  # of the indexed faces may wait beside the index, searched exactly
_MAX_REMOVED_SHARE = 0.2  # beyond, removed faces that a query walks past cost time and recall


def open_index(
    folder: Path,
    contents: IndexContents,
    *,
    publish: bool = False,
    progress: Progress | None = None,
    exact_up_to: int = EXACT_UP_TO,
) -> FaceIndex:
    """Open the index of a library's faces.

    Up to `exact_up_to` faces nothing is stored: reading all vectors and one matrix product is as
    fast. Above, what is stored is used if it is whole and of these faces. Otherwise it is made anew
    when `publish` says so, which takes minutes for a million faces; else the search is exact.

    Args:
        folder: where indexes lie; it may be missing.
        contents: what the index must hold.
        publish: bring what is stored up to date; only under the job lock.
        progress: is told of building.
        exact_up_to: faces that need no stored index.
    """
    if len(contents.ids) <= exact_up_to:
        return FaceIndex(ExactNeighbours(contents.everything()), "exact")
    if not hnsw.available():
        note = "hnswlib is not installed, so every search reads all faces"
        return FaceIndex(ExactNeighbours(contents.everything()), "exact", note=note)
    files = IndexFiles.of(folder, contents.model_key)
    note = ""
    stored = None
    try:
        stored = load(files, contents)
    except Unusable as error:
        note = f"the stored neighbour index is not used: {error}"
    if publish:
        stored, note = _brought_up_to_date(files, contents, stored, progress)
    if stored is None:
        return FaceIndex(ExactNeighbours(contents.everything()), "exact", note=note)
    tail = contents.some(stored.missing)
    index = TailedIndex(stored.graph, stored.row_of_label, stored.missing, tail)
    return FaceIndex(index, "hnsw", waiting=len(stored.missing), note=note)


def is_due(
    folder: Path,
    *,
    model_key: str,
    dimension: int,
    stamp: str,
    count: int,
    exact_up_to: int = EXACT_UP_TO,
) -> bool:
    """Whether opening an index with `publish` would write one, told without reading vectors.

    It may err, because faces can have come while as many went; then only the tail is longer.

    Args:
        folder: where indexes lie; it may be missing.
        model_key: see `IndexContents`.
        dimension: see there.
        stamp: see there.
        count: faces that have a vector.
        exact_up_to: as in `open_index`.
    """
    if count <= exact_up_to or not hnsw.available():
        return False
    try:
        header, _ = verify(IndexFiles.of(folder, model_key), model_key, dimension, stamp)
    except Unusable:
        return True
    return abs(count - (header.count - header.removed)) > _MAX_TAIL_SHARE * header.count


def erase_indexes(folder: Path, *, but: Path | None = None) -> None:
    """Delete stored indexes and what killed processes left of them; call it under the job lock.

    An index holds vectors of faces, so it goes when faces are to be forgotten.

    Args:
        folder: where indexes lie; it may be missing.
        but: the graph of an index that stays.

    Raises:
        OSError: something cannot be deleted.
    """
    for pattern in (".facesort-*.tmp", "*.hnsw", "*.ids", "*.json"):
        for path in folder.glob(pattern):
            if but is None or path.stem != but.stem:
                path.unlink(missing_ok=True)


def _brought_up_to_date(
    files: IndexFiles, contents: IndexContents, stored: Stored | None, progress: Progress | None
) -> tuple[Stored, str]:
    """Make, grow or leave alone what is stored.

    Returns:
        What holds now, and a note if it could not be written.
    """
    if stored is not None and stored.graph.removed > _MAX_REMOVED_SHARE * len(stored.graph):
        stored = None
    if stored is None:
        nothing = np.zeros(0, dtype=np.int64)
        stored = Stored(HnswGraph(contents.dimension), [], nothing, np.arange(len(contents.ids)))
    if len(stored.missing) <= _MAX_TAIL_SHARE * len(stored.graph):
        return stored, ""
    if progress:
        progress.start("Indexing faces", len(stored.missing), "face")
    try:
        stored.graph.add(contents.some(stored.missing), progress)
    finally:
        if progress:
            progress.finish()
    stored.ids += [contents.ids[row] for row in stored.missing.tolist()]
    stored.row_of_label = np.concatenate([stored.row_of_label, stored.missing])
    stored.missing = stored.missing[:0]
    try:
        _publish(files, contents, stored)
    except LibraryUnwritable as error:
        return stored, f"the neighbour index is not stored: {error.message}. {error.hint}"
    except OSError as error:
        reason = explain_os_error(error)
        return stored, f"the neighbour index is not stored: {files.graph.parent}. {reason}"
    return stored, ""


def _publish(files: IndexFiles, contents: IndexContents, stored: Stored) -> None:
    """Write the three files, the header last: until then the old header refuses the new graph."""
    make_private_dir(files.graph.parent)
    with contextlib.suppress(OSError):
        erase_indexes(files.graph.parent, but=files.graph)
    with atomic_replace(files.graph, mode=0o600) as file:
        stored.graph.save(file)
    listed = "".join(f"{face}\n" for face in stored.ids).encode()
    atomic_write(files.ids, listed, mode=0o600)
    header = Header(
        model_key=contents.model_key,
        dimension=contents.dimension,
        space=hnsw.SPACE,
        stamp=contents.stamp,
        count=len(stored.graph),
        removed=stored.graph.removed,
        parameters=hnsw.PARAMETERS,
        graph_sha256=sha256_of(files.graph),
        ids_sha256=hashlib.sha256(listed).hexdigest(),
    )
    atomic_write(files.header, header.to_json(), mode=0o600)

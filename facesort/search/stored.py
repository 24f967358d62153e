"""A stored graph of faces: read from its files, and proved whole and of these vectors."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from facesort.files import sha256_of
from facesort.search import hnsw
from facesort.search.header import Header, HeaderUnreadable
from facesort.search.hnsw import GraphDamaged, HnswGraph

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from facesort.search.contents import IndexContents
    from facesort.search.header import IndexFiles

__all__ = ["Stored", "Unusable", "load", "verify"]

_COMPARED_ROWS = 64  # vectors that are compared with the catalog's
_SAME_COSINE = 0.999  # float16 and another provider change the last digits, a model everything


class Unusable(Exception):
    """Why what is stored cannot be used."""


@dataclass(slots=True, eq=False)
class Stored:
    """A graph that is whole, and which row of the contents each of its labels is.

    Args:
        graph: its labels without a row are removed.
        ids: face id of each label, '' where it was removed.
        row_of_label: (labels,) rows, -1 where removed.
        missing: (t,) rows that are not in it, rising.
    """

    graph: HnswGraph
    ids: list[str]
    row_of_label: NDArray[np.int64]
    missing: NDArray[np.int64]


def load(files: IndexFiles, contents: IndexContents) -> Stored:
    """Read what is stored and prove that it is whole and of these vectors.

    Raises:
        Unusable: it is not.
    """
    try:
        before = files.graph.stat()
        header, ids = verify(files, contents.model_key, contents.dimension, contents.stamp)
        graph = HnswGraph.load(files.graph, header.dimension, header.count, header.removed)
        after = files.graph.stat()
    except FileNotFoundError as error:
        raise Unusable("there is none, or a file of it is missing") from error
    except OSError as error:
        raise Unusable("it cannot be read") from error
    except GraphDamaged as error:
        raise Unusable(str(error)) from error
    if (before.st_ino, before.st_mtime_ns) != (after.st_ino, after.st_mtime_ns):
        raise Unusable("it was replaced just now")
    if len(ids) != len(graph):
        raise Unusable("its list of faces has another length")
    stored = _matched(graph, ids, contents.ids)
    _check_vectors(stored, contents)
    return stored


def verify(
    files: IndexFiles, model_key: str, dimension: int, stamp: str
) -> tuple[Header, list[str]]:
    """Prove by checksums that the files are whole and say that they are of these vectors.

    Returns:
        The header, and the face ids of the labels.

    Raises:
        Unusable: they are not.
    """
    try:
        header = Header.read(files.header)
        _check_header(header, model_key, dimension, stamp)
        if sha256_of(files.graph) != header.graph_sha256:
            raise Unusable("its file is damaged")
        listed = files.ids.read_bytes()
    except HeaderUnreadable as error:
        raise Unusable(str(error)) from error
    except OSError as error:
        raise Unusable("a file of it is missing or cannot be read") from error
    if hashlib.sha256(listed).hexdigest() != header.ids_sha256:
        raise Unusable("its list of faces is damaged")
    return header, listed.decode().split("\n")[:-1]


def _check_header(header: Header, model_key: str, dimension: int, stamp: str) -> None:
    expected = {
        "model": (header.model_key, model_key),
        "dimension": (header.dimension, dimension),
        "space": (header.space, hnsw.SPACE),
        "way of writing vectors": (header.stamp, stamp),
        "setting": (header.parameters, hnsw.PARAMETERS),
    }
    for what, (found, wanted) in expected.items():
        if found != wanted:
            raise Unusable(f"it is of another {what}")


def _matched(graph: HnswGraph, ids: list[str], wanted: Sequence[str]) -> Stored:
    """Find out which rows are in the graph, and remove from it what is no row any more."""
    if ids == list(wanted):  # mostly; and a dictionary of a million ids takes most of a second
        rows = np.arange(len(ids))
    else:
        row_of_id = {face: row for row, face in enumerate(wanted)}
        rows = np.fromiter((row_of_id.get(face, -1) for face in ids), np.int64, count=len(ids))
    gone = [label for label in np.flatnonzero(rows < 0).tolist() if ids[label]]
    graph.remove(np.array(gone, dtype=np.int64))
    for label in gone:
        ids[label] = ""
    missing = np.ones(len(wanted), dtype=bool)
    missing[rows[rows >= 0]] = False
    return Stored(graph, ids, rows, np.flatnonzero(missing))


def _check_vectors(stored: Stored, contents: IndexContents) -> None:
    """Compare some vectors with the catalog's: an id alone does not prove what it stands for."""
    labels = np.flatnonzero(stored.row_of_label >= 0)
    labels = labels[np.linspace(0, len(labels) - 1, min(len(labels), _COMPARED_ROWS)).astype(int)]
    ours = contents.some(stored.row_of_label[labels])
    if len(labels) and (stored.graph.vectors(labels) * ours).sum(axis=1).min() < _SAME_COSINE:
        raise Unusable("its vectors are not the catalog's")

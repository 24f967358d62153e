"""Compares libraries for the stored neighbour index, and the search of all faces among themselves.

    python -m tests.benchmarks.neighbours libraries 100000 FOLDER [hnswlib usearch voyager]
    python -m tests.benchmarks.neighbours joins 100000 [exact fast normal thorough]

The first builds an index with each library in a process of its own, and opens it in another: so
memory is theirs alone. usearch and voyager are no dependencies of facesort: pip install them where
this runs. Every library is asked for the same graph (16 links, 100 candidates when building, 256
when searching) of float32 vectors, with the library's own threads.
"""

from __future__ import annotations

import argparse
import importlib
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from facesort.search.choose import EFFORTS, self_join_index
from facesort.search.exact import ExactNeighbours
from tests.shaped import shaped_faces

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from facesort.protocols import Vectors

_LINKS, _BUILD_WIDTH, _SEARCH_WIDTH = 16, 100, 256
_NEW = 1_000  # faces that are queried for, added, and removed
_NEAREST = 10
_ALIKE = 0.5  # cosine above which two faces are mostly one person's


class Library(Protocol):
    """What is asked of each."""

    def build(self, vectors: Vectors) -> None:
        """Start with these; labels are rows."""

    def save(self, path: str) -> None:
        """Write a file."""

    def open(self, path: str, dimension: int) -> None:
        """Read it for searching, by the quickest way that the library has."""

    def nearest(self, queries: Vectors, k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """As `NeighbourIndex.nearest`."""

    def make_writable(self, path: str) -> None:
        """Read the file again if `open` gave something that cannot change."""

    def add(self, vectors: Vectors, first: int) -> None:
        """Add more, with labels from `first` on."""

    def remove(self, labels: NDArray[np.int64]) -> None:
        """Never find these again."""


class Hnswlib:
    def _new(self, dimension: int) -> Any:
        return importlib.import_module("hnswlib").Index(space="ip", dim=dimension)

    def build(self, vectors: Vectors) -> None:
        self._index = self._new(vectors.shape[1])
        self._index.init_index(len(vectors), M=_LINKS, ef_construction=_BUILD_WIDTH, random_seed=1)
        self._index.add_items(vectors)

    def save(self, path: str) -> None:
        self._index.save_index(path)

    def open(self, path: str, dimension: int) -> None:
        self._index = self._new(dimension)
        self._index.load_index(path)

    def nearest(self, queries: Vectors, k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        self._index.set_ef(_SEARCH_WIDTH)
        labels, distances = self._index.knn_query(queries, k)
        return labels.astype(np.int64), 1 - distances

    def make_writable(self, path: str) -> None:
        pass

    def add(self, vectors: Vectors, first: int) -> None:
        self._index.resize_index(first + len(vectors))
        self._index.add_items(vectors, np.arange(first, first + len(vectors)))

    def remove(self, labels: NDArray[np.int64]) -> None:
        for label in labels.tolist():
            self._index.mark_deleted(label)


class Usearch:
    def build(self, vectors: Vectors) -> None:
        self._index = importlib.import_module("usearch.index").Index(
            ndim=vectors.shape[1],
            metric="ip",
            dtype="f32",
            connectivity=_LINKS,
            expansion_add=_BUILD_WIDTH,
            expansion_search=_SEARCH_WIDTH,
        )
        self._index.add(np.arange(len(vectors)), vectors)

    def save(self, path: str) -> None:
        self._index.save(path)

    def open(self, path: str, dimension: int) -> None:
        self._restore(path, view=True)  # mapped into memory: pages are read when they are needed

    def _restore(self, path: str, *, view: bool) -> None:
        self._index = importlib.import_module("usearch.index").Index.restore(path, view=view)
        self._index.expansion_search = _SEARCH_WIDTH

    def nearest(self, queries: Vectors, k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        found = self._index.search(queries, k)
        return np.asarray(found.keys).astype(np.int64), 1 - np.asarray(found.distances)

    def make_writable(self, path: str) -> None:
        self._restore(path, view=False)

    def add(self, vectors: Vectors, first: int) -> None:
        self._index.add(np.arange(first, first + len(vectors)), vectors)

    def remove(self, labels: NDArray[np.int64]) -> None:
        self._index.remove(labels)


class Voyager:
    def build(self, vectors: Vectors) -> None:
        voyager = importlib.import_module("voyager")
        self._index = voyager.Index(
            voyager.Space.Cosine,
            num_dimensions=vectors.shape[1],
            M=_LINKS,
            ef_construction=_BUILD_WIDTH,
            random_seed=1,
        )
        self._index.add_items(vectors)

    def save(self, path: str) -> None:
        self._index.save(path)

    def open(self, path: str, dimension: int) -> None:
        self._index = importlib.import_module("voyager").Index.load(path)

    def nearest(self, queries: Vectors, k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        labels, distances = self._index.query(queries, k, query_ef=_SEARCH_WIDTH)
        return labels.astype(np.int64), 1 - distances

    def make_writable(self, path: str) -> None:
        pass

    def add(self, vectors: Vectors, first: int) -> None:
        self._index.add_items(vectors, list(range(first, first + len(vectors))))

    def remove(self, labels: NDArray[np.int64]) -> None:
        for label in labels.tolist():
            self._index.mark_deleted(label)


_LIBRARIES: dict[str, Callable[[], Library]] = {
    "hnswlib": Hnswlib,
    "usearch": Usearch,
    "voyager": Voyager,
}


@dataclass(slots=True)
class Timer:
    """Measures a block: seconds passed, and seconds of all cores."""

    passed: float = 0.0
    worked: float = 0.0

    def __enter__(self) -> Timer:
        self.passed, self.worked = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.passed = time.perf_counter() - self.passed
        self.worked = time.process_time() - self.worked

    def told(self) -> str:
        return f"{self.passed:.2f} s ({self.worked:.2f} s of all cores)"


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _resident_mb() -> float:
    """Memory of this process now, without what is only mapped from files and not yet read."""
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return float("nan")


def _recall(found: NDArray[np.int64], expected: NDArray[np.int64]) -> NDArray[np.bool_]:
    hits: NDArray[np.bool_] = (expected[:, :, None] == found[:, None, :]).any(axis=2)
    return hits


def _build(name: str, faces: int, path: str) -> None:
    vectors = shaped_faces(faces + _NEW).vectors
    library = _LIBRARIES[name]()
    with Timer() as building:
        library.build(vectors[:faces])
    with Timer() as saving:
        library.save(path)
    size = Path(path).stat().st_size / 1e6
    _say(f"{name}: build {building.told()}, save {saving.told()}, {size:.0f} MB")


def _use(name: str, faces: int, path: str) -> None:
    queries = np.load(f"{path}.queries.npy")
    truth = np.load(f"{path}.truth.npz")
    library = _LIBRARIES[name]()
    before = _resident_mb()
    with Timer() as opening:
        library.open(path, queries.shape[1])
    opened = _resident_mb() - before
    with Timer() as first:
        library.nearest(queries[:1], _NEAREST)
    with Timer() as asking:
        rows, _ = library.nearest(queries, _NEAREST)
    asked = _resident_mb() - before
    hits = _recall(rows, truth["rows"])
    alike = truth["cosines"] > _ALIKE
    library.make_writable(path)
    with Timer() as adding:
        library.add(queries, faces)
    again, _ = library.nearest(queries, 1)
    with Timer() as removing:
        library.remove(np.arange(faces, faces + len(queries)))
    gone, _ = library.nearest(queries, _NEAREST)
    _say(
        f"{name}: open {opening.told()} {opened:.0f} MB, first query {first.passed * 1e3:.1f} ms, "
        f"{len(queries)} queries {asking.told()} {asked:.0f} MB, "
        f"recall@10 {hits.mean():.4f}, above {_ALIKE} {hits[alike].mean():.4f}, "
        f"add {adding.told()} found {(again[:, 0] >= faces).mean():.3f}, "
        f"remove {removing.told()} left {(gone >= faces).sum()}"
    )


def _compare(names: list[str], faces: int, folder: Path) -> None:
    vectors = shaped_faces(faces + _NEW).vectors
    queries, known = vectors[faces:], vectors[:faces]
    with Timer() as exact:
        rows, cosines = ExactNeighbours(known).nearest(queries, _NEAREST)
    _say(f"exact: {len(queries)} queries {exact.told()}, {known.nbytes / 1e6:.0f} MB")
    del vectors, known
    for name in names:
        path = folder / f"{name}.index"
        np.save(f"{path}.queries.npy", queries)
        np.savez(f"{path}.truth.npz", rows=rows, cosines=cosines)
        for step in ("build", "use"):
            command = [sys.executable, "-m", "tests.benchmarks.neighbours", step, str(faces)]
            subprocess.run([*command, str(path), name], check=False)


def _join(efforts: list[str], faces: int, neighbours: int) -> None:
    """Time the search among all faces, and compare a thousand rows with the truth."""
    vectors = shaped_faces(faces).vectors
    sample = np.linspace(0, faces - 1, 1_000).astype(int)
    rows, cosines = ExactNeighbours(vectors).nearest(vectors[sample], neighbours + 1)
    rows, cosines = rows[:, 1:], cosines[:, 1:]  # each finds itself first
    for effort in efforts:
        with Timer() as searching:
            if effort == "exact":
                found, _ = ExactNeighbours(vectors).neighbours(neighbours)
            else:
                found, _ = self_join_index(vectors, effort).neighbours(neighbours)
        hits = _recall(found[sample], rows)
        _say(
            f"{effort}, {faces} faces, {neighbours} neighbours: {searching.told()}, "
            f"recall@10 {hits[:, :_NEAREST].mean():.4f}, "
            f"above {_ALIKE} {hits[cosines > _ALIKE].mean():.4f}, now {_resident_mb():.0f} MB"
        )


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="neighbours")
    steps = parser.add_subparsers(dest="step", required=True)
    for step in ("libraries", "build", "use"):
        options = steps.add_parser(step)
        options.add_argument("faces", type=int)
        options.add_argument("folder", type=Path)
        options.add_argument("names", nargs="*", choices=[[], *_LIBRARIES], default=[])
    options = steps.add_parser("joins")
    options.add_argument("faces", type=int)
    options.add_argument("efforts", nargs="*", choices=[[], "exact", *EFFORTS], default=[])
    options.add_argument("--neighbours", type=int, default=32)
    asked = parser.parse_args()
    if asked.step == "joins":
        _join(asked.efforts or list(EFFORTS), asked.faces, asked.neighbours)
    elif asked.step == "libraries":
        _compare(asked.names or list(_LIBRARIES), asked.faces, asked.folder)
    else:
        work = _build if asked.step == "build" else _use
        work(asked.names[0], asked.faces, str(asked.folder))


if __name__ == "__main__":
    main()

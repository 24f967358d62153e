"""The stored neighbour index: whatever happens to its files, every answer is right."""

from __future__ import annotations

import errno
import json
import os
import stat
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from facesort.search import hnsw, store
from facesort.search.contents import FaceIndex, IndexContents
from facesort.search.exact import ExactNeighbours
from facesort.search.header import IndexFiles
from facesort.search.hnsw import HnswGraph
from facesort.search.store import erase_indexes, is_due, open_index
from tests.fakes import SilentProgress
from tests.vectors import identity_vectors, random_vectors

if TYPE_CHECKING:
    from collections.abc import Iterable

    from facesort.protocols import Vectors

pytest.importorskip("hnswlib")  # comes as source: where nothing compiles, the search is exact

DIMENSION = 32
VECTORS, _ = identity_vectors([4] * 200, seed=7, dimension=DIMENSION)


def contents(
    rows: Iterable[int] = range(500), *, vectors: Vectors = VECTORS, stamp: str = "float16"
) -> IndexContents:
    """The faces of a library: some rows of all vectors, under the ids that they always have."""
    chosen = np.array(list(rows))
    ids = [f"{row:016x}" for row in chosen]
    return IndexContents("model@1/abc", vectors.shape[1], ids, stamp, lambda q: vectors[chosen[q]])


def opened(folder: Path, of: IndexContents | None = None, *, publish: bool = False) -> FaceIndex:
    return open_index(folder, of or contents(), publish=publish, exact_up_to=50)


def published(folder: Path, of: IndexContents | None = None) -> IndexFiles:
    """Store an index of these faces."""
    assert opened(folder, of, publish=True).kind == "hnsw"
    return IndexFiles.of(folder, "model@1/abc")


def assert_right(index: FaceIndex, of: IndexContents | None = None) -> None:
    """Most of the nearest are found, every cosine is real, and nobody is found who is gone."""
    of = of or contents()
    every = of.everything()
    queries = np.concatenate([every[::7], random_vectors(20, DIMENSION, 3)])
    expected, _ = ExactNeighbours(every).nearest(queries, 10)
    rows, cosines = index.nearest(queries, 10)
    assert rows.shape == (len(queries), 10)
    assert rows.min() >= 0
    assert rows.max() < len(of.ids)
    hits = (expected[:, :, None] == rows[:, None, :]).any(axis=2)
    assert hits.mean() >= 0.99
    np.testing.assert_allclose(cosines, (queries[:, None] * every[rows]).sum(axis=2), atol=1e-5)
    assert (np.diff(cosines, axis=1) <= 0).all()


# -- as it should be -----------------------------------------------------------------------------


def test_a_small_library_stores_nothing(tmp_path):
    index = open_index(tmp_path / "index", contents(), publish=True)
    assert index.kind == "exact"
    assert not (tmp_path / "index").exists()


def test_what_was_stored_is_used_again_without_reading_the_vectors(tmp_path):
    published(tmp_path / "index")
    asked: list[int] = []
    plain = contents()

    def read(rows):
        asked.append(len(rows))
        return plain.read(rows)

    counting = replace(plain, read=read)
    index = opened(tmp_path / "index", counting)
    assert (index.kind, index.waiting, index.note) == ("hnsw", 0, "")
    assert sum(asked) <= 64  # only the spot check
    assert_right(index)


def test_without_leave_to_publish_nothing_is_built(tmp_path):
    index = opened(tmp_path / "index")
    assert index.kind == "exact"
    assert "there is none" in index.note
    assert not (tmp_path / "index").exists()
    assert_right(index)


@pytest.mark.skipif(sys.platform == "win32", reason="files have no modes there")
def test_only_the_owner_may_read_it(tmp_path):
    files = published(tmp_path / "index")
    assert stat.S_IMODE((tmp_path / "index").stat().st_mode) == 0o700
    for path in (files.graph, files.ids, files.header):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(list((tmp_path / "index").iterdir())) == 3


class CountingProgress(SilentProgress):
    def __init__(self) -> None:
        super().__init__()
        self.told: list[object] = []

    def start(self, label: str, total: int | None, unit: str = "") -> None:
        self.told.append((label, total, unit))

    def advance(self, n: int = 1) -> None:
        self.told.append(n)

    def finish(self) -> None:
        self.told.append("finished")


def test_building_tells_how_far_it_is(tmp_path):
    progress = CountingProgress()
    open_index(tmp_path, contents(), publish=True, progress=progress, exact_up_to=50)
    assert progress.told == [("Indexing faces", 500, "face"), 500, "finished"]


# -- new faces and faces gone --------------------------------------------------------------------


def test_new_faces_are_found_exactly_before_they_are_indexed(tmp_path):
    files = published(tmp_path)
    before = files.graph.read_bytes()
    more = contents(range(520))
    index = opened(tmp_path, more, publish=True)
    assert index.waiting == 20  # within the tail: nothing is written
    assert files.graph.read_bytes() == before
    rows, cosines = index.nearest(VECTORS[500:520], 1)
    assert rows[:, 0].tolist() == list(range(500, 520))
    np.testing.assert_allclose(cosines, 1, atol=1e-5)
    assert_right(index, more)


def test_a_full_tail_is_published(tmp_path):
    files = published(tmp_path)
    before = files.graph.read_bytes()
    more = contents(range(600))
    assert opened(tmp_path, more).waiting == 100  # a reader never writes
    assert files.graph.read_bytes() == before
    assert opened(tmp_path, more, publish=True).waiting == 0
    index = opened(tmp_path, more)
    assert (index.kind, index.waiting) == ("hnsw", 0)
    assert_right(index, more)


def due(folder: Path, count: int, *, dimension: int = DIMENSION, stamp: str = "float16") -> bool:
    return is_due(
        folder,
        model_key="model@1/abc",
        dimension=dimension,
        stamp=stamp,
        count=count,
        exact_up_to=50,
    )


def test_publishing_is_due_when_there_is_none_or_many_faces_came_or_went(tmp_path):
    assert not due(tmp_path, 50)
    assert due(tmp_path, 500)
    published(tmp_path)
    assert [due(tmp_path, count) for count in (474, 475, 500, 525, 526)] == [
        *(True, False, False, False, True)
    ]
    assert due(tmp_path, 500, stamp="int8")
    assert due(tmp_path, 500, dimension=16)


@pytest.mark.parametrize("which", ["graph", "ids", "header"])
def test_publishing_is_due_when_what_is_stored_is_damaged(tmp_path, which):
    path = getattr(published(tmp_path), which)
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 4
    path.write_bytes(content)
    assert due(tmp_path, 500)


def test_faces_gone_are_never_found(tmp_path):
    published(tmp_path)
    rest = contents([row for row in range(500) if row % 7])
    index = opened(tmp_path, rest)
    assert index.kind == "hnsw"
    assert_right(index, rest)


def test_when_many_are_gone_it_is_made_anew_and_their_vectors_leave_the_disk(tmp_path):
    files = published(tmp_path)
    size = files.graph.stat().st_size
    rest = contents(range(200, 500))
    index = opened(tmp_path, rest, publish=True)
    assert_right(index, rest)
    assert files.graph.stat().st_size < 0.7 * size
    assert json.loads(files.header.read_text())["removed"] == 0


def test_any_history_of_coming_and_going_answers_right(tmp_path):
    random = np.random.default_rng(5)
    for _ in range(12):
        rows = np.sort(random.permutation(800)[: random.integers(100, 800)])
        of = contents(random.permutation(rows).tolist())
        assert_right(opened(tmp_path, of, publish=bool(random.integers(2))), of)
        assert_right(opened(tmp_path, of), of)


def test_every_face_finds_the_others_and_never_itself(tmp_path):
    published(tmp_path)
    of = contents([*range(30, 510)])  # some gone, some new
    index = opened(tmp_path, of)
    assert index.waiting == 10
    rows, cosines = index.neighbours(10)
    expected, _ = ExactNeighbours(of.everything()).neighbours(10)
    assert rows.shape == cosines.shape == (480, 10)
    assert all(row not in near for row, near in enumerate(rows.tolist()))
    assert (expected[:, :, None] == rows[:, None, :]).any(axis=2).mean() >= 0.99


def test_more_neighbours_than_faces_are_not_asked_for(tmp_path):
    of = contents(range(60))
    published(tmp_path, of)
    rows, cosines = opened(tmp_path, of).nearest(VECTORS[:2], 100)
    assert rows.shape == cosines.shape == (2, 60)
    assert sorted(rows[0].tolist()) == list(range(60))


# -- damage --------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", ["graph", "ids"])
@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.7, 1.0])
def test_one_flipped_bit_anywhere_is_found(tmp_path, which, share):
    path = getattr(published(tmp_path), which)
    content = bytearray(path.read_bytes())
    content[int(share * (len(content) - 1))] ^= 16
    path.write_bytes(content)
    assert_refused_and_mended(tmp_path, "damaged")


@pytest.mark.parametrize("which", ["graph", "ids", "header"])
@pytest.mark.parametrize("kept", [0, 1, 40, 300])
def test_a_file_that_was_cut_off_is_found(tmp_path, which, kept):
    path = getattr(published(tmp_path), which)
    path.write_bytes(path.read_bytes()[:kept])
    assert_refused_and_mended(tmp_path)


@pytest.mark.parametrize("which", ["graph", "ids", "header"])
def test_a_missing_file_is_found(tmp_path, which):
    getattr(published(tmp_path), which).unlink()
    assert_refused_and_mended(tmp_path)


@pytest.mark.parametrize("which", ["graph", "ids", "header"])
def test_a_folder_in_the_place_of_a_file_is_found(tmp_path, which):
    path = getattr(published(tmp_path), which)
    path.unlink()
    path.mkdir()
    index = opened(tmp_path)
    assert index.kind == "exact"
    assert_right(index)
    assert "not stored" in opened(tmp_path, publish=True).note


@pytest.mark.parametrize("which", ["graph", "ids"])
def test_a_half_replaced_index_is_found(tmp_path, which):
    old = published(tmp_path / "old", contents(range(300)))
    new = published(tmp_path / "new")
    getattr(old, which).replace(getattr(new, which))
    assert_refused_and_mended(tmp_path / "new", "damaged")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("model_key", "model@2/def"),
        ("dimension", 16),
        ("dimension", "32"),
        ("space", "l2"),
        ("stamp", "int8"),
        ("count", 499),
        ("count", -1),
        ("count", None),
        ("removed", -3),
        ("parameters", {"M": 8, "ef_construction": 100, "seed": 1}),
        ("graph_sha256", "0" * 64),
        ("ids_sha256", None),
        ("format", 2),
        ("format", None),
    ],
)
def test_a_header_of_something_else_is_found(tmp_path, field, value):
    files = published(tmp_path)
    files.header.write_text(json.dumps(json.loads(files.header.read_text()) | {field: value}))
    assert_refused_and_mended(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "null", "{}", "{", "\x00" * 50, '{"format": 1}'])
def test_something_else_in_the_headers_place_is_found(tmp_path, text):
    published(tmp_path).header.write_text(text)
    assert_refused_and_mended(tmp_path)


def test_a_newer_versions_header_says_so(tmp_path):
    files = published(tmp_path)
    content = json.loads(files.header.read_text()) | {"format": 2, "curvature": 3}
    files.header.write_text(json.dumps(content))
    assert "another version of facesort" in opened(tmp_path).note
    assert_refused_and_mended(tmp_path)


def test_a_graph_of_another_dimension_is_found_even_under_a_header_that_lies(tmp_path):
    # hnswlib itself reads such a file without a word.
    narrow = contents(vectors=random_vectors(500, 16, 1))
    other = published(tmp_path / "other", narrow)
    files = published(tmp_path / "index")
    told = json.loads(other.header.read_text()) | {"dimension": DIMENSION}
    other.graph.replace(files.graph)
    files.header.write_text(json.dumps(told))
    assert_refused_and_mended(tmp_path / "index", "other vectors")


def test_other_vectors_under_the_same_ids_are_found(tmp_path):
    published(tmp_path, contents(vectors=random_vectors(500, DIMENSION, 9)))
    assert_refused_and_mended(tmp_path, "not the catalog's")


def test_another_models_index_is_not_looked_at_and_goes_when_this_one_is_published(tmp_path):
    other = replace(contents(), model_key="other@1")
    published_other = opened(tmp_path, other, publish=True)
    assert published_other.kind == "hnsw"
    assert opened(tmp_path).kind == "exact"
    published(tmp_path)
    assert len(list(tmp_path.iterdir())) == 3


def assert_refused_and_mended(folder: Path, reason: str = "") -> None:
    index = opened(folder)
    assert index.kind == "exact"
    assert index.note.startswith("the stored neighbour index is not used: ")
    assert reason in index.note
    assert_right(index)
    assert_right(opened(folder, publish=True))
    mended = opened(folder)
    assert (mended.kind, mended.note) == ("hnsw", "")
    assert_right(mended)


# -- what the system refuses ---------------------------------------------------------------------


def test_a_folder_that_cannot_be_written_costs_only_the_time(tmp_path):
    (tmp_path / "file").write_text("in the way")
    index = opened(tmp_path / "file" / "index", publish=True)
    assert index.kind == "hnsw"
    assert "not stored" in index.note
    assert_right(index)


def test_a_full_drive_leaves_the_old_index(tmp_path, monkeypatch):
    files = published(tmp_path)
    before = [path.read_bytes() for path in (files.graph, files.ids, files.header)]

    def full(graph, file):
        file.write(b"some of it")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), file.name)

    with monkeypatch.context() as patch:
        patch.setattr(HnswGraph, "save", full)
        more = contents(range(700))
        index = opened(tmp_path, more, publish=True)
    assert "no space left" in index.note
    assert_right(index, more)
    assert [path.read_bytes() for path in (files.graph, files.ids, files.header)] == before
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no such device here")
def test_a_graph_that_was_not_written_whole_is_an_error():
    graph = HnswGraph(DIMENSION)
    graph.add(VECTORS[:50])
    with Path("/dev/full").open("wb") as file, pytest.raises(OSError, match="No space"):
        graph.save(file)


def test_a_read_only_drive_costs_only_the_time(tmp_path, monkeypatch):
    files = published(tmp_path)
    before = files.graph.read_bytes()

    def refuse(path, **options):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    monkeypatch.setattr(store, "atomic_replace", refuse)
    more = contents(range(700))
    index = opened(tmp_path, more, publish=True)
    assert "not stored" in index.note
    assert "read-only" in index.note
    assert_right(index, more)
    assert files.graph.read_bytes() == before


@pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() == 0, reason="the administrator may write anywhere"
)
def test_a_read_only_folder_is_read_and_never_complained_about(tmp_path):
    published(tmp_path / "index")
    (tmp_path / "index").chmod(0o500)
    try:
        assert opened(tmp_path / "index").kind == "hnsw"
        assert "not stored" in opened(tmp_path / "index", contents(range(700)), publish=True).note
    finally:
        (tmp_path / "index").chmod(0o700)


def test_without_hnswlib_every_search_is_exact_and_says_so(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "hnswlib", None)
    assert not hnsw.available()
    index = opened(tmp_path, publish=True)
    assert index.kind == "exact"
    assert "hnswlib is not installed" in index.note
    assert_right(index)


def test_erasing_leaves_nothing_of_any_index(tmp_path):
    published(tmp_path)
    (tmp_path / ".facesort-0123.tmp").write_bytes(b"half a graph")
    erase_indexes(tmp_path)
    assert list(tmp_path.iterdir()) == []
    erase_indexes(tmp_path / "missing")


def test_losing_the_folder_loses_nothing(tmp_path):
    published(tmp_path / "index")
    erase_indexes(tmp_path / "index")
    (tmp_path / "index").rmdir()
    assert_right(opened(tmp_path / "index"))
    published(tmp_path / "index")
    assert_right(opened(tmp_path / "index"))

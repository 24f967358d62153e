"""`doctor` on the neighbour index: is it there, is it whole, how much does it find?"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from facesort.catalog.opening import open_database
from facesort.catalog.photos import NewFace, NewPhoto, store_photo
from facesort.domain import Box, FaceId
from facesort.jobs.doctor.findings import Finding, Verdict
from facesort.jobs.doctor.neighbours import check_hnswlib, check_neighbours
from facesort.jobs.grouping.neighbours import publish_library_index
from tests.fakes import SilentProgress
from tests.vectors import identity_vectors

if TYPE_CHECKING:
    from pathlib import Path

MODEL = "model@1"


def library(folder: Path, faces: int = 240) -> Path:
    """A library of one crowded photo."""
    vectors, _ = identity_vectors([4] * (faces // 4), seed=1, dimension=16)
    found = tuple(
        NewFace(
            id=FaceId(f"{row:016x}"),
            box=Box(row, 0, row + 1, 1),
            landmarks=np.zeros((5, 2), dtype=np.float32),
            score=0.9,
            quality=0.9,
            measures={},
            vector=vector,
        )
        for row, vector in enumerate(vectors)
    )
    photo = NewPhoto("test:1", 400, 400, "", "", "pipeline", MODEL, 24, found)
    db = open_database(folder, create=True)
    with db.transaction():
        store_photo(db, photo)
    db.close()
    return folder


def found(folder: Path, exact_up_to: int = 100) -> Finding:
    (finding,) = check_neighbours(folder, exact_up_to=exact_up_to)
    assert finding.verdict is not Verdict.FAILED  # an index is never the only copy of anything
    return finding


def publish(folder: Path) -> None:
    db = open_database(folder, create=False)
    assert publish_library_index(db, folder, MODEL, SilentProgress(), exact_up_to=100) == ""
    db.close()


def test_a_small_library_is_searched_exactly(tmp_path):
    finding = found(library(tmp_path / "library"), exact_up_to=240)
    assert finding.verdict is Verdict.OK
    assert finding.facts == {"kind": "exact", "faces": 240, "waiting": 0, "recall_at_10": 1.0}


def test_a_library_without_faces_has_nothing_to_say(tmp_path):
    open_database(tmp_path / "library", create=True).close()
    assert list(check_neighbours(tmp_path / "library")) == []


def test_a_missing_index_is_told_with_what_builds_it(tmp_path):
    pytest.importorskip("hnswlib")
    finding = found(library(tmp_path / "library"))
    assert finding.verdict is Verdict.NOTE
    assert "there is none" in finding.message
    assert "facesort group" in finding.hint
    assert not (tmp_path / "library" / "index").exists()


def test_a_stored_index_is_compared_with_exact_search(tmp_path):
    pytest.importorskip("hnswlib")
    publish(library(tmp_path / "library"))
    finding = found(tmp_path / "library")
    assert finding.verdict is Verdict.OK
    assert finding.facts["kind"] == "hnsw"
    assert finding.facts["recall_at_10"] == pytest.approx(1, abs=0.01)


def test_an_index_that_finds_little_is_told(tmp_path, monkeypatch):
    pytest.importorskip("hnswlib")
    publish(library(tmp_path / "library"))
    blind = np.full((1000, 1000), -1, dtype=np.int64)
    monkeypatch.setattr(
        "facesort.search.hnsw.HnswGraph.nearest",
        lambda graph, queries, k: (
            blind[: len(queries), :k],
            np.full((len(queries), k), -np.inf, dtype=np.float32),
        ),
    )
    finding = found(tmp_path / "library")
    assert finding.verdict is Verdict.NOTE
    assert finding.facts["recall_at_10"] == 0
    assert "Delete" in finding.hint


def test_a_damaged_index_is_told_and_left_as_it_is(tmp_path):
    pytest.importorskip("hnswlib")
    publish(library(tmp_path / "library"))
    (graph,) = (tmp_path / "library" / "index").glob("*.hnsw")
    graph.write_bytes(graph.read_bytes()[:-7])
    finding = found(tmp_path / "library")
    assert finding.verdict is Verdict.NOTE
    assert "damaged" in finding.message
    assert finding.facts["kind"] == "exact"
    assert len(list((tmp_path / "library" / "index").iterdir())) == 3


def test_looking_changes_nothing(tmp_path):
    folder = library(tmp_path / "library")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    found(folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_without_hnswlib_doctor_says_what_that_costs(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "hnswlib", None)
    finding = check_hnswlib()
    assert (finding.verdict, finding.facts) == (Verdict.NOTE, {"hnswlib": False})
    assert "compiler" in finding.hint
    assert "hnswlib" in found(library(tmp_path / "library")).message


def test_compacting_the_vectors_makes_the_index_another(tmp_path):
    pytest.importorskip("hnswlib")
    from facesort.catalog import vectors
    from facesort.domain import VectorCode

    publish(library(tmp_path / "library"))
    db = open_database(tmp_path / "library", create=False)
    with db.transaction():
        vectors.set_code(db, VectorCode(MODEL, 16, 16, 0.01))
    db.close()
    assert "another way of writing" in found(tmp_path / "library").message
    publish(tmp_path / "library")
    assert found(tmp_path / "library").facts["kind"] == "hnsw"


def test_publishing_again_writes_nothing_until_it_is_due(tmp_path):
    pytest.importorskip("hnswlib")
    publish(library(tmp_path / "library"))
    (graph,) = (tmp_path / "library" / "index").glob("*.hnsw")
    written = graph.stat().st_mtime_ns
    publish(tmp_path / "library")
    assert graph.stat().st_mtime_ns == written
    graph.write_bytes(graph.read_bytes()[:-1])
    publish(tmp_path / "library")
    assert found(tmp_path / "library").facts["kind"] == "hnsw"


def test_a_library_that_became_small_keeps_no_index(tmp_path):
    pytest.importorskip("hnswlib")
    publish(library(tmp_path / "library"))
    db = open_database(tmp_path / "library", create=False)
    assert publish_library_index(db, tmp_path / "library", MODEL, SilentProgress()) == ""
    db.close()
    assert list((tmp_path / "library" / "index").iterdir()) == []

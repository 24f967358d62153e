"""Work shared out to threads: all of it is done, errors come out, and results stay the same."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from facesort.search import cells, sharing
from facesort.search.cells import CellNeighbours
from facesort.search.exact import ExactNeighbours
from facesort.search.sharing import share
from tests.vectors import identity_vectors


@pytest.mark.parametrize("cores", [1, 3, 64])
def test_every_task_is_done_once(cores, monkeypatch):
    monkeypatch.setattr(sharing, "_cores", lambda: cores)
    done: list[int] = []
    share(done.append, range(100))
    assert sorted(done) == list(range(100))
    share(done.append, [])
    assert len(done) == 100


@pytest.mark.parametrize("cores", [1, 4])
def test_the_first_error_comes_out_and_stops_what_has_not_begun(cores, monkeypatch):
    monkeypatch.setattr(sharing, "_cores", lambda: cores)
    begun: list[int] = []
    stuck = threading.Event()

    def work(task: int) -> None:
        begun.append(task)
        if task == 0:
            raise ValueError("the first")
        stuck.wait(0.02)

    with pytest.raises(ValueError, match="the first"):
        share(work, range(500))
    assert len(begun) < 400


def test_blas_has_its_threads_back_afterwards():
    before = [library["num_threads"] for library in threadpool_info()]
    inside: list[set[object]] = []
    share(lambda _: inside.append({lib["num_threads"] for lib in _blas()}), [1])
    assert inside in ([{1}], [set()])  # some builds of numpy bring a BLAS that has no such knob
    assert [library["num_threads"] for library in threadpool_info()] == before


def _blas() -> list[dict[str, object]]:
    return [library for library in threadpool_info() if library["user_api"] == "blas"]


@pytest.mark.parametrize("make", [ExactNeighbours, lambda vectors: CellNeighbours(vectors, 6)])
def test_the_number_of_cores_changes_nothing(make, monkeypatch):
    monkeypatch.setattr(cells, "_BATCH_ROWS", 512)
    vectors, _ = identity_vectors([3] * 900, seed=4, dimension=128)
    found = []
    for cores in (1, 2, 5):
        monkeypatch.setattr(sharing, "_cores", lambda cores=cores: cores)
        index = make(vectors)
        found.append([*index.neighbours(20), *index.nearest(vectors[:300], 20)])
    for other in found[1:]:
        for one, another in zip(found[0], other, strict=True):
            np.testing.assert_array_equal(one, another)

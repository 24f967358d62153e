"""Cells: what is found is exact, most is found, and it is the same every time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facesort.errors import UsageError
from facesort.search import cells, choose
from facesort.search.cells import CellNeighbours
from facesort.search.choose import EFFORTS, self_join_index
from facesort.search.exact import ExactNeighbours
from tests.strategies import seeds
from tests.vectors import identity_vectors, random_vectors


def album(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """People of few and of many faces; two of one person have a cosine near .7."""
    sizes = np.random.default_rng(seed).zipf(1.7, n).clip(1, 200)
    sizes = sizes[np.cumsum(sizes) <= n]
    return identity_vectors(sizes.tolist(), seed=seed, spread=0.65, dimension=128)


def recall(found: np.ndarray, expected: np.ndarray, wanted: np.ndarray) -> float:
    """The share of the expected rows, where wanted, that were found."""
    hits = (expected[:, :, None] == found[:, None, :]).any(axis=2)
    return float(hits[wanted].mean())


@given(st.integers(0, 40), st.integers(0, 45), seeds)
@settings(max_examples=40)
def test_with_every_cell_searched_nothing_is_missed(n, k, seed):
    vectors = random_vectors(n, 6, seed)
    rows, cosines = CellNeighbours(vectors, 10_000).neighbours(k)
    values = ExactNeighbours(vectors).neighbours(k)[1]
    assert rows.shape == cosines.shape == (n, max(0, min(k, n - 1)))
    np.testing.assert_allclose(cosines, values, atol=1e-6)
    assert all(len(set(near)) == len(near) for near in rows.tolist())
    assert all(row not in near for row, near in enumerate(rows.tolist()))


@given(st.integers(2, 60), st.integers(1, 4), seeds)
@settings(max_examples=40)
def test_whatever_is_found_is_a_real_cosine_and_missing_places_are_at_the_end(n, searched, seed):
    vectors = random_vectors(n, 6, seed)
    rows, cosines = CellNeighbours(vectors, searched).neighbours(20)
    there = rows >= 0
    assert (np.isneginf(cosines) == ~there).all()
    assert (np.diff(there.astype(int), axis=1) <= 0).all()
    assert (np.diff(np.where(there, cosines, -2), axis=1) <= 0).all()
    asking, place = np.nonzero(there)
    real = (vectors[asking] * vectors[rows[asking, place]]).sum(axis=1)
    np.testing.assert_allclose(cosines[asking, place], real, atol=1e-6)


def test_nearly_all_faces_of_the_same_person_are_found_and_most_of_the_ten_nearest():
    vectors, truth = album(5_000, 1)
    expected, cosines = ExactNeighbours(vectors).neighbours(32)
    floors = {"fast": (0.985, 0.75), "normal": (0.993, 0.9), "thorough": (0.998, 0.97)}
    for effort, (person_floor, ten_floor) in floors.items():
        found, _ = CellNeighbours(vectors, choose._PLANS[effort].cells).neighbours(32)
        assert recall(found, expected, cosines > 0.5) >= person_floor
        assert recall(found, expected[:, :10], np.ones((len(found), 10), dtype=bool)) >= ten_floor
        same = truth[expected] == truth[:, None]
        assert recall(found, expected, same) >= person_floor


def test_two_runs_and_any_batch_find_the_same(monkeypatch):
    vectors, _ = album(3_000, 2)
    rows, cosines = CellNeighbours(vectors, 8).neighbours(16)
    again, same = CellNeighbours(vectors.copy(), 8).neighbours(16)
    np.testing.assert_array_equal(rows, again)
    np.testing.assert_array_equal(cosines, same)
    monkeypatch.setattr(cells, "_BATCH_ROWS", 700)
    batched, values = CellNeighbours(vectors, 8).neighbours(16)
    np.testing.assert_allclose(cosines, values, atol=1e-6)
    assert (rows == batched).mean() > 0.999  # a product of another shape may round otherwise


def test_queries_find_what_is_nearest_to_them():
    vectors, _ = album(4_000, 3)
    random = np.random.default_rng(1)
    kept = np.sort(random.permutation(len(vectors))[: len(vectors) - 300])
    new = np.setdiff1d(np.arange(len(vectors)), kept)
    expected, cosines = ExactNeighbours(vectors[kept]).nearest(vectors[new], 10)
    found, _ = CellNeighbours(vectors[kept], 24).nearest(vectors[new], 10)
    assert recall(found, expected, cosines > 0.5) >= 0.99


def test_copies_of_one_face_do_not_hide_each_other():
    vectors = np.repeat(random_vectors(30, 16, 4), 40, axis=0)
    rows, cosines = CellNeighbours(vectors, 4).neighbours(10)
    assert all(row not in near for row, near in enumerate(rows.tolist()))
    assert (cosines > 0.999).all()


def test_small_libraries_are_searched_exactly_and_large_ones_by_cells(monkeypatch):
    vectors = random_vectors(50, 8, 1)
    assert all(isinstance(self_join_index(vectors, e), ExactNeighbours) for e in EFFORTS)
    few = {name: choose._Plan(49, plan.cells) for name, plan in choose._PLANS.items()}
    monkeypatch.setattr(choose, "_PLANS", few)
    assert all(isinstance(self_join_index(vectors, e), CellNeighbours) for e in EFFORTS)
    assert isinstance(self_join_index(vectors[:49]), ExactNeighbours)


def test_up_to_200_000_faces_the_usual_search_misses_none():
    # So its recall at ten is 1 there; the floor that is promised is .99.
    assert choose._PLANS["normal"].exact_up_to >= 200_000


def test_an_effort_that_does_not_exist_is_a_usage_error():
    with pytest.raises(UsageError, match="lazy"):
        self_join_index(random_vectors(3, 4, 1), "lazy")

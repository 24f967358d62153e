from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facesort.search import best, exact
from facesort.search.exact import ExactNeighbours
from tests.strategies import seeds
from tests.vectors import random_vectors


def by_full_sort(vectors: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The definition: sort every other row by falling cosine, ties by row."""
    cosines = vectors @ vectors.T
    rows = []
    for row in range(len(vectors)):
        others = [other for other in range(len(vectors)) if other != row]
        rows.append(sorted(others, key=lambda other: (-cosines[row, other], other))[:k])
    found = np.array(rows, dtype=np.int64).reshape(len(vectors), -1)
    return found, np.take_along_axis(cosines, found, axis=1)


def lattice(n: int, seed: int) -> np.ndarray:
    """Unit vectors with four entries of a half: their cosines are exact, and tie often."""
    random = np.random.default_rng(seed)
    vectors = np.zeros((n, 6), dtype=np.float32)
    for row in vectors:
        row[random.choice(6, 4, replace=False)] = random.choice([0.5, -0.5], 4)
    return vectors


@given(st.integers(1, 40), st.integers(0, 45), seeds)
def test_neighbours_are_those_of_a_full_sort(n, k, seed):
    vectors = random_vectors(n, 8, seed)
    rows, cosines = ExactNeighbours(vectors).neighbours(k)
    expected, values = by_full_sort(vectors, k)
    assert rows.shape == cosines.shape == (n, min(k, n - 1))
    np.testing.assert_array_equal(rows, expected.reshape(rows.shape))
    np.testing.assert_allclose(cosines, values.reshape(rows.shape), atol=1e-6)


@given(st.integers(2, 60), st.integers(1, 12), seeds)
def test_among_equally_near_rows_the_lower_ones_win(n, k, seed):
    vectors = lattice(n, seed)
    rows, cosines = ExactNeighbours(vectors).neighbours(k)
    expected, values = by_full_sort(vectors, k)
    np.testing.assert_array_equal(rows, expected)
    np.testing.assert_array_equal(cosines, values)


@pytest.mark.parametrize("block", [1, 7, 50, 51])
@pytest.mark.parametrize("room", [1, 5, 64])
def test_the_size_of_the_blocks_changes_nothing(block, room, monkeypatch):
    vectors = lattice(50, 3)
    expected = by_full_sort(vectors, 9)
    monkeypatch.setattr(exact, "_BLOCK_ROWS", block)
    monkeypatch.setattr(best, "_ROOM", room)
    rows, cosines = ExactNeighbours(vectors).neighbours(9)
    np.testing.assert_array_equal(rows, expected[0])
    np.testing.assert_array_equal(cosines, expected[1])


def test_a_row_is_never_its_own_neighbour_not_even_among_copies():
    vectors = np.repeat(np.array([[1.0, 0.0]], dtype=np.float32), 5, axis=0)
    rows, cosines = ExactNeighbours(vectors).neighbours(4)
    assert all(row not in near for row, near in enumerate(rows.tolist()))
    assert (cosines == 1).all()


@pytest.mark.parametrize("n", [0, 1])
def test_without_others_there_are_no_neighbours(n):
    rows, cosines = ExactNeighbours(np.ones((n, 1), dtype=np.float32)).neighbours(5)
    assert rows.shape == cosines.shape == (n, 0)


@given(st.integers(0, 30), st.integers(1, 40), st.integers(0, 45), seeds, st.integers(1, 50))
def test_the_nearest_of_a_query_are_those_of_a_full_sort(m, n, k, seed, block):
    vectors, queries = lattice(n, seed), lattice(m, seed ^ 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exact, "_BLOCK_ROWS", block)
        patch.setattr(best, "_ROOM", 3)
        rows, cosines = ExactNeighbours(vectors).nearest(queries, k)
    assert rows.shape == cosines.shape == (m, min(k, n))
    expected = np.argsort(-(queries @ vectors.T), axis=1, kind="stable")[:, :k]
    np.testing.assert_array_equal(rows, expected)
    np.testing.assert_array_equal(cosines, np.take_along_axis(queries @ vectors.T, expected, 1))


def test_a_query_finds_a_row_that_equals_it():
    vectors = random_vectors(20, 8, 1)
    rows, cosines = ExactNeighbours(vectors).nearest(vectors, 1)
    assert rows[:, 0].tolist() == list(range(20))
    np.testing.assert_allclose(cosines, 1, atol=1e-6)


def test_without_rows_no_query_finds_any():
    rows, cosines = ExactNeighbours(np.zeros((0, 8), dtype=np.float32)).nearest(
        random_vectors(3, 8, 1), 5
    )
    assert rows.shape == cosines.shape == (3, 0)


def test_two_faces_are_exactly_as_near_from_either_side():
    rows, cosines = ExactNeighbours(random_vectors(300, 64, 5)).neighbours(299)
    table = np.zeros((300, 300), dtype=np.float32)
    np.put_along_axis(table, rows, cosines, axis=1)
    np.testing.assert_array_equal(table, table.T)


def test_the_memory_does_not_grow_with_the_square_of_the_faces():
    # 8,000 x 8,000 cosines would be 256 MB.
    vectors = random_vectors(8_000, 8, 1)
    tracemalloc.start()
    ExactNeighbours(vectors).neighbours(16)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 130e6

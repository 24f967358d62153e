from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facesort.search import exact
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
def test_the_size_of_the_blocks_changes_nothing(block, monkeypatch):
    vectors = lattice(50, 3)
    expected = by_full_sort(vectors, 9)
    monkeypatch.setattr(exact, "_BLOCK_ROWS", block)
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

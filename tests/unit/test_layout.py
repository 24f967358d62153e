"""Faces of a question on a screen of any size."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facesort.cli.layout import Layout, arrange, key_lines

COUNTS = st.lists(st.integers(1, 8), min_size=1, max_size=9)


def rows_of(layout: Layout, counts: list[int], columns: int, *, whole_first: bool) -> int:
    """Count the rows by drawing them."""
    row = max(1, (columns + 1) // (layout.tile + 1))
    rows = 0
    for place, count in enumerate(counts[:1] if layout.flows else counts):
        left = count if whole_first and place == 0 else min(count, layout.most)
        rows += 1
        while left > 0:
            rows, left = rows + layout.tile // 2 + 1, left - row
    left = len(counts) - 1 if layout.flows else 0
    while left > 0:
        rows, left = rows + layout.tile // 2 + 1, left - row
    return rows


@given(COUNTS, st.integers(1, 200), st.integers(1, 80), st.booleans())
def test_what_is_said_to_fit_fits(counts, columns, rows, whole_first):
    layout = arrange(counts, columns, rows, whole_first=whole_first)
    assert 1 <= layout.tile <= max(1, columns - 1)
    assert 1 <= layout.most <= 8
    if layout.fits:
        assert rows_of(layout, counts, columns, whole_first=whole_first) <= rows


@given(COUNTS, st.integers(20, 200), st.integers(8, 60), st.booleans())
def test_a_larger_window_never_shows_less(counts, columns, rows, whole_first):
    small = arrange(counts, columns, rows, whole_first=whole_first)
    large = arrange(counts, columns, rows + 40, whole_first=whole_first)
    assert large.fits >= small.fits
    assert not large.flows or small.flows


@pytest.mark.parametrize(
    ("counts", "columns", "rows", "tile", "most"),
    [([8], 80, 18, 15, 8), ([8, 8], 120, 33, 19, 6), ([8], 40, 8, 12, 3), ([1], 80, 20, 32, 8)],
)
def test_faces_are_large_enough_to_know_somebody(counts, columns, rows, tile, most):
    layout = arrange(counts, columns, rows, whole_first=False)
    assert (layout.tile, layout.most, layout.fits) == (tile, most, True)


def test_many_people_stand_beside_each_other_where_each_has_no_row_of_their_own():
    layout = arrange([8] * 8, 80, 18, whole_first=False)
    assert layout.flows
    assert layout.fits


def test_faces_that_are_asked_about_are_never_left_out():
    layout = arrange([8, 8], 40, 12, whole_first=True)
    assert not layout.fits or rows_of(layout, [8, 8], 40, whole_first=True) <= 12


def test_a_key_stays_with_its_meaning():
    words = ["y yes", "n no, somebody else", "q quit"]
    assert key_lines(words, 80) == ["y yes  n no, somebody else  q quit"]
    assert key_lines(words, 22) == ["y yes", "n no, somebody else", "q quit"]
    assert key_lines(words, 1) == words

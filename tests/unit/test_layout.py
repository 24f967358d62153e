"""Faces of a question on a screen of any size."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facesort.cli.layout import Layout, arrange, key_lines, share

COUNTS = st.lists(st.integers(1, 8), min_size=1, max_size=9)
MANY = st.one_of(COUNTS, st.tuples(st.integers(9, 400), st.integers(1, 8)).map(list))


def rows_of(layout: Layout, columns: int) -> int:
    """Count the rows by drawing them."""
    row = max(1, (columns + 1) // (layout.tile + 1))
    groups = [*layout.drawn[: layout.lines], sum(layout.drawn[layout.lines :])]
    return layout.lines + sum(
        max(1, layout.tile // 2) + 1 for faces in groups for _ in range(0, faces, row)
    )


@given(MANY, st.integers(1, 200), st.integers(0, 80), st.booleans())
def test_whatever_is_drawn_fits(counts, columns, rows, whole_first):
    layout = arrange(counts, columns, rows, whole_first=whole_first)
    assert 1 <= layout.tile <= max(1, columns - 1)
    assert len(layout.drawn) == len(counts)
    assert all(0 <= drawn <= count for drawn, count in zip(layout.drawn, counts, strict=True))
    assert rows_of(layout, columns) <= rows
    if layout.fits:
        assert all(layout.drawn)
        assert not whole_first or layout.drawn[0] == counts[0]


@given(MANY, st.integers(20, 200), st.integers(8, 60), st.booleans())
def test_a_larger_window_never_shows_less(counts, columns, rows, whole_first):
    small = arrange(counts, columns, rows, whole_first=whole_first)
    large = arrange(counts, columns, rows + 40, whole_first=whole_first)
    assert large.fits >= small.fits
    assert not whole_first or large.drawn[0] >= small.drawn[0]


@pytest.mark.parametrize(
    ("counts", "columns", "rows", "tile", "most"),
    [([8], 80, 18, 15, 8), ([8, 8], 120, 33, 19, 6), ([8], 40, 8, 12, 3), ([1], 80, 20, 32, 1)],
)
def test_faces_are_large_enough_to_know_somebody(counts, columns, rows, tile, most):
    layout = arrange(counts, columns, rows, whole_first=False)
    assert (layout.tile, max(layout.drawn), layout.fits) == (tile, most, True)


def test_many_people_stand_beside_each_other_where_each_has_no_row_of_their_own():
    layout = arrange([8] * 8, 80, 18, whole_first=False)
    assert layout.flows
    assert layout.fits


def test_of_many_faces_that_are_asked_about_as_many_are_drawn_as_fit():
    layout = arrange([142, 8], 80, 18, whole_first=True)
    assert (layout.drawn, layout.fits) == ((18, 8), False)
    assert layout.tile >= 8
    assert arrange([142, 8], 120, 33, whole_first=True).drawn[0] == 65


def test_without_room_for_the_others_the_faces_asked_about_come_first():
    layout = arrange([20, 8], 80, 7, whole_first=True)
    assert (layout.drawn, layout.lines, layout.fits) == ((9, 0), 1, False)


@given(st.integers(1, 100), *[st.integers(1, 12)] * 3, st.integers(0, 9))
def test_what_is_said_and_the_keys_always_have_a_line(rows, title, note, keys, guesses):
    got = share(rows, title=title, note=note, keys=keys, guesses=guesses)
    said = got.title + got.note + got.progress + got.keys + got.guesses
    assert said + got.faces == rows - 1
    assert min(got.title, got.note, got.progress, got.keys) >= (rows > 4)
    assert got.title <= title
    assert got.keys <= keys
    if rows > title + note + keys + guesses + 12:
        assert (got.title, got.note, got.keys, got.guesses) == (title, note, keys, guesses)


def test_a_key_stays_with_its_meaning():
    words = ["y yes", "n no, somebody else", "q quit"]
    assert key_lines(words, 80) == ["y yes  n no, somebody else  q quit"]
    assert key_lines(words, 22) == ["y yes", "n no, somebody else", "q quit"]
    assert key_lines(words, 1) == words

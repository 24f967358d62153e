"""A line that is typed in any script, and its end where there is little room."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facesort.cli.keys import Pasted
from facesort.cli.printable import width_of
from facesort.cli.typed import Line, end_of, without_last

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
FLAGS = "\U0001f1e9\U0001f1ea\U0001f1eb\U0001f1f7"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("", ""),
        ("a", ""),
        ("ab", "a"),
        ("Zoe\u0308", "Zo"),
        ("e\u0301\u0323\u0308", ""),
        ("\u0308", ""),
        ("\u7530\u4e2d", "\u7530"),
        ("\u05d3\u05b8", ""),
        ("\u0928\u0940\u0930", "\u0928\u0940"),
        ("a" + FAMILY, "a"),
        ("\U0001f44d\U0001f3fd", ""),
        ("\u2764\ufe0f", ""),
        (FLAGS, FLAGS[:2]),
        (FLAGS[:3], FLAGS[:2]),
        ("\u1112\u1161\u11ab", ""),
        ("\ud55c\u11ab", ""),
        ("\u0645\u200c", ""),
        ("a\u200db", "a\u200d"),
    ],
)
def test_backspace_takes_what_people_count_as_one_character(text, left):
    assert without_last(text) == left


@given(st.text())
def test_backspace_takes_something_and_nothing_else_changes(text):
    left = without_last(text)
    assert text.startswith(left)
    assert len(left) < len(text) or not text


@given(st.text(max_size=30), st.integers(1, 20))
def test_the_end_of_a_text_fits_and_is_its_end(text, columns):
    end = end_of(text, columns)
    assert width_of(end) <= columns
    assert end == text or (end[0] == "\u2026" and text.endswith(end[1:]))


def test_keys_change_a_line():
    line = Line(longest=12)
    for key in ("A", "n", "x", "backspace", "n", "a", " ", "K", "ctrl-w"):
        assert line.takes(key)
    assert line.text == "Anna"
    assert line.takes(Pasted(" Karenina, geb. Oblonskaja\n"))
    assert line.text == "Anna Karenin"
    assert line.takes("ctrl-u")
    assert line.text == ""
    for key in ("enter", "tab", "up", "resize", "esc", "other", "\x00", "\u2028"):
        assert not line.takes(key)

"""What every line on its way to the terminal goes through: odd letters and odd streams."""

from __future__ import annotations

import csv
import errno
import io
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facesort.cli.render import Screen, counted, finish_output, say_error
from facesort.errors import FacesortError

if TYPE_CHECKING:
    from collections.abc import Callable

FAMILY = "\N{MAN}\N{ZERO WIDTH JOINER}\N{WOMAN}\N{ZERO WIDTH JOINER}\N{GIRL}"
TURNING = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


class _Stream(io.TextIOWrapper):
    def __init__(self, encoding: str = "utf-8") -> None:
        super().__init__(io.BytesIO(), encoding=encoding, write_through=True, newline="")

    def shown(self) -> str:
        self.flush()
        buffer = self.buffer
        assert isinstance(buffer, io.BytesIO)
        return buffer.getvalue().decode(self.encoding)


class _Full(io.StringIO):
    """A stream on a drive without space."""

    encoding = "utf-8"

    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    def flush(self) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def stdout(monkeypatch: pytest.MonkeyPatch) -> Callable[[], _Stream]:
    """Replace stdout when called: pytest puts its own there between a fixture and its test."""

    def replace() -> _Stream:
        stream = _Stream()
        monkeypatch.setattr(sys, "stdout", stream)
        return stream

    return replace


@pytest.mark.parametrize(
    ("number", "words", "told"),
    [
        (0, ("photo",), "0 photos"),
        (1, ("photo",), "1 photo"),
        (2, ("photo",), "2 photos"),
        (1, ("person", "people"), "1 person"),
        (12_345, ("person", "people"), "12,345 people"),
    ],
)
def test_one_thing_is_not_called_many(number, words, told):
    assert counted(number, *words) == told


def test_a_joined_emoji_stays_whole_in_a_table_and_in_a_line(stdout):
    out = stdout()
    Screen().table(["name"], [[FAMILY]], numbers=0)
    Screen().text(FAMILY)
    assert [line.rstrip() for line in out.shown().splitlines()[1:]] == [FAMILY, FAMILY]


@pytest.mark.parametrize("letter", TURNING)
def test_no_name_turns_the_text_behind_it_round(stdout, letter):
    out = stdout()
    Screen().table(["name"], [[f"a{letter}b"]], numbers=0)
    Screen().text(f"a{letter}b")
    assert letter not in out.shown()
    assert out.shown().count(f"a\\u{ord(letter):04x}b") == 2


def test_a_file_name_with_a_line_break_is_one_line(stdout):
    out = stdout()
    Screen().text("/photos/a\nb\x1b[2J.jpg  missing")
    assert out.shown() == "/photos/a\\nb\\x1b[2J.jpg  missing\n"


@given(text=st.text(st.characters(codec=None), max_size=20))
def test_whatever_is_shown_is_one_line_that_moves_no_cursor(text):
    with pytest.MonkeyPatch.context() as patch:
        stream = _Stream()
        patch.setattr(sys, "stdout", stream)
        Screen().text(text)
        shown = stream.shown()
    assert shown.endswith("\n")
    assert not any(c < " " or c in "\x7f\x85\u2028\u2029" or c in TURNING for c in shown[:-1])


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_an_old_terminal_gets_tables_and_values_that_it_can_show(monkeypatch, encoding):
    stream = _Stream(encoding)
    monkeypatch.setattr(sys, "stdout", stream)
    Screen().table(["person", "name"], [["p1", "Łukasz"]], numbers=0)
    Screen().csv([("person", "name"), ("p1", 'Łukasz, "Lu"')])
    assert stream.shown().count("\\u0141ukasz") == 2


@given(rows=st.lists(st.lists(st.text("aÄ,\"'\n; ", max_size=6), min_size=2, max_size=2)))
def test_values_can_be_read_back(rows):
    with pytest.MonkeyPatch.context() as patch:
        stream = _Stream()
        patch.setattr(sys, "stdout", stream)
        Screen().csv(rows)
        shown = stream.shown()
    assert list(csv.reader(io.StringIO(shown, newline=""))) == rows


def test_output_without_space_is_an_error_that_says_so(monkeypatch):
    monkeypatch.setattr(sys, "stdout", _Full())
    for write in (Screen().text, Screen().document, Screen().line):
        with pytest.raises(FacesortError, match="output cannot be written") as lost:
            write("a")
        assert "no space" in lost.value.hint
    with pytest.raises(FacesortError, match="output cannot be written"):
        finish_output()
    finish_output()  # told once


def test_messages_without_space_end_no_job(monkeypatch):
    monkeypatch.setattr(sys, "stderr", _Full())
    Screen().say("a message")
    say_error("an error", "a hint")
    Screen().progress().note("a note")


def test_an_error_keeps_its_own_lines_and_escapes_the_rest(monkeypatch):
    stream = _Stream()
    monkeypatch.setattr(sys, "stderr", stream)
    say_error("2 are missing:\n  a\x1b.jpg\n  b.jpg", "Connect the drive.")
    assert stream.shown() == (
        "facesort: 2 are missing:\n  a\\x1b.jpg\n  b.jpg\n  Connect the drive.\n"
    )

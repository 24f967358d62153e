"""What reaches the terminal: whole ids, no stray escape codes, and text it can show."""

from __future__ import annotations

import io
import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facesort.cli.render import Screen

ESCAPE = "\x1b"


class _Terminal(io.TextIOWrapper):
    """A stream that remembers, in some encoding, and may call itself a terminal."""

    def __init__(self, encoding: str = "utf-8", *, tty: bool = False) -> None:
        super().__init__(io.BytesIO(), encoding=encoding, write_through=True, newline="")
        self._tty = tty

    def isatty(self) -> bool:
        return self._tty

    def shown(self) -> str:
        self.flush()
        buffer = self.buffer
        assert isinstance(buffer, io.BytesIO)
        return buffer.getvalue().decode(self.encoding)


@pytest.fixture
def streams(monkeypatch: pytest.MonkeyPatch):
    """Replace stdout and stderr; call it with the encoding and whether they are a terminal."""

    def replace(encoding: str = "utf-8", *, tty: bool = False) -> tuple[_Terminal, _Terminal]:
        monkeypatch.setenv("TERM", "xterm-256color")
        out, err = _Terminal(encoding, tty=tty), _Terminal(encoding, tty=tty)
        monkeypatch.setattr(sys, "stdout", out)
        monkeypatch.setattr(sys, "stderr", err)
        return out, err

    return replace


def test_results_go_to_stdout_and_messages_to_stderr(streams):
    out, err = streams()
    screen = Screen()
    screen.text("a result")
    screen.say("a message")
    assert (out.shown(), err.shown()) == ("a result\n", "a message\n")


def test_quiet_silences_messages_but_no_results(streams):
    out, err = streams()
    screen = Screen(quiet=True)
    screen.text("a result")
    screen.say("a message")
    assert (out.shown(), err.shown()) == ("a result\n", "")


@pytest.mark.parametrize("cell", ["[bold]x[/bold]", "[/]", "[red", "\\[x]", ":smile:", "$(x) 'y'"])
def test_a_cell_is_shown_letter_by_letter(streams, cell):
    out, _ = streams()
    Screen().table(["person", "name"], [["p1", cell]], numbers=0)
    assert cell in out.shown()


def test_a_cell_cannot_move_the_cursor(streams):
    out, _ = streams(tty=True)
    Screen(no_color=True).table(["person"], [["a\x1b[2Jb\rc\x07"]], numbers=0)
    assert not set("\x1b\r\x07") & set(out.shown())
    assert "b" in out.shown()


def test_a_pipe_gets_whole_lines_however_long(streams):
    out, _ = streams()
    path = "/photos/" + "long folder name/" * 20 + "a.jpg"
    Screen().table(["face", "quality", "photo"], [["f" * 13, "0.5", path]], numbers=1)
    assert path in out.shown()
    assert len(out.shown().splitlines()) == 2


@pytest.mark.parametrize("how", ["flag", "variable", "pipe"])
def test_without_colours_there_is_no_escape_code_at_all(streams, monkeypatch, how):
    if how == "variable":
        monkeypatch.setenv("NO_COLOR", "1")
    out, _ = streams(tty=how != "pipe")
    Screen(no_color=how == "flag").table(["person", "photos"], [["p1", "3"]], numbers=1)
    assert "p1" in out.shown()
    assert ESCAPE not in out.shown()


def test_a_terminal_gets_bold_headings(streams, monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    out, _ = streams(tty=True)
    Screen().table(["person"], [["p1"]], numbers=0)
    assert ESCAPE in out.shown()


def test_an_old_terminal_gets_what_it_can_show(streams):
    out, err = streams("ascii")
    screen = Screen()
    screen.text("Zoë")
    screen.say("Zoë")
    screen.table(["name"], [["Zoë"]], numbers=0)
    screen.document({"name": "Zoë"})
    screen.line({"name": "Zoë"})
    text, message, *_ = out.shown().splitlines()[0], err.shown().strip()
    assert (text, message) == ("Zo\\xeb", "Zo\\xeb")
    assert json.loads(out.shown().splitlines()[-1]) == {"name": "Zoë"}


_ANYTHING = st.text(st.characters(codec=None), max_size=20)


@given(text=_ANYTHING, encoding=st.sampled_from(["utf-8", "ascii", "cp1252"]))
def test_a_document_comes_back_from_any_terminal(text, encoding):
    with pytest.MonkeyPatch.context() as patch:
        out = _Terminal(encoding)
        patch.setattr(sys, "stdout", out)
        Screen().document({"photo": text})
        Screen().line({"photo": text})
        shown = out.shown()
    document, end = json.JSONDecoder().raw_decode(shown)
    assert document == {"photo": text}
    assert json.loads(shown[end:]) == {"photo": text}
    assert shown[end:].strip("\n").count("\n") == 0


@given(text=_ANYTHING)
def test_any_text_can_be_said_and_shown_in_a_table(text):
    with pytest.MonkeyPatch.context() as patch:
        out, err = _Terminal("ascii"), _Terminal("ascii")
        patch.setattr(sys, "stdout", out)
        patch.setattr(sys, "stderr", err)
        Screen().text(text)
        Screen().say(text)
        Screen().table(["one"], [[text]], numbers=0)


def test_progress_without_a_terminal_is_plain_lines_on_stderr(streams):
    out, err = streams()
    progress = Screen().progress()
    progress.start("Looking at photos", 2, "photo")
    progress.advance()
    progress.note("one.jpg: broken")
    progress.advance()
    progress.finish()
    assert out.shown() == ""
    assert err.shown() == "Looking at photos: 2 photos\none.jpg: broken\n"


def test_progress_on_a_terminal_says_rate_and_remaining_time_and_leaves_no_bar(streams):
    out, err = streams(tty=True)
    progress = Screen().progress()
    progress.start("Looking at photos", 200, "photo")
    progress.advance(50)
    progress.note("one.jpg: broken")
    progress.advance(150)
    progress.finish()
    assert out.shown() == ""
    assert "photo/s" in err.shown()
    assert "one.jpg: broken\n" in err.shown()
    assert err.shown().split("\r")[-1].strip() == ""


def test_progress_is_silent_when_asked(streams):
    for tty in (False, True):
        out, err = streams(tty=tty)
        progress = Screen(quiet=True).progress()
        progress.start("Looking", 2, "photo")
        progress.advance()
        progress.note("a note")
        progress.finish()
        assert (out.shown(), err.shown()) == ("", "")


def test_a_long_job_without_a_terminal_says_now_and_then_how_far_it_is(streams, monkeypatch):
    _, err = streams()
    clock = [0.0]
    monkeypatch.setattr("facesort.cli.bars.time.monotonic", lambda: clock[0])
    progress = Screen().progress()
    progress.start("Looking at photos", 100, "photo")
    for _ in range(50):
        clock[0] += 0.5
        progress.advance()
    assert err.shown().splitlines() == [
        "Looking at photos: 100 photos",
        "Looking at photos: 20 photos of 100 photos, 2 photos/s, 40 s left",
        "Looking at photos: 40 photos of 100 photos, 2 photos/s, 30 s left",
    ]


def test_a_download_is_told_in_megabytes(streams):
    _, err = streams()
    Screen().progress().start("sface.onnx", 38_696_353, "B")
    assert err.shown() == "sface.onnx: 38.7 MB\n"

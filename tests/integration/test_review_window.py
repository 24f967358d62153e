"""The terminal of a review: stopped, resized, pasted into, killed; it is left as it was found."""

from __future__ import annotations

import os
import re
import shutil
import signal
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.keyed import (
    SCRIPT,
    call,
    ended,
    facesort_in_terminal,
    listening,
    pause,
    review,
    said,
    typing,
    wait,
)
from tests.terminal import REPOSITORY, environment, facesort

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no such terminals")

PASTE_BEGINS, PASTE_ENDS = "\x1b[200~", "\x1b[201~"
OWN_SCREEN, SCREEN_BEFORE = "\x1b[?1049h", "\x1b[?1049l"

# An error that nobody foresaw, while a question is on the screen.
BROKEN = f"""
import facesort.cli.asking as asking
def fail(*_, **__):
    raise RuntimeError("out of order")
asking.Asking._answered = fail
{SCRIPT}
"""


def names() -> set[str]:
    return {person["name"] for person in facesort("people", "--json").json() if person["name"]}


@contextmanager
def shell() -> Iterator[Any]:
    """Open a shell that knows jobs, in a terminal window."""
    pexpect = pytest.importorskip("pexpect")
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("there is no bash")
    child = pexpect.spawn(
        bash,
        ["--norc", "--noprofile", "-i"],
        env=environment(PYTHONPATH=str(REPOSITORY), TERM="xterm-256color", PS1="$ "),
        encoding="utf-8",
        timeout=60,
        dimensions=(40, 100),
    )
    child.delaybeforesend = None
    child.sendline("PS1='rea''dy> '; bind 'set enable-bracketed-paste off'")
    child.expect("ready> ")
    try:
        yield child
    finally:
        child.close(force=True)


def mode(child: Any) -> str:
    """Return how the shell's terminal is set."""
    child.sendline("stty -a")
    child.expect("speed")
    child.expect("ready> ")
    return str(child.before)


def begin(child: Any, script: str = SCRIPT) -> None:
    """Begin a review in the shell."""
    child.sendline(f"'{sys.executable}' -c '{script}' review")
    child.expect_exact(OWN_SCREEN)
    wait(child, 0)


# -- stopped and gone ------------------------------------------------------------------------------


def test_ctrl_z_lends_the_terminal_to_the_shell_and_fg_takes_it_back(album):
    with shell() as child:
        before = mode(child)
        begin(child)
        child.send("\x1a")
        child.expect_exact(SCREEN_BEFORE)
        child.expect("Stopped")
        child.expect("ready> ")
        assert mode(child) == before
        child.sendline("fg")
        child.expect_exact(OWN_SCREEN)
        wait(child, 0)
        call(child, "Anna")
        wait(child, 5)
        child.send("q")
        child.expect("1 answer given")
        child.expect("ready> ")
        assert mode(child) == before
    assert names() == {"Anna"}


def test_stopped_by_a_signal_while_a_name_is_typed_the_name_goes_on(album):
    with shell() as child:
        before = mode(child)
        begin(child)
        typing(child, "n")
        child.send("An")
        child.expect("Name: An_")
        child.send("\x1a")
        child.expect("Stopped")
        child.expect("ready> ")
        assert mode(child) == before
        child.sendline("fg")
        child.expect("Name: An_")
        child.send("na\r")
        wait(child, 5)
        child.send("q")
        child.expect("1 answer given")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGQUIT])
def test_a_signal_that_ends_it_leaves_the_terminal_as_it_was(album, number):
    with shell() as child:
        before = mode(child)
        begin(child)
        # The shell waits; somebody else sends it.
        assert facesort_pid(child) > 0
        os.kill(facesort_pid(child), number)
        child.expect_exact("\x1b[?25h" + SCREEN_BEFORE)
        child.expect("ready> ")
        assert "Traceback" not in child.before
        assert mode(child) == before
        child.sendline("echo $?0")


def facesort_pid(child: Any) -> int:
    """Return the process that the shell runs."""
    children = Path(f"/proc/{child.pid}/task/{child.pid}/children")
    if not children.exists():
        pytest.skip("this system does not say whose child a process is")
    return int(children.read_text().split()[0])


def test_an_unforeseen_error_leaves_the_terminal_as_it_was(album):
    with shell() as child:
        before = mode(child)
        begin(child, BROKEN.strip().replace("'", '"'))
        child.send("s")
        child.expect_exact(SCREEN_BEFORE)
        child.expect("out of order")
        child.expect("ready> ")
        assert mode(child) == before


def test_a_stop_and_a_continue_from_outside_draw_the_question_again(album):
    with review() as child:
        wait(child, 0)
        child.kill(signal.SIGSTOP)
        time.sleep(0.1)
        child.kill(signal.SIGCONT)
        child.expect_exact(OWN_SCREEN)
        wait(child, 0)
        child.send("q")
        assert ended(child)[0] == 0


# -- another size ----------------------------------------------------------------------------------


def test_a_window_that_changes_while_a_name_is_typed_keeps_the_name(album):
    with review() as child:
        wait(child, 0)
        typing(child, "n")
        child.send("An")
        child.expect("Name: An_")
        child.setwinsize(24, 60)
        child.expect("Who is this")
        child.expect("Name: An_")
        child.send("na")
        child.expect("Name: Anna_")
        child.send("\r")
        wait(child, 5)
        child.send("q")
        assert ended(child)[0] == 0
    assert names() == {"Anna"}


def test_a_long_name_shows_its_end(album):
    with review(size=(24, 30)) as child:
        child.expect("> ")
        pause()
        typing(child, "n")
        for letter in "abcdefghijklmnopqrstuvwxyz0123456789":
            child.send(letter)
        child.expect("Name: …[a-z]*0123456789_")
        child.send("\x03")
        assert ended(child)[0] == 0


# -- pasted ----------------------------------------------------------------------------------------


def test_what_is_pasted_answers_nothing(album):
    with review() as child:
        child.expect_exact("\x1b[?2004h")
        wait(child, 0)
        for text in ("yyy", "n\rn\rn\r", "iiii\ni\n", "x" * 5000):
            for pasted in (PASTE_BEGINS + text + PASTE_ENDS, text):
                child.send(pasted)
                child.expect("it answers nothing")
                pause()
        child.send(PASTE_BEGINS + "s" + PASTE_ENDS)
        child.expect("it answers nothing")
        child.send("s")
        assert said(child) == "skipped"
        listening(child)
        child.send("q")
        code, shown = ended(child)
    assert code == 0
    assert "\x1b[?2004l" in shown
    assert "1 answer given" in shown
    assert facesort("log", "--json").json() == []


def test_a_name_is_pasted_with_its_line_ends_as_spaces_and_waits_for_enter(album):
    with review() as child:
        wait(child, 0)
        typing(child, "n")
        child.send(f"{PASTE_BEGINS}Anna\r\nKarenina\r\n{PASTE_ENDS}")
        child.expect("Name: Anna  Karenina_")
        child.send("\x7f" * 2 + "na")
        child.expect("Name: Anna  Karenina_")
        child.send("\r")
        wait(child, 5)
        child.send("q")
        assert ended(child)[0] == 0
    assert names() == {"Anna Karenina"}


def test_a_paste_that_is_still_coming_when_the_next_question_is_drawn_is_forgotten_whole(album):
    with review() as child:
        wait(child, 0)
        child.send("s" + PASTE_BEGINS + "iiii")
        assert said(child) == "skipped"
        pause()
        child.send("i" * 3000 + "\r" + PASTE_ENDS)
        listening(child)
        child.send("s")
        assert said(child) == "skipped"
        listening(child)
        child.send("q")
        assert ended(child)[0] == 0
    assert facesort("log", "--json").json() == []


# -- names of the world ----------------------------------------------------------------------------


def test_a_name_in_any_script_is_typed_and_backspace_takes_a_letter(album):
    typed = {
        "Zoe\u0308\x7f\u00eb": "Zo\u00eb",
        "\u7530\u4e2d\x7f\u6751": "\u7530\u6751",
        "\u05e0\u05d5\u05d4 \U0001f468\u200d\U0001f467\x7f\x7f": "\u05e0\u05d5\u05d4",
        "\u0645\u06cc\u200c\u0631": "\u0645\u06cc\u200c\u0631",
    }
    with review() as child:
        for number, (letters, name) in enumerate(typed.items()):
            wait(child, 5 * number)
            typing(child, "n")
            for letter in letters:
                child.send(letter)
                time.sleep(0.02)
            child.expect(f"Name: {re.escape(name)}_")
            child.send("\r")
        child.expect("Nothing left to ask")
        pause()
        child.send("q")
        assert ended(child)[0] == 0
    assert names() == set(typed.values())


def test_without_a_question_it_does_not_touch_the_screen(album):
    with album.open() as library:
        for number, identity in enumerate(album.ids(library).values()):
            library.name(identity, f"Somebody {number}")
    with facesort_in_terminal("review") as child:
        code, shown = ended(child)
    assert code == 0
    assert OWN_SCREEN not in shown

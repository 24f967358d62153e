"""The review in a terminal, through a pseudo-terminal, with real keys."""

from __future__ import annotations

import os
import re
import signal
import sys
from pathlib import Path

import pytest

from tests.keyed import SCRIPT, call, ended, facesort_in_terminal, listening, pause, review, wait
from tests.terminal import REPOSITORY, environment, facesort, facesort_process

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no such terminals")


def names() -> set[str]:
    return {person["name"] for person in facesort("people", "--json").json() if person["name"]}


def test_four_people_are_named_and_nothing_is_left_to_ask(album):
    with review() as child:
        for settled, name in enumerate(("Anna", "Bert", "Cleo", "Dora")):
            wait(child, 5 * settled)
            call(child, name)
        child.expect("Nothing left to ask")
        pause()
        child.send("q")
        code, shown = ended(child)
    assert code == 0
    assert "4 answers given. 20 of 20 faces settled." in shown
    assert names() == {"Anna", "Bert", "Cleo", "Dora"}
    with review() as child:
        code, shown = ended(child)
    assert (code, "Nothing left to ask." in shown) == (0, True)


def test_undo_redo_skip_and_a_wrong_key(album):
    with review() as child:
        wait(child, 0)
        child.send("z")
        child.expect("means nothing here")
        call(child, "Anna")
        wait(child, 5)
        child.send("u")
        child.expect("taken back")
        wait(child, 0)
        child.send("r")
        child.expect("again")
        wait(child, 5)
        child.send("s")
        child.expect("skipped")
        wait(child, 5)
        child.send("i")
        child.expect("ignored")
        wait(child, 10)
        child.send("?")
        child.expect("noted as not sure")
        wait(child, 10)
        child.send("q")
        assert ended(child)[0] == 0
    assert names() == {"Anna"}


def test_what_was_said_before_this_sitting_is_taken_back_with_a_second_u(album):
    with review() as child:
        wait(child, 0)
        call(child, "Anna")
        wait(child, 5)
        child.send("q")
        ended(child)
    with review() as child:
        wait(child, 5)
        child.send("u")
        child.expect(r"u again takes back, not of this sitting: .*Anna.*UTC\)")
        assert names() == {"Anna"}
        child.send("u")
        child.expect("taken back")
        wait(child, 0)
        child.send("r")
        child.expect("again: ")
        wait(child, 5)
        child.send("q")
        assert "answer given" not in ended(child)[1]
    assert names() == {"Anna"}


def test_when_only_people_on_few_photos_are_left_it_says_so(album):
    with review("--min-photos", "6") as child:
        child.expect("0 of 0 faces settled; only people on few photos and doubts are left")
        listening(child)
        child.send("q")
        shown = ended(child)[1]
    assert "0 of 0 faces settled; only people on few photos and doubts are left." in shown


@pytest.mark.parametrize("key", ["\x03", "\x04", "q"])
def test_whatever_was_answered_is_kept_and_it_goes_on_from_there(album, key):
    with review() as child:
        wait(child, 0)
        call(child, "Anna")
        wait(child, 5)
        child.send(key)
        code, shown = ended(child)
    assert code == 0
    assert "1 answer given. 5 of 20 faces settled" in shown
    assert "goes on from here; facesort undo takes back the last answer." in shown
    assert "Traceback" not in shown
    with review() as child:
        wait(child, 5)
        child.send(key)
        shown = ended(child)[1]
    assert "answer given" not in shown
    assert "facesort review goes on from here." in shown  # nothing of this sitting to take back


def test_the_whole_photo_says_where_and_when(album):
    with review() as child:
        wait(child, 0)
        child.send("w")
        child.expect(r"photos/\d\.png")
        child.expect("also here: .*any other key: back")
        pause()
        child.send("\x1b[C")
        child.expect(r"photos/\d\.png")
        child.expect("any other key: back")
        pause()
        child.send("\x1b")
        wait(child, 0)
        child.send("q")
        assert ended(child)[0] == 0


def test_a_window_of_another_size_is_drawn_again(album):
    with review() as child:
        wait(child, 0)
        child.setwinsize(15, 30)
        child.expect("Who is this")
        child.expect("> ")
        pause()
        child.send("q")
        assert ended(child)[0] == 0


@pytest.mark.parametrize("size", [(6, 12), (3, 1), (10, 30), (80, 300)])
def test_any_window_will_do(album, size):
    with review(size=size) as child:
        child.expect(">")
        pause()
        child.send("w")
        pause()
        child.send("\x03")
        code, shown = ended(child)
    assert code == 0
    assert "Traceback" not in shown


def _ways() -> dict[str, tuple[dict[str, str | None], list[str]]]:
    return {
        "NO_COLOR": ({"NO_COLOR": "1"}, []),
        "--no-color": ({}, ["--no-color"]),
        "dumb": ({"TERM": "dumb"}, []),
        "ascii": ({"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "NO_COLOR": "1"}, []),
    }


@pytest.mark.parametrize("way", list(_ways()))
def test_without_colours_there_are_none(album, way):
    changes, args = _ways()[way]
    with review(*args, size=(40, 100), **changes) as child:
        child.expect("q quit")
        shown = str(child.before)
        pause()
        child.send("q")
        code, _ = ended(child)
    assert code == 0
    assert not re.search(r"\x1b\[[\d;]*[34]8[;\d]*m", shown)
    assert way != "ascii" or shown.isascii()
    assert way != "dumb" or "\x1b[2J" not in shown


def test_with_colours_faces_are_half_blocks(album):
    with review(COLORTERM="truecolor") as child:
        wait(child, 0)
        child.send("q")
        shown = str(child.before)
        ended(child)
    assert "Traceback" not in shown
    with review(COLORTERM="truecolor") as child:
        child.expect("Who is this")
        child.expect("q quit")
        assert "\u2580" in child.before
        assert re.search(r"38;2;\d+;\d+;\d+", child.before)


def test_a_terminal_that_knows_sixel_gets_real_pictures(album):
    pytest.importorskip("textual_image", reason="the extra review is not installed")
    with review() as child:
        child.expect_exact("\x1b[c")
        child.send("\x1b[?62;4;22c")
        child.expect_exact("\x1bP")
        listening(child)
        child.send("q")
        assert ended(child)[0] == 0


def test_a_terminal_that_knows_kittys_pictures_gets_these(album):
    pytest.importorskip("textual_image", reason="the extra review is not installed")
    with review() as child:
        child.expect_exact("\x1b[c")
        child.send("\x1b[?62c")
        child.expect(r"\x1b_Gi=(\d+),s=1,v=1,a=q")
        child.send(f"\x1b_Gi={child.match.group(1)};OK\x1b\\")
        child.expect_exact("f=100")
        listening(child)
        child.send("q")
        code, shown = ended(child)
    assert code == 0
    assert "a=d" in shown  # the terminal may forget them


def test_originals_that_are_gone_are_named(album):
    for photo in album.photos.iterdir():
        photo.unlink()
    with review() as child:
        child.expect(r"cannot be read now: \d\.png")
        listening(child)
        child.send("w")
        child.expect("cannot be read now")
        pause()
        child.send("\x03")
        assert ended(child)[0] == 0


@pytest.mark.parametrize("stop", ["q", "\x03", signal.SIGTERM, signal.SIGINT])
def test_the_terminal_is_left_as_it_was(album, stop):
    pexpect = pytest.importorskip("pexpect")
    child = pexpect.spawn(
        "/bin/sh",
        ["-c", f"stty -a; echo BEGIN; '{sys.executable}' -c '{SCRIPT}' review; echo END; stty -a"],
        env=environment(PYTHONPATH=str(REPOSITORY), TERM="xterm-256color"),
        encoding="utf-8",
        timeout=30,
        dimensions=(40, 100),
    )
    child.expect("BEGIN")
    before = child.before
    child.expect("q quit")
    child.expect("> ")
    pause()
    if isinstance(stop, str):
        child.send(stop)
    else:
        os.kill(_child_of(child.pid), stop)
    child.expect("END")
    assert "\x1b[?1049l" in child.before  # back from the screen of its own
    after = child.read()
    child.close()
    assert after.split() == before.split()


def _child_of(process: int) -> int:
    children = Path(f"/proc/{process}/task/{process}/children")
    if not children.exists():
        pytest.skip("this system does not say whose child a process is")
    return int(children.read_text().split()[0])


def test_without_a_terminal_it_says_what_to_do_instead(album):
    for outcome in (facesort_process("review"), facesort("review", "--json")):
        assert outcome.code == 2
        assert "its input or output is none" in outcome.err or "with --json" in outcome.err
        assert "--answers" in outcome.err
        assert "--web" in outcome.err
        assert outcome.out == ""


CLOSED = f"""
import os, types
import facesort.cli.review as asked
asked.os = types.SimpleNamespace(W_OK=os.W_OK, access=lambda path, mode: False)
{SCRIPT}
"""


def test_where_no_answer_could_be_kept_nothing_is_asked(album):
    with facesort_in_terminal("review", script=CLOSED) as child:
        code, shown = ended(child)
    assert code == 16
    assert "no answer could be kept" in shown
    assert "Who is this" not in shown


def test_the_choice_of_a_browser_belongs_to_the_page():
    outcome = facesort("review", "--no-browser")
    assert outcome.code == 2
    assert "belongs to --web" in outcome.err


def test_a_name_cannot_move_the_cursor_or_become_markup(album):
    with album.open() as library:
        ids = album.ids(library)
        library.name(ids["anna"], "[red]An\u202ena[/red]")
    with review() as child:
        wait(child, 5)
        child.send("n")
        child.expect("Name: _")
        child.send("[r")
        child.expect(re.escape("[red]Anna[/red]"))
        child.send("\x03")
        assert ended(child)[0] == 0

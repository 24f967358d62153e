"""Whoever reviews may lose power at any moment: what was answered on the screen stands."""

from __future__ import annotations

import contextlib
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from tests.keyed import SAID, SCRIPT, Sitter, Told, review, said
from tests.reviewed import in_pieces, open_pieces, spoil
from tests.served import Visitor
from tests.terminal import REPOSITORY, environment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from facesort.library import Library

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no SIGKILL")

# Fifty of each kind take ten minutes: FACESORT_TEST_KILLS=50.
KILLS = int(os.environ.get("FACESORT_TEST_KILLS", "3"))


@pytest.fixture(scope="module")
def pieces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library with hundreds of questions."""
    folder = tmp_path_factory.mktemp("pieces") / "library"
    in_pieces(folder, 400)
    spoil(folder)
    return folder


@pytest.fixture
def folder(pieces: Path) -> Path:
    """A copy of it where the command line looks."""
    folder = Path(os.environ["FACESORT_LIBRARY"])
    shutil.copytree(pieces, folder)
    return folder


def check(folder: Path, told: Told) -> None:
    """Check that all that was told stands in a catalog that is sound."""
    with contextlib.closing(sqlite3.connect(folder / "catalog.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    with open_pieces(folder) as library:
        log = library.log()
        assert [decision.id for decision in log] == list(range(1, len(log) + 1))
        assert len(log) >= told.decisions
        assert standing_doubts(library) >= told.doubts
        assert told.names <= {row.name for row in library.people()}
        told.decisions, told.doubts = len(log), standing_doubts(library)


def standing_doubts(library: Library) -> int:
    return sum(e.doubt is not None and e.stands for e in library.review().history(10_000))


def killed(child: Any) -> str:
    """Kill a review, and return what it had drawn by then."""
    pexpect = pytest.importorskip("pexpect")
    os.kill(child.pid, signal.SIGKILL)
    drawn = ""
    with contextlib.suppress(pexpect.EOF, OSError):
        while True:
            drawn += child.read_nonblocking(65536, timeout=5)
    child.close(force=True)
    assert child.signalstatus == signal.SIGKILL
    return drawn


def test_an_answer_whose_sentence_is_on_the_screen_survives_a_kill_at_that_moment(folder):
    chance, told, number = random.Random(1), Told(), 0
    for _ in range(KILLS):
        with review("--min-photos", "2") as child:
            sitter = Sitter(child, chance, told)
            for _ in range(chance.choice([1, 2])):
                sitter.look()
                number += 1
                key = sitter.press(number, "nnnn?is" + "uu" * bool(sitter.answers))
                assert sitter.note(key, said(child))
            killed(child)
        check(folder, told)
    assert told.decisions > KILLS // 2


def whom(screen: str) -> str:
    """Return whom a question is about, as far as that is on the screen."""
    sides = [line for line in screen.splitlines() if "faces on" in line or "face on" in line]
    return "\n".join(sides)


def test_after_a_kill_it_goes_on_where_it_was(folder):
    chance, told = random.Random(2), Told()
    before, answered = None, set()
    for number in range(KILLS):
        with review("--min-photos", "2") as child:
            sitter = Sitter(child, chance, told)
            screen = sitter.look()
            # Of questions that are worth the same another one may be first.
            assert before is None or screen.splitlines()[:2] == before.splitlines()[:2]
            assert whom(screen) not in answered
            key = sitter.press(number, "nnnn?i")
            assert sitter.note(key, said(child))
            answered.add(whom(screen))
            before = sitter.look()
            killed(child)
        check(folder, told)


def test_a_kill_at_any_moment_of_an_answer_leaves_all_of_it_or_nothing(folder):
    chance, told = random.Random(3), Told()
    for number in range(KILLS):
        with review("--min-photos", "2") as child:
            sitter = Sitter(child, chance, told)
            sitter.look()
            key = sitter.press(number, "nnnn?i")
            time.sleep(chance.uniform(0, 0.05))
            drawn = SAID.search(killed(child))
            if drawn:
                assert sitter.note(key, " ".join(drawn[1].split()))
        check(folder, told)
        with open_pieces(folder) as library:
            assert library.review(min_photos=2).question() is not None


# -- the page --------------------------------------------------------------------------------------


@contextmanager
def page() -> Iterator[tuple[Visitor, subprocess.Popen[str]]]:
    """Serve the page as a user does, and enter."""
    command = [sys.executable, "-c", SCRIPT, "review", "--web", "--no-browser", "--min-photos=2"]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=REPOSITORY,
        env=environment(PYTHONPATH=str(REPOSITORY), PYTHONUNBUFFERED="1"),
    ) as running:
        try:
            assert running.stdout is not None
            printed = ""
            while not (found := re.search(r"http://127\.0\.0\.1:(\d+)/enter\?token=\S+", printed)):
                line = running.stdout.readline()
                assert line, printed
                printed += line
            door: Any = SimpleNamespace(port=int(found[1]), address=found[0])
            visitor = Visitor(door)
            visitor.enter()
            yield visitor, running
        finally:
            running.kill()


def test_an_answer_on_the_page_survives_a_kill_right_after_its_response(folder):
    pytest.importorskip("uvicorn", reason="the extra web is not installed")
    chance, told, kinds = random.Random(4), Told(), set()
    answered: set[str] = set()
    for number in range(KILLS):
        with page() as (visitor, running):
            asked = visitor.get("/").text
            question = re.search(r'name="id" value="(q\w+)"', asked)
            assert question
            assert question[1] not in answered
            answer = "name" if "Who is this?" in asked else chance.choice(["yes", "no"])
            answer = chance.choice([answer, answer, "unsure"])
            fields = [("id", question[1]), ("answer", answer)]
            if answer == "name":
                fields.append(("name", f"Name {number}"))
            reply = visitor.post("/answer", fields)
            running.send_signal(signal.SIGKILL)
            running.wait(30)
            assert reply.status == 200, reply.text
            kinds.add(answer)
            told.doubts += answer == "unsure"
            told.decisions += answer != "unsure"
            if answer == "name":
                told.names.add(f"Name {number}")
            following = re.search(r'name="id" value="(q\w+)"', reply.text)
            assert following
            assert following[1] != question[1]
            answered.add(question[1])
        check(folder, told)
    assert kinds - {"unsure"}

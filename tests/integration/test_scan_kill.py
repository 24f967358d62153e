"""A scan that is killed at any moment and run again leaves the catalog that it would have left."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.fakes import FakeModels, dump, jpeg, open_library, png, with_segment
from tests.terminal import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Callable

KILLED = 9

# Scans, and ends without any clean-up after the n-th commit; few photos a commit make many of them.
DRIVER = """
import os, sys
from pathlib import Path
from facesort.jobs.scanning import scan
from tests.fakes import FakeModels, open_library
scan._PHOTOS_PER_COMMIT = 3
library, photos, left, seconds = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
def after_commit():
    global left
    left -= 1
    if left == 0:
        os._exit(9)
models = FakeModels(seconds=float(seconds))
with open_library(library, models, after_commit=after_commit, workers=2) as opened:
    print("ready", flush=True)
    opened.scan([photos])
"""


def _command(library: Path, photos: Path, *, kill_after: int = 0, seconds: float = 0) -> list[str]:
    arguments = (library, photos, kill_after, seconds)
    return [sys.executable, "-c", DRIVER, *map(str, arguments)]


def _scan(library: Path, photos: Path, kill_after: int = 0) -> int:
    done = subprocess.run(
        _command(library, photos, kill_after=kill_after),
        capture_output=True,
        text=True,
        check=False,
        cwd=REPOSITORY,
    )
    assert done.returncode in {0, KILLED}, done.stderr
    return done.returncode


def _scan_here(library: Path, photos: Path) -> None:
    with open_library(library, FakeModels()) as opened:
        opened.scan([photos])


def _paint_album(photos: Path) -> None:
    for number in range(6):
        png(photos / f"{number}.png", "anna", "bert", number=number)
    for number in range(6, 10):
        jpeg(photos / "sub" / f"{number}.jpg", "cleo", "anna", number=number)
    (photos / "broken.jpg").write_bytes(jpeg(photos / "x.jpg", "dora").read_bytes()[:700])
    (photos / "x.jpg").unlink()
    shutil.copy(photos / "0.png", photos / "sub" / "copy.png")


def _change_album(photos: Path) -> None:
    (photos / "sub").rename(photos / "renamed")  # four photos and a copy move
    (photos / "1.png").rename(photos / "renamed" / "one.png")
    (photos / "2.png").unlink()  # missing
    png(photos / "3.png", "emil", "fred", number=30)  # another picture
    os.utime(photos / "3.png", ns=(1, 1))
    tagged = photos / "renamed" / "6.jpg"
    tagged.write_bytes(with_segment(tagged.read_bytes(), 0xE1, b"http://ns.adobe.com/xap/1.0/\0"))
    for number in range(40, 44):
        png(photos / f"{number}.png", "gina", "anna", number=number)
    (photos / "broken.jpg").unlink()


def _every_kill(start: Callable[[Path], Path], photos: Path, expected: object) -> int:
    """Kill after each commit in turn, run again, compare; return the number of commits."""
    for kill_after in range(1, 100):
        library = start(Path(f"library-{kill_after}"))
        code = _scan(library, photos, kill_after)
        if code == 0:
            assert dump(library) == expected
            return kill_after - 1
        _scan_here(library, photos)
        assert dump(library) == expected, f"after a kill behind commit {kill_after}"
    raise AssertionError("it never ended")


def test_a_first_scan_killed_after_any_commit_and_run_again_gives_the_same_catalog(tmp_path):
    photos = tmp_path / "photos"
    _paint_album(photos)
    _scan_here(tmp_path / "undisturbed", photos)
    commits = _every_kill(lambda name: tmp_path / name, photos, dump(tmp_path / "undisturbed"))
    assert commits >= 8  # the album in four batches, and what comes before and after


@pytest.fixture
def changed(tmp_path: Path) -> Path:
    """A scanned album with names, changed in every way since."""
    photos = tmp_path / "photos"
    _paint_album(photos)
    with open_library(tmp_path / "before") as library:
        library.scan([photos])
        anna, bert, cleo = sorted(
            library.situation().people.by_id.values(), key=lambda p: (-p.photos, p.id)
        )
        library.name(anna.id, "Anna")
        library.name(bert.id, "Bert")
        library.reject([cleo.faces[0]])
        library.undo()
    _change_album(photos)
    return tmp_path


def test_a_later_scan_killed_after_any_commit_and_run_again_gives_the_same_catalog(changed):
    def copy(name: Path) -> Path:
        return Path(shutil.copytree(changed / "before", changed / name))

    _scan_here(copy(Path("undisturbed")), changed / "photos")
    expected = dump(changed / "undisturbed")
    states = sorted(str(row[5]) for row in expected["places"])
    assert states == ["missing"] + ["present"] * 14
    assert _every_kill(copy, changed / "photos", expected) >= 6


def test_names_given_between_a_kill_and_the_next_run_stay(changed):
    library = changed / "before"
    assert _scan(library, changed / "photos", 3) == KILLED
    with open_library(library) as opened:
        opened.name("Anna", "Anna Berg")
    _scan_here(library, changed / "photos")
    with open_library(library) as opened:
        names = {p.name: len(p.faces) for p in opened.situation().people.by_id.values() if p.name}
    assert names == {"Anna Berg": 13, "Bert": 5}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no SIGKILL")
@pytest.mark.parametrize("seed", range(3))
def test_scans_killed_at_any_moment_give_the_same_catalog_in_the_end(changed, seed):
    chance = random.Random(seed)
    photos = changed / "photos"
    _scan_here(shutil.copytree(changed / "before", changed / "undisturbed"), photos)
    library = changed / "before"
    kills = 0
    for _ in range(5):
        process = subprocess.Popen(
            _command(library, photos, seconds=0.15), stdout=subprocess.PIPE, cwd=REPOSITORY
        )
        assert process.stdout is not None
        with process:
            assert process.stdout.readline() == b"ready\n"
            time.sleep(chance.uniform(0, 0.3))
            process.kill()
        kills += process.returncode == -signal.SIGKILL
    _scan_here(library, photos)
    assert kills
    assert dump(library) == dump(changed / "undisturbed")


INTERRUPTED = """
import sys
from facesort import library, registry
from tests.fakes import FakeModels
registry.load_models = FakeModels(seconds=0.1).load_models
from facesort.cli.app import main
main(sys.argv[1:])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send")
@pytest.mark.parametrize("wait", [0.0, 0.25, 0.7])
def test_ctrl_c_ends_with_130_without_a_traceback_and_the_next_run_finishes(tmp_path, wait):
    photos = tmp_path / "photos"
    for number in range(40):
        png(photos / f"{number}.png", "anna", number=number)
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, "scan", str(photos), "--workers", "1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
    )
    assert process.stderr is not None
    with process:
        assert process.stderr.readline().startswith("Looking at photos")
        time.sleep(wait)
        process.send_signal(signal.SIGINT)
        started = time.monotonic()
        out, err = process.communicate(timeout=20)
    assert process.returncode == 130, err
    assert time.monotonic() - started < 3
    assert "Traceback" not in err
    assert "Aborted" not in err
    assert "the same command goes on" in err
    assert out == ""
    library = Path(os.environ["FACESORT_LIBRARY"])
    _scan_here(library, photos)
    _scan_here(tmp_path / "undisturbed", photos)
    assert {**dump(library), "facts": []} == {**dump(tmp_path / "undisturbed"), "facts": []}


def _interrupted(photos: Path, *, after: float, again: float | None) -> tuple[int, str]:
    """Scan with a slow detector, press Ctrl-C after a while, perhaps twice; return how it ended."""
    command = [sys.executable, "-c", INTERRUPTED, "scan"]
    process = subprocess.Popen(
        [*command, str(photos), "--workers", "2", "--batch-size", "1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
    )
    assert process.stderr is not None
    with process:
        assert process.stderr.readline().startswith("Looking at photos")
        time.sleep(after)
        process.send_signal(signal.SIGINT)
        if again is not None:
            time.sleep(again)
            process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    return process.returncode, err


def _album(photos: Path) -> Path:
    for number in range(40):
        png(photos / f"{number}.png", *(["anna"] if number % 2 else []), number=number)
    return photos


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send")
def test_ctrl_c_keeps_the_photos_that_were_done(tmp_path):
    # Less than a commit's worth, in less than a commit's time: without care nothing would be kept.
    code, err = _interrupted(_album(tmp_path / "photos"), after=1.4, again=None)
    assert code == 130, err
    assert len(dump(Path(os.environ["FACESORT_LIBRARY"]))["photos"]) >= 3


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send")
@pytest.mark.parametrize("again", [0.02, 0.06, 0.2])
def test_ctrl_c_pressed_twice_ends_as_quietly(tmp_path, again):
    code, err = _interrupted(_album(tmp_path / "photos"), after=0.8, again=again)
    assert code == 130, err
    assert "terminate called" not in err
    assert "Traceback" not in err

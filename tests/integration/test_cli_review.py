"""The command line at its edges: closed folders, odd terminals, full disks, one of everything."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import typer.main

from facesort.cli.app import app
from tests.fakes import FakeModels, png
from tests.terminal import (
    REPOSITORY,
    Outcome,
    environment,
    facesort,
    facesort_process,
    unprivileged,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

TOO_LONG = "a" * 5000


@pytest.fixture
def scanned(tmp_path: Path, models: FakeModels) -> Path:
    folder = tmp_path / "photos"
    for number in range(3):
        png(folder / f"{number}.png", "anna", "bert", number=number)
    assert facesort("scan", folder).code == 0
    return folder


def _people() -> list[dict[str, Any]]:
    people: list[dict[str, Any]] = facesort("people", "--json").json()
    return people


def _refused(done: Outcome, code: int, *told: str) -> None:
    """Check that a command ended with one sentence, at most one hint, and nothing else."""
    assert done.code == code, done.err
    assert "Traceback" not in done.err
    sentence, hint = done.err.splitlines()
    assert sentence.startswith("facesort: ")
    assert hint.startswith("  ")
    for text in told:
        assert text in sentence + hint


# -- paths that nobody can look at -----------------------------------------------------------------

_UNREACHABLE = [
    (("scan", "PATH"), 2),
    (("scan", "PATH", "--dry-run"), 2),
    (("export", "PATH"), 43),
    (("export", "PATH", "--dry-run"), 43),
    (("people", "--sheet", "PATH"), 43),
    (("models", "list", "--models-dir", "PATH"), 2),
    (("scan", ".", "--models-dir", "PATH"), 2),
    (("bench", "clusters", "PATH"), 2),
    (("bench", "lfw", "PATH", "--pairs", "PATH"), 2),
    (("bench", "lfw", ".", "--pairs", "PATH"), 2),
    (("people", "--library", "PATH"), 16),
    (("scan", ".", "--library", "PATH"), 16),
]


@pytest.mark.parametrize(("args", "code"), _UNREACHABLE, ids=str)
def test_a_path_that_is_too_long_is_a_sentence(scanned, args, code, monkeypatch):
    monkeypatch.chdir(scanned)
    path = str(scanned.parent / TOO_LONG)
    done = facesort(*(path if arg == "PATH" else arg for arg in args))
    _refused(done, code, path[:100], "too long")


@contextlib.contextmanager
def _closed(folder: Path) -> Iterator[Path]:
    folder.mkdir()
    (folder / "in").mkdir()
    folder.chmod(0)
    try:
        yield folder / "in"
    finally:
        folder.chmod(0o700)


@pytest.mark.parametrize(("args", "code"), _UNREACHABLE, ids=str)
def test_a_path_behind_a_closed_folder_is_a_sentence(scanned, args, code):
    prefix = unprivileged()
    with _closed(scanned.parent / "closed") as path:
        done = facesort_process(
            *(path if arg == "PATH" else arg for arg in args), prefix=prefix, cwd=scanned,
            env=environment(PYTHONPATH=str(REPOSITORY)),
        )  # fmt: skip
    _refused(done, code, str(path), "ermission")


def test_a_cache_or_a_folder_of_models_behind_a_closed_folder_is_a_sentence(scanned):
    prefix = unprivileged()
    with _closed(scanned.parent / "closed") as path:
        for variable in ("FACESORT_CACHE", "FACESORT_MODELS_DIR"):
            env = environment(PYTHONPATH=str(REPOSITORY), **{variable: str(path / "c")})
            done = facesort_process("models", "list", prefix=prefix, env=env)
            _refused(done, 2, str(path), "ermission")


def test_a_folder_of_models_that_is_not_there_or_a_file_is_refused(scanned, tmp_path):
    for path in (tmp_path / "nope", scanned / "0.png"):
        for args in (("scan", scanned), ("models", "list"), ("models", "pull")):
            _refused(facesort(*args, "--models-dir", path), 2, str(path), "--models-dir")
    env = environment(PYTHONPATH=str(REPOSITORY), FACESORT_CACHE=str(scanned / "0.png"))
    _refused(facesort_process("models", "list", env=env), 2, "0.png", "FACESORT_CACHE")


def test_a_path_through_a_file_does_not_exist(scanned):
    _refused(facesort("scan", scanned / "0.png" / "inside"), 2, "does not exist")
    _refused(facesort("bench", "clusters", scanned / "nope.csv"), 2, "does not exist")


def test_a_folder_of_truth_that_may_not_be_listed_is_refused(scanned):
    prefix = unprivileged()
    (scanned.parent / "truth").mkdir(mode=0o300)
    done = facesort_process("bench", "clusters", scanned.parent / "truth", prefix=prefix)
    _refused(done, 2, "truth")


@pytest.mark.parametrize("rights", [0o000, 0o500])
def test_a_destination_that_may_not_be_written_is_refused(scanned, tmp_path, rights):
    prefix = unprivileged()
    facesort("name", _people()[0]["person"], "Anna")
    (tmp_path / "closed").mkdir()
    (tmp_path / "closed").chmod(rights)
    for args in (("export",), ("people", "--sheet")):
        done = facesort_process(*args, tmp_path / "closed", "--quiet", prefix=prefix)
        _refused(done, 43, "closed", "ermission")


def test_a_home_folder_of_nobody_is_refused(scanned):
    done = facesort("people", "--library", "~nobody-at-all/x")
    _refused(done, 2, "~nobody-at-all", "whole path")


def test_a_refusal_of_the_system_that_nobody_foresaw_is_no_bug(scanned, monkeypatch):
    def fail(self: object, **_: object) -> None:
        raise OSError(5, "Input/output error", "/photos/a.jpg")

    monkeypatch.setattr("facesort.library.Library.known_people", fail)
    _refused(facesort("people"), 1, "/photos/a.jpg: Input/output error", "hardware")


# -- what a number was given with ------------------------------------------------------------------


def test_a_senseless_number_is_told_with_its_option(scanned, monkeypatch):
    _refused(facesort("scan", scanned, "--workers", "-3"), 2, "--workers", "-3", "from 0 to 256")
    monkeypatch.setenv("FACESORT_WORKERS", "999")
    _refused(facesort("scan", scanned), 2, "FACESORT_WORKERS", "999")


# -- where albums may go ---------------------------------------------------------------------------


def test_a_folder_that_contains_a_scanned_one_takes_sheets_but_no_albums(scanned):
    facesort("name", _people()[0]["person"], "Anna")
    for args in ((), ("--dry-run",)):
        _refused(facesort("export", scanned.parent, *args), 42, str(scanned), "contains")
    assert [path.name for path in scanned.parent.iterdir()] == ["photos"]
    assert facesort("people", "--sheet", scanned.parent).code == 0
    assert facesort("scan", scanned.parent, "--json").json()["photos"]["unchanged"] == 3


def test_albums_may_go_where_a_scan_found_nothing(scanned, tmp_path):
    facesort("name", _people()[0]["person"], "Anna")
    (tmp_path / "albums").mkdir()
    assert facesort("export", tmp_path / "albums").code == 0
    for _ in range(2):  # scanned by mistake: it keeps nothing from being exported there again
        told = facesort("scan", tmp_path / "albums", "--json").json()
        assert told["photos"]["seen"] == 0
        assert told["exported"] == [str(tmp_path / "albums")]
    assert facesort("export", tmp_path / "albums").code == 0
    (tmp_path / "empty").mkdir()
    facesort("scan", tmp_path / "empty")
    assert facesort("export", tmp_path / "empty").code == 0


# -- terminals and pipes ---------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_a_terminal_that_lacks_a_letter_of_a_name_shows_the_rest(scanned, encoding):
    facesort("name", _people()[0]["person"], "Łukasz")
    for args in (("people",), ("show", "Łukasz"), ("faces", "--format", "csv"), ("faces",)):
        env = environment(PYTHONPATH=str(REPOSITORY), PYTHONIOENCODING=encoding, PYTHONUTF8="0")
        done = facesort_process(*args, env=env)
        assert (done.code, done.err) == (0, "")
        assert "\\u0141ukasz" in done.out


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
@pytest.mark.parametrize("args", [("people",), ("faces",), ("models", "list"), ("--help",)])
def test_output_to_a_full_disk_is_one_sentence(scanned, args):
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-c", "from facesort.cli.app import main; main()", *args],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            cwd=REPOSITORY,
        )
    assert done.returncode == 1
    (sentence, hint) = done.stderr.splitlines()
    if args != ("--help",):  # that is printed by Typer
        assert sentence == "facesort: the output cannot be written"
    assert "no space" in hint


@pytest.mark.skipif(os.name == "nt", reason="a pipe of this shell")
@pytest.mark.parametrize("command", ["faces", "people", "--help", "scan --help"])
def test_a_reader_that_is_gone_at_once_ends_the_command_silently(scanned, command):
    script = f'"{sys.executable}" -c "from facesort.cli.app import main; main()" {command}'
    done = subprocess.run(
        ["bash", "-c", f"{{ sleep 0.2; {script}; }} | true; exit ${{PIPESTATUS[0]}}"],
        capture_output=True,
        text=True,
        check=False,
        cwd=REPOSITORY,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such terminals")
@pytest.mark.parametrize("key", ["eof", "stop"])
def test_ctrl_d_at_the_question_stops_like_stop(scanned, key):
    pexpect = pytest.importorskip("pexpect")
    one, two = (person["person"] for person in _people())
    facesort("name", one, "Anna")
    child = pexpect.spawn(
        sys.executable,
        ["-c", "from facesort.cli.app import main; main()", "name", two, "Anna"],
        env=environment(PYTHONPATH=str(REPOSITORY), TERM="xterm-256color"),
        encoding="utf-8",
        timeout=30,
    )
    child.expect("same person")
    child.expect(": ")
    if key == "eof":
        child.sendeof()
    else:
        child.sendline("stop")
    shown = child.read()
    child.close()
    assert child.exitstatus == 30
    assert "Abort" not in shown
    assert len(facesort("log", "--json").json()) == 1


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such terminals")
def test_with_two_annas_the_same_is_no_answer(tmp_path, models):
    pexpect = pytest.importorskip("pexpect")
    for number in range(3):
        png(tmp_path / "photos" / f"{number}.png", "anna", "bert", "cleo", number=number)
    facesort("scan", tmp_path / "photos")
    one, two, three = (person["person"] for person in _people())
    facesort("name", one, "Anna")
    facesort("name", two, "Anna", "--another")
    child = pexpect.spawn(
        sys.executable,
        ["-c", "from facesort.cli.app import main; main()", "name", three, "Anna"],
        env=environment(PYTHONPATH=str(REPOSITORY), TERM="dumb"),
        encoding="utf-8",
        timeout=30,
    )
    child.expect("another/stop")
    assert "same" not in child.before.rpartition("another person")[2]
    child.sendline("same")
    child.expect("another/stop")
    child.sendline("another")
    child.read()
    child.close()
    assert child.exitstatus == 0
    assert [person["name"] for person in _people()] == ["Anna"] * 3


# -- what is said ----------------------------------------------------------------------------------


def test_faces_that_wait_for_a_grouping_are_not_called_nobody(tmp_path, models):
    png(tmp_path / "photos" / "a.png", "anna", "bert", number=1)
    facesort("scan", tmp_path / "photos", "--no-group")
    assert facesort("people").out == "2 faces are not grouped yet: facesort group\n"
    facesort("group")
    assert "not grouped" not in facesort("people").out
    png(tmp_path / "photos" / "b.png", "anna", number=2)
    facesort("scan", tmp_path / "photos", "--no-group")
    assert facesort("people").out.splitlines()[-1] == "1 face is not grouped yet: facesort group"


def test_one_of_everything_is_spoken_of_as_one(tmp_path, models):
    png(tmp_path / "photos" / "a.png", "anna", number=1)
    first = facesort("scan", tmp_path / "photos")
    assert first.out.startswith("1 photo: ")
    assert "1 face of 1 person " in first.out
    assert "1 face: 1 person, " in facesort("group").out
    assert facesort("people").out == "... and 1 person on fewer than 3 photos (--all shows them).\n"
    person = _people()[0]["person"]
    assert "1 face on 1 photo\n" in facesort("show", person).out
    (tmp_path / "photos" / "b.png").write_bytes((tmp_path / "photos" / "a.png").read_bytes())
    assert "1 copy" in facesort("scan", tmp_path / "photos").out
    sheets = facesort("people", "--all", "--sheet", tmp_path / "sheets")
    assert "1 sheet is in " in sheets.err


def test_a_failed_photo_is_told_once(scanned):
    (scanned / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0\x00\x10JFIF")
    assert facesort("scan", scanned).err.count("broken.jpg") == 1


def test_a_file_name_with_a_line_break_is_listed_on_one_line(tmp_path, models):
    png(tmp_path / "photos" / "a\nb.png", "anna", number=1)
    facesort("scan", tmp_path / "photos")
    assert facesort("photos").out == f"{tmp_path / 'photos'}/a\\nb.png\n"
    assert facesort("photos", "--json").json()[0]["photo"].endswith("a\nb.png")


def test_faces_that_are_only_too_small_are_not_denied(scanned):
    told = facesort("scan", scanned, "--min-face", "400")
    assert "at least 400 pixels (--min-face)" in told.out
    assert "6 smaller ones do not count" in told.out


def test_a_large_smallest_face_is_named_when_nothing_is_found(tmp_path, models):
    png(tmp_path / "photos" / "a.png", "anna", number=1)
    told = facesort("scan", tmp_path / "photos", "--min-face", "400")
    assert "No faces of at least 400 pixels (--min-face) were found" in told.out


def test_a_scan_as_json_always_has_its_time_remark_and_exports(scanned, tmp_path):
    for library in ((), ("--library", tmp_path / "none-yet")):
        told = facesort("scan", scanned, "--dry-run", "--json", *library).json()
        assert told["seconds"]["total"] >= 0
        assert (told["remark"], told["exported"]) == ("", [])
    assert {"remark", "exported"} <= set(facesort("scan", scanned, "--json").json())


def test_the_log_and_undo_call_people_by_their_names(scanned):
    one, two = (person["person"] for person in _people())
    facesort("name", one, "Anna")
    facesort("merge", one, two)
    facesort("ignore", one)
    lines = facesort("log").out.splitlines()
    assert lines[0].endswith(f"{one} is Anna")
    assert lines[1].endswith(f"{one} Anna, {two} are one person")
    assert lines[2].endswith(f"ignore {one} Anna")
    assert facesort("undo").err == f"Undone: ignore {one} Anna.\n"
    assert facesort("redo").err == f"Redone: ignore {one} Anna.\n"


def test_people_are_searched_by_the_start_of_an_id_only(scanned):
    found = _people()[0]["person"]
    assert [p["person"] for p in facesort("people", found[:5], "--json").json()] == [found]
    assert facesort("people", found[3:], "--json").json() == []


def test_the_sheet_of_a_renamed_person_replaces_the_older_one(scanned, tmp_path):
    one, two = (person["person"] for person in _people())
    sheets = tmp_path / "sheets"
    facesort("people", "--sheet", sheets)
    own = sheets / f"mine ({one}).jpg"
    own.write_bytes(b"not drawn by facesort")
    facesort("name", one, "x" * 190)
    facesort("people", "--sheet", sheets)
    long, mine, other = sorted((path.name for path in sheets.iterdir()), key=lambda n: n[0] != "x")
    assert long.endswith(f"x ({one}).jpg")  # the id outlives the cut
    assert {mine, other} == {own.name, f"unnamed ({two}).jpg"}
    assert own.read_bytes() == b"not drawn by facesort"
    facesort("merge", one, two)
    facesort("people", "--sheet", sheets)
    assert sorted(path.name for path in sheets.iterdir()) == sorted([long, own.name])


def _help_pages(group: Any = None, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    command = typer.main.get_command(app) if group is None else group
    for name, inner in getattr(command, "commands", {}).items():
        yield from _help_pages(inner, (*path, name))


@pytest.mark.parametrize("path", list(_help_pages()), ids=" ".join)
def test_help_has_an_example_and_brackets_only_once(path):
    shown = facesort(*path, "--help").out
    assert "[[" not in shown
    if path:
        assert "Example: facesort " + path[0] in shown

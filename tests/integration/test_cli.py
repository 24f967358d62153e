"""The command line as scripts and people meet it: help, options, JSON, exit codes, pipes."""

from __future__ import annotations

import csv
import importlib
import io
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import typer.main

import facesort as package
from facesort.cli.app import app
from facesort.cli.commands import summaries
from tests.fakes import COLOURS, FakeModels, jpeg, open_library, png, tagged
from tests.terminal import REPOSITORY, environment, facesort, facesort_process

if TYPE_CHECKING:
    from collections.abc import Iterator

HEAVY = {"cv2", "onnxruntime", "sklearn", "onnx", "hnswlib", "scipy", "numpy", "PIL", "rich"}


def _commands(group: Any = None, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield every command and group of commands, by its words."""
    yield path
    command = typer.main.get_command(app) if group is None else group
    for name, inner in getattr(command, "commands", {}).items():
        yield from _commands(inner, (*path, name))


COMMANDS = list(_commands())
LEAVES = [path for path in COMMANDS if not any(p[:-1] == path for p in COMMANDS if p)]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    for number in range(3):
        png(folder / f"{number}.png", "anna", "bert", number=number)
    jpeg(folder / "turned.jpg", "cleo", number=3)
    turned = folder / "turned.jpg"
    turned.write_bytes(tagged(turned.read_bytes(), 6))
    return folder


@pytest.fixture
def scanned(photos: Path, models: FakeModels) -> Path:
    assert facesort("scan", photos).code == 0
    return photos


# -- help ----------------------------------------------------------------------------------------


def test_the_list_of_commands_says_what_they_say_themselves():
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]  # a group has them
    theirs = {name: command.get_short_help_str(1000) for name, command in commands.items()}
    assert dict(summaries()) == theirs
    modules = {path.stem for path in (REPOSITORY / "facesort/cli").glob("*.py")}
    for name in modules:  # no command is in a module that the list does not know
        module = importlib.import_module(f"facesort.cli.{name}")
        if hasattr(module, "register"):
            part = typer.Typer()
            part.callback()(lambda: None)
            module.register(part)
            assert set(typer.main.get_group(part).commands) <= set(theirs)


def test_the_commands_of_this_version_are_these():
    assert {path[0] for path in COMMANDS if path} >= {
        "scan", "group", "people", "show", "faces", "photos", "name", "merge", "reject", "ignore",
        "undo", "redo", "log", "export", "bench", "models",
    }  # fmt: skip
    assert {path[1] for path in COMMANDS if path[:1] == ("models",) and len(path) == 2} == {
        "list", "pull", "info",
    }  # fmt: skip


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_explains_itself_and_shows_an_example(path):
    for option in ("--help", "-h"):
        shown = facesort(*path, option)
        assert shown.code == 0
        assert shown.err == ""
    lines = [line.strip() for line in shown.out.splitlines()]
    assert lines[0].startswith("Usage: " + " ".join(["facesort", *path]))
    assert len(lines[2]) > 10  # what it does
    if path in LEAVES:
        (example,) = [line for line in lines if line.startswith("Example: ")]
        assert example.startswith("Example: facesort " + " ".join(path))


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_option_and_argument_is_explained(path):
    command = typer.main.get_command(app)
    for word in path:
        command = command.commands[word]  # type: ignore[attr-defined]  # groups have them
    for parameter in command.params:
        explained = getattr(parameter, "help", None)
        named = parameter.name in {"new_name", "name"}  # NAME says it all
        assert explained or named, f"{' '.join(path)}: {parameter.name}"


def test_no_help_loads_anything_heavy():
    code = f"""
import contextlib, io, sys
from facesort.cli.app import main
for path in {[list(path) for path in COMMANDS]!r}:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
        main([*path, "--help"])
print(*sorted({{name.split(".")[0] for name in sys.modules}}))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=REPOSITORY
    )
    loaded = set(done.stdout.split())
    assert "typer" in loaded
    assert not loaded & HEAVY


def test_the_version_is_told():
    assert facesort("--version").out == f"facesort {package.__version__}\n"


def test_the_package_can_be_run_as_a_module():
    done = subprocess.run(
        [sys.executable, "-m", "facesort", "--version"],
        capture_output=True, text=True, check=False, cwd=REPOSITORY, env=environment(),
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, f"facesort {package.__version__}\n"), done.stderr


BARE = """
import typer
app = typer.Typer(rich_markup_mode=None)
def make(number):
    def command(path: str, flag: bool = False) -> None:
        "Do something."
    return command
for number in range({count}):
    app.command(f"command{{number}}")(make(number))
app()
"""


def test_help_takes_at_most_half_as_long_again_as_a_bare_app_with_as_many_commands(tmp_path):
    bare = tmp_path / "bare.py"
    bare.write_text(BARE.format(count=len(LEAVES)))
    ours = tmp_path / "ours.py"
    ours.write_text("from facesort.cli.app import main\nmain()\n")

    def seconds(script: Path) -> float:
        started = time.perf_counter()
        subprocess.run(
            [sys.executable, str(script), "--help"],
            stdout=subprocess.DEVNULL,
            check=True,
            env=environment(PYTHONPATH=str(REPOSITORY)),
        )
        return time.perf_counter() - started

    ratios = []
    for _ in range(3):  # other programs share this machine: one undisturbed round is enough
        pairs = [(seconds(bare), seconds(ours)) for _ in range(9)]
        plain, full = (statistics.median(column) for column in zip(*pairs, strict=True))
        ratios.append(full / plain)
        if ratios[-1] <= 1.5:
            break
    assert min(ratios) <= 1.5, ratios


# -- the global options --------------------------------------------------------------------------


def test_the_global_options_are_accepted_before_and_after_the_command(scanned, tmp_path):
    elsewhere = str(tmp_path / "elsewhere")
    with open_library(Path(elsewhere)) as library:
        library.scan([scanned / ".."], group=True)
    for option in (["--json"], ["--library", elsewhere, "--json"], ["--json", "--no-color"]):
        before = facesort(*option, "people")
        after = facesort("people", *option)
        between = facesort("models", *option, "list")
        assert before == after
        assert before.json()
        assert between.json() == facesort("models", "list", *option).json()
    assert facesort("people", f"--library={elsewhere}") == facesort(
        "--library", elsewhere, "people"
    )


def test_what_follows_two_dashes_is_meant_literally(scanned):
    person = facesort("people", "--json").json()[0]["person"]
    assert facesort("name", "--json", "--", person, "--quiet").json()["name"] == "--quiet"
    assert facesort("show", "--json", "--", "--quiet").json()["name"] == "--quiet"


def test_quiet_leaves_only_results(photos, models):
    scanned = facesort("scan", "--quiet", photos)
    assert (scanned.code, scanned.err) == (0, "")
    assert scanned.out
    person = facesort("people", "--json").json()[0]["person"]
    named = facesort("name", person, "Anna", "--quiet")
    assert (named.code, named.err, named.out) == (0, "", "")
    assert facesort("show", "Nobody", "--quiet").err != ""  # an error is no message


@pytest.mark.parametrize(
    ("args", "told"),
    [
        ((), "Usage"),
        (("nonsense",), "No such command"),
        (("people", "--nonsense"), "No such option"),
        (("scan",), "Missing argument"),
        (("people", "--library"), "needs a name"),
        (("--library", "", "people"), "needs a name"),
        (("name", "p1"), "Missing argument"),
        (("group", "--wrong-merges", "many"), "many"),
        (("group", "--method", "magic"), "magic"),
        (("undo", "0"), "0 is not in the range"),
        (("faces", "--format", "xml"), "jsonl or csv"),
        (("scan", ".", "--workers", "-3"), "workers"),
        (("scan", ".", "--batch-size", "many"), "batch_size must be a number"),
        (("scan", ".", "--min-face", "0"), "min_face"),
        (("name", "p1", "Anna", "--same", "--another"), "exclude each other"),
        (("export", "albums", "--mode", "teleport"), "teleport"),
    ],
)
def test_a_wrong_call_ends_with_2_and_says_why(scanned, args, told, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = facesort(*args)
    assert done.code == 2
    assert told in done.err + done.out
    assert "Traceback" not in done.err


def test_a_bug_is_called_one_and_ends_with_70(scanned, monkeypatch):
    monkeypatch.setattr("facesort.library.Library.known_people", lambda self, **_: 1 / 0)
    done = facesort("people")
    assert done.code == 70
    assert "ZeroDivisionError" in done.err
    assert done.err.splitlines()[-1].startswith("facesort: this is a bug in facesort")


# -- scan ----------------------------------------------------------------------------------------


def test_scan_as_json_has_the_keys_that_scripts_rely_on(photos, models):
    (photos / "notes.txt").write_text("x")
    done = facesort("scan", photos, "--json")
    assert done.code == 0
    told = done.json()
    assert {
        "photos", "faces", "people", "provider", "models", "threshold", "seconds",
    } <= set(told)  # fmt: skip
    assert {
        "seen", "new", "changed", "moved", "unchanged", "missing", "failed", "skipped",
    } <= set(told["photos"])  # fmt: skip
    assert told["photos"]["seen"] == told["photos"]["new"] == 4
    assert told["photos"]["skipped"] == {"not an image": 1}
    assert (told["faces"], told["people"], told["provider"]) == (7, 3, "fake")
    assert set(told["models"]) == {"detector", "embedder"}
    assert 0 < told["threshold"] < 1
    assert told["seconds"]["total"] >= told["seconds"]["look"] > 0
    # Progress goes elsewhere.
    assert "Looking at photos: 4 photos" in done.err


def test_scan_says_what_it_found_and_what_comes_next(photos, models):
    first = facesort("scan", photos)
    assert "4 photos: 4 new" in first.out
    assert "7 faces of 3 people" in first.out
    assert "facesort people" in first.err
    second = facesort("scan", photos)
    assert "4 unchanged" in second.out


def test_scan_ends_with_3_when_a_photo_failed_now_or_before(photos, models):
    (photos / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0\x00\x10JFIF")
    for _ in range(2):
        done = facesort("scan", photos)
        assert done.code == 3
        assert f"Failed: {photos / 'broken.jpg'}: " in done.err
        assert "1 failed" in done.out
    told = facesort("scan", photos, "--json")
    assert told.code == 3
    assert told.json()["photos"]["failed"] == 1
    listed = facesort("photos", "--failed", "--json").json()
    assert [(row["photo"], row["state"]) for row in listed] == [
        (str(photos / "broken.jpg"), "failed")
    ]
    assert listed[0]["reason"]


def test_a_dry_run_makes_no_library_and_needs_no_model(photos, tmp_path):
    done = facesort("scan", photos, "--dry-run", "--json")
    assert done.code == 0
    assert done.json()["photos"]["new"] == 4
    assert done.json()["dry_run"] is True
    assert not Path(os.environ["FACESORT_LIBRARY"]).exists()
    shown = facesort("scan", photos, "--dry-run")
    assert "4 would be looked at" in shown.out
    assert not Path(os.environ["FACESORT_LIBRARY"]).exists()


def test_a_dry_run_of_a_changed_folder_changes_nothing(scanned, models):
    png(scanned / "new.png", "anna", number=9)
    before = _files(Path(os.environ["FACESORT_LIBRARY"]))
    done = facesort("scan", scanned, "--dry-run", "--json").json()
    assert (done["photos"]["new"], done["photos"]["unchanged"]) == (1, 4)
    assert _files(Path(os.environ["FACESORT_LIBRARY"])) == before
    assert models.looked == 4


def _files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith("-shm")
    }


def test_scanning_without_grouping_leaves_that_for_later(photos, models):
    assert facesort("scan", photos, "--no-group", "--json").json()["people"] == 0
    grouped = facesort("group", "--json").json()
    assert (grouped["people"], grouped["faces"], grouped["unassigned"]) == (3, 7, 0)
    assert {"threshold", "method", "rule"} <= set(grouped)


@pytest.mark.parametrize("method", ["linkage", "threshold", "agglomerative"])
def test_every_method_groups_these_three_people(scanned, method):
    assert facesort("group", "--method", method, "--json").json()["people"] == 3
    assert facesort("group", "--all").code == 0


def test_an_empty_folder_and_no_faces_are_a_sentence_each(tmp_path, models):
    empty = tmp_path / "empty"
    empty.mkdir()
    done = facesort("scan", empty)
    assert (done.code, done.out) == (0, "No photos were found there.\n")
    png(tmp_path / "landscapes" / "a.png", number=1)
    done = facesort("scan", tmp_path / "landscapes")
    assert done.code == 0
    assert "No faces were found." in done.out
    for command in ("people", "faces", "photos", "log"):
        assert facesort(command).code == 0
    assert "Nobody has been found yet" in facesort("people").out


# -- the reports ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "args",
    [
        ("people",),
        ("people", "--all"),
        ("show", "Anna"),
        ("faces",),
        ("faces", "--format", "csv"),
        ("photos",),
        ("photos", "--failed"),
        ("log",),
        ("group",),
        ("undo",),
        ("redo",),
        ("models", "list"),
        ("models", "info", "sface"),
        ("scan", "PHOTOS"),
        ("scan", "PHOTOS", "--dry-run"),
        ("name", "Anna", "Anna B"),
        ("reject", "FACE"),
        ("ignore", "Anna"),
        ("merge", "Anna", "PERSON"),
        ("export", "ALBUMS"),
        ("export", "ALBUMS", "--dry-run"),
    ],
    ids=" ".join,
)
def test_json_is_one_document_and_nothing_else(scanned, tmp_path, args):
    rows = facesort("faces", "--json").json()
    person = rows[0]["person"]
    facesort("name", person, "Anna")
    others = [row for row in rows if row["person"] != person]
    words = {
        "PHOTOS": str(scanned),
        "ALBUMS": str(tmp_path / "albums"),
        "FACE": rows[0]["face"],
        "PERSON": others[0]["person"],
    }
    done = facesort(*(words.get(arg, arg) for arg in args), "--json")
    assert done.code == 0, done.err
    done.json()
    assert done.out.endswith("\n")


def test_people_as_json_has_the_keys_that_scripts_rely_on(scanned):
    told = facesort("people", "--json").json()
    assert len(told) == 3
    for person in told:
        assert {"person", "name", "faces", "photos", "cover", "confirmed"} <= set(person)
    assert [person["photos"] for person in told] == [3, 3, 1]


def test_people_lists_those_on_three_photos_or_with_a_name_and_counts_the_rest(scanned):
    told = facesort("people", "--json").json()
    cleo = told[-1]["person"]
    listed = facesort("people")
    assert cleo not in listed.out
    assert "1 people on fewer than 3 photos" in listed.out.replace("1 person", "1 people")
    assert cleo in facesort("people", "--all").out
    facesort("name", cleo, "Cleo")
    assert cleo in facesort("people").out
    assert "fewer than" not in facesort("people").out


def test_people_can_be_searched_by_name_and_id(scanned):
    ids = [person["person"] for person in facesort("people", "--json").json()]
    facesort("name", ids[0], "Zo\N{LATIN SMALL LETTER E WITH DIAERESIS} Müller")
    for text in ("müller", "ZOE\N{COMBINING DIAERESIS}", ids[0][:6]):
        assert [p["person"] for p in facesort("people", text, "--json").json()] == [ids[0]]
    nobody = facesort("people", "xyz")
    assert (nobody.code, nobody.out) == (0, "Nobody has that name or id.\n")


def test_faces_as_lines_have_the_keys_that_scripts_rely_on(scanned):
    person = facesort("people", "--json").json()[0]["person"]
    facesort("name", person, "Anna")
    shutil.copy(scanned / "0.png", scanned / "copy.png")
    facesort("scan", scanned)
    lines = facesort("faces", "--format", "jsonl").out.splitlines()
    rows = [json.loads(line) for line in lines]
    assert len(rows) == 7
    for row in rows:
        assert {
            "face", "photo", "places", "box", "landmarks", "score", "quality", "person", "name",
            "status",
        } <= set(row)  # fmt: skip
        assert Path(row["photo"]).is_absolute()
        assert row["photo"] == row["places"][0]
        assert len(row["landmarks"]) == 5
        assert row["status"] == "automatic"
        assert row["name"] == ("Anna" if row["person"] == person else None)
    copied = [row for row in rows if row["photo"].endswith("0.png")]
    assert copied[0]["places"] == [str(scanned / "0.png"), str(scanned / "copy.png")]
    (turned,) = [row for row in rows if row["photo"].endswith("turned.jpg")]
    # Painted at left 24, top 40 of 360 x 240, shown turned a quarter to the right.
    assert turned["box"] == pytest.approx([240 - 40 - 48, 24, 240 - 40, 24 + 48], abs=3)


def test_faces_as_a_table_can_be_read_back(scanned):
    rows = list(csv.DictReader(io.StringIO(facesort("faces", "--format", "csv").out)))
    wanted = facesort("faces", "--json").json()
    assert [row["face"] for row in rows] == [row["face"] for row in wanted]
    assert [float(row["left"]) for row in rows] == [row["box"][0] for row in wanted]


def test_a_photo_that_is_missing_is_said_so(scanned):
    (scanned / "0.png").unlink()
    facesort("scan", scanned)
    assert facesort("photos", "--missing").out.splitlines() == [f"{scanned / '0.png'}  missing"]
    rows = [r for r in facesort("faces", "--json").json() if r["photo"] is None]
    assert [row["places"] for row in rows] == [[str(scanned / "0.png")]] * 2
    assert "(missing)" in facesort("show", rows[0]["person"]).out


def test_sheets_are_written_where_asked(scanned, tmp_path):
    done = facesort("people", "--all", "--sheet", tmp_path / "sheets")
    assert done.code == 0
    ids = [person["person"] for person in facesort("people", "--json").json()]
    names = sorted(path.name for path in (tmp_path / "sheets").iterdir())
    assert names == sorted(f"unnamed ({person}).jpg" for person in ids)
    inside = facesort("people", "--sheet", scanned / "sheets")
    assert inside.code == 42
    assert not (scanned / "sheets").exists()


def test_export_writes_named_people_into_their_folders(scanned, tmp_path):
    person = facesort("people", "--json").json()[0]["person"]
    facesort("name", person, "../../Anna")
    done = facesort("export", tmp_path / "albums", "--json")
    assert done.code == 0
    files = [path for path in (tmp_path / "albums").rglob("*.png") if path.is_file()]
    assert len(files) == 3
    assert len({path.parent for path in files}) == 1
    assert not (tmp_path / "Anna").exists()


# -- pipes and terminals -------------------------------------------------------------------------


@pytest.mark.skipif(os.name == "nt", reason="a pipe of this shell")
@pytest.mark.parametrize(
    "command", ["faces", "faces --json", "faces --format csv", "photos", "people --all", "--help"]
)
def test_a_reader_that_has_seen_enough_ends_the_command_silently(tmp_path, models, command):
    for number in range(50):  # enough faces to fill a pipe
        png(tmp_path / "photos" / f"{number}.png", *list(COLOURS)[:6], number=number, face=26)
    with open_library(Path(os.environ["FACESORT_LIBRARY"]), models) as library:
        library.scan([tmp_path / "photos"])
    script = f'"{sys.executable}" -c "from facesort.cli.app import main; main()" {command}'
    done = subprocess.run(
        ["bash", "-c", f"{script} | head -c 1; exit ${{PIPESTATUS[0]}}"],
        capture_output=True,
        text=True,
        check=False,
        cwd=REPOSITORY,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout) == 1


def _on_a_terminal(args: list[str], **changes: str | None) -> tuple[int, str]:
    """Run a command as in a terminal window; return its exit code and everything it showed."""
    pexpect = pytest.importorskip("pexpect")
    child = pexpect.spawn(
        sys.executable,
        ["-c", "from facesort.cli.app import main; main()", *args],
        env=environment(PYTHONPATH=str(REPOSITORY), TERM="xterm-256color", **changes),
        encoding="utf-8",
        timeout=30,
        dimensions=(40, 120),
    )
    shown = child.read()
    child.close()
    return child.exitstatus, shown


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such terminals")
def test_on_a_terminal_there_are_colours_unless_they_are_unwanted(scanned):
    assert "\x1b[" in _on_a_terminal(["people"])[1]
    for args, changes in ((["people", "--no-color"], {}), (["people"], {"NO_COLOR": "1"})):
        code, shown = _on_a_terminal(args, **changes)
        assert code == 0
        assert "person" in shown
        assert "\x1b" not in shown


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such terminals")
@pytest.mark.parametrize(("answer", "people"), [("same", 2), ("another", 3), ("stop", 3)])
def test_on_a_terminal_a_second_anna_is_asked_about(scanned, answer, people):
    pexpect = pytest.importorskip("pexpect")
    one, two, _ = (person["person"] for person in facesort("people", "--json").json())
    facesort("name", one, "Anna")
    child = pexpect.spawn(
        sys.executable,
        ["-c", "from facesort.cli.app import main; main()", "name", two, "Anna"],
        env=environment(PYTHONPATH=str(REPOSITORY), TERM="xterm-256color"),
        encoding="utf-8",
        timeout=30,
    )
    child.expect("same person")
    child.sendline(answer)
    child.read()
    child.close()
    assert child.exitstatus == (30 if answer == "stop" else 0)
    told = facesort("people", "--json").json()
    assert len(told) == people
    assert sum(p["name"] == "Anna" for p in told) == (2 if answer == "another" else 1)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such terminals")
def test_ctrl_c_at_a_question_ends_with_130_and_changes_nothing(scanned):
    pexpect = pytest.importorskip("pexpect")
    one, two, _ = (person["person"] for person in facesort("people", "--json").json())
    facesort("name", one, "Anna")
    child = pexpect.spawn(
        sys.executable,
        ["-c", "from facesort.cli.app import main; main()", "name", two, "Anna"],
        env=environment(PYTHONPATH=str(REPOSITORY), TERM="xterm-256color"),
        encoding="utf-8",
        timeout=30,
    )
    child.expect("same person")
    child.sendintr()
    shown = child.read()
    child.close()
    assert child.exitstatus == 130
    assert "Traceback" not in shown
    assert len(facesort("log", "--json").json()) == 1


def test_a_command_in_a_process_of_its_own_does_the_same(scanned):
    here = facesort("people", "--json")
    assert facesort_process("people", "--json") == here
    assert facesort_process("show", "nobody").code == 14

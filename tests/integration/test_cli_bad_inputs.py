"""Bad input gets a sentence that says what, where and what to do, and the right exit code."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from facesort import registry
from facesort.files import JobLock
from facesort.inference.weights import cached_path
from tests.fakes import FakeModels, dump, png
from tests.terminal import (
    REPOSITORY,
    Outcome,
    environment,
    facesort,
    facesort_process,
    unprivileged,
)
from tests.weights import card, real_weights

if TYPE_CHECKING:
    from collections.abc import Iterator


def _library() -> Path:
    return Path(os.environ["FACESORT_LIBRARY"])


def _refused(done: Outcome, code: int, *told: str) -> None:
    """Check that a command ended with one sentence, at most one hint, and nothing else."""
    assert done.code == code, done.err
    assert done.out == ""
    assert "Traceback" not in done.err
    lines = done.err.splitlines()
    start = max(i for i, line in enumerate(lines) if line.startswith("facesort: "))
    sentence, *hint = lines[start:]
    assert len(hint) == 1, done.err
    assert hint[0].startswith("  ")
    assert not sentence.endswith(("None", ": "))
    for text in told:
        assert text in sentence + hint[0]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    for number in range(4):
        png(folder / f"{number}.png", "anna", "bert", number=number)
    return folder


@pytest.fixture
def scanned(photos: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Photos in a library; further scans in this process run on fakes."""
    fakes = FakeModels()
    monkeypatch.setattr(registry, "load_models", fakes.load_models)
    assert facesort("scan", photos).code == 0
    return photos


# -- paths ---------------------------------------------------------------------------------------


def test_a_folder_that_is_not_there(tmp_path):
    _refused(facesort("scan", tmp_path / "nope"), 2, str(tmp_path / "nope"), "drive is connected")
    assert not _library().exists()


def test_one_missing_folder_stops_the_scan_of_the_others_before_any_work(photos, tmp_path):
    _refused(facesort("scan", photos, tmp_path / "nope"), 2, "nope")
    assert not _library().exists()


def test_a_file_instead_of_a_folder(photos):
    _refused(facesort("scan", photos / "0.png"), 2, "is a file", f"facesort scan {photos}")


@pytest.mark.parametrize("path", ["a" * 5000, "loop", "0.png/inside"])
def test_a_path_that_no_system_can_follow(photos, path):
    (photos / "loop").symlink_to("loop")
    _refused(facesort("scan", photos / path), 2, path[:50])


def test_a_folder_that_may_not_be_listed(photos):
    prefix = unprivileged()
    photos.chmod(0)
    try:
        _refused(facesort_process("scan", photos, prefix=prefix), 2, str(photos), "ermission")
    finally:
        photos.chmod(0o755)


def test_a_folder_inside_a_closed_one(photos):
    prefix = unprivileged()
    photos.parent.chmod(0)
    try:
        _refused(facesort_process("scan", photos, prefix=prefix), 2, str(photos), "ermission")
    finally:
        photos.parent.chmod(0o755)


def test_an_unplugged_drive_is_asked_about_and_nothing_is_marked(scanned):
    before = dump(_library())
    for path in scanned.iterdir():
        path.unlink()
    done = facesort("scan", scanned)
    assert done.code == 0
    assert f"More than half of the photos below {scanned} are gone" in done.err
    assert "unplugged" in done.err
    assert dump(_library()) == before
    scanned.rmdir()
    _refused(facesort("scan", scanned), 2, str(scanned), "drive is connected")


def test_a_destination_inside_a_scanned_folder(scanned):
    person = facesort("people", "--json").json()[0]["person"]
    facesort("name", person, "Anna")
    before = sorted(scanned.parent.rglob("*"))
    for dest in (scanned / "albums", scanned):
        for args in ((), ("--dry-run",), ("--mode", "symlink")):
            _refused(facesort("export", dest, *args), 42, str(dest), str(scanned))
    assert sorted(scanned.parent.rglob("*")) == before


# -- the library ---------------------------------------------------------------------------------

_READERS = ("people", "faces", "photos", "log", "undo", "group")


@pytest.mark.parametrize("command", _READERS)
def test_a_library_that_is_not_there(command):
    _refused(facesort(command), 11, str(_library()), "facesort scan")
    assert not _library().exists()


@pytest.mark.parametrize("command", _READERS)
def test_a_damaged_library(command):
    _library().mkdir()
    (_library() / "catalog.db").write_bytes(b"not a database at all, and rather long" * 400)
    _refused(facesort(command), 17, str(_library() / "catalog.db"), "backup")


def test_a_library_of_a_newer_facesort(scanned):
    with contextlib.closing(sqlite3.connect(_library() / "catalog.db")) as newer, newer:
        newer.execute("INSERT INTO migrations VALUES (99, 'later', '2030-01-01')")
    _refused(facesort("people"), 13, "schema 99", "pip install --upgrade facesort")


def test_a_file_in_the_place_of_the_library(photos):
    _library().write_text("mine")
    _refused(facesort("scan", photos), 16, str(_library()))
    assert _library().read_text() == "mine"
    assert facesort("people").code in {11, 16}


def test_a_job_that_is_running_already(scanned):
    with JobLock(_library() / "job.lock", "scan"):
        for args in (("scan", scanned), ("group",)):
            _refused(facesort(*args), 12, "a scan started", f"by process {os.getpid()} is running")
        person = facesort("people", "--json").json()[0]["person"]  # looking is no job
        assert facesort("name", person, "Anna").code == 0  # nor is naming


def test_a_library_that_may_not_be_written(scanned):
    prefix = unprivileged()
    person = facesort("people", "--json").json()[0]["person"]
    folder = _library()
    (folder / "catalog.db").chmod(0o400)
    folder.chmod(0o500)
    try:
        _refused(facesort_process("name", person, "Anna", prefix=prefix), 16, str(folder))
        png(scanned / "new.png", "anna", number=9)
        _refused(facesort_process("scan", scanned, prefix=prefix), 16, str(folder))
    finally:
        folder.chmod(0o700)
        (folder / "catalog.db").chmod(0o600)
    assert facesort("log", "--json").json() == []


@pytest.mark.parametrize("command", ["people", "scan"])
def test_a_library_that_may_not_be_entered(scanned, command):
    prefix = unprivileged()
    folder = scanned.parent / "closed" / "library"
    assert facesort("scan", scanned, "--library", folder).code == 0
    args = [command, scanned] if command == "scan" else [command]
    for closed in (folder, folder.parent):
        closed.chmod(0)
        try:
            done = facesort_process(*args, "--library", folder, prefix=prefix)
        finally:
            closed.chmod(0o700)
        _refused(done, 16, str(folder), "ermission")


def test_a_library_that_cannot_be_made(photos):
    prefix = unprivileged()
    _library().parent.chmod(0o500)
    try:
        _refused(facesort_process("scan", photos, prefix=prefix), 16, str(_library()))
    finally:
        _library().parent.chmod(0o700)


@pytest.fixture
def small_drive(tmp_path: Path) -> Iterator[Path]:
    """A drive of one megabyte, where this user may mount one."""
    drive = tmp_path / "drive"
    drive.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m,mode=0700", "tmpfs", str(drive)]
    if (
        shutil.which("mount") is None
        or subprocess.run(mount, capture_output=True, check=False).returncode
    ):
        pytest.skip("a small drive can be mounted by root only")
    yield drive
    subprocess.run(["umount", str(drive)], check=True)


def test_a_drive_without_space_for_a_library(photos, small_drive):
    (small_drive / "filler").write_bytes(b"x" * (1000 * 1024))
    done = facesort("scan", photos, "--library", small_drive / "library")
    _refused(done, 16, "pace", str(small_drive / "library"))


def test_a_drive_that_fills_up_during_a_scan_loses_nothing(scanned, small_drive):
    library = small_drive / "library"
    assert facesort("scan", scanned, "--library", library).code == 0
    person = facesort("people", "--json", "--library", library).json()[0]["person"]
    assert facesort("name", person, "Anna", "--library", library).code == 0
    before = dump(library)
    for number in range(20, 60):
        png(scanned / f"{number}.png", "anna", "bert", "cleo", number=number)
    filler = small_drive / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)
    _refused(facesort("scan", scanned, "--library", library), 16, "pace", str(library))
    _refused(facesort("name", person, "B" * 190, "--library", library), 16, "pace", str(library))
    filler.unlink()
    after = dump(library)
    assert after["decisions"] == before["decisions"]
    assert set(map(repr, before["faces"])) <= set(map(repr, after["faces"]))
    done = facesort("scan", scanned, "--library", library, "--json")
    assert done.code == 0
    assert done.json()["faces"] == 8 + 120
    (anna,) = [
        p for p in facesort("people", "--json", "--library", library).json() if p["name"] == "Anna"
    ]
    assert anna["photos"] == 44


# -- people --------------------------------------------------------------------------------------


def test_an_unknown_person_face_or_decision(scanned):
    _refused(facesort("show", "Nobody"), 14, "'Nobody'", "facesort people --all")
    _refused(facesort("name", "p0000000", "Anna"), 14, "p0000000", "facesort people --all")
    _refused(facesort("reject", "f0000"), 14, "f0000", "facesort faces")
    _refused(facesort("undo", "--decision", "9"), 14, "decision 9", "facesort log")


def test_an_ambiguous_name_and_a_second_anna(scanned):
    one, two = (person["person"] for person in facesort("people", "--json").json())
    facesort("name", one, "Anna")
    _refused(facesort("name", two, "Anna"), 30, one, "--same", "--another")
    facesort("name", two, "Anna", "--another")
    _refused(facesort("show", "Anna"), 15, one, two, "Give the id")
    _refused(facesort("merge", "Anna", one), 15, one, two)


def test_a_name_that_is_none(scanned):
    person = facesort("people", "--json").json()[0]["person"]
    _refused(facesort("name", person, ""), 2, "empty", "For example")
    assert facesort("name", person, "x" * 300).code == 2


# -- models --------------------------------------------------------------------------------------


@pytest.fixture
def offline(tmp_path: Path) -> dict[str, str]:
    """An environment with an empty cache, no network, and a pip that finds nothing."""
    nobody = "http://127.0.0.1:9"  # the discard port: refused at once
    proxies = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), nobody)
    return environment(
        PYTHONPATH=str(REPOSITORY),
        FACESORT_CACHE=str(tmp_path / "cache"),
        PIP_NO_INDEX="1",
        PIP_CONFIG_FILE=os.devnull,
        no_proxy=None,
        NO_PROXY=None,
        **proxies,
    )


def test_no_network_for_the_first_fetch(photos, offline, tmp_path):
    done = facesort_process("scan", photos, env=offline)
    _refused(
        done, 23, "weights of", "not on this machine", "--models-dir", card("yunet").weights.file
    )
    assert "Fetching yunet (0.2 MB)" in done.err  # announced, with its size
    assert not list((tmp_path / "cache").rglob("*.onnx"))
    done = facesort_process("models", "pull", "sface", env=offline)
    _refused(done, 23, "weights of sface", "--models-dir")
    # What was said holds: with the network back, or --models-dir, the same command goes on.
    assert facesort_process("photos", env=offline).code == 0


def test_a_damaged_model_file_in_ones_own_folder(photos, offline, tmp_path):
    own = tmp_path / "models"
    own.mkdir()
    damaged = own / card("yunet").weights.file
    damaged.write_bytes(b"not the weights")
    done = facesort_process("scan", photos, "--models-dir", own, env=offline)
    _refused(done, 24, str(damaged), card("yunet").weights.sha256)
    assert damaged.read_bytes() == b"not the weights"


def test_a_damaged_model_file_in_the_cache_that_cannot_be_fetched_again(photos, offline, tmp_path):
    damaged = cached_path(card("yunet"), tmp_path / "cache")
    damaged.parent.mkdir(parents=True)
    damaged.write_bytes(b"not the weights")
    done = facesort_process("scan", photos, env=offline)
    _refused(done, 24, str(damaged), "facesort models pull yunet")


@pytest.mark.weights
def test_weights_from_ones_own_folder_need_no_network(photos, offline, tmp_path):
    own = tmp_path / "models"
    own.mkdir()
    for name in ("yunet", "sface"):
        shutil.copy(real_weights(name), own / card(name).weights.file)
    done = facesort_process("scan", photos, "--models-dir", own, env=offline)
    assert done.code == 0, done.err
    assert "Fetching" not in done.err


def test_a_model_that_nobody_knows(photos):
    _refused(facesort("scan", photos, "--model", "nope"), 21, "'nope'", "sface", "models list")
    _refused(facesort("models", "info", "nope"), 21, "'nope'", "sface", "yunet")
    _refused(facesort("models", "pull", "nope"), 21, "'nope'")


def test_a_card_that_makes_no_sense(photos, tmp_path):
    (tmp_path / "models" / "mine").mkdir(parents=True)
    (tmp_path / "models" / "mine" / "card.toml").write_text("name = 3\n")
    done = facesort("scan", photos, "--models-dir", tmp_path / "models")
    assert done.code == 22
    assert str(tmp_path / "models" / "mine" / "card.toml") in done.err
    assert "Traceback" not in done.err


@pytest.mark.weights
def test_a_provider_that_does_not_run_here(photos):
    for name in ("yunet", "sface"):
        real_weights(name)
    done = facesort_process("scan", photos, "--provider", "abacus")
    assert done.code in {2, 25}
    assert "abacus" in done.err
    assert "Traceback" not in done.err


def test_a_wrong_configuration_file(photos, tmp_path, monkeypatch):
    monkeypatch.setenv("FACESORT_CONFIG", str(tmp_path / "config.toml"))
    (tmp_path / "config.toml").write_text("colour = 'red'\n")
    _refused(facesort("scan", photos), 2, str(tmp_path / "config.toml"), "'colour'", "Known")

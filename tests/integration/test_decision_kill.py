"""Whatever is killed, and whenever: no decision that was reported as done is ever lost."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from facesort.domain import Verdict
from facesort.jobs.grouping.options import GroupOptions
from tests.fakes import open_library, png
from tests.terminal import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

    from facesort.library import Library

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no SIGKILL")

# A hundred take two minutes: FACESORT_TEST_KILLS=100.
KILLS = int(os.environ.get("FACESORT_TEST_KILLS", "10"))

# Decides at random without end, and says of each decision when it is done.
DECIDER = """
import json, random, sys
from pathlib import Path
from facesort.errors import DecisionConflict, LibraryError, UsageError
from tests.fakes import open_library
library, seed = Path(sys.argv[1]), int(sys.argv[2])
chance = random.Random(seed)
with open_library(library, create=False) as opened:
    print("ready", flush=True)
    while True:
        everybody = list(opened.situation().people.by_id.values())
        person, other = chance.choice(everybody), chance.choice(everybody)
        faces = list(person.faces[:2]) or list(other.faces[:1])
        kind = chance.choice(["name", "merge", "reject", "split", "confirm", "none", "ignore",
                              "different", "cover", "undo", "redo", "any"])
        try:
            if kind == "name":
                opened.name(person.id, f"N{chance.randrange(50)}", same=False)
            elif kind == "merge":
                opened.merge([person.id, other.id], anyway=chance.random() < .5)
            elif kind == "reject":
                opened.reject(faces)
            elif kind == "split":
                opened.split(person.id, faces, name="Split", another=True)
            elif kind == "confirm":
                opened.confirm(faces, reference=other.id, anyway=True)
            elif kind == "none":
                opened.not_a_face(faces[:1])
            elif kind == "ignore":
                opened.ignore([person.id])
            elif kind == "different":
                opened.different([person.id, other.id])
            elif kind == "cover":
                opened.cover(person.id, faces[0])
            elif kind == "undo":
                opened.undo(chance.randrange(1, 4))
            elif kind == "redo":
                opened.redo(chance.randrange(1, 4))
            else:
                opened.undo(decision=chance.choice(opened.said()[1].active).id)
        except (DecisionConflict, LibraryError, UsageError, IndexError):
            continue
        log = opened.log()
        print(json.dumps([[d.id, d.verdict, d.name, d.target, len(d.faces)] for d in log[-6:]]),
              flush=True)
"""

# Scans new photos and groups, without end.
SCANNER = """
import random, sys
from pathlib import Path
from facesort.errors import LibraryLocked
from facesort.jobs.grouping.options import GroupOptions
from tests.fakes import COLOURS, FakeModels, open_library, png
library, photos, seed = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
chance = random.Random(seed)
with open_library(library, FakeModels(seconds=.01), create=False, workers=1) as opened:
    print("ready", flush=True)
    while True:
        try:
            for _ in range(3):
                number = chance.randrange(10**5)
                png(photos / f"{number}.png", *chance.sample(list(COLOURS), 2), number=number)
            opened.scan([photos], group=chance.random() < .7)
            if chance.random() < .5:
                opened.group(GroupOptions(), everything=chance.random() < .5)
        except LibraryLocked:
            continue
"""


def _start(script: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
    )


def _killed(process: subprocess.Popen[str]) -> list[str]:
    """Kill, and return what was printed in whole lines; the last one may be cut off."""
    process.kill()
    out, err = process.communicate(timeout=30)
    assert process.returncode == -signal.SIGKILL, err
    return out.splitlines()[: out.count("\n")]


def _check_catalog(folder: Path) -> None:
    with contextlib.closing(sqlite3.connect(folder / "catalog.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


def _check_log(library: Library, reported: dict[int, list[object]]) -> None:
    log = {d.id: [d.id, d.verdict, d.name, d.target, len(d.faces)] for d in library.log()}
    assert list(log) == list(range(1, len(log) + 1)), "the log has no gaps"
    for number, said in reported.items():
        assert log.get(number) == said, f"decision {number} was reported as done"


def _check_shown(library: Library) -> None:
    """What is listed quickly is what everything says, and every word is kept to."""
    situation = library.situation()
    people = situation.people
    listed = {row.id: (row.name, row.faces, row.confirmed) for row in library.people()}
    assert listed == {p.id: (p.name, len(p.faces), p.confirmed) for p in people.by_id.values()}
    named = [d for d in situation.history.active if d.verdict is Verdict.NAME]
    for decision in named:
        assert library.situation().person(decision.people[0]) is not None
    found = situation.find(situation.standing.rejections())
    for anchor, away in situation.standing.rejections().items():
        face = found.get(anchor)
        if face is not None and anchor not in situation.standing.confirmed:
            assert people.owners[face] not in {situation.standing.survivor(p) for p in away}


@pytest.mark.slow
def test_no_kill_at_any_moment_loses_a_decision_that_was_done(tmp_path):
    folder, photos = tmp_path / "library", tmp_path / "photos"
    for number in range(4):
        png(photos / f"{number}.png", "anna", "bert", "cleo", "dora", "emil", number=number)
    with open_library(folder) as library:
        library.scan([photos])
    chance = random.Random(1)
    reported: dict[int, list[object]] = {}
    for kill in range(KILLS):
        processes = [_start(DECIDER, folder, kill), _start(SCANNER, folder, photos, kill)]
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        time.sleep(chance.uniform(0, 0.8))
        chance.shuffle(processes)
        lines = _killed(processes[0])
        time.sleep(chance.choice([0, 0.1]))
        lines += _killed(processes[1])
        for line in lines:
            reported |= {int(entry[0]): entry for entry in json.loads(line)}
        _check_catalog(folder)
        with open_library(folder, create=False) as library:
            _check_log(library, reported)
            _check_shown(library)
    assert len(reported) > KILLS, "decisions were made"
    with open_library(folder, create=False) as library:
        library.scan([photos])
        library.group(GroupOptions(), everything=True)
        _check_log(library, reported)
        _check_shown(library)

"""`library compact`: what it says, what it changes, and what happens when it is stopped."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from facesort.catalog import vectors
from facesort.catalog.opening import open_database
from facesort.errors import LibraryLocked, LibraryUnwritable
from facesort.files import JobLock
from facesort.jobs.describing import compact as job
from tests.fakes import COLOURS, FakeModels, dump, open_library, png
from tests.terminal import REPOSITORY, facesort

KILLED = 9

# Compacts, and ends without any clean-up after the n-th commit.
DRIVER = """
import os, sys
from pathlib import Path
from facesort.jobs.describing import compact
from tests.fakes import open_library
compact._BATCH = 7
left = int(sys.argv[2])
def after_commit():
    global left
    left -= 1
    if left == 0:
        os._exit(9)
with open_library(Path(sys.argv[1]), create=False) as library:
    planned = library.plan_compact()
    library._db._after_commit = after_commit
    library.compact(planned)
"""


def _library() -> Path:
    return Path(os.environ["FACESORT_LIBRARY"])


@pytest.fixture
def scanned(tmp_path: Path, models: FakeModels) -> Path:
    """A library of 40 faces of eight people; the first has a name."""
    photos = tmp_path / "photos"
    people = list(COLOURS)
    for number in range(10):
        png(photos / f"{number}.png", *people[:4], number=number)
        png(photos / f"{number + 10}.png", *people[4:], number=number + 10)
    assert facesort("scan", photos).code == 0
    assert facesort("name", facesort("people", "--json").json()[0]["person"], "Anna").code == 0
    return photos


def _lengths(library: Path | None = None) -> dict[int, int]:
    with sqlite3.connect((library or _library()) / "catalog.db") as connection:
        rows = connection.execute("SELECT LENGTH(vector), COUNT(*) FROM vectors GROUP BY 1")
        return {int(length): int(number) for length, number in rows}


def _people(*, group: bool = False) -> list[tuple[object, ...]]:
    if group:
        assert facesort("group", "--all").code == 0
    listed = facesort("people", "--json").json()
    return sorted((p["person"], p["name"], p["faces"], p["photos"]) for p in listed)


def test_every_face_takes_128_bytes_afterwards_and_people_stay_who_they_are(scanned):
    before = _people()
    assert _lengths() == {256: 80}
    done = facesort("library", "compact", "--yes")
    assert done.code == 0, done.err
    assert "80 faces are stored in 128 bytes each" in done.out
    assert _lengths() == {128: 80}
    assert _people() == before
    assert _people(group=True) == before


def test_the_loss_is_told_before_anything_is_done(scanned):
    before = dump(_library())
    done = facesort("library", "compact", "--dry-run")
    assert done.code == 0
    assert "80 faces: 256 bytes each become 128" in done.out
    assert "Similarities change by 0.00" in done.out
    assert "0 of 80 faces would have other companions" in done.out
    assert "Nothing was done (--dry-run)" in done.err
    assert dump(_library()) == before


def test_without_a_yes_and_nobody_to_ask_nothing_is_done(scanned):
    before = dump(_library())
    done = facesort("library", "compact")
    assert done.code == 2
    assert "--yes" in done.err
    assert "for good" in done.err
    assert dump(_library()) == before


def test_compact_gives_its_numbers_to_scripts(scanned):
    planned = facesort("library", "compact", "--dry-run", "--json").json()
    assert set(planned) == {
        "model", "faces", "needed", "done", "bytes_a_face", "cosine_change", "regrouped",
        "catalog_bytes", "remark",
    }  # fmt: skip
    assert (planned["needed"], planned["done"], planned["faces"]) == (True, False, 80)
    assert planned["regrouped"] == {"faces": 80, "moved": 0}
    assert 0 < planned["cosine_change"]["mean"] < planned["cosine_change"]["max"] < 0.02
    done = facesort("library", "compact", "--yes", "--json").json()
    assert (done["done"], done["bytes_a_face"]) == (True, 128)
    assert done["catalog_bytes"]["before"] > 0
    again = facesort("library", "compact", "--yes", "--json").json()
    assert (again["needed"], again["done"]) == (False, False)


def test_a_compact_library_has_nothing_more_to_do(scanned):
    assert facesort("library", "compact", "--yes").code == 0
    before = dump(_library())
    done = facesort("library", "compact", "--yes")
    assert done.code == 0
    assert "is compact already" in done.err
    assert dump(_library()) == before


def test_a_library_without_faces_has_nothing_to_do(tmp_path, models):
    (tmp_path / "empty").mkdir()
    assert facesort("scan", tmp_path / "empty").code == 0
    done = facesort("library", "compact", "--yes")
    assert done.code == 0
    assert "holds no face yet" in done.err


def test_compact_without_a_library_makes_none(models):
    assert facesort("library", "compact", "--yes").code == 11
    assert not _library().exists()


def test_later_scans_store_in_the_same_form_and_find_the_same_people(scanned, tmp_path):
    assert facesort("library", "compact", "--yes").code == 0
    before = {person for person, *_ in _people()}
    png(tmp_path / "more" / "new.png", "anna", "bert", number=77)
    assert facesort("scan", tmp_path / "more").code == 0
    assert _lengths() == {128: 82}
    assert {person for person, *_ in _people()} == before


def test_identify_knows_the_people_of_a_compact_library(scanned, tmp_path):
    assert facesort("library", "compact", "--yes").code == 0
    picture = png(tmp_path / "probe.png", "anna", number=90)
    (photo,) = facesort("identify", picture, "--json").json()["photos"]
    assert photo["faces"][0]["verdict"] == "known"
    assert photo["faces"][0]["similarity"] > 0.85


def test_the_other_jobs_wait_and_compact_waits_for_them(scanned):
    with JobLock(_library() / "job.lock", "scan"):
        done = facesort("library", "compact", "--yes")
    assert done.code == LibraryLocked.exit_code
    assert _lengths() == {256: 80}


def test_an_index_of_the_old_vectors_is_gone(scanned):
    index = _library() / "index"
    index.mkdir(exist_ok=True)
    (index / "sface.hnsw").write_bytes(b"old")
    assert facesort("library", "compact", "--yes").code == 0
    assert not list(index.glob("*.hnsw"))


def test_a_full_disk_keeps_the_new_form_and_says_that_no_space_was_freed(scanned, monkeypatch):
    def full(self: object) -> None:
        raise LibraryUnwritable("no space left")

    monkeypatch.setattr("facesort.catalog.connection.Database.shrink", full)
    done = facesort("library", "compact", "--yes")
    assert done.code == 0
    assert "could not be made smaller: no space left" in done.err
    assert _lengths() == {128: 80}


def test_killed_at_any_moment_it_reads_the_same_and_goes_on_to_the_same_end(scanned, tmp_path):
    whole = shutil.copytree(_library(), tmp_path / "whole")
    assert _kill(whole, 10_000) == 0
    expected = dump(whole)
    ends = set()
    for moment in (1, 2, 5, 12):
        broken = shutil.copytree(_library(), tmp_path / f"broken{moment}")
        assert _kill(broken, moment) == KILLED
        ends.add(tuple(sorted(_lengths(broken).items())))
        database = open_database(broken, create=False)
        model = next(iter(vectors.models(database)))
        found = vectors.matrix(database, model).vectors
        database.close()
        database = open_database(whole, create=False)
        assert (found == vectors.matrix(database, model).vectors).all()
        database.close()
        with open_library(broken, create=False) as library:
            planned = library.plan_compact()
            assert planned.is_resumed
            library.compact(planned)
        assert dump(broken) == expected
    assert len(ends) == 4  # it was stopped in four different places


def _kill(library: Path, after: int) -> int:
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, str(library), str(after)],
        capture_output=True,
        text=True,
        check=False,
        cwd=REPOSITORY,
    )
    assert done.returncode in {0, KILLED}, done.stderr
    return done.returncode


def test_a_face_that_changes_its_companions_counts_once():
    before = dict.fromkeys("abcde", "p") | dict.fromkeys("fgh", "q")
    assert job.faces_moved(before, before) == 0  # type: ignore[arg-type]  # plain strings
    assert job.faces_moved(before, before | {"e": "q"}) == 1  # type: ignore[arg-type]
    renamed = {face: person * 2 for face, person in before.items()}
    assert job.faces_moved(before, renamed) == 0  # type: ignore[arg-type]
    assert job.faces_moved(before, dict.fromkeys("abcdefgh", "p")) == 3  # type: ignore[arg-type]
    without = {face: person for face, person in before.items() if face != "a"}
    assert job.faces_moved(before, without) == 1  # type: ignore[arg-type]
    assert job.faces_moved({}, {}) == 0

"""`library prune`: photos that were deleted are forgotten, and what was said of them is not."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

import pexpect
import pytest

from facesort.cli.render import Screen
from facesort.errors import LibraryLocked, UsageError
from facesort.files import JobLock
from tests.fakes import FakeModels, dump, jpeg, open_library, png
from tests.terminal import facesort

if TYPE_CHECKING:
    from facesort.jobs.scanning.prune import Pruning
    from facesort.jobs.scanning.scan import ScanReport


class Place:
    """A folder of photos with Anna on four and Bert on one, scanned and named; and its library."""

    def __init__(self, root: Path) -> None:
        self.photos, self.library = root / "photos", root / "library"
        self.models = FakeModels()
        for number in range(4):
            png(self.photos / f"{number}.png", "anna", number=number)
        jpeg(self.photos / "bert.jpg", "bert", number=9)
        self.scan()
        for path, name in (("0.png", "Anna"), ("bert.jpg", "Bert")):
            with open_library(self.library, self.models) as library:
                library.name(self.who(path)[0], name)

    def scan(self, *folders: Path) -> ScanReport:
        with open_library(self.library, self.models) as library:
            return library.scan(folders or [self.photos])

    def prune(self, *folders: Path) -> Pruning:
        with open_library(self.library, self.models) as library:
            return library.prune(library.plan_prune(folders))

    def who(self, name: str) -> list[str]:
        with open_library(self.library, self.models) as library:
            situation, photos = library.view()
        (photo,) = (p for p in photos.values() if self.photos / name in {q.path for q in p.places})
        owners = [situation.people.owners[f.id] for f in situation.faces.values()
                  if f.photo_id == photo.id]  # fmt: skip
        return [situation.people.by_id[o].name or o for o in owners if o]

    def people(self) -> dict[str | None, int]:
        with open_library(self.library, self.models) as library:
            return {p.name: p.photos for p in library.situation().people.by_id.values()}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    made = Place(tmp_path)
    monkeypatch.setenv("FACESORT_LIBRARY", str(made.library))
    return made


def test_a_missing_photo_is_forgotten_with_its_faces_and_decisions_stay(place):
    (place.photos / "0.png").unlink()
    assert place.scan().counts.missing == 1
    before = dump(place.library)
    done = place.prune()
    assert ([path.name for path in done.files], done.photos, done.faces) == (["0.png"], 1, 1)
    after = dump(place.library)
    for what in ("photos", "places", "faces", "vectors", "assignments"):
        assert len(after[what]) == len(before[what]) - 1, what
    for what in ("decisions", "spoken of", "people"):
        assert after[what] == before[what], what
    assert place.people() == {"Anna": 3, "Bert": 1}
    assert place.scan().counts.missing == 0


def test_a_forgotten_photo_that_comes_back_gets_its_names_again(place):
    away = place.photos.parent / "away.jpg"
    shutil.move(place.photos / "bert.jpg", away)
    place.scan()
    place.prune()
    assert place.people() == {"Anna": 4, "Bert": 0}
    shutil.move(away, place.photos / "again.jpg")
    assert place.scan().counts.new == 1
    assert place.who("again.jpg") == ["Bert"]
    assert place.people() == {"Anna": 4, "Bert": 1}


def test_export_ends_well_again_once_deleted_photos_are_forgotten(place, tmp_path):
    (place.photos / "0.png").unlink()
    place.scan()
    refused = facesort("export", tmp_path / "albums")
    assert refused.code == 40
    assert "facesort library prune" in refused.err
    assert facesort("library", "prune", "--yes").code == 0
    assert facesort("export", tmp_path / "albums").code == 0
    assert len(list((tmp_path / "albums" / "Anna").iterdir())) == 3


def test_a_culled_folder_is_accepted_when_it_is_named(place):
    for number in range(4):
        (place.photos / f"{number}.png").unlink()
    assert place.scan().counts.vanished == [str(place.photos)]
    assert place.prune().files == ()  # nothing is marked as missing
    done = facesort("library", "prune", place.photos, "--yes", "--json").json()
    assert (len(done["files"]), done["photos"], done["faces"]) == (4, 4, 4)
    counts = place.scan().counts
    assert (counts.vanished, counts.missing, counts.unchanged) == ([], 0, 1)
    assert place.people() == {"Anna": 0, "Bert": 1}


def test_the_scan_of_a_culled_folder_says_how_to_go_on(place, monkeypatch, capsys):
    from facesort.cli.scan import _show_scan

    for number in range(4):
        (place.photos / f"{number}.png").unlink()
    _show_scan(Screen(), place.scan())
    said = capsys.readouterr().err
    assert f"If you deleted them: facesort library prune {place.photos} --yes\n" in said


def test_everything_can_be_forgotten(place):
    shutil.rmtree(place.photos)
    with pytest.raises(UsageError, match="does not exist") as refused:
        place.prune(place.photos)
    assert str(place.photos.parent) in refused.value.hint
    place.prune(place.photos.parent)
    after = dump(place.library)
    assert not any(after[what] for what in ("photos", "places", "faces", "vectors", "assignments"))
    assert place.people() == {"Anna": 0, "Bert": 0}


def test_a_copy_that_is_left_keeps_the_photo(place):
    copy = place.photos / "copy.png"
    shutil.copy(place.photos / "0.png", copy)
    place.scan()
    (place.photos / "0.png").unlink()
    done = place.prune(place.photos)
    assert (len(done.files), done.photos, done.faces) == (1, 0, 0)
    assert place.who("copy.png") == ["Anna"]


def test_a_missing_photo_that_is_back_is_kept(place):
    away = place.photos.parent / "away.png"
    shutil.move(place.photos / "0.png", away)
    place.scan()
    with open_library(place.library, place.models) as library:
        planned = library.plan_prune([])
        assert planned.photos == 1
        shutil.move(away, place.photos / "0.png")
        assert library.prune(planned).files == ()
    assert place.who("0.png") == ["Anna"]


def test_what_vanishes_after_the_question_is_kept(place):
    (place.photos / "0.png").unlink()
    with open_library(place.library, place.models) as library:
        planned = library.plan_prune([place.photos])
        place.photos.rename(place.photos.parent / "unplugged")
        place.photos.mkdir()
        assert [path.name for path in library.prune(planned).files] == ["0.png"]
    assert len(dump(place.library)["photos"]) == 4


def test_other_folders_are_not_judged(place, tmp_path):
    other = tmp_path / "photos-other"  # its name begins alike
    png(other / "c.png", "cleo", number=20)
    place.scan(other)
    (other / "c.png").unlink()
    (place.photos / "0.png").unlink()
    assert [path.name for path in place.prune(place.photos).files] == ["0.png"]


def test_photos_that_lie_nowhere_any_more_are_forgotten_too(place):
    png(place.photos / "bert.jpg", "cleo", number=30)  # in the place of the old picture
    place.scan()
    assert len(dump(place.library)["photos"]) == 6
    done = place.prune()
    assert (done.files, done.photos, done.faces) == ((), 1, 1)
    assert len(dump(place.library)["photos"]) == 5


def test_cached_pictures_of_faces_go_too(place):
    crops = place.library / "cache" / "crops"
    crops.mkdir(parents=True)
    (crops / "x.webp").write_bytes(b"x")
    (place.photos / "0.png").unlink()
    place.prune(place.photos)
    assert not crops.exists()


def test_without_yes_and_nobody_to_ask_nothing_is_forgotten(place):
    (place.photos / "0.png").unlink()
    before = dump(place.library)
    refused = facesort("library", "prune", place.photos)
    assert refused.code == 2
    assert "1 photo with 1 face" in refused.err
    assert "--yes" in refused.err
    listed = facesort("library", "prune", place.photos, "--dry-run")
    assert (listed.code, listed.out) == (0, f"{place.photos / '0.png'}\n")
    assert dump(place.library) == before


def test_nothing_to_forget_is_fine(place):
    assert facesort("library", "prune", place.photos).code == 0
    assert facesort("library", "prune", place.photos, "--json").json() == {
        "files": [], "photos": 0, "faces": 0, "dry_run": False,
    }  # fmt: skip


@pytest.mark.parametrize(("answer", "left"), [("yes", 4), ("no", 5)])
def test_on_a_terminal_it_asks(place, answer, left):
    import sys

    from tests.terminal import REPOSITORY, environment

    (place.photos / "0.png").unlink()
    script = "from facesort.cli.app import main; main()"
    child = pexpect.spawn(
        sys.executable,
        ["-c", script, "library", "prune", str(place.photos)],
        env=environment(PYTHONPATH=str(REPOSITORY)),
        timeout=60,
        encoding="utf-8",
    )
    child.expect("Forget them")
    child.sendline(answer)
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    assert len(dump(place.library)["photos"]) == left


def test_it_waits_for_no_other_job_and_changes_nothing_beside_one(place):
    (place.photos / "0.png").unlink()
    before = dump(place.library)
    with JobLock(place.library / "job.lock", "scan"), pytest.raises(LibraryLocked):
        place.prune(place.photos)
    assert dump(place.library) == before


def test_it_is_one_commit_or_none(place):
    class Killed(BaseException):
        pass

    def kill() -> None:
        raise Killed

    (place.photos / "0.png").unlink()
    with pytest.raises(Killed), open_library(place.library, place.models, after_commit=kill) as lib:
        lib.prune(lib.plan_prune([place.photos]))
    after = dump(place.library)
    assert len(after["places"]) == len(after["photos"]) == len(after["faces"]) == 4
    with sqlite3.connect(place.library / "catalog.db") as connection:
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    connection.close()
    place.scan()  # groups what the killed one did not
    assert place.people() == {"Anna": 3, "Bert": 1}

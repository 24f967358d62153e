"""Scanning and looking where drives come and go, tags are corrected and two jobs meet."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
from collections import namedtuple
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from facesort.catalog.connection import translated
from facesort.catalog.opening import open_database
from facesort.errors import LibraryUnwritable, Unreadable
from facesort.imaging.crops import PhotoCrops
from facesort.imaging.decode import peek
from tests.fakes import (
    FakeModels,
    SilentProgress,
    dump,
    jpeg,
    open_library,
    png,
    tagged,
    with_segment,
)
from tests.terminal import facesort

if TYPE_CHECKING:
    from collections.abc import Callable

    from facesort.domain import Photo
    from facesort.jobs.scanning.scan import ScanReport


class World:
    """A folder of photos, a library, and fake models that count."""

    def __init__(self, root: Path) -> None:
        self.root, self.photos, self.library = root, root / "photos", root / "library"
        self.models, self.progress = FakeModels(), SilentProgress()

    def scan(self, *folders: Path) -> ScanReport:
        with open_library(self.library, self.models, progress=self.progress) as library:
            return library.scan(folders or [self.photos])

    def photo(self, path: Path) -> Photo:
        with open_library(self.library, self.models) as library:
            known = library.photos().values()
        (photo,) = (p for p in known if path in {place.path for place in p.places})
        return photo

    def roots(self) -> list[Path]:
        with open_library(self.library, self.models) as library:
            return library.roots()

    def name_everybody(self) -> None:
        with open_library(self.library, self.models) as library:
            for person in library.situation().people.by_id:
                library.name(person, f"Somebody {person}")


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    made = World(tmp_path)
    monkeypatch.setenv("FACESORT_LIBRARY", str(made.library))
    for number in range(3):
        jpeg(made.photos / f"{number}.jpg", "anna", "bert", number=number)
    made.scan()
    return made


def _rewrite(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 10_000_000))


def _with_exif(photo: bytes, *, taken: str = "", camera: str = "") -> bytes:
    """Return a JPEG with another EXIF block; the coded picture stays as it is."""
    exif = Image.Exif()
    if camera:
        exif[0x0110] = camera
    if taken:
        exif.get_ifd(0x8769)[0x9003] = taken
    return with_segment(photo, 0xE1, exif.tobytes())


# -- which folders are closed to albums ----------------------------------------------------------


def test_a_folder_without_photos_closes_no_destination(world):
    empty = world.root / "empty"
    empty.mkdir()
    assert world.scan(empty).counts.seen == 0
    assert world.roots() == [world.photos]
    world.name_everybody()
    assert facesort("export", empty).code == 0


def test_a_folder_of_albums_does_not_take_over_the_scanned_folder_inside(world):
    (world.root / "manifest.json").write_text('{"facesort": 1, "files": []}')
    before = dump(world.library)["places"]
    counts = world.scan(world.root).counts
    assert (counts.exported, counts.vanished, counts.missing) == ([str(world.root)], [], 0)
    assert world.roots() == [world.photos]
    assert dump(world.library)["places"] == before


def test_an_empty_folder_above_a_vanished_one_says_so_and_takes_over_nothing(world):
    drive = world.root / "drive"
    shutil.copytree(world.photos, drive / "backup")
    world.scan(drive / "backup")
    before = dump(world.library)
    shutil.rmtree(drive / "backup")
    counts = world.scan(drive).counts
    assert (counts.vanished, counts.missing) == ([str(drive)], 0)
    assert dump(world.library) == before


# -- failures of the system ----------------------------------------------------------------------


@pytest.fixture
def refusals(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """Let reading photos fail as a broken drive does, or work again."""
    real = Path.read_bytes

    def refuse(on: bool) -> None:
        def read_bytes(path: Path) -> bytes:
            if on and path.suffix == ".png":
                raise OSError(5, "Input/output error")
            return real(path)

        monkeypatch.setattr(Path, "read_bytes", read_bytes)

    return refuse


def test_what_the_system_refused_is_tried_at_every_scan(world, refusals):
    png(world.photos / "new.png", "cleo", number=8)
    refusals(True)
    for _ in range(2):
        counts = world.scan().counts
        assert (counts.failed, [reason for _, reason in counts.failures]) == (
            1, ["Input/output error"],
        )  # fmt: skip
    refusals(False)
    counts = world.scan().counts  # neither the file nor the version has changed
    assert (counts.failed, counts.new) == (0, 1)


def test_a_known_photo_that_could_not_be_read_once_keeps_its_faces(world, refusals):
    path = png(world.photos / "new.png", "cleo", number=8)
    faces = world.scan().faces
    os.utime(path, ns=(1, 1))
    refusals(True)
    report = world.scan()
    assert (report.counts.failed, report.faces) == (1, faces)
    refusals(False)
    looked = world.models.looked
    assert world.scan().counts.failed == 0
    assert world.models.looked == looked


# -- where the library lies ----------------------------------------------------------------------


def test_no_library_is_made_among_other_files(world):
    world.photos.chmod(0o755)
    before = sorted(world.photos.iterdir())
    with pytest.raises(LibraryUnwritable, match=r"holds other files \(0.jpg\)") as refused:
        open_library(world.photos)
    assert "new or empty folder" in refused.value.hint
    assert sorted(world.photos.iterdir()) == before
    assert stat.S_IMODE(world.photos.stat().st_mode) == 0o755


def test_a_library_is_made_again_beside_what_a_removed_catalog_left(world):
    (world.library / "catalog.db").unlink()
    (world.library / "cache").mkdir()
    (world.library / "index").mkdir()
    (world.library / "catalog-schema1-20260101T000000.backup.db").write_bytes(b"")
    assert (world.library / "job.lock").exists()
    world.models = FakeModels()
    assert world.scan().counts.new == 3


def test_an_empty_folder_becomes_a_library_that_only_its_owner_can_enter(tmp_path):
    (tmp_path / "made").mkdir(mode=0o755)
    open_database(tmp_path / "made", create=True).close()
    assert stat.S_IMODE((tmp_path / "made").stat().st_mode) == 0o700


def test_a_library_among_the_photos_is_advised_against_once(world):
    world.library = world.photos / "library"
    world.progress.notes.clear()
    assert world.scan(world.photos).counts.seen == 3
    (note,) = world.progress.notes
    assert "biometric" in note
    assert str(world.library) in note
    world.scan(world.photos)
    assert world.progress.notes == [note]


def test_a_library_elsewhere_is_no_matter(world):
    assert world.progress.notes == []


def test_a_failed_write_on_a_full_disk_speaks_of_space_and_otherwise_of_the_drive(
    tmp_path, monkeypatch
):
    usage = namedtuple("usage", "total used free")
    failed = sqlite3.OperationalError("disk I/O error")
    failed.sqlite_errorcode = sqlite3.SQLITE_IOERR_WRITE
    for free, said in ((900_000, "no space left"), (5_000_000, "disk I/O error")):
        monkeypatch.setattr(shutil, "disk_usage", lambda _, free=free: usage(10**9, 0, free))
        with pytest.raises(LibraryUnwritable, match=said), translated(tmp_path / "catalog.db"):
            raise failed


# -- corrected tags ------------------------------------------------------------------------------


def test_a_corrected_time_or_camera_is_taken_over_without_inference(world):
    path = world.photos / "0.jpg"
    plain = path.read_bytes()
    assert (world.photo(path).taken_at, world.photo(path).camera) == ("", "")
    looked = world.models.looked
    for taken, camera in (("2020:01:02 03:04:05", "X100"), ("2021:01:02 03:04:05", "X200")):
        _rewrite(path, _with_exif(plain, taken=taken, camera=camera))
        os.utime(path, (0, int(taken[:4])))
        world.scan()
        photo = world.photo(path)
        assert photo.taken_at == taken.replace(":", "-", 2).replace(" ", "T")
        assert photo.camera == camera
    assert world.models.looked == looked


def test_the_time_in_a_png_is_taken_over_too(world):
    path = world.photos / "new.png"
    exif = Image.Exif()
    exif[0x0110] = "X100"
    png(path, "cleo", number=8)
    world.scan()
    looked = world.models.looked
    exif.get_ifd(0x8769)[0x9003] = "2020:01:02 03:04:05"
    with Image.open(path) as picture:
        picture.save(path, exif=exif)
    os.utime(path, ns=(5, 5))
    assert world.scan().counts.changed == 1
    assert (world.photo(path).taken_at, world.models.looked) == ("2020-01-02T03:04:05", looked)


def test_a_copy_without_a_time_does_not_take_it_away_and_one_with_it_adds_it(world):
    path = world.photos / "0.jpg"
    plain = path.read_bytes()
    copy = world.photos / "copy.jpg"
    copy.write_bytes(_with_exif(plain, taken="2020:01:02 03:04:05", camera="X100"))
    world.scan()
    assert world.photo(path).taken_at == "2020-01-02T03:04:05"
    (world.photos / "stripped.jpg").write_bytes(plain)
    world.scan()
    assert world.photo(path).taken_at == "2020-01-02T03:04:05"


def test_a_photo_renamed_and_corrected_at_once_has_the_corrected_time(world):
    path, new = world.photos / "0.jpg", world.photos / "zero.jpg"
    plain = path.read_bytes()
    _rewrite(path, _with_exif(plain, taken="2020:01:02 03:04:05"))
    world.scan()
    path.unlink()
    new.write_bytes(_with_exif(plain, taken="2022:01:02 03:04:05"))
    assert world.scan().counts.moved == 1
    assert world.photo(new).taken_at == "2022-01-02T03:04:05"


def test_a_header_tells_time_and_camera(world):
    plain = (world.photos / "0.jpg").read_bytes()
    data = _with_exif(plain, taken="2020:01:02 03:04:05", camera="X100")
    header = peek(data, name="x", max_megapixels=10)
    assert (header.taken_at, header.camera) == ("2020-01-02T03:04:05", "X100")


def test_a_corrected_orientation_brings_a_new_picture_of_the_face(world):
    def cut() -> np.ndarray:
        with open_library(world.library, world.models) as library:
            situation, photos = library.view()
        crops = PhotoCrops(photos, world.library / "cache", max_megapixels=10)
        face = min(
            (f for f in situation.faces.values() if f.photo_id == world.photo(path).id),
            key=lambda f: f.box,
        )
        picture = crops.crop(face, 64)
        assert picture is not None
        return picture.astype(int)

    path = world.photos / "0.jpg"
    jpeg(path, "anna", "bert", number=50)
    os.utime(path, ns=(1, 1))
    world.scan()
    with Image.open(path) as picture:  # a mark that tells which way up a crop is
        marked = picture.copy()
    marked.paste((255, 255, 255), (20, 28, 80, 40))
    marked.save(path, quality=95)
    os.utime(path, ns=(2, 2))
    world.scan()
    before = cut()
    plain = path.read_bytes()
    _rewrite(path, tagged(plain, 3))
    world.scan()
    after = cut()
    assert np.abs(np.rot90(before, 2) - after).mean() < 5
    assert np.abs(before - after).mean() > 10
    assert np.abs(cut() - after).mean() < 5  # from the cache


# -- drives that come and go ---------------------------------------------------------------------


@pytest.fixture
def card(world: World) -> Path:
    """A memory card with the pictures of a second folder, scanned."""
    folder = world.root / "card"
    for number in (10, 11):
        jpeg(folder / f"{number}.jpg", "cleo", number=number)
    world.scan(folder)
    return folder


def test_a_copy_of_what_is_on_an_unplugged_card_is_a_copy(world, card):
    shutil.copytree(card, world.photos / "copied")
    card.rename(world.root / "unplugged")
    card.mkdir()  # the mount point stays
    counts = world.scan().counts
    assert (counts.copies, counts.moved) == (2, 0)
    card.rmdir()
    (world.root / "unplugged").rename(card)
    assert world.scan(card).counts.unchanged == 2


@pytest.mark.parametrize("left", ["nothing", "other files"])
def test_what_left_a_folder_that_is_no_empty_mount_point_was_moved(world, card, left):
    (world.photos / "moved").mkdir()
    for path in sorted(card.iterdir()):
        path.rename(world.photos / "moved" / path.name)
    if left == "nothing":
        card.rmdir()
    else:
        (card / "notes.txt").write_text("x")
    counts = world.scan().counts
    assert (counts.moved, counts.copies) == (2, 0)
    assert world.roots() == [world.photos]


# -- one moment ----------------------------------------------------------------------------------


def test_commands_that_show_faces_read_faces_and_photos_at_one_moment(world, monkeypatch):
    """A scan that changes both between the two readings must not be seen by half."""
    from facesort.catalog import places

    world.name_everybody()

    def slow(real):
        def slowly(*given):
            # Another process forgets every photo while this one is between its readings.
            with sqlite3.connect(world.library / "catalog.db") as other:
                other.execute("PRAGMA foreign_keys = ON")
                for table in ("places", "faces", "photos"):
                    other.execute(f"DELETE FROM {table}")
            other.close()
            return real(*given)

        return slowly

    monkeypatch.setattr(places, "photos", slow(places.photos))
    monkeypatch.setattr(places, "first_paths", slow(places.first_paths))
    whole = (world.library / "catalog.db").read_bytes()
    with open_library(world.library) as library:
        someone = next(iter(library.situation().people.by_id))
    for command in (
        ["faces"],
        ["show", someone],
        ["show", someone, "--json"],
        ["export", str(world.root / "albums")],
    ):
        done = facesort(*command)
        assert done.code == 0, done.err
        assert done.out
        for left in world.library.glob("catalog.db*"):
            left.unlink()
        (world.library / "catalog.db").write_bytes(whole)


def test_sheets_of_people_that_a_scan_has_changed_meanwhile_are_drawn_as_they_are_now(world):
    with open_library(world.library, world.models) as library:
        persons = list(library.situation().people.by_id.values())
        assert len(persons) == 2
        (world.photos / "2.jpg").unlink()
        library.prune(library.plan_prune([world.photos]))
        written = library.sheets(world.root / "sheets", [person.id for person in persons])
    assert len(written) == 2


# -- originals that cannot be exported -----------------------------------------------------------


def _missing(world: World) -> list[dict[str, str]]:
    done = facesort("export", world.root / "albums", "--json")
    assert done.code == 40
    missing = done.json()["missing"]
    assert isinstance(missing, list)
    return missing


def test_a_photo_marked_missing_is_named_by_its_full_path(world):
    world.name_everybody()
    (world.photos / "0.jpg").unlink()
    assert world.scan().counts.missing == 1
    (lost,) = _missing(world)
    assert lost == {
        "filename": str(world.photos / "0.jpg"),
        "reason": "the original is not there",
    }


def test_a_photo_that_became_unreadable_is_not_called_absent(world):
    world.name_everybody()
    path = world.photos / "0.jpg"
    _rewrite(path, path.read_bytes()[:300])
    assert world.scan().counts.failed == 1
    (lost,) = _missing(world)
    assert lost["filename"] == str(path)
    assert lost["reason"].startswith("it could not be read when it was scanned: ")


def test_a_photo_behind_a_closed_folder_is_not_called_absent(world, monkeypatch):
    world.name_everybody()
    real = os.stat

    def refuse(path, *args, **options):
        if str(path).endswith("0.jpg"):
            raise PermissionError(13, "Permission denied")
        return real(path, *args, **options)

    monkeypatch.setattr(os, "stat", refuse)
    (lost,) = _missing(world)
    assert lost["reason"] == "it cannot be looked at: Permission denied"


def test_a_refused_reading_says_the_systems_reason(tmp_path, refusals):
    from facesort.imaging.decode import read_file

    refusals(True)
    with pytest.raises(Unreadable, match="Input/output error"):
        read_file(png(tmp_path / "a.png", "anna"))

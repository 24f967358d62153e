from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facesort.domain import FaceId, PersonId
from facesort.errors import (
    DestinationOccupied,
    DestinationOverlaps,
    DestinationUnwritable,
    ExportError,
    LibraryLocked,
    Unreadable,
    UsageError,
)
from facesort.export import albums as albums_module
from facesort.export import apply as apply_module
from facesort.export.albums import export_albums, plan_albums, require_complete
from facesort.export.apply import ExportResult
from facesort.export.destination import (
    check_destination,
    check_outside,
    check_space,
    free_bytes,
)
from facesort.export.journal import JOURNAL_NAME, read_journal
from facesort.export.manifest import Mode, read_manifest
from facesort.export.operations import Missing
from facesort.export.survey import LOCK_NAME, recognise
from facesort.export.targets import Album, AlbumPhoto
from facesort.export.transfer import transfer
from facesort.files import JobLock

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX links and access rights")
ANY_MODE = pytest.mark.parametrize(
    "mode", [Mode.COPY, *([] if sys.platform == "win32" else [Mode.HARDLINK, Mode.SYMLINK])]
)


class Quiet:
    """A progress that remembers what it was told."""

    def __init__(self):
        self.done = 0
        self.total = None
        self.notes = []
        self.finished = 0

    def start(self, label, total, unit=""):
        self.total = total

    def advance(self, n=1):
        self.done += n

    def note(self, message):
        self.notes.append(message)

    def finish(self):
        self.finished += 1


@pytest.fixture
def photos(tmp_path):
    return Photos(tmp_path / "photos")


@pytest.fixture
def dest(tmp_path):
    return tmp_path / "albums"


class Photos:
    """A folder of originals; the content decides the key."""

    def __init__(self, root: Path):
        self.root = root

    def add(self, path: str, content: str = "", **more) -> AlbumPhoto:
        full = self.root / path
        full.parent.mkdir(parents=True, exist_ok=True)
        full.write_bytes((content or path).encode("utf-8", "surrogateescape") * 50)
        os.utime(full, ns=(10**18, 10**18 + len(path)))
        content_key = "jpeg:" + hashlib.sha256(full.read_bytes()).hexdigest()
        return AlbumPhoto(content_key, str(full), more.pop("filename", full.name), **more)

    def beside(self, path: str) -> str:
        return self.add(path).source or ""


def album(person: str, name: str | None, *photos: AlbumPhoto, named_at: int = 0) -> Album:
    return Album(PersonId(person), name, photos, named_at)


def export(dest: Path, *albums: Album, **more) -> ExportResult:
    return export_albums(
        albums, dest, library="lib", progress=more.pop("progress", Quiet()), **more
    )


def files(folder: Path) -> dict[str, bytes]:
    """Every file below a folder but the manifest, by relative path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if not path.is_dir() and path.name != "manifest.json"
    }


def everything(folder: Path) -> dict[str, tuple[int, int, int, bytes]]:
    """Paths, kinds, contents, inodes and times: what must not change when nothing is to be done."""
    return {
        str(path): (
            s.st_mode,
            s.st_ino,
            s.st_mtime_ns,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in sorted(folder.rglob("*"))
        for s in [path.lstat()]
    }


def manifest(dest: Path):
    found = read_manifest(dest, library="lib")
    assert found is not None
    return found


@ANY_MODE
def test_albums_are_written_and_originals_stay_bit_identical(photos, dest, mode):
    one = photos.add("2024/a.jpg")
    two = photos.add("2024/b.jpg")
    before = everything(photos.root)
    progress = Quiet()
    result = export(
        dest, album("p1", "Anna", one, two), album("p2", None, two), mode=mode, progress=progress
    )
    assert files(dest) == {
        "Anna/a.jpg": b"2024/a.jpg" * 50,
        "Anna/b.jpg": b"2024/b.jpg" * 50,
        "person-p2/b.jpg": b"2024/b.jpg" * 50,
    }
    assert (result.written, result.moved, result.removed, result.kept) == (3, 0, 0, 0)
    assert (progress.total, progress.done, progress.finished) == (3, 3, 1)
    assert everything(photos.root) == before
    assert sorted(p.name for p in dest.iterdir()) == ["Anna", "manifest.json", "person-p2"]
    assert bool(result.reported) == (mode is not Mode.COPY)


@ANY_MODE
def test_a_second_export_touches_not_one_byte(photos, dest, mode):
    a = album("p1", "Anna", photos.add("a.jpg", companions=(photos.beside("a.xmp"),)))
    export(dest, a, mode=mode)
    before = everything(dest)
    result = export(dest, a, mode=mode)
    assert (result.written, result.moved, result.removed, result.kept) == (0, 0, 0, 2)
    assert everything(dest) == before


def test_a_copy_keeps_the_time_and_the_right_to_be_changed(photos, dest):
    one = photos.add("a.jpg")
    Path(one.source).chmod(0o444)
    export(dest, album("p1", "Anna", one))
    copy = (dest / "Anna/a.jpg").stat()
    assert copy.st_mtime_ns == Path(one.source).stat().st_mtime_ns
    assert copy.st_mode & stat.S_IWUSR


@posix
def test_links_lead_to_the_original(photos, tmp_path):
    one = photos.add("a.jpg")
    export(tmp_path / "hard", album("p1", "Anna", one), mode=Mode.HARDLINK)
    assert (tmp_path / "hard/Anna/a.jpg").samefile(one.source)
    assert not (tmp_path / "hard/Anna/a.jpg").is_symlink()
    export(tmp_path / "soft", album("p1", "Anna", one), mode=Mode.SYMLINK)
    assert (tmp_path / "soft/Anna/a.jpg").readlink() == Path(one.source)


@posix
def test_a_hard_link_to_a_linked_original_is_to_the_real_file(photos, dest):
    real = photos.add("real.jpg")
    (photos.root / "link.jpg").symlink_to(real.source)
    linked = replace(real, source=str(photos.root / "link.jpg"), filename="link.jpg")
    export(dest, album("p1", "Anna", linked), mode=Mode.HARDLINK)
    assert not (dest / "Anna/link.jpg").is_symlink()
    assert export(dest, album("p1", "Anna", linked), mode=Mode.HARDLINK).kept == 1


@posix
def test_another_mode_renews_the_files(photos, dest):
    one = photos.add("a.jpg")
    before = everything(photos.root)
    for mode in (
        Mode.COPY,
        Mode.SYMLINK,
        Mode.HARDLINK,
        Mode.COPY,
        Mode.HARDLINK,
        Mode.SYMLINK,
        Mode.COPY,
    ):
        result = export(dest, album("p1", "Anna", one), mode=mode)
        assert result.written == 1
        assert (dest / "Anna/a.jpg").is_symlink() == (mode is Mode.SYMLINK)
        assert (dest / "Anna/a.jpg").samefile(one.source) == (mode is not Mode.COPY)
    assert {p: v[3] for p, v in everything(photos.root).items()} == {
        p: v[3] for p, v in before.items()
    }


def test_the_manifest_tells_what_why_and_from_where(photos, dest):
    one = photos.add("a.jpg", companions=(photos.beside("a.xmp"),), faces=(FaceId("f1"),))
    export(dest, album("p1", "Anna", one))
    text = (dest / "manifest.json").read_text("utf-8")
    assert text.lstrip("{ \n").startswith('"facesort": 1')
    value = json.loads(text)
    assert list(value) == [
        "facesort",
        "library",
        "created",
        "mode",
        "layout",
        "people",
        "files",
        "folders",
    ]
    assert value["people"] == [{"person": "p1", "name": "Anna", "folder": "Anna"}]
    assert value["folders"] == ["Anna"]
    first, second = value["files"]
    assert first["path"] == "Anna/a.jpg"
    assert first["sha256"] == hashlib.sha256(b"a.jpg" * 50).hexdigest()
    assert (first["size"], first["kind"], first["reason"]) == (250, "original", "shows Anna")
    assert (first["person"], first["photo"], first["source"]) == ("p1", one.content_key, one.source)
    assert first["faces"] == ["f1"]
    assert (second["kind"], second["reason"]) == ("companion", "goes with a.jpg")


# --- names


def test_difficult_names_are_written_and_stay_in_the_destination(photos, dest):
    names = [
        "../../x",
        "CON",
        "n" * 300,
        "👩‍👩‍👧",
        "ANNA",
        "anna",
        "Zoë",
        "Zoe\u0308",
        "manifest.json",
        "..",
        "a\udcffb",
    ]
    all_albums = [album(f"p{i}", name, photos.add(f"{i}.jpg")) for i, name in enumerate(names)]
    result = export(dest, *all_albums)
    assert result.written == len(names)
    written = files(dest)
    assert len({path.casefold() for path in written}) == len(names)
    assert all(len(part.encode()) <= 120 for path in written for part in path.split("/"))
    assert not (dest.parent.parent / "x").exists()
    assert sorted(p.name for p in dest.parent.iterdir()) == ["albums", "photos"]
    assert export(dest, *all_albums).kept == len(names)


@posix
def test_a_name_that_is_no_text_survives_the_manifest(photos, dest):
    one = photos.add("a\udcff.jpg")
    a = album("p1", "Anna", one)
    export(dest, a)
    assert list(files(dest)) == ["Anna/a_.jpg"]
    assert manifest(dest).files[0].source == one.source
    assert export(dest, a).kept == 1


def test_two_annas_get_two_folders(photos, dest):
    export(
        dest,
        album("p2", "Anna", photos.add("a.jpg"), named_at=9),
        album("p1", "Anna", photos.add("b.jpg"), named_at=4),
    )
    assert set(files(dest)) == {"Anna (p2)/a.jpg", "Anna/b.jpg"}


def test_photos_of_one_name_both_survive(photos, dest):
    one, two = photos.add("1/x.jpg"), photos.add("2/x.jpg")
    export(dest, album("p1", "Anna", one))
    assert list(files(dest)) == ["Anna/x.jpg"]
    result = export(dest, album("p1", "Anna", two, one))
    assert (result.written, result.moved) == (1, 1)
    assert sorted(files(dest).values()) == [b"1/x.jpg" * 50, b"2/x.jpg" * 50]
    assert all(len(name) == len("Anna/x-123456.jpg") for name in files(dest))


# --- re-export


@ANY_MODE
def test_renaming_a_person_moves_the_very_files_and_drops_the_empty_folder(photos, dest, mode):
    one = photos.add("a.jpg")
    export(dest, album("p1", "Anna", one), mode=mode)
    inode = (dest / "Anna/a.jpg").lstat().st_ino
    result = export(dest, album("p1", "Anne", one), mode=mode)
    assert (result.moved, result.written, result.removed) == (1, 0, 0)
    assert (dest / "Anne/a.jpg").lstat().st_ino == inode
    assert not (dest / "Anna").exists()
    assert manifest(dest).folders == ("Anne",)


def test_a_folder_with_a_strangers_file_outlives_the_rename(photos, dest):
    one = photos.add("a.jpg")
    export(dest, album("p1", "Anna", one))
    (dest / "Anna/notes.txt").write_text("mine")
    export(dest, album("p1", "Anne", one))
    assert set(files(dest)) == {"Anna/notes.txt", "Anne/a.jpg"}
    (dest / "Anna/notes.txt").unlink()
    export(dest, album("p1", "Anni", one))
    assert not (dest / "Anna").exists()


def test_a_folder_that_the_user_made_is_never_removed(photos, dest):
    (dest / "Anna").mkdir(parents=True)
    one = photos.add("a.jpg")
    export(dest, album("p1", "Anna", one))
    export(dest, album("p1", "Anne", one))
    assert (dest / "Anna").is_dir()


def test_a_photo_that_left_the_album_is_removed(photos, dest):
    one, two = photos.add("a.jpg"), photos.add("b.jpg")
    export(dest, album("p1", "Anna", one, two))
    result = export(dest, album("p1", "Anna", two))
    assert result.removed == 1
    assert list(files(dest)) == ["Anna/b.jpg"]
    assert export(dest).removed == 1
    assert [p.name for p in dest.iterdir()] == ["manifest.json"]


def test_files_swap_their_names(photos, dest):
    one, two, three = (photos.add(f"{n}.jpg", taken_at=f"2024-01-0{n}") for n in (1, 2, 3))
    export(dest, album("p1", "Anna", one, two, three), layout="{n}")
    turned = [replace(one, taken_at="2024-01-09"), two, three]
    result = export(dest, album("p1", "Anna", *turned), layout="{n}")
    assert files(dest) == {
        "001.jpg": b"2.jpg" * 50,
        "002.jpg": b"3.jpg" * 50,
        "003.jpg": b"1.jpg" * 50,
    }
    assert result.written == 0
    assert sorted(p.name for p in dest.iterdir()) == [
        "001.jpg",
        "002.jpg",
        "003.jpg",
        "manifest.json",
    ]
    assert {entry.path for entry in manifest(dest).files} == set(files(dest))


def test_an_edited_file_is_never_touched_and_is_reported(photos, dest):
    one, two = photos.add("a.jpg"), photos.add("b.jpg")
    export(dest, album("p1", "Anna", one, two))
    (dest / "Anna/a.jpg").write_bytes(b"edited")
    for _ in range(2):
        result = export(dest, album("p1", "Anna", one, two))
        assert (result.written, result.kept) == (0, 2)
        assert "Anna/a.jpg was changed" in result.reported[0]
    renamed = export(dest, album("p1", "Anne", one, two))
    assert files(dest)["Anna/a.jpg"] == b"edited"
    assert files(dest)["Anne/a.jpg"] == b"a.jpg" * 50
    assert "Anna/a.jpg was changed" in renamed.reported[0]


def test_an_edit_that_keeps_size_and_time_is_seen_before_a_file_is_moved_or_removed(photos, dest):
    one, two = photos.add("a.jpg"), photos.add("b.jpg")
    export(dest, album("p1", "Anna", one, two))
    for name in ("a.jpg", "b.jpg"):
        path = dest / "Anna" / name
        times = path.stat()
        path.write_bytes(b"x" * times.st_size)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    result = export(dest, album("p1", "Anne", one))
    assert (result.moved, result.removed, result.written) == (0, 0, 1)
    assert files(dest)["Anna/a.jpg"] == files(dest)["Anna/b.jpg"] == b"x" * 250
    assert files(dest)["Anne/a.jpg"] == b"a.jpg" * 50
    assert len(result.reported) == 2


def test_an_edit_that_keeps_size_and_time_is_seen_before_a_file_is_renewed(photos, dest):
    one = photos.add("a.jpg")
    export(dest, album("p1", "Anna", one))
    path = dest / "Anna/a.jpg"
    times = path.stat()
    path.write_bytes(b"x" * times.st_size)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    Path(one.source).write_bytes(b"new metadata")
    result = export(dest, album("p1", "Anna", one))
    assert result.written == 0
    assert path.read_bytes() == b"x" * 250
    assert "stays as it is" in result.reported[0]


def test_a_file_that_was_only_touched_is_still_ours(photos, dest):
    one = photos.add("a.jpg")
    export(dest, album("p1", "Anna", one))
    os.utime(dest / "Anna/a.jpg", ns=(1, 1))
    assert export(dest, album("p1", "Anna", one)).reported == ()
    assert export(dest, album("p1", "Anne", one)).moved == 1


def test_a_deleted_file_is_written_again(photos, dest):
    one = photos.add("a.jpg")
    export(dest, album("p1", "Anna", one))
    shutil.rmtree(dest / "Anna")
    assert export(dest, album("p1", "Anna", one)).written == 1
    assert list(files(dest)) == ["Anna/a.jpg"]


def test_a_changed_sidecar_is_renewed(photos, dest):
    one = photos.add("a.jpg", companions=(photos.beside("a.xmp"),))
    export(dest, album("p1", "Anna", one))
    (photos.root / "a.xmp").write_bytes(b"five stars")
    result = export(dest, album("p1", "Anna", one))
    assert (result.written, result.kept) == (1, 1)
    assert files(dest)["Anna/a.xmp"] == b"five stars"


@pytest.mark.parametrize("name", ["a.jpg", "A.JPG"])
def test_a_strangers_file_is_never_overwritten(photos, dest, name):
    (dest / "Anna").mkdir(parents=True)
    (dest / "Anna" / name).write_bytes(b"mine")
    one = photos.add("a.jpg")
    result = export(dest, album("p1", "Anna", one))
    assert files(dest)[f"Anna/{name}"] == b"mine"
    assert sorted(files(dest).values()) == sorted([b"mine", b"a.jpg" * 50])
    assert "is not facesort's" in result.reported[0]
    assert export(dest, album("p1", "Anna", one)).kept == 1
    (dest / "Anna" / name).unlink()
    assert export(dest, album("p1", "Anna", one)).moved == 1
    assert list(files(dest)) == ["Anna/a.jpg"]


def test_a_file_that_appears_during_the_export_is_not_overwritten(photos, dest, monkeypatch):
    one = photos.add("a.jpg")

    def intrude(source, temporary, mode):
        done = transfer(source, temporary, mode)
        (dest / "Anna/a.jpg").write_bytes(b"mine")
        return done

    monkeypatch.setattr(apply_module, "transfer", intrude)
    result = export(dest, album("p1", "Anna", one))
    assert files(dest) == {"Anna/a.jpg": b"mine"}
    assert "appeared meanwhile" in result.reported[0]
    monkeypatch.undo()
    assert export(dest, album("p1", "Anna", one)).written == 1
    assert files(dest)["Anna/a.jpg"] == b"mine"


def test_a_file_that_appears_at_the_end_of_a_move_is_not_overwritten(photos, dest, monkeypatch):
    one = photos.add("a.jpg")
    export(dest, album("p1", "Anna", one))
    real = recognise

    def intrude(path, entry, **more):
        (dest / "Anne").mkdir(exist_ok=True)
        (dest / "Anne/a.jpg").write_bytes(b"mine")
        return real(path, entry, **more)

    monkeypatch.setattr(apply_module, "recognise", intrude)
    result = export(dest, album("p1", "Anne", one))
    assert files(dest) == {"Anna/a.jpg": b"a.jpg" * 50, "Anne/a.jpg": b"mine"}
    assert "is taken" in result.reported[0]
    monkeypatch.undo()
    assert export(dest, album("p1", "Anne", one)).moved == 1
    assert len(files(dest)) == 2


# --- missing and unreadable originals


def test_a_missing_original_ends_in_40_and_neither_stops_nor_removes_anything(photos, dest):
    one, two = photos.add("a.jpg"), photos.add("b.jpg")
    export(dest, album("p1", "Anna", one))
    Path(one.source).unlink()
    result = export(dest, album("p1", "Anna", one, two))
    assert set(files(dest)) == {"Anna/a.jpg", "Anna/b.jpg"}
    assert (result.written, result.kept) == (1, 1)
    with pytest.raises(ExportError, match="1 original could not be exported") as caught:
        require_complete(result)
    assert caught.value.exit_code == 40
    assert one.source in caught.value.message
    renamed = export(dest, album("p1", "Anne", replace(one, source=None), two))
    assert set(files(dest)) == {"Anne/a.jpg", "Anne/b.jpg"}
    assert renamed.moved == 2


def test_a_photo_that_the_library_forgot_keeps_its_last_copy(photos, dest):
    one = photos.add("a.jpg")
    export(dest, album("p1", "Anna", one))
    Path(one.source).unlink()
    for _ in range(2):
        result = export(dest)
        assert result.removed == 0
        assert "last copy" in result.reported[0]
    assert list(files(dest)) == ["Anna/a.jpg"]


def test_a_complete_export_raises_nothing_and_a_long_list_is_shortened():
    require_complete(ExportResult())
    lost = tuple(Missing(f"k:{n}", f"{n}.jpg", "gone") for n in range(30))
    with pytest.raises(ExportError, match="and 20 more"):
        require_complete(ExportResult(missing=lost))


def test_an_unreadable_original_is_reported_and_the_rest_goes_on(photos, dest, monkeypatch):
    one, two = photos.add("a.jpg"), photos.add("b.jpg")

    def fail(source, temporary, mode):
        if source == one.source:
            raise Unreadable(f"{source} cannot be read", hint="The drive reports an error.")
        return transfer(source, temporary, mode)

    monkeypatch.setattr(apply_module, "transfer", fail)
    progress = Quiet()
    result = export(dest, album("p1", "Anna", one, two), progress=progress)
    assert list(files(dest)) == ["Anna/b.jpg"]
    assert [lost.photo for lost in result.missing] == [one.content_key]
    assert progress.notes == list(result.reported)


def test_a_copy_outlives_an_original_that_can_no_longer_be_read(photos, dest, monkeypatch):
    one = photos.add("a.jpg")
    export(dest, album("p1", "Anna", one))
    Path(one.source).write_bytes(b"changed")

    def fail(source, temporary, mode):
        raise Unreadable("no", hint="")

    monkeypatch.setattr(apply_module, "transfer", fail)
    export(dest, album("p1", "Anna", one))
    assert files(dest) == {"Anna/a.jpg": b"a.jpg" * 50}
    monkeypatch.undo()
    assert export(dest, album("p1", "Anna", one)).written == 1
    assert files(dest) == {"Anna/a.jpg": b"changed"}


@ANY_MODE
def test_an_original_that_vanishes_at_the_last_moment_is_unreadable(tmp_path, mode):
    with pytest.raises(Unreadable, match="cannot be read"):
        transfer(str(tmp_path / "gone.jpg"), tmp_path / "t", mode)
    with pytest.raises(Unreadable, match="cannot be read"):
        transfer(str(tmp_path), tmp_path / "t", mode)


@pytest.mark.skipif(sys.platform != "linux", reason="needs a file whose reading fails")
@pytest.mark.parametrize("mode", [Mode.COPY, Mode.HARDLINK])
def test_a_read_error_in_the_middle_is_the_originals_and_not_the_destinations(tmp_path, mode):
    with pytest.raises(Unreadable) as caught:
        transfer("/proc/self/mem", tmp_path / "t", mode)
    assert "hardware error" in caught.value.hint


def test_a_folder_is_no_original(photos, dest):
    one = photos.add("a.jpg")
    result = export(dest, album("p1", "Anna", replace(one, source=str(photos.root))))
    assert [lost.photo for lost in result.missing] == [one.content_key]


def test_an_original_that_changes_while_it_is_copied_is_not_trusted(tmp_path, monkeypatch):
    source = tmp_path / "a.jpg"
    source.write_bytes(b"a" * 100)
    real = os.fstat
    calls: list[os.stat_result] = []

    def grow_after_the_first_look(handle):
        calls.append(real(handle))
        if len(calls) == 1:
            source.write_bytes(b"b" * 300)
        return calls[-1]

    monkeypatch.setattr("facesort.export.transfer.os.fstat", grow_after_the_first_look)
    with pytest.raises(Unreadable, match="changed while"):
        transfer(str(source), tmp_path / "t", Mode.COPY)


def test_a_file_that_vanishes_between_looking_and_moving_is_written_or_listed(
    photos, dest, monkeypatch
):
    one, two, three = (photos.add(f"{n}.jpg") for n in "abc")
    export(dest, album("p1", "Anna", one, two, three))
    real = Quiet.start

    def vanish(self, *told):
        real(self, *told)
        for name in ("a.jpg", "b.jpg", "c.jpg"):
            (dest / "Anna" / name).unlink()
        Path(two.source).unlink()

    monkeypatch.setattr(Quiet, "start", vanish)
    result = export(dest, album("p1", "Anne", one, two))
    assert set(files(dest)) == {"Anne/a.jpg"}
    assert [lost.photo for lost in result.missing] == [two.content_key]
    assert (result.written, result.moved, result.removed) == (1, 0, 0)


# --- the destination


def test_a_dry_run_changes_nothing_at_all(photos, dest):
    a = album("p1", "Anna", photos.add("a.jpg"))
    plan = plan_albums([a], dest, library="lib")
    assert plan.targets == ("Anna/a.jpg",)
    assert not dest.exists()
    export(dest, a)
    before = everything(dest)
    assert plan_albums([replace(a, name="Anne")], dest, library="lib").targets == ("Anne/a.jpg",)
    assert everything(dest) == before


@pytest.mark.parametrize(
    "inside", ["photos", "photos/albums", "photos/new/deep", "photos/../photos/x"]
)
def test_a_destination_inside_a_scanned_folder_is_refused(photos, tmp_path, inside):
    photos.add("a.jpg")
    with pytest.raises(DestinationOverlaps) as caught:
        check_destination(tmp_path / inside, [tmp_path / "other", photos.root])
    assert caught.value.exit_code == 42
    assert not (tmp_path / "photos/albums").exists()


@posix
def test_a_destination_behind_a_link_into_a_scanned_folder_is_refused(photos, tmp_path):
    photos.add("a.jpg")
    (tmp_path / "link").symlink_to(photos.root)
    with pytest.raises(DestinationOverlaps):
        export(tmp_path / "link/albums", scanned_roots=[photos.root])


def test_a_destination_around_a_scanned_folder_is_refused(photos, tmp_path):
    # The next scan of it would stay out, because it holds albums.
    one = photos.add("sub/a.jpg")
    before = everything(tmp_path)
    for root in (photos.root, photos.root / "sub"):
        with pytest.raises(DestinationOverlaps, match="contains") as caught:
            export(tmp_path, album("p1", "Anna", one), scanned_roots=[root])
        assert str(root) in caught.value.message
        assert caught.value.hint
    assert everything(tmp_path) == before


def test_a_destination_inside_the_library_is_refused_and_one_around_it_is_not(photos, tmp_path):
    library = tmp_path / "home" / "library"
    library.mkdir(parents=True)
    for dest in (library, library / "albums"):
        with pytest.raises(DestinationOverlaps, match="keeps its library"):
            export(dest, scanned_roots=[photos.root], library_folder=library)
    one = photos.add("a.jpg")
    result = export(
        library.parent,
        album("p1", "Anna", one),
        scanned_roots=[photos.root],
        library_folder=library,
    )
    assert result.written == 1


def test_sheets_may_go_beside_the_photos_but_not_among_them(photos, tmp_path):
    check_outside(tmp_path, [photos.root], None)
    check_outside(tmp_path / "new", [photos.root], tmp_path / "library")
    with pytest.raises(DestinationOverlaps):
        check_outside(photos.root / "sheets", [photos.root], None)


def test_a_destination_that_no_system_can_follow_is_unwritable(photos, tmp_path):
    with pytest.raises(DestinationUnwritable, match="cannot be looked at") as refused:
        check_destination(tmp_path / ("a" * 5000), [photos.root])
    assert "too long" in refused.value.hint


def test_a_file_cannot_be_a_destination(photos, tmp_path):
    (tmp_path / "f").write_bytes(b"")
    with pytest.raises(UsageError, match="is a file"):
        export(tmp_path / "f")
    with pytest.raises(DestinationUnwritable, match="cannot be"):
        export(tmp_path / "f" / "below")


def test_a_wrong_layout_makes_no_folder(dest):
    with pytest.raises(UsageError):
        export(dest, layout="{nonsense}")
    assert not dest.exists()


@posix
def test_a_linked_album_folder_does_not_lead_out_of_the_destination(photos, dest, tmp_path):
    one = photos.add("a.jpg")
    (tmp_path / "elsewhere").mkdir()
    dest.mkdir()
    (dest / "Anna").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DestinationOverlaps, match="is a link"):
        export(dest, album("p1", "Anna", one))
    assert list((tmp_path / "elsewhere").iterdir()) == []


@posix
def test_nothing_is_removed_through_a_link(photos, dest, tmp_path):
    one = photos.add("a.jpg")
    export(dest, album("p1", "Anna", one))
    (dest / "Anna").rename(tmp_path / "elsewhere")
    (dest / "Anna").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DestinationOverlaps):
        export(dest, album("p1", "Anne", one))
    assert (tmp_path / "elsewhere/a.jpg").exists()


def test_a_file_in_an_albums_place_is_named(photos, dest):
    dest.mkdir()
    (dest / "Anna").write_bytes(b"mine")
    with pytest.raises(DestinationOccupied, match="must be"):
        export(dest, album("p1", "Anna", photos.add("a.jpg")))
    assert (dest / "Anna").read_bytes() == b"mine"


def test_the_destination_of_another_library_is_refused(photos, dest):
    a = album("p1", "Anna", photos.add("a.jpg"))
    export(dest, a)
    before = everything(dest)
    with pytest.raises(DestinationOccupied) as caught:
        export_albums([], dest, library="other", progress=Quiet())
    assert caught.value.exit_code == 41
    assert caught.value.hint
    assert everything(dest) == before


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", ExportError),
        (b'{"facesort": 1', ExportError),
        (b'{"facesort": 1, "library": "lib"}', ExportError),
        (b'{"facesort": "x"}', ExportError),
        (b'{"facesort": 99}', ExportError),
        (b'{ "name": "my web app" }', DestinationOccupied),
        (b"\xff\xfe binary", DestinationOccupied),
    ],
)
def test_a_damaged_or_foreign_manifest_stops_the_export_and_removes_nothing(
    photos, dest, content, error
):
    a = album("p1", "Anna", photos.add("a.jpg"))
    export(dest, a)
    (dest / "manifest.json").write_bytes(content)
    before = everything(dest)
    with pytest.raises(error) as caught:
        export(dest, album("p1", "Anne", *a.photos))
    assert caught.value.hint
    assert everything(dest) == before


@pytest.mark.parametrize(
    "path", ["../photos/a.jpg", "/etc/passwd", "C:/x", "Anna/../../x", "a\\b", ""]
)
def test_a_manifest_cannot_send_facesort_out_of_the_destination(photos, dest, path):
    export(dest, album("p1", "Anna", photos.add("a.jpg")))
    value = json.loads((dest / "manifest.json").read_bytes())
    value["files"][0]["path"] = path
    (dest / "manifest.json").write_text(json.dumps(value))
    with pytest.raises(ExportError, match="damaged"):
        export(dest)
    assert (photos.root / "a.jpg").exists()


def test_a_second_export_into_one_destination_is_refused(photos, dest):
    dest.mkdir()
    with (
        JobLock(dest / LOCK_NAME, "export"),
        pytest.raises(LibraryLocked, match="an export started"),
    ):
        export(dest, album("p1", "Anna", photos.add("a.jpg")))


def test_too_little_space_is_said_before_the_first_byte(photos, dest, monkeypatch):
    one = photos.add("a.jpg")
    plan = plan_albums([album("p1", "Anna", one)], dest, library="lib")
    check_space(plan, dest, lambda _: 250)
    with pytest.raises(DestinationUnwritable, match=r"need 0\.0 MB") as caught:
        check_space(plan, dest, lambda _: 249)
    assert caught.value.exit_code == 43
    check_space(replace(plan, mode=Mode.HARDLINK), dest, lambda _: 0)
    monkeypatch.setattr(albums_module, "free_bytes", lambda _: 0)
    with pytest.raises(DestinationUnwritable):
        export(dest, album("p1", "Anna", one))
    assert not dest.exists()


def test_the_room_for_a_folder_that_is_not_there_yet_is_its_drives(tmp_path):
    assert free_bytes(tmp_path / "not" / "yet") > 0


def test_a_drive_that_fills_up_leaves_no_half_file_and_the_next_export_goes_on(
    photos, dest, monkeypatch
):
    one, two = photos.add("a.jpg"), photos.add("b.jpg")

    def full(source, temporary, mode):
        if source == two.source:
            temporary.write_bytes(b"half")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(temporary))
        return transfer(source, temporary, mode)

    monkeypatch.setattr(apply_module, "transfer", full)
    with pytest.raises(DestinationUnwritable, match="No space left") as caught:
        export(dest, album("p1", "Anna", one, two))
    assert "no space left" in caught.value.hint
    assert [path for path in files(dest) if "facesort" not in path] == ["Anna/a.jpg"]
    monkeypatch.undo()
    result = export(dest, album("p1", "Anna", one, two))
    assert (result.written, result.kept) == (1, 1)
    assert list(files(dest)) == ["Anna/a.jpg", "Anna/b.jpg"]


@posix
def test_a_read_only_destination_is_said_so(photos, dest):
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    dest.mkdir(mode=0o500)
    with pytest.raises(DestinationUnwritable) as caught:
        export(dest, album("p1", "Anna", photos.add("a.jpg")))
    assert "Permission is denied" in caught.value.hint


@posix
@pytest.mark.parametrize("number", [errno.EXDEV, errno.EPERM])
def test_a_drive_without_links_is_said_so(photos, dest, monkeypatch, number):
    def refuse(self, target):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    with pytest.raises(DestinationUnwritable, match="no hard link") as caught:
        export(dest, album("p1", "Anna", photos.add("a.jpg")), mode=Mode.HARDLINK)
    assert "--mode copy" in caught.value.hint
    monkeypatch.undo()
    assert export(dest, album("p1", "Anna", photos.add("a.jpg"))).written == 1


def test_a_manifest_or_journal_that_cannot_be_read_is_said_so(dest):
    for name in ("manifest.json", JOURNAL_NAME):
        (dest / name).mkdir(parents=True)
        with pytest.raises(DestinationUnwritable, match="cannot be read"):
            export(dest)
        (dest / name).rmdir()


def test_an_album_file_replaced_by_a_folder_or_another_link_is_the_users(photos, dest):
    one, two = photos.add("a.jpg"), photos.add("b.jpg")
    export(dest, album("p1", "Anna", one, two))
    (dest / "Anna/a.jpg").unlink()
    (dest / "Anna/a.jpg").mkdir()
    (dest / "Anna/b.jpg").unlink()
    if sys.platform != "win32":
        (dest / "Anna/b.jpg").symlink_to(one.source)
    before = everything(dest / "Anna")
    result = export(dest)
    assert result.removed == 0
    assert everything(dest / "Anna") == before


def test_a_respelled_file_is_still_ours(photos, dest, monkeypatch):
    """Some drives return other names than they were given (case, Unicode form)."""
    one = photos.add("a.jpg")
    export(dest, album("p1", "Anna", one))
    # A hard link stands for the second spelling of one file.
    (dest / "ANNA").mkdir()
    (dest / "ANNA/A.JPG").hardlink_to(dest / "Anna/a.jpg")
    (dest / "ANNA/b.jpg").write_bytes(b"mine")
    result = export(dest, album("p1", "Anna", one, photos.add("b.jpg")))
    assert (result.kept, result.written) == (1, 1)
    assert "Anna/a.jpg" in files(dest)
    assert files(dest)["ANNA/b.jpg"] == b"mine"


# --- the journal


def test_a_torn_or_strange_journal_line_is_passed_over(photos, dest):
    a = album("p1", "Anna", photos.add("a.jpg"))
    export(dest, a)
    lines = [
        "",
        "[]",
        "null",
        '{"library": "lib"}',
        '{"folder": "../x"}',
        '{"write": {}, "temporary": "Anna/a.jpg"}',
        '{"done": {"path": 1}}',
        '{"move": {"pa',
    ]
    (dest / JOURNAL_NAME).write_text("\n".join(lines))
    recovered = read_journal(dest, library="lib")
    assert recovered.present
    assert (recovered.entries, recovered.temporaries, recovered.folders) == ([], set(), set())
    assert export(dest, a).kept == 1
    assert not (dest / JOURNAL_NAME).exists()


def test_a_journal_cannot_have_a_strangers_file_swept(photos, dest):
    a = album("p1", "Anna", photos.add("a.jpg"))
    export(dest, a)
    entry = json.loads((dest / "manifest.json").read_bytes())["files"][0]
    (dest / "mine.txt").write_bytes(b"mine")
    for bad in ("mine.txt", "../photos/a.jpg", "/etc/passwd"):
        line = json.dumps({"write": entry, "temporary": bad})
        (dest / JOURNAL_NAME).write_text(line + "\n")
        export(dest, a)
    assert files(dest) == {"Anna/a.jpg": b"a.jpg" * 50, "mine.txt": b"mine"}
    assert (photos.root / "a.jpg").exists()


def test_an_unfinished_export_of_another_library_is_refused(dest):
    dest.mkdir()
    (dest / JOURNAL_NAME).write_text('\n{"journal": 1, "library": "other"}\n')
    with pytest.raises(DestinationOccupied, match="did not finish"):
        export(dest)


def test_a_long_export_syncs_its_journal_on_the_way(photos, dest, monkeypatch):
    many = [photos.add(f"{n}.jpg") for n in range(70)]
    monkeypatch.setattr("facesort.export.journal._SYNC_EVERY", 32)
    assert export(dest, album("p1", "Anna", *many)).written == 70


@posix
def test_the_lock_is_never_taken_through_a_link(photos, dest, tmp_path):
    dest.mkdir()
    (tmp_path / "target").write_bytes(b"mine")
    (dest / LOCK_NAME).symlink_to(tmp_path / "target")
    with pytest.raises(DestinationUnwritable, match="cannot be written"):
        export(dest, album("p1", "Anna", photos.add("a.jpg")))
    assert (tmp_path / "target").read_bytes() == b"mine"


@posix
def test_a_journal_is_never_written_through_a_link(photos, dest, tmp_path):
    dest.mkdir()
    (tmp_path / "target").write_bytes(b"")
    (dest / JOURNAL_NAME).symlink_to(tmp_path / "target")
    with pytest.raises(DestinationUnwritable):
        export(dest, album("p1", "Anna", photos.add("a.jpg")))
    assert (tmp_path / "target").read_bytes() == b""


# Runs in a process of its own: for every step of an export, a child is killed right there, and a
# second export must leave what an undisturbed one leaves.
KILLER = """
import json, os, shutil, sys
from dataclasses import replace
from pathlib import Path
from facesort.domain import PersonId
from facesort.export import albums as module
from facesort.export.albums import export_albums
from facesort.export.apply import apply_plan
from facesort.export.manifest import Mode
from facesort.export.targets import Album, AlbumPhoto

root, mode = Path(sys.argv[1]), Mode(sys.argv[2])

class Quiet:
    def start(self, *a): pass
    def advance(self, n=1): pass
    def note(self, m): pass
    def finish(self): pass

def original(name, taken="", companions=()):
    path = root / "photos" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.write_bytes(name.encode() * 99)
    return AlbumPhoto("jpeg:" + name.encode().hex() * 8, str(path), path.name, taken,
                      companions=tuple(str(root / "photos" / c) for c in companions))

original("1/a.xmp")
a, b, c, d = (original("1/a.jpg", "2024-01-01", ("1/a.xmp",)), original("2/a.jpg", "2024-01-02"),
              original("c.jpg", "2024-01-03"), original("d.jpg", "2024-01-04"))
anna, ben = PersonId("p1"), PersonId("p2")
FIRST = [Album(anna, "Anna", (a, c)), Album(ben, "Ben", (c, d))]
# A rename, a clash, a new photo, a photo that leaves, and two files that swap their numbers.
SECOND = [Album(anna, "Anne", (a, b, c)), Album(ben, "Ben", (replace(d, taken_at="2023-01-01"), c))]
LAYOUT = "{person}/{n}/{filename}"

def export(dest, albums, layout):
    return export_albums(albums, dest, library="lib", progress=Quiet(), mode=mode, layout=layout)

def tree(dest):
    entries = {}
    for path in sorted(dest.rglob("*")):
        name = path.relative_to(dest).as_posix()
        if name == "manifest.json":
            value = json.loads(path.read_bytes())
            value["created"] = ""
            for file in value["files"]:
                # Links have times of their own, and so has a file that was begun once more.
                file["mtime_ns"] = 0
            entries[name] = value
        elif path.is_symlink():
            entries[name] = "-> " + os.readlink(path)
        else:
            entries[name] = path.read_bytes().decode() if path.is_file() else "folder"
    return entries

def killed_at(number):
    count = 0
    def step(label):
        nonlocal count
        count += 1
        if count == number:
            os._exit(9)
    return step

def run(before, layout_before, after, layout):
    def prepare(dest):
        if before:
            export(dest, before, layout_before)
    reference = root / "reference"
    prepare(reference)
    export(reference, after, layout)
    expected = tree(reference)
    shutil.rmtree(reference)
    number = 0
    while True:
        number += 1
        dest = root / "albums"
        prepare(dest)
        child = os.fork()
        if child == 0:
            module.apply_plan = lambda *a, **k: apply_plan(*a, **k, step=killed_at(number))
            export(dest, after, layout)
            os._exit(0)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert status in (0, 9), status
        if status == 9:
            again = export(dest, after, layout)
            assert not again.missing and not [r for r in again.reported if "link" not in r], again
        got = tree(dest)
        assert got == expected, (number, got, expected)
        quiet = export(dest, after, layout)
        assert quiet.written + quiet.moved + quiet.removed == 0, quiet
        shutil.rmtree(dest)
        if status == 0:
            return number

steps = [run([], "", FIRST, "{person}/{filename}"),
         run(FIRST, "{person}/{filename}", SECOND, "{person}/{filename}"),
         run(FIRST, "{person}/{n}", SECOND, "{person}/{n}"),
         run(FIRST, LAYOUT, SECOND, "{filename}"),
         run(FIRST, "{n}{ext}", [], "{n}{ext}")]
print(json.dumps(steps))
"""


@posix
@pytest.mark.parametrize("mode", ["copy", "hardlink", "symlink"])
def test_an_export_killed_at_any_step_and_run_again_ends_as_if_it_had_not_been(tmp_path, mode):
    done = subprocess.run(
        [sys.executable, "-c", KILLER, str(tmp_path), mode],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    steps = json.loads(done.stdout)
    assert min(steps) > 5
    assert sum(steps) > 60


# --- for all albums

CONTENTS = st.integers(0, 5)
ALBUMS = st.lists(
    st.tuples(
        st.sampled_from(["p1", "p2", "p3"]),
        st.sampled_from(["Anna", "ANNA", "../x", "CON", "Zoë", "Zoe\u0308", None]),
        st.lists(st.tuples(CONTENTS, st.booleans()), max_size=4),
    ),
    max_size=3,
    unique_by=lambda a: a[0],
)
LAYOUTS = st.sampled_from(
    ["{person}/{filename}", "{n}", "{filename}", "{year}/{person} {stem}.{ext}"]
)
MODES = st.sampled_from(list(Mode) if sys.platform != "win32" else [Mode.COPY])


@settings(max_examples=40, deadline=None)
@given(
    before=ALBUMS, now=ALBUMS, layouts=st.tuples(LAYOUTS, LAYOUTS), modes=st.tuples(MODES, MODES)
)
def test_applied_and_planned_again_nothing_is_left_to_do(
    tmp_path_factory, before, now, layouts, modes
):
    root = tmp_path_factory.mktemp("export")
    photos = Photos(root / "photos")
    # Contents 0-2 and 3-5 share their names, so that they clash.
    known = {n: photos.add(f"{n}/{n % 3}.jpg", taken_at=f"202{n}-01-01") for n in range(6)}
    sidecars = {n: photos.beside(f"{n}/{n % 3}.xmp") for n in range(6)}
    originals = everything(photos.root)

    def build(drawn):
        return [
            album(
                person,
                name,
                *(replace(known[n], companions=(sidecars[n],) if xmp else ()) for n, xmp in chosen),
            )
            for person, name, chosen in drawn
        ]

    dest = root / "albums"
    export(dest, *build(before), layout=layouts[0], mode=modes[0])
    (dest / "mine.txt").write_bytes(b"mine")
    export(dest, *build(now), layout=layouts[1], mode=modes[1])
    plan = plan_albums(build(now), dest, library="lib", layout=layouts[1], mode=modes[1])
    assert plan.changes == ()
    listed = {entry.path for entry in manifest(dest).files}
    assert set(files(dest)) == listed | {"mine.txt"}
    assert {
        Path(p).name for p in map(str, dest.rglob("*")) if Path(p).name.startswith(".")
    } == set()
    wanted = {n for _, _, chosen in now for n, _ in chosen}
    shown = {entry.photo for entry in manifest(dest).files}
    assert shown == {known[n].content_key for n in wanted}
    assert everything(photos.root) == originals
    shutil.rmtree(root)

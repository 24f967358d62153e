"""Libraries on drives that several computers share: seen, told once, and nothing is lost."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from facesort.catalog import drive, opening
from facesort.catalog.connection import CATALOG_NAME
from facesort.catalog.opening import open_database
from facesort.errors import LibraryDamaged
from facesort.jobs.viewing import tell_if_shared
from tests.weights import SilentProgress

MOUNTINFO = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:40 / /mnt/my\\040nas rw,relatime shared:2 - nfs4 nas:/photos rw,vers=4.2
31 22 0:41 / /home/anna/share rw - cifs //nas/anna rw
32 31 0:42 / /home/anna/share/usb rw - fuseblk /dev/sdb1 rw
33 22 0:43 / /twice rw - nfs nas:/old rw
34 33 8:2 / /twice rw - xfs /dev/sdc1 rw
a line that nobody knows
"""
MAC = """\
/dev/disk3s1s1 on / (apfs, sealed, local, read-only, journaled)
map auto_home on /System/Volumes/Data/home (autofs, automounted, nobrowse)
//anna@nas/my (old) photos on /Volumes/my (old) photos (smbfs, nodev, nosuid, mounted by anna)
/dev/disk4s2 on /Volumes/CARD (msdos, local, nodev)
"""


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        ("/home/bert/library", "ext4"),
        ("/mnt/my nas", "nfs4"),
        ("/mnt/my nas/deep/library", "nfs4"),
        ("/mnt/my nas too/library", "ext4"),
        ("/home/anna/share/library", "cifs"),
        ("/home/anna/share/usb/library", "fuseblk"),
        ("/twice/library", "xfs"),
    ],
)
def test_the_drive_of_a_folder_is_what_is_mounted_nearest_above_it(place, kind):
    assert drive._kind_of(Path(place), drive._from_mountinfo(MOUNTINFO)) == kind


def test_what_a_mac_has_mounted_is_read_too():
    mounted = drive._from_mount(MAC)
    assert mounted["/"] == "apfs"
    assert drive._kind_of(Path("/Volumes/my (old) photos/library"), mounted) == "smbfs"
    assert drive._kind_of(Path("/Volumes/CARD/library"), mounted) == "msdos"


@pytest.mark.parametrize(("kind", "shared"), [("nfs4", True), ("fuse.sshfs", True), ("xfs", False)])
def test_only_drives_of_other_computers_are_shared(tmp_path, monkeypatch, kind, shared):
    monkeypatch.setattr(drive, "_mounted", lambda: {"/": kind})
    monkeypatch.setattr(sys, "platform", "linux")
    assert drive.shared_drive(tmp_path) == (kind if shared else None)


def test_a_system_that_tells_nothing_has_no_shared_drives(tmp_path, monkeypatch):
    monkeypatch.setattr(drive, "_mounted", dict)
    monkeypatch.setattr(sys, "platform", "linux")
    assert drive.shared_drive(tmp_path) is None


@pytest.fixture
def on_a_nas(monkeypatch):
    monkeypatch.setattr(opening, "shared_drive", lambda folder: "nfs4")


def test_a_library_on_a_shared_drive_needs_no_shared_memory(tmp_path, on_a_nas):
    database = open_database(tmp_path, create=True)
    with database.transaction():
        database.set_meta("one", "1")
    assert database.drive == "nfs4"
    assert database.rows("PRAGMA journal_mode") == [("delete",)]
    assert database.rows("PRAGMA synchronous") == [(2,)]
    assert not list(tmp_path.glob("*-wal")) + list(tmp_path.glob("*-shm"))
    database.close()


def _copy_with_log(source: Path, target: Path) -> None:
    """Copy a library that is in use: most of it is in the write-ahead log."""
    target.mkdir()
    for name in (CATALOG_NAME, CATALOG_NAME + "-wal"):
        (target / name).write_bytes((source / name).read_bytes())


def test_what_is_in_the_write_ahead_log_of_a_library_moved_to_a_shared_drive_is_kept(
    tmp_path, monkeypatch
):
    local = open_database(tmp_path / "local", create=True)
    with local.transaction():
        local.set_meta("said", "Anna")
    _copy_with_log(tmp_path / "local", tmp_path / "nas")
    local.close()
    with monkeypatch.context() as nas:
        nas.setattr(opening, "shared_drive", lambda folder: "cifs")
        moved = open_database(tmp_path / "nas", create=False)
        assert moved.meta("said") == "Anna"
        assert moved.rows("PRAGMA journal_mode") == [("delete",)]
        assert moved.rows("PRAGMA locking_mode") == [("normal",)]
        other = open_database(tmp_path / "nas", create=False)  # nobody holds it alone
        with other.transaction():
            other.set_meta("said", "Bert")
        assert moved.meta("said") == "Bert"
        other.close()
        moved.close()
    back = open_database(tmp_path / "nas", create=False)
    assert back.rows("PRAGMA journal_mode") == [("wal",)]
    assert back.meta("said") == "Bert"
    back.close()


def test_the_user_is_told_once_what_a_shared_drive_means(tmp_path, on_a_nas):
    told: list[str] = []

    class Told(SilentProgress):
        def note(self, message: str) -> None:
            told.append(message)

    for _ in range(2):
        database = open_database(tmp_path, create=True)
        tell_if_shared(database, Told())
        database.close()
    (message,) = told
    assert "network or shared drive (nfs4)" in message
    assert "--library" in message


def test_two_who_write_on_a_shared_drive_wait_for_each_other(tmp_path, on_a_nas):
    open_database(tmp_path, create=True).close()

    def write(name: str) -> None:
        database = open_database(tmp_path, create=False)
        for number in range(25):
            with database.transaction():
                before = database.meta("log")
                database.set_meta("log", f"{before} {name}{number}")
        database.close()

    threads = [threading.Thread(target=write, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    database = open_database(tmp_path, create=False)
    assert len(database.meta("log").split()) == 50
    database.close()


# -- files that are not whole --------------------------------------------------------------------


def test_a_catalog_cut_to_nothing_is_not_taken_for_a_new_one(tmp_path):
    open_database(tmp_path, create=True).close()
    (tmp_path / CATALOG_NAME).write_bytes(b"")
    with pytest.raises(LibraryDamaged, match="is empty") as damaged:
        open_database(tmp_path, create=False)
    assert damaged.value.exit_code == 17
    assert "scan your photos again" in damaged.value.hint
    (tmp_path / "catalog-schema1-20260101T000000.backup.db").write_bytes(b"SQLite")
    with pytest.raises(LibraryDamaged, match="is empty") as damaged:
        open_database(tmp_path, create=True)
    assert "catalog-schema1-20260101T000000.backup.db" in damaged.value.hint


def test_making_a_library_goes_on_where_it_was_killed_at_once(tmp_path):
    (tmp_path / CATALOG_NAME).touch()
    database = open_database(tmp_path, create=True)
    assert database.meta("library_id")
    database.close()


def test_half_a_catalog_is_called_damaged(tmp_path):
    database = open_database(tmp_path, create=True)
    with database.transaction():
        for number in range(2000):
            database.set_meta(f"key {number:04}", "x" * 100)
    database.close()
    whole = (tmp_path / CATALOG_NAME).read_bytes()
    (tmp_path / CATALOG_NAME).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(LibraryDamaged, match="not a readable facesort catalog"):
        opened = open_database(tmp_path, create=False)
        try:
            opened.rows("SELECT * FROM meta")
        finally:
            opened.close()


@pytest.mark.skipif(sys.platform == "win32", reason="processes are ended otherwise there")
def test_a_writer_killed_on_a_shared_drive_leaves_what_was_committed(tmp_path, on_a_nas):
    open_database(tmp_path, create=True).close()
    script = f"""
import os, sqlite3
db = sqlite3.connect({str(tmp_path / CATALOG_NAME)!r}, isolation_level=None)
db.execute("PRAGMA synchronous = FULL")
db.execute("INSERT INTO meta VALUES ('kept', '1')")
db.execute("BEGIN IMMEDIATE")
db.execute("INSERT INTO meta VALUES ('lost', '1')")
db.execute("PRAGMA cache_spill = 1")
os.kill(os.getpid(), 9)
"""
    subprocess.run([sys.executable, "-c", script], check=False, timeout=30)
    database = open_database(tmp_path, create=False)
    assert (database.meta("kept"), database.meta("lost")) == ("1", "")
    database.close()
    with sqlite3.connect(tmp_path / CATALOG_NAME) as checked:
        assert checked.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    checked.close()

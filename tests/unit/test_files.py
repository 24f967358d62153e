from __future__ import annotations

import errno
import hashlib
import os
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facesort.errors import LibraryLocked, LibraryUnwritable
from facesort.files import (
    JobLock,
    atomic_replace,
    atomic_write,
    explain_os_error,
    folder_bytes,
    make_private_dir,
    sha256_of,
    sync_folder,
)

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX access rights and signals")

HOLDER = """
import sys, time
from pathlib import Path
from facesort.files import JobLock
with JobLock(Path(sys.argv[1]), sys.argv[2]):
    print("locked", flush=True)
    time.sleep(60)
"""


def test_a_replaced_file_has_the_new_content_and_leaves_nothing_beside_it(tmp_path):
    path = tmp_path / "a.json"
    atomic_write(path, b"old")
    atomic_write(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_replacement_leaves_the_old_content_and_no_temporary_file(tmp_path):
    path = tmp_path / "a.json"
    atomic_write(path, b"old")
    with pytest.raises(KeyboardInterrupt), atomic_replace(path) as file:
        file.write(b"half")
        raise KeyboardInterrupt
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_new_content_is_invisible_until_the_block_ends(tmp_path):
    path = tmp_path / "a.json"
    with atomic_replace(path) as file:
        file.write(b"x")
        file.flush()
        assert not path.exists()
    assert path.read_bytes() == b"x"


def test_a_missing_folder_is_an_os_error_that_can_be_explained(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        atomic_write(tmp_path / "gone" / "a", b"x")
    assert "not there" in explain_os_error(caught.value)


@posix
def test_a_private_file_is_for_its_owner_only(tmp_path):
    path = tmp_path / "a"
    atomic_write(path, b"x", mode=0o600)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@posix
def test_a_replaced_symbolic_link_does_not_change_what_it_pointed_to(tmp_path):
    (tmp_path / "real").write_bytes(b"real")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    atomic_write(tmp_path / "link", b"new")
    assert (tmp_path / "real").read_bytes() == b"real"
    assert not (tmp_path / "link").is_symlink()


@given(data=st.binary(max_size=4096), repeat=st.sampled_from([1, 1000]))
def test_the_hash_of_a_file_is_the_hash_of_its_bytes(tmp_path_factory, data, repeat):
    path = tmp_path_factory.mktemp("hash") / "f"
    path.write_bytes(data * repeat)
    assert sha256_of(path) == hashlib.sha256(data * repeat).hexdigest()
    assert sha256_of(str(path)) == sha256_of(path)


@pytest.mark.parametrize(
    "code", ["ENOSPC", "EDQUOT", "EACCES", "EPERM", "EROFS", "ENOENT", "EIO", "ENAMETOOLONG"]
)
def test_every_expected_refusal_has_a_sentence_of_its_own(code):
    number = getattr(errno, code)
    text = explain_os_error(OSError(number, os.strerror(number)))
    assert text.endswith(".")
    assert "The system says" not in text


def test_an_unexpected_refusal_quotes_the_system():
    assert explain_os_error(OSError(errno.EMFILE, "Too many open files")) == (
        "The system says: Too many open files."
    )
    assert explain_os_error(OSError("odd")) == "The system says: OSError."


@posix
def test_a_private_folder_is_closed_to_others_even_if_it_was_open_before(tmp_path):
    folder = tmp_path / "a" / "library"
    assert stat.S_IMODE(make_private_dir(folder).stat().st_mode) == 0o700
    folder.chmod(0o755)
    make_private_dir(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_file_in_the_place_of_the_private_folder_is_named(tmp_path):
    (tmp_path / "f").write_bytes(b"")
    with pytest.raises(LibraryUnwritable, match="is a file"):
        make_private_dir(tmp_path / "f")
    with pytest.raises(LibraryUnwritable, match="cannot be created"):
        make_private_dir(tmp_path / "f" / "below")


def test_syncing_a_folder_that_is_gone_is_an_error(tmp_path):
    if sys.platform == "win32":
        pytest.skip("folders are not synced on Windows")
    sync_folder(tmp_path)
    with pytest.raises(FileNotFoundError):
        sync_folder(tmp_path / "gone")


@posix
def test_a_drive_that_cannot_sync_folders_is_forgiven_and_a_broken_one_is_not(
    tmp_path, monkeypatch
):
    def refuse(number):
        def fsync(_handle):
            raise OSError(number, "refused")

        monkeypatch.setattr(os, "fsync", fsync)

    refuse(errno.EINVAL)
    sync_folder(tmp_path)
    refuse(errno.EIO)
    with pytest.raises(OSError, match="refused"):
        sync_folder(tmp_path)


def _hold(path: Path, job: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path), job], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "locked\n"
    return process


def test_a_second_job_is_told_who_is_at_work(tmp_path):
    path = tmp_path / "job.lock"
    process = _hold(path, "scan")
    try:
        with pytest.raises(LibraryLocked) as caught, JobLock(path, "group"):
            pass
        assert caught.value.exit_code == 12
        assert caught.value.message.startswith("a scan started ")
        assert caught.value.message.endswith(f" by process {process.pid} is running")
    finally:
        process.kill()
        process.communicate()


@posix
def test_a_killed_holder_blocks_nobody(tmp_path):
    path = tmp_path / "job.lock"
    process = _hold(path, "export")
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert b"export" in path.read_bytes()
    with JobLock(path, "group"):
        assert b"group" in path.read_bytes()


def test_the_lock_can_be_taken_again_after_an_error(tmp_path):
    path = tmp_path / "job.lock"
    with pytest.raises(ValueError, match="boom"), JobLock(path, "scan"):
        raise ValueError("boom")
    with JobLock(path, "scan"):
        pass
    assert path.read_bytes() == b""


def test_one_process_cannot_hold_the_lock_twice(tmp_path):
    path = tmp_path / "job.lock"
    with JobLock(path, "export"):
        with pytest.raises(LibraryLocked, match="an export started"), JobLock(path, "scan"):
            pass
        # The refusal must not have dropped the first holder's lock.
        with pytest.raises(LibraryLocked), JobLock(path, "scan"):
            pass


def test_a_lock_that_is_held_but_not_signed_yet_is_still_a_lock(tmp_path):
    path = tmp_path / "job.lock"
    with JobLock(path, "scan"):
        path.write_bytes(b"{")
        with pytest.raises(LibraryLocked, match="another job is running"), JobLock(path, "scan"):
            pass


def test_a_lock_from_another_day_shows_the_day(tmp_path):
    path = tmp_path / "job.lock"
    with JobLock(path, "scan"):
        path.write_text('{"pid": 1, "job": "scan", "started": "2001-02-03T04:05:06+00:00"}')
        with pytest.raises(LibraryLocked, match="2001-02-03 04:05"), JobLock(path, "scan"):
            pass


def test_a_removable_lock_leaves_no_file(tmp_path):
    with JobLock(tmp_path / "l", "export", remove=True):
        assert (tmp_path / "l").exists()
    assert list(tmp_path.iterdir()) == []


def test_a_lock_file_removed_while_it_was_opened_is_made_again(tmp_path, monkeypatch):
    import facesort.files as module

    path = tmp_path / "l"
    real = module._lock
    calls: list[int] = []

    def lock(handle):
        real(handle)
        if not calls:
            path.unlink()
        calls.append(handle)

    monkeypatch.setattr(module, "_lock", lock)
    with JobLock(path, "scan"):
        assert len(calls) == 2
        assert b"scan" in path.read_bytes()


def test_a_lock_in_a_folder_that_is_gone_is_a_library_that_cannot_be_written(tmp_path):
    with pytest.raises(LibraryUnwritable), JobLock(tmp_path / "gone" / "l", "scan"):
        pass


@posix
def test_two_jobs_that_start_together_are_not_both_admitted(tmp_path):
    """Four processes take and remove one lock in turn; a file made anew shows every overlap."""
    script = """
import sys, time
from pathlib import Path
from facesort.errors import LibraryLocked
from facesort.files import JobLock
folder = Path(sys.argv[1])
done = 0
while done < 20:
    try:
        with JobLock(folder / "l", "export", remove=True):
            (folder / "inside").open("x").close()
            (folder / "inside").unlink()
            done += 1
    except LibraryLocked:
        time.sleep(0.0005)
"""
    jobs = [subprocess.Popen([sys.executable, "-c", script, str(tmp_path)]) for _ in range(4)]
    assert [job.wait(timeout=60) for job in jobs] == [0] * 4
    assert list(tmp_path.iterdir()) == []


@posix
def test_a_lock_never_empties_what_a_link_points_to(tmp_path):
    (tmp_path / "photo.jpg").write_bytes(b"photo")
    (tmp_path / "l").symlink_to(tmp_path / "photo.jpg")
    with pytest.raises(LibraryUnwritable), JobLock(tmp_path / "l", "scan"):
        pass
    assert (tmp_path / "photo.jpg").read_bytes() == b"photo"


def test_a_folder_is_measured_while_others_delete_in_it(tmp_path, monkeypatch):
    for name in ("kept", "gone"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_bytes(b"12345")
    walked = os.walk

    def walk(folder):
        for step in walked(folder):
            yield step
            shutil.rmtree(tmp_path / "gone", ignore_errors=True)  # known to walk, and not there

    monkeypatch.setattr("facesort.files.os.walk", walk)
    assert folder_bytes(tmp_path) == 5

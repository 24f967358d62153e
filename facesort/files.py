"""Files that are whole or absent: atomic replace, hashing, the job lock, private folders."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import secrets
import stat
import sys
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from facesort.errors import FacesortError, LibraryLocked, LibraryUnwritable, UsageError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType
    from typing import Self

__all__ = [
    "JobLock",
    "PathKind",
    "atomic_replace",
    "atomic_write",
    "explain_os_error",
    "folder_bytes",
    "kind_of",
    "make_private_dir",
    "sha256_of",
    "sync_folder",
]

_CHUNK = 1 << 20  # bytes read at a time: large enough that the call costs nothing
# Windows locks bytes, and a locked byte cannot be read: lock one far behind the holder's lines.
_LOCKED_BYTE = 1 << 30

_SENTENCES = {
    errno.ENOSPC: "There is no space left on the drive: free some, or choose another drive.",
    errno.EDQUOT: "Your disk quota is used up: free some space, or choose another drive.",
    errno.EACCES: "Permission is denied: check who owns the file or folder and its access rights.",
    errno.EPERM: "The system does not permit it: check the owner, the access rights and the drive.",
    errno.EROFS: "The drive is read-only: unlock it, or choose another one.",
    errno.ENOENT: "It is not there: check that the path is right and the drive is connected.",
    errno.EIO: "The drive reports a hardware error: check its cable and its health.",
    errno.ELOOP: "Links lead in a circle there: remove or correct one of them.",
    errno.ENAMETOOLONG: "The path is too long for this drive: choose a folder with a shorter path.",
}


def explain_os_error(error: OSError) -> str:
    """Say in one sentence what the system's refusal means and what helps; made for hints."""
    known = _SENTENCES.get(error.errno or 0)
    return known or f"The system says: {error.strerror or error.__class__.__name__}."


class PathKind(Enum):
    """What is at a path; links are followed."""

    NOTHING = "nothing"
    FILE = "file"
    FOLDER = "folder"
    OTHER = "other"


def kind_of(path: Path, refusal: type[FacesortError] = UsageError) -> PathKind:
    """Say what is at a path, where `Path.exists` and its like would raise.

    Args:
        path: as the user gave it; for the message, too.
        refusal: the error that the caller's user should see.

    Raises:
        FacesortError: of the kind `refusal`: the system does not say, because a folder on the way
            may not be entered, the path is too long, or links lead in a circle.
    """
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return PathKind.NOTHING
    except OSError as error:
        raise refusal(f"{path} cannot be looked at", hint=explain_os_error(error)) from error
    if stat.S_ISDIR(mode):
        return PathKind.FOLDER
    return PathKind.FILE if stat.S_ISREG(mode) else PathKind.OTHER


def sync_folder(folder: Path) -> None:
    """Make renames in a folder outlive a power failure, where the system can."""
    if sys.platform == "win32":
        return
    try:
        handle = os.open(folder, os.O_RDONLY)
    except PermissionError:
        return  # writable but not readable: the rename stands, only its durability is unknown
    try:
        os.fsync(handle)
    except OSError as error:
        # Some network and FUSE drives cannot sync a folder; the rename itself has happened.
        if error.errno not in {errno.EINVAL, errno.ENOTSUP, errno.EBADF}:
            raise
    finally:
        os.close(handle)


@contextlib.contextmanager
def atomic_replace(path: Path, *, mode: int | None = None) -> Iterator[BinaryIO]:
    """Write a file that appears under its name only when it is complete and on the disk.

    The temporary file lies in the same folder, because a rename is atomic only within one drive.
    When the block raises, the temporary file goes and the old content stays.

    Args:
        path: the file to create or replace; a symbolic link is replaced, not followed.
        mode: access rights of the new file (0o600 for private data); None leaves it to the umask.

    Raises:
        OSError: the folder is missing or cannot be written, or the drive is full.
    """
    temporary = path.parent / f".facesort-{secrets.token_hex(8)}.tmp"
    rights = 0o666 if mode is None else mode
    try:
        with open(temporary, "xb", opener=lambda name, flags: os.open(name, flags, rights)) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def atomic_write(path: Path, data: bytes, *, mode: int | None = None) -> None:
    """Replace a file's content in one step; see `atomic_replace`."""
    with atomic_replace(path, mode=mode) as file:
        file.write(data)


def sha256_of(path: str | Path) -> str:
    """Return the SHA-256 of a file's bytes in hexadecimal, reading it in pieces.

    Raises:
        OSError: the file cannot be read.
    """
    digest = hashlib.sha256()
    with Path(path).open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def folder_bytes(folder: Path) -> int:
    """Add up the files below a folder; what is deleted meanwhile, or hidden, counts nothing."""
    size = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                size += os.lstat(os.path.join(parent, name)).st_size
    return size


def make_private_dir(path: Path) -> Path:
    """Create a folder that only its owner can enter, or close an existing one to others.

    Raises:
        LibraryUnwritable: it cannot be created, or a file is in its place.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            # A drive without access rights (exFAT) refuses; the folder is as private as it can be.
            with contextlib.suppress(PermissionError):
                path.chmod(0o700)
    except FileExistsError as error:
        raise LibraryUnwritable(
            f"{path} is a file, not a folder", hint="Choose another folder, or move the file away."
        ) from error
    except OSError as error:
        raise LibraryUnwritable(
            f"the folder {path} cannot be created", hint=explain_os_error(error)
        ) from error
    return path


class JobLock:
    """Admits one long job at a time, across processes; use it as a context manager.

    The operating system holds the lock, so it vanishes with its process however that ends. The
    file's content only says who holds it.

    Args:
        path: the lock file; created when absent, in a folder that exists.
        job: what the holder is doing, as a noun: "scan".
        remove: take the file away afterwards (it stays otherwise, empty).

    Raises:
        LibraryLocked: on entry; another process holds the lock, and the message says which.
        LibraryUnwritable: on entry; the file cannot be created or locked.
    """

    def __init__(self, path: Path, job: str, *, remove: bool = False) -> None:
        self._path = path
        self._job = job
        self._remove = remove
        self._handle = -1

    def __enter__(self) -> Self:
        try:
            self._handle = self._acquire()
        except OSError as error:
            raise LibraryUnwritable(
                f"{self._path} cannot be locked", hint=explain_os_error(error)
            ) from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        handle, self._handle = self._handle, -1
        # The drive may be gone by now; the lock goes with the handle all the same.
        with contextlib.suppress(OSError):
            os.ftruncate(handle, 0)
            if self._remove and sys.platform != "win32":
                self._path.unlink(
                    missing_ok=True
                )  # before unlocking, or a successor's file would go
        os.close(handle)
        if self._remove and sys.platform == "win32":
            with contextlib.suppress(OSError):
                self._path.unlink()

    def _acquire(self) -> int:
        while True:
            # Never through a link: what lies at its end is not ours to empty.
            flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
            handle = os.open(self._path, flags, 0o600)
            with contextlib.ExitStack() as closing:
                closing.callback(os.close, handle)
                _lock(handle)
                # A previous holder may have removed the file between our opening and our locking.
                if _is_at(handle, self._path):
                    self._sign(handle)
                    closing.pop_all()
                    return handle

    def _sign(self, handle: int) -> None:
        holder = {
            "pid": os.getpid(),
            "job": self._job,
            "started": datetime.now().astimezone().isoformat(timespec="seconds"),
        }
        os.ftruncate(handle, 0)
        os.lseek(handle, 0, os.SEEK_SET)
        os.write(handle, json.dumps(holder).encode())


def _lock(handle: int) -> None:
    if not _try_lock(handle):
        raise LibraryLocked(
            _describe_holder(handle),
            hint="Wait until it has ended, or stop it; nothing that is done gets lost.",
        )


def _try_lock(handle: int) -> bool:
    if sys.platform == "win32":
        os.lseek(handle, _LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            if error.errno in {errno.EACCES, errno.EDEADLK}:
                return False
            raise
        return True
    try:
        # flock, not lockf: record locks drop when *any* handle of the process on the file closes.
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_at(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def _describe_holder(handle: int) -> str:
    os.lseek(handle, 0, os.SEEK_SET)
    try:
        holder = json.loads(os.read(handle, 4096))
        job, pid = str(holder["job"]), int(holder["pid"])
        started = datetime.fromisoformat(holder["started"])
    except (ValueError, KeyError, TypeError):
        return "another job is running"  # it has locked the file but not signed yet
    today = datetime.now(started.tzinfo).date()
    when = f"{started:%H:%M}" if started.date() == today else f"{started:%Y-%m-%d %H:%M}"
    article = "an" if job[:1].lower() in set("aeiou") else "a"
    return f"{article} {job} started {when} by process {pid} is running"

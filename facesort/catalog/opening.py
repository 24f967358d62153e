"""Opening the catalog: making it, finding it, and bringing its schema up to date."""

from __future__ import annotations

import contextlib
import sqlite3
import stat
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from facesort.catalog.connection import BUSY_TIMEOUT_S, CATALOG_NAME, Database, now, translated
from facesort.catalog.drive import shared_drive
from facesort.catalog.migrations import applied, migrate, pending
from facesort.errors import LibraryDamaged, LibraryNotFound, LibraryUnwritable
from facesort.files import explain_os_error, make_private_dir

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["catalog_exists", "open_database"]


# What a library leaves behind when its catalog is taken away.
_OWN_NAMES = frozenset(
    {"cache", "index", "job.lock", *(CATALOG_NAME + end for end in ("-wal", "-shm", "-journal"))}
)


_BACKUP_END = ".backup.db"


def open_database(
    folder: Path, *, create: bool, after_commit: Callable[[], None] | None = None
) -> Database:
    """Open the catalog of a library, bringing its schema up to date.

    Args:
        folder: the library's folder.
        create: make it (mode 0700) when there is none.
        after_commit: see `Database`.

    Raises:
        LibraryNotFound: there is no library, and `create` is false.
        LibraryUnwritable: the folder cannot be made or written, or holds somebody else's files.
        LibraryDamaged: the file is not a catalog.
        SchemaTooNew: a newer facesort wrote it.
    """
    path = folder / CATALOG_NAME
    if not catalog_exists(folder):
        if not create:
            raise LibraryNotFound(
                f"there is no library at {folder}",
                hint="Scan some photos first: facesort scan FOLDER",
            )
        _refuse_foreign_folder(folder)
        make_private_dir(folder)
        _make_private_file(path)
    else:
        _refuse_emptied(path, create=create)
    drive = shared_drive(folder)
    with translated(path):
        connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
        try:
            _configure(connection, path, drive)
            if pending(connection):
                is_new = not applied(connection)
                if not is_new:
                    _back_up(connection, folder)
                migrate(connection)
                if is_new:  # the log of the steps takes more than the tables: 500, not 350 KB
                    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            database = Database(connection, path, after_commit, drive=drive)
            if not database.meta("library_id"):
                with database.transaction():
                    database.set_meta("library_id", uuid.uuid4().hex)
                    database.set_meta("created_at", now())
        except BaseException:
            connection.close()
            raise
    return database


def catalog_exists(folder: Path) -> bool:
    """Whether there is a library to open.

    Raises:
        LibraryUnwritable: the folder cannot be entered.
    """
    try:
        (folder / CATALOG_NAME).stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise LibraryUnwritable(
            f"the library at {folder} cannot be opened", hint=explain_os_error(error)
        ) from error
    return True


def _refuse_foreign_folder(folder: Path) -> None:
    """Refuse to make a library among other files, and to close their folder to others."""
    try:
        names = sorted(path.name for path in folder.iterdir())
    except OSError:
        return  # not there yet, or no folder: making it will say what is wrong
    foreign = [n for n in names if n not in _OWN_NAMES and not n.endswith(_BACKUP_END)]
    if foreign:
        raise LibraryUnwritable(
            f"{folder} holds other files ({foreign[0]}), and is no library",
            hint="Choose a new or empty folder with --library.",
        )


def _make_private_file(path: Path) -> None:
    """Make an empty file that SQLite will fill; the log that it puts beside it gets its rights.

    Vectors are biometric data: nobody else on this machine may read them, not even for a moment.
    """
    try:
        path.touch(mode=stat.S_IRUSR | stat.S_IWUSR)
    except OSError as error:
        raise LibraryUnwritable(
            f"the library at {path.parent} cannot be written", hint=explain_os_error(error)
        ) from error


def _refuse_emptied(path: Path, *, create: bool) -> None:
    """Refuse a catalog of no bytes, which SQLite would take for a new one.

    Making a library leaves such a file when it is killed at once: then there is nothing to lose,
    and the next scan goes on.
    """
    backups = sorted(path.parent.glob(f"*{_BACKUP_END}"))
    if path.stat().st_size == 0 and (backups or not create):
        raise LibraryDamaged(
            f"{path} is empty",
            hint=f"Its latest backup is {backups[-1].name}: copy it to {path.name}."
            if backups
            else "Restore a backup, or delete the file and scan your photos again.",
        )


def _configure(connection: sqlite3.Connection, path: Path, drive: str | None) -> None:
    # 8 KiB pages hold several vectors each; takes effect only before the first table exists.
    connection.execute("PRAGMA page_size = 8192")
    if drive is None:
        connection.execute("PRAGMA journal_mode = WAL")
    else:
        _leave_wal(connection, path)
    connection.execute("PRAGMA synchronous = FULL")  # a decision survives a power cut
    connection.execute("PRAGMA foreign_keys = ON")
    # KiB, filled as needed. With SQLite's 2 MiB, the 75,000 faces of 200 people in a library of a
    # million take most pages from the file again and again: 1.2 s, not .6 (measured 2026-11-22).
    connection.execute("PRAGMA cache_size = -65536")
    connection.execute("PRAGMA secure_delete = ON")  # forgotten people leave no bytes behind


def _leave_wal(connection: sqlite3.Connection, path: Path) -> None:
    """Use a rollback journal, which needs no memory that is shared (`catalog.drive`).

    A catalog that was copied to the drive may still have its write-ahead log. Holding the file
    alone, SQLite reads that without shared memory (https://sqlite.org/wal.html, section 8).
    """
    with path.open("rb") as file:
        has_wal = file.read(20)[18:] == b"\x02\x02"  # the format's versions for writing and reading
    if has_wal:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.execute("PRAGMA locking_mode = NORMAL")


def _back_up(connection: sqlite3.Connection, folder: Path) -> None:
    step = max(applied(connection))
    target = folder / f"catalog-schema{step}-{datetime.now(UTC):%Y%m%dT%H%M%S}{_BACKUP_END}"
    _make_private_file(target)
    with contextlib.closing(sqlite3.connect(target)) as copy:
        connection.backup(copy)

"""Opening the catalog, transactions, and what SQLite's errors mean for the user."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import stat
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from facesort.catalog.drive import shared_drive
from facesort.catalog.migrations import applied, migrate, pending
from facesort.errors import LibraryDamaged, LibraryLocked, LibraryNotFound, LibraryUnwritable
from facesort.files import explain_os_error, make_private_dir

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import Any

__all__ = ["CATALOG_NAME", "Database", "catalog_exists", "now", "open_database"]

CATALOG_NAME = "catalog.db"

_BUSY_TIMEOUT_S = 10.0

# Bytes: with less, SQLite can grow neither its log nor its shared-memory file for long.
_FULL_BELOW = 1_000_000

# What a library leaves behind when its catalog is taken away.
_OWN_NAMES = frozenset(
    {"cache", "index", "job.lock", *(CATALOG_NAME + end for end in ("-wal", "-shm", "-journal"))}
)
_BACKUP_END = ".backup.db"


def now() -> str:
    """Return the time as it is stored: ISO 8601, UTC, whole seconds."""
    return datetime.now(UTC).isoformat(timespec="seconds")


class Database:
    """A connection to one catalog, used by one thread.

    Args:
        connection: in autocommit mode; transactions are explicit.
        path: for messages.
        after_commit: called after every commit; tests kill the process there.
        drive: the kind of shared drive that it lies on; None for a drive of this computer.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        path: Path,
        after_commit: Callable[[], None] | None = None,
        *,
        drive: str | None = None,
    ) -> None:
        self._connection = connection
        self.path = path
        self.drive = drive
        self._after_commit = after_commit

    def execute(self, sql: str, parameters: tuple[Any, ...] = ()) -> sqlite3.Cursor:
        """Run one statement."""
        with translated(self.path):
            return self._connection.execute(sql, parameters)

    def executemany(self, sql: str, rows: list[tuple[Any, ...]]) -> None:
        """Run one statement for many rows."""
        with translated(self.path):
            self._connection.executemany(sql, rows)

    def rows(self, sql: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Run one query and return all its rows."""
        with translated(self.path):
            return self._connection.execute(sql, parameters).fetchall()

    def blocks(
        self, sql: str, parameters: tuple[Any, ...] = (), *, size: int = 8192
    ) -> Iterator[list[tuple[Any, ...]]]:
        """Run one query and yield its rows, so many at a time: memory stays bounded."""
        with translated(self.path):
            cursor = self._connection.execute(sql, parameters)
            while rows := cursor.fetchmany(size):
                yield rows

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold the write lock for a short while; all of it is stored, or nothing.

        Raises:
            LibraryLocked: another process held the lock for ten seconds.
            LibraryUnwritable: no space, no permission, or the drive is gone.
        """
        with translated(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._rollback()
                raise
            try:
                self._connection.execute("COMMIT")
            except sqlite3.Error:
                self._rollback()
                raise
        if self._after_commit is not None:
            self._after_commit()

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[None]:
        """Read several tables as they were at one moment."""
        with translated(self.path):
            self._connection.execute("BEGIN")
            try:
                yield
            finally:
                self._rollback()

    def _rollback(self) -> None:
        # SQLite itself has already rolled back after some errors (a full disk, for one).
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def version(self) -> int:
        """Return a number that changes when another connection has written something."""
        return int(self.execute("PRAGMA data_version").fetchone()[0])

    def meta(self, key: str, default: str = "") -> str:
        """Return a fact about the library."""
        row = self.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return default if row is None else str(row[0])

    def set_meta(self, key: str, value: str) -> None:
        """Store a fact about the library; belongs inside a transaction."""
        self.execute(
            "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            (key, value),
        )

    def shrink(self) -> None:
        """Give back to the disk what the file no longer needs; for a while nobody can write.

        Raises:
            LibraryLocked: another process was reading or writing all the time.
            LibraryUnwritable: there is no space for the copy that it takes.
        """
        self.execute("VACUUM")
        self.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    @property
    def file_bytes(self) -> int:
        """What the catalog takes on the disk, its log included."""
        files = (self.path.with_name(self.path.name + end) for end in ("", "-wal"))
        return sum(file.stat().st_size for file in files if file.exists())

    def close(self) -> None:
        """Close the connection; what was committed is on disk."""
        self._connection.close()


@contextlib.contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into sentences."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise _meaning(error, path) from error


def _meaning(error: sqlite3.DatabaseError, path: Path) -> Exception:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the primary code, without its details
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return LibraryLocked(
            f"{path} has been busy for {_BUSY_TIMEOUT_S:.0f} seconds",
            hint="Another facesort is writing to it; try again when it is done.",
        )
    # Where there is no room for its helper files, SQLite speaks of an input or output error.
    if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and _is_full(path.parent)):
        return LibraryUnwritable(
            f"no space left for the library at {path.parent}",
            hint="Free some space and run the command again; everything stored so far is kept.",
        )
    if code in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN}:
        return LibraryUnwritable(
            f"the library at {path.parent} cannot be written: {error}",
            hint="Check the folder's permissions, or choose another with --library.",
        )
    if code == sqlite3.SQLITE_IOERR:
        return LibraryUnwritable(
            f"reading or writing the library at {path.parent} failed: {error}",
            hint="Is its drive still connected? Everything committed so far is kept.",
        )
    if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        return LibraryDamaged(
            f"{path} is not a readable facesort catalog: {error}",
            hint="Restore a backup; after an upgrade catalog-*.backup.db lies beside it.",
        )
    return error


def _is_full(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free < _FULL_BELOW
    except OSError:
        return False  # the drive is gone: that is another sentence


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
        connection = sqlite3.connect(path, timeout=_BUSY_TIMEOUT_S, isolation_level=None)
        try:
            _configure(connection, path, drive)
            if pending(connection):
                if applied(connection):
                    _back_up(connection, folder)
                migrate(connection)
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

"""The open catalog: transactions, and what SQLite's errors mean for the user."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from facesort.errors import LibraryDamaged, LibraryLocked, LibraryUnwritable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import Any

__all__ = ["BUSY_TIMEOUT_S", "CATALOG_NAME", "Database", "now", "translated"]

CATALOG_NAME = "catalog.db"

BUSY_TIMEOUT_S = 10.0


# Bytes: with less, SQLite can grow neither its log nor its shared-memory file for long.
_FULL_BELOW = 1_000_000


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

    def state(self) -> tuple[int, int]:
        """Return what differs once this or another connection has written something."""
        return self.version(), self._connection.total_changes

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
            f"{path} has been busy for {BUSY_TIMEOUT_S:.0f} seconds",
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

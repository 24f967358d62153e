"""Looks at a catalog without changing it: is it whole, whose schema is it, how much is in it?"""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from facesort.catalog.connection import CATALOG_NAME, Database, translated
from facesort.catalog.migrations import MIGRATIONS, applied, pending
from facesort.errors import LibraryDamaged

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["CatalogHealth", "examine", "facts", "reading"]

_SHOWN_PROBLEMS = 3
_BUSY_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class CatalogHealth:
    """What is in a catalog that is whole.

    Args:
        schema: number of the last migration that has run.
        newest: number of the last one that this version knows.
        photos: pictures, copies counted once.
        faces: of any size.
        decisions: in the log.
    """

    schema: int
    newest: int
    photos: int
    faces: int
    decisions: int


def examine(folder: Path) -> CatalogHealth:
    """Check a catalog's pages and what refers to what, and count.

    Args:
        folder: of a library that exists.

    Raises:
        LibraryDamaged: it is not whole, or no catalog at all.
        SchemaTooNew: a newer facesort wrote it.
        LibraryUnwritable: it cannot be opened.
    """
    path = folder / CATALOG_NAME
    with _opened(path) as connection:
        found = [str(row) for (row,) in connection.execute("PRAGMA quick_check(10)")]
        problems = [problem for problem in found if problem != "ok"]
        for table, _, parent, _ in connection.execute("PRAGMA foreign_key_check"):
            problems.append(f"a row of {table} refers to nothing in {parent}")
        if problems:
            raise LibraryDamaged(
                f"{path} is damaged: {'; '.join(problems[:_SHOWN_PROBLEMS])}",
                hint="Restore a backup; after an upgrade catalog-*.backup.db lies beside it.",
            )
        pending(connection)  # refuses what a newer version wrote
        steps = applied(connection)
        if not steps:
            raise LibraryDamaged(f"{path} is empty", hint="Delete it, or restore a backup.")
        photos, faces, decisions = (
            int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608 - constants
            for table in ("photos", "faces", "decisions")
        )
    return CatalogHealth(max(steps), MIGRATIONS[-1].number, photos, faces, decisions)


def facts(folder: Path) -> dict[str, str]:
    """Return what a library remembers, its models among it.

    Raises:
        LibraryDamaged, LibraryUnwritable: as `examine`.
    """
    with _opened(folder / CATALOG_NAME) as connection:
        return {
            str(key): str(value) for key, value in connection.execute("SELECT key, value FROM meta")
        }


@contextmanager
def reading(folder: Path) -> Iterator[Database]:
    """Open a catalog of this version's schema for a moment, to read one state of it.

    Raises:
        LibraryDamaged, LibraryUnwritable: as `examine`.
    """
    path = folder / CATALOG_NAME
    with _opened(path) as connection:
        connection.isolation_level = None  # transactions are explicit, as `Database` wants it
        database = Database(connection, path)
        with database.snapshot():
            yield database


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    # Never makes a file; opened for reading alone, SQLite would leave its log's files behind.
    address = f"{path.absolute().as_uri()}?mode=rw"
    with (
        translated(path),
        closing(sqlite3.connect(address, uri=True, timeout=_BUSY_SECONDS)) as connection,
    ):
        yield connection

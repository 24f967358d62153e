"""Scanned folders, and how paths are stored."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from facesort.catalog.connection import now

if TYPE_CHECKING:
    from facesort.catalog.connection import Database

__all__ = [
    "RootPart",
    "claim_root",
    "find_root",
    "root_paths",
    "roots_below",
    "shown_path",
    "stored_path",
]


@dataclass(frozen=True, slots=True)
class RootPart:
    """A scanned folder, as a part of a stored root.

    Args:
        root_id: the root.
        prefix: path of the scanned folder below the root, with a trailing '/', or empty.
    """

    root_id: int
    prefix: str


def stored_path(path: str) -> bytes:
    """Return a path as the catalog holds it."""
    # surrogateescape: a file name need not be text, and must come back byte for byte.
    return path.encode("utf-8", "surrogateescape")


def shown_path(path: bytes) -> str:
    """Return a stored path as text."""
    return path.decode("utf-8", "surrogateescape")


def find_root(db: Database, folder: Path) -> RootPart | None:
    """Find the root that a folder belongs to. Reads only."""
    path = str(folder)
    for root_id, raw in db.rows("SELECT id, path FROM roots"):
        root = shown_path(raw)
        if path == root:
            return RootPart(root_id, "")
        if path.startswith(_with_slash(root)):
            return RootPart(root_id, path[len(_with_slash(root)) :].replace(os.sep, "/") + "/")
    return None


def claim_root(db: Database, folder: Path) -> RootPart:
    """Find or make the root that a folder belongs to; belongs inside a transaction.

    A folder below a known root is a part of it. A folder above known roots takes them over, so that
    one file has one place however it was scanned.
    """
    path = str(folder)
    part = find_root(db, folder)
    if part is not None:
        db.execute("UPDATE roots SET scanned_at = ? WHERE id = ?", (now(), part.root_id))
        return part
    below = roots_below(db, folder)
    cursor = db.execute(
        "INSERT INTO roots (path, scanned_at) VALUES (?, ?)", (stored_path(path), now())
    )
    new_id = int(cursor.lastrowid or 0)
    for root_id, prefix in below.items():
        db.execute(
            "UPDATE places SET root_id = ?, path = CAST(? || path AS BLOB) WHERE root_id = ?",
            (new_id, stored_path(prefix), root_id),
        )
        db.execute("DELETE FROM roots WHERE id = ?", (root_id,))
    return RootPart(new_id, "")


def roots_below(db: Database, folder: Path) -> dict[int, str]:
    """Return the known roots inside a folder: row id to relative path with a trailing '/'."""
    start = _with_slash(str(folder))
    roots = {root_id: shown_path(raw) for root_id, raw in db.rows("SELECT id, path FROM roots")}
    return {
        root_id: root[len(start) :].replace(os.sep, "/") + "/"
        for root_id, root in roots.items()
        if root.startswith(start)
    }


def _with_slash(path: str) -> str:
    return path if path.endswith(os.sep) else path + os.sep


def root_paths(db: Database) -> list[Path]:
    """Return the scanned folders in which something was found."""
    rows = db.rows(
        """SELECT r.path FROM roots r
           WHERE EXISTS (SELECT 1 FROM places l WHERE l.root_id = r.id)"""
    )
    return sorted(Path(shown_path(raw)) for (raw,) in rows)

"""Forgetting photos whose files are gone; what was decided about their faces stays."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from facesort.catalog import photos as catalog
from facesort.catalog import places
from facesort.domain import PlaceState
from facesort.errors import UsageError
from facesort.files import PathKind, kind_of
from facesort.jobs.scanning.compare import is_gone

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from facesort.catalog.connection import Database

__all__ = ["Pruning", "existing_folders", "find_gone", "forget"]


@dataclass(frozen=True, slots=True)
class Pruning:
    """What is to be forgotten, or was.

    Args:
        folders: below these every file is judged; elsewhere only those marked missing.
        files: known paths where nothing is, sorted.
        photos: photos that lie nowhere else.
        faces: faces on these.
    """

    folders: tuple[Path, ...]
    files: tuple[Path, ...]
    photos: int
    faces: int


def existing_folders(folders: Sequence[Path]) -> tuple[Path, ...]:
    """Return real, absolute folders.

    Raises:
        UsageError: a path does not exist or is no folder: it may be the place of an unplugged
            drive, and nothing is forgotten for that.
    """
    for folder in folders:
        kind = kind_of(folder)
        if kind is PathKind.NOTHING:
            raise UsageError(
                f"{folder} does not exist",
                hint="Is its drive connected? If you deleted the whole folder, give the one it was "
                f"in: facesort library prune {folder.absolute().parent}",
            )
        if kind is not PathKind.FOLDER:
            raise UsageError(f"{folder} is no folder", hint="Give the folder that it lies in.")
    return tuple(folder.resolve() for folder in folders)


def find_gone(db: Database, folders: tuple[Path, ...]) -> Pruning:
    """Look for the files of the catalog, and say which are gone."""
    return _look(db, folders)[0]


def forget(db: Database, planned: Pruning, cache: Path) -> Pruning:
    """Forget what was planned, in one transaction, as far as it is still gone.

    Args:
        db: the catalog.
        planned: from `find_gone`.
        cache: the library's; pictures of faces are dropped from it.
    """
    done, place_ids = _look(db, planned.folders, only=frozenset(planned.files))
    with db.transaction():
        places.forget_place(db, place_ids)
        placed = {photo for _, _, _, photo in places.known_files(db)}
        catalog.forget_photos(db, catalog.faces_per_photo(db).keys() - placed)
    # Pictures of forgotten faces must not stay; the others are cut again when they are needed.
    shutil.rmtree(cache / "crops", ignore_errors=True)
    return done


def _look(
    db: Database, folders: tuple[Path, ...], *, only: frozenset[Path] | None = None
) -> tuple[Pruning, list[int]]:
    """Find what is gone, and the row ids of these places; `only` among some paths."""
    with db.snapshot():
        known = places.known_files(db)
        faces = catalog.faces_per_photo(db)
    gone = {
        place_id: path
        for place_id, path, state, _ in known
        if (only is None or path in only)
        and (state is PlaceState.MISSING or any(path.is_relative_to(f) for f in folders))
        and is_gone(path)
    }
    kept = {photo for place_id, _, _, photo in known if place_id not in gone}
    forgotten = [number for photo, number in faces.items() if photo not in kept]
    pruning = Pruning(folders, tuple(sorted(gone.values())), len(forgotten), sum(forgotten))
    return pruning, list(gone)

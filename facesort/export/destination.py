"""What must be true of a destination before anything is written there."""

from __future__ import annotations

import contextlib
import os
import shutil
from typing import TYPE_CHECKING

from facesort.errors import (
    DestinationOccupied,
    DestinationOverlaps,
    DestinationUnwritable,
    LibraryUnwritable,
    UsageError,
)
from facesort.export.manifest import Mode
from facesort.export.operations import Move, Plan, Remove, Write
from facesort.export.survey import LOCK_NAME
from facesort.files import JobLock, PathKind, explain_os_error, kind_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

__all__ = [
    "check_destination",
    "check_folders",
    "check_outside",
    "check_space",
    "free_bytes",
    "locked",
    "parents",
]


def check_destination(
    dest: Path, scanned_roots: Sequence[Path], library_folder: Path | None = None
) -> None:
    """Refuse a folder that cannot take albums; changes nothing.

    Raises:
        UsageError: it is a file.
        DestinationOverlaps: it is a scanned folder or the library's, lies inside one, or contains a
            scanned one: no scan enters a folder with albums, so the originals in it would be lost
            to facesort.
        DestinationUnwritable: nobody can say what is there.
    """
    check_outside(dest, scanned_roots, library_folder)
    real = dest.resolve()
    for root in scanned_roots:
        if any(_is_same_folder(folder, real) for folder in root.resolve().parents):
            raise DestinationOverlaps(
                f"{dest} contains {root}, which facesort scans",
                hint="Choose a folder of its own for the albums: where it exported to, facesort "
                "never scans.",
            )


def check_outside(folder: Path, scanned_roots: Sequence[Path], library_folder: Path | None) -> None:
    """Refuse to write anything for the user among originals or into the library; changes nothing.

    Raises:
        UsageError: it is a file.
        DestinationOverlaps: it is a scanned folder or the library's, or lies inside one.
        DestinationUnwritable: nobody can say what is there.
    """
    if kind_of(folder, DestinationUnwritable) not in {PathKind.NOTHING, PathKind.FOLDER}:
        raise UsageError(
            f"{folder} is a file, not a folder", hint="Give the folder to write to, old or new."
        )
    real = folder.resolve()
    lineage = (real, *real.parents)
    for root in scanned_roots:
        if any(_is_same_folder(one, root) for one in lineage):
            raise DestinationOverlaps(
                f"{folder} lies inside {root}, which facesort scans",
                hint="Choose a folder outside, so that what is written there is not scanned.",
            )
    if library_folder is not None and any(_is_same_folder(one, library_folder) for one in lineage):
        raise DestinationOverlaps(
            f"{folder} lies inside {library_folder}, where facesort keeps its library",
            hint="Choose another folder: the library is facesort's own.",
        )


def _is_same_folder(folder: Path, root: Path) -> bool:
    try:
        # By inode, not by name: Photos and photos are one folder on many disks.
        return folder.samefile(root)
    except OSError:
        return folder == root.resolve()


def check_folders(plan: Plan, dest: Path) -> None:
    """Refuse links on the way to any file: through one, facesort might leave the destination.

    Raises:
        DestinationOverlaps: a folder on the way is a link.
        DestinationOccupied: a file is in a folder's place.
    """
    paths = list(plan.targets)
    paths += [op.old.path for op in plan.changes if isinstance(op, Move)]
    paths += [op.entry.path for op in plan.changes if isinstance(op, Remove)]
    for folder in sorted({folder for path in paths for folder in parents(path)}):
        full = dest / folder
        if full.is_symlink() or not full.resolve().is_relative_to(dest):
            raise DestinationOverlaps(
                f"{full} is a link to another place, and facesort does not write through it",
                hint="Remove the link, or export to another folder.",
            )
        if os.path.lexists(full) and not full.is_dir():
            raise DestinationOccupied(
                f"{full} is a file where an album folder must be",
                hint="Move it away, or export to another folder.",
            )


def free_bytes(dest: Path) -> int:
    """Return how much room the drive of a folder has that need not exist yet."""
    while kind_of(dest, DestinationUnwritable) is PathKind.NOTHING and dest != dest.parent:
        dest = dest.parent
    return shutil.disk_usage(dest).free


def check_space(plan: Plan, dest: Path, room: Callable[[Path], int] = free_bytes) -> None:
    """Refuse before the first byte rather than stop in the middle.

    Raises:
        DestinationUnwritable: the copies need more room than there is.
    """
    if plan.mode is not Mode.COPY:
        return
    needed = sum(op.entry.size for op in plan.operations if isinstance(op, Write))
    if needed and needed > (free := room(dest)):
        raise DestinationUnwritable(
            f"the albums need {needed / 1e6:,.1f} MB and {dest} has {free / 1e6:,.1f} MB free",
            hint="Free some space, choose another drive, or use --mode hardlink on the same drive.",
        )


def parents(path: str) -> list[str]:
    """Return a relative path's folders, outermost first."""
    parts = path.split("/")[:-1]
    return ["/".join(parts[: i + 1]) for i in range(len(parts))]


@contextlib.contextmanager
def locked(dest: Path) -> Iterator[None]:
    """Make the destination and keep other exports out of it."""
    is_new = kind_of(dest, DestinationUnwritable) is PathKind.NOTHING
    try:
        dest.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DestinationUnwritable(
            f"the folder {dest} cannot be made", hint=explain_os_error(error)
        ) from error
    try:
        with JobLock(dest / LOCK_NAME, "export", remove=True):
            yield
    except LibraryUnwritable as error:
        raise DestinationUnwritable(f"{dest} cannot be written", hint=error.hint) from error
    finally:
        if is_new:  # refused before the first file: leave no empty folder behind
            with contextlib.suppress(OSError):
                dest.rmdir()

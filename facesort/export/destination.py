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
from facesort.export.names import comparable_path
from facesort.export.operations import Move, Plan, Remove, Write
from facesort.export.survey import LOCK_NAME
from facesort.files import JobLock, explain_os_error

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from pathlib import Path

__all__ = [
    "check_destination",
    "check_folders",
    "check_space",
    "check_targets",
    "free_bytes",
    "locked",
    "parents",
]


def check_destination(dest: Path, scanned_roots: Sequence[Path]) -> None:
    """Refuse a destination that cannot be one; changes nothing.

    A scanned folder inside the destination is allowed; `check_targets` refuses what would write
    into it.

    Raises:
        UsageError: it is a file.
        DestinationOverlaps: it is a scanned folder or lies inside one.
    """
    if dest.exists() and not dest.is_dir():
        raise UsageError(
            f"{dest} is a file, not a folder", hint="Give the folder that albums should go to."
        )
    real = dest.resolve()
    for root in scanned_roots:
        if any(_is_same_folder(folder, root) for folder in (real, *real.parents)):
            raise DestinationOverlaps(
                f"{dest} lies inside {root}, which facesort scans or keeps its library in",
                hint="Choose a folder outside, so that albums are not scanned as new photos.",
            )


def _is_same_folder(folder: Path, root: Path) -> bool:
    try:
        # By inode, not by name: Photos and photos are one folder on many disks.
        return folder.samefile(root)
    except OSError:
        return folder == root.resolve()


def check_targets(plan: Plan, dest: Path, roots: Collection[Path]) -> None:
    """Refuse to write albums among the originals.

    Args:
        plan: what will be written.
        dest: resolved.
        roots: resolved scanned folders inside the destination.

    Raises:
        DestinationOverlaps: a target lies in one of them.
    """
    folders = {comparable_path(root.relative_to(dest).as_posix()): root for root in roots}
    for target in plan.targets:
        for folder, root in folders.items():
            if comparable_path(target).startswith(folder + "/"):
                raise DestinationOverlaps(
                    f"the album file {target} would lie in the scanned folder {root}",
                    hint="Choose a destination that does not contain the originals.",
                )


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
    while not dest.exists() and dest != dest.parent:
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
    is_new = not dest.exists()
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

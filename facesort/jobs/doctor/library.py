"""Whether the library is whole, private, and has room."""

from __future__ import annotations

import os
import shutil
import stat
import sys
from typing import TYPE_CHECKING

from facesort.catalog.health import examine, facts
from facesort.catalog.opening import catalog_exists
from facesort.errors import FacesortError, LibraryError, LibraryUnwritable
from facesort.files import explain_os_error
from facesort.jobs.doctor.findings import Finding, Verdict, failed
from facesort.jobs.doctor.neighbours import check_neighbours

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from facesort.catalog.health import CatalogHealth

__all__ = ["check_library", "remembered"]

# Below, a scan of some thousand photos may end for want of space; and what SQLite itself needs.
_FEW_BYTES, _NO_BYTES = 10**9, 10**7


def remembered(folder: Path) -> dict[str, str]:
    """Return what the library remembers; nothing where it cannot be read, as is told elsewhere."""
    try:
        return facts(folder) if catalog_exists(folder) else {}
    except (FacesortError, OSError):
        return {}


def check_library(folder: Path) -> Iterator[Finding]:
    """Look at a library's folder and what is in it."""
    try:
        if not catalog_exists(folder):
            yield Finding(
                "library",
                Verdict.NOTE,
                f"there is none at {folder} yet",
                "facesort scan FOLDER makes it.",
            )
        else:
            health = examine(folder)
            yield _catalog(folder, health)
            yield from _rights(folder)
            if health.schema == health.newest:  # another schema is read only once it was changed
                yield from check_neighbours(folder)
        yield _space(folder)
    except FacesortError as error:
        yield failed("library", error)
    except OSError as error:
        problem = f"{folder} cannot be looked at"
        yield failed("library", LibraryUnwritable(problem, hint=explain_os_error(error)))


def _catalog(folder: Path, health: CatalogHealth) -> Finding:
    behind = f" (this version brings it to {health.newest})" * (health.schema < health.newest)
    return Finding(
        "library",
        Verdict.OK,
        f"{folder}, whole: {health.photos:,} photos, {health.faces:,} faces, "
        f"{health.decisions:,} decisions, schema {health.schema}{behind}",
    )


def _rights(folder: Path) -> Iterator[Finding]:
    if sys.platform == "win32":
        return  # its folders below the user's own are private without modes
    mode = stat.S_IMODE(folder.stat().st_mode)
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        yield Finding(
            "privacy",
            Verdict.FAILED,
            f"other users of this machine may enter {folder} (mode {mode:04o}), and faces are "
            "biometric data",
            f"chmod 700 {folder}",
            LibraryError.exit_code,
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise LibraryUnwritable(
            f"{folder} cannot be written", hint="Check who owns it and its access rights."
        )


def _space(folder: Path) -> Finding:
    place = folder
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    told = f"{free / 1e9:,.1f} GB free for the library"
    if free < _NO_BYTES:
        problem = LibraryUnwritable(told, hint="Free some space, or choose another --library.")
        return failed("space", problem)
    verdict = Verdict.NOTE if free < _FEW_BYTES else Verdict.OK
    return Finding("space", verdict, told)

"""A whole export: check the destination, look at the disk, plan, carry out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from facesort.errors import ExportError
from facesort.export.apply import ExportResult, apply_plan
from facesort.export.destination import (
    check_destination,
    check_space,
    free_bytes,
    locked,
)
from facesort.export.journal import read_journal
from facesort.export.layout import DEFAULT_LAYOUT, parse_layout
from facesort.export.manifest import Mode, read_manifest
from facesort.export.plan import plan_export
from facesort.export.survey import look

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from facesort.export.journal import Recovered
    from facesort.export.layout import Layout
    from facesort.export.manifest import Manifest
    from facesort.export.operations import Plan
    from facesort.export.targets import Album
    from facesort.protocols import Progress

__all__ = ["check_destination", "export_albums", "plan_albums", "require_complete"]

_SHOWN = 10  # missing originals listed in the error; all of them are in the result


def plan_albums(
    albums: Sequence[Album],
    dest: Path,
    *,
    library: str,
    layout: str = DEFAULT_LAYOUT,
    mode: Mode = Mode.COPY,
    scanned_roots: Sequence[Path] = (),
    library_folder: Path | None = None,
) -> Plan:
    """Return what `export_albums` would do; nothing on the disk changes, not even `dest` is made.

    Args:
        albums: one per person.
        dest: the folder for the albums.
        library: id of the library; another library's destination is refused.
        layout: template of the paths in `dest`.
        mode: copy or link.
        scanned_roots: folders with originals.
        library_folder: where the library is kept; nothing is written into it.

    Raises:
        UsageError: a wrong layout, or `dest` is a file.
        DestinationOccupied: `dest` belongs to another library or another program.
        DestinationOverlaps: `dest` lies in a scanned folder or contains one, or lies in the
            library's.
        DestinationUnwritable: `dest` cannot be read.
        ExportError: the manifest in `dest` is damaged.
    """
    check_destination(dest, scanned_roots, library_folder)
    return _prepare(albums, dest.resolve(), library, parse_layout(layout), mode).plan


def export_albums(
    albums: Sequence[Album],
    dest: Path,
    *,
    library: str,
    progress: Progress,
    layout: str = DEFAULT_LAYOUT,
    mode: Mode = Mode.COPY,
    scanned_roots: Sequence[Path] = (),
    library_folder: Path | None = None,
) -> ExportResult:
    """Write the albums; see `plan_albums` for the arguments and most errors.

    Returns:
        Counts and reports; give it to `require_complete` when they have been shown.

    Raises:
        DestinationUnwritable: also: not enough space, or no permission.
        LibraryLocked: another export into this destination is running.
    """
    parsed = parse_layout(layout)
    check_destination(dest, scanned_roots, library_folder)
    real = dest.resolve()
    with locked(real):
        prepared = _prepare(albums, real, library, parsed, mode)
        check_space(prepared.plan, real, free_bytes)
        return apply_plan(
            prepared.plan,
            real,
            library=library,
            previous=prepared.previous,
            recovered=prepared.recovered,
            progress=progress,
        )


def require_complete(result: ExportResult) -> None:
    """Turn missing originals into the error that an export ends with.

    Raises:
        ExportError: some originals were missing; what could be written has been written.
    """
    if not result.missing:
        return
    shown = [f"{lost.filename}: {lost.reason}" for lost in result.missing[:_SHOWN]]
    more = len(result.missing) - len(shown)
    lines = "\n  ".join([*shown, f"and {more} more"] if more else shown)
    raise ExportError(
        f"{len(result.missing)} original{'s' if len(result.missing) != 1 else ''} "
        f"could not be exported:\n  {lines}",
        hint="Connect the drive they are on, or scan their new place; then export again. If you "
        "deleted them: facesort library prune FOLDER --yes. Copies from earlier exports have "
        "stayed.",
    )


@dataclass(frozen=True, slots=True)
class _Prepared:
    plan: Plan
    previous: Manifest | None
    recovered: Recovered


def _prepare(
    albums: Sequence[Album], dest: Path, library: str, layout: Layout, mode: Mode
) -> _Prepared:
    previous = read_manifest(dest, library=library)
    recovered = read_journal(dest, library=library)
    survey = look(dest, albums, previous=previous, recovered=recovered)
    plan = plan_export(albums, layout=layout, mode=mode, survey=survey)
    return _Prepared(plan, previous, recovered)

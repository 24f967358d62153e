"""`facesort export`: named albums on disk."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from facesort.cli import context
from facesort.cli.render import counted

if TYPE_CHECKING:
    from facesort.cli.render import Screen
    from facesort.export.apply import ExportResult
    from facesort.export.operations import Missing, Operation, Plan

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog="Example: facesort export ~/Albums --layout '{person}/{year}/{filename}'")(
        export
    )


def export(
    ctx: typer.Context,
    dest: Annotated[
        Path, typer.Argument(metavar="DEST", help="Folder for the albums.", readable=False)
    ],
    mode: Annotated[
        str, typer.Option(help="copy, hardlink or symlink. With links, edits reach the original.")
    ] = "copy",
    layout: Annotated[
        str,
        typer.Option(
            metavar="TEMPLATE",
            help="Fields: person, id, date, year, camera, stem, ext, n, filename.",
        ),
    ] = "{person}/{filename}",
    unnamed: Annotated[
        bool, typer.Option("--unnamed", help="Also people without a name, as person-ID.")
    ] = False,
    min_photos: Annotated[
        int, typer.Option(metavar="N", min=1, help="With --unnamed: only people on N photos.")
    ] = 1,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be written.")
    ] = False,
) -> None:
    """Write one folder of photos per named person. Originals are only read.

    Exporting again brings DEST up to date: files that facesort wrote are moved when a person is
    renamed, and removed when they no longer belong; files that you changed or added are left alone.
    """
    shared = context.of(ctx)
    screen = shared.screen()
    from facesort.errors import UsageError  # noqa: PLC0415 - kept out of --help
    from facesort.export.albums import require_complete  # noqa: PLC0415
    from facesort.export.manifest import Mode  # noqa: PLC0415
    from facesort.jobs.exporting.albums import AlbumOrder  # noqa: PLC0415

    if mode not in set(Mode):
        raise UsageError(f"--mode {mode} is not known", hint=f"Use {', '.join(Mode)}.")
    order = AlbumOrder(dest, layout, Mode(mode), unnamed, min_photos)
    with shared.open(screen) as library:
        if dry_run:
            _show_plan(screen, dest, library.plan_export(order))
            return
        result = library.export(order)
    _show_result(screen, dest, result)
    require_complete(result)


def _show_plan(screen: Screen, dest: Path, plan: Plan) -> None:
    if screen.json:
        screen.document(
            {
                "destination": os.fspath(dest.absolute()),
                "mode": plan.mode.value,
                "operations": [
                    {"action": type(op).__name__.lower(), **_paths(op)} for op in plan.operations
                ],
                "notes": list(plan.notes),
                "missing": _missing(plan.missing),
            }
        )
        return
    for op in plan.changes:
        screen.text(f"{type(op).__name__.lower():>7}  {'  ->  '.join(_paths(op).values())}")
    for note in plan.notes:
        screen.say(note)
    for lost in plan.missing:
        screen.say(f"Missing: {lost.filename}: {lost.reason}")
    screen.say(f"{counted(len(plan.changes), 'change')}; nothing was done (--dry-run).")


def _paths(op: Operation) -> dict[str, str]:
    from facesort.export.operations import Move, Write  # noqa: PLC0415 - kept out of --help

    if isinstance(op, Move):
        return {"source": op.old.path, "target": op.new.path}
    if isinstance(op, Write):
        return {"source": op.entry.source, "target": op.entry.path}
    return {"target": op.entry.path}


def _missing(missing: tuple[Missing, ...]) -> list[dict[str, str]]:
    return [{"filename": lost.filename, "reason": lost.reason} for lost in missing]


def _show_result(screen: Screen, dest: Path, result: ExportResult) -> None:
    counts = {name: getattr(result, name) for name in ("written", "moved", "removed", "kept")}
    if screen.json:
        screen.document(
            {
                "destination": os.fspath(dest.absolute()),
                **counts,
                "reported": list(result.reported),
                "missing": _missing(result.missing),
            }
        )
        return
    for line in result.reported:
        screen.say(line)
    done = ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)
    screen.text(f"{dest.absolute()}: {done or 'no named people, nothing to write'}.")

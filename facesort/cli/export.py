"""`facesort export`: named albums on disk."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from facesort.cli import context
from facesort.cli.render import counted

if TYPE_CHECKING:
    from facesort.cli.render import Screen
    from facesort.export.apply import ExportResult
    from facesort.export.operations import Missing, Operation, Plan
    from facesort.export.vector_file import VectorFile
    from facesort.jobs.exporting.vector_file import VectorOrder

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog="Example: facesort export ~/Albums --layout '{person}/{year}/{filename}'")(
        export
    )


def export(
    ctx: typer.Context,
    dest: Annotated[
        Path | None, typer.Argument(metavar="DEST", help="Folder for the albums.", readable=False)
    ] = None,
    mode: Annotated[
        str | None,
        typer.Option(
            help="copy, hardlink or symlink. With links, edits reach the original.",
            show_default="copy",
        ),
    ] = None,
    layout: Annotated[
        str | None,
        typer.Option(
            metavar="TEMPLATE",
            help="Fields: person, id, date, year, camera, stem, ext, n, filename.",
            show_default="{person}/{filename}",
        ),
    ] = None,
    best: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, help="Only the N best different photos of each, one of a burst."
        ),
    ] = None,
    unnamed: Annotated[
        bool, typer.Option("--unnamed", help="Also people without a name, as person-ID.")
    ] = False,
    min_photos: Annotated[
        int, typer.Option(metavar="N", min=1, help="With --unnamed: only people on N photos.")
    ] = 1,
    descriptors: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            readable=False,
            help="Write no albums, but the vectors of people and faces: FILE.npz or FILE.parquet.",
        ),
    ] = None,
    names: Annotated[
        bool | None,
        typer.Option(
            "--names/--no-names",
            help="With --descriptors: write the names too.",
            show_default="names",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be written.")
    ] = False,
) -> None:
    """Write one folder of photos per named person. Originals are only read.

    Exporting again brings DEST up to date: files that facesort wrote are moved when a person is
    renamed, and removed when they no longer belong; files that you changed or added are left alone.

    The vectors of --descriptors are biometric data: the file is for your eyes only.
    """
    shared = context.of(ctx)
    screen = shared.screen()
    from facesort.errors import UsageError  # noqa: PLC0415 - kept out of --help
    from facesort.export.albums import require_complete  # noqa: PLC0415
    from facesort.export.layout import DEFAULT_LAYOUT  # noqa: PLC0415
    from facesort.export.manifest import Mode  # noqa: PLC0415
    from facesort.jobs.exporting.albums import AlbumOrder  # noqa: PLC0415
    from facesort.jobs.exporting.vector_file import VectorOrder  # noqa: PLC0415

    if descriptors is not None:
        _refuse_albums({"DEST": dest, "--mode": mode, "--layout": layout, "--best": best})
        wanted = VectorOrder(descriptors, names is not False, unnamed, min_photos)
        with shared.open(screen) as library:
            written = library.export_vectors(wanted, write=not dry_run)
        _show_vectors(screen, wanted, written, is_written=not dry_run)
        return
    if dest is None:
        raise UsageError("no folder for the albums", hint="Say where: facesort export DEST.")
    if names is not None:
        raise UsageError("--names and --no-names are about --descriptors", hint="Leave it out.")
    if mode is not None and mode not in set(Mode):
        raise UsageError(f"--mode {mode} is not known", hint=f"Use {', '.join(Mode)}.")
    order = AlbumOrder(
        dest, layout or DEFAULT_LAYOUT, Mode(mode or Mode.COPY), unnamed, min_photos, best
    )
    with shared.open(screen) as library:
        if dry_run:
            _show_plan(screen, dest, library.plan_export(order))
            return
        result = library.export(order)
    _show_result(screen, dest, result)
    require_complete(result)


def _refuse_albums(given: dict[str, object]) -> None:
    """Refuse what is about albums where none are written."""
    from facesort.errors import UsageError  # noqa: PLC0415 - kept out of --help

    beside = [option for option, value in given.items() if value is not None]
    if beside:
        raise UsageError(
            f"--descriptors writes no albums: {' and '.join(beside)} cannot go with it",
            hint="Export the albums by themselves: facesort export DEST.",
        )


def _show_vectors(
    screen: Screen, order: VectorOrder, content: VectorFile, *, is_written: bool
) -> None:
    """Say what is in a file of vectors, and what kind of data that is."""
    people = len({person.person for person in content.people})
    has_names = any(person.name for person in content.people)
    warning = (
        f"This is biometric data{' with names' if has_names else ''}: only you can read the file; "
        "give it to nobody without the consent of the people in it."
    )
    if screen.json:
        screen.document(
            {
                "file": os.fspath(order.file.absolute()),
                "model": content.model_key,
                "people": people,
                "descriptors": len(content.people),
                "faces": len(content.face_ids),
                "names": has_names,
                "written": is_written,
                "note": warning,
            }
        )
        return
    told = f"{counted(people, 'person', 'people')}, {counted(len(content.face_ids), 'face')}"
    what = told if people else "no named people with faces, so no vectors"
    unwritten = "" if is_written else "; nothing was written (--dry-run)"
    screen.text(f"{order.file.absolute()}: {what} ({content.model_key}){unwritten}.")
    if is_written and people:
        screen.say(warning)


def _show_plan(screen: Screen, dest: Path, plan: Plan) -> None:
    if screen.json:
        screen.document(
            {
                "destination": os.fspath(dest.absolute()),
                "mode": plan.mode.value,
                "operations": [
                    {"action": type(op).__name__.lower(), **_paths(op), **_why(op)}
                    for op in plan.operations
                ],
                "notes": list(plan.notes),
                "missing": _missing(plan.missing),
            }
        )
        return
    for op in plan.changes:
        screen.text(f"{type(op).__name__.lower():>7}  {'  ->  '.join(_paths(op).values())}")
        why = _why(op)
        if "best" in why:
            screen.text(f"         {why['reason']}")
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


def _why(op: Operation) -> dict[str, object]:
    """Return why a file is to be there; of one that goes nothing."""
    from facesort.export.operations import Move, Remove  # noqa: PLC0415 - kept out of --help

    if isinstance(op, Remove):
        return {}
    entry = op.new if isinstance(op, Move) else op.entry
    return {"reason": entry.reason} | ({} if entry.best is None else {"best": asdict(entry.best)})


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
    nothing = (
        "nothing was written" if result.missing else "no photos of named people, nothing to write"
    )
    done = ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)
    screen.text(f"{dest.absolute()}: {done or nothing}.")

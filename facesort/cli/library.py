"""`facesort library`: looking after the library itself."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from facesort.cli import context

if TYPE_CHECKING:
    from facesort.cli.context import Context
    from facesort.cli.render import Screen
    from facesort.jobs.describing.compact import Compaction
    from facesort.jobs.scanning.prune import Pruning

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    library = typer.Typer(
        help="Look after the library itself.",
        epilog="Example: facesort library prune ~/Pictures/wedding --yes",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    library.command(epilog="Example: facesort library prune ~/Pictures/wedding --yes")(prune)
    library.command(epilog="Example: facesort library compact --dry-run")(compact)
    app.add_typer(library, name="library")


def prune(
    ctx: typer.Context,
    folders: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="FOLDER",
            help="Also forget what is gone from below these, marked as missing or not.",
            show_default=False,
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only list what would be forgotten.")
    ] = False,
) -> None:
    """Forget photos that you deleted: those marked as missing, and all that FOLDERs have lost.

    Names and decisions stay: a photo that comes back gets its names again at the next scan. Copies
    that an export made of forgotten photos stay too: they may be the last ones.
    """
    shared = context.of(ctx)
    screen = shared.screen()
    with shared.open(screen) as library:
        planned = library.plan_prune(folders or [])
        is_needed = bool(planned.files or planned.photos)
        if is_needed and not dry_run:
            if not yes:
                _ask(shared, screen, planned)
            planned = library.prune(planned)
    _show(screen, planned, dry_run=dry_run)


def _ask(shared: Context, screen: Screen, planned: Pruning) -> None:
    """Let the user agree, or end.

    Raises:
        UsageError: nobody is there to answer.
    """
    from facesort.errors import UsageError  # noqa: PLC0415 - kept out of --help

    what = f"{_amounts(planned)} would be forgotten"
    if not shared.can_ask:
        raise UsageError(what, hint="Add --yes to forget them, or --dry-run to list them.")
    if screen.ask(f"{what}. Forget them?", ["yes", "no"]) != "yes":
        raise typer.Exit(0)


def _amounts(planned: Pruning) -> str:
    from facesort.cli.render import counted  # noqa: PLC0415 - kept out of --help

    photos, faces = counted(planned.photos, "photo"), counted(planned.faces, "face")
    return f"{photos} with {faces} (files that are gone: {len(planned.files):,})"


def _show(screen: Screen, pruning: Pruning, *, dry_run: bool) -> None:
    if screen.json:
        screen.document(
            {
                "files": [os.fspath(path) for path in pruning.files],
                "photos": pruning.photos,
                "faces": pruning.faces,
                "dry_run": dry_run,
            }
        )
        return
    if not pruning.files and not pruning.photos:
        screen.say("There is nothing to forget: no photo is missing.")
    elif dry_run:
        for path in pruning.files:
            screen.text(str(path))
        screen.say(f"{_amounts(pruning)} would be forgotten; nothing was done (--dry-run).")
    else:
        screen.text(f"Forgotten: {_amounts(pruning)}. Names and decisions stay.")


def compact(
    ctx: typer.Context,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what it would save and cost.")
    ] = False,
) -> None:
    """Store each face in 128 bytes instead of float16 numbers, for good.

    Similarities change a little; by how much is said first. There is no way back but to scan the
    photos into a new library. Names and decisions stay as they are, and so do people until the next
    grouping. Later scans store in the same form.
    """
    shared = context.of(ctx)
    screen = shared.screen()
    with shared.open(screen) as library:
        planned = library.plan_compact()
        if planned.code is not None and not dry_run:
            if not planned.is_resumed and not yes:
                _show_plan(screen, planned)
                _agree(shared, screen)
            planned = library.compact(planned)
    if screen.json:
        screen.document(planned.to_json())
    elif planned.code is None:
        already = "is compact already" if planned.faces else "holds no face yet"
        screen.say(f"There is nothing to do: this library {already}.")
    elif planned.bytes_after is None:
        _show_plan(screen, planned)
        screen.say("Nothing was done (--dry-run).")
    else:
        _show_compaction(screen, planned)


def _agree(shared: Context, screen: Screen) -> None:
    """Let the user agree, or end.

    Raises:
        UsageError: nobody is there to answer.
    """
    from facesort.errors import UsageError  # noqa: PLC0415 - kept out of --help

    if not shared.can_ask:
        raise UsageError(
            "compacting loses a little of every face's numbers, for good",
            hint="Add --yes to do it, or --dry-run to see what it changes.",
        )
    if screen.ask("Do it? There is no way back.", ["yes", "no"]) != "yes":
        raise typer.Exit(0)


def _show_plan(screen: Screen, planned: Compaction) -> None:
    from facesort.cli.render import counted  # noqa: PLC0415 - kept out of --help

    lost, code = planned.loss, planned.code
    if lost is None or code is None:
        screen.text("An earlier compaction was stopped; the rest of it is still to be done.")
        return
    screen.text(
        f"{counted(planned.faces, 'face')}: {lost.bytes_before // planned.faces} bytes each become "
        f"{code.size}, {_size(lost.bytes_before - lost.bytes_after)} less. The catalog takes "
        f"{_size(planned.bytes_before)} now."
    )
    screen.text(
        f"Similarities change by {lost.mean_change:.4f} on average, by {lost.max_change:.4f} at "
        f"most ({lost.pairs:,} pairs of faces)."
    )
    if planned.regrouped:
        screen.text(
            f"Grouped anew in both forms, {planned.moved:,} of {planned.regrouped:,} faces would "
            "have other companions."
        )
    if code.axes is not None:
        screen.text(
            f"{code.dimension} numbers a face become {code.size}: thresholds are moved along."
        )


def _show_compaction(screen: Screen, done: Compaction) -> None:
    after = done.bytes_after or 0
    screen.text(
        f"{done.faces:,} faces are stored in {done.code.size if done.code else 0} bytes each. The "
        f"catalog took {_size(done.bytes_before)} and takes {_size(after)}."
    )
    if done.remark:
        screen.say(done.remark)


def _size(number: int) -> str:
    return f"{number / 1e6:,.1f} MB" if number >= 1e6 else f"{number / 1e3:,.0f} kB"

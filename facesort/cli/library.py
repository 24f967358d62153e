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
    from facesort.jobs.prune import Pruning

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

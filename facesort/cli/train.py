"""`facesort train`: networks of one's own, made on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from facesort.cli import context

if TYPE_CHECKING:
    from facesort.cli.render import Screen
    from facesort.jobs.training.trained import TrainReport

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    train = typer.Typer(
        help="Train what makes one vector of several faces, and use it where it is better.",
        epilog="Example: facesort train coreset ~/Pictures/family-by-name",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    train.callback()(_several)
    train.command(epilog="Example: facesort train coreset ~/Pictures/family-by-name")(coreset)
    app.add_typer(train, name="train")


def _several() -> None:
    """Keep `train` a group although it has one command."""


def coreset(
    ctx: typer.Context,
    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="DIR",
            help="NAME/*.jpg and so on. Without: the faces that you have confirmed.",
            readable=False,
            show_default=False,
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, help="Equal seeds and photos make equal networks.")
    ] = 0,
    steps: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Of the training.", show_default="2000"),
    ] = None,
    revert: Annotated[
        bool, typer.Option("--revert", help="Go back to the plain coreset; nothing is trained.")
    ] = False,
) -> None:
    """Train FaceCoresetNet, and use it in this library if it is better than the plain coreset.

    One half of the people is trained on, the other is measured on. Stopped with Ctrl-C or killed,
    the same command goes on where it was.
    """
    shared = context.of(ctx)
    screen = shared.screen()
    from facesort.cli.quiet import quiet_libraries  # noqa: PLC0415 - kept out of --help
    from facesort.errors import UsageError  # noqa: PLC0415

    if revert:
        if folder is not None:
            raise UsageError("--revert trains nothing", hint="Leave the folder away.")
        with shared.open(screen) as library:
            was = library.revert_coreset()
        _show_reverted(screen, was)
        return
    from facesort.jobs.scanning.scan import check_folders  # noqa: PLC0415
    from facesort.jobs.training.train import check_torch  # noqa: PLC0415

    check_torch()  # before a library is made
    if folder is not None:
        check_folders([folder])
    with quiet_libraries(), shared.open(screen, create=folder is not None) as library:
        report = library.train_coreset(folder, seed=seed, steps=steps)
    _show(screen, report)


def _show_reverted(screen: Screen, was: bool) -> None:
    if screen.json:
        screen.document({"reverted": was})
        return
    screen.text(
        "The plain coreset makes the vectors of people again."
        if was
        else "The plain coreset is in use already."
    )


def _show(screen: Screen, report: TrainReport) -> None:
    if screen.json:
        screen.document(report.to_json())
        return
    screen.table(
        ["", "FAR", "plain", "learned", "difference"],
        [
            [
                one.condition,
                one.rate,
                *(
                    f"{tar.mean:.4f} ({tar.low:.4f} to {tar.high:.4f})"
                    for tar in (one.old, one.new, one.gain)
                ),
            ]
            for one in report.verdict.contests
        ],
        numbers=4,
    )
    minutes = sum(report.seconds.values()) / 60
    screen.text(
        f"Trained on {report.trained} people, measured on {report.measured} others, in "
        f"{minutes:.1f} minutes. Shares of pairs of one person that match, with 95 % intervals."
    )
    asked = report.verdict.recognition
    if asked is not None:
        screen.text(
            f"identify at the library's own bar: {asked.old.mean:.4f} of {asked.known:,} known "
            f"faces found plain, {asked.new.mean:.4f} learned, difference {asked.gain.mean:+.4f} "
            f"({asked.gain.low:+.4f} to {asked.gain.high:+.4f}); of {asked.strange:,} faces of "
            f"strangers {asked.old_taken:.4f} and {asked.new_taken:.4f} taken for somebody."
        )
    screen.text(report.sentence)

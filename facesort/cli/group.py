"""`facesort group`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from facesort.cli import context
from facesort.cli.render import counted

if TYPE_CHECKING:
    from facesort.cli.render import Screen
    from facesort.jobs.grouping.group import GroupReport

__all__ = ["register", "show_threshold"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: facesort group --wrong-merges 0.1")(group)


def group(
    ctx: typer.Context,
    all_faces: Annotated[
        bool,
        typer.Option("--all", help="Group all faces from nothing, not only new ones."),
    ] = False,
    method: Annotated[
        str | None,
        typer.Option(
            help="linkage, threshold (FaceNet's) or agglomerative (scikit-learn's).",
            show_default="linkage",
        ),
    ] = None,
    wrong_merges: Annotated[
        float | None,
        typer.Option(metavar="X", help="Expected wrong merges per 1,000 people.", show_default="3"),
    ] = None,
    false_match_rate: Annotated[
        float | None, typer.Option(metavar="R", help="Instead: false match rate of one comparison.")
    ] = None,
    min_cosine: Annotated[
        float | None, typer.Option(metavar="C", help="Instead: a fixed mean cosine similarity.")
    ] = None,
) -> None:
    """Group what is stored into people. Names and decisions stay.

    New faces join the people who are there. With --all, or in another way than before, all faces
    are grouped from nothing: the same photos and decisions then always give the same people.
    Without an option for the way, it is that of the last time.
    """
    shared = context.of(ctx)
    screen = shared.screen()
    from facesort.jobs.grouping.options import GroupOptions  # noqa: PLC0415 - kept out of --help

    given = (method, wrong_merges, false_match_rate, min_cosine)
    as_before = all(option is None for option in given)
    options = (
        None
        if as_before
        else GroupOptions(method or "linkage", wrong_merges, false_match_rate, min_cosine)
    )
    with shared.open(screen) as library:
        _show_group(screen, library.group(options, everything=all_faces))


def _show_group(screen: Screen, report: GroupReport) -> None:
    if screen.json:
        screen.document(
            {
                "people": report.people,
                "faces": report.faces,
                "unassigned": report.unassigned,
                "new": report.new,
                "repeats": report.repeats,
                "threshold": round(report.threshold.min_cosine, 4),
                "method": report.method,
                "rule": report.threshold.rule,
                "evidence": report.threshold.to_json(),
            }
        )
        return
    screen.text(
        f"{counted(report.faces, 'face')}: {counted(report.people, 'person', 'people')}, "
        f"{report.unassigned:,} too poor to tell."
    )
    if report.new is not None:
        screen.text(
            f"{counted(report.new, 'face')} had not been grouped before; everybody else stayed "
            "(facesort group --all looks at all faces again)."
        )
    show_threshold(screen, report)


def show_threshold(screen: Screen, report: GroupReport) -> None:
    """Print which threshold was used, and why."""
    for line in report.threshold.lines():
        screen.text(line)
    if report.repeats:
        screen.text(
            f"{counted(report.repeats, 'pair')} of faces on one photo look like one person: a "
            "mirror, a collage, a screen or twins. They stay apart until you say otherwise "
            "(facesort merge)."
        )

"""`facesort bench sets`: what makes the best one vector of many faces."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from facesort.cli import context
from facesort.cli.render import counted
from facesort.cli.scratch import own_library

if TYPE_CHECKING:
    from collections.abc import Mapping

    from facesort.cli.render import Screen
    from facesort.evaluation.sets import Estimate
    from facesort.jobs.benches.sets import SetsReport
    from facesort.jobs.describing.aggregating import Trained

__all__ = ["sets"]

_CONDITIONS = {
    "clean": "As they are",
    "burst": "One face of each set in it eight times, as in a burst",
    "degraded": "30 % of the faces of each set degraded",
}


def sets(
    ctx: typer.Context,
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", readable=False, help="NAME/*.jpg, four or more each.")
    ],
    seeds: Annotated[int, typer.Option(min=1, max=100, help="How often sets are drawn.")] = 5,
    learned: Annotated[
        str | None,
        typer.Option(
            metavar="LIBRARY",
            help="Judge the network trained in this library too, on people it has not seen.",
            show_default=False,
        ),
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Embedder; see facesort models list.", show_default="sface")
    ] = None,
    provider: Annotated[
        str | None, typer.Option(help="Where the models run.", show_default="auto")
    ] = None,
) -> None:
    """Verify sets of faces: compare ways to make one vector of many.

    DIR is scanned into a library of its own, which is thrown away; --library keeps it, and must
    hold nothing else. With --learned only the half of the people is judged on, by their names, that
    train coreset leaves out.
    """
    shared = context.of(ctx)
    screen = shared.screen()
    from facesort.cli.quiet import quiet_libraries  # noqa: PLC0415 - kept out of --help
    from facesort.jobs.scanning.scan import check_folders  # noqa: PLC0415

    check_folders([folder])
    place = None if learned is None else _existing(learned)
    with (
        quiet_libraries(),
        own_library(shared, screen, embedder=model, provider=provider) as library,
    ):
        library.check_only_holds(folder)
        trained = None if place is None else library.trained_in(place)
        library.scan([folder], group=False)
        report = library.bench_sets(folder, seeds=seeds, trained=trained)
    if screen.json:
        screen.document(report.to_json())
    else:
        _show(screen, report)


def _existing(library: str) -> Path:
    """Return the folder of a library that is there; a name or a path, as --library takes it."""
    from facesort.config import load_settings  # noqa: PLC0415 - kept out of --help
    from facesort.errors import LibraryNotFound  # noqa: PLC0415
    from facesort.library import Library  # noqa: PLC0415

    settings = load_settings({"library": library})
    if not Library.exists(settings):
        raise LibraryNotFound(
            f"--learned: there is no library at {settings.library}",
            hint="Name the library in which facesort train coreset was run.",
        )
    return settings.library


def _show(screen: Screen, report: SetsReport) -> None:
    found = report.result
    screen.text(
        f"Two disjoint sets of each of {counted(found.people, 'person', 'people')}, drawn "
        f"{counted(found.seeds, 'time')}: {found.same:,} pairs of sets of one person, "
        f"{found.different:,} of two. TAR in %, and what 95 % of the bootstrap over people and "
        "draws lies between."
    )
    if report.trained is not None:
        screen.text(_about(report.trained, report.left_out))
    rates = list(found.rows[0].tar)
    for condition, title in _CONDITIONS.items():
        rows = [row for row in found.rows if row.condition == condition]
        last = [rate for rate in rates if any(row.tar[rate] for row in rows)][-1]
        screen.text("")
        screen.text(f"{title}:")
        screen.table(
            ["", *(f"at FAR {rate}" for rate in rates), f"minus mean, at {last}"],
            [
                [row.method, *_shares(row.tar), _share(row.over_mean[last], signed=True)]
                for row in rows
            ],
            numbers=len(rates) + 1,
        )
    screen.text("")
    screen.text("One vector of n faces:")
    screen.table(
        ["", "n", "ms", "MB beside the faces"],
        [
            [one.method, f"{one.n:,}", f"{1000 * one.seconds:.2f}", f"{one.peak_mb:.2f}"]
            for one in report.cost
        ],
        numbers=3,
    )
    if report.missing:
        screen.say(f"No face was found on {counted(report.missing, 'photo')}.")


def _about(trained: Trained, left_out: int) -> str:
    is_used = "in use in its library" if trained.in_use else "not in use in its library"
    said = (
        f"learned: {trained.card.path.parent / trained.card.weights.file}, {is_used}. "
        f"{counted(left_out, 'other person is', 'other people are')} left out: their names are of "
        "the half that train coreset learns from."
    )
    if not trained.knows_folders:
        said += (
            " That network learned from confirmed people, whom no folder names: if they are among "
            "those judged on, its numbers are too good."
        )
    return said


def _shares(tar: Mapping[str, Estimate | None]) -> list[str]:
    return [_share(one) for one in tar.values()]


def _share(one: Estimate | None, *, signed: bool = False) -> str:
    if one is None:
        return "too few pairs"
    shown = "+.2f" if signed else ".2f"
    low, high = (format(100 * end, shown) for end in (one.low, one.high))
    return f"{100 * one.mean:{shown}} ({low} to {high})"

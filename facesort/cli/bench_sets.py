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
    model: Annotated[
        str | None, typer.Option(help="Embedder; see facesort models list.", show_default="sface")
    ] = None,
    provider: Annotated[
        str | None, typer.Option(help="Where the models run.", show_default="auto")
    ] = None,
) -> None:
    """Verify sets of faces: compare ways to make one vector of many.

    DIR is scanned into a library of its own, which is thrown away; --library keeps it.
    """
    shared = context.of(ctx)
    screen = shared.screen()
    from facesort.cli.quiet import quiet_libraries  # noqa: PLC0415 - kept out of --help
    from facesort.jobs.scanning.scan import check_folders  # noqa: PLC0415

    check_folders([folder])
    with (
        quiet_libraries(),
        own_library(shared, screen, embedder=model, provider=provider) as library,
    ):
        library.scan([folder], group=False)
        report = library.bench_sets(folder, seeds=seeds)
    if screen.json:
        screen.document(report.to_json())
    else:
        _show(screen, report)


def _show(screen: Screen, report: SetsReport) -> None:
    found = report.result
    screen.text(
        f"Two disjoint sets of each of {counted(found.people, 'person', 'people')}, drawn "
        f"{counted(found.seeds, 'time')}: {found.same:,} pairs of sets of one person, "
        f"{found.different:,} of two. TAR in %, and what 95 % of the bootstrap over people and "
        "draws lies between."
    )
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


def _shares(tar: Mapping[str, Estimate | None]) -> list[str]:
    return [_share(one) for one in tar.values()]


def _share(one: Estimate | None, *, signed: bool = False) -> str:
    if one is None:
        return "too few pairs"
    shown = "+.2f" if signed else ".2f"
    low, high = (format(100 * end, shown) for end in (one.low, one.high))
    return f"{100 * one.mean:{shown}} ({low} to {high})"

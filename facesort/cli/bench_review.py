"""`facesort bench review`: how many answers a review takes, by the order of the questions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from facesort.cli import context
from facesort.cli.render import counted

if TYPE_CHECKING:
    from facesort.cli.render import Screen
    from facesort.evaluation.review import ReviewCosts

__all__ = ["review"]

_ORDERS = {
    "queue": "facesort review",
    "similarity": "most alike first",
    "similarity_named": "most alike first, named at once",
    "size": "most faces first",
    "one_by_one": "DBSCAN's groups, most faces first",
}


def review(
    ctx: typer.Context,
    truth: Annotated[
        Path,
        typer.Argument(
            metavar="TRUTH.csv|DIR",
            readable=False,  # read_truth says more
            help="Columns photo[,left,top,right,bottom],person; or folders named for people.",
        ),
    ],
    mistakes: Annotated[
        float,
        typer.Option(min=0.0, max=0.5, metavar="SHARE", help="Share of wrong answers, like 0.02."),
    ] = 0.0,
    seeds: Annotated[
        int, typer.Option(min=1, max=100, help="With mistakes: reviews to average.")
    ] = 5,
) -> None:
    """Count the answers until the people of this library have their names.

    The answers come from the truth; nothing is written. Other orders of questions are counted too.
    """
    shared = context.of(ctx)
    screen = shared.screen()
    from facesort.errors import UsageError  # noqa: PLC0415 - kept out of --help
    from facesort.files import PathKind, kind_of  # noqa: PLC0415

    if kind_of(truth) is PathKind.NOTHING:
        raise UsageError(
            f"{truth} does not exist",
            hint="Name a CSV file, or a folder with one subfolder for each person.",
        )
    with shared.open(screen) as library:
        costs = library.bench_review(truth, mistakes=mistakes, seeds=seeds)
    if screen.json:
        screen.document(costs.to_json())
    else:
        _show(screen, costs)


def _show(screen: Screen, costs: ReviewCosts) -> None:
    shares = list(costs.names_alone)
    queue = costs.orders["queue"].costs[shares[-1]]
    rows = [
        [
            _ORDERS[name],
            *(_number(order.costs[share]) for share in shares),
            f"{1 - queue / order.costs[shares[-1]]:.0%}" if name != "queue" else "",
        ]
        for name, order in costs.orders.items()
    ]
    rows.append(["names alone", *(str(number) for number in costs.names_alone.values()), ""])
    screen.table(
        ["answers until right", *(f"{float(share):.0%}" for share in shares), "saved at the last"],
        rows,
        numbers=len(shares) + 1,
    )
    screen.text(
        f"{counted(costs.faces, 'face')} of {counted(costs.people, 'person', 'people')} count, "
        f"{costs.strays} of them not found or with nobody; "
        f"{counted(costs.start, 'person', 'people')} at the start, without names."
    )
    if costs.said:
        screen.text(
            f"The start is not grouping alone: {counted(costs.said, 'decision')} about who is with "
            "whom counted."
        )
    if costs.mistakes:
        reached = ", ".join(
            f"{_ORDERS[name]} {order.reached:.1%}" for name, order in costs.orders.items()
        )
        screen.text(
            f"{costs.mistakes:.1%} of the answers were wrong; mean of "
            f"{counted(costs.seeds, 'review')}. Right after the last question: {reached}."
        )


def _number(answers: float) -> str:
    return f"{answers:.0f}" if answers == round(answers) else f"{answers:.1f}"

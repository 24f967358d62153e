"""`facesort bench`: accuracy on labelled photos, and speed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from facesort.cli import context
from facesort.cli.bench_review import review
from facesort.cli.bench_sets import sets
from facesort.cli.render import counted
from facesort.cli.scratch import own_library

if TYPE_CHECKING:
    from facesort.cli.render import Screen
    from facesort.evaluation.speed import SpeedResult

__all__ = ["register"]

_EXIT_SOME_FAILED = 3

# By stage: what its work grows with, and how much of that there was.
_UNITS = {
    "read": "photo",
    "decode": "megapixel",
    "detect": "photo",
    "align": "face",
    "embed": "face",
    "store": "photo",
}
_LIMITS = {
    "processor": "all cores busy with all of it",
    "accelerator": "the accelerator busy all the time",
    "store": "storing, which one thread does",
}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    bench = typer.Typer(
        help="Measure accuracy on labelled photos, and speed on any.",
        epilog="Example: facesort bench clusters album/truth.csv",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    bench.command(epilog="Example: facesort bench lfw lfw/images --pairs lfw/pairs.txt")(lfw)
    bench.command(epilog="Example: facesort bench clusters album/truth.csv")(clusters)
    bench.command(epilog="Example: facesort bench sets lfw/images")(sets)
    bench.command(epilog="Example: facesort bench review album/truth.csv")(review)
    bench.command(epilog="Example: facesort bench speed ~/Pictures/wedding")(speed)
    app.add_typer(bench, name="bench")


def lfw(
    ctx: typer.Context,
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", readable=False, help="NAME/NAME_0001.jpg and so on.")
    ],
    pairs: Annotated[Path, typer.Option(help="LFW's pairs.txt.")],
    model: Annotated[
        str | None, typer.Option(help="Embedder; see facesort models list.", show_default="sface")
    ] = None,
    provider: Annotated[
        str | None, typer.Option(help="Where the models run.", show_default="auto")
    ] = None,
    descriptor: Annotated[
        str,
        typer.Option(
            metavar="float16|int8", help="int8: in 128 bytes a face, as library compact stores it."
        ),
    ] = "float16",
) -> None:
    """Verify faces by FaceNet's LFW protocol, and over all pairs.

    DIR is scanned into a library of its own, which is thrown away; --library keeps it.
    """
    shared = context.of(ctx)
    screen = shared.screen()
    from facesort.cli.quiet import quiet_libraries  # noqa: PLC0415 - kept out of --help
    from facesort.errors import UsageError  # noqa: PLC0415
    from facesort.files import PathKind, kind_of  # noqa: PLC0415
    from facesort.jobs.scanning.scan import check_folders  # noqa: PLC0415

    if descriptor not in {"float16", "int8"}:
        raise UsageError(f"--descriptor {descriptor} is not known", hint="Use float16 or int8.")
    check_folders([folder])
    if kind_of(pairs) is not PathKind.FILE:
        raise UsageError(f"there is no file {pairs}", hint="Give LFW's pairs.txt with --pairs.")
    with (
        quiet_libraries(),
        own_library(shared, screen, embedder=model, provider=provider) as library,
    ):
        library.scan([folder], group=False)
        result = library.bench_lfw(folder, pairs, compact=descriptor == "int8")
    document = result.to_json()
    if screen.json:
        screen.document(document)
        return
    folds = result.folds
    screen.text(
        f"Accuracy {folds.accuracy:.4f} +- {folds.accuracy_std:.4f} at cosine "
        f"{folds.min_cosine:.3f} over {folds.pairs} pairs, {folds.skipped} of them skipped "
        f"({folds.accuracy_skipped_wrong:.4f} if those count as wrong)."
    )
    screen.text(f"VAL at FAR 1e-3: {folds.val:.4f}; FAR achieved: {folds.far_achieved:.5f}.")
    for rate, share in result.all_pairs.tar.items():
        shown = "too few pairs" if share is None else f"{share:.4f}"
        screen.text(f"All pairs: TAR at FAR {rate}: {shown}.")


def clusters(
    ctx: typer.Context,
    truth: Annotated[
        Path,
        typer.Argument(
            metavar="TRUTH.csv|DIR",
            readable=False,  # read_truth says more
            help="Columns photo[,left,top,right,bottom],person; or folders named for people.",
        ),
    ],
) -> None:
    """Judge the people of this library against the truth."""
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
        result = library.bench_clusters(truth)
    if screen.json:
        screen.document(result.to_json())
        return
    screen.table(
        ["", "precision", "recall", "F"],
        [
            [label, f"{score.precision:.4f}", f"{score.recall:.4f}", f"{score.f:.4f}"]
            for label, score in (("pairwise", result.pairwise), ("BCubed", result.bcubed))
        ],
        numbers=3,
    )
    screen.text(
        f"V-measure {result.v_measure:.4f}; {counted(result.clusters, 'cluster')} for "
        f"{counted(result.people, 'person', 'people')}; {counted(result.faces, 'face')}, "
        f"{result.missing} not found, {result.unassigned} unassigned; "
        f"{result.pure_share:.4f} of the faces in pure clusters."
    )


def speed(
    ctx: typer.Context,
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH", help="Folders of photos.", readable=False),
    ],
    model: Annotated[
        str | None, typer.Option(help="Embedder; see facesort models list.", show_default="sface")
    ] = None,
    provider: Annotated[
        str | None, typer.Option(help="Where the models run.", show_default="auto")
    ] = None,
    batch_size: Annotated[
        str | None,
        typer.Option(metavar="N|auto", help="Faces embedded at a time.", show_default="auto"),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Threads of the scan.", show_default="one per core")
    ] = None,
    sample: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="Measure the single stages on N photos.", show_default="auto"
        ),
    ] = None,
) -> None:
    """Scan, and say how fast, where the time went, and how close to the possible that is.

    The photos are scanned into a library of its own, which is thrown away; --library keeps it.
    Then each stage is measured alone, one after the other on one thread.
    """
    shared = context.of(ctx)
    screen = shared.screen()
    from facesort.cli.quiet import quiet_libraries  # noqa: PLC0415 - kept out of --help
    from facesort.jobs.scanning.scan import check_folders  # noqa: PLC0415

    check_folders(paths)  # before a library is made
    flags = {"embedder": model, "provider": provider, "batch_size": batch_size, "workers": workers}
    with quiet_libraries(), own_library(shared, screen, **flags) as library:
        result = library.bench_speed(paths, sample=sample)
    if screen.json:
        screen.document(result.to_json())
    else:
        _show_speed(screen, result)
    if result.failed:
        raise typer.Exit(_EXIT_SOME_FAILED)


def _show_speed(screen: Screen, result: SpeedResult) -> None:
    whole = result.measured
    if not whole.files:
        screen.text("No photos were found there.")
        return
    amounts = {"photo": whole.files, "megapixel": whole.megapixels, "face": whole.faces}
    cpu = sum(stage.cpu_seconds for stage in result.stages) or 1.0
    screen.table(
        ["stage", "CPU s alone", "share", "each", "thread s in the scan"],
        [
            [
                stage.name,
                f"{stage.cpu_seconds:.2f}",
                f"{stage.cpu_seconds / cpu:.0%}",
                _each(stage.cpu_seconds, amounts[_UNITS[stage.name]], _UNITS[stage.name]),
                f"{stage.busy_seconds:.2f}",
            ]
            for stage in result.stages
        ],
        numbers=4,
    )
    screen.text(
        f"{counted(whole.files, 'photo')}, {whole.megapixels:,.0f} megapixels, "
        f"{counted(whole.faces, 'face')} in {result.seconds:.2f} s: "
        f"{result.rate(whole.files):.2f} photos/s, {result.rate(whole.megapixels):.1f} "
        f"megapixels/s, {result.rate(whole.faces):.2f} faces/s."
    )
    screen.text(
        f"Models on {result.provider}, {counted(result.cores, 'core')}, peak memory "
        f"{result.peak_bytes / 1e6:,.0f} MB. Loading the models took {result.load_seconds:.2f} s "
        f"more, grouping {result.group_seconds:.2f} s."
    )
    screen.text(
        f"The limit is {result.possible_seconds:.2f} s: {_LIMITS[result.limit]}. "
        f"The scan reached {result.share_of_possible:.0%} of that speed, with "
        f"{result.cpu_seconds:.2f} CPU s in all."
    )
    if result.sampled.files < whole.files:
        screen.text(
            f"The single stages were measured on {counted(result.sampled.files, 'photo')} "
            "spread over all, and scaled up."
        )
    if result.remark:
        screen.say(f"Runs on the CPU: {result.remark}")
    if result.failed:
        screen.say(f"{counted(result.failed, 'photo')} could not be read.")


def _each(seconds: float, amount: float, unit: str) -> str:
    return f"{1000 * seconds / amount:.2f} ms a {unit}" if amount else ""

"""`facesort bench`: accuracy on labelled photos."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from facesort.cli import context
from facesort.cli.render import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from facesort.cli.context import Context
    from facesort.cli.render import Screen
    from facesort.library import Library

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    bench = typer.Typer(
        help="Measure accuracy on labelled photos.",
        epilog="Example: facesort bench clusters album/truth.csv",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    bench.command(epilog="Example: facesort bench lfw lfw/images --pairs lfw/pairs.txt")(lfw)
    bench.command(epilog="Example: facesort bench clusters album/truth.csv")(clusters)
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
) -> None:
    """Verify faces by FaceNet's LFW protocol, and over all pairs.

    DIR is scanned into a library of its own, which is thrown away; --library keeps it.
    """
    shared = context.of(ctx)
    screen = shared.screen()
    from facesort.cli.quiet import quiet_libraries  # noqa: PLC0415 - kept out of --help
    from facesort.errors import UsageError  # noqa: PLC0415
    from facesort.files import PathKind, kind_of  # noqa: PLC0415
    from facesort.jobs.scan import check_folders  # noqa: PLC0415

    check_folders([folder])
    if kind_of(pairs) is not PathKind.FILE:
        raise UsageError(f"there is no file {pairs}", hint="Give LFW's pairs.txt with --pairs.")
    with (
        quiet_libraries(),
        _own_library(shared, screen, embedder=model, provider=provider) as library,
    ):
        library.scan([folder], group=False)
        result = library.bench_lfw(folder, pairs)
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


@contextlib.contextmanager
def _own_library(shared: Context, screen: Screen, **flags: object) -> Iterator[Library]:
    """Open the library that --library names, or one that is thrown away."""
    import tempfile  # noqa: PLC0415 - kept out of --help
    from dataclasses import replace  # noqa: PLC0415

    from facesort.library import Library  # noqa: PLC0415

    with contextlib.ExitStack() as stack:
        settings = shared.settings(**flags, models_dir=None)  # takes the environment's
        if shared.library is None:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="facesort-bench-"))
            settings = replace(settings, library=Path(folder) / "library")
        yield stack.enter_context(Library(settings, progress=screen.progress(), create=True))


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

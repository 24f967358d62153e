"""`facesort scan`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from facesort.cli import context
from facesort.cli.group import show_threshold
from facesort.cli.render import counted

if TYPE_CHECKING:
    from facesort.cli.render import Screen
    from facesort.config import Settings
    from facesort.jobs.scanning.compare import ScanCounts
    from facesort.jobs.scanning.inherit import Suggestion
    from facesort.jobs.scanning.scan import ScanReport

__all__ = ["register"]

_EXIT_SOME_FAILED = 3
_SHOWN_FAILURES = 20

# What the kinds of companions are called.
_COMPANIONS = {"raw": "RAW file", "video": "Live Photo video"}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: facesort scan ~/Pictures/wedding --library wedding")(scan)


def scan(
    ctx: typer.Context,
    paths: Annotated[
        list[Path],
        # check_folders says more than typer would about a folder that cannot be read.
        typer.Argument(metavar="PATH", help="Folders of photos.", readable=False),
    ],
    model: Annotated[
        str | None, typer.Option(help="Embedder; see facesort models list.", show_default="sface")
    ] = None,
    provider: Annotated[
        str | None,
        typer.Option(help="auto, cpu, cuda...: where the models run.", show_default="auto"),
    ] = None,
    batch_size: Annotated[
        str | None,
        typer.Option(metavar="N|auto", help="Faces embedded at a time.", show_default="auto"),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Decoding threads.", show_default="one per core")
    ] = None,
    min_face: Annotated[
        int | None,
        typer.Option(
            metavar="PX",
            help="Smallest face, shorter side in original pixels; remembered by the library.",
            show_default="24",
        ),
    ] = None,
    max_megapixels: Annotated[
        float | None,
        typer.Option(help="Larger photos are recorded as too large.", show_default="300"),
    ] = None,
    models_dir: Annotated[
        Path | None, typer.Option(help="Look here first for weights, and for own model cards.")
    ] = None,
    no_group: Annotated[bool, typer.Option("--no-group", help="Do not group afterwards.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be looked at.")
    ] = False,
) -> None:
    """Find new and changed photos, detect and embed their faces, and group them into people."""
    shared = context.of(ctx)
    screen = shared.screen()
    settings = shared.settings(
        embedder=model,
        provider=provider,
        batch_size=batch_size,
        workers=workers,
        min_face=min_face,
        max_megapixels=max_megapixels,
        models_dir=models_dir,
    )
    from facesort.cli.edited import tell_of_edited  # noqa: PLC0415 - kept out of --help
    from facesort.cli.quiet import quiet_libraries  # noqa: PLC0415
    from facesort.jobs.scanning.scan import check_folders  # noqa: PLC0415
    from facesort.library import Library  # noqa: PLC0415

    check_folders(paths)  # before an empty library is made
    edited: list[Suggestion] = []
    if dry_run:
        report = _preview(settings, paths, screen)
    else:
        with (
            quiet_libraries(),
            Library(settings, progress=screen.progress(), create=True) as library,
        ):
            before = library.newest_photo()
            report = library.scan(paths, group=not no_group)
            edited = [] if screen.json else library.edited(newer_than=before)
    _show_scan(screen, report)
    tell_of_edited(screen, edited)
    if report.counts.failed:
        raise typer.Exit(_EXIT_SOME_FAILED)


def _preview(settings: Settings, paths: list[Path], screen: Screen) -> ScanReport:
    """Say what a scan would open; without a library every photo is new, and none is made."""
    from facesort.jobs.scanning.scan import preview_without_library  # noqa: PLC0415 - kept out of --help
    from facesort.library import Library  # noqa: PLC0415

    if not Library.exists(settings):
        return preview_without_library(paths)
    with Library(settings, progress=screen.progress()) as library:
        return library.preview_scan(paths)


def _show_scan(screen: Screen, report: ScanReport) -> None:
    if screen.json:
        screen.document(scan_document(report))
        return
    if report.remark:
        screen.say(f"Runs on the CPU: {report.remark}")
    screen.text(_photos_line(report))
    for kind, number in sorted(report.counts.companions.items()):
        if number:
            files = counted(number, _COMPANIONS[kind])
            belong = (
                "belongs to a photo beside it" if number == 1 else "belong to photos beside them"
            )
            screen.text(f"{files} {belong}.")
    for reason, number in sorted(report.counts.skipped.items()):
        screen.text(f"Skipped {number:,}: {reason}.")
    _say_problems(screen, report.counts)
    if report.dry_run:
        return
    if report.faces:
        _show_library(screen, report)
    elif report.counts.seen:
        screen.text(_no_faces_line(report))


def _show_library(screen: Screen, report: ScanReport) -> None:
    screen.text(
        f"The library has {counted(report.faces, 'face')} of "
        f"{counted(report.people, 'person', 'people')} "
        f"(models on {report.provider}, {report.seconds['total']:.1f} s)."
    )
    if report.too_small:
        screen.say(
            f"{counted(report.too_small, 'face')} below {report.min_face} pixels do not count: "
            "the library remembers --min-face."
        )
    if report.grouping is not None:
        show_threshold(screen, report.grouping)
    screen.say("Who is who: facesort people; asked one by one: facesort review")


def _no_faces_line(report: ScanReport) -> str:
    from facesort.jobs.looking import DEFAULT_MIN_FACE  # noqa: PLC0415 - kept out of --help

    if not report.too_small and report.min_face <= DEFAULT_MIN_FACE:
        return "No faces were found."
    smaller = f"; {report.too_small:,} smaller ones do not count" if report.too_small else ""
    return f"No faces of at least {report.min_face} pixels (--min-face) were found{smaller}."


def _photos_line(report: ScanReport) -> str:
    counts = report.counts
    if counts.seen == 0:
        return "No photos were found there."
    always = {"new": counts.new, "changed": counts.changed, "unchanged": counts.unchanged}
    if report.dry_run:
        always = {"would be looked at": counts.new + counts.changed, "unchanged": counts.unchanged}
    rarely = {
        "moved": counts.moved,
        "copy" if counts.copies == 1 else "copies": counts.copies,
        "missing": counts.missing,
        "failed": counts.failed,
    }
    shown = [f"{n:,} {what}" for what, n in always.items()]
    shown += [f"{n:,} {what}" for what, n in rarely.items() if n]
    return f"{counted(counts.seen, 'photo')}: {', '.join(shown)}."


def _say_problems(screen: Screen, counts: ScanCounts) -> None:
    for path, reason in counts.failures[:_SHOWN_FAILURES]:
        screen.say(f"Failed: {path}: {reason}")
    more = len(counts.failures) - _SHOWN_FAILURES
    if more > 0:
        screen.say(f"... and {more} more: facesort photos --failed")
    for root in counts.vanished:
        screen.say(
            f"More than half of the photos below {root} are gone: is a drive unplugged? "
            "Nothing there was marked as missing. If you deleted them: "
            f"facesort library prune {shlex.quote(root)} --yes"
        )
    for folder in counts.exported:
        screen.say(f"Passed over {folder}: facesort wrote these albums.")


def scan_document(report: ScanReport) -> dict[str, object]:
    """Return the JSON form of a scan's report."""
    counts = report.counts
    names = ("seen", "new", "changed", "moved", "copies", "unchanged", "missing", "failed")
    return {
        "photos": {
            **{name: getattr(counts, name) for name in names},
            "skipped": dict(sorted(counts.skipped.items())),
            "companions": {kind: n for kind, n in sorted(counts.companions.items()) if n},
        },
        "faces": report.faces,
        "people": report.people,
        "provider": report.provider,
        "remark": report.remark,
        "models": report.models,
        "threshold": report.threshold,
        "evidence": report.grouping.threshold.to_json() if report.grouping else None,
        "seconds": {stage: round(value, 3) for stage, value in report.seconds.items()},
        "failures": [{"path": path, "reason": reason} for path, reason in counts.failures],
        "vanished": counts.vanished,
        "exported": counts.exported,
        "dry_run": report.dry_run,
    }

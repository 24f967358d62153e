"""Scanning: what is on disk against what the catalog knows, and what must be looked at."""

from __future__ import annotations

import os
import time
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from facesort.catalog import photos as catalog
from facesort.catalog import places, showing
from facesort.catalog.roots import RootPart, claim_root, find_root
from facesort.errors import UsageError
from facesort.files import PathKind, explain_os_error, kind_of
from facesort.imaging.formats import is_video
from facesort.imaging.walk import walk
from facesort.jobs.scanning.compare import Comparison, Freshness, ScanCounts
from facesort.jobs.showing.shown import ensure_fresh

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from facesort.catalog.connection import Database
    from facesort.imaging.walk import Walk
    from facesort.jobs.grouping.group import GroupReport
    from facesort.jobs.looking import Looking
    from facesort.protocols import Progress
    from facesort.stages import Looked, Pipeline
    from facesort.workers import StageTimes

__all__ = [
    "ScanReport",
    "check_folders",
    "preview_folders",
    "preview_without_library",
    "report",
    "scan_folders",
    "tell_if_inside",
]

# A commit holds the write lock for well under 200 ms with this many photos.
_PHOTOS_PER_COMMIT = 64
_SECONDS_PER_COMMIT = 2.0


@dataclass(frozen=True, slots=True)
class ScanReport:
    """The whole result of a scan.

    Args:
        counts: photos.
        faces: in the library now.
        people: in the library now.
        provider: where the models ran, or ran last; "none" if they never did.
        remark: why an accelerator that is there was not used; else empty.
        models: role to model key.
        threshold: cosine above which two single faces were joined by the last grouping, None before
            it.
        seconds: that passed while walking, looking, grouping, and in total.
        times: seconds that each stage of looking kept threads busy, over all threads.
        dry_run: nothing was done.
        min_face: smallest face that counts, shorter side in original pixels.
        too_small: faces in the library that do not count because they are smaller.
        grouping: what the grouping afterwards found; None when there was nothing to group.
    """

    counts: ScanCounts
    faces: int = 0
    people: int = 0
    provider: str = "none"
    remark: str = ""
    models: dict[str, str] = field(default_factory=dict)
    threshold: float | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    times: dict[str, float] = field(default_factory=dict)
    dry_run: bool = False
    min_face: int = 0
    too_small: int = 0
    grouping: GroupReport | None = None


def report(
    db: Database,
    looking: Looking,
    counts: ScanCounts,
    seconds: dict[str, float],
    times: StageTimes,
    grouping: GroupReport | None,
) -> ScanReport:
    """Say what a scan did, and what the library holds now."""
    min_face = looking.remembered_min_face
    ensure_fresh(db, min_face=min_face)
    with db.snapshot():
        faces = catalog.count_faces(db, min_face=min_face)
        return ScanReport(
            counts=counts,
            faces=faces,
            min_face=min_face,
            too_small=catalog.count_faces(db, min_face=0) - faces,
            people=showing.count_people(db),
            provider=db.meta("provider", "none"),
            remark=looking.remark,
            models=looking.model_keys,
            threshold=float(db.meta("threshold")) if db.meta("threshold") else None,
            seconds=seconds,
            times=times.seconds,
            grouping=grouping,
        )


def tell_if_inside(db: Database, library: Path, roots: Sequence[Path], progress: Progress) -> None:
    """Say once that a library does not belong among the photos."""
    real = library.resolve()
    inside = next((root for root in roots if real.is_relative_to(root)), None)
    if inside is None or db.meta("told_inside") == "1":
        return
    progress.note(
        f"The library {real} lies inside the scanned folder {inside}. Faces are biometric data, "
        "and photo folders get shared: it is better kept elsewhere (--library)."
    )
    with db.transaction():
        db.set_meta("told_inside", "1")


def check_folders(folders: Sequence[Path]) -> list[Path]:
    """Return real, absolute folders, none inside another; before any work.

    Raises:
        UsageError: a path does not exist, is no folder, or cannot be listed.
    """
    real = []
    for folder in folders:
        kind = kind_of(folder)
        if kind is PathKind.NOTHING:
            raise UsageError(
                f"{folder} does not exist",
                hint="Check the spelling, and that the drive is connected.",
            )
        if kind is not PathKind.FOLDER:
            raise UsageError(
                f"{folder} is a file; facesort scans folders",
                hint=f"Scan the folder it lies in: facesort scan {folder.absolute().parent}",
            )
        try:
            with os.scandir(folder):
                real.append(folder.resolve())
        except OSError as error:
            raise UsageError(f"{folder} cannot be listed", hint=explain_os_error(error)) from error
    # A folder given together with one above it is scanned once.
    return sorted(
        {f for f in real if not any(f != other and f.is_relative_to(other) for other in real)}
    )


def scan_folders(
    db: Database,
    folders: Sequence[Path],
    fresh: Freshness,
    *,
    make_pipeline: Callable[[Callable[[str], bool]], Pipeline],
    exclude: Sequence[Path],
    progress: Progress,
    times: StageTimes,
) -> tuple[ScanCounts, dict[str, float]]:
    """Bring the catalog in line with some folders.

    Args:
        db: the catalog.
        folders: absolute, existing, none inside another.
        fresh: what counts as looked at.
        make_pipeline: called only when a file must be opened, with a test for known content.
        exclude: folders never entered.
        progress: told of every file that is opened.
        times: is told how long storing takes.

    Returns:
        Counts, and the seconds that passed walking and looking.
    """
    seconds: dict[str, float] = {}
    clock = time.perf_counter()
    scan = Comparison(db, fresh)
    for folder in folders:
        found = walk(folder, exclude=exclude)
        part = _claim(db, folder, found)
        scan.compare(folder, part, found, places.places_below(db, folder))
    seconds["walk"] = time.perf_counter() - clock
    if scan.jobs:
        clock = time.perf_counter()
        _look_at(scan, make_pipeline, progress, times)
        seconds["look"] = time.perf_counter() - clock
    scan.settle()
    return scan.counts, seconds


def _claim(db: Database, folder: Path, found: Walk) -> RootPart:
    """Find or make the root of a scanned folder.

    A folder without photos needs none, and takes over none of those below: it may be the place of
    albums around them.
    """
    if not found.files and find_root(db, folder) is None:
        return RootPart(0, "")
    with db.transaction():
        return claim_root(db, folder)


def preview_without_library(folders: Sequence[Path]) -> ScanReport:
    """Say what the first scan of some folders would open."""
    started = time.perf_counter()
    counts = ScanCounts()
    for folder in check_folders(folders):
        found = walk(folder)
        counts.seen += len(found.files)
        counts.skipped.update(found.skipped)
        counts.companions.update(companion.kind for companion in found.companions)
    counts.new = counts.seen
    return ScanReport(counts, seconds={"total": time.perf_counter() - started}, dry_run=True)


def preview_folders(
    db: Database, folders: Sequence[Path], fresh: Freshness, exclude: Sequence[Path]
) -> ScanCounts:
    """Say what a scan would open, changing nothing."""
    scan = Comparison(db, fresh)
    for folder in folders:
        part = find_root(db, folder) or RootPart(0, "")
        found = walk(folder, exclude=exclude)
        scan.compare(folder, part, found, places.places_below(db, folder))
    scan.counts.new = sum(job.known is None for job in scan.jobs)
    scan.counts.changed = sum(job.known is not None for job in scan.jobs)
    return scan.counts


def _look_at(
    scan: Comparison,
    make_pipeline: Callable[[Callable[[str], bool]], Pipeline],
    progress: Progress,
    times: StageTimes,
) -> None:
    from facesort.stages import Task  # noqa: PLC0415 - a scan that opens no photo loads no decoder

    current = {
        key
        for key, pipeline, embedder, min_face in catalog.content_keys(scan.db)
        if scan.fresh.satisfied_by(pipeline, embedder, min_face)
    }
    scan.jobs.sort(key=lambda job: is_video(job.file.path))  # those take minutes each
    looking = make_pipeline(current.__contains__)
    progress.start("Looking at photos", len(scan.jobs), "photo")
    tasks = (Task(i, job.root / job.file.path) for i, job in enumerate(scan.jobs))

    def store(batch: list[Looked]) -> None:
        with times.measure("store"), scan.db.transaction():
            for looked in batch:
                scan.store(scan.jobs[looked.task.number], looked)
        current.update(looked.content_key for looked in batch if looked.photo is not None)
        progress.advance(len(batch))

    # Closed here: after Ctrl-C no thread goes on while the catalog is being closed.
    with closing(looking), closing(looking.run(tasks)) as answers:
        try:
            _store_in_batches(answers, store)
        finally:
            progress.finish()


def _store_in_batches(answers: Iterator[Looked], store: Callable[[list[Looked]], None]) -> None:
    """Commit enough answers to be cheap, few enough that little is lost on a kill.

    Whatever ends the answers early (Ctrl-C, a model that fails), those that came are stored.
    """
    batch: list[Looked] = []
    since = time.monotonic()
    try:
        for looked in answers:
            batch.append(looked)
            if len(batch) >= _PHOTOS_PER_COMMIT or time.monotonic() - since > _SECONDS_PER_COMMIT:
                full, batch = batch, []  # what cannot be stored is not tried again below
                store(full)
                since = time.monotonic()
    finally:
        if batch:
            store(batch)

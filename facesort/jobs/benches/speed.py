"""`bench speed`: a cold scan, then each of its stages alone on the same photos."""

from __future__ import annotations

import math
import tempfile
import time
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from facesort.catalog import photos as catalog
from facesort.catalog import places
from facesort.catalog.opening import open_database
from facesort.catalog.roots import claim_root, root_paths
from facesort.config import usable_cores
from facesort.errors import UsageError
from facesort.evaluation.speed import STAGES, Measured, SpeedResult, StageSpeed
from facesort.imaging.walk import walk
from facesort.jobs.benches.memory import peak_bytes
from facesort.jobs.scanning.compare import Comparison, Job
from facesort.jobs.scanning.scan import check_folders
from facesort.workers import StageTimes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from facesort.catalog.connection import Database
    from facesort.imaging.walk import FoundFile
    from facesort.jobs.looking import Looking
    from facesort.jobs.scanning.scan import ScanReport
    from facesort.protocols import Progress
    from facesort.stages import Looked, Task

__all__ = ["bench_speed", "evenly"]

# The single stages are measured on photos from everywhere in the folders, until as much time has
# passed as the scan took, but never less than this.
_LEAST_SECONDS, _LEAST_PHOTOS = 60.0, 20

_PHOTOS_PER_COMMIT = 64  # as a scan commits


def bench_speed(
    db: Database,
    looking: Looking,
    scan: Callable[[], ScanReport],
    folders: Sequence[Path],
    *,
    sample: int | None,
    progress: Progress,
) -> SpeedResult:
    """Scan some folders into an empty library, and say how close that came to the possible.

    Args:
        db: the library's catalog.
        looking: its models and settings.
        scan: scans the folders into it.
        folders: existing folders.
        sample: photos on which the single stages are measured; None: as many as fit into the time
            of the scan.
        progress: told of every photo, in the scan and again in the single stages.

    Raises:
        UsageError: the library is not empty, so photos would be known already.
        ModelError: the models cannot be loaded.
    """
    roots = check_folders(folders)
    if root_paths(db):
        raise UsageError(
            "this library has scanned photos already, and a scan would look at new ones only",
            hint="Leave out --library, or name a library that does not exist yet.",
        )
    started = time.process_time()
    report = scan()
    cpu, peak = time.process_time() - started, peak_bytes()
    load = report.times.get("load", 0.0)
    seconds = report.seconds.get("walk", 0.0) + max(0.0, report.seconds.get("look", 0.0) - load)
    found = [(root, file) for root in roots for file in walk(root, exclude=[db.path.parent]).files]
    whole = _measured(db, [file for _, file in found])
    chosen = [found[i] for i in evenly(len(found))[:sample]]
    limit = math.inf if sample else max(_LEAST_SECONDS, seconds)
    alone, sampled = _alone(db, looking, chosen, limit, progress)
    return SpeedResult(
        whole,
        sampled,
        report.counts.failed,
        seconds,
        load,
        report.seconds.get("group", 0.0),
        cpu,
        tuple(
            StageSpeed(
                stage,
                alone.seconds.get(stage, 0.0) * sampled.times_in(whole, stage),
                alone.wall.seconds.get(stage, 0.0) * sampled.times_in(whole, stage),
                report.times.get(stage, 0.0),
            )
            for stage in STAGES
        ),
        usable_cores(),
        report.provider,
        report.models,
        peak,
        report.remark,
    )


def evenly(count: int) -> list[int]:
    """Return 0..count-1 in an order of which every beginning is spread evenly over all.

    The numbers are sorted by their binary digits read backwards (van der Corput's sequence).
    """
    digits = max(1, (count - 1).bit_length())
    return sorted(range(count), key=lambda i: int(f"{i:0{digits}b}"[::-1], 2))


def _measured(db: Database, files: Sequence[FoundFile]) -> Measured:
    pixels = sum(photo.width * photo.height for photo in places.photos(db).values())
    return Measured(
        len(files),
        sum(file.size for file in files),
        pixels / 1e6,
        catalog.count_faces(db, min_face=0),
    )


class _BothClocks(StageTimes):
    """Counts what the processors did, and beside it what passed on the wall."""

    def __init__(self) -> None:
        super().__init__(clock=time.process_time)
        self.wall = StageTimes()

    @contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        with self.wall.measure(stage), super().measure(stage):
            yield


def _alone(
    db: Database,
    looking: Looking,
    found: Sequence[tuple[Path, FoundFile]],
    limit: float,
    progress: Progress,
) -> tuple[_BothClocks, Measured]:
    """Do every stage on one thread, one after the other, into a library that is thrown away.

    Args:
        db: the catalog of the scan; the scratch one lies beside it, on the same drive.
        looking: models and settings.
        found: folder and file.
        limit: seconds after which no further photo is begun.
        progress: told of every photo.

    Returns:
        The times, and what was looked at meanwhile.
    """
    times = _BothClocks()
    if not found:
        return times, Measured(0, 0, 0.0, 0)
    progress.start("Measuring each stage alone", len(found), "photo")
    try:
        with (
            tempfile.TemporaryDirectory(dir=db.path.parent, prefix="alone-") as folder,
            closing(open_database(Path(folder) / "library", create=True)) as scratch,
        ):
            done = _look(scratch, looking, times, found, limit, progress)
            return times, _measured(scratch, done)
    finally:
        progress.finish()


def _look(
    scratch: Database,
    looking: Looking,
    times: StageTimes,
    found: Sequence[tuple[Path, FoundFile]],
    limit: float,
    progress: Progress,
) -> list[FoundFile]:
    """Return the files that were looked at and stored."""
    scan = Comparison(scratch, looking.freshness)
    with scratch.transaction():
        parts = {root: claim_root(scratch, root) for root in {root for root, _ in found}}
    jobs = [Job(parts[root], root, file, None) for root, file in found]
    current: set[str] = set()
    done: list[FoundFile] = []
    waiting: list[Looked] = []
    with closing(looking.pipeline(current.__contains__, times=times)) as pipeline:
        for looked in pipeline.run_alone(_tasks(jobs, limit)):
            waiting.append(looked)
            done.append(jobs[looked.task.number].file)
            if len(waiting) >= _PHOTOS_PER_COMMIT:
                _store(scan, jobs, waiting, times)
                current.update(looked.content_key for looked in waiting if looked.photo is not None)
                waiting = []
            progress.advance()
    _store(scan, jobs, waiting, times)
    return done


def _tasks(jobs: Sequence[Job], limit: float) -> Iterator[Task]:
    from facesort.stages import Task  # noqa: PLC0415 - loads the decoders

    started = time.perf_counter()
    for i, job in enumerate(jobs):
        if i >= _LEAST_PHOTOS and time.perf_counter() - started > limit:
            return
        yield Task(i, job.root / job.file.path)


def _store(
    scan: Comparison, jobs: Sequence[Job], waiting: Sequence[Looked], times: StageTimes
) -> None:
    with times.measure("store"), scan.db.transaction():
        for looked in waiting:
            scan.store(jobs[looked.task.number], looked)

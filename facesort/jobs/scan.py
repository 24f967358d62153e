"""Scanning: what is on disk against what the catalog knows, and what must be looked at."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from facesort import __version__
from facesort.catalog import photos as catalog
from facesort.catalog import places
from facesort.domain import PlaceState
from facesort.errors import Unsupported, UsageError
from facesort.imaging.walk import Walk, walk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from facesort.catalog.connection import Database
    from facesort.catalog.places import RootPart, StoredPlace
    from facesort.domain import PhotoId
    from facesort.imaging.walk import FoundFile
    from facesort.protocols import Progress
    from facesort.stages import Looked, Pipeline

__all__ = [
    "Freshness",
    "ScanCounts",
    "ScanReport",
    "check_folders",
    "preview_folders",
    "scan_folders",
]

# A commit holds the write lock for well under 200 ms with this many photos.
_PHOTOS_PER_COMMIT = 64
_SECONDS_PER_COMMIT = 2.0

# An unplugged drive or an unmounted share looks like an empty folder.
_VANISHED_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Freshness:
    """What a photo must have been looked at with to need no look.

    Args:
        pipeline: detector and its settings.
        embedder: model key.
        min_face: smallest face wanted, original pixels; having looked for smaller ones is enough.
    """

    pipeline: str
    embedder: str
    min_face: int

    def satisfied_by(self, pipeline: str, embedder: str, min_face: int) -> bool:
        """Whether a look with those settings is as good."""
        return pipeline == self.pipeline and embedder == self.embedder and min_face <= self.min_face


@dataclass(slots=True)
class ScanCounts:
    """What a scan saw and did, in photos (files).

    Args:
        seen: files of supported formats below the scanned folders.
        new: pictures the library had never seen.
        changed: known files whose bytes differ from before.
        moved: known pictures found at a new path and gone from the old one.
        copies: known pictures found at one more path.
        unchanged: files that were not opened.
        missing: known files that are not there now.
        failed: files that cannot be read, with those that failed before and are unchanged.
        skipped: by reason, files and folders that were passed over.
        failures: path and reason of each failed file or folder.
        vanished: scanned folders of which more than half is gone: nothing there was marked missing.
        exported: folders passed over because facesort wrote them.
    """

    seen: int = 0
    new: int = 0
    changed: int = 0
    moved: int = 0
    copies: int = 0
    unchanged: int = 0
    missing: int = 0
    failed: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    failures: list[tuple[str, str]] = field(default_factory=list)
    vanished: list[str] = field(default_factory=list)
    exported: list[str] = field(default_factory=list)


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
        seconds: by stage, and total.
        dry_run: nothing was done.
    """

    counts: ScanCounts
    faces: int = 0
    people: int = 0
    provider: str = "none"
    remark: str = ""
    models: dict[str, str] = field(default_factory=dict)
    threshold: float | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class _Job:
    """One file that must be opened."""

    part: RootPart
    root: Path
    file: FoundFile
    known: StoredPlace | None


class _Scan:
    """One scan under way: its counts, and which photos turned up where."""

    def __init__(self, db: Database, fresh: Freshness) -> None:
        self.db = db
        self.fresh = fresh
        self.counts = ScanCounts()
        self.jobs: list[_Job] = []
        self.back: list[int] = []  # places that were missing and are there again
        self.gone: list[tuple[Path, list[StoredPlace], int]] = []
        self.arrived: Counter[PhotoId] = Counter()  # known photos at a new path this time

    def compare(self, root: Path, part: RootPart, found: Walk) -> None:
        """Sort the files of one folder into unchanged, failed before, and to be opened."""
        known = places.places_within(self.db, part)
        present = sum(place.state is PlaceState.PRESENT for place in known.values())
        self.counts.skipped.update(found.skipped)
        self.counts.exported += [str(root / path) for path in found.exported]
        self.counts.failures += [(str(root / path), why) for path, why in found.unreadable]
        self.counts.failed += len(found.unreadable)
        for file in found.files:
            self.counts.seen += 1
            place = known.pop(file.path, None)
            if place is None or (place.size, place.mtime_ns) != (file.size, file.mtime_ns):
                self.jobs.append(_Job(part, root, file, place))
            elif place.state in {PlaceState.FAILED, PlaceState.SKIPPED}:
                self._still_failed(root, part, file, place)
            elif self.fresh.satisfied_by(place.pipeline, place.embedder, place.min_face):
                self.counts.unchanged += 1
                if place.state is PlaceState.MISSING:
                    self.back.append(place.id)
            else:
                self.jobs.append(_Job(part, root, file, place))
        hidden = tuple(_as_folder(path) for path, _ in found.unreadable)
        unseen = [p for path, p in known.items() if not _as_folder(path).startswith(hidden)]
        self.gone.append((root, unseen, present))

    def _still_failed(
        self, root: Path, part: RootPart, file: FoundFile, place: StoredPlace
    ) -> None:
        if place.tried_with != __version__:
            self.jobs.append(_Job(part, root, file, place))
        elif place.state is PlaceState.SKIPPED:
            self.counts.skipped[place.reason] += 1
        else:
            self.counts.failed += 1
            self.counts.failures.append((str(root / file.path), place.reason))

    def store(self, job: _Job, looked: Looked) -> None:
        """Write what came of one file; belongs inside a transaction."""
        file, known = job.file, job.known
        if looked.error is not None:
            self._store_failure(job, looked)
            return
        if looked.photo is not None:
            is_new = catalog.photo_by_key(self.db, looked.content_key) is None
            photo_id = catalog.store_photo(self.db, looked.photo)
        else:
            photo = catalog.photo_by_key(self.db, looked.content_key)
            if photo is None:
                raise AssertionError(f"{looked.content_key} was called known and is not")
            is_new, photo_id = False, photo.id
        places.put_place(
            self.db,
            job.part,
            file.path,
            photo_id=photo_id,
            size=file.size,
            mtime_ns=file.mtime_ns,
            orientation=looked.orientation,
        )
        if known is not None and known.photo_id is not None:
            self.counts.changed += 1
            if known.photo_id != photo_id:
                catalog.bump_generation(self.db)
        elif is_new:
            self.counts.new += 1
        else:
            # Moved or copied: known when the walk has told what is gone.
            self.arrived[photo_id] += 1
            if looked.photo is None:
                catalog.bump_generation(self.db)  # a photo without a place may count again

    def _store_failure(self, job: _Job, looked: Looked) -> None:
        error = looked.error
        path = str(looked.task.path)
        reason = error.message.removeprefix(f"{path}: ") if error else ""
        skipped = isinstance(error, Unsupported)
        places.put_place(
            self.db,
            job.part,
            job.file.path,
            photo_id=job.known.photo_id if job.known else None,
            size=job.file.size,
            mtime_ns=job.file.mtime_ns,
            orientation=job.known.orientation if job.known else 1,
            state=PlaceState.SKIPPED if skipped else PlaceState.FAILED,
            reason=reason,
            tried_with=__version__,
        )
        if skipped:
            self.counts.skipped[reason] += 1
        else:
            self.counts.failed += 1
            self.counts.failures.append((path, reason))

    def settle(self) -> None:
        """Decide about places that were not seen: moved, missing, or an unplugged drive."""
        unseen = {place.id for _, places_, _ in self.gone for place in places_}
        elsewhere = places.present_photos(self.db, without=unseen) if unseen else set()
        dropped: list[int] = []
        missing: list[int] = []
        for root, places_, present in self.gone:
            lost = []
            for place in places_:
                if place.photo_id is None or place.photo_id in elsewhere:
                    # It never could be read, or the picture is somewhere else: nothing is missing.
                    dropped.append(place.id)
                    self.counts.moved += self._is_arrival(place.photo_id)
                elif place.state is PlaceState.MISSING:
                    self.counts.missing += 1
                else:
                    lost.append(place.id)
            if len(lost) > _VANISHED_SHARE * present:
                self.counts.vanished.append(str(root))
            else:
                missing += lost
        for photo_id in list(self.arrived):
            for place_id, path in places.of_photo(self.db, photo_id):
                # It came from a folder that is not scanned now, and is not there any more.
                if place_id not in unseen and not path.exists() and self._is_arrival(photo_id):
                    dropped.append(place_id)
                    self.counts.moved += 1
        self.counts.copies = sum(self.arrived.values())
        self.counts.missing += len(missing)
        if missing or dropped or self.back:
            with self.db.transaction():
                places.forget_place(self.db, dropped)
                places.set_place_state(self.db, missing, PlaceState.MISSING)
                places.set_place_state(self.db, self.back, PlaceState.PRESENT)

    def _is_arrival(self, photo_id: PhotoId | None) -> bool:
        """Whether a photo turned up at one more new path than was accounted for."""
        if photo_id is None or not self.arrived[photo_id]:
            return False
        self.arrived[photo_id] -= 1
        return True


def _as_folder(path: str) -> str:
    return "" if path == "." else path + "/"


def check_folders(folders: Sequence[Path]) -> list[Path]:
    """Return real, absolute folders, none inside another; before any work.

    Raises:
        UsageError: a path does not exist, is no folder, or cannot be entered.
    """
    real: list[Path] = []
    for folder in folders:
        if not folder.exists():
            raise UsageError(
                f"{folder} does not exist",
                hint="Check the spelling, and that the drive is connected.",
            )
        if not folder.is_dir():
            raise UsageError(
                f"{folder} is a file; facesort scans folders",
                hint=f"Scan the folder it lies in: facesort scan {folder.absolute().parent}",
            )
        real.append(folder.resolve())
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
) -> tuple[ScanCounts, dict[str, float]]:
    """Bring the catalog in line with some folders.

    Args:
        db: the catalog.
        folders: absolute, existing, none inside another.
        fresh: what counts as looked at.
        make_pipeline: called only when a file must be opened, with a test for known content.
        exclude: folders never entered.
        progress: told of every file that is opened.

    Returns:
        Counts, and seconds by stage.
    """
    seconds: dict[str, float] = {}
    clock = time.perf_counter()
    scan = _Scan(db, fresh)
    for folder in folders:
        found = walk(folder, exclude=exclude)
        with db.transaction():
            part = places.claim_root(db, folder)
        scan.compare(folder, part, found)
    seconds["walk"] = time.perf_counter() - clock
    if scan.jobs:
        clock = time.perf_counter()
        _look_at(scan, make_pipeline, progress)
        seconds["look"] = time.perf_counter() - clock
    scan.settle()
    return scan.counts, seconds


def preview_without_library(folders: Sequence[Path]) -> ScanReport:
    """Say what the first scan of some folders would open."""
    counts = ScanCounts()
    for folder in check_folders(folders):
        found = walk(folder)
        counts.seen += len(found.files)
        counts.skipped.update(found.skipped)
    counts.new = counts.seen
    return ScanReport(counts, dry_run=True)


def preview_folders(
    db: Database, folders: Sequence[Path], fresh: Freshness, exclude: Sequence[Path]
) -> ScanCounts:
    """Say what a scan would open, changing nothing."""
    scan = _Scan(db, fresh)
    for folder in folders:
        part = places.find_root(db, folder) or places.RootPart(0, "")
        scan.compare(folder, part, walk(folder, exclude=exclude))
    scan.counts.new = sum(job.known is None for job in scan.jobs)
    scan.counts.changed = sum(job.known is not None for job in scan.jobs)
    return scan.counts


def _look_at(
    scan: _Scan, make_pipeline: Callable[[Callable[[str], bool]], Pipeline], progress: Progress
) -> None:
    from facesort.stages import Task  # noqa: PLC0415 - a scan that opens no photo loads no decoder

    current = {
        key
        for key, pipeline, embedder, min_face in catalog.content_keys(scan.db)
        if scan.fresh.satisfied_by(pipeline, embedder, min_face)
    }
    looking = make_pipeline(current.__contains__)
    progress.start("Looking at photos", len(scan.jobs), "photo")
    tasks = (Task(i, job.root / job.file.path) for i, job in enumerate(scan.jobs))
    try:
        for batch in _batches(looking.run(tasks)):
            with scan.db.transaction():
                for looked in batch:
                    scan.store(scan.jobs[looked.task.number], looked)
            current.update(looked.content_key for looked in batch if looked.photo is not None)
            for looked in batch:
                progress.advance()
                if looked.error is not None and not isinstance(looked.error, Unsupported):
                    progress.note(looked.error.message)
    finally:
        progress.finish()


def _batches(answers: Iterator[Looked]) -> Iterator[list[Looked]]:
    """Group answers for commits: enough to be cheap, few enough that little is lost on a kill."""
    batch: list[Looked] = []
    since = time.monotonic()
    for looked in answers:
        batch.append(looked)
        if len(batch) >= _PHOTOS_PER_COMMIT or time.monotonic() - since > _SECONDS_PER_COMMIT:
            yield batch
            batch, since = [], time.monotonic()
    if batch:
        yield batch

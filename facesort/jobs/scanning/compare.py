"""What is on disk against what the catalog knows: new, changed, moved, missing, failed."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from facesort import __version__
from facesort.catalog import photos as catalog
from facesort.catalog import places
from facesort.domain import PlaceState
from facesort.errors import Unsupported
from facesort.imaging.formats import installed_extras, skip_reason
from facesort.jobs.scanning.pairs import Pair, StandIns, join

if TYPE_CHECKING:
    from pathlib import Path

    from facesort.catalog.connection import Database
    from facesort.catalog.places import StoredPlace
    from facesort.catalog.roots import RootPart
    from facesort.domain import PhotoId
    from facesort.imaging.walk import FoundFile, Walk
    from facesort.stages import Looked

__all__ = ["Comparison", "Freshness", "Job", "ScanCounts", "is_gone"]

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
        companions: by kind, files that belong to a photo beside them (`imaging.companions`).
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
    companions: Counter[str] = field(default_factory=Counter)
    failures: list[tuple[str, str]] = field(default_factory=list)
    vanished: list[str] = field(default_factory=list)
    exported: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Job:
    """One file that must be opened."""

    part: RootPart
    root: Path
    file: FoundFile
    known: StoredPlace | None


@dataclass(frozen=True, slots=True)
class _Gone:
    """What was known below a scanned folder and was not seen; `present` were there before."""

    root: Path
    part: RootPart
    places: dict[str, StoredPlace]
    present: int
    stand_ins: StandIns


class Comparison:
    """One scan under way: its counts, and which photos turned up where."""

    def __init__(self, db: Database, fresh: Freshness) -> None:
        self.db = db
        self.fresh = fresh
        self.counts = ScanCounts()
        # What a failure is tried again with: another version, or another set of extras.
        self._reader = " ".join([__version__, *sorted(installed_extras())])
        self.jobs: list[Job] = []
        self.back: list[int] = []  # places that were missing and are there again
        self.pairs: list[Pair] = []  # known photos that have become companions
        self.gone: list[_Gone] = []
        self.unseen: set[int] = set()  # places in `gone` that nothing has explained yet
        self._unmounted: dict[Path, bool] = {}  # folders looked at: might a drive be missing?

    def compare(
        self, root: Path, part: RootPart, found: Walk, known: dict[str, StoredPlace]
    ) -> None:
        """Sort the files of one folder into unchanged, failed before, and to be opened.

        Args:
            root: the folder.
            part: what it is to the catalog.
            found: what is there now.
            known: what was there before, by relative path; it is emptied.
        """
        present = sum(place.state is PlaceState.PRESENT for place in known.values())
        self.counts.skipped.update(found.skipped)
        self.counts.exported += [str(root / path) for path in found.exported]
        self.counts.failures += [(str(root / path), why) for path, why in found.unreadable]
        self.counts.failed += len(found.unreadable)
        for companion in found.companions:
            self.counts.companions[companion.kind] += 1
            place = known.pop(companion.path, None)
            if place is not None:
                self.pairs.append(Pair(part, companion, place))
        for file in found.files:
            self.counts.seen += 1
            place = known.pop(file.path, None)
            if place is None or (place.size, place.mtime_ns) != (file.size, file.mtime_ns):
                self.jobs.append(Job(part, root, file, place))
            elif place.state in {PlaceState.FAILED, PlaceState.SKIPPED}:
                self._still_failed(root, part, file, place)
            elif self.fresh.satisfied_by(place.pipeline, place.embedder, place.min_face):
                self.counts.unchanged += 1
                if place.state is PlaceState.MISSING:
                    self.back.append(place.id)
            else:
                self.jobs.append(Job(part, root, file, place))
        # Of what was not entered nothing is known, albums around scanned folders included.
        closed = [*(path for path, _ in found.unreadable), *found.exported]
        hidden = tuple(_as_folder(path) for path in closed)
        unseen = {
            path: place
            for path, place in known.items()
            if not _as_folder(path).startswith(hidden) and not _is_passed_over(root, path)
        }
        self.gone.append(_Gone(root, part, unseen, present, StandIns(part, found.files)))
        self.unseen.update(place.id for place in unseen.values())

    def _still_failed(
        self, root: Path, part: RootPart, file: FoundFile, place: StoredPlace
    ) -> None:
        if place.tried_with != self._reader:
            self.jobs.append(Job(part, root, file, place))
        elif place.state is PlaceState.SKIPPED:
            self.counts.skipped[place.reason] += 1
        else:
            self.counts.failed += 1
            self.counts.failures.append((str(root / file.path), place.reason))

    def store(self, job: Job, looked: Looked) -> None:
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
            # The same picture in another file: what its EXIF block says now is a correction.
            corrects = (known.size, known.mtime_ns) != (file.size, file.mtime_ns)
            if known.photo_id != photo_id:
                corrects = False
                catalog.bump_generation(self.db)
        elif is_new:
            self.counts.new += 1
            return
        else:
            corrects = self._arrive(photo_id)
            if looked.photo is None:
                catalog.bump_generation(self.db)  # a photo without a place may count again
        catalog.set_exif(
            self.db,
            photo_id,
            taken_at=looked.taken_at,
            camera=looked.camera,
            corrects=corrects,
        )

    def _store_failure(self, job: Job, looked: Looked) -> None:
        error = looked.error
        path = str(looked.task.path)
        reason = error.message.removeprefix(f"{path}: ") if error else ""
        skipped = isinstance(error, Unsupported)
        # The system's refusal (rights, a bad cable) says nothing about the file: try it every time.
        cause = error.__cause__ if error else None
        is_lasting = not (isinstance(cause, OSError) and cause.errno is not None)
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
            tried_with=self._reader if is_lasting else "",
        )
        if skipped:
            self.counts.skipped[reason] += 1
        else:
            self.counts.failed += 1
            self.counts.failures.append((path, reason))

    def _arrive(self, photo_id: PhotoId) -> bool:
        """Return whether a known picture at a new path was moved there; it was copied otherwise.

        The place it left is forgotten in the transaction that stores the new one: a scan that is
        killed in between would leave a photo that was moved and is missing, too.
        """
        for place_id, root, path in places.of_photo(self.db, photo_id):
            if place_id in self.unseen or self._has_left(root, path):
                places.forget_place(self.db, [place_id])
                self.unseen.discard(place_id)
                self.counts.moved += 1
                return True
        self.counts.copies += 1
        return False

    def _has_left(self, root: Path, path: Path) -> bool:
        """Whether a file is gone from a folder that need not be scanned now.

        A folder that is there and empty may be where an unplugged drive is mounted at other times.
        """
        if not is_gone(path):
            return False
        if root not in self._unmounted:
            self._unmounted[root] = _may_be_unmounted(root)
        return not self._unmounted[root]

    def settle(self) -> None:
        """Decide about places that were not seen: missing, a copy less, or an unplugged drive."""
        self._join_pairs()
        elsewhere = places.present_photos(self.db, without=self.unseen) if self.unseen else set()
        dropped: list[int] = []
        missing: list[int] = []
        for gone in self.gone:
            self._let_raws_take_over(gone)
            left = [place for place in gone.places.values() if place.id in self.unseen]
            if self._has_vanished(gone, left):
                self.counts.vanished.append(str(gone.root))
                continue
            for place in left:
                if place.photo_id is None or place.photo_id in elsewhere:
                    # It never could be read, or was a copy: no photo is missing.
                    dropped.append(place.id)
                else:
                    missing.append(place.id)
        self.counts.missing = len(missing)
        if missing or dropped or self.back:
            with self.db.transaction():
                places.forget_place(self.db, dropped)
                places.set_place_state(self.db, missing, PlaceState.MISSING)
                places.set_place_state(self.db, self.back, PlaceState.PRESENT)

    def _join_pairs(self) -> None:
        """Let known photos belong to those beside them, now that these have been looked at."""
        for pair in self.pairs:
            with self.db.transaction():
                if join(self.db, pair):
                    continue
            self.counts.companions[pair.companion.kind] -= 1
            self.counts.seen += 1
            self.counts.unchanged += 1
            if pair.place.state is PlaceState.MISSING:
                self.back.append(pair.place.id)

    def _let_raws_take_over(self, gone: _Gone) -> None:
        """Explain photos that have gone while the RAW beside them has stayed."""
        for path, place in gone.places.items():
            if place.id in self.unseen and gone.stand_ins.has_for(path):
                with self.db.transaction():
                    explained = gone.stand_ins.take_over(self.db, path, place)
                if explained:
                    self.unseen.discard(place.id)

    def _has_vanished(self, gone: _Gone, left: list[StoredPlace]) -> bool:
        lost = [p for p in left if p.state is PlaceState.PRESENT]
        if len(lost) <= _VANISHED_SHARE * gone.present:
            return False
        # A copy that was deleted while its original stays is no sign of a lost drive.
        known = places.places_within(self.db, gone.part).values()
        here = {place.photo_id for place in known if place.id not in self.unseen}
        return sum(p.photo_id not in here for p in lost) > _VANISHED_SHARE * gone.present


def _may_be_unmounted(folder: Path) -> bool:
    try:
        with os.scandir(folder) as entries:
            return next(entries, None) is None
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True  # it cannot be looked at: nothing is known


def is_gone(path: Path) -> bool:
    """Whether there is certainly nothing at a path."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False  # it cannot be looked at: nothing is known
    return False


def _is_passed_over(root: Path, path: str) -> bool:
    """Whether a known file is there and not scanned: the extra that reads it was removed."""
    return skip_reason(path) is not None and not is_gone(root / path)


def _as_folder(path: str) -> str:
    return "" if path == "." else path + "/"

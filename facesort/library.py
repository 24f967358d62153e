"""The use cases: everything a user can do with a library, each a short method.

A library is a folder with `catalog.db`. What scanning and grouping find is derived and can be
computed again; what the user says is appended to the log of decisions and never lost. People are
the last grouping with the standing decisions laid over it (`grouping.people`).

    scan    walk -> what changed? -> stages.py looks at it -> catalog, 64 photos a commit -> group
    group   snapshot of faces, vectors, decisions -> grouping.regroup -> catalog, one commit
    decide  situation -> checked (jobs.decide) -> appended to the log, one commit
    export  situation -> albums -> export plan -> files, with a journal
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from facesort.catalog import decisions, places
from facesort.catalog import photos as catalog
from facesort.catalog.connection import catalog_exists, open_database
from facesort.errors import LibraryLocked
from facesort.files import JobLock
from facesort.jobs import decide, prune
from facesort.jobs.group import GroupOptions, group_faces, needs_grouping, wants_regroup
from facesort.jobs.looking import Looking
from facesort.jobs.scan import (
    ScanReport,
    check_folders,
    preview_folders,
    report,
    scan_folders,
    tell_if_inside,
)
from facesort.jobs.situation import Situation, read_situation
from facesort.workers import StageTimes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from facesort.catalog.connection import Database
    from facesort.config import Settings
    from facesort.domain import Decision, Person, Photo, PhotoId, Place, PlaceState
    from facesort.evaluation.clustering import ClusterResult
    from facesort.evaluation.speed import SpeedResult
    from facesort.evaluation.verification import LfwResult
    from facesort.export.apply import ExportResult
    from facesort.export.operations import Plan
    from facesort.jobs.albums import AlbumOrder, Source
    from facesort.jobs.decide import Naming
    from facesort.jobs.group import GroupReport
    from facesort.jobs.prune import Pruning
    from facesort.protocols import Progress
    from facesort.registry import LoadModels

__all__ = ["Library"]


class Library:
    """One library, open in one thread. Use it as a context manager.

    Args:
        settings: where it is, and how to look at photos.
        progress: is told how far long jobs are.
        create: make the library when there is none.
        load_models: loads detector, embedder and quality; tests hand in fakes.
        after_commit: called after every commit; tests kill the process there.

    Raises:
        LibraryNotFound, LibraryUnwritable, LibraryDamaged, SchemaTooNew: it cannot be opened.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        progress: Progress,
        create: bool = False,
        load_models: LoadModels | None = None,
        after_commit: Callable[[], None] | None = None,
    ) -> None:
        self.settings = settings
        self._progress = progress
        self._db: Database = open_database(
            settings.library, create=create, after_commit=after_commit
        )
        self._looking = Looking(self._db, settings, progress, load_models)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the catalog."""
        self._db.close()

    @staticmethod
    def exists(settings: Settings) -> bool:
        """Whether there is a library to open.

        Raises:
            LibraryUnwritable: its folder cannot be entered.
        """
        return catalog_exists(settings.library)

    # -- scanning and grouping -------------------------------------------------------------------

    def scan(self, folders: Sequence[Path], *, group: bool = True) -> ScanReport:
        """Find new and changed photos below some folders, look at them, and group the faces.

        Args:
            folders: existing folders.
            group: group afterwards, if anything changed.

        Raises:
            UsageError: a path does not exist or is no folder; nothing was done.
            LibraryLocked: another job is running on this library.
            ModelError: the models cannot be loaded.
        """
        started, times = time.perf_counter(), StageTimes()
        roots = check_folders(folders)
        with self._job("scan"):
            tell_if_inside(self._db, self.settings.library, roots, self._progress)
            counts, seconds = scan_folders(
                self._db,
                roots,
                self._looking.freshness,
                make_pipeline=partial(self._looking.pipeline, times=times),
                exclude=[self.settings.library],
                progress=self._progress,
                times=times,
            )
            self._looking.remember()
            if group and needs_grouping(self._db):
                clock = time.perf_counter()
                self._group(GroupOptions.from_meta(self._db.meta("group_options")))
                seconds["group"] = time.perf_counter() - clock
        seconds["total"] = time.perf_counter() - started
        return report(self._db, self._looking, counts, seconds, times)

    def preview_scan(self, folders: Sequence[Path]) -> ScanReport:
        """Say what a scan would open; nothing is changed."""
        started = time.perf_counter()
        counts = preview_folders(
            self._db,
            check_folders(folders),
            self._looking.freshness,
            [self.settings.library],
        )
        seconds = {"total": time.perf_counter() - started}
        return ScanReport(counts, seconds=seconds, dry_run=True)

    def group(self, options: GroupOptions) -> GroupReport:
        """Group all stored faces anew; later scans group in the same way.

        Raises:
            LibraryLocked: another job is running on this library.
            UsageError: an option is out of range.
        """
        with self._job("grouping"):
            return self._group(options)

    def _group(self, options: GroupOptions) -> GroupReport:
        return group_faces(
            self._db,
            self._looking.embedder,
            options,
            min_face=self.min_face,
            progress=self._progress,
        )

    def _job(self, job: str) -> JobLock:
        """Admit one long job at a time to this library."""
        return JobLock(self.settings.library / "job.lock", job)

    # -- forgetting ------------------------------------------------------------------------------

    def plan_prune(self, folders: Sequence[Path]) -> Pruning:
        """Say what `prune` would forget; nothing is changed.

        Raises:
            UsageError: a path does not exist or is no folder.
        """
        return prune.find_gone(self._db, prune.existing_folders(folders))

    def prune(self, planned: Pruning) -> Pruning:
        """Forget photos whose files are gone: their faces, not what was decided about them.

        Args:
            planned: from `plan_prune`; what has come back since is kept.

        Raises:
            LibraryLocked: another job is running on this library.
        """
        with self._job("pruning"):
            done = prune.forget(self._db, planned, self.settings.library / "cache")
            if needs_grouping(self._db):
                self._group(GroupOptions.from_meta(self._db.meta("group_options")))
        return done

    # -- looking ---------------------------------------------------------------------------------

    @property
    def min_face(self) -> int:
        """Smallest face that counts in this library: shorter side in original pixels."""
        return self._looking.remembered_min_face

    @property
    def id(self) -> str:
        """A random number given at its making."""
        return self._db.meta("library_id")

    def situation(self) -> Situation:
        """Read faces, decisions and people as they are now."""
        with self._db.snapshot():
            return read_situation(self._db, min_face=self.min_face)

    def ungrouped_faces(self) -> int:
        """Return how many faces are nobody's and wait for the next grouping; 0 when none is due."""
        with self._db.snapshot():
            if not needs_grouping(self._db):
                return 0
            people = read_situation(self._db, min_face=self.min_face).people
        return sum(owner is None for owner in people.owners.values())

    def view(self) -> tuple[Situation, dict[PhotoId, Photo]]:
        """Read the situation and all photos at one moment: every face's photo is there."""
        with self._db.snapshot():
            situation = read_situation(self._db, min_face=self.min_face)
            return situation, places.photos(self._db)

    def photos(self) -> dict[PhotoId, Photo]:
        """Return all photos with their places; together with their faces, see `view`."""
        with self._db.snapshot():
            return places.photos(self._db)

    def places(self, states: Sequence[PlaceState]) -> list[Place]:
        """Return the files in any of these states, by path."""
        return places.places_in_state(self._db, states)

    def roots(self) -> list[Path]:
        """Return the scanned folders."""
        return places.root_paths(self._db)

    def log(self) -> list[Decision]:
        """Return every decision ever made, oldest first."""
        return decisions.log(self._db)

    # -- deciding --------------------------------------------------------------------------------

    def name(self, reference: str, text: str, *, same: bool | None = None) -> Naming:
        """Call a person by a name; see `jobs.decide.name`."""
        with self._deciding() as situation:
            return decide.name(self._db, situation, situation.person(reference), text, same=same)

    def merge(self, references: Sequence[str], *, keep_first_name: bool = False) -> Person:
        """Make several people one; returns the survivor as it is afterwards."""
        with self._deciding() as situation:
            persons = [situation.person(reference) for reference in references]
            decide.merge(self._db, situation, persons, keep_first_name=keep_first_name)
        return self.situation().person(persons[0].id)

    def reject(self, faces: Sequence[str]) -> int:
        """Say that faces are not the person they are with; returns the decision's number."""
        with self._deciding() as situation:
            return decide.reject(self._db, situation, [situation.face(face) for face in faces])

    def ignore(self, references: Sequence[str]) -> list[Person]:
        """Stop showing people."""
        with self._deciding() as situation:
            persons = [situation.person(reference) for reference in references]
            decide.ignore(self._db, situation, persons)
            return persons

    def undo(self, count: int = 1, *, decision: int | None = None) -> list[Decision]:
        """Take back the last decisions, or one particular one."""
        with self._deciding() as situation:
            undone = decide.undo(self._db, situation, count, decision)
        self._regroup_if_wanted()
        return undone

    def redo(self, count: int = 1) -> list[Decision]:
        """Bring back what was undone last."""
        with self._deciding() as situation:
            redone = decide.redo(self._db, situation, count)
        self._regroup_if_wanted()
        return redone

    @contextmanager
    def _deciding(self) -> Iterator[Situation]:
        """Judge and write in one transaction: nobody decides or publishes in between."""
        with self._db.transaction():
            yield read_situation(self._db, min_face=self.min_face)

    def _regroup_if_wanted(self) -> None:
        if not wants_regroup(self._db):
            return
        try:
            self.group(GroupOptions.from_meta(self._db.meta("group_options")))
        except LibraryLocked:
            self._progress.note("A job is running; it will group anew with this in mind.")

    # -- exporting -------------------------------------------------------------------------------

    def plan_export(self, order: AlbumOrder) -> Plan:
        """Say what an export would do; nothing on the disk changes."""
        from facesort.jobs.albums import plan_order  # noqa: PLC0415 - only exports need it

        return plan_order(order, self._album_source())

    def export(self, order: AlbumOrder) -> ExportResult:
        """Write albums of people. Originals are only read.

        Raises:
            ExportError and its kinds; see `export.albums`.
        """
        from facesort.jobs.albums import export_order  # noqa: PLC0415 - only exports need it

        return export_order(order, self._album_source(), self._progress)

    def _album_source(self) -> Source:
        from facesort.jobs.albums import Source  # noqa: PLC0415 - only exports need it

        return Source(*self.view(), self.id, self.settings.library, self.roots())

    def sheets(self, folder: Path, persons: Sequence[Person]) -> list[Path]:
        """Write one strip of faces per person.

        Raises:
            DestinationOverlaps: the folder lies in a scanned one, whose next scan would find faces
            in it. DestinationUnwritable: it cannot be written.
        """
        from facesort.export.destination import check_outside  # noqa: PLC0415 - pictures are heavy
        from facesort.imaging.crops import PhotoCrops  # noqa: PLC0415
        from facesort.jobs.sheets import write_sheets  # noqa: PLC0415

        check_outside(folder, self.roots(), self.settings.library)
        situation, photos = self.view()
        now = situation.people.by_id  # a scan may have changed them since they were read
        persons = [now[person.id] for person in persons if person.id in now]
        crops = PhotoCrops(
            photos, self.settings.library / "cache", max_megapixels=self.settings.max_megapixels
        )
        return write_sheets(folder, persons, situation, crops, self._progress)

    # -- measuring -------------------------------------------------------------------------------

    def bench_clusters(self, truth: Path) -> ClusterResult:
        """Judge the people of this library against a truth file or a folder of labelled folders."""
        from facesort.jobs.bench import bench_clusters  # noqa: PLC0415 - only benchmarks need it

        return bench_clusters(truth, *self.view())

    def bench_speed(self, folders: Sequence[Path], *, sample: int | None = None) -> SpeedResult:
        """Scan folders into this library, which must be empty, and measure each stage alone too."""
        from facesort.jobs.speed import bench_speed  # noqa: PLC0415 - only benchmarks need it

        scan = partial(self.scan, folders)
        return bench_speed(
            self._db, self._looking, scan, folders, sample=sample, progress=self._progress
        )

    def bench_lfw(self, folder: Path, pairs: Path) -> LfwResult:
        """Run the LFW protocol on a folder that this library has scanned."""
        from facesort.jobs.bench import bench_lfw  # noqa: PLC0415 - only benchmarks need it

        with self._db.snapshot():
            faces = catalog.faces(self._db, min_face=self.min_face)
            matrix = catalog.matrix(self._db, self._looking.embedder.model_key)
            photos = places.photos(self._db)
        return bench_lfw(folder, pairs, faces, matrix, photos)

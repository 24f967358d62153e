"""The use cases: everything a user can do with a library, each a short method.

A library is a folder with `catalog.db`. What scanning and grouping find is derived and can be
computed again; what the user says is appended to the log of decisions and never lost. People are
the last grouping with the standing decisions laid over it (`grouping.people`).

    scan    walk -> what changed? -> stages.py looks at it -> catalog, 64 photos a commit -> group
    group   snapshot of faces, vectors, decisions -> grouping.regroup -> catalog, one commit
    decide  situation -> checked (jobs.decide) -> appended to the log, one commit
    export  situation -> albums -> export plan -> files, with a journal

Short ones are below; looking, deciding and giving out are in `jobs.viewing`, `deciding`, `giving`.
"""

from __future__ import annotations

import time
from functools import cached_property, partial
from typing import TYPE_CHECKING

from facesort.catalog.opening import catalog_exists, open_database
from facesort.errors import FacesortError, LibraryLocked
from facesort.files import JobLock
from facesort.jobs.grouping.due import needs_grouping, wants_regroup
from facesort.jobs.learning import Learning
from facesort.jobs.measuring import Measuring
from facesort.jobs.review.measuring import MeasuringReview
from facesort.jobs.viewing import tell_if_shared

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from facesort.catalog.connection import Database
    from facesort.config import Settings
    from facesort.inference.card import ModelCard
    from facesort.jobs.describing.compact import Compaction
    from facesort.jobs.grouping.group import GroupReport
    from facesort.jobs.grouping.options import GroupOptions
    from facesort.jobs.looking import Looking
    from facesort.jobs.recognising.find import FindOptions
    from facesort.jobs.recognising.found import Found
    from facesort.jobs.recognising.identified import Identification
    from facesort.jobs.recognising.identify import IdentifyOptions
    from facesort.jobs.scanning.prune import Pruning
    from facesort.jobs.scanning.scan import ScanReport
    from facesort.protocols import Progress
    from facesort.registry import LoadModels

__all__ = ["Library"]

# Grouping so many faces anew takes about ten seconds. With more, an undo would be a matter of
# minutes, and of several undos in a row each would group.
_REGROUPED_AT_ONCE = 30_000


class Library(Measuring, Learning, MeasuringReview):
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
        self._load_models = load_models
        tell_if_shared(self._db, progress)

    @cached_property
    def _looking(self) -> Looking:
        from facesort.jobs.looking import Looking  # noqa: PLC0415 - listing people needs none

        return Looking(self._db, self.settings, self._progress, self._load_models)

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
        from facesort.jobs.scanning import scan as scanning  # noqa: PLC0415 - as `_looking`
        from facesort.workers import StageTimes  # noqa: PLC0415

        started, times = time.perf_counter(), StageTimes()
        roots = scanning.check_folders(folders)
        with self._job("scan"):
            scanning.tell_if_inside(self._db, self.settings.library, roots, self._progress)
            counts, seconds = scanning.scan_folders(
                self._db,
                roots,
                self._looking.freshness,
                make_pipeline=partial(self._looking.pipeline, times=times),
                exclude=[self.settings.library],
                progress=self._progress,
                times=times,
            )
            self._looking.remember()
            grouping = None
            if group and needs_grouping(self._db):
                clock = time.perf_counter()
                grouping = self._group_as_before()
                seconds["group"] = time.perf_counter() - clock
        seconds["total"] = time.perf_counter() - started
        return scanning.report(self._db, self._looking, counts, seconds, times, grouping)

    def preview_scan(self, folders: Sequence[Path]) -> ScanReport:
        """Say what a scan would open; nothing is changed."""
        from facesort.jobs.scanning import scan as scanning  # noqa: PLC0415 - as `_looking`

        started = time.perf_counter()
        counts = scanning.preview_folders(
            self._db,
            scanning.check_folders(folders),
            self._looking.freshness,
            [self.settings.library],
        )
        seconds = {"total": time.perf_counter() - started}
        return scanning.ScanReport(counts, seconds=seconds, dry_run=True)

    def group(self, options: GroupOptions | None, *, everything: bool = False) -> GroupReport:
        """Group what is stored; later scans group in the same way.

        Args:
            options: how; None: as before. Another way than before groups everything.
            everything: all faces from nothing; otherwise new faces join who is there.

        Raises:
            LibraryLocked: another job is running on this library.
            UsageError: an option is out of range.
        """
        from facesort.jobs.grouping.options import GroupOptions  # noqa: PLC0415 - as `_looking`

        with self._job("grouping"):
            before = GroupOptions.from_meta(self._db.meta("group_options"))
            return self._group(options or before, everything=everything)

    def _group_as_before(self) -> GroupReport | None:
        """Group in the way of the last time; None where the model leaves open what is alike."""
        from facesort.jobs.grouping.options import GroupOptions  # noqa: PLC0415 - as `_looking`

        options = GroupOptions.from_meta(self._db.meta("group_options"))
        card = self._looking.embedder
        if not card.calibration and options.min_cosine is None:
            self._progress.note(
                f"The faces are stored, but not grouped: {card.path} has no [calibration]. "
                "Say what is alike: facesort group --min-cosine 0.4"
            )
            return None
        return self._group(options)

    def _group(self, options: GroupOptions, *, everything: bool = False) -> GroupReport:
        from facesort.jobs.describing.aggregating import tell_if_unusable  # noqa: PLC0415 - as `_looking`
        from facesort.jobs.describing.descriptors import describe_people  # noqa: PLC0415
        from facesort.jobs.grouping.group import group_faces  # noqa: PLC0415
        from facesort.jobs.grouping.neighbours import publish_library_index  # noqa: PLC0415
        from facesort.jobs.showing.shown import ensure_fresh  # noqa: PLC0415

        card, least = self._looking.embedder, self.min_face
        tell_if_unusable(self._db, card, self._progress)
        if not everything:  # whom new faces touch does not depend on what was asked for meanwhile
            describe_people(self._db, card, min_face=least, progress=self._progress)
        report = group_faces(
            self._db,
            card,
            options,
            everything=everything,
            min_face=least,
            progress=self._progress,
        )
        # So that the next command is quick:
        ensure_fresh(self._db, min_face=least)
        describe_people(self._db, card, min_face=least, progress=self._progress)
        publish_library_index(
            self._db,
            self.settings.library,
            self._looking.embedder.model_key,
            self._progress,
        )
        return report

    def _job(self, job: str) -> JobLock:
        """Admit one long job at a time to this library."""
        return JobLock(self.settings.library / "job.lock", job)

    # -- forgetting ------------------------------------------------------------------------------

    def plan_prune(self, folders: Sequence[Path]) -> Pruning:
        """Say what `prune` would forget; nothing is changed.

        Raises:
            UsageError: a path does not exist or is no folder.
        """
        from facesort.jobs.scanning import prune  # noqa: PLC0415 - only this needs it

        return prune.find_gone(self._db, prune.existing_folders(folders))

    def prune(self, planned: Pruning) -> Pruning:
        """Forget photos whose files are gone: their faces, not what was decided about them.

        Args:
            planned: from `plan_prune`; what has come back since is kept.

        Raises:
            LibraryLocked: another job is running on this library.
        """
        from facesort.jobs.scanning import prune  # noqa: PLC0415 - only this needs it

        with self._job("pruning"):
            done = prune.forget(self._db, planned, self.settings.library / "cache")
            if needs_grouping(self._db):
                self._group_as_before()
        return done

    def plan_compact(self) -> Compaction:
        """Say what 128-byte descriptors would save and cost; nothing is changed."""
        from facesort.jobs.describing.compact import plan  # noqa: PLC0415 - only this needs it

        return plan(self._db, self._looking.embedder, min_face=self.min_face)

    def compact(self, planned: Compaction) -> Compaction:
        """Write vectors as 128-byte descriptors, for good; see `jobs.describing.compact`.

        Raises:
            LibraryLocked: another job is running on this library.
        """
        from facesort.jobs.describing.compact import carry_out  # noqa: PLC0415 - only this needs it

        with self._job("compacting"):
            return carry_out(self._db, self._looking.embedder, planned, self._progress)

    # -- looking: jobs/viewing.py; giving out: jobs/giving.py ------------------------------------

    @property
    def id(self) -> str:
        """A random number given at its making."""
        return self._db.meta("library_id")

    # -- deciding: jobs/deciding.py ---------------------------------------------------------------

    @property
    def _embedder(self) -> ModelCard:
        return self._looking.embedder

    def _regroup_if_wanted(self) -> None:
        if not wants_regroup(self._db):
            return
        from facesort.catalog.people import count_assigned  # noqa: PLC0415 - as `_looking`

        if count_assigned(self._db) > _REGROUPED_AT_ONCE:
            self._progress.note(
                "This has shaped the last grouping. The next scan groups anew with it in mind; "
                "to do it now: facesort group --all"
            )
            return
        try:
            with self._job("grouping"):
                self._group_as_before()
        except LibraryLocked:
            self._progress.note("A job is running; it will group anew with this in mind.")
        except FacesortError as error:  # the undo itself stands
            self._progress.note(f"Not grouped anew yet: {error.message}. Later: facesort group")
        except KeyboardInterrupt:
            self._progress.note("That stands, but is not grouped anew yet. Later: facesort group")
            raise

    # -- recognising ----------------------------------------------------------------------------

    def identify(self, images: Sequence[Path], options: IdentifyOptions) -> Identification:
        """Say who is on pictures; see `jobs.recognising.identify`."""
        from facesort.jobs.recognising.identify import identify  # noqa: PLC0415 - as above

        return identify(
            self._db,
            self._looking,
            images,
            options,
            min_face=self.min_face,
            progress=self._progress,
        )

    def find_like(self, probe: Path, options: FindOptions) -> Found:
        """Find the faces most like one on a picture; see `jobs.recognising.find`."""
        from facesort.jobs.recognising.find import find_like  # noqa: PLC0415 - as above

        return find_like(
            self._db,
            self._looking,
            self.settings.library,
            probe,
            options,
            min_face=self.min_face,
        )

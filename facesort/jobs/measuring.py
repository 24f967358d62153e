"""What can be measured with a library: `facesort bench`."""

from __future__ import annotations

from abc import abstractmethod
from functools import partial
from typing import TYPE_CHECKING

from facesort.jobs.giving import Giving

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from facesort.evaluation.clustering import ClusterResult
    from facesort.evaluation.speed import SpeedResult
    from facesort.evaluation.verification import LfwResult
    from facesort.jobs.benches.sets import SetsReport
    from facesort.jobs.describing.aggregating import Trained
    from facesort.jobs.looking import Looking
    from facesort.jobs.scanning.scan import ScanReport

__all__ = ["Measuring"]


class Measuring(Giving):
    """Benchmarks of a library, most of them of one that a folder has just been scanned into."""

    @property
    @abstractmethod
    def _looking(self) -> Looking:
        """Its models and settings."""

    @abstractmethod
    def scan(self, folders: Sequence[Path], *, group: bool = True) -> ScanReport:
        """Find new and changed photos below some folders, and look at them."""

    def bench_clusters(self, truth: Path) -> ClusterResult:
        """Judge the people of this library against a truth file or a folder of labelled folders."""
        from facesort.jobs.benches.bench import bench_clusters  # noqa: PLC0415 - only benchmarks need it

        return bench_clusters(truth, *self.view())

    def bench_speed(self, folders: Sequence[Path], *, sample: int | None = None) -> SpeedResult:
        """Scan folders into this library, which must be empty, and measure each stage alone too."""
        from facesort.jobs.benches.speed import bench_speed  # noqa: PLC0415 - as above

        scan = partial(self.scan, folders)
        return bench_speed(
            self._db, self._looking, scan, folders, sample=sample, progress=self._progress
        )

    def bench_lfw(self, folder: Path, pairs: Path, *, compact: bool = False) -> LfwResult:
        """Run the LFW protocol on a scanned folder; `compact`: as 128-byte descriptors."""
        from facesort.jobs.benches.bench import bench_lfw, compacted, seen  # noqa: PLC0415 - as above

        faces, matrix, photos = seen(self._db, self._embedder, min_face=self.min_face)
        return bench_lfw(folder, pairs, faces, compacted(matrix) if compact else matrix, photos)

    def check_only_holds(self, folder: Path) -> None:
        """Refuse to scan a benchmark's folder into a library of other photos.

        Raises:
            UsageError: photos of other folders are in this library.
        """
        from facesort.catalog.roots import root_paths  # noqa: PLC0415 - as above
        from facesort.errors import UsageError  # noqa: PLC0415

        real = folder.resolve()
        others = [root for root in root_paths(self._db) if not root.is_relative_to(real)]
        if others:
            raise UsageError(
                f"{self.settings.library} is a library of {others[0]}; the photos of {folder} do "
                "not belong into it",
                hint="Leave --library away, or name one that holds nothing else. A network that "
                "was trained in a library is judged with --learned.",
            )

    def trained_in(self, library: Path) -> Trained:
        """Return the network that was trained in another library, for this one's embedder.

        Args:
            library: its folder.

        Raises:
            LibraryNotFound: there is no library.
            UsageError, ModelError: see `jobs.describing.aggregating.trained_aggregator`.
        """
        from facesort.catalog.opening import open_database  # noqa: PLC0415 - as above
        from facesort.jobs.describing.aggregating import trained_aggregator  # noqa: PLC0415

        db = open_database(library, create=False)
        try:
            return trained_aggregator(db, self._embedder)
        finally:
            db.close()

    def bench_sets(
        self, folder: Path, *, seeds: int = 5, trained: Trained | None = None
    ) -> SetsReport:
        """Judge what makes one vector of many faces; see `jobs.benches.sets`.

        This library's own network is never judged: it may have been trained on these very people.
        """
        from facesort.jobs.benches.bench import seen  # noqa: PLC0415
        from facesort.jobs.benches.sets import bench_sets  # noqa: PLC0415
        from facesort.jobs.describing.coreset_rule import coreset_rule  # noqa: PLC0415

        return bench_sets(
            self._looking,
            folder,
            seen(self._db, self._embedder, min_face=self.min_face),
            coreset_rule(self._db, self._embedder),
            seeds=seeds,
            trained=trained,
            progress=self._progress,
        )

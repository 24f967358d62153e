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

    def bench_sets(self, folder: Path, *, seeds: int = 5) -> SetsReport:
        """Judge what makes one vector of many faces; see `jobs.benches.sets`."""
        from facesort.jobs.benches.bench import seen  # noqa: PLC0415
        from facesort.jobs.benches.sets import bench_sets  # noqa: PLC0415
        from facesort.jobs.describing.aggregating import library_aggregator  # noqa: PLC0415 - as above
        from facesort.jobs.describing.coreset_rule import coreset_rule  # noqa: PLC0415

        learned = library_aggregator(self._db, self._embedder)
        return bench_sets(
            self._looking,
            folder,
            seen(self._db, self._embedder, min_face=self.min_face),
            coreset_rule(self._db, self._embedder),
            seeds=seeds,
            learned=() if learned is None else (learned,),
            progress=self._progress,
        )

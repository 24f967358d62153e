"""What can be measured of a library's review: `facesort bench review`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facesort.jobs.review.opening import Reviewing

if TYPE_CHECKING:
    from pathlib import Path

    from facesort.evaluation.review import ReviewCosts
    from facesort.protocols import Progress

__all__ = ["MeasuringReview"]


class MeasuringReview(Reviewing):
    """What a review of this library costs."""

    _progress: Progress

    def bench_review(self, truth: Path, *, mistakes: float = 0.0, seeds: int = 5) -> ReviewCosts:
        """Review this library in memory, with answers from a truth; see `jobs.review.bench`."""
        from facesort.jobs.review.bench import bench_review  # noqa: PLC0415 - only this needs it

        with self._up_to_date():
            return bench_review(
                truth,
                self._db,
                self._embedder,
                min_face=self.min_face,
                mistakes=mistakes,
                seeds=seeds,
                progress=self._progress,
            )

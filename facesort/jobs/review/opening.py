"""The review as a use case of a library."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facesort.jobs.deciding import Deciding

if TYPE_CHECKING:
    from facesort.config import Settings
    from facesort.jobs.review.picturing import Pictures
    from facesort.jobs.review.session import ReviewSession

__all__ = ["Reviewing"]


class Reviewing(Deciding):
    """A library that can ask."""

    settings: Settings

    def review(self, *, min_photos: int = 3) -> ReviewSession:
        """Begin a sitting, or take it up again: see `jobs.review.session`.

        Args:
            min_photos: people on fewer photos and without a name are asked about late.
        """
        from facesort.jobs.review.access import Access  # noqa: PLC0415 - only a review needs it
        from facesort.jobs.review.session import ReviewSession  # noqa: PLC0415

        access = Access(
            self._db,
            self._embedder,
            lambda: self.min_face,
            self._deciding,
            self._up_to_date,
            self._regroup_if_wanted,
        )
        return ReviewSession(access, min_photos=min_photos)

    def pictures(self) -> Pictures:
        """Return what draws faces and photos, for this thread: see `jobs.review.picturing`."""
        from facesort.jobs.review.picturing import Pictures  # noqa: PLC0415 - pictures are heavy

        return Pictures(
            self._db,
            self.settings.library / "cache",
            max_megapixels=self.settings.max_megapixels,
            min_face=lambda: self.min_face,
        )

"""The review as a use case of a library."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facesort.jobs.deciding import Deciding

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from facesort.config import Settings
    from facesort.jobs.batch.answers import Batch
    from facesort.jobs.batch.folder import Exported
    from facesort.jobs.review.access import Access
    from facesort.jobs.review.picturing import Pictures
    from facesort.jobs.review.session import ReviewSession
    from facesort.protocols import Progress
    from facesort.review.filed import Filed

__all__ = ["Reviewing"]


class Reviewing(Deciding):
    """A library that can ask."""

    settings: Settings
    _progress: Progress

    def review(self, *, min_photos: int = 3) -> ReviewSession:
        """Begin a sitting, or take it up again: see `jobs.review.session`.

        Args:
            min_photos: people on fewer photos and without a name are asked about late.
        """
        from facesort.jobs.review.session import ReviewSession  # noqa: PLC0415 - only a review needs it

        return ReviewSession(self._review_access(), min_photos=min_photos)

    def _review_access(self) -> Access:
        from facesort.jobs.describing.descriptors import describe_people  # noqa: PLC0415 - as above
        from facesort.jobs.review.access import Access  # noqa: PLC0415

        # Of people who have changed since the last grouping: which of their faces may be others.
        describe_people(self._db, self._embedder, min_face=self.min_face, progress=self._progress)
        return Access(
            self._db,
            self._embedder,
            lambda: self.min_face,
            self._deciding,
            self._up_to_date,
            self._regroup_if_wanted,
        )

    def batch(
        self,
        filed: Mapping[str, Filed],
        *,
        same: bool | None = None,
        dry_run: bool = False,
        min_photos: int = 3,
    ) -> Batch:
        """Return what reads answers from files: see `jobs.batch.answers`."""
        from facesort.jobs.batch.answers import Batch  # noqa: PLC0415 - only files need it
        from facesort.jobs.review.session import ReviewSession  # noqa: PLC0415 - as above

        access = self._review_access()
        session = ReviewSession(access, min_photos=min_photos)
        return Batch(access, session, filed, same=same, dry_run=dry_run)

    def export_questions(self, folder: Path, *, most: int, min_photos: int = 3) -> Exported:
        """Write questions for somebody without facesort: see `jobs.batch.folder`.

        Args:
            folder: new or empty.
            most: so many questions at most.
            min_photos: people on fewer photos and without a name are asked about late.
        """
        from facesort.jobs.batch.folder import export_questions  # noqa: PLC0415 - as above

        return export_questions(
            self.review(min_photos=min_photos),
            self.pictures(),
            folder,
            most=most,
            roots=self.roots(),
            library_folder=self.settings.library,
            progress=self._progress,
        )

    def pictures(self) -> Pictures:
        """Return what draws faces and photos, for this thread: see `jobs.review.picturing`."""
        from facesort.jobs.review.picturing import Pictures  # noqa: PLC0415 - pictures are heavy

        return Pictures(
            self._db,
            self.settings.library / "cache",
            max_megapixels=self.settings.max_megapixels,
            min_face=lambda: self.min_face,
        )

"""What a library gives out: the best photos of a person, albums, strips of faces, vectors."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from facesort.jobs.deciding import Deciding

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from facesort.config import Settings
    from facesort.domain import PersonId
    from facesort.export.apply import ExportResult
    from facesort.export.operations import Plan
    from facesort.export.vector_file import VectorFile
    from facesort.jobs.describing.coreset import CoresetReport
    from facesort.jobs.describing.picks import BestFaces
    from facesort.jobs.exporting.albums import AlbumOrder, Source
    from facesort.jobs.exporting.vector_file import VectorOrder
    from facesort.protocols import Progress

__all__ = ["Giving"]


class Giving(Deciding):
    """What can be had from a library. `PERSON` is an id or a name, `FACE` an id.

    A reference that leads to nobody or to several raises UnknownPerson or AmbiguousPerson.
    """

    settings: Settings
    _progress: Progress

    @property
    @abstractmethod
    def id(self) -> str:
        """A random number given at its making."""

    def best_faces(self, reference: str, count: int) -> BestFaces:
        """Choose the best different photos of a person; see `jobs.describing.best`."""
        from facesort.jobs.describing.best import best_of  # noqa: PLC0415 - only some commands compute

        with self._up_to_date():
            person = self._person(reference)
            return best_of(self._db, self._embedder, person, count, min_face=self.min_face)

    def coreset(
        self, reference: str, *, size: int | None = None, pinned: Sequence[str] = ()
    ) -> CoresetReport:
        """Choose the few faces that stand for a person; see `jobs.describing.coreset`.

        Args:
            reference: whose.
            size: faces at most; None: as everywhere.
            pinned: faces that are chosen whatever comes of it.

        Raises:
            UsageError: a pinned face is not this person's.
        """
        from facesort.jobs.describing.coreset import report  # noqa: PLC0415 - as above

        with self._up_to_date():
            person = self._person(reference)
            return report(
                self._db, self._embedder, person, size=size, pinned=pinned, min_face=self.min_face
            )

    # -- exporting -------------------------------------------------------------------------------

    def plan_export(self, order: AlbumOrder) -> Plan:
        """Say what an export would do; nothing on the disk changes."""
        from facesort.jobs.exporting.albums import plan_order  # noqa: PLC0415 - only exports need it

        return plan_order(order, self._album_source(order))

    def export(self, order: AlbumOrder) -> ExportResult:
        """Write albums of people. Originals are only read.

        Raises:
            ExportError and its kinds; see `export.albums`.
        """
        from facesort.jobs.exporting.albums import export_order  # noqa: PLC0415 - only exports need it

        return export_order(order, self._album_source(order), self._progress)

    def _album_source(self, order: AlbumOrder) -> Source:
        from facesort.jobs.exporting.albums import read_source  # noqa: PLC0415 - only exports need it

        with self._db.snapshot():
            return read_source(
                self._db, self._embedder, order, self.settings.library, min_face=self.min_face
            )

    def export_vectors(self, order: VectorOrder, *, write: bool = True) -> VectorFile:
        """Write the vectors of people and faces for other programs; returns what was written.

        Args:
            order: whose, and where to.
            write: otherwise only say what would be written.

        Raises:
            UsageError, ExportError and its kinds; see `export.vector_file`.
        """
        from facesort.export.vector_file import check_file, write_vectors  # noqa: PLC0415 - as above
        from facesort.jobs.describing.aggregating import tell_if_unusable  # noqa: PLC0415
        from facesort.jobs.describing.descriptors import describe_people  # noqa: PLC0415
        from facesort.jobs.exporting.vector_file import read_vectors  # noqa: PLC0415

        form = check_file(order.file, self.roots(), self.settings.library)
        tell_if_unusable(self._db, self._embedder, self._progress)
        # Beforehand, so that what is made is kept.
        describe_people(self._db, self._embedder, min_face=self.min_face, progress=self._progress)
        with self._up_to_date():
            content = read_vectors(self._db, self._embedder, order, min_face=self.min_face)
        if write:
            write_vectors(content, order.file, form)
        return content

    def sheets(self, folder: Path, persons: Sequence[PersonId]) -> list[Path]:
        """Write one strip of faces per person.

        Raises:
            DestinationOverlaps: the folder lies in a scanned one, whose next scan would find faces
            in it. DestinationUnwritable: it cannot be written.
        """
        from facesort.export.destination import check_outside  # noqa: PLC0415 - pictures are heavy
        from facesort.imaging.crops import PhotoCrops  # noqa: PLC0415
        from facesort.jobs.showing.sheets import write_sheets  # noqa: PLC0415

        check_outside(folder, self.roots(), self.settings.library)
        situation, photos = self.view()
        now = situation.people.by_id  # a scan may have changed them since they were read
        present = [now[person] for person in persons if person in now]
        crops = PhotoCrops(
            photos, self.settings.library / "cache", max_megapixels=self.settings.max_megapixels
        )
        return write_sheets(folder, present, situation, crops, self._progress)

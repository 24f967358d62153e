"""The last grouping, read from the catalog piece by piece."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from facesort.catalog import columns, crowd, descriptors, people, vectors
from facesort.grouping.past import ChosenMeans, Crowd

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from facesort.catalog.connection import Database
    from facesort.domain import FaceColumns, FaceId, GroupedFaces, PersonId
    from facesort.protocols import Vectors

__all__ = ["StoredPast"]


class StoredPast:
    """See `grouping.past.Past`. Use it inside one snapshot or transaction.

    Args:
        db: the catalog.
        model: whose vectors.
    """

    def __init__(self, db: Database, model: str) -> None:
        self._db = db
        self._model = model
        self.added_up: crowd.Sums | None = None  # sums that could be stored

    def crowd(self) -> Crowd:
        """Return everybody."""
        stored, self.added_up = crowd.read(self._db, self._model)
        parts = [part for part in (stored, self.added_up) if part.ids]
        if not parts:
            return Crowd((), np.zeros((0, 1), dtype=np.float32), np.zeros(0))
        sizes = np.concatenate([part.sizes for part in parts]).astype(np.float64)
        means = np.concatenate([part.sums for part in parts])
        means /= sizes[:, None].astype(np.float32)
        people_ids = tuple(person for part in parts for person in part.ids)
        return Crowd(people_ids, means, sizes, self._chosen(people_ids))

    def _chosen(self, everybody: Sequence[PersonId]) -> ChosenMeans | None:
        found, means, sizes = descriptors.means_of_some(self._db, self._model)
        row_of = {person: row for row, person in enumerate(everybody)}
        rows = np.array([row_of.get(person, -1) for person in found], dtype=np.int64)
        there = rows >= 0
        return ChosenMeans(rows[there], means[there], sizes[there]) if there.any() else None

    def owners(self, faces: Collection[FaceId]) -> Mapping[FaceId, PersonId]:
        """Return the identity of some faces; those that nobody has are left out."""
        return people.assigned(self._db, faces)

    def members(self, persons: Collection[PersonId]) -> GroupedFaces:
        """Return all faces of some people."""
        return columns.grouped(self._db, persons)

    def columns(self, faces: Collection[FaceId]) -> FaceColumns:
        """Return some faces, in anchor order; those without a vector are left out."""
        found = columns.columns_of(self._db, faces)
        known = np.flatnonzero(vectors.aligned(self._db, self._model, found.ids)[1])
        return found if len(known) == len(found) else found.subset(known)

    def vectors(self, faces: Sequence[FaceId]) -> Vectors:
        """Return the (n, d) vectors of n faces."""
        return vectors.aligned(self._db, self._model, faces)[0]

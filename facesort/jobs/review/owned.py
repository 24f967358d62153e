"""Whose each face is, in columns, as a review begins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from facesort.catalog import reviewing, showing, shown
from facesort.review.crowd import NO_MOMENT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from facesort.catalog.connection import Database
    from facesort.catalog.showing import FaceRow
    from facesort.domain import FaceId, PersonId, PhotoId

__all__ = ["Owned", "moments_of"]


@dataclass(frozen=True, slots=True, eq=False)
class Owned:
    """The faces of everybody, those of one person together.

    Args:
        people: p ids, sorted.
        number: of each id, also of those merged away, its place in `people`.
        faces: n ids.
        first: (p + 1,) where each one's begin.
        moments: (n,) photos, NO_MOMENT for videos.
        photos: (p,) on how many photos each is.
        prominence: (p,) quality of each one's best face.
        confirmed: (n,) bool.
    """

    people: list[PersonId]
    number: Mapping[PersonId, int]
    faces: list[FaceId]
    first: NDArray[np.int64]
    moments: NDArray[np.int64]
    photos: NDArray[np.int64]
    prominence: NDArray[np.float32]
    confirmed: NDArray[np.bool_]

    @classmethod
    def read(cls, db: Database, min_face: int) -> Owned:
        """Read everybody; faces smaller than `min_face` pixels do not count."""
        rows = sorted(showing.people(db), key=lambda row: row.id)
        ids = [row.id for row in rows]
        number = {person: place for place, person in enumerate(ids)}
        merged = showing.merges(db).items()
        number |= {person: number[to] for person, to in merged if to in number}
        found: list[FaceRow] = []
        for block in shown.all_face_rows(db, shown.said(db), min_face=min_face):
            found += block
        owner = np.array([number[face.person] for face in found], dtype=np.int64)
        order = np.argsort(owner, kind="stable")
        return cls(
            ids,
            number,
            [found[row].id for row in order.tolist()],
            np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=len(ids)))]),
            moments_of(db, [face.photo for face in found])[order],
            np.array([row.photos for row in rows], dtype=np.int64),
            _best(owner, [face.quality for face in found], len(ids)),
            np.array([bool(found[row].confirmed) for row in order.tolist()], dtype=bool),
        )

    @property
    def owner(self) -> NDArray[np.int64]:
        """(n,) whose each face is."""
        return np.repeat(np.arange(len(self.people)), np.diff(self.first))


def moments_of(db: Database, photos: list[PhotoId]) -> NDArray[np.int64]:
    """Return the moments of faces on these photos; see `Crowd`."""
    videos = np.array(sorted(reviewing.videos(db)), dtype=np.int64)
    photo = np.array(photos, dtype=np.int64)
    return np.where(np.isin(photo, videos), NO_MOMENT, photo)


def _best(owner: NDArray[np.int64], quality: list[float], people: int) -> NDArray[np.float32]:
    best = np.zeros(people, dtype=np.float32)
    np.maximum.at(best, owner, np.array(quality, dtype=np.float32))
    return best

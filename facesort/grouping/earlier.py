"""The people of the last grouping, after what was said since."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from facesort.grouping.moments import moments_of
from facesort.grouping.past import Crowd
from facesort.grouping.said import Said

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray

    from facesort.domain import FaceColumns, FaceId, GroupedFaces, PersonId
    from facesort.grouping.past import Past
    from facesort.grouping.standing import Standing

__all__ = ["Earlier"]


@dataclass(frozen=True, slots=True, eq=False)
class Earlier:
    """People after what was said since: who is free to go, who is no face.

    Args:
        crowd: everybody, without the faces that are loose or dropped; some may have none left.
        place: the identities' rows in the crowd.
        loose: faces that decisions have taken from their person.
        dropped: faces that the user called none.
        rejected: for people, whom some face of theirs is not.
    """

    crowd: Crowd
    place: Mapping[PersonId, int]
    loose: Sequence[FaceId]
    dropped: Sequence[FaceId]
    rejected: Mapping[PersonId, frozenset[PersonId]]

    @classmethod
    def of(cls, past: Past, spoken: FaceColumns, standing: Standing) -> Earlier:
        """Lay decisions over a grouping.

        Args:
            past: as the last grouping left it.
            spoken: the faces on all photos that explicit decisions are about.
            standing: what the decisions add up to.
        """
        owners = past.owners(spoken.ids)
        said = Said.about(spoken, standing)
        crowded_out = _crowded_out(spoken, said, owners)
        loose: list[FaceId] = []
        dropped: list[FaceId] = []
        rejected: dict[PersonId, frozenset[PersonId]] = {}
        for row, face in enumerate(spoken.ids):
            identity = owners.get(face)
            if identity is None:
                continue
            denied = said.rejected.get(row, frozenset())
            if row in said.not_faces:
                dropped.append(face)
            elif not (row in said.confirmed and said.votes[row] == identity) and (
                row in said.confirmed or identity in denied or row in crowded_out
            ):
                loose.append(face)
            elif denied:
                rejected[identity] = rejected.get(identity, denied) | denied
        crowd = past.crowd()
        place = {person: row for row, person in enumerate(crowd.ids)}
        left = [face for face in (*loose, *dropped) if owners[face] in place]
        if left:
            rows = np.array([place[owners[face]] for face in left], dtype=np.int64)
            crowd = _without(crowd, rows, past.vectors(left))
        return cls(crowd, place, loose, dropped, rejected)

    def members(self, past: Past, people: Collection[PersonId]) -> GroupedFaces:
        """Return the faces of some people that are neither loose nor dropped."""
        grouped = past.members(people)
        away = {*self.loose, *self.dropped}
        if away.isdisjoint(grouped.ids):
            return grouped
        keep = [row for row, face in enumerate(grouped.ids) if face not in away]
        return grouped.subset(np.array(keep, dtype=np.int64))


def _crowded_out(spoken: FaceColumns, said: Said, owners: Mapping[FaceId, PersonId]) -> set[int]:
    """Return rows whose person has a confirmed face on the same photo: nobody is there twice."""
    moments = moments_of(spoken)
    taken = {(said.votes[row], moment) for row in said.confirmed for moment in moments.of(row)}
    return {
        row
        for row, face in enumerate(spoken.ids)
        if row not in said.confirmed
        and any((owners.get(face), moment) in taken for moment in moments.of(row))
    }


def _without(crowd: Crowd, rows: NDArray[np.int64], vectors: NDArray[np.float32]) -> Crowd:
    """Take faces away from the people in some rows."""
    sums = crowd.means.astype(np.float64) * crowd.sizes[:, None]
    np.subtract.at(sums, rows, vectors.astype(np.float64))
    sizes = np.maximum(crowd.sizes - np.bincount(rows, minlength=len(crowd.sizes)), 0.0)
    means = (sums / np.maximum(sizes, 1.0)[:, None]).astype(np.float32)
    means[sizes == 0] = 0.0
    return Crowd(crowd.ids, means, sizes, crowd.chosen)

"""The user's decisions, found again among the faces that are there now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from facesort.grouping.anchors import AnchorIndex
from facesort.grouping.constraints import NOBODY, Constraints, homes
from facesort.grouping.moments import moments_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from numpy.typing import NDArray

    from facesort.domain import FaceColumns, PersonId
    from facesort.grouping.standing import Standing

__all__ = ["Said", "release", "unite"]


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """What the decisions say, by row of the faces.

    Args:
        votes: the identity that the latest decision put a face with.
        confirmed: rows whose vote never moves by itself.
        rejected: the identities that a face is not.
        shelters: where a rejected face is shown until a grouping knows better.
        not_faces: rows that the user called no face.
    """

    votes: dict[int, PersonId]
    confirmed: set[int]
    rejected: dict[int, frozenset[PersonId]]
    shelters: dict[int, PersonId]
    not_faces: set[int]

    @classmethod
    def about(cls, faces: FaceColumns, standing: Standing) -> Self:
        """Find the faces that decisions are about.

        Args:
            faces: those that can be meant, in anchor order.
            standing: what the decisions add up to.
        """
        index = AnchorIndex(faces)
        votes: dict[int, PersonId] = {}
        confirmed: set[int] = set()
        rejected: dict[int, frozenset[PersonId]] = {}
        for anchor, people in standing.rejections().items():
            row = index.find(anchor)
            if row is not None:
                rejected[row] = rejected.get(row, frozenset()) | people
        for anchor, person in standing.votes.items():
            row = index.find(anchor)
            if row is None:
                continue
            if anchor in standing.confirmed:
                votes[row] = person
                confirmed.add(row)
                rejected[row] = rejected.get(row, frozenset()) - {person}
            elif row not in confirmed and person not in rejected.get(row, ()):
                votes[row] = person
        shelters = {
            row: person
            for anchor, person in standing.shelters.items()
            if (row := index.find(anchor)) is not None
        }
        not_faces = {row for a in standing.not_faces if (row := index.find(a)) is not None}
        return cls(votes, confirmed, rejected, shelters, not_faces)

    def identities(self) -> set[PersonId]:
        """Return everybody whom these decisions put a face with or keep one from."""
        return {*self.votes.values(), *(p for ps in self.rejected.values() for p in ps)}

    def constraints(self, faces: FaceColumns, numbers: Mapping[PersonId, int]) -> Constraints:
        """Put the facts in row order.

        Args:
            faces: the ones that this is about.
            numbers: of the identities.
        """
        claims = np.full(len(faces), NOBODY, dtype=np.int64)
        for row, person in self.votes.items():
            claims[row] = numbers[person]
        fixed = np.zeros(len(faces), dtype=bool)
        fixed[list(self.confirmed)] = True
        rejected = {
            row: frozenset(numbers[person] for person in people)
            for row, people in self.rejected.items()
        }
        return Constraints(moments_of(faces), claims, rejected, fixed)

    def unless_rejected(self, row: int, person: PersonId | None) -> PersonId | None:
        """Return who a face was with, or where it waits if it was rejected from there."""
        rejected = self.rejected.get(row, ())
        if person not in rejected:
            return person
        shelter = self.shelters.get(row)
        return None if shelter in rejected else shelter


def unite(labels: NDArray[np.int64], constraints: Constraints) -> NDArray[np.int64]:
    """Put the confirmed faces of each identity with most of those that claim it.

    A confirmed face may look like nobody: a child's picture, a mask. It is that person all the
    same; those it was clustered with stay what they are. Where a face that is not confirmed is on
    the same photo, that one leaves, and is on its own.

    Args:
        labels: (n,) clusters; negative for faces that are in none.
        constraints: of the n faces.

    Returns:
        (n,) labels, numbered by first row.
    """
    claims, fixed = constraints.claims, constraints.fixed
    united = labels.copy()
    free = int(labels.max(initial=-1)) + 1
    for claim in np.unique(claims[fixed & (claims != NOBODY)]).tolist():
        own = np.flatnonzero((claims == claim) & (united >= 0))
        home = int(np.bincount(united[own]).argmax())
        guests = own[fixed[own] & (united[own] != home)]
        if not len(guests):
            continue
        hosts = np.flatnonzero((united == home) & ~fixed)
        united[guests] = home
        taken = frozenset().union(*map(constraints.moments.of, guests.tolist()))
        for row in hosts.tolist():
            if not taken.isdisjoint(constraints.moments.of(row)):
                united[row] = free
                free += 1
    numbers: dict[int, int] = {}
    kept = united >= 0
    united[kept] = [numbers.setdefault(k, len(numbers)) for k in united[kept].tolist()]
    return united


def release(labels: NDArray[np.int64], constraints: Constraints) -> Constraints | None:
    """Drop the claims of faces that did not end up with the rest of their identity.

    A vote records that a face was there when the user spoke; it may leave when evidence says so.
    Its claim then must not keep it from whoever it really is. Returns None when nothing is to be
    dropped.
    """
    claims = constraints.claims
    home = homes(labels, constraints)
    lost = np.zeros(len(claims), dtype=bool)
    for row in np.flatnonzero((claims != NOBODY) & ~constraints.fixed).tolist():
        lost[row] = labels[row] != home.get(int(claims[row]))
    if not lost.any():
        return None
    return Constraints(
        constraints.moments, np.where(lost, NOBODY, claims), constraints.rejected, constraints.fixed
    )

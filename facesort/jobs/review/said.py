"""What was said of people and faces before a review begins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from facesort.catalog import columns, decisions, doubts
from facesort.grouping.anchors import AnchorIndex
from facesort.grouping.standing import replay, standing
from facesort.jobs.showing.part import owners_of
from facesort.review.crowd import Doubt
from facesort.review.questions import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from facesort.catalog.connection import Database
    from facesort.domain import Anchor, FaceId, PersonId
    from facesort.jobs.review.owned import Owned

__all__ = ["Said"]


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """What the user said of people and faces.

    Args:
        different: pairs of people.
        doubts: what they were not sure of.
        kept_apart: pairs of faces of one photo that are not one person.
        denied: of faces that are with nobody: whom they were said not to be.
    """

    different: tuple[tuple[PersonId, PersonId], ...]
    doubts: tuple[Doubt, ...]
    kept_apart: frozenset[frozenset[FaceId]]
    denied: Mapping[FaceId, tuple[PersonId, ...]]

    @classmethod
    def read(cls, db: Database, min_face: int, owned: Owned) -> Said:
        """Read what stands; faces smaller than `min_face` pixels do not count."""
        stands = standing(replay(decisions.log(db, votes=False)))
        unsure = doubts.standing(db)
        anchors = {anchor for row in unsure for anchor in row.anchors} | stands.rejected.keys()
        found = _faces_of(db, anchors, min_face)
        owners = owners_of(db, set(found.values()))
        pairs = {frozenset(stands.survivor(person) for person in p) for p in stands.different}
        denied: dict[FaceId, tuple[PersonId, ...]] = {}
        for anchor, persons in stands.rejected.items():
            face = found.get(anchor)
            if face is None:
                continue
            others = dict.fromkeys(stands.survivor(person) for person in persons)
            owner = owners[face].owner
            if owner is None:
                denied[face] = tuple(other for other in others if other in owned.number)
            else:
                pairs |= {frozenset((owner, other)) for other in others}
        different = [
            (one, other)
            for pair in pairs
            if len(pair) == 2
            for one, other in [sorted(pair)]
            if one in owned.number and other in owned.number
        ]
        return cls(
            tuple(sorted(different)),
            tuple(_doubt(owned, row, found) for row in unsure if row.answer == "unsure"),
            frozenset(
                frozenset(found[a] for a in row.anchors if a in found)
                for row in unsure
                if row.answer == "no"
            ),
            denied,
        )


def _doubt(owned: Owned, row: doubts.DoubtRow, found: Mapping[Anchor, FaceId]) -> Doubt:
    # Of those merged since the first one stands for all.
    persons: dict[PersonId, int] = {}
    for person, size in zip(row.people, row.sizes, strict=True):
        now = owned.people[owned.number[person]] if person in owned.number else person
        persons.setdefault(now, size)
    faces = [found[anchor] for anchor in row.anchors if anchor in found]
    return Doubt(Kind(row.kind), tuple(persons), tuple(faces), tuple(persons.values()))


def _faces_of(db: Database, anchors: Iterable[Anchor], min_face: int) -> dict[Anchor, FaceId]:
    wanted = list(anchors)
    if not wanted:
        return {}
    index = AnchorIndex(
        columns.columns_on(db, {anchor.photo_key for anchor in wanted}, min_face=min_face)
    )
    return {anchor: face for anchor in wanted if (face := index.find_id(anchor)) is not None}

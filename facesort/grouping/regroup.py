"""The whole of grouping: faces, vectors and decisions in, people out. Pure and deterministic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from facesort.grouping.attach import UNASSIGNED, centre_of
from facesort.grouping.constraints import NOBODY
from facesort.grouping.identity import identify
from facesort.grouping.methods import cluster_with_votes
from facesort.grouping.refine import Answer, refine, with_calibration
from facesort.grouping.said import Said

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from facesort.domain import Anchor, FaceColumns, FaceId, PersonId
    from facesort.grouping.calibration import MergeRule
    from facesort.grouping.constraints import Constraints
    from facesort.grouping.policy import Policy
    from facesort.grouping.refine import Refinement
    from facesort.grouping.standing import Standing
    from facesort.protocols import Vectors

__all__ = ["Grouping", "regroup"]


@dataclass(frozen=True, slots=True)
class Grouping:
    """The people that faces belong to, before merges and later decisions are laid over.

    Args:
        owners: the identity of each face that has one.
        unassigned: faces that nobody is close enough to, and what the user called no face.
        new_people: founding anchors of the people that this grouping found first.
        people: how many identities have a face.
        min_cosine: the lowest cosine that joined two single faces, for the report.
        refinement: how the library's own people changed the calibration; None where a rule has
            none, or the method takes a rule as it is.
        repeats: pairs of faces by which a photo seems to show one person twice: to be asked about.
        poor_centre: (d,) what the poor faces have in common; None where there are few.
    """

    owners: dict[FaceId, PersonId]
    unassigned: set[FaceId]
    new_people: dict[PersonId, Anchor]
    people: int
    min_cosine: float
    refinement: Refinement | None
    repeats: list[tuple[FaceId, FaceId]]
    poor_centre: Vectors | None


def regroup(
    faces: FaceColumns,
    vectors: Vectors,
    seen: NDArray[np.bool_],
    standing: Standing,
    before: Mapping[FaceId, PersonId],
    policy: Policy,
    *,
    person_exists: Callable[[PersonId], bool],
) -> Grouping:
    """Group all faces anew.

    Args:
        faces: in anchor order.
        vectors: (n, d) unit vectors; rows that are not `seen` have none.
        seen: (n,) which faces this model has seen; the others keep the person they had.
        standing: what the user's decisions add up to.
        before: the identity of each face until now; keeps ids stable.
        policy: how to group.
        person_exists: whether an id was ever given.
    """
    said = Said.about(faces, standing)
    numbers = {person: i for i, person in enumerate(sorted(said.identities()))}
    constraints = said.constraints(faces, numbers)
    grouped = seen.copy()
    grouped[list(said.not_faces)] = False
    known = np.flatnonzero(grouped)
    if len(known) < len(faces):  # else no copy: of a million faces it is half a gigabyte
        vectors, constraints = vectors[known], constraints.subset(known)
    good = faces.quality[known] >= policy.min_quality
    learned = _Learned(policy, vectors, constraints, _answers(standing, constraints, numbers))
    labels, claims, repeats = cluster_with_votes(
        vectors, good, constraints, policy, refine=learned if policy.calibration else None
    )
    found = np.full(len(faces), UNASSIGNED, dtype=np.int64)
    found[known] = labels
    claimed = np.full(len(faces), NOBODY, dtype=np.int64)
    claimed[known] = claims
    votes = {row: person for row, person in said.votes.items() if claimed[row] != NOBODY}
    _, owners, new = identify(faces, found, said, votes, before, person_exists)
    count = len(set(owners.values()))
    # Faces that this model has not seen stay where they were until it has.
    for row in np.flatnonzero(~seen).tolist():
        if row not in said.not_faces:
            person = said.unless_rejected(row, before.get(faces.ids[row]))
            if person is not None:
                owners[faces.ids[row]] = person
    nobody = {faces.ids[row] for row in known.tolist()} | {faces.ids[r] for r in said.not_faces}
    return Grouping(
        owners,
        nobody - set(owners),
        new,
        count,
        learned.rule.min_cosine(count),
        learned.refinement,
        [(faces.ids[known[a]], faces.ids[known[b]]) for a, b in repeats.tolist()],
        centre_of(vectors[~(good | constraints.fixed)]),
    )


class _Learned:
    """Learns from a first pass how alike different people look in this library.

    Args:
        rule: the policy's, with what was learned.
        refinement: what was learned, once something was.
    """

    def __init__(
        self,
        policy: Policy,
        vectors: Vectors,
        constraints: Constraints,
        answers: Sequence[Answer],
    ) -> None:
        self._policy = policy
        self._vectors = vectors
        self._moments = constraints.moments
        self._answers = answers
        self.rule = policy.rule
        self.refinement: Refinement | None = None

    def __call__(self, labels: NDArray[np.int64]) -> MergeRule:
        """Return the rule to go on with; see `phases.cluster_in_phases`."""
        card = self._policy.calibration
        if card is not None:
            self.refinement = refine(
                card, self._vectors, labels, self._moments, answers=self._answers
            )
            self.rule = with_calibration(self._policy.rule, self.refinement.calibration)
        return self.rule


def _answers(
    standing: Standing, constraints: Constraints, numbers: Mapping[PersonId, int]
) -> list[Answer]:
    """Return what the user said about pairs of people, by one face of each."""
    first: dict[int, int] = {}
    for row in np.flatnonzero(constraints.claims != NOBODY).tolist():
        first.setdefault(int(constraints.claims[row]), row)
    row_of = {person: first[k] for person, k in numbers.items() if k in first}
    said = [(frozenset(pair), True) for pair in standing.merged_into.items()]
    said += [(pair, False) for pair in standing.different]
    return [
        Answer(min(rows), max(rows), same)
        for pair, same in said
        if pair <= row_of.keys()
        for rows in [[row_of[person] for person in pair]]
    ]

"""The whole of grouping: faces, vectors and decisions in, people out. Pure and deterministic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from facesort.errors import UsageError
from facesort.grouping.agglomerative import agglomerate
from facesort.grouping.anchors import AnchorIndex
from facesort.grouping.attach import UNASSIGNED
from facesort.grouping.constraints import NOBODY, Constraints, homes
from facesort.grouping.identity import gather_evidence, match_people
from facesort.grouping.linkage import average_linkage
from facesort.grouping.moments import moments_of
from facesort.grouping.phases import cluster_in_phases, repeated_faces
from facesort.grouping.threshold import connected_components

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from facesort.domain import Anchor, Face, FaceId, FaceMatrix, PersonId
    from facesort.grouping.calibration import MergeRule
    from facesort.grouping.standing import Standing
    from facesort.protocols import NeighbourIndex, Vectors

__all__ = ["METHODS", "Grouping", "check_method", "regroup"]

METHODS = ("linkage", "threshold", "agglomerative")


@dataclass(frozen=True, slots=True)
class Grouping:
    """The people that faces belong to, before merges and later decisions are laid over.

    Args:
        owners: the identity of each face; faces that nobody is close enough to are left out.
        new_people: founding anchors of the people that this grouping found first.
        people: how many identities have a face.
        min_cosine: the lowest cosine that joined two single faces, for the report.
    """

    owners: dict[FaceId, PersonId]
    new_people: dict[PersonId, Anchor]
    people: int
    min_cosine: float


def check_method(method: str) -> None:
    """Refuse a method that there is not.

    Raises:
        UsageError: names those that there are.
    """
    if method not in METHODS:
        raise UsageError(f"no grouping method {method!r}", hint=f"One of: {', '.join(METHODS)}.")


def regroup(
    faces: Sequence[Face],
    matrix: FaceMatrix,
    standing: Standing,
    before: Mapping[FaceId, PersonId],
    *,
    rule: MergeRule,
    min_quality: float,
    method: str = "linkage",
    repeat_cosine: float | None = None,
    make_index: Callable[[Vectors], NeighbourIndex],
    person_exists: Callable[[PersonId], bool],
) -> Grouping:
    """Group all faces anew.

    Args:
        faces: any order; the result does not depend on it.
        matrix: their vectors; faces without one keep the person they had.
        standing: what the user's decisions add up to.
        before: the identity of each face until now; keeps ids stable.
        rule: when clusters are alike enough.
        min_quality: faces below it are attached afterwards.
        method: one of METHODS.
        repeat_cosine: two faces of one photo that are this much alike are one person shown twice
            (collage, contact sheet, mirror); None looks for no such faces.
        make_index: builds the neighbour index over good faces.
        person_exists: whether an id was ever given.

    Raises:
        UsageError: no such method.
    """
    check_method(method)
    rows = {face: row for row, face in enumerate(matrix.face_ids)}
    known = sorted((face for face in faces if face.id in rows), key=lambda face: face.anchor)
    vectors = matrix.vectors[[rows[face.id] for face in known]]
    said = _Said.about(faces, standing)
    keep = [i for i, face in enumerate(known) if face.id not in said.not_faces]
    known, vectors = [known[i] for i in keep], vectors[keep]
    good = np.array([face.quality >= min_quality for face in known], dtype=bool)

    repeated = repeated_faces(vectors, moments_of(known), repeat_cosine)

    def cluster(constraints: Constraints) -> NDArray[np.int64]:
        return cluster_in_phases(
            vectors,
            # A confirmed face takes part whatever its quality: the user has seen it.
            good=good | constraints.fixed,
            repeated=repeated & ~constraints.fixed,
            constraints=constraints,
            rule=rule,
            cluster=lambda part, inner: _cluster(method, part, inner, rule, make_index),
        )

    constraints = said.constraints(known)
    labels = cluster(constraints)
    released = _release(labels, constraints)
    if released is not None:
        constraints = released
        labels = cluster(constraints)
    claims = [
        said.votes.get(face.id) if claim != NOBODY else None
        for face, claim in zip(known, constraints.claims.tolist(), strict=True)
    ]
    owners, new = _identify(known, labels.tolist(), said, claims, before, person_exists)
    count = len(set(owners.values()))
    # Faces that this model has not seen stay where they were until it has.
    for face in faces:
        if face.id not in rows and face.id not in said.not_faces:
            person = _unless_rejected(before.get(face.id), face.id, said)
            if person is not None:
                owners[face.id] = person
    return Grouping(owners, new, count, rule.min_cosine(count))


def _cluster(
    method: str,
    vectors: Vectors,
    constraints: Constraints,
    rule: MergeRule,
    make_index: Callable[[Vectors], NeighbourIndex],
) -> NDArray[np.int64]:
    if method == "agglomerative":
        return agglomerate(vectors, constraints, rule)
    if method == "threshold":
        return connected_components(make_index(vectors), constraints, rule)
    return average_linkage(vectors, make_index(vectors), constraints, rule)


@dataclass(frozen=True, slots=True)
class _Said:
    """The user's decisions, face by face."""

    votes: dict[FaceId, PersonId]
    confirmed: set[FaceId]
    rejected: dict[FaceId, frozenset[PersonId]]
    shelters: dict[FaceId, PersonId]
    not_faces: set[FaceId]

    @classmethod
    def about(cls, faces: Sequence[Face], standing: Standing) -> _Said:
        index = AnchorIndex(faces)
        votes: dict[FaceId, PersonId] = {}
        confirmed: set[FaceId] = set()
        rejected: dict[FaceId, frozenset[PersonId]] = {}
        for anchor, people in standing.rejections().items():
            face = index.find(anchor)
            if face is not None:
                rejected[face] = rejected.get(face, frozenset()) | people
        for anchor, person in standing.votes.items():
            face = index.find(anchor)
            if face is None:
                continue
            if anchor in standing.confirmed:
                votes[face] = person
                confirmed.add(face)
                rejected[face] = rejected.get(face, frozenset()) - {person}
            elif face not in confirmed and person not in rejected.get(face, ()):
                votes[face] = person
        shelters = {
            face: person
            for anchor, person in standing.shelters.items()
            if (face := index.find(anchor)) is not None
        }
        not_faces = {face for a in standing.not_faces if (face := index.find(a)) is not None}
        return cls(votes, confirmed, rejected, shelters, not_faces)

    def constraints(self, faces: Sequence[Face]) -> Constraints:
        """Number the identities and put the facts in row order."""
        spoken_of = {*self.votes.values(), *(p for ps in self.rejected.values() for p in ps)}
        numbers = {person: i for i, person in enumerate(sorted(spoken_of))}
        claims = [numbers.get(self.votes.get(f.id), NOBODY) for f in faces]  # type: ignore[arg-type]  # None is no key
        rejected = {
            row: frozenset(numbers[p] for p in self.rejected[face.id])
            for row, face in enumerate(faces)
            if face.id in self.rejected
        }
        return Constraints(
            moments_of(faces),
            np.array(claims, dtype=np.int64),
            rejected,
            np.array([face.id in self.confirmed for face in faces], dtype=bool),
        )


def _release(labels: NDArray[np.int64], constraints: Constraints) -> Constraints | None:
    """Drop the claims of faces that did not end up with the rest of their identity.

    A vote records that a face was there when the user spoke; it may leave when evidence says so.
    Its claim then must not keep it from whoever it really is. Returns None when nothing is to be
    dropped.
    """
    claims = constraints.claims
    home = homes(labels, constraints)
    lost = np.array(
        [
            claim != NOBODY and not fixed and label != home.get(claim)
            for claim, fixed, label in zip(
                claims.tolist(), constraints.fixed.tolist(), labels.tolist(), strict=True
            )
        ],
        dtype=bool,
    )
    if not lost.any():
        return None
    return Constraints(
        constraints.moments, np.where(lost, NOBODY, claims), constraints.rejected, constraints.fixed
    )


def _identify(
    faces: Sequence[Face],
    labels: list[int],
    said: _Said,
    claims: Sequence[PersonId | None],
    before: Mapping[FaceId, PersonId],
    person_exists: Callable[[PersonId], bool],
) -> tuple[dict[FaceId, PersonId], dict[PersonId, Anchor]]:
    """Say who each cluster is.

    Args:
        faces: in anchor order.
        labels: their clusters.
        said: the user's decisions.
        claims: the votes that still count; those that lost would carry their person's name along.
        before: the identity of each face until now.
        person_exists: whether an id was ever given.

    Returns:
        The owner of each face that has one, and the founding anchors of new people.
    """
    count = max(labels, default=UNASSIGNED) + 1
    evidence = gather_evidence(
        count,
        labels,
        [_unless_rejected(before.get(face.id), face.id, said) for face in faces],
        claims,
        [face.id in said.confirmed for face in faces],
    )
    founders: list[list[Anchor]] = [[] for _ in range(count)]
    for face, label in zip(faces, labels, strict=True):
        if label != UNASSIGNED:
            founders[label].append(face.anchor)
    people, new = match_people(evidence, founders, person_exists)
    owners = {
        face.id: people[label]
        for face, label in zip(faces, labels, strict=True)
        if label != UNASSIGNED
    }
    astray = {face for face, person in owners.items() if person in said.rejected.get(face, ())}
    if not astray:
        return owners, new
    # Nobody claims the person, so that nothing kept the face from the others who were there before.
    alone = iter(range(count, count + len(astray)))
    parted = [
        next(alone) if face.id in astray else label
        for face, label in zip(faces, labels, strict=True)
    ]
    return _identify(faces, parted, said, claims, before, person_exists)


def _unless_rejected(person: PersonId | None, face: FaceId, said: _Said) -> PersonId | None:
    rejected = said.rejected.get(face, ())
    if person not in rejected:
        return person
    shelter = said.shelters.get(face)
    return None if shelter in rejected else shelter

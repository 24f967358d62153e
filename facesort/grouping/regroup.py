"""The whole of grouping: faces, vectors and decisions in, people out. Pure and deterministic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from facesort.errors import UsageError
from facesort.grouping.agglomerative import agglomerate
from facesort.grouping.attach import UNASSIGNED
from facesort.grouping.constraints import NOBODY, Constraints
from facesort.grouping.identity import identify
from facesort.grouping.linkage import average_linkage
from facesort.grouping.phases import cluster_in_phases, repeated_faces
from facesort.grouping.said import Said, release
from facesort.grouping.threshold import connected_components

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from facesort.domain import Anchor, FaceColumns, FaceId, FaceMatrix, PersonId
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
    faces: FaceColumns,
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
        faces: in anchor order.
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
    said = Said.about(faces, standing)
    has_vector, vectors = _in_row_order(faces, matrix)
    has_vector[list(said.not_faces)] = False
    known = np.flatnonzero(has_vector)
    vectors = vectors[known]
    part = faces.subset(known)
    numbers = {person: i for i, person in enumerate(sorted(said.identities()))}
    constraints = said.constraints(faces, numbers).subset(known)
    good = part.quality >= min_quality
    repeated = repeated_faces(vectors, constraints.moments, repeat_cosine)

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

    labels = cluster(constraints)
    released = release(labels, constraints)
    if released is not None:
        constraints = released
        labels = cluster(constraints)
    found = np.full(len(faces), UNASSIGNED, dtype=np.int64)
    found[known] = labels
    claimed = np.full(len(faces), NOBODY, dtype=np.int64)
    claimed[known] = constraints.claims
    votes = {row: person for row, person in said.votes.items() if claimed[row] != NOBODY}
    owners, new = identify(faces, found, said, votes, before, person_exists)
    count = len(set(owners.values()))
    # Faces that this model has not seen stay where they were until it has.
    for row in np.flatnonzero(~has_vector).tolist():
        if row not in said.not_faces:
            person = said.unless_rejected(row, before.get(faces.ids[row]))
            if person is not None:
                owners[faces.ids[row]] = person
    return Grouping(owners, new, count, rule.min_cosine(count))


def _in_row_order(faces: FaceColumns, matrix: FaceMatrix) -> tuple[NDArray[np.bool_], Vectors]:
    """Say which faces have a vector, and give all of them a row (of zeros where there is none)."""
    place = {face: k for k, face in enumerate(matrix.face_ids)}
    at = np.array([place.get(face, -1) for face in faces.ids], dtype=np.int64)
    has_vector = at >= 0
    if has_vector.all():
        return has_vector, matrix.vectors[at]
    vectors = np.zeros((len(faces), matrix.vectors.shape[1]), dtype=np.float32)
    vectors[has_vector] = matrix.vectors[at[has_vector]]
    return has_vector, vectors


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

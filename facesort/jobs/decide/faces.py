"""What is said about pictures of faces: that they are none, and which one stands for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facesort.catalog import decisions
from facesort.domain import DecisionFace, FaceRole, FaceStatus, Verdict
from facesort.jobs.decide.voicing import (
    Decided,
    Earlier,
    NewIds,
    check_owner,
    distinct_faces,
    was_confirmed,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from facesort.catalog.connection import Database
    from facesort.domain import Face, FaceId, Person, PersonId
    from facesort.jobs.showing.situation import Situation

__all__ = ["cover", "not_a_face"]


def not_a_face(db: Database, situation: Situation, given: Sequence[Face]) -> Decided:
    """Say that what was detected is no face: it stays out, also when its photo is looked at again.

    Raises:
        UsageError: no face was given.
    """
    faces = distinct_faces(situation, given)
    earlier = Earlier(situation)
    said: list[DecisionFace] = []
    notes: list[str] = []
    ids = NewIds(situation)
    for face in faces:
        if situation.people.status[face.id] is FaceStatus.NOT_A_FACE:
            notes.append(f"{face.id} is not a face already.")
            continue
        owner = situation.people.owners[face.id]
        if owner is not None:
            notes += was_confirmed(earlier, face, situation.people.by_id[owner])
        identity = situation.people.identities[face.id]
        if identity is None:
            # The log speaks of a face and a person; nobody sees this one.
            identity = ids.found(db, face)
        said.append(DecisionFace(earlier.anchor(face.id), identity, FaceRole.NOT_A_FACE))
    owners: dict[FaceId, PersonId | None] = {face.id: None for face in faces}
    if not said:
        return Decided(None, tuple(owners), owners, tuple(notes))
    number = decisions.append(db, Verdict.NOT_A_FACE, faces=said)
    return Decided(number, tuple(owners), owners, tuple(notes))


def cover(db: Database, situation: Situation, person: Person, face: Face) -> Decided:
    """Choose the face that stands for a person.

    Raises:
        UsageError: it is somebody else's face.
    """
    check_owner(situation, face, person)
    anchor = Earlier(situation).anchor(face.id)
    number = decisions.append(
        db,
        Verdict.COVER,
        people=(person.id,),
        faces=[DecisionFace(anchor, person.id, FaceRole.COVER)],
        # Who it stands for: the person stays this one when everybody is grouped anew.
        votes=situation.ballots([person]),
    )
    return Decided(number, (face.id,), {face.id: person.id})

"""What is said about faces that are somebody else: reject, deny and split."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facesort.catalog import decisions
from facesort.domain import DecisionFace, FaceRole, Verdict
from facesort.errors import NameTaken, UsageError
from facesort.jobs.decide.names import clean_name, refuse_id
from facesort.jobs.decide.voicing import (
    Decided,
    Earlier,
    NewIds,
    called,
    check_owner,
    distinct_faces,
    owner_of,
    was_confirmed,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from facesort.catalog.connection import Database
    from facesort.domain import Face, FaceId, Person, PersonId
    from facesort.jobs.showing.situation import Situation

__all__ = ["deny", "reject", "split"]


def reject(db: Database, situation: Situation, given: Sequence[Face]) -> Decided:
    """Say that faces are not the person they are with; each becomes a person of its own.

    Raises:
        UsageError: a face is with nobody, or is all there is of an unnamed person.
    """
    faces = distinct_faces(situation, given)
    earlier = Earlier(situation)
    rejected = {face.id for face in faces}
    said: list[DecisionFace] = []
    notes: list[str] = []
    ids = NewIds(situation)
    touched: dict[PersonId, Person] = {}
    owners: dict[FaceId, PersonId | None] = {}
    for face in faces:
        person = owner_of(situation, face, hint="There is nothing to reject.")
        if person.name is None and not set(person.faces) - rejected:
            raise UsageError(
                f"{person.id} has no other face than {face.id}",
                hint=f"To stop seeing this person: facesort ignore {person.id}",
            )
        touched[person.id] = person
        anchor = earlier.anchor(face.id)
        # The person as shown, not the identity beneath: while a merge stands, all of it is meant;
        # once a wrong merge is taken back, the face is free to be who it was before.
        said.append(DecisionFace(anchor, person.id, FaceRole.REJECTED))
        own = ids.found(db, face)
        said.append(DecisionFace(anchor, own, FaceRole.VOTE))
        owners[face.id] = own
        notes += was_confirmed(earlier, face, person)
    number = decisions.append(
        db,
        Verdict.REJECT,
        people=tuple(touched),
        faces=said,
        # Who stays is recorded, so that "not this person" means something after a re-grouping.
        votes=situation.ballots(list(touched.values()), without=rejected),
    )
    return Decided(number, tuple(owners), owners, tuple(notes))


def deny(db: Database, situation: Situation, given: Sequence[Face], person: Person) -> Decided:
    """Say of faces that are with nobody that they are not a person; they stay with nobody.

    No grouping gives them to that person from then on.

    Raises:
        UsageError: no face was given, or one is with somebody.
    """
    faces = distinct_faces(situation, given)
    for face in faces:
        owner = situation.people.owners[face.id]
        if owner is not None:
            raise UsageError(
                f"face {face.id} is with {called(situation.people.by_id[owner])}, not with nobody",
                hint=f"If it is not theirs: facesort reject {face.id}",
            )
    earlier = Earlier(situation)
    number = decisions.append(
        db,
        Verdict.REJECT,
        people=(person.id,),
        faces=[
            DecisionFace(earlier.anchor(face.id), person.id, FaceRole.REJECTED) for face in faces
        ],
        # Who is meant is recorded, as for `reject`.
        votes=situation.ballots([person]),
    )
    owners: dict[FaceId, PersonId | None] = {face.id: None for face in faces}
    return Decided(number, tuple(owners), owners)


def split(
    db: Database,
    situation: Situation,
    person: Person,
    given: Sequence[Face],
    *,
    name: str | None = None,
    another: bool = False,
) -> Decided:
    """Make faces of a person a person of their own, and confirm them there.

    Args:
        db: the catalog.
        situation: who is who.
        person: whose faces they are so far.
        given: the faces that are somebody else.
        name: of that somebody, if it is known.
        another: also when somebody else has that name.

    Raises:
        UsageError: a face is not with the person, no face would stay, or not a name.
        NameTaken: somebody has that name, and `another` was not said.
    """
    faces = _some_of(situation, person, given)
    leaving = {face.id for face in faces}
    cleaned = None if name is None else clean_name(name)
    if cleaned is not None:
        refuse_id(situation, cleaned)
    if cleaned is not None and not another:
        _refuse_taken(situation, cleaned, faces)
    earlier = Earlier(situation)
    own = NewIds(situation).found(db, faces[0])
    said: list[DecisionFace] = []
    notes: list[str] = []
    for face in faces:
        anchor = earlier.anchor(face.id)
        said.append(DecisionFace(anchor, person.id, FaceRole.REJECTED))
        said.append(DecisionFace(anchor, own, FaceRole.CONFIRMED))
        notes += was_confirmed(earlier, face, person)
    number = decisions.append(
        db,
        Verdict.SPLIT,
        people=(own, person.id),
        name=cleaned,
        faces=said,
        votes=situation.ballots([person], without=leaving),
    )
    owners: dict[FaceId, PersonId | None] = {face.id: own for face in faces}
    return Decided(number, tuple(owners), owners, tuple(notes))


def _some_of(situation: Situation, person: Person, given: Sequence[Face]) -> list[Face]:
    """Return the faces, each once.

    Raises:
        UsageError: one is not the person's, or all of the person's are among them.
    """
    faces = distinct_faces(situation, given)
    for face in faces:
        check_owner(situation, face, person)
    if {face.id for face in faces}.issuperset(person.faces):
        raise UsageError(
            f"these are all the faces of {called(person)}: nobody would be left to split from",
            hint=f"To rename the person: facesort name {person.id} NAME",
        )
    return faces


def _refuse_taken(situation: Situation, name: str, faces: Sequence[Face]) -> None:
    others = situation.called(name)
    if not others:
        return
    listed = " ".join(face.id for face in faces)
    raise NameTaken(
        f"{name!r} is already the name of {', '.join(called(p) for p in others)}",
        hint=f"If these are that person's faces: facesort confirm {listed} "
        f"--person {others[0].id}   If it is somebody else of that name: add --another.",
        several=len(others) > 1,
    )

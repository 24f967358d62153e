"""What is said about faces that are a person, for ever."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facesort.catalog import decisions
from facesort.domain import DecisionFace, FaceRole, Verdict
from facesort.errors import DecisionConflict
from facesort.jobs.decide.conflicts import seen_together
from facesort.jobs.decide.voicing import (
    Decided,
    Earlier,
    called,
    distinct_faces,
    owner_of,
    told,
    was_confirmed,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from facesort.catalog.connection import Database
    from facesort.domain import Face, FaceId, Person, PersonId
    from facesort.jobs.situation import Situation

__all__ = ["confirm", "confirm_each"]


def confirm(
    db: Database,
    situation: Situation,
    given: Sequence[Face],
    *,
    person: Person | None = None,
    anyway: bool = False,
) -> Decided:
    """Say that faces are a person: they never leave by themselves again.

    Args:
        db: the catalog.
        situation: who is who.
        given: the faces.
        person: whose they are; None means the person that each is with.
        anyway: also when the person is confirmed on the same photo already, or the face was called
            none.

    Raises:
        UsageError: a face is with nobody, and no person was given.
        DecisionConflict: see `anyway`.
    """
    faces = distinct_faces(situation, given)
    earlier = Earlier(situation)
    for face in faces if not anyway else ():
        _refuse_denied(earlier, face)
    hint = f"Say whose it is: facesort confirm {faces[0].id} --person PERSON"
    wanted = [(face, person or owner_of(situation, face, hint=hint)) for face in faces]
    return confirm_each(db, situation, wanted, anyway=anyway)


def confirm_each(
    db: Database,
    situation: Situation,
    wanted: Sequence[tuple[Face, Person]],
    *,
    anyway: bool = False,
) -> Decided:
    """Say of each face which person it is; see `confirm`."""
    earlier = Earlier(situation)
    owners: dict[FaceId, PersonId | None] = {}
    welcoming: dict[PersonId, Person] = {}
    said: list[DecisionFace] = []
    notes: list[str] = []
    for face, person in wanted:
        owners[face.id] = person.id
        identity = person.id
        if situation.people.owners[face.id] == person.id:
            # Beneath any merge, so that taking the merge back parts what was separate.
            identity = situation.people.identities[face.id] or person.id
            if earlier.confirmed(face.id) is not None:
                notes.append(f"{face.id} is confirmed with {called(person)} already.")
                continue
        else:
            welcoming[person.id] = person
            notes += _takes_the_place(situation, earlier, face, person)
        said.append(DecisionFace(earlier.anchor(face.id), identity, FaceRole.CONFIRMED))
    if not anyway:
        _refuse_beside(situation, earlier, owners)
    if not said:
        return Decided(None, tuple(owners), owners, tuple(notes))
    number = decisions.append(
        db,
        Verdict.CONFIRM,
        people=tuple(dict.fromkeys(owner for owner in owners.values() if owner is not None)),
        faces=said,
        # Who was there is recorded: else a face unlike the others would be all there is of them
        # when everybody is grouped anew.
        votes=situation.ballots(list(welcoming.values()), without=owners),
    )
    return Decided(number, tuple(owners), owners, tuple(notes))


def _takes_the_place(
    situation: Situation, earlier: Earlier, face: Face, wanted: Person
) -> list[str]:
    """Say what earlier words about a face moving to somebody end to count."""
    rejection = earlier.rejected_from(face.id, wanted.id)
    if rejection is not None:
        return [
            f"{face.id} was rejected from {called(wanted)} ({told(rejection)}); this counts now."
        ]
    owner = situation.people.owners[face.id]
    return [] if owner is None else was_confirmed(earlier, face, situation.people.by_id[owner])


def _refuse_beside(
    situation: Situation, earlier: Earlier, owners: dict[FaceId, PersonId | None]
) -> None:
    """Refuse to confirm somebody twice on one photo.

    Raises:
        DecisionConflict: it would.
    """
    for face, owner in owners.items():
        if owner is None:
            continue
        own = situation.people.by_id[owner].faces if owner in situation.people.by_id else ()
        beside = [f for f in own if f not in owners and earlier.confirmed(f) is not None]
        beside += [f for f, other in owners.items() if other == owner]
        for other in beside:
            if seen_together(situation.faces[face], situation.faces[other]):
                before = earlier.confirmed(other)
                said = f" ({told(before)})" if before is not None else ""
                raise DecisionConflict(
                    f"{owner} would be on one photo twice: face {face} and face {other}{said}",
                    hint="If it is a mirror or a collage: add --yes.",
                )


def _refuse_denied(earlier: Earlier, face: Face) -> None:
    """Refuse to confirm what was called no face.

    Raises:
        DecisionConflict: it was.
    """
    denial = earlier.denied(face.id)
    if denial is not None:
        raise DecisionConflict(
            f"you said that {face.id} is no face ({told(denial)})",
            hint=f"Take that back: facesort undo --decision {denial.id}   "
            "Or let this count instead: add --yes.",
        )

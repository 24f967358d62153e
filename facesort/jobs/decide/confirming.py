"""What is said about faces that are a person, for ever."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING

from facesort.catalog import decisions
from facesort.domain import DecisionFace, FaceRole, FaceStatus, Person, Verdict
from facesort.errors import DecisionConflict
from facesort.jobs.decide.conflicts import seen_together
from facesort.jobs.decide.voicing import (
    Decided,
    Earlier,
    NewIds,
    called,
    distinct_faces,
    owner_of,
    told,
    was_confirmed,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from facesort.catalog.connection import Database
    from facesort.domain import Face, FaceId, PersonId
    from facesort.jobs.showing.situation import Situation

__all__ = ["confirm", "confirm_each"]

_HOW = "facesort confirm {} --person PERSON"


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
        person: whose they are; None means the person that each is with. Those that are with nobody
            become one new person then.
        anyway: also when the person is confirmed on the same photo already, or the face was called
            none.

    Raises:
        UsageError: a face that was called none shall count, and no person was given.
        DecisionConflict: see `anyway`.
    """
    faces = distinct_faces(situation, given)
    earlier = Earlier(situation)
    for face in faces if not anyway else ():
        _refuse_denied(earlier, face)
    if person is not None:
        return confirm_each(db, situation, [(face, person) for face in faces], anyway=anyway)
    nobodys = [face for face in faces if situation.people.status[face.id] is FaceStatus.UNASSIGNED]
    if not nobodys:
        return confirm_each(db, situation, _at_home(situation, faces), anyway=anyway)
    if not anyway:
        _refuse_two_at_once(nobodys)
    new = Person(NewIds(situation).found(db, nobodys[0]), None, (), 0, None, 0)
    others = [face for face in faces if face not in nobodys]
    wanted = [*((face, new) for face in nobodys), *_at_home(situation, others)]
    decided = confirm_each(db, situation, wanted, anyway=anyway)
    return replace(decided, faces=tuple(face.id for face in faces), founded=new.id)


def _at_home(situation: Situation, faces: Sequence[Face]) -> list[tuple[Face, Person]]:
    """Return the person that each face is with.

    Raises:
        UsageError: a face was called none.
    """
    return [
        (face, owner_of(situation, face, hint=f"Whose is it? {_HOW.format(face.id)}"))
        for face in faces
    ]


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


def _refuse_two_at_once(faces: Sequence[Face]) -> None:
    """Refuse to make one new person of two faces of one photo.

    Raises:
        DecisionConflict: there are two.
    """
    for one, other in combinations(faces, 2):
        if seen_together(one, other):
            raise DecisionConflict(
                f"face {one.id} and face {other.id} are on one photo, and together they would "
                "become one new person",
                hint="If they are two: confirm them one after the other.   "
                "If it is a mirror or a collage: add --yes.",
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

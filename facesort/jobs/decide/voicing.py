"""How decisions are put: who was there, what they hold on to, and what they take the place of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from facesort.catalog import people
from facesort.domain import FaceRole, PersonId
from facesort.errors import UsageError
from facesort.grouping.identity import unused_person

if TYPE_CHECKING:
    from collections.abc import Sequence

    from facesort.catalog.connection import Database
    from facesort.domain import Anchor, Decision, Face, FaceId, Person
    from facesort.jobs.showing.situation import Situation

__all__ = [
    "Decided",
    "Earlier",
    "NewIds",
    "beneath",
    "called",
    "check_owner",
    "distinct_faces",
    "owner_of",
    "told",
    "was_confirmed",
    "when",
]


@dataclass(frozen=True, slots=True)
class Decided:
    """What came of a decision about faces.

    Args:
        decision: its number in the log; None when all of it had been said before.
        faces: those it is about, as they were given, each once.
        owners: whom each face is with from now on; None for nobody.
        notes: sentences about earlier decisions that this one takes the place of.
        founded: the new person of faces that had been with nobody, if there were such.
    """

    decision: int | None
    faces: tuple[FaceId, ...]
    owners: dict[FaceId, PersonId | None]
    notes: tuple[str, ...] = ()
    founded: PersonId | None = None


def when(made_at: str) -> str:
    """Return the time of a decision on the clock of this machine."""
    return f"{datetime.fromisoformat(made_at).astimezone():%Y-%m-%d %H:%M}"


def told(decision: Decision) -> str:
    """Name a decision by number and time."""
    return f"decision {decision.id}, {when(decision.made_at)}"


def called(person: Person) -> str:
    """Name a person by id, and by name if there is one."""
    return f"{person.id} {person.name}" if person.name is not None else str(person.id)


def beneath(person: Person, reference: str) -> PersonId:
    """Return the identity beneath any merge that a reference to a person means.

    Args:
        person: whom it led to.
        reference: an id, of the person or of somebody merged into them, or a name.
    """
    given = reference.strip()
    for identity in (PersonId(given), PersonId(given.lower())):
        if identity in person.aliases:
            return identity
    return person.id


def distinct_faces(situation: Situation, faces: Sequence[Face]) -> list[Face]:
    """Return the faces, each once, in the order given.

    Raises:
        UsageError: there are none.
    """
    if not faces:
        raise UsageError("no face was given", hint="facesort show PERSON lists faces.")
    return [situation.faces[face] for face in dict.fromkeys(face.id for face in faces)]


class Earlier:
    """What standing decisions said about single faces, whichever detector drew their boxes then.

    Args:
        situation: who is who.
    """

    def __init__(self, situation: Situation) -> None:
        self._situation = situation
        self._anchors: dict[FaceId, list[Anchor]] = {}
        self._said: dict[tuple[FaceId, FaceRole], list[Decision]] = {}
        spoken = [
            (decision, face)
            for decision in situation.history.active
            for face in decision.faces
            if face.role is not FaceRole.VOTE
        ]
        found = situation.find({face.anchor for _, face in spoken})
        for decision, said in spoken:
            face = found.get(said.anchor)
            if face in situation.people.owners:
                anchors = self._anchors.setdefault(face, [])
                if said.anchor not in anchors:
                    anchors.append(said.anchor)
                self._said.setdefault((face, said.role), []).append(decision)

    def anchor(self, face: FaceId) -> Anchor:
        """Return what decisions about a face hold on to.

        Once something was said about a face, everything about it holds on to the same anchor, also
        when another detector has drawn another box since: else the later word would not take the
        place of the earlier one.
        """
        known = self._anchors.get(face)
        return known[0] if known else self._situation.faces[face].anchor

    def last(self, face: FaceId, role: FaceRole) -> Decision | None:
        """Return the latest standing decision that gave a face that role."""
        said = self._said.get((face, role))
        return said[-1] if said else None

    def rejected_from(self, face: FaceId, person: PersonId) -> Decision | None:
        """Return the decision by which a face is not this person, as shown; None without one."""
        said = self._said.get((face, FaceRole.REJECTED))
        if not said:
            return None
        standing = self._situation.standing
        survivor = standing.survivor(person)
        numbers = {
            number
            for anchor in self._anchors[face]
            for other, number in standing.rejected.get(anchor, {}).items()
            if standing.survivor(other) == survivor
        }
        return next((decision for decision in reversed(said) if decision.id in numbers), None)

    def rejected(self) -> list[FaceId]:
        """Return every face that was ever rejected from somebody, by a decision that stands."""
        return [face for face, role in self._said if role is FaceRole.REJECTED]

    def confirmed(self, face: FaceId) -> Decision | None:
        """Return the decision that confirmed a face with the person it is with."""
        if self._situation.standing.confirmed.isdisjoint(self._anchors.get(face, ())):
            return None
        return self.last(face, FaceRole.CONFIRMED)

    def denied(self, face: FaceId) -> Decision | None:
        """Return the decision that a face is none."""
        if self._situation.standing.not_faces.isdisjoint(self._anchors.get(face, ())):
            return None
        return self.last(face, FaceRole.NOT_A_FACE)


class NewIds:
    """Founds people, each with an id that was never anybody's."""

    def __init__(self, situation: Situation) -> None:
        self._existing = situation.existing
        self._made: set[PersonId] = set()

    def found(self, db: Database, face: Face) -> PersonId:
        """Found a person on a face."""
        made = unused_person(face.anchor, lambda p: p in self._made or p in self._existing)
        self._made.add(made)
        people.found(db, made, face.anchor)
        return made


def owner_of(situation: Situation, face: Face, *, hint: str) -> Person:
    """Return the person that a face is with.

    Raises:
        UsageError: it is with nobody; `hint` says what to do.
    """
    owner = situation.people.owners[face.id]
    if owner is None:
        raise UsageError(f"face {face.id} is not with anybody", hint=hint)
    return situation.people.by_id[owner]


def check_owner(situation: Situation, face: Face, person: Person) -> None:
    """Make sure that a face is with a person.

    Raises:
        UsageError: it is with somebody else, or with nobody.
    """
    owner = situation.people.owners[face.id]
    if owner != person.id:
        with_whom = "nobody" if owner is None else called(situation.people.by_id[owner])
        raise UsageError(
            f"face {face.id} is not with {called(person)} but with {with_whom}",
            hint=f"If it is {person.id}: facesort confirm {face.id} --person {person.id}",
        )


def was_confirmed(earlier: Earlier, face: Face, person: Person) -> list[str]:
    """Say that a face had been confirmed with a person, if it had."""
    before = earlier.confirmed(face.id)
    if before is None:
        return []
    return [f"{face.id} was confirmed with {called(person)} ({told(before)}); this counts now."]

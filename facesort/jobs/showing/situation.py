"""Everything a command about people needs, read from the catalog at one moment."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from facesort.catalog import decisions, people, showing
from facesort.catalog import photos as catalog
from facesort.catalog.decisions import Ballot
from facesort.domain import FaceColumns, FaceId, Person, PersonId, comparable_name
from facesort.errors import AmbiguousPerson, UnknownPerson
from facesort.grouping.anchors import AnchorIndex
from facesort.grouping.people import People, see_people
from facesort.grouping.standing import History, Standing, replay, standing

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Iterable, Mapping, Sequence

    from facesort.catalog.connection import Database
    from facesort.domain import Anchor, Face

__all__ = ["Situation", "Source", "read_situation"]


class Source(Protocol):
    """Where the parts of a situation come from that few commands need."""

    def find(self, anchors: Iterable[Anchor]) -> dict[Anchor, FaceId]:
        """Return the faces that anchors mean, of those in the situation; see `Situation.find`."""

    def ballots(self, persons: Sequence[Person], without: Collection[FaceId]) -> list[Ballot]:
        """Return a vote for each face of some people; see `Situation.ballots`."""

    def founder(self, identity: PersonId) -> Anchor | None:
        """Return the face that an identity was founded on."""


@dataclass(frozen=True, slots=True)
class Situation:
    """Faces, decisions and people, consistent with each other.

    It holds everything, or only some people and faces, which are complete in themselves: all that
    the commands about them ask for is there.

    Args:
        faces: by id, in anchor order.
        history: the log, divided into what stands and what can be redone; without plain votes.
        standing: what the decisions add up to; likewise.
        people: who is who.
        existing: answers whether an identity was ever founded.
        source: for the rest.
    """

    faces: Mapping[FaceId, Face]
    history: History
    standing: Standing
    people: People
    existing: Container[PersonId]
    source: Source

    def person(self, reference: str) -> Person:
        """Find a person by id or name.

        An id that was merged away, or whose faces joined others at a re-grouping, leads to the
        person who has them now.

        Raises:
            UnknownPerson: nobody answers to it.
            AmbiguousPerson: several people have that name.
        """
        given = reference.strip()
        if PersonId(given) in self.existing:
            return self._by_id(PersonId(given))
        named = self.called(given)
        if len(named) == 1:
            return named[0]
        if not named and PersonId(given.lower()) in self.existing:
            return self._by_id(PersonId(given.lower()))
        if named:
            choices = ", ".join(f"{p.id} ({p.photos} photos)" for p in named)
            raise AmbiguousPerson(
                f"{len(named)} people are called {reference!r}: {choices}",
                hint="Give the id instead.",
            )
        raise UnknownPerson(
            f"there is no person {reference!r}",
            hint="facesort people --all lists everybody with their ids.",
        )

    def meant(self, reference: str) -> Person:
        """Find a person whom a decision is about: as `person`, but nobody else by accident.

        An id that a list once showed may have no faces any more. Where those are with somebody whom
        the user knows by now, it would be that person's name that changes.

        Raises:
            UnknownPerson: also when the id leads to somebody else whom the user has spoken of.
            AmbiguousPerson: several people have that name.
        """
        person = self.person(reference)
        given = PersonId(reference.strip())
        if given not in self.existing:
            given = PersonId(given.lower())
        led = given in self.existing and self.standing.survivor(given) != person.id
        if led and not self.called(reference.strip()) and person.id in self.standing.spoken_of():
            who = f"{person.id} {person.name!r}" if person.name else person.id
            raise UnknownPerson(
                f"{given} has no faces any more: they are with {who}",
                hint=f"If that is who you mean, say {person.id}.",
            )
        return person

    def _by_id(self, identity: PersonId) -> Person:
        survivor = self.standing.survivor(identity)
        if survivor in self.people.by_id:
            return self.people.by_id[survivor]
        anchor = self.source.founder(identity)
        face = self.find([anchor]).get(anchor) if anchor else None
        owner = self.people.owners.get(face) if face is not None else None
        if owner is not None:
            return self.people.by_id[owner]
        return Person(survivor, None, (), 0, None, 0)

    def called(self, name: str) -> list[Person]:
        """Return the people with exactly that name, else those whose name differs in case only."""
        named = [p for p in self.people.by_id.values() if p.name is not None]
        exact = [p for p in named if p.name == unicodedata.normalize("NFC", name)]
        wanted = comparable_name(name)
        return exact or [p for p in named if comparable_name(p.name or "") == wanted]

    def face(self, reference: str) -> Face:
        """Find a face by id.

        Raises:
            UnknownPerson: there is no such face.
        """
        face = self.faces.get(FaceId(reference.strip().lower()))
        if face is None:
            raise UnknownPerson(
                f"there is no face {reference!r}",
                hint="facesort show PERSON and facesort faces list faces with their ids.",
            )
        return face

    def find(self, anchors: Iterable[Anchor]) -> dict[Anchor, FaceId]:
        """Return the faces that anchors mean, whichever detector drew their boxes.

        Anchors without a face, and those of faces that are not in the situation, are left out.
        """
        return self.source.find(anchors)

    def ballots(
        self, persons: Sequence[Person], *, without: Collection[FaceId] = ()
    ) -> list[Ballot]:
        """Record who is there now: a vote for each face, with the identity beneath any merge.

        Args:
            persons: as shown.
            without: faces that get none.
        """
        return self.source.ballots(persons, without)


def read_situation(
    db: Database,
    *,
    min_face: int,
    persons: Collection[str] | None = None,
    faces: Collection[str] | None = None,
) -> Situation:
    """Read everything, or only some people and faces; inside a snapshot or a transaction.

    Args:
        db: the catalog.
        min_face: faces with a shorter side do not count, pixels.
        persons: ids and names of the people that will be asked for; None together with `faces`:
            everybody. Those that lead to nobody are no error here.
        faces: ids of the faces that will be asked for.
    """
    if persons is not None or faces is not None:
        from facesort.jobs.showing.part import read_part  # noqa: PLC0415 - it knows this module

        part = read_part(db, persons or (), faces or (), min_face=min_face)
        if part is not None:
            return part
    return _read_everything(db, min_face)


def _read_everything(db: Database, min_face: int) -> Situation:
    faces = catalog.faces(db, min_face=min_face)
    history = replay(decisions.log(db, votes=False))
    stands = standing(history)
    existing = people.existing(db)
    by_id = {face.id: face for face in faces}
    seen = see_people(faces, people.assignments(db), stands, existing, showing.best_covers(db))
    return Situation(by_id, history, stands, seen, existing, _Everything(db, by_id, seen))


@dataclass(frozen=True)
class _Everything:
    """All faces are there."""

    db: Database
    faces: dict[FaceId, Face]
    people: People

    @cached_property
    def _index(self) -> AnchorIndex:
        return AnchorIndex(FaceColumns.of(self.faces.values()))

    def find(self, anchors: Iterable[Anchor]) -> dict[Anchor, FaceId]:
        return {a: face for a in anchors if (face := self._index.find_id(a)) is not None}

    def ballots(self, persons: Sequence[Person], without: Collection[FaceId]) -> list[Ballot]:
        left_out = set(without)
        return [
            Ballot(*people.corners(self.faces[face].anchor), identity)
            for person in persons
            for face in person.faces
            if face not in left_out and (identity := self.people.identities[face]) is not None
        ]

    def founder(self, identity: PersonId) -> Anchor | None:
        return people.founder(self.db, identity)

"""Everything a command about people needs, read from the catalog at one moment."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from facesort.catalog import decisions, people
from facesort.catalog import photos as catalog
from facesort.domain import FaceColumns, FaceId, Person, PersonId
from facesort.errors import AmbiguousPerson, UnknownPerson
from facesort.grouping.anchors import AnchorIndex
from facesort.grouping.people import People, see_people
from facesort.grouping.standing import History, Standing, replay, standing

if TYPE_CHECKING:
    from facesort.catalog.connection import Database
    from facesort.domain import Anchor, Face

__all__ = ["Situation", "comparable_name", "read_situation"]


def comparable_name(name: str) -> str:
    """Return the form in which two names are the same to a person: letter case aside."""
    return unicodedata.normalize("NFC", name).casefold()


@dataclass(frozen=True, slots=True)
class Situation:
    """Faces, decisions and people, consistent with each other.

    Args:
        faces: by id, in anchor order.
        history: the log, divided into what stands and what can be redone.
        standing: what the decisions add up to.
        people: who is who.
        existing: every identity ever founded.
        founders: the face each was founded on.
    """

    faces: dict[FaceId, Face]
    history: History
    standing: Standing
    people: People
    existing: set[PersonId]
    founders: dict[PersonId, Anchor]

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

    def _by_id(self, identity: PersonId) -> Person:
        survivor = self.standing.survivor(identity)
        if survivor in self.people.by_id:
            return self.people.by_id[survivor]
        anchor = self.founders.get(identity)
        face = AnchorIndex(FaceColumns.of(self.faces.values())).find_id(anchor) if anchor else None
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


def read_situation(db: Database, *, min_face: int) -> Situation:
    """Read everything; call it inside a snapshot or a transaction."""
    faces = catalog.faces(db, min_face=min_face)
    history = replay(decisions.log(db))
    stands = standing(history)
    existing = people.existing(db)
    return Situation(
        {face.id: face for face in faces},
        history,
        stands,
        see_people(faces, people.assignments(db), stands, existing),
        existing,
        people.founding_anchors(db),
    )

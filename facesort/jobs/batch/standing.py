"""How an answer from a file stands to the library: said already, still possible, or too late."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facesort.catalog import doubts
from facesort.domain import comparable_name
from facesort.errors import StaleQuestion, UnknownPerson
from facesort.jobs.decide.voicing import called
from facesort.jobs.showing.part import owners_of
from facesort.jobs.showing.situation import read_situation
from facesort.review.filed import merged_hash
from facesort.review.questions import ABOUT_FACES, Answer, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from facesort.catalog.connection import Database
    from facesort.domain import FaceId, Person, PersonId
    from facesort.review.filed import Filed, FiledSide, Listed
    from facesort.review.questions import Given

__all__ = ["Now"]

_AGAIN = "Nothing was stored. Export the questions anew, or: facesort review"


class Now:
    """The people and faces of one question as they are in the library.

    Belongs inside a snapshot of tables that are up to date.

    Args:
        db: the catalog.
        filed: the question.
        given: the answer.
        also: others who will be asked for.
        min_face: smaller faces do not count, pixels.
    """

    def __init__(
        self,
        db: Database,
        filed: Filed,
        given: Given,
        also: Iterable[PersonId] = (),
        *,
        min_face: int,
    ) -> None:
        self._db = db
        self._filed = filed
        self._given = given
        named = [] if given.person is None else [given.person]
        listed = [one.person for one in filed.listed]
        faces = {*filed.faces, *given.but_faces, *(f for side in filed.sides for f in side.faces)}
        self._situation = read_situation(
            db,
            min_face=min_face,
            persons=[*filed.people, *listed, *named, *also],
            faces=sorted(faces),
        )
        self._said = owners_of(db, sorted(faces))
        out = set(given.but_people)
        self._kept = [one for one in filed.people if one not in out]
        self._faces = [face for face in filed.faces if face not in set(given.but_faces)]

    def person(self, reference: str) -> Person:
        """Return somebody as they are now.

        Raises:
            UnknownPerson, AmbiguousPerson: nobody answers to it, or several do.
        """
        return self._situation.person(reference)

    def owner(self, face: FaceId) -> PersonId | None:
        """Return whom a face is with."""
        said = self._said.get(face)
        return None if said is None else said.owner

    # -- too late --------------------------------------------------------------------------------

    def refuse_stale(self) -> None:
        """Make sure that people are who was shown.

        Raises:
            StaleQuestion: they are not.
            UnknownPerson: somebody, or a face, is not in this library.
        """
        filed = self._filed
        for face in filed.faces:
            self._situation.face(face)
        for identity in filed.people:
            person = self.person(identity)
            if person.id != identity:
                raise StaleQuestion(f"{identity} is with {called(person)} by now", hint=_AGAIN)
            if not person.faces:
                raise StaleQuestion(f"{identity} has no faces any more", hint=_AGAIN)
        for side in filed.sides:
            self._refuse_changed(side)
        for one in filed.listed:
            if one.person == self._given.person:
                self._refuse_renamed(self.person(one.person), one)

    def _refuse_changed(self, side: FiledSide) -> None:
        whose = None if side.person is None else self.person(side.person)
        wanted = None if whose is None else whose.id
        if whose is not None:
            self._refuse_renamed(whose, side)
        moved = [face for face in side.faces if self.owner(face) != wanted]
        if moved:
            who = "nobody's" if whose is None else f"{called(whose)}'s"
            raise StaleQuestion(
                f"people have changed since this was asked: {len(moved)} of the faces shown "
                f"are not {who} any more",
                hint=_AGAIN,
            )
        if whose is not None and side.merged not in {None, merged_hash(whose.aliases)}:
            raise StaleQuestion(
                f"who is one person with {called(whose)} has changed since this was asked",
                hint=_AGAIN,
            )

    def _refuse_renamed(self, person: Person, shown: FiledSide | Listed) -> None:
        if not self._filed.is_alone and person.name != shown.name:
            now = f"called {person.name!r}" if person.name else "without a name"
            raise StaleQuestion(f"{person.id} is {now} by now", hint=_AGAIN)
        # Who was asked "who is this?" was not ignored then.
        knows = not self._filed.is_alone or self._filed.kind is Kind.WHO
        if knows and person.ignored and not shown.ignored and person.id in self._filed.people:
            raise StaleQuestion(f"{person.id} is ignored by now", hint=_AGAIN)

    # -- said already ----------------------------------------------------------------------------

    def is_said(self) -> bool:
        """Whether the library says already what the answer says."""
        said: dict[Answer, Callable[[], bool]] = {
            Answer.YES: self._is_yes,
            Answer.NO: self._is_no,
            Answer.UNSURE: lambda: self._is_noted("unsure"),
            Answer.NAME: self._is_named,
            Answer.PERSON: self._is_person,
            Answer.IGNORE: self._is_ignored,
            Answer.NOT_A_FACE: self._is_no_face,
        }
        try:
            return said[self._given.answer]()
        except UnknownPerson:
            return False

    def _home(self) -> Person | None:
        """Return whom everything that the answer speaks of is with, if that is one person."""
        if self._filed.kind in {Kind.SAME, Kind.WHO}:
            out = {self.person(one).id for one in self._given.but_people}
            homes = {self.person(one).id for one in self._kept}
        else:
            out = {self.person(one).id for one in self._filed.people[:1]}
            out = set() if self._given.answer is Answer.PERSON else out
            found = {self.owner(face) for face in self._faces}
            homes = {home for home in found if home is not None}
            if len(homes) != len(found):
                return None
        strays = {self.owner(face) for face in self._given.but_faces}
        if len(homes) != 1 or homes & out or homes & strays:
            return None
        return self.person(homes.pop())

    def _is_named(self) -> bool:
        home = self._home()
        name = self._given.name or ""
        return (
            home is not None
            and not home.ignored
            and home.name is not None
            and comparable_name(home.name) == comparable_name(name.strip())
        )

    def _is_person(self) -> bool:
        home = self._home()
        return home is not None and home.id == self.person(self._given.person or "").id

    def _is_ignored(self) -> bool:
        kept = [self.person(one) for one in self._kept]
        out = {self.person(one).id for one in self._given.but_people}
        out |= {owner for face in self._given.but_faces if (owner := self.owner(face)) is not None}
        return all(one.ignored and one.id not in out for one in kept)

    def _is_no_face(self) -> bool:
        faces: Sequence[FaceId] = self._faces
        if self._filed.kind is Kind.WHO:
            faces = self._filed.sides[0].faces if self._filed.sides else ()
        return bool(faces) and all(
            face in self._said and self._said[face].not_face for face in faces
        )

    def _is_yes(self) -> bool:
        kind = self._filed.kind
        if kind is Kind.SAME:
            return self._home() is not None
        if kind is Kind.MIRROR:
            owners = {self.owner(face) for face in self._faces}
            return len(owners) == 1 and None not in owners
        first = self.person(self._filed.people[0]).id
        if kind is Kind.TWO:
            return self._home() is not None
        strays = [self.owner(face) for face in self._given.but_faces]
        return self._confirmed_with(first) and first not in strays

    def _is_no(self) -> bool:
        kind = self._filed.kind
        if kind is Kind.MIRROR:
            owners = [self.owner(face) for face in self._faces]
            known = [owner for owner in owners if owner is not None]
            return self._is_noted("no") or (len(known) == 2 and self._are_apart(*known))
        first = self.person(self._filed.people[0]).id
        if kind is Kind.SAME:
            others = [self.person(one).id for one in self._filed.people[1:]]
            return all(self._are_apart(first, other) for other in others)
        if kind is Kind.TWO:
            return self._confirmed_with(first)
        rejected = self._situation.standing.rejections()
        return all(
            self.owner(face) != first and self._is_rejected(face, first, rejected)
            for face in self._faces
        )

    def _confirmed_with(self, person: PersonId) -> bool:
        return bool(self._faces) and all(
            self.owner(face) == person and self._said[face].confirmed for face in self._faces
        )

    def _is_rejected(self, face: FaceId, person: PersonId, rejected: object) -> bool:
        known = self._situation.faces.get(face)
        if known is None or not isinstance(rejected, dict):
            return False
        survivor = self._situation.standing.survivor
        return person in {survivor(one) for one in rejected.get(known.anchor, ())}

    def _are_apart(self, one: PersonId, other: PersonId) -> bool:
        survivor = self._situation.standing.survivor
        pair = {survivor(one), survivor(other)}
        return len(pair) == 2 and any(
            set(map(survivor, different)) == pair
            for different in self._situation.standing.different
        )

    def _is_noted(self, answer: str) -> bool:
        filed = self._filed
        known = self._situation.faces
        anchors = {known[face].anchor for face in filed.faces if face in known}
        asked = filed.people[:1] if filed.kind is Kind.WHO else filed.people
        return any(
            row.kind == filed.kind.value
            and row.answer == answer
            and row.people[: len(asked)] == asked
            and (filed.kind not in ABOUT_FACES or set(row.anchors) == anchors)
            for row in doubts.standing(self._db)
        )

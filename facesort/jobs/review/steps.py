"""The steps that answers are written in: decisions in a row, each seeing those before it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from facesort.catalog import decisions, doubts
from facesort.domain import PersonId, comparable_name
from facesort.errors import StaleQuestion, UsageError
from facesort.jobs import decide
from facesort.jobs.decide.voicing import called
from facesort.jobs.review.wording import counted
from facesort.jobs.showing.shown import bring_up_to_date
from facesort.jobs.showing.situation import read_situation
from facesort.review.questions import ABOUT_FACES, Answer, Kind

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from facesort.catalog.connection import Database
    from facesort.domain import FaceId, Person
    from facesort.jobs.review.access import Access
    from facesort.jobs.showing.situation import Situation
    from facesort.review.questions import Given, Question

__all__ = ["Seen", "Steps", "Written"]


class Seen(NamedTuple):
    """What a question showed of a person.

    Args:
        faces: which.
        name: or None.
        ignored: the user did not want to see them.
        merged: who had been merged into them; None where somebody is only listed as a guess, who
            may have become more since.
    """

    faces: frozenset[FaceId]
    name: str | None
    ignored: bool
    merged: frozenset[PersonId] | None = None


@dataclass(slots=True)
class Written:
    """What an answer was stored as.

    Args:
        decisions: their numbers, in order.
        doubt: number of a not-sure, or None.
        founded: new people, by the face that each is founded on.
        sentence: what was done.
        moved: faces asked about were confirmed, perhaps with somebody else.
    """

    decisions: list[int] = field(default_factory=list)
    doubt: int | None = None
    founded: dict[FaceId, PersonId] = field(default_factory=dict)
    sentence: str = ""
    moved: bool = False

    def add(self, decided: decide.Decided) -> None:
        """Note a decision about faces."""
        if decided.decision is not None:
            self.decisions.append(decided.decision)


class Steps:
    """One answer on its way into the log."""

    def __init__(
        self,
        access: Access,
        situation: Situation,
        question: Question,
        given: Given,
        names: Sequence[str],
        seen: Collection[FaceId],
    ) -> None:
        self._access = access
        self._names = names
        self._seen = sorted(seen)
        self.now = situation
        self.question = question
        self.given = given
        self.written = Written()
        out = set(given.but_people)
        self.kept = [person for person in question.people if person not in out]
        self.out = [person for person in question.people if person in out]
        self.faces = [face for face in question.faces if face not in set(given.but_faces)]

    @property
    def db(self) -> Database:
        """The catalog."""
        return self._access.db

    def person(self, identity: PersonId) -> Person:
        """Return a person as they are now."""
        return self.now.person(identity)

    def again(self) -> None:
        """Read anew, so that the next decision of the answer sees the ones before."""
        min_face = self._access.min_face()
        bring_up_to_date(self.db, min_face=min_face)
        given = [] if self.given.person is None else [self.given.person]
        founded = list(self.written.founded.values())
        self.now = read_situation(
            self.db,
            min_face=min_face,
            persons=[*self.question.people, *given, *founded, *self._names],
            faces=self._seen,
        )

    def refuse_stale(self, shown: Mapping[PersonId, Seen]) -> None:
        """Make sure that people are who was shown.

        Raises:
            StaleQuestion: they are not.
        """
        for identity, seen in shown.items():
            person = self.person(identity)
            strangers = [f for f in seen.faces if self.now.people.owners.get(f) != person.id]
            if person.id != identity:
                what = f"{identity} was merged into {called(person)}"
            elif strangers:
                what = f"{len(strangers)} of the faces shown are not with {called(person)} any more"
            elif person.name != seen.name:
                what = f"{person.id} was called {person.name!r}"
            elif person.ignored != seen.ignored:
                what = f"{called(person)} was {'' if person.ignored else 'no longer '}ignored"
            elif seen.merged is not None and not seen.merged.issuperset(person.aliases):
                what = f"somebody was merged into {called(person)}"
            else:
                continue
            raise StaleQuestion(
                f"{what} since this was asked",
                hint="Nothing was stored. The question comes again if it still makes sense.",
            )
        self._refuse_renamed()
        if self.question.kind is Kind.WHO:
            first = self.person(self.question.people[0])
            if first.name is not None and self.given.answer is not Answer.UNSURE:
                raise StaleQuestion(
                    f"{first.id} has been called {first.name!r} since this was asked",
                    hint=f"To rename: facesort name {first.id} NAME",
                )

    def _refuse_renamed(self) -> None:
        """Make sure that who was chosen by a name has it still."""
        name = self.given.known_as
        if name is None or self.given.person is None:
            return
        person = self.person(self.given.person)
        if comparable_name(person.name or "") != comparable_name(name):
            raise StaleQuestion(
                f"{name!r} has become {called(person)} since this was asked",
                hint="Nothing was stored. Choose again who it is.",
            )

    # -- steps -----------------------------------------------------------------------------------

    def note(self, answer: str) -> None:
        """Store what is no decision."""
        asked = self.question.people
        if self.question.kind is Kind.WHO:
            asked = (asked[0], *(guess.person for guess in self.question.guesses))
        people = [self.person(identity) for identity in asked]
        about_faces = self.question.kind in ABOUT_FACES
        self.written.doubt = doubts.append(
            self.db,
            self.question.kind.value,
            answer,
            people=[(person.id, len(person.faces)) for person in people],
            anchors=[self.now.faces[f].anchor for f in self.question.faces] if about_faces else (),
        )

    def merge(self, identities: Sequence[PersonId], *, anyway: bool = False) -> None:
        """Make people one, where they are not yet."""
        persons = list({p.id: p for p in map(self.person, identities)}.values())
        if len(persons) > 1:
            self.written.decisions.append(decide.merge(self.db, self.now, persons, anyway=anyway))
            self.again()

    def set_apart(self, one: PersonId, others: Sequence[PersonId]) -> None:
        """Say of each of some people that they are not this one."""
        for other in others:
            pair = [self.person(one), self.person(other)]
            number = decide.different(self.db, self.now, pair, given=[one, other])
            if number is not None:
                self.written.decisions.append(number)

    def reject(self, faces: Sequence[FaceId]) -> None:
        """Say that faces are not who they are with."""
        if faces:
            decided = decide.reject(self.db, self.now, [self.now.face(face) for face in faces])
            self._founded(decided)

    def split(self, identity: PersonId, faces: Sequence[FaceId]) -> None:
        """Make faces a person of their own, perhaps with a name."""
        given = [self.now.face(face) for face in faces]
        self._founded(
            decide.split(
                self.db,
                self.now,
                self.person(identity),
                given,
                name=self.given.name,
                another=self.given.another,
            )
        )

    def _founded(self, decided: decide.Decided) -> None:
        self.written.add(decided)
        self.written.founded |= {face: who for face, who in decided.owners.items() if who}
        self.again()

    def confirm(
        self, faces: Sequence[FaceId], identity: PersonId | None, *, anyway: bool = False
    ) -> None:
        """Say that faces are a person, or the one they are with."""
        if faces:
            person = None if identity is None else self.person(identity)
            given = [self.now.face(face) for face in faces]
            self.written.add(decide.confirm(self.db, self.now, given, person=person, anyway=anyway))
            self.written.moved = True
            self.again()

    def deny(self, faces: Sequence[FaceId], identity: PersonId) -> None:
        """Say of faces of nobody that they are not a person."""
        if faces:
            given = [self.now.face(face) for face in faces]
            self.written.add(decide.deny(self.db, self.now, given, self.person(identity)))
            self.again()

    def found(self, faces: Sequence[FaceId]) -> PersonId:
        """Make faces of nobody a new person."""
        decided = decide.confirm(self.db, self.now, [self.now.face(face) for face in faces])
        if decided.founded is None:
            raise UsageError(f"{self.question.id}: somebody has these faces")
        self.written.founded |= {faces[0]: decided.founded}
        self.written.add(decided)
        self.again()
        return decided.founded

    def not_a_face(self, faces: Sequence[FaceId]) -> None:
        """Say that faces are none."""
        self.written.add(
            decide.not_a_face(self.db, self.now, [self.now.face(face) for face in faces])
        )

    def name(self, identity: PersonId) -> None:
        """Give a person the name that was typed."""
        same = False if self.given.another else None
        naming = decide.name(
            self.db, self.now, self.person(identity), self.given.name or "", same=same
        )
        if naming.decision is not None:
            self.written.decisions.append(naming.decision)
        self.again()

    def target(self) -> PersonId:
        """Return the person that the answer names."""
        if self.given.person is None:
            raise UsageError(f"{self.question.id}: nobody was named")
        return self.given.person

    def make_one(self) -> None:
        """Note that all that was decided is one answer, so that it is taken back as one."""
        decisions.make_one(self.db, self.written.decisions)

    def say(self, sentence: str) -> None:
        """Note what was done."""
        self.written.sentence = sentence

    def told(self, identity: PersonId) -> str:
        """Return a person's name and how many faces they have now."""
        self.again()
        person = self.person(identity)
        return f"{person.name or person.id}: {counted(len(person.faces), 'face')}"

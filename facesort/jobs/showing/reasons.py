"""What the user's decisions say about two faces or people, and the sentence that sums it all up."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from facesort.domain import Verdict
from facesort.jobs.decide.conflicts import declared_different, merges_between
from facesort.jobs.decide.voicing import Earlier, called, told

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Self

    from facesort.domain import Decision, FaceId, Person, PersonId
    from facesort.jobs.showing.situation import Situation

__all__ = ["Question", "Reason", "Side"]


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two that are asked about.

    Args:
        face: when it is a face.
        person: who it is, or whom the face is with; None for a face that is with nobody.
        faces: what is compared: the face, or those of the person.
        beneath: when it is a person: the identity, beneath any merge, that was named.
    """

    face: FaceId | None
    person: Person | None
    faces: tuple[FaceId, ...]
    beneath: PersonId | None = None

    def part(self, identities: Mapping[FaceId, PersonId | None]) -> Self:
        """Mean only the identity that was named, of a person who is made of several."""
        return replace(self, faces=tuple(f for f in self.faces if identities[f] == self.beneath))

    def without(self, face: FaceId | None) -> Self:
        """Leave out one face: it is the other side."""
        return replace(self, faces=tuple(one for one in self.faces if one != face))


@dataclass(frozen=True, slots=True)
class Reason:
    """A standing decision that speaks for or against two being one person."""

    decision: Decision
    speaks_for: bool
    sentence: str


class Question:
    """Whether two faces or people are one person, and what was decided about that.

    Args:
        situation: who is who.
        sides: the two.
    """

    def __init__(self, situation: Situation, sides: tuple[Side, Side]) -> None:
        self._situation = situation
        self._sides = sides
        self._earlier = Earlier(situation)
        one, other = (side.person for side in sides)
        self.together = one is not None and other is not None and one.id == other.id
        self._merges = self._merges_between()
        found = {reason.decision.id: reason for reason in self._collect()}
        self.reasons = tuple(found[number] for number in sorted(found))

    def _collect(self) -> Iterator[Reason]:
        for side in self._sides:
            yield from self._about_face(side)
        one, other = (side.person for side in self._sides)
        if one is None or other is None:
            return
        if self.together:
            for decision in self._merges:
                yield Reason(
                    decision,
                    speaks_for=True,
                    sentence=f"you said that {_listed(decision)} are one person",
                )
            return
        yield from self._names(one, other)
        for mine, theirs in (self._sides, reversed(self._sides)):
            if theirs.person is not None:
                yield from self._rejections(mine, theirs.person)
        different = declared_different(self._situation, one, other)
        if different is not None:
            yield Reason(
                different,
                speaks_for=False,
                sentence=f"you said that {_listed(different)} are different people",
            )

    def _merges_between(self) -> list[Decision]:
        identities = self._situation.people.identities
        one, other = (s.beneath if s.face is None else identities[s.face] for s in self._sides)
        if not self.together or one is None or other is None:
            return []
        return merges_between(self._situation, one, other)

    def _about_face(self, side: Side) -> Iterator[Reason]:
        if side.face is None:
            return
        denied = self._earlier.denied(side.face)
        if denied is not None:
            yield Reason(denied, speaks_for=False, sentence=f"you said that {side.face} is no face")
        confirmed = self._earlier.confirmed(side.face)
        if confirmed is not None and side.person is not None:
            yield Reason(
                confirmed,
                speaks_for=self.together,
                sentence=f"you confirmed that {side.face} is {called(side.person)}",
            )

    def _names(self, one: Person, other: Person) -> Iterator[Reason]:
        if one.name is None or other.name is None:
            return
        numbers = {self._situation.people.named_at[p.id]: p for p in (one, other)}
        for decision in self._situation.history.active:
            if decision.id in numbers:
                person = numbers[decision.id]
                yield Reason(
                    decision, speaks_for=False, sentence=f"you called {person.id} {person.name}"
                )

    def _rejections(self, mine: Side, theirs: Person) -> Iterator[Reason]:
        faces: dict[int, list[FaceId]] = {}
        decisions: dict[int, Decision] = {}
        for face in mine.faces:
            decision = self._earlier.rejected_from(face, theirs.id)
            if decision is not None:
                decisions[decision.id] = decision
                faces.setdefault(decision.id, []).append(face)
        for number, rejected in faces.items():
            which = rejected[0] if len(rejected) == 1 else f"{len(rejected):,} faces"
            verb = "split" if decisions[number].verdict is Verdict.SPLIT else "rejected"
            yield Reason(
                decisions[number],
                speaks_for=False,
                sentence=f"you {verb} {which} from {called(theirs)}",
            )

    def why(self, mean: float | None, needed: float | None, shared: int) -> str:
        """Say in one sentence why they are together or apart.

        Args:
            mean: their mean cosine; None when there are no vectors to compare.
            needed: the mean cosine from which on the grouping rule joins as many faces.
            shared: photos that show both.
        """
        if self.together:
            return self._why_together(mean, needed)
        nobody = [side for side in self._sides if side.person is None]
        against = [reason for reason in self.reasons if not reason.speaks_for]
        if against:
            last = against[-1]
            return f"They are apart because {last.sentence} ({told(last.decision)})."
        if nobody:
            return f"{nobody[0].face} is with nobody: too poor to tell, or not grouped yet."
        if shared:
            photos = "a photo shows" if shared == 1 else f"{shared:,} photos show"
            return f"They are apart because {photos} both: two people, as a rule."
        if mean is None or needed is None:
            return "They are apart; nothing can be compared."
        if mean < needed:
            return (
                f"They are apart because they are not alike enough: mean cosine {mean:.3f}, and as "
                f"many faces are joined from {needed:.3f} on."
            )
        return (
            f"They are apart although they are alike (mean cosine {mean:.3f}, joined from "
            f"{needed:.3f} on): others were closer, or you have spoken of both; if they are one "
            "person, merge them."
        )

    def _why_together(self, mean: float | None, needed: float | None) -> str:
        merges = {decision.id for decision in self._merges}
        speaking = [reason for reason in self.reasons if reason.decision.id in merges]
        asked = [side.face for side in self._sides if side.face is not None]
        if asked and all(self._earlier.confirmed(face) for face in asked):
            # The later word: until then one of two faces was there by its looks.
            speaking = speaking or [r for r in self.reasons if r.speaks_for][-1:]
        if speaking:
            said = ", and ".join(f"{r.sentence} ({told(r.decision)})" for r in speaking)
            return f"They are together because {said}."
        if mean is None or needed is None:
            return "They are together since the last grouping; nothing can be compared."
        if mean >= needed:
            return (
                f"They are together because they are alike: mean cosine {mean:.3f}, and as many "
                f"faces are joined from {needed:.3f} on."
            )
        return (
            "They are together through the other faces of the person: alone they are not alike "
            f"enough (mean cosine {mean:.3f}, joined from {needed:.3f} on)."
        )


def _listed(decision: Decision) -> str:
    return " and ".join(decision.people)

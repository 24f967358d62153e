"""Contradictions between a new decision and earlier ones: which one, made when, what to do."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from facesort.domain import FaceRole, Verdict
from facesort.errors import DecisionConflict, UsageError
from facesort.jobs.decide.voicing import called, told

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from facesort.domain import Decision, Face, FaceId, Person, PersonId
    from facesort.jobs.decide.voicing import Earlier
    from facesort.jobs.showing.situation import Situation

__all__ = [
    "at_one_time",
    "declared_different",
    "merges_between",
    "refuse_different",
    "refuse_names",
    "refuse_rejections",
    "refuse_same",
    "refuse_twice_on_a_photo",
    "rejected_between",
    "seen_together",
]


def _by_number(situation: Situation, number: int) -> str:
    found = [d for d in situation.history.active if d.id == number]
    return told(found[0]) if found else f"decision {number}"


def refuse_names(situation: Situation, persons: Sequence[Person]) -> None:
    """Refuse to join people of different names.

    Raises:
        DecisionConflict: there are two.
    """
    named = [person for person in persons if person.name is not None]
    if len({person.name for person in named}) < 2:
        return
    told_names = " and ".join(
        f"{p.id} {p.name!r} ({_by_number(situation, situation.people.named_at[p.id])})"
        for p in named
    )
    raise DecisionConflict(
        f"you gave these people different names: {told_names}",
        hint=f"If they are one person after all, all become {named[0].name!r} with: "
        f"facesort merge {' '.join(p.id for p in persons)} --yes",
    )


def declared_different(situation: Situation, one: Person, other: Person) -> Decision | None:
    """Return the decision that two people, as shown, are different; None without one."""
    standing = situation.standing
    wanted = {one.id, other.id}
    for pair, number in standing.different.items():
        if {standing.survivor(person) for person in pair} == wanted:
            return next((d for d in situation.history.active if d.id == number), None)
    return None


def refuse_different(situation: Situation, persons: Sequence[Person]) -> None:
    """Refuse to join people who were declared different.

    Raises:
        DecisionConflict: two were.
    """
    for one, other in combinations(persons, 2):
        decision = declared_different(situation, one, other)
        if decision is not None:
            raise DecisionConflict(
                f"you said that {called(one)} and {called(other)} are different people "
                f"({told(decision)})",
                hint=f"Take that back: facesort undo --decision {decision.id}   {_anyway(persons)}",
            )


def _anyway(persons: Sequence[Person]) -> str:
    together = " ".join(person.id for person in persons)
    return f"Or let this count instead: facesort merge {together} --yes"


def merges_between(situation: Situation, one: PersonId, other: PersonId) -> list[Decision]:
    """Return the merges that make two identities one person, oldest first; none if they are not."""
    numbers = situation.standing.joined_by(one, other)
    return [decision for decision in situation.history.active if decision.id in numbers]


def _merges_into(situation: Situation, person: PersonId) -> list[Decision]:
    """Return the standing merges that a person, as shown, is made of, oldest first."""
    return [
        decision
        for decision in situation.history.active
        if decision.verdict is Verdict.MERGE
        and situation.standing.survivor(decision.people[0]) == person
    ]


def refuse_same(
    situation: Situation, persons: Sequence[Person], identities: Sequence[PersonId]
) -> None:
    """Say why people who shall be different are one person now.

    Args:
        situation: who is who.
        persons: as shown; one of them is there twice.
        identities: who of each was meant, beneath any merge.

    Raises:
        UsageError: nothing but the last grouping, or the same id given twice, says so.
        DecisionConflict: a merge says so.
    """
    first, second = next(
        pair
        for pair in combinations(range(len(persons)), 2)
        if persons[pair[0]].id == persons[pair[1]].id
    )
    person = persons[first]
    between = merges_between(situation, identities[first], identities[second])
    if between:
        said = f"you said that they are one person, {called(person)}"
    else:
        # The same person twice, or somebody whom a grouping has put there: what is it made of?
        between = _merges_into(situation, person.id)
        said = f"that is one person, {called(person)}, whom you merged"
    if not between:
        raise UsageError(
            f"that is one person: {called(person)}",
            hint=f"To part it: facesort split {person.id} --face FACE --face FACE",
        )
    undo = " or ".join(f"facesort undo --decision {decision.id}" for decision in between)
    raise DecisionConflict(
        f"{said} ({'; '.join(told(decision) for decision in between)})",
        hint=f"Take {'that' if len(between) == 1 else 'one of these'} back: {undo}",
    )


def rejected_between(
    situation: Situation, earlier: Earlier, persons: Sequence[Person]
) -> Iterator[tuple[FaceId, Person, Decision]]:
    """Yield the faces of one person that were rejected from another of them."""
    asked = {person.id for person in persons}
    for face in earlier.rejected():
        owner = situation.people.owners[face]
        if owner not in asked:
            continue
        for other in persons:
            decision = earlier.rejected_from(face, other.id) if other.id != owner else None
            if decision is not None:
                yield face, other, decision


def refuse_rejections(situation: Situation, earlier: Earlier, persons: Sequence[Person]) -> None:
    """Refuse to join people when a face of one was rejected from another.

    Raises:
        DecisionConflict: one was.
    """
    for face, other, decision in rejected_between(situation, earlier, persons):
        owner = situation.people.owners[face]
        verb = "split" if decision.verdict is Verdict.SPLIT else "rejected"
        raise DecisionConflict(
            f"face {face} of {owner} was {verb} from {called(other)} ({told(decision)})",
            hint=f"Take that back first: facesort undo --decision {decision.id}   "
            + _anyway(persons),
        )


def seen_together(one: Face, other: Face) -> bool:
    """Whether two faces are on one photo, or in one video at the same time: two people, as a rule.

    The exceptions are mirrors, collages, and photos of photos.
    """
    if one.photo_id != other.photo_id or one.id == other.id:
        return False
    return at_one_time(one.span, other.span)


def at_one_time(one: tuple[float, float] | None, other: tuple[float, float] | None) -> bool:
    """Whether two spans of a video, in seconds, overlap; faces on a photo have none, and do."""
    if one is None or other is None:
        return True
    return one[0] <= other[1] and other[0] <= one[1]


def refuse_twice_on_a_photo(
    situation: Situation, earlier: Earlier, persons: Sequence[Person]
) -> None:
    """Refuse to join people who are both confirmed on one photo.

    Raises:
        DecisionConflict: two are.
    """
    confirmed: dict[int, list[tuple[Face, Person]]] = {}
    for person in persons:
        for face_id in person.faces:
            decision = earlier.confirmed(face_id)
            if decision is None:
                continue
            face = situation.faces[face_id]
            for beside, other in confirmed.setdefault(face.photo_id, []):
                if other.id != person.id and seen_together(face, beside):
                    before = earlier.last(beside.id, FaceRole.CONFIRMED) or decision
                    raise DecisionConflict(
                        f"{called(other)} and {called(person)} are on one photo: you confirmed "
                        f"face {beside.id} ({told(before)}) and face {face_id} ({told(decision)})",
                        hint=f"Take one back: facesort undo --decision {decision.id}   "
                        "Or, if it is a mirror or a collage: "
                        f"facesort merge {' '.join(p.id for p in persons)} --yes",
                    )
            confirmed[face.photo_id].append((face, person))

"""From the log of decisions to what stands now. Pure: the same log always gives the same answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING

from facesort.domain import Anchor, Decision, FaceRole, PersonId, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["History", "Standing", "replay", "standing"]


@dataclass(frozen=True, slots=True)
class History:
    """The log, divided.

    Args:
        active: decisions that stand, in the order they were made.
        undone: decisions that `redo` can bring back, the next one last.
    """

    active: tuple[Decision, ...]
    undone: tuple[Decision, ...]


def replay(log: Iterable[Decision]) -> History:
    """Apply every undo and redo of the log.

    Undoing or redoing is a decision itself. A new decision clears what could be redone, as in any
    editor; nothing is ever removed from the log.
    """
    active: dict[int, Decision] = {}
    undone: dict[int, Decision] = {}
    for decision in log:
        if decision.verdict is Verdict.UNDO:
            if decision.target in active:
                undone[decision.target] = active.pop(decision.target)
        elif decision.verdict is Verdict.REDO:
            if decision.target in undone:
                active[decision.target] = undone.pop(decision.target)
        else:
            active[decision.id] = decision
            undone.clear()
    return History(tuple(active[i] for i in sorted(active)), tuple(undone.values()))


@dataclass(slots=True)
class Standing:
    """What the user's active decisions add up to.

    People here are identities as the clustering knows them. Merging joins identities without
    touching the clusters beneath, so that any merge can be taken back exactly.

    Args:
        names: label and the decision that gave it.
        merged_into: for an identity that was merged away, the survivor (may itself be merged away).
        merged_by: for each of these the decision that said so.
        ignored: identities the user does not want to see.
        votes: the identity the latest decision put a face with.
        confirmed: faces whose vote never moves by itself.
        rejected: for a face, the identities it is not, with the decision that said so; whoever is
            merged with one of them is meant too.
        shelters: for a rejected face, the identity it is shown as until a grouping knows better.
        covers: chosen cover faces.
        not_faces: faces the user called none.
        different: pairs of people, as they were shown, who are two, with the decision that said so.
    """

    names: dict[PersonId, tuple[str | None, int]] = field(default_factory=dict)
    merged_into: dict[PersonId, PersonId] = field(default_factory=dict)
    ignored: set[PersonId] = field(default_factory=set)
    votes: dict[Anchor, PersonId] = field(default_factory=dict)
    confirmed: set[Anchor] = field(default_factory=set)
    rejected: dict[Anchor, dict[PersonId, int]] = field(default_factory=dict)
    shelters: dict[Anchor, PersonId] = field(default_factory=dict)
    covers: dict[PersonId, Anchor] = field(default_factory=dict)
    not_faces: set[Anchor] = field(default_factory=set)
    different: dict[frozenset[PersonId], int] = field(default_factory=dict)
    merged_by: dict[PersonId, int] = field(default_factory=dict)

    def survivor(self, person: PersonId) -> PersonId:
        """Follow merges to the identity that stands for this one."""
        while person in self.merged_into:
            person = self.merged_into[person]
        return person

    def joined_by(self, one: PersonId, other: PersonId) -> tuple[int, ...]:
        """Return the merges that make two identities one person, oldest first.

        Taking back any of them parts the two, and taking back another merge does not. Empty when
        they are two people, or the same identity.
        """
        if self.survivor(one) != self.survivor(other):
            return ()
        # Merges are a forest: from where the ways up meet, they are the same.
        between = self._way_up(one) ^ self._way_up(other)
        return tuple(sorted({self.merged_by[person] for person in between}))

    def _way_up(self, person: PersonId) -> set[PersonId]:
        way = {person}
        while person in self.merged_into:
            person = self.merged_into[person]
            way.add(person)
        return way

    def members(self) -> dict[PersonId, list[PersonId]]:
        """For every survivor of a merge the identities merged into it, in the order they came."""
        groups: dict[PersonId, list[PersonId]] = {}
        for person in self.merged_into:
            groups.setdefault(self.survivor(person), []).append(person)
        return groups

    def rejections(self) -> dict[Anchor, set[PersonId]]:
        """Return for every rejected face all identities that it is not.

        Who was merged with a rejected person, before or after, is that person.
        """
        merged = self.members()
        denied: dict[Anchor, set[PersonId]] = {}
        for anchor, people in self.rejected.items():
            survivors = {self.survivor(person) for person in people}
            denied[anchor] = survivors.union(*(merged.get(person, ()) for person in survivors))
        return denied

    def shown_names(self) -> dict[PersonId, tuple[str | None, int]]:
        """Return the label of every survivor: its own, else that of the first one merged into it.

        Whoever was merged in brings the name that was shown, not those beneath it.
        """
        shown = dict(self.names)
        for survivor, group in self._groups().items():
            for person in group:
                if person in self.names:
                    shown[survivor] = self.names[person]
                    break
        return {person: name for person, name in shown.items() if person not in self.merged_into}

    def shown_covers(self) -> dict[PersonId, list[Anchor]]:
        """Return the chosen covers of every survivor: its own, then of those merged into it.

        The first of them that shows a face of the person is the cover.
        """
        shown = {
            person: [anchor]
            for person, anchor in self.covers.items()
            if person not in self.merged_into
        }
        for survivor, group in self._groups().items():
            chosen = [self.covers[person] for person in group if person in self.covers]
            if chosen:
                shown[survivor] = chosen
        return shown

    def _groups(self) -> dict[PersonId, list[PersonId]]:
        """For every survivor of a merge everybody in it, itself first.

        After each person come those who had been merged into it: what was shown of them then.
        """
        merged_first: dict[PersonId, list[PersonId]] = {}
        for person, into in self.merged_into.items():
            merged_first.setdefault(into, []).append(person)
        groups: dict[PersonId, list[PersonId]] = {}
        for survivor in {self.survivor(person) for person in self.merged_into}:
            waiting, group = [survivor], groups.setdefault(survivor, [])
            while waiting:
                person = waiting.pop()
                group.append(person)
                waiting += reversed(merged_first.get(person, []))
        return groups

    def spoken_of(self) -> set[PersonId]:
        """Return every identity that a standing decision is about."""
        return {
            *self.names,
            *self.merged_into,
            *self.merged_into.values(),
            *self.ignored,
            *self.votes.values(),
            *self.shelters.values(),
            *self.covers,
            *(person for people in self.rejected.values() for person in people),
            *(person for pair in self.different for person in pair),
        }


def standing(history: History) -> Standing:
    """Add up the active decisions, later ones winning over earlier ones."""
    result = Standing()
    for decision in history.active:
        _apply_people(result, decision)
        rejected = {face.anchor for face in decision.faces if face.role is FaceRole.REJECTED}
        for face in decision.faces:
            if face.anchor in rejected and face.role is FaceRole.VOTE:
                # Where a rejected face waits. It must not be a vote: that would keep the face from
                # whoever it really is, and from others that were rejected with it.
                result.shelters[face.anchor] = face.person
            else:
                _apply_face(result, decision, face.anchor, face.person, face.role)
    return result


def _apply_people(result: Standing, decision: Decision) -> None:
    people = decision.people
    if decision.verdict is Verdict.NAME:
        result.names[people[0]] = (decision.name, decision.id)
        result.ignored.discard(people[0])  # whoever gets a name is of interest
    elif decision.verdict is Verdict.SPLIT and decision.name is not None:
        result.names[people[0]] = (decision.name, decision.id)
    elif decision.verdict is Verdict.IGNORE:
        result.ignored.update(people)
    elif decision.verdict is Verdict.DIFFERENT:
        result.different.update((frozenset(pair), decision.id) for pair in combinations(people, 2))
    elif decision.verdict is Verdict.MERGE:
        _merge(result, people, decision.id)


def _merge(result: Standing, people: Sequence[PersonId], number: int) -> None:
    survivor = result.survivor(people[0])
    for person in people[1:]:
        away = result.survivor(person)
        if away == survivor:
            continue
        if survivor in result.ignored and away in result.shown_names():
            result.ignored.discard(survivor)  # a named person is not hidden by a merge
        result.merged_into[away] = survivor
        result.merged_by[away] = number
    # That two people are one is the later word, where they had been declared different.
    for pair in [p for p in result.different if len({result.survivor(one) for one in p}) == 1]:
        del result.different[pair]


def _apply_face(
    result: Standing, decision: Decision, anchor: Anchor, person: PersonId, role: FaceRole
) -> None:
    if role is FaceRole.REJECTED:
        result.rejected.setdefault(anchor, {})[person] = decision.id
        vote = result.votes.get(anchor)
        # Not this person, as shown: then not who is merged into them either.
        if vote is not None and result.survivor(vote) == result.survivor(person):
            del result.votes[anchor]
            result.confirmed.discard(anchor)
    elif role is FaceRole.COVER:
        result.covers[person] = anchor
    elif role is FaceRole.NOT_A_FACE:
        result.not_faces.add(anchor)
        result.votes.pop(anchor, None)
        result.confirmed.discard(anchor)
    elif role is FaceRole.CONFIRMED:
        _vote(result, anchor, person)
        result.confirmed.add(anchor)
        result.not_faces.discard(anchor)
        rejected = result.rejected.get(anchor, {})
        survivor = result.survivor(person)
        for other in [p for p in rejected if result.survivor(p) == survivor]:
            del rejected[other]
    elif anchor not in result.confirmed:
        _vote(result, anchor, person)


def _vote(result: Standing, anchor: Anchor, person: PersonId) -> None:
    # The latest last: another detector may have given one face two anchors.
    result.votes.pop(anchor, None)
    result.votes[anchor] = person

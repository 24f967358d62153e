"""A simple model of people under decisions, to judge the real one by: dictionaries, and no speed.

It knows what the real library cannot know: who is on each photo. Painted people have two *looks*
each; faces of one look are almost equal, and the looks of one person are alike enough to be grouped
together, so that what a grouping must find can be told without any clustering.

Everything that is shown is computed anew from the log each time, and the log of the model is a list
of what each decision said, so that taking one back is leaving it out.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

from facesort.registry import Models
from tests.fakes import FakeModels, SquareEmbedder, painted_quality

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from facesort.config import Settings
    from facesort.inference.card import ModelCard
    from facesort.protocols import Progress

__all__ = ["LOOKS", "Entry", "LookModels", "Reference", "Shown", "paint_look"]

# Two colours a person, the second one darker; all far enough apart for the detector's grey.
_PEOPLE = (
    (230, 20, 20), (20, 200, 20), (20, 20, 230), (230, 220, 20), (220, 20, 220), (20, 210, 220),
)  # fmt: skip
LOOKS = {
    (person, look): tuple(channel if look == 0 else channel * 5 // 9 for channel in colour)
    for person, colour in enumerate(_PEOPLE)
    for look in range(2)
}


def paint_look(path: Path, look: tuple[int, int], number: int) -> None:
    """Write a photo of one face; the number makes it a photo of its own."""
    picture = Image.new("RGB", (120, 120), (128, 128, 128))
    draw = ImageDraw.Draw(picture)
    for bit in range(12):
        shade = 200 if number >> bit & 1 else 60
        draw.rectangle([bit * 9 + 4, 2, bit * 9 + 10, 9], fill=(shade, shade, shade))
    colour = LOOKS[look]
    # The number also shades the face a little, as light does.
    blue = min(255, colour[2] + number % 5)
    draw.rectangle([36, 36, 83, 83], fill=(colour[0], colour[1], blue))
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path, format="PNG")


class _LookEmbedder(SquareEmbedder):
    """Two looks of a person have a cosine of about .75, two pictures of a look one of about .98."""

    def _vector(self, colour: NDArray[np.float64]) -> NDArray[np.float64]:
        palette = np.array(list(LOOKS.values()), dtype=np.float64)
        person, look = list(LOOKS)[int(np.argmin(np.linalg.norm(palette - colour, axis=1)))]

        def noise(of: str) -> NDArray[np.float64]:
            seed = zlib.crc32(f"{self.model_key} {of}".encode())
            return np.random.default_rng(seed).standard_normal(128)

        shade = noise(f"shade {colour.sum():.1f}")
        mixed: NDArray[np.float64] = (
            noise(f"person {person}") + 0.55 * noise(f"look {person} {look}") + 0.15 * shade
        )
        return mixed


class LookModels(FakeModels):
    """Fakes that see looks."""

    def load_models(
        self, settings: Settings, cards: tuple[ModelCard, ModelCard], progress: Progress
    ) -> Models:
        """Stand in for `registry.load_models`."""
        detector, embedder = cards
        return Models(
            self.detector,
            _LookEmbedder(embedder.model_key),
            painted_quality(),
            detector,
            embedder,
            "fake",
            "",
            embed_batch=8,
        )


# -- the model -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Entry:
    """What one decision said.

    Args:
        number: of the decision.
        kind: the verdict.
        people: whom it is about; of a merge the survivor first, of a split the new one first.
        name: for a name, and for a split with one.
        votes: whom each face was with, beneath merges.
        confirmed: likewise, for ever.
        rejected: whom each face is not.
        shelters: where a rejected face waits.
        no_faces: what is none.
        covers: the face that stands for a person.
    """

    number: int
    kind: str
    people: tuple[str, ...] = ()
    name: str | None = None
    votes: Mapping[str, str] = field(default_factory=dict)
    confirmed: Mapping[str, str] = field(default_factory=dict)
    rejected: Mapping[str, str] = field(default_factory=dict)
    shelters: Mapping[str, str] = field(default_factory=dict)
    no_faces: frozenset[str] = frozenset()
    covers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Facts:
    """What standing decisions add up to."""

    names: dict[str, str] = field(default_factory=dict)
    groups: list[list[str]] = field(default_factory=list)  # merged people, the survivor first
    ignored: set[str] = field(default_factory=set)
    votes: dict[str, str] = field(default_factory=dict)
    confirmed: set[str] = field(default_factory=set)
    rejected: set[tuple[str, str]] = field(default_factory=set)
    shelters: dict[str, str] = field(default_factory=dict)
    no_faces: set[str] = field(default_factory=set)
    covers: dict[str, str] = field(default_factory=dict)
    different: set[frozenset[str]] = field(default_factory=set)

    @property
    def spoken_of(self) -> set[str]:
        """Everybody whose id stays theirs."""
        return {
            *self.names,
            *(person for group in self.groups for person in group),
            *self.ignored,
            *self.votes.values(),
            *self.shelters.values(),
            *self.covers,
            *(person for _, person in self.rejected),
            *(person for pair in self.different for person in pair),
        }

    def group(self, person: str) -> list[str]:
        """Everybody who is merged with a person, the survivor first."""
        return next((group for group in self.groups if person in group), [person])

    def survivor(self, person: str) -> str:
        """Who stands for a person."""
        return self.group(person)[0]

    def is_not(self, face: str, person: str) -> bool:
        """Whether a face was rejected from a person, or from somebody merged with them."""
        return any((face, one) in self.rejected for one in self.group(person))


@dataclass(frozen=True)
class Shown:
    """What the user sees.

    Args:
        owners: person and status of each face.
        names: of everybody who has one, faces or not.
        merged: for each survivor the ids that lead to it.
        ignored: people out of sight who have a face.
        covers: the chosen ones that show a face of the person.
    """

    owners: dict[str, tuple[str | None, str]]
    names: dict[str, str]
    merged: dict[str, frozenset[str]]
    ignored: frozenset[str]
    covers: dict[str, str]


class Reference:
    """The model: photos, a list of decisions, and what the last grouping said."""

    def __init__(self) -> None:
        self.looks: dict[str, tuple[int, int]] = {}
        self.log: list[Entry] = []
        self.active: list[int] = []
        self.undone: list[int] = []
        self.base: dict[str, str] = {}
        self.open_questions = 0  # groupings that more than one answer would have been right for

    # -- decisions ---------------------------------------------------------------------------------

    def record(self, entry: Entry) -> None:
        """Add a decision; what had been undone cannot come back."""
        self.log.append(entry)
        self.active.append(entry.number)
        self.undone.clear()

    def kind_of(self, number: int) -> str:
        """Return what a decision was."""
        (entry,) = [entry for entry in self.log if entry.number == number]
        return entry.kind

    def undo(self, numbers: Sequence[int]) -> None:
        """Take decisions back."""
        for number in numbers:
            self.active.remove(number)
            self.undone.append(number)

    def redo(self, count: int) -> list[int]:
        """Bring back what was undone last; return the numbers."""
        back = [self.undone.pop() for _ in range(min(count, len(self.undone)))]
        self.active = sorted([*self.active, *back])
        return back

    def facts(self) -> Facts:
        """Go through the standing decisions, oldest first."""
        facts = Facts()
        for entry in self.log:
            if entry.number in self.active:
                _apply(facts, entry)
        return facts

    def beneath(self, faces: Iterable[str]) -> dict[str, str]:
        """Return whom faces are with, beneath merges."""
        facts = self.facts()
        found = {face: self._identity(facts, face) for face in faces}
        return {face: person for face, person in found.items() if person is not None}

    # -- what is shown -----------------------------------------------------------------------------

    def shown(self) -> Shown:
        """Lay the decisions over the last grouping."""
        facts = self.facts()
        owners: dict[str, tuple[str | None, str]] = {}
        for face in self.looks:
            identity = self._identity(facts, face)
            owner = None if identity is None else facts.survivor(identity)
            owners[face] = (owner, self._status(facts, face, owner))
        with_faces = {who for who, _ in owners.values() if who is not None}
        named = {facts.survivor(person) for person in facts.names}
        people = with_faces | named
        names = {}
        for person in people:
            name = next((facts.names[p] for p in facts.group(person) if p in facts.names), None)
            if name is not None:
                names[person] = name
        return Shown(
            owners,
            names,
            {p: frozenset(facts.group(p)[1:]) for p in people if len(facts.group(p)) > 1},
            frozenset(facts.ignored & people),
            {
                person: cover
                for person in people
                if (cover := self._cover(facts, person, owners)) is not None
            },
        )

    @staticmethod
    def _cover(
        facts: Facts, person: str, owners: Mapping[str, tuple[str | None, str]]
    ) -> str | None:
        chosen = [facts.covers[p] for p in facts.group(person) if p in facts.covers]
        return next((face for face in chosen if owners.get(face, (None,))[0] == person), None)

    def _identity(self, facts: Facts, face: str) -> str | None:
        if face in facts.no_faces:
            return None
        if face in facts.confirmed:
            return facts.votes[face]
        identity = self.base.get(face)
        if identity is not None and facts.is_not(face, identity):
            shelter = facts.shelters.get(face)
            return None if shelter is None or facts.is_not(face, shelter) else shelter
        return identity

    @staticmethod
    def _status(facts: Facts, face: str, owner: str | None) -> str:
        if face in facts.no_faces:
            return "not-a-face"
        if owner is None:
            return "unassigned"
        if owner in facts.ignored:
            return "ignored"
        return "confirmed" if face in facts.confirmed else "automatic"

    # -- grouping ----------------------------------------------------------------------------------

    def check_grouping(self, found: Mapping[str, str]) -> None:
        """Judge a grouping of everything, and take over the ids of people that it found first.

        Args:
            found: identity of each face that has one.
        """
        facts = self.facts()
        faces = [face for face in self.looks if face not in facts.no_faces]
        assert set(found) == set(faces), "every good face has a person, and nothing else has"
        claims = {
            face: facts.votes[face]
            for face in faces
            if face in facts.votes
            and (face in facts.confirmed or not facts.is_not(face, facts.votes[face]))
        }
        fresh: dict[str, int] = {}
        for person in {self.looks[face][0] for face in faces}:
            own = [face for face in faces if self.looks[face][0] == person]
            for identity in self._check_person(facts, own, claims, found):
                assert fresh.setdefault(identity, person) == person, "two people have one id"
                assert identity not in facts.spoken_of, "a person spoken of was given away"
        for face, claim in claims.items():
            assert found[face] == claim, f"{face} is not with {claim}"
        self.base = dict(found)

    def _check_person(
        self,
        facts: Facts,
        own: Sequence[str],
        claims: Mapping[str, str],
        found: Mapping[str, str],
    ) -> set[str]:
        """Check the faces of one painted person; return the ids that nobody had claimed."""
        units: dict[tuple[int, str | None], set[str]] = {}
        for look in range(2):
            faces = {face for face in own if self.looks[face][1] == look}
            said = {claims[face] for face in faces if face in claims}
            for claim in said:
                units[look, claim] = {face for face in faces if claims.get(face) == claim}
            free = faces - set(claims)
            if len(said) == 1 and not any(facts.is_not(face, *said) for face in free):
                (claim,) = said
                units[look, claim] |= free
            elif not said and free:
                units[look, None] = free
            elif free:
                self.open_questions += 1  # two people of this look: who is nearer?
        for faces in units.values():
            assert len({found[face] for face in faces}) == 1, "equal faces were parted"
        for (one, mine), (other, theirs) in combinations(units.items(), 2):
            together = found[next(iter(mine))] == found[next(iter(theirs))]
            expected = self._together(facts, one, other, mine, theirs, units)
            if expected is None:
                self.open_questions += 1
            else:
                assert together == expected, (one, other, "together" if together else "apart")
        return {found[face] for face in own if found[face] not in claims.values()}

    @staticmethod
    def _together(
        facts: Facts,
        one: tuple[int, str | None],
        other: tuple[int, str | None],
        mine: set[str],
        theirs: set[str],
        units: Mapping[tuple[int, str | None], set[str]],
    ) -> bool | None:
        claim, their_claim = one[1], other[1]
        if claim is not None and their_claim is not None:
            return claim == their_claim
        if any(facts.is_not(face, claim) for face in theirs if claim is not None):
            return False
        if any(facts.is_not(face, their_claim) for face in mine if their_claim is not None):
            return False
        return True if len(units) == 2 else None

    def check_joining(self, found: Mapping[str, str]) -> None:
        """Judge a grouping of new faces only: who was there stays, whoever the user spoke of."""
        facts = self.facts()
        waiting = facts.spoken_of - replace(facts, shelters={}).spoken_of
        for face in self.base:
            identity = self._identity(facts, face)
            # Where a rejected face waits is no person to stay with.
            if identity in facts.spoken_of - waiting:
                assert found.get(face) == identity, f"{face} left {identity} by itself"
        for face, person in found.items():
            assert face not in facts.no_faces
            assert face in facts.confirmed or not facts.is_not(face, person)
        self.base = dict(found)


def _apply(facts: Facts, entry: Entry) -> None:
    if entry.kind in {"name", "split"} and entry.name is not None:
        facts.names[entry.people[0]] = entry.name
        facts.ignored.discard(entry.people[0])
    if entry.kind == "ignore":
        facts.ignored |= set(entry.people)
    if entry.kind == "different":
        facts.different |= {frozenset(pair) for pair in combinations(entry.people, 2)}
    facts.covers.update(entry.covers)
    if entry.kind == "merge":
        _merge(facts, entry.people)
    _apply_faces(facts, entry)


def _apply_faces(facts: Facts, entry: Entry) -> None:
    for face, person in entry.rejected.items():
        facts.rejected.add((face, person))
        vote = facts.votes.get(face)
        if vote is not None and facts.survivor(vote) == facts.survivor(person):
            del facts.votes[face]
            facts.confirmed.discard(face)
    facts.shelters.update(entry.shelters)
    for face in entry.no_faces:
        facts.no_faces.add(face)
        facts.votes.pop(face, None)
        facts.confirmed.discard(face)
    for face, person in entry.confirmed.items():
        facts.votes[face] = person
        facts.confirmed.add(face)
        facts.no_faces.discard(face)
        facts.rejected -= {(face, one) for one in facts.group(person)}
    for face, person in entry.votes.items():
        if face not in facts.confirmed:
            facts.votes[face] = person


def _merge(facts: Facts, people: Sequence[str]) -> None:
    for person in people[1:]:
        into, away = facts.group(people[0]), facts.group(person)
        if into == away:
            continue
        if into[0] in facts.ignored and any(p in facts.names for p in away):
            facts.ignored.discard(into[0])
        facts.groups = [g for g in facts.groups if g not in (into, away)] + [[*into, *away]]
    facts.different = {
        pair for pair in facts.different if len({facts.survivor(p) for p in pair}) == 2
    }

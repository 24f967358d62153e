"""A thousand random operations, against a simple model; and all of them taken back."""

from __future__ import annotations

import random
import sqlite3
from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from facesort.errors import DecisionConflict, UsageError
from facesort.jobs.grouping.options import GroupOptions
from tests.fakes import open_library
from tests.reference import LOOKS, Entry, LookModels, Reference, Shown, paint_look
from tests.terminal import facesort

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from facesort.library import Library

_NAMES = ("Anna", "Bert", "Cleo", "Dora", "Emil")
_EVERYTHING = 10**6


class World:
    """A library and the model of it, to which the same things happen."""

    def __init__(self, root: Path, seed: int) -> None:
        self.chance = random.Random(seed)
        self.photos = root / "photos"
        self.folder = root / "library"
        self.model = Reference()
        self.done: Counter[str] = Counter()
        self.refused = 0
        self.painted = 0
        for look in LOOKS:
            self.paint(look)
            self.paint(look)
        self.library = self.open(self.folder)
        self.library.scan([self.photos], group=False)
        self.see_new_faces()
        self.group_everything()

    @staticmethod
    def open(folder: Path) -> Library:
        return open_library(folder, LookModels())

    def paint(self, look: tuple[int, int]) -> None:
        self.painted += 1
        paint_look(self.photos / f"{look[0]}-{look[1]}-{self.painted}.png", look, self.painted)

    # -- what the library says ---------------------------------------------------------------------

    def assigned(self) -> dict[str, str]:
        with closing(sqlite3.connect(self.folder / "catalog.db")) as connection:
            return dict(connection.execute("SELECT face_id, person_id FROM assignments"))

    def grouped_decision(self) -> int:
        with closing(sqlite3.connect(self.folder / "catalog.db")) as connection:
            (row,) = connection.execute("SELECT value FROM meta WHERE key = 'grouped_decision'")
            return int(row[0])

    def see_new_faces(self) -> None:
        situation, photos = self.library.view()
        for face in situation.faces.values():
            stem = photos[face.photo_id].places[0].path.stem
            person, look, _ = stem.split("-")
            self.model.looks.setdefault(str(face.id), (int(person), int(look)))

    def seen(self) -> Shown:
        people = self.library.situation().people
        covers = self.model.facts().covers
        return Shown(
            {
                str(face): (None if owner is None else str(owner), people.status[face].value)
                for face, owner in people.owners.items()
            },
            {str(p.id): p.name for p in people.by_id.values() if p.name is not None},
            {str(p.id): frozenset(map(str, p.aliases)) for p in people.by_id.values() if p.aliases},
            frozenset(str(p.id) for p in people.by_id.values() if p.ignored),
            {
                str(p.id): str(p.cover)
                for p in people.by_id.values()
                if p.cover is not None
                and any(covers.get(one) in p.faces for one in (p.id, *p.aliases))
            },
        )

    def check(self) -> None:
        """See that library and model show the same."""
        seen, expected = self.seen(), self.model.shown()
        assert seen.owners == expected.owners
        assert seen.names == expected.names
        assert seen.ignored == expected.ignored
        assert seen.covers == expected.covers
        assert seen.merged == expected.merged
        self.check_list()

    def check_list(self) -> None:
        """See that what is listed quickly is what reading everything says."""
        people = self.library.situation().people.by_id.values()
        listed = {
            row.id: (row.name, row.faces, row.photos, row.cover, row.confirmed, row.ignored)
            for row in self.library.people()
        }
        assert listed == {
            p.id: (p.name, len(p.faces), p.photos, p.cover, p.confirmed, p.ignored) for p in people
        }

    # -- who can be spoken of ----------------------------------------------------------------------

    def faces_of(self, person: str) -> list[str]:
        return sorted(f for f, (p, _) in self.model.shown().owners.items() if p == person)

    def somebody(self) -> str:
        shown = self.model.shown()
        people = {owner for owner, _ in shown.owners.values() if owner is not None}
        return self.chance.choice(sorted(people | set(shown.names)))

    def some_look(self) -> tuple[str, list[str]] | None:
        """Choose a look all of whose faces are with one person; return person and faces."""
        look = self.chance.choice(list(LOOKS))
        owners = self.model.shown().owners
        faces = sorted(
            f for f, one in self.model.looks.items() if one == look and owners[f][1] != "not-a-face"
        )
        people = {owners[face][0] for face in faces}
        if not faces or len(people) != 1 or None in people:
            return None
        return str(people.pop()), faces

    def some_face(self) -> str:
        return self.chance.choice(sorted(self.model.looks))

    # -- operations: each does the same to both ----------------------------------------------------

    def step(self) -> bool:
        """Do one random thing; return whether something was done."""
        kinds: dict[Callable[[], bool], int] = {
            self.name: 14, self.merge: 10, self.split: 9, self.reject: 8, self.confirm: 8,
            self.move: 6, self.not_a_face: 4, self.cover: 4, self.ignore: 4, self.different: 6,
            self.scan: 3, self.group_new: 2, self.group_everything: 5, self.undo: 8,
            self.undo_any: 5, self.redo: 6,
        }  # fmt: skip
        (operation,) = self.chance.choices(list(kinds), list(kinds.values()))
        if not operation():
            return False
        self.done[operation.__name__] += 1
        self.check()
        return True

    def number(self) -> int:
        return self.library.log()[-1].id

    def name(self) -> bool:
        person, name = self.somebody(), self.chance.choice(_NAMES)
        votes = self.model.beneath(self.faces_of(person))
        if self.library.name(person, name, same=False).decision is None:
            return False  # that is the name already
        self.model.record(Entry(self.number(), "name", (person,), name, votes))
        return True

    def merge(self) -> bool:
        people = list(dict.fromkeys(self.somebody() for _ in range(self.chance.choice([2, 2, 3]))))
        if len(people) < 2:
            return False
        anyway = self.chance.random() < 0.3
        between = self._rejected_between(people)
        if self._must_refuse(people, between) and not anyway:
            with pytest.raises(DecisionConflict):
                self.library.merge(people)
            self.refused += 1
            return True
        faces = [face for person in people for face in self.faces_of(person)]
        votes = self.model.beneath(faces)
        self.library.merge(people, anyway=anyway)
        confirmed = {face: votes[face] for face in between}
        self.model.record(
            Entry(self.number(), "merge", tuple(people), votes=votes, confirmed=confirmed)
        )
        return True

    def _rejected_between(self, people: list[str]) -> list[str]:
        facts = self.model.facts()
        return [
            face
            for person in people
            for face in self.faces_of(person)
            if any(facts.is_not(face, other) for other in people if other != person)
        ]

    def _must_refuse(self, people: list[str], between: list[str]) -> bool:
        facts, names = self.model.facts(), self.model.shown().names
        called = {names[person] for person in people if person in names}
        different = any(
            {facts.survivor(person) for person in pair} <= set(people) for pair in facts.different
        )
        return len(called) > 1 or different or bool(between)

    def split(self) -> bool:
        chosen = self.some_look()
        if chosen is None:
            return False
        person, faces = chosen
        staying = [face for face in self.faces_of(person) if face not in faces]
        if not staying:
            with pytest.raises(UsageError):
                self.library.split(person, faces)
            self.refused += 1
            return True
        name = self.chance.choice([None, *_NAMES])
        votes = self.model.beneath(staying)
        decided = self.library.split(person, faces, name=name, another=True)
        (made,) = {str(owner) for owner in decided.owners.values()}
        self.model.record(
            Entry(
                self.number(),
                "split",
                (made, person),
                name,
                votes,
                confirmed=dict.fromkeys(faces, made),
                rejected=dict.fromkeys(faces, person),
            )
        )
        return True

    def reject(self) -> bool:
        chosen = self.some_look()
        if chosen is None:
            return False
        person, faces = chosen
        staying = [face for face in self.faces_of(person) if face not in faces]
        if not staying and person not in self.model.shown().names:
            with pytest.raises(UsageError):
                self.library.reject(faces)
            self.refused += 1
            return True
        votes = self.model.beneath(staying)
        decided = self.library.reject(faces)
        self.model.record(
            Entry(
                self.number(),
                "reject",
                (person,),
                votes=votes,
                rejected=dict.fromkeys(faces, person),
                shelters={str(face): str(owner) for face, owner in decided.owners.items()},
            )
        )
        return True

    def confirm(self) -> bool:
        face = self.some_face()
        owner, status = self.model.shown().owners[face]
        if status == "not-a-face":
            with pytest.raises(DecisionConflict):
                self.library.confirm([face])
            self.refused += 1
        elif owner is None:
            made = str(self.library.confirm([face]).founded)
            said = {face: made}
            self.model.record(Entry(self.number(), "confirm", (made,), confirmed=said))
        elif face in self.model.facts().confirmed:
            assert self.library.confirm([face]).decision is None
        else:
            said = self.model.beneath([face])
            self.library.confirm([face, face])
            self.model.record(Entry(self.number(), "confirm", (owner,), confirmed=said))
        return True

    def move(self) -> bool:
        """Confirm all faces of a look with somebody else who has that painted person's face."""
        chosen = self.some_look()
        if chosen is None:
            return False
        before, faces = chosen
        painted = self.model.looks[faces[0]][0]
        beneath = self.model.beneath(self.model.looks)
        targets = {
            person
            for face, person in beneath.items()
            if self.model.looks[face][0] == painted
            and person in self.model.shown().names
            and self.model.facts().survivor(person) == person != before
        }
        if not targets:
            return False
        person = self.chance.choice(sorted(targets))
        votes = self.model.beneath(self.faces_of(person))
        self.library.confirm(faces, reference=person)
        self.model.record(
            Entry(
                self.number(),
                "confirm",
                (person,),
                votes=votes,
                confirmed=dict.fromkeys(faces, person),
            )
        )
        return True

    def not_a_face(self) -> bool:
        face = self.some_face()
        if self.model.shown().owners[face][1] == "not-a-face":
            assert self.library.not_a_face([face]).decision is None
            return True
        self.library.not_a_face([face])
        self.model.record(Entry(self.number(), "not-a-face", no_faces=frozenset([face])))
        return True

    def cover(self) -> bool:
        face = self.some_face()
        owner, _ = self.model.shown().owners[face]
        if owner is None:
            return False
        votes = self.model.beneath(self.faces_of(owner))
        self.library.cover(owner, face)
        self.model.record(
            Entry(self.number(), "cover", (owner,), votes=votes, covers={owner: face})
        )
        return True

    def ignore(self) -> bool:
        person = self.somebody()
        votes = self.model.beneath(self.faces_of(person))
        self.library.ignore([person])
        self.model.record(Entry(self.number(), "ignore", (person,), votes=votes))
        return True

    def different(self) -> bool:
        one, other = self.somebody(), self.somebody()
        facts = self.model.facts()
        if one == other:
            return False
        pairs = [{facts.survivor(person) for person in pair} for pair in facts.different]
        if {one, other} in pairs:
            assert self.library.different([one, other]) is None
            return True
        votes = self.model.beneath([*self.faces_of(one), *self.faces_of(other)])
        self.library.different([one, other])
        self.model.record(Entry(self.number(), "different", (one, other), votes=votes))
        return True

    def scan(self) -> bool:
        for look in self.chance.sample(list(LOOKS), 2):
            self.paint(look)
        self.library.scan([self.photos])
        self.see_new_faces()
        self.model.check_joining(self.assigned())
        return True

    def group_new(self) -> bool:
        self.library.group(GroupOptions())
        self.model.check_joining(self.assigned())
        return True

    def group_everything(self) -> bool:
        self.library.group(GroupOptions(), everything=True)
        self.model.check_grouping(self.assigned())
        return True

    def undo(self) -> bool:
        count = self.chance.choice([1, 1, 2, 3, 5])
        numbers = list(reversed(self.model.active[-count:]))
        grouped = self.grouped_decision()
        assert [entry.id for entry in self.library.undo(count)] == numbers
        self.model.undo(numbers)
        self._regrouped(numbers, grouped)
        return bool(numbers)

    def undo_any(self) -> bool:
        if not self.model.active:
            return False
        number = self.chance.choice(self.model.active)
        grouped = self.grouped_decision()
        self.library.undo(decision=number)
        self.model.undo([number])
        self._regrouped([number], grouped)
        return True

    def redo(self) -> bool:
        count = self.chance.choice([1, 2, 4])
        grouped = self.grouped_decision()
        numbers = [entry.id for entry in self.library.redo(count)]
        assert numbers == self.model.redo(count)
        self._regrouped(numbers, grouped)
        return bool(numbers)

    def _regrouped(self, changed: list[int], grouped: int) -> None:
        """What had shaped the last grouping makes a new one when it changes, and only that."""
        shaping = [number for number in changed if self.model.kind_of(number) != "cover"]
        if any(number <= grouped for number in shaping):
            self.model.check_grouping(self.assigned())
        else:
            assert self.assigned() == self.model.base


def _do(world: World, count: int) -> None:
    while sum(world.done.values()) < count:
        world.step()


def _faces(folder: Path) -> str:
    shown = facesort("faces", "--format", "jsonl", "--library", folder)
    assert shown.code == 0, shown.err
    return shown.out


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 5))]
)
def test_two_hundred_random_operations_show_what_the_model_shows(tmp_path, seed):
    world = World(tmp_path, seed)
    _do(world, 200)
    assert len(world.done) == 16, "every kind of operation was done"
    # Most groupings have one right answer; else this would prove little.
    assert world.model.open_questions < 40
    undone = world.library.undo(_EVERYTHING)
    assert [entry.id for entry in undone] == list(reversed(world.model.active))
    world.model.undo([entry.id for entry in undone])
    world.group_everything()
    world.check()
    world.library.close()
    with World.open(tmp_path / "fresh") as fresh:
        fresh.scan([world.photos])
        fresh.group(GroupOptions(), everything=True)
    assert _faces(world.folder) == _faces(tmp_path / "fresh")

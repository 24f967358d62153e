"""The tables of what is shown, patched again and again, say what a full computation says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from facesort.catalog import descriptors, people, places, showing, shown, vectors
from facesort.catalog import photos as catalog
from facesort.catalog.connection import Database
from facesort.catalog.opening import open_database
from facesort.catalog.photos import NewFace, NewPhoto
from facesort.catalog.roots import claim_root
from facesort.domain import Box, FaceStatus, PersonId
from facesort.errors import FacesortError
from facesort.grouping.identity import person_id
from facesort.jobs import decide
from facesort.jobs.describing.coreset_rule import rule_key
from facesort.jobs.describing.descriptors import describe_people, make_missing, store
from facesort.jobs.describing.making import make
from facesort.jobs.grouping.moving import publish_changes
from facesort.jobs.showing.faces import every_face
from facesort.jobs.showing.shown import bring_up_to_date, ensure_fresh
from facesort.jobs.showing.situation import read_situation
from facesort.vision.found import face_id
from tests.fakes import SilentProgress
from tests.weights import card

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from facesort.domain import Face, Person
    from facesort.jobs.showing.situation import Situation

MIN_FACE = 24
CARD = card("sface")
_POINTS = np.zeros((5, 2), dtype=np.float32)


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    database = open_database(tmp_path / "library", create=True)
    yield database
    database.close()


class Play:
    """Does random things to a small library."""

    def __init__(self, db: Database, seed: int) -> None:
        self.db = db
        self.random = np.random.default_rng(seed)
        self.shifts: dict[int, float] = {}
        self.min_face = MIN_FACE
        with db.transaction():
            db.set_meta("grouped_model", CARD.model_key)
        for photo in range(12):
            self.look(photo)
        self.group()

    # -- what scans do ---------------------------------------------------------------------------

    def look(self, photo: int | None = None) -> None:
        """Look at a photo for the first time, or again with another detector."""
        number = int(self.random.integers(16)) if photo is None else photo
        shift = self.shifts[number] = float(self.random.choice([0.0, 6.0, 60.0]))
        key = f"test:{number:02}"
        faces = []
        for place in range(int(self.random.integers(1, 4))):
            side = float(self.random.choice([20, 90, 100]))
            left = place * 200 + shift
            box = Box(left, 100, left + side, 100 + side)
            quality = float(self.random.choice([0.2, 0.5, 0.9]))
            vector = self.vector(place)
            faces.append(NewFace(face_id(key, box), box, _POINTS, 0.9, quality, {}, vector))
        model = CARD.model_key
        new = NewPhoto(key, 1000, 500, "", "", f"d{shift}", model, 20, tuple(faces))
        with self.db.transaction():
            photo_id = catalog.store_photo(self.db, new)
            part = claim_root(self.db, Path("/photos"))
            places.put_place(self.db, part, f"{number}.jpg", photo_id=photo_id, size=1, mtime_ns=2)

    def vector(self, place: int) -> NDArray[np.float32]:
        """Draw the vector of a face."""
        raw = np.eye(8)[place] + self.random.normal(0, 0.3, 8)
        unit: NDArray[np.float32] = (raw / np.linalg.norm(raw)).astype(np.float32)
        return unit

    def look_again(self) -> None:
        """Let something that descriptors are made of change: quality, time or vector."""
        faces = self.db.rows("SELECT id, photo_id FROM faces")
        face, photo = faces[int(self.random.integers(len(faces)))]
        with self.db.transaction():
            match int(self.random.integers(4)):
                case 0:
                    self.db.execute("UPDATE faces SET quality = 0.7 WHERE id = ?", (face,))
                case 1:
                    moment = f"2026-01-01T10:00:{self.random.integers(60):02}"
                    catalog.set_exif(self.db, photo, taken_at=moment, camera="", corrects=True)
                case 2:
                    self.db.execute("DELETE FROM vectors WHERE face_id = ?", (face,))
                case _:
                    vectors.put(self.db, CARD.model_key, [(face, self.vector(1))])

    def lose(self) -> None:
        """Let a photo lie nowhere, and forget it, or not yet."""
        rows = self.db.rows("SELECT id, photo_id FROM places")
        if len(rows) < 6:
            return
        place, photo = rows[int(self.random.integers(len(rows)))]
        with self.db.transaction():
            places.forget_place(self.db, [place])
            if self.random.random() < 0.5:
                catalog.forget_photos(self.db, [photo])

    def group(self) -> None:
        """Group anew, at random: most faces stay where they are."""
        situation = self.situation()
        faces = list(situation.faces.values())
        before = people.assignments(self.db)
        owners, founders = {}, {}
        for face in faces:
            said = self.random.random()
            if said < 0.5 and face.id in before:
                owners[face.id] = before[face.id]
            elif said < 0.95:
                other = faces[int(self.random.integers(len(faces)))]
                person = before.get(other.id) or person_id(other.anchor)
                owners[face.id] = person
                if person not in situation.existing:
                    founders[person] = other.anchor
        with self.db.transaction():
            people.found_all(self.db, founders)
            people.publish(self.db, owners)

    def move(self) -> None:
        """Let an incremental grouping move a few faces."""
        situation = self.situation()
        before = people.assignments(self.db)
        faces = list(situation.faces.values())
        chosen = [faces[i] for i in self.random.integers(0, len(faces), self.random.integers(1, 5))]
        everybody = sorted(people.existing(self.db))
        owners = {
            face.id: everybody[int(self.random.integers(len(everybody)))]
            for face in chosen
            if self.random.random() < 0.8
        }
        nobody = [face.id for face in chosen if face.id not in owners]
        with self.db.transaction():
            publish_changes(self.db, owners, nobody, min_face=self.min_face)
        assert people.assignments(self.db) == {
            face: person for face, person in {**before, **owners}.items() if face not in nobody
        }

    def count_smaller(self) -> None:
        """Let faces count from another size on."""
        self.min_face = int(self.random.choice([20, 24, 95]))

    # -- what the user says ----------------------------------------------------------------------

    def say(self) -> None:
        """Decide something."""
        verbs: list[Callable[[Situation], object]] = [
            lambda s: decide.name(
                self.db, s, self.person(s), f"N{self.random.integers(4)}", same=self.maybe()
            ),
            lambda s: decide.merge(
                self.db, s, [self.person(s), self.person(s)], anyway=bool(self.maybe())
            ),
            lambda s: decide.merge(self.db, s, [self.person(s) for _ in range(3)], anyway=True),
            lambda s: decide.ignore(self.db, s, [self.person(s)]),
            lambda s: decide.reject(self.db, s, [self.face(s)]),
            lambda s: decide.confirm(self.db, s, [self.face(s)], anyway=True),
            lambda s: decide.confirm(
                self.db, s, [self.face(s)], person=self.person(s), anyway=True
            ),
            lambda s: decide.not_a_face(self.db, s, [self.face(s)]),
            self.different,
            self.split,
            self.cover,
            lambda s: decide.undo(self.db, s, 1, None),
            lambda s: decide.undo(self.db, s, 2, None),
            lambda s: decide.undo(self.db, s, 1, self.any_decision(s)),
            lambda s: decide.redo(self.db, s, 1),
        ]
        verb = verbs[int(self.random.integers(len(verbs)))]
        with self.db.transaction():
            try:
                verb(read_situation(self.db, min_face=self.min_face))
            except FacesortError:
                return  # a conflict, or nothing of the kind: then nothing was said

    def different(self, situation: Situation) -> object:
        two = [self.person(situation), self.person(situation)]
        return decide.different(self.db, situation, two, given=[person.id for person in two])

    def split(self, situation: Situation) -> None:
        person = self.person(situation)
        if len(person.faces) > 1:
            face = situation.faces[person.faces[-1]]
            decide.split(self.db, situation, person, [face], name="Zoe" if self.maybe() else None)

    def cover(self, situation: Situation) -> None:
        person = self.person(situation)
        if person.faces:
            decide.cover(self.db, situation, person, situation.faces[person.faces[-1]])

    def any_decision(self, situation: Situation) -> int:
        active = situation.history.active
        return active[int(self.random.integers(len(active)))].id if active else 1

    def maybe(self) -> bool:
        return bool(self.random.random() < 0.5)

    def person(self, situation: Situation) -> Person:
        persons = [p for _, p in sorted(situation.people.by_id.items())]
        return persons[int(self.random.integers(len(persons)))]

    def face(self, situation: Situation) -> Face:
        faces = list(situation.faces.values())
        return faces[int(self.random.integers(len(faces)))]

    def situation(self) -> Situation:
        with self.db.snapshot():
            return read_situation(self.db, min_face=self.min_face)

    # -- the comparison --------------------------------------------------------------------------

    def check(self) -> None:
        """Compare the tables with what reading everything says."""
        seen = self.situation().people
        assert {row.id: row._replace(picked=False) for row in showing.people(self.db)} == {
            person.id: showing.PersonRow(
                person.id,
                person.name,
                len(person.faces),
                person.photos,
                person.cover,
                person.confirmed,
                person.ignored,
                seen.named_at.get(person.id),
            )
            for person in seen.by_id.values()
        }
        assert showing.aliases(self.db, seen.by_id) == {
            p.id: p.aliases for p in seen.by_id.values()
        }
        identities = showing.members(self.db, seen.by_id)
        rows = showing.face_rows(self.db, list(identities), min_face=self.min_face)
        assert sorted((row.id, identities[row.person]) for row in rows) == sorted(
            (face, owner) for face, owner in seen.owners.items() if owner is not None
        )
        confirmed = {row.id for row in rows if row.confirmed}
        assert confirmed >= {f for f, s in seen.status.items() if s is FaceStatus.CONFIRMED}
        said = {face for (face,) in self.db.rows("SELECT face_id FROM said_faces WHERE not_face")}
        assert said == {f for f, s in seen.status.items() if s is FaceStatus.NOT_A_FACE}

    def check_descriptors(self) -> None:
        """Compare what is stored of people with what would be made of them now."""
        rule = rule_key(self.db, CARD, min_face=self.min_face)
        filled = self.maybe()
        if filled:
            describe_people(self.db, CARD, min_face=self.min_face, progress=SilentProgress())
        elif self.maybe():
            with self.db.snapshot():
                made = make_missing(self.db, CARD, min_face=self.min_face)
            assert store(self.db, made)
        with self.db.snapshot():
            everybody = sorted(row.id for row in showing.people(self.db) if row.faces)
            anew = list(make(self.db, CARD, everybody, min_face=self.min_face))
            stored = [
                row
                for person in everybody
                for row in descriptors.of_person(self.db, CARD.model_key, rule, person)
            ]
            read = descriptors.read(self.db, CARD.model_key, rule)
        there = {row.person for row in (anew if filled else stored)}
        assert list(map(_plain, stored)) == [_plain(row) for row in anew if row.person in there]
        assert read.people == tuple(row.person for row in stored)
        assert np.array_equal(read.vectors, descriptors.stack(stored).vectors) or not stored

    def check_stream(self) -> None:
        """Compare the faces of a stream with the whole."""
        seen = self.situation().people
        with self.db.snapshot():
            streamed = list(every_face(self.db, min_face=self.min_face))
        assert [one.face.id for one in streamed] == list(self.situation().faces)
        assert {one.face.id: (one.owner, one.status) for one in streamed} == {
            face: (owner, seen.status[face]) for face, owner in seen.owners.items()
        }

    def check_part(self) -> None:
        """Compare a part of the situation with the whole of it."""
        whole = self.situation()
        everybody = [*whole.people.by_id, *(PersonId(p) for p in people.existing(self.db))]
        persons = [
            self.spelled(everybody[i], whole) for i in self.random.integers(0, len(everybody), 3)
        ]
        faces = [self.face(whole).id for _ in range(2)]
        with self.db.snapshot():
            part = read_situation(
                self.db, min_face=self.min_face, persons=[*persons, "nobody"], faces=faces
            )
        assert part.people.by_id.items() <= whole.people.by_id.items()
        asked = {_answer(whole, reference) for reference in persons}
        assert {_answer(part, reference) for reference in persons} == asked
        for face in faces:
            assert part.face(face).anchor == whole.face(face).anchor
            assert whole.people.owners[face] in {None, *part.people.by_id}
        assert set(part.people.owners) == {
            *faces,
            *(face for person in part.people.by_id.values() for face in person.faces),
        }
        for said in ("identities", "owners", "status"):
            assert getattr(part.people, said).items() <= getattr(whole.people, said).items()
        anchors = [f.anchor for d in whole.history.active for f in d.faces]
        found = part.find(anchors)
        assert {a: f for a, f in whole.find(anchors).items() if f in part.people.owners} == {
            a: f for a, f in found.items() if f in part.people.owners
        }
        several = list(part.people.by_id.values())
        assert sorted(part.ballots(several, without=faces)) == sorted(
            whole.ballots(several, without=faces)
        )
        assert (part.history, part.standing) == (whole.history, whole.standing)

    def spelled(self, person: PersonId, whole: Situation) -> str:
        """Write an id as somebody might, or say the name instead."""
        known = whole.people.by_id.get(person)
        if known is not None and known.name is not None and self.maybe():
            return known.name.lower() if self.maybe() else known.name
        return f" {person.upper()}" if self.maybe() else person


def _plain(row: descriptors.DescriptorRow) -> tuple[object, ...]:
    return (*row[:-1], row.descriptor.tolist())


def _answer(situation: Situation, reference: str) -> object:
    try:
        return situation.person(reference)
    except FacesortError as refusal:
        return refusal.message


@pytest.mark.parametrize("seed", range(12))
def test_what_is_shown_follows_every_change(db, seed):
    play = Play(db, seed)
    actions = [play.say] * 14 + [play.look] * 3 + [play.move] * 2
    actions += [play.lose, play.group, play.count_smaller, play.look_again, play.look_again]
    for _ in range(60):
        for _ in range(int(play.random.integers(1, 4))):
            actions[int(play.random.integers(len(actions)))]()
        if play.maybe():
            ensure_fresh(db, min_face=play.min_face)
        else:
            with db.transaction():
                bring_up_to_date(db, min_face=play.min_face)
        assert shown.is_fresh(db, min_face=play.min_face)
        play.check_descriptors()
        play.check()
        play.check_part()
        play.check_stream()


@pytest.mark.parametrize("seed", range(6))
def test_what_is_shown_follows_faces_that_move(db, seed):
    """Few decisions, so that nearly every move is followed without counting anew."""
    play = Play(db, 100 + seed)
    patched = 0
    for round_ in range(40):
        if round_ % 10 == 5:
            play.say()
        play.move()
        patched += shown.is_fresh(db, min_face=play.min_face)
        ensure_fresh(db, min_face=play.min_face)
        play.check_descriptors()
        play.check()
    assert patched > 15

"""The catalog file: how it is made, what it refuses, and what its tables give back."""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facesort.catalog import decisions, opening, people, places, roots, vectors
from facesort.catalog import photos as catalog
from facesort.catalog.connection import CATALOG_NAME, Database
from facesort.catalog.opening import open_database
from facesort.catalog.photos import NewFace, NewPhoto
from facesort.domain import (
    Anchor,
    Box,
    DecisionFace,
    FaceId,
    FaceRole,
    PersonId,
    PhotoId,
    PlaceState,
    Verdict,
)
from facesort.errors import LibraryDamaged, LibraryLocked, LibraryNotFound, LibraryUnwritable

if TYPE_CHECKING:
    from collections.abc import Iterator

ANNA = PersonId("panna123")
ANCHOR = Anchor("png1:aa", Box(0.1, 0.2, 0.3, 0.4))


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    database = open_database(tmp_path / "library", create=True)
    yield database
    database.close()


def _photo(key: str = "png1:aa", *boxes: Box, model: str = "m1", min_face: int = 24) -> NewPhoto:
    points = np.arange(10, dtype=np.float32).reshape(5, 2)
    vectors = np.eye(8, dtype=np.float32)
    faces = tuple(
        NewFace(FaceId(f"f{key}{i}{box.left}"), box, points, 0.9, 0.5, {"norm": 11.0}, vectors[i])
        for i, box in enumerate(boxes)
    )
    return NewPhoto(key, 1000, 500, "2024-05-01T10:00:00", "Camera", "d1", model, min_face, faces)


def _store(db: Database, photo: NewPhoto, path: str = "a.png") -> PhotoId:
    with db.transaction():
        photo_id = catalog.store_photo(db, photo)
        part = roots.claim_root(db, Path("/photos"))
        places.put_place(db, part, path, photo_id=photo_id, size=1, mtime_ns=2)
    return photo_id


def _name(db: Database, name: str = "Anna") -> int:
    with db.transaction():
        people.found(db, ANNA, ANCHOR)
        vote = DecisionFace(ANCHOR, ANNA, FaceRole.VOTE)
        return decisions.append(db, Verdict.NAME, people=(ANNA,), name=name, faces=[vote])


# -- the file ------------------------------------------------------------------------------------


def test_a_catalog_has_large_pages_and_a_write_ahead_log_and_checks_references(db):
    assert db.rows("PRAGMA page_size") == [(8192,)]
    assert db.rows("PRAGMA journal_mode") == [("wal",)]
    assert db.rows("PRAGMA foreign_keys") == [(1,)]
    assert db.rows("PRAGMA secure_delete") == [(1,)]
    assert db.rows("PRAGMA synchronous") == [(2,)]  # FULL
    with pytest.raises(sqlite3.IntegrityError), db.transaction():
        db.execute("INSERT INTO assignments VALUES ('no face', 'nobody')")


@pytest.mark.skipif(os.name == "nt", reason="Windows has other access rights")
def test_only_the_owner_can_read_a_catalog_and_what_lies_beside_it(tmp_path):
    before = os.umask(0o022)
    try:
        database = open_database(tmp_path / "library", create=True)
        _name(database)
        rights = {
            path.name: stat.S_IMODE(path.stat().st_mode)
            for path in (tmp_path / "library").iterdir()
        }
        database.close()
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "library").stat().st_mode) == 0o700
    assert rights == dict.fromkeys(("catalog.db", "catalog.db-wal", "catalog.db-shm"), 384)


@pytest.mark.skipif(os.name == "nt", reason="Windows has other access rights")
def test_a_folder_that_others_could_enter_is_closed_to_them(tmp_path):
    (tmp_path / "library").mkdir(mode=0o755)
    open_database(tmp_path / "library", create=True).close()
    assert stat.S_IMODE((tmp_path / "library").stat().st_mode) == 0o700


def test_a_library_is_made_only_when_asked_for(tmp_path):
    with pytest.raises(LibraryNotFound, match="there is no library") as missing:
        open_database(tmp_path / "library", create=False)
    assert missing.value.exit_code == 11
    assert "facesort scan" in missing.value.hint
    assert not (tmp_path / "library").exists()


def test_a_library_has_a_number_of_its_own_that_stays(tmp_path):
    numbers = []
    for folder in ("one", "one", "two"):
        database = open_database(tmp_path / folder, create=True)
        numbers.append(database.meta("library_id"))
        database.close()
    assert numbers[0] == numbers[1] != numbers[2]
    assert len(numbers[0]) == 32


@pytest.mark.parametrize("content", [b"this is no database " * 500, b"\x00" * 9000])
def test_a_file_that_is_no_database_is_called_damaged(tmp_path, content):
    (tmp_path / CATALOG_NAME).write_bytes(content)
    with pytest.raises(LibraryDamaged, match=r"catalog\.db is not a readable") as damaged:
        open_database(tmp_path, create=True)
    assert damaged.value.exit_code == 17
    assert damaged.value.hint
    assert (tmp_path / CATALOG_NAME).read_bytes() == content


def test_a_catalog_with_overwritten_pages_is_called_damaged(tmp_path):
    database = open_database(tmp_path, create=True)
    for i in range(40):
        _store(database, _photo(f"png1:{i}", Box(0, 0, 100, 100)), f"{i}.png")
    database.close()
    raw = bytearray((tmp_path / CATALOG_NAME).read_bytes())
    assert len(raw) > 8 * 8192
    raw[8192:] = b"\xa5" * (len(raw) - 8192)
    (tmp_path / CATALOG_NAME).write_bytes(raw)
    with pytest.raises(LibraryDamaged):
        database = open_database(tmp_path, create=False)
        try:
            catalog.faces(database, min_face=1)
        finally:
            database.close()


def test_a_folder_in_the_place_of_the_catalog_is_reported(tmp_path):
    (tmp_path / CATALOG_NAME).mkdir()
    with pytest.raises(LibraryUnwritable) as refused:
        open_database(tmp_path, create=True)
    assert refused.value.exit_code == 16


def test_a_file_in_the_place_of_the_library_is_reported(tmp_path):
    (tmp_path / "library").write_text("mine")
    for create in (True, False):
        with pytest.raises((LibraryUnwritable, LibraryNotFound)):
            open_database(tmp_path / "library", create=create)
    assert (tmp_path / "library").read_text() == "mine"


# -- transactions --------------------------------------------------------------------------------


def test_a_transaction_that_raises_stores_nothing(db):
    with pytest.raises(RuntimeError), db.transaction():
        db.set_meta("half", "1")
        raise RuntimeError
    assert db.meta("half", "absent") == "absent"
    with db.transaction():
        db.set_meta("whole", "1")
    assert db.meta("whole") == "1"


def test_commits_are_announced_and_rollbacks_are_not(tmp_path):
    heard: list[int] = []
    database = open_database(tmp_path, create=True, after_commit=lambda: heard.append(1))
    before = len(heard)
    with database.transaction():
        database.set_meta("a", "1")
    with pytest.raises(RuntimeError), database.transaction():
        raise RuntimeError
    with database.snapshot():
        database.meta("a")
    database.close()
    assert len(heard) == before + 1


def test_a_snapshot_does_not_see_what_others_write_meanwhile(db):
    other = open_database(db.path.parent, create=False)
    with db.snapshot():
        assert decisions.last_id(db) == 0
        _name(other)  # neither waits for the other
        assert decisions.last_id(db) == 0
    assert decisions.last_id(db) == 1
    other.close()


def test_who_waits_too_long_for_the_write_lock_is_told_so(tmp_path, monkeypatch):
    monkeypatch.setattr(opening, "BUSY_TIMEOUT_S", 0.2)
    holder = open_database(tmp_path, create=True)
    waiting = open_database(tmp_path, create=False)
    with holder.transaction(), pytest.raises(LibraryLocked, match="busy") as locked:
        _name(waiting)
    assert locked.value.exit_code == 12
    assert _name(waiting) == 1
    holder.close()
    waiting.close()


def test_who_waits_a_moment_for_the_write_lock_gets_it(tmp_path):
    holder = open_database(tmp_path, create=True)
    free, taken = threading.Event(), threading.Event()

    def name() -> None:
        waiting = open_database(tmp_path, create=False)
        taken.set()
        _name(waiting)
        waiting.close()
        free.set()

    with holder.transaction():
        thread = threading.Thread(target=name)
        thread.start()
        taken.wait(5)
        assert not free.wait(0.2)
    thread.join(5)
    assert free.is_set()
    assert [d.name for d in decisions.log(holder)] == ["Anna"]
    holder.close()


def test_without_space_nothing_is_lost_and_the_next_try_works(db):
    _name(db)
    (pages,) = db.rows("PRAGMA page_count")[0]
    db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(LibraryUnwritable, match="no space left") as full, db.transaction():
        decisions.append(db, Verdict.NAME, people=(ANNA,), name="x" * 100_000)
    assert full.value.exit_code == 16
    assert "Free some space" in full.value.hint
    assert [entry.name for entry in decisions.log(db)] == ["Anna"]
    db.execute("PRAGMA max_page_count = 100000")
    _name(db, "Anna Berg")
    assert [entry.name for entry in decisions.log(db)] == ["Anna", "Anna Berg"]


def test_a_catalog_that_may_only_be_read_says_so(db):
    _name(db)
    db.execute("PRAGMA query_only = ON")
    with pytest.raises(LibraryUnwritable, match="cannot be written") as refused:
        _name(db, "Berta")
    assert refused.value.exit_code == 16
    assert [entry.name for entry in decisions.log(db)] == ["Anna"]


# -- the log -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE decisions SET verdict = 'ignore'",
        "DELETE FROM decisions",
        "UPDATE decision_people SET position = 7",
        "DELETE FROM decision_people",
        "UPDATE decision_faces SET role = 'confirmed'",
        "DELETE FROM decision_faces",
    ],
)
def test_the_log_of_decisions_only_grows(db, statement):
    _name(db)
    before = decisions.log(db)
    with pytest.raises(sqlite3.IntegrityError, match="only grows"), db.transaction():
        db.execute(statement)
    assert decisions.log(db) == before


def test_a_decision_comes_back_as_it_was_made(db):
    with db.transaction():
        for person in ("pb", "pa"):
            people.found(db, PersonId(person), ANCHOR)
        said = [
            DecisionFace(ANCHOR, PersonId("pa"), FaceRole.REJECTED),
            DecisionFace(ANCHOR, PersonId("pb"), FaceRole.VOTE),
        ]
        order = (PersonId("pb"), PersonId("pa"))
        number = decisions.append(db, Verdict.REJECT, people=order, faces=said)
        decisions.append(db, Verdict.UNDO, target=number)
    reject, undo = decisions.log(db)
    assert (reject.id, reject.verdict, reject.people, reject.name) == (1, "reject", order, None)
    assert set(reject.faces) == set(said)
    assert reject.made_at.endswith("+00:00")
    assert (undo.id, undo.verdict, undo.target) == (2, "undo", 1)


def test_an_erased_name_leaves_its_decision(db):
    _name(db)
    with db.transaction():
        db.execute("UPDATE names SET text = NULL")
        db.execute("UPDATE anchors SET content_key = NULL, left = NULL, top = NULL")
    (entry,) = decisions.log(db)
    assert (entry.verdict, entry.name, entry.faces) == (Verdict.NAME, None, ())


def test_an_identity_is_founded_once(db):
    with db.transaction():
        people.found(db, ANNA, ANCHOR)
        people.found(db, ANNA, Anchor("png1:bb", Box(0, 0, 1, 1)))
    assert people.founding_anchors(db) == {ANNA: ANCHOR}
    assert people.existing(db) == {ANNA}


# -- photos and faces ----------------------------------------------------------------------------


def test_a_face_comes_back_with_its_relative_anchor_and_unit_vector(db):
    photo_id = _store(db, _photo("png1:aa", Box(100, 50, 300, 150)))
    (face,) = catalog.faces(db, min_face=24)
    assert face.photo_id == photo_id
    assert face.anchor == Anchor("png1:aa", Box(0.1, 0.1, 0.3, 0.3))
    assert face.landmarks.tolist() == np.arange(10).reshape(5, 2).tolist()
    assert dict(face.measures) == {"norm": 11.0}
    matrix = vectors.matrix(db, "m1")
    assert matrix.face_ids == (face.id,)
    assert np.linalg.norm(matrix.vectors, axis=1) == pytest.approx(1.0)
    assert len(vectors.matrix(db, "another")) == 0


def test_small_faces_are_filtered_by_their_shorter_side(db):
    _store(db, _photo("png1:aa", Box(0, 0, 100, 30), Box(200, 0, 300, 100)))
    assert [catalog.count_faces(db, min_face=n) for n in (1, 30, 31, 101)] == [2, 2, 1, 0]
    assert [len(catalog.faces(db, min_face=n)) for n in (1, 30, 31, 101)] == [2, 2, 1, 0]


def test_a_photo_without_a_place_does_not_count(db):
    _store(db, _photo("png1:aa", Box(0, 0, 100, 100)))
    with db.transaction():
        db.execute("DELETE FROM places")
    assert catalog.faces(db, min_face=1) == []
    assert catalog.count_faces(db, min_face=1) == 0


def test_another_look_replaces_faces_and_the_person_follows_the_overlapping_box(db):
    photo_id = _store(db, _photo("png1:aa", Box(0, 0, 100, 100), Box(500, 0, 600, 100)))
    with db.transaction():
        people.found(db, ANNA, ANCHOR)
        people.publish(db, {catalog.faces(db, min_face=1)[0].id: ANNA})
    assert _store(db, _photo("png1:aa", Box(10, 0, 110, 100))) == photo_id
    (face,) = catalog.faces(db, min_face=1)
    assert face.box == Box(10, 0, 110, 100)
    assert people.assignments(db) == {face.id: ANNA}
    assert len(vectors.matrix(db, "m1")) == 1


def test_another_look_at_a_video_carries_a_person_over_only_within_its_time(db):
    def filmed(seconds: float, name: str, box: Box) -> NewFace:
        (face,) = _photo("video1:aa", box).faces
        times = {"seconds": seconds, "from": seconds - 1, "until": seconds + 1}
        return replace(face, id=FaceId(name), measures=times)

    seat = Box(0, 0, 100, 100)
    early, late = filmed(3, "early", seat), filmed(9, "late", seat)
    _store(db, replace(_photo("video1:aa"), faces=(early, late)), "a.mp4")
    with db.transaction():
        people.found(db, ANNA, ANCHOR)
        people.publish(db, {late.id: ANNA})
    faces = catalog.faces(db, min_face=1)
    assert {face.anchor.content_key for face in faces} == {"video1:aa@3.000", "video1:aa@9.000"}
    moved = Box(5, 0, 105, 100)
    again = (filmed(3.5, "early again", moved), filmed(8.5, "late again", moved))
    _store(db, replace(_photo("video1:aa"), faces=again), "a.mp4")
    assert people.assignments(db) == {FaceId("late again"): ANNA}


def test_vectors_of_two_models_lie_side_by_side(db):
    _store(db, _photo("png1:aa", Box(0, 0, 100, 100)))
    _store(db, _photo("png1:aa", Box(0, 0, 100, 100), model="m2"))
    assert len(vectors.matrix(db, "m1")) == len(vectors.matrix(db, "m2")) == 1
    assert catalog.content_keys(db) == [("png1:aa", "d1", "m2", 24)]


def test_publishing_writes_only_what_differs(db):
    _store(db, _photo("png1:aa", Box(0, 0, 100, 100), Box(500, 0, 600, 100)))
    one, two = (face.id for face in catalog.faces(db, min_face=1))
    with db.transaction():
        people.found(db, ANNA, ANCHOR)
        people.publish(db, {one: ANNA, two: ANNA})
    (before,) = db.rows("SELECT total_changes()")[0]
    with db.transaction():
        people.publish(db, {one: ANNA, two: ANNA})
    assert db.rows("SELECT total_changes()") == [(before,)]
    with db.transaction():
        people.publish(db, {two: ANNA})
    assert people.assignments(db) == {two: ANNA}


def test_every_change_of_faces_moves_the_generation(db):
    seen = [catalog.generation(db)]
    for key in ("png1:aa", "png1:bb", "png1:aa"):
        _store(db, _photo(key, Box(0, 0, 100, 100)))
        seen.append(catalog.generation(db))
    assert seen == sorted(set(seen))


# -- places --------------------------------------------------------------------------------------

_PATHS = st.binary(min_size=1, max_size=20).filter(lambda b: b"\0" not in b and b"/" not in b)


@settings(max_examples=30)  # each makes a library
@given(path=_PATHS)
def test_any_file_name_comes_back_byte_for_byte(tmp_path_factory, path):
    folder = tmp_path_factory.mktemp("library")
    database = open_database(folder, create=True)
    try:
        name = os.fsdecode(path)
        _store(database, _photo(), name)
        part = roots.find_root(database, Path("/photos"))
        assert part is not None
        assert list(places.places_within(database, part)) == [name]
        (photo,) = places.photos(database).values()
        assert os.fsencode(photo.places[0].path.name) == path
    finally:
        database.close()


def test_a_folder_below_a_known_root_is_a_part_of_it(db):
    _store(db, _photo(), "2024/may/a.png")
    _store(db, _photo("png1:bb"), "2025/b.png")
    part = roots.find_root(db, Path("/photos/2024"))
    assert part is not None
    assert part.prefix == "2024/"
    assert list(places.places_within(db, part)) == ["may/a.png"]
    with db.transaction():
        assert roots.claim_root(db, Path("/photos/2024")) == part
    assert roots.root_paths(db) == [Path("/photos")]


def test_a_folder_above_known_roots_takes_them_over(db):
    with db.transaction():
        for root in ("/photos/2024", "/photos/2025", "/photos-old"):
            part = roots.claim_root(db, Path(root))
            places.put_place(db, part, "a.png", photo_id=None, size=1, mtime_ns=1)
        part = roots.claim_root(db, Path("/photos"))
    assert roots.root_paths(db) == [Path("/photos"), Path("/photos-old")]
    assert set(places.places_within(db, part)) == {"2024/a.png", "2025/a.png"}


def test_a_root_whose_name_begins_alike_is_another_root(db):
    with db.transaction():
        roots.claim_root(db, Path("/photos/a"))
    assert roots.find_root(db, Path("/photos/ab")) is None
    assert roots.find_root(db, Path("/photos")) is None


def test_the_file_systems_own_root_can_be_scanned(db):
    with db.transaction():
        roots.claim_root(db, Path("/photos/a"))
        part = roots.claim_root(db, Path("/"))
        assert roots.root_paths(db) == []  # nothing was found there yet
        places.put_place(db, part, "a.png", photo_id=None, size=1, mtime_ns=1)
    assert roots.root_paths(db) == [Path("/")]
    found = roots.find_root(db, Path("/photos"))
    assert found == roots.RootPart(part.root_id, "photos/")


def test_present_places_of_a_photo_come_first_and_then_by_path(db):
    photo_id = _store(db, _photo(), "b.png")
    _store(db, _photo(), "c.png")
    _store(db, _photo(), "a.png")
    part = roots.find_root(db, Path("/photos"))
    assert part is not None
    with db.transaction():
        gone = places.places_within(db, part)["a.png"]
        places.set_place_state(db, [gone.id], PlaceState.MISSING)
    assert [p.path.name for p in places.photos(db)[photo_id].places] == ["b.png", "c.png", "a.png"]
    missing = places.places_in_state(db, [PlaceState.MISSING])
    assert [p.path.name for p in missing] == ["a.png"]

"""Stored descriptors: made once, read often, and the cover that comes of them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from facesort.catalog import descriptors, people, showing, vectors
from facesort.catalog.opening import open_database
from facesort.descriptors.compact import fit_code
from facesort.domain import VectorCode
from facesort.errors import LibraryLocked, LibraryUnwritable
from facesort.grouping.identity import person_id
from facesort.jobs import decide
from facesort.jobs.describing import descriptors as job
from facesort.jobs.describing.coreset_rule import rule_key, seconds_of
from facesort.jobs.grouping.past import StoredPast
from facesort.jobs.recognising.gallery import known_people
from facesort.jobs.showing.shown import ensure_fresh
from facesort.jobs.showing.situation import read_situation
from tests.fakes import SilentProgress
from tests.stored import Stock, store
from tests.vectors import identity_vectors, unit
from tests.weights import card

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from facesort.catalog.connection import Database
    from facesort.domain import PersonId

CARD = card("sface")
MIN_FACE = 24


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    database = open_database(tmp_path / "library", create=True)
    yield database
    database.close()


def fill(db: Database, stock: Stock) -> list[PersonId]:
    """Store faces, each on a photo of its own, grouped by the truth; return the people's ids."""
    store(SimpleNamespace(_db=db), stock, stock.photos.tolist(), model_key=CARD.model_key)  # type: ignore[arg-type]
    with db.snapshot():
        situation = read_situation(db, min_face=MIN_FACE)
    owners, founders, ids = {}, {}, {}
    for face, number in zip(stock.ids(), stock.person.tolist(), strict=True):
        anchor = situation.faces[face].anchor
        if number not in ids:
            ids[number] = person_id(anchor)
            founders[ids[number]] = anchor
        owners[face] = ids[number]
    with db.transaction():
        people.found_all(db, founders)
        people.publish(db, owners)
        db.set_meta("grouped_model", CARD.model_key)
    ensure_fresh(db, min_face=MIN_FACE)
    return [ids[number] for number in sorted(ids)]


def stock_of(sizes: list[int], *, seed: int = 1, quality: float = 0.8) -> Stock:
    found, person = identity_vectors(sizes, seed=seed, spread=0.6, dimension=128)
    n = len(person)
    return Stock(found, person, np.arange(1, n + 1), np.full(n, quality, dtype=np.float32))


def with_stranger(people_: int = 60) -> Stock:
    """A person of many faces, the best of which is somebody else's."""
    stock = stock_of([people_, 4])
    found = stock.vectors.copy()
    found[7] = unit(np.random.default_rng(9).standard_normal((1, 128)))[0]
    quality = stock.quality.copy()
    quality[7], quality[11] = 1.0, 0.9
    return Stock(found, stock.person, stock.photo, quality)


def describe(db: Database) -> None:
    job.describe_people(db, CARD, min_face=MIN_FACE, progress=SilentProgress())


def stored(db: Database, person: PersonId) -> list[descriptors.DescriptorRow]:
    key = rule_key(db, CARD, min_face=MIN_FACE)
    return descriptors.of_person(db, CARD.model_key, key, person)


def test_everybody_is_described_once(db, monkeypatch):
    ids = fill(db, stock_of([5, 1, 3]))
    describe(db)
    assert [stored(db, person)[0].faces for person in ids] == [5, 1, 3]
    monkeypatch.setattr(job, "make", lambda *_, **__: 1 / 0)
    describe(db)
    with db.snapshot():
        known = known_people(db, CARD, min_face=MIN_FACE)
    assert list(known.persons) == sorted(ids)
    faces = dict(zip(ids, [5, 1, 3], strict=True))
    assert known.gallery.faces.tolist() == [faces[person] for person in known.persons]


def test_pieces_give_what_one_go_gives(db, monkeypatch):
    ids = fill(db, stock_of([5, 1, 3, 7, 2]))
    with db.snapshot():
        whole = job.make_missing(db, CARD, min_face=MIN_FACE)
    monkeypatch.setattr(job, "_FACES_AT_ONCE", 4)
    with db.snapshot():
        parts = job.make_missing(db, CARD, min_face=MIN_FACE)
    assert [row[:-1] for row in whole.rows] == [row[:-1] for row in parts.rows]
    assert len(whole.rows) == len(ids)


def test_what_was_made_before_somebody_else_wrote_is_not_stored(db, tmp_path):
    ids = fill(db, stock_of([5, 3]))
    with db.snapshot():
        made = job.make_missing(db, CARD, min_face=MIN_FACE)
    other = open_database(tmp_path / "library", create=False)
    with other.transaction():
        other.set_meta("told_drive", "something")
    other.close()
    assert not job.store(db, made)
    assert stored(db, ids[0]) == []


@pytest.mark.parametrize("error", [LibraryLocked("busy"), LibraryUnwritable("full")])
def test_a_catalog_that_cannot_be_written_is_no_obstacle(db, monkeypatch, error):
    fill(db, stock_of([5, 3]))

    def refuse(*_):
        raise error

    monkeypatch.setattr(descriptors, "put", refuse)
    describe(db)
    with db.snapshot():
        known = known_people(db, CARD, min_face=MIN_FACE)
    assert known.gallery.people == 2
    assert not job.store(db, known.made)


def test_another_rule_or_smallest_face_describes_people_anew(db):
    ids = fill(db, stock_of([5, 3]))
    describe(db)
    key = rule_key(db, CARD, min_face=MIN_FACE)
    assert descriptors.missing(db, CARD.model_key, key) == []
    assert key != rule_key(db, CARD, min_face=30)
    assert [p for p, _ in descriptors.missing(db, CARD.model_key, "another")] == sorted(ids)


def test_vectors_in_another_form_describe_people_anew(db):
    stock = stock_of([5, 3])
    ids = fill(db, stock)
    describe(db)
    code = fit_code(stock.vectors, CARD.model_key)
    other = VectorCode("another", code.dimension, code.size, code.scale, code.axes)
    with db.transaction():
        vectors.set_code(db, other)
    assert stored(db, ids[0])
    with db.transaction():
        vectors.set_code(db, code)
    assert stored(db, ids[0]) == []
    describe(db)
    before = stored(db, ids[0])[0]
    assert before.descriptor.shape == (code.size,)
    with db.transaction():
        db.execute("UPDATE vector_codes SET scale = scale WHERE model = ?", (CARD.model_key,))
    assert stored(db, ids[0]) == []
    describe(db)
    with db.transaction():
        db.execute("DELETE FROM vector_codes WHERE model = ?", (CARD.model_key,))
    assert stored(db, ids[0]) == []


def test_the_best_face_of_a_person_is_no_cover_if_it_is_hardly_theirs(db):
    stock = with_stranger()
    ids = fill(db, stock)
    faces = stock.ids()
    covers = {row.id: row.cover for row in showing.people(db)}
    assert covers[ids[0]] == faces[7]
    describe(db)
    (row,) = stored(db, ids[0])
    assert faces[7] in row.odd
    assert row.cover == row.chosen[0] == faces[11]
    assert stored(db, ids[1])[0].cover is None  # simply the best one
    covers = {row.id: row.cover for row in showing.people(db)}
    assert covers[ids[0]] == faces[11]
    with db.snapshot():
        situation = read_situation(db, min_face=MIN_FACE)
        part = read_situation(db, min_face=MIN_FACE, persons=[ids[0]])
    assert situation.person(ids[0]).cover == part.person(ids[0]).cover == faces[11]


def test_the_user_s_cover_stays_even_if_it_looks_odd(db):
    stock = with_stranger()
    ids = fill(db, stock)
    describe(db)
    chosen = stock.ids()[7]
    with db.snapshot():
        situation = read_situation(db, min_face=MIN_FACE)
    with db.transaction():
        decide.cover(db, situation, situation.person(ids[0]), situation.faces[chosen])
    ensure_fresh(db, min_face=MIN_FACE)
    describe(db)
    (row,) = showing.people(db, [ids[0]])
    assert (row.cover, bool(row.picked)) == (chosen, True)


def test_of_a_merged_person_the_faces_of_both_are_chosen_from(db):
    stock = stock_of([4, 4])
    ids = fill(db, stock)
    describe(db)
    with db.snapshot():
        situation = read_situation(db, min_face=MIN_FACE)
    with db.transaction():
        decide.merge(db, situation, [situation.person(person) for person in ids], anyway=True)
    ensure_fresh(db, min_face=MIN_FACE)
    describe(db)
    (row,) = stored(db, ids[0])
    assert row.faces == 8
    assert set(row.chosen) <= set(stock.ids())
    assert stored(db, ids[1]) == []


def test_a_past_knows_what_stands_for_people_of_whom_not_all_faces_were_chosen(db):
    burst = stock_of([3, 12])
    found = burst.vectors.copy()
    noise = np.random.default_rng(2).normal(0, 0.01, (8, 128))
    found[3:11] = unit(found[3] + noise)
    stock = Stock(found, burst.person, burst.photo, burst.quality)
    ids = fill(db, stock)
    past = StoredPast(db, CARD.model_key)
    assert past.crowd().chosen is None
    describe(db)
    crowd = past.crowd()
    assert crowd.chosen is not None
    assert [crowd.ids[row] for row in crowd.chosen.rows.tolist()] == [ids[1]]
    (row,) = stored(db, ids[1])
    assert crowd.chosen.sizes.tolist() == [len(row.chosen)]
    assert len(row.chosen) < 12
    np.testing.assert_allclose(crowd.chosen.means[0], row.descriptor * row.cohesion, atol=1e-6)


def test_moments_that_say_nothing_are_no_time():
    seconds = seconds_of(["2026-01-01T10:00:05", "", "0000:00:00", "2026-01-01T10:00:00"])
    assert seconds[0] - seconds[3] == 5
    assert np.isnan(seconds[1:3]).all()


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM vectors WHERE face_id = :face",
        "INSERT INTO vectors SELECT :face, :model, vector FROM vectors WHERE face_id = :other",
        "UPDATE vectors SET vector = vector WHERE face_id = :face",
        "UPDATE faces SET quality = .1 WHERE id = :face",
        "UPDATE faces SET left = left - 1 WHERE id = :face",
        "DELETE FROM faces WHERE id = :face",
        "DELETE FROM places WHERE photo_id = :photo",
        """INSERT INTO places SELECT 99, root_id, x'61', :photo, size, mtime_ns, 1, state, '', ''
           FROM places WHERE photo_id != :photo LIMIT 1""",
        "UPDATE places SET photo_id = :second WHERE photo_id = :photo",
        "UPDATE photos SET taken_at = '2026-01-01T10:00:00' WHERE id = :photo",
        "DELETE FROM assignments WHERE face_id = :face",
        "UPDATE assignments SET person_id = :somebody WHERE face_id = :face",
        "INSERT INTO said_faces VALUES (:face, :photo, NULL, 0, 1)",
    ],
)
def test_the_database_itself_throws_away_what_is_not_right_any_more(db, change):
    stock = stock_of([4, 4, 4])
    ids = fill(db, stock)
    face, other = stock.ids()[0], stock.ids()[1]
    photos = dict(db.rows("SELECT id, photo_id FROM faces"))
    with db.transaction():
        if change.startswith("INSERT INTO vectors"):
            db.execute("DELETE FROM vectors WHERE face_id = ?", (face,))
        if change.startswith("INSERT INTO places"):
            db.execute("DELETE FROM places WHERE photo_id = ?", (photos[face],))
    describe(db)
    assert all(stored(db, person) for person in ids)
    values = {
        "face": face,
        "other": other,
        "photo": photos[face],
        "second": photos[other],
        "model": CARD.model_key,
        "somebody": ids[1],
    }
    with db.transaction():
        db.execute(change, values)
    assert stored(db, ids[0]) == []
    assert stored(db, ids[2])


def test_a_copy_of_a_photo_elsewhere_changes_nobody(db):
    stock = stock_of([4, 4])
    ids = fill(db, stock)
    describe(db)
    with db.transaction():
        db.execute(
            """INSERT INTO places SELECT 99, root_id, x'61', photo_id, size, mtime_ns, 1, state,
               '', '' FROM places LIMIT 1"""
        )
        db.execute("DELETE FROM places WHERE id = 99")
    assert all(stored(db, person) for person in ids)

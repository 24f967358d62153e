"""Lists of a review with 50,000 faces of one person: quick to turn pages in, and never old."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from facesort.catalog import people, reviewing
from facesort.domain import Anchor, Box, PersonId
from facesort.jobs.describing.coreset_rule import rule_key
from facesort.library import Library
from facesort.review.questions import Kind
from tests.fakes import open_library
from tests.stored import Stock, face_id, store

FACES, PHOTOS = 50_000, 50  # few photos: they take longer to store than faces do
MARY = PersonId("p1111111")
STRANGER = 30_303  # the row of a face that is not hers
SECONDS_A_PAGE = 0.03  # of processor time: .006 on two shared cores, 2026-11-22


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library in which one person has 50,000 faces."""
    random = np.random.default_rng(1)
    vectors = random.normal(size=128) + 0.5 * random.normal(size=(FACES, 128))
    vectors[STRANGER] = random.normal(size=128)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    quality = random.uniform(0.3, 1, FACES).astype(np.float32)
    stock = Stock(
        vectors.astype(np.float32),
        np.zeros(FACES, dtype=np.int64),
        np.arange(FACES) // (FACES // PHOTOS),
        quality,
    )
    folder = tmp_path_factory.mktemp("many") / "library"
    with open_library(folder) as library:
        store(library, stock, range(PHOTOS), model_key=library._embedder.model_key)
        with library._db.transaction():
            people.found(library._db, MARY, Anchor("test:00000000", Box(0, 0, 0.1, 0.1)))
            people.publish(library._db, dict.fromkeys(stock.ids(), MARY))
            library._db.set_meta("grouped_model", library._embedder.model_key)
        library.review()  # makes what stands for her, once
    return folder


@pytest.fixture
def folder(stored: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(stored, tmp_path / "library"))


@pytest.fixture
def library(folder: Path) -> Iterator[Library]:
    """It, open."""
    with open_library(folder, create=False) as opened:
        yield opened


def test_pages_of_fifty_thousand_faces_are_turned_quickly(library):
    session = library.review()
    first, total = session.faces_of(MARY, 0, 200)
    assert total == FACES
    assert all(one.quality >= other.quality for one, other in pairwise(first[3:]))
    seconds = []
    for start in (200, 400, 25_000, FACES - 100, 0):
        begun = time.process_time()
        page, total = session.faces_of(MARY, start, 200)
        seconds.append(time.process_time() - begun)
        assert (len(page), total) == (min(200, FACES - start), FACES)
    assert page == first
    assert float(np.median(seconds)) < SECONDS_A_PAGE
    ids = session.ids_of(MARY, 0, 100_000)
    assert len(set(ids)) == FACES
    assert list(ids[:200]) == [face.id for face in first]
    assert session.ids_of(MARY, 10, 5) == ids[10:15]


def test_a_list_that_was_read_before_shows_what_was_said_since_by_whomever(library, folder):
    session = library.review()
    ids = session.ids_of(MARY, 0, FACES)
    assert session.people()[1] == 1
    session.reject([ids[0]])
    assert session.ids_of(MARY, 0, FACES) == ids[1:]
    assert session.people()[1] == 2
    session.undo()
    assert session.ids_of(MARY, 0, FACES) == ids
    assert session.people()[1] == 1
    with open_library(folder, create=False) as other:
        other.not_a_face([ids[5]])
    assert session.ids_of(MARY, 0, FACES) == (*ids[:5], *ids[6:])
    assert session.faces_of(MARY, 0, 1)[1] == FACES - 1
    assert session.person(MARY).faces == session.people()[0][0].faces == FACES - 1


def test_of_fifty_thousand_faces_only_the_unusual_one_is_doubted_and_comes_first(library):
    session = library.review()
    stranger = face_id(STRANGER // (FACES // PHOTOS), STRANGER % (FACES // PHOTOS))
    assert stranger in reviewing.odd_faces(library._db, *_model_and_rule(library))
    assert session.ids_of(MARY, 0, 1) == (stranger,)
    assert session.face(stranger).doubt > 0
    # Of so many faces a coreset leaves out a thousand; nobody is asked about these.
    assert session.person(MARY).doubts <= 3
    assert session.ids_of(MARY, 0, 1, by_doubt=False) != (stranger,)


def test_a_question_shows_of_fifty_thousand_faces_those_that_stand_for_the_person(library):
    session = library.review()
    (side,) = session.ask(Kind.WHO, (MARY,)).sides
    assert (side.faces, side.photos, len(side.shown)) == (FACES, PHOTOS, 8)
    stands = reviewing.what_stands(library._db, *_model_and_rule(library), [MARY])[MARY]
    shown = [face.id for face in side.shown if face.doubt == 0]
    assert set(shown[1:]) <= set(stands.faces)  # the first is the cover


def _model_and_rule(library: Library) -> tuple[str, str]:
    card = library._embedder
    return card.model_key, rule_key(library._db, card, min_face=library.min_face)

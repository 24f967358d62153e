"""How vectors are stored and come back: as float16, as bytes, and half of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from facesort.catalog import vectors
from facesort.catalog.connection import Database
from facesort.catalog.opening import open_database
from facesort.descriptors.compact import fit_code
from facesort.domain import FaceId
from facesort.domain.codes import unit
from facesort.errors import LibraryDamaged

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


def _some(n: int, d: int = 16, seed: int = 0):
    return unit(np.random.default_rng(seed).standard_normal((n, d)).astype(np.float32))


def _ids(n: int) -> list[FaceId]:
    return [FaceId(f"f{i * 7919 % 20011:05d}") for i in range(n)]  # in no order


def _add(db: Database, ids: Sequence[FaceId]) -> None:
    with db.transaction():
        db.execute(
            """INSERT OR IGNORE INTO photos (id, content_key, width, height, added_at)
               VALUES (1, 'a:b', 9, 9, '')"""
        )
        db.executemany(
            "INSERT OR IGNORE INTO faces VALUES (?, 1, 0, 0, 9, 9, x'00', 1, 1, '{}', 'd')",
            [(face,) for face in ids],
        )


def _put(db: Database, ids: Sequence[FaceId], stored, model: str = "m") -> None:
    _add(db, ids)
    with db.transaction():
        vectors.put(db, model, zip(ids, stored, strict=True))


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    database = open_database(tmp_path / "library", create=True)
    yield database
    database.close()


def _compact(db: Database, size: int = 128):
    code = fit_code(vectors.matrix(db, "m").vectors, "m", size)
    with db.transaction():
        vectors.set_code(db, code)
    return code


def test_vectors_come_back_in_order_of_face_id_and_nearly_the_same(db):
    ids, stored = _ids(20_000), _some(20_000)  # more than one block
    _put(db, ids, stored)
    found = vectors.matrix(db, "m")
    order = np.argsort(np.array(ids))
    assert found.face_ids == tuple(ids[i] for i in order)
    assert np.abs(found.vectors - stored[order]).max() < 5e-4  # float16
    assert np.linalg.norm(found.vectors, axis=1) == pytest.approx(1.0, abs=1e-6)


def test_only_the_wanted_faces_are_read(db):
    ids, stored = _ids(50), _some(50)
    _put(db, ids, stored)
    found = vectors.matrix(db, "m", [ids[3], ids[7], FaceId("nobody")])
    assert set(found.face_ids) == {ids[3], ids[7]}
    row = found.face_ids.index(ids[7])
    assert found.vectors[row] == pytest.approx(stored[7], abs=5e-4)


@pytest.mark.parametrize("asked", [3, 60])
def test_aligned_vectors_lie_in_the_asked_order_and_unknown_faces_are_zero(db, asked):
    ids, stored = _ids(100), _some(100)
    _put(db, ids[::2], stored[::2])
    _add(db, ids)
    found, known = vectors.aligned(db, "m", ids[:asked])
    assert known.tolist() == [row % 2 == 0 for row in range(asked)]
    assert found[known] == pytest.approx(stored[:asked][known], abs=5e-4)
    assert not found[~known].any()


def test_a_library_without_vectors_of_a_model_gives_none(db):
    _put(db, _ids(3), _some(3), model="another")
    assert len(vectors.matrix(db, "m")) == 0
    found, known = vectors.aligned(db, "m", _ids(3))
    assert found.shape[0] == 3
    assert not known.any()
    assert vectors.matrix(db, "m", []).face_ids == ()
    assert vectors.models(db) == {"another": 3}


@pytest.mark.parametrize("size", [128, 8])  # rounded only; and projected from 16 numbers to 8
def test_a_library_changes_its_form_at_once_however_far_the_rewriting_is(db, size):
    ids, stored = _ids(300), _some(300)
    _put(db, ids, stored)
    code = _compact(db, size)
    at_once = vectors.matrix(db, "m")
    assert at_once.vectors.shape == (300, code.size)
    after: str | None = ""
    looked = 0
    while after is not None:
        with db.transaction():
            after, some = vectors.recode(db, code, after, most=70)
        looked += some
        now = vectors.matrix(db, "m")
        assert (now.vectors == at_once.vectors).all()
        assert now.face_ids == at_once.face_ids
    assert looked == 300
    assert vectors.stored_bytes(db, "m") == 300 * code.size


def test_faces_that_come_later_are_stored_in_the_form_of_the_library(db):
    _put(db, _ids(30), _some(30))
    code = _compact(db)
    later, more = [FaceId("late1"), FaceId("late2")], _some(2, seed=9)
    _put(db, later, more)
    rows = db.rows("SELECT LENGTH(vector) FROM vectors WHERE face_id LIKE 'late%'")
    assert rows == [(16,), (16,)]
    assert (vectors.matrix(db, "m", later).vectors == code.seen(more)).all()


def test_a_code_comes_back_as_it_was_stored(db):
    _put(db, _ids(30), _some(30))
    assert vectors.code_of(db, "m") is None
    assert vectors.vector_dimension(db, "m") == 16
    code = _compact(db, 8)
    found = vectors.code_of(db, "m")
    assert found is not None
    assert (found.dimension, found.size, found.scale) == (16, 8, code.scale)
    assert (found.slope, found.shift) == (code.slope, code.shift)
    assert (found.axes == code.axes).all()
    assert vectors.vector_dimension(db, "m") == 16
    assert vectors.vector_dimension(db, "nothing") is None


def test_another_model_s_vectors_keep_their_form(db):
    ids, stored = _ids(10), _some(10)
    _put(db, ids, stored)
    _put(db, ids, stored, model="another")
    code = _compact(db)
    with db.transaction():
        vectors.recode(db, code, "", most=100)
    assert vectors.stored_bytes(db, "another") == 10 * 32
    assert vectors.stored_bytes(db, "m") == 10 * 16


def test_a_pretended_code_ends_with_its_snapshot_and_nobody_else_sees_it(db, tmp_path):
    _put(db, _ids(40), _some(40))
    plain = vectors.matrix(db, "m").vectors
    code = fit_code(plain, "m", 8)
    other = open_database(tmp_path / "library", create=False)
    with db.snapshot():
        vectors.pretend_code(db, code)
        assert (vectors.matrix(db, "m").vectors == code.seen(plain)).all()
        assert vectors.code_of(other, "m") is None
        with other.transaction():  # nor does anybody wait
            other.set_meta("x", "y")
    other.close()
    assert vectors.code_of(db, "m") is None
    assert (vectors.matrix(db, "m").vectors == plain).all()


@pytest.mark.parametrize("is_compact", [False, True])
@pytest.mark.parametrize("blob", [b"", b"123", b"1" * 30])
def test_a_vector_of_a_strange_length_is_said_and_not_guessed(db, is_compact, blob):
    ids = _ids(5)
    _put(db, ids, _some(5))
    if is_compact:
        _compact(db)
    with db.transaction():
        db.execute("UPDATE vectors SET vector = ? WHERE face_id = ?", (blob, ids[2]))
    with pytest.raises(LibraryDamaged, match="bytes where"):
        vectors.matrix(db, "m")


@given(st.lists(st.booleans(), min_size=1, max_size=30), st.integers(0, 99))
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_decoder_reads_any_mixture(db, coded, seed):
    stored = _some(len(coded), seed=seed)
    code = fit_code(stored, f"m{len(coded)} {seed}")
    with db.transaction():
        db.execute("DELETE FROM vector_codes")
        vectors.set_code(db, code)
    rows = [
        code.encode(row[None]).tobytes() if is_coded else row.astype("<f2").tobytes()
        for row, is_coded in zip(stored, coded, strict=True)
    ]
    found = vectors.Decoder(db, code.model_key)(rows)
    # Half a step of a byte at most, and what float16 adds.
    assert np.abs(found - stored).max() < code.scale + 1e-3

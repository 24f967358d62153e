"""Vectors of 128 bytes: what rounding and projecting change, and what they leave."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facesort.descriptors.compact import fit_code, loss
from facesort.domain import VectorCode
from facesort.domain.codes import unit


def _vectors(n, d, *, seed=0, rank=None):
    rng = np.random.default_rng(seed)
    inner = rng.standard_normal((n, rank or d)).astype(np.float32)
    turned = np.linalg.qr(rng.standard_normal((d, d)))[0][: rank or d].astype(np.float32)
    return unit(inner @ turned)


@given(st.integers(0, 1000), st.integers(1, 50), st.sampled_from([8, 128, 200]))
@settings(max_examples=40, deadline=None)
def test_a_descriptor_is_close_to_its_vector_and_of_length_one(seed, n, d):
    vectors = _vectors(n, d, seed=seed)
    code = fit_code(vectors, "m", size=d)
    seen = code.seen(vectors)
    assert np.linalg.norm(seen, axis=1) == pytest.approx(1.0, abs=1e-5)
    # Each number is off by half a step at most.
    assert np.abs(seen - vectors).max() < code.scale
    assert (seen * vectors).sum(axis=1).min() > 0.999


@given(st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_coding_twice_changes_nothing_more(seed):
    vectors = _vectors(20, 64, seed=seed)
    code = fit_code(vectors, "m")
    coded = code.encode(vectors)
    again = VectorCode("m", 64, 64, code.scale).encode(vectors)
    assert (coded == again).all()
    assert coded.dtype == np.int8
    assert coded.min() >= -127


def test_a_vector_and_its_opposite_are_coded_alike():
    vectors = _vectors(50, 128)
    code = fit_code(vectors, "m")
    assert (code.encode(-vectors) == -code.encode(vectors)).all()


def test_what_lies_beyond_the_scale_is_cut_off():
    code = VectorCode("m", 2, 2, 0.001)
    assert code.encode(np.array([[1.0, 0.0], [0.0, -1.0]], np.float32)).tolist() == [
        [127, 0],
        [0, -127],
    ]


def test_the_scale_of_a_small_library_leaves_room_for_faces_to_come():
    vectors = _vectors(3, 128)
    assert fit_code(vectors, "m").scale * 127 >= 5.0 / 128**0.5


def test_the_scale_reaches_the_largest_number_of_all():
    vectors = _vectors(100, 128)
    vectors[57] = 0
    vectors[57, 3] = 1.0
    code = fit_code(vectors, "m")
    assert code.scale * 127 == pytest.approx(1.0)


def test_vectors_of_few_directions_lose_nothing_by_projection():
    vectors = _vectors(600, 512, rank=100)
    code = fit_code(vectors, "m")
    assert code.size == 128
    assert code.encode(vectors).shape == (600, 128)
    seen = code.project(vectors)
    assert seen @ seen.T == pytest.approx(vectors @ vectors.T, abs=1e-4)
    assert code.slope == pytest.approx(1.0, abs=1e-3)
    assert code.shift == pytest.approx(0.0, abs=1e-3)
    assert loss(vectors, code).same_cosine > 0.999


def test_a_projection_says_how_it_moves_the_cosines_of_strangers():
    vectors = _vectors(1500, 512)
    code = fit_code(vectors, "m")
    seen = code.project(vectors[:800])
    upper = np.triu_indices(800, 1)
    before = (vectors[:800] @ vectors[:800].T)[upper]
    after = (seen @ seen.T)[upper]
    assert code.slope > 1.5  # 512 equal directions on 128: half the noise averages out less
    assert code.shift + code.slope * before.mean() == pytest.approx(after.mean(), abs=0.01)
    assert code.slope * before.std() == pytest.approx(after.std(), rel=0.05)
    assert loss(vectors, code).same_cosine < 0.9


def test_one_library_gives_one_code():
    vectors = _vectors(300, 200)
    one, other = fit_code(vectors, "m", 64), fit_code(vectors.copy(), "m", 64)
    assert one.scale == other.scale
    assert one.axes is not None
    assert np.array_equal(one.axes, other.axes)  # type: ignore[arg-type]  # neither is None


def test_the_loss_is_that_of_the_pairs():
    vectors = _vectors(200, 128)
    code = fit_code(vectors, "m")
    seen = code.seen(vectors)
    change = np.abs(seen @ seen.T - vectors @ vectors.T)[np.triu_indices(200, 1)]
    measured = loss(vectors, code)
    assert measured.pairs == 200 * 199 // 2
    assert measured.mean_change == pytest.approx(change.mean(), rel=1e-3)
    assert measured.max_change == pytest.approx(change.max(), rel=1e-3)
    assert (measured.bytes_before, measured.bytes_after) == (200 * 256, 200 * 128)
    assert measured.max_change < 0.02


def test_a_single_face_can_be_coded():
    vectors = _vectors(1, 512)
    code = fit_code(vectors, "m")
    assert (code.slope, code.shift) == (1.0, 0.0)
    assert loss(vectors, code).pairs == 0


def test_no_faces_give_no_code():
    with pytest.raises(ValueError, match="no vectors"):
        fit_code(np.zeros((0, 128), np.float32), "m")


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: VectorCode("m", 4, 2, 1.0),
        lambda: VectorCode("m", 4, 2, 1.0, np.zeros((2, 4), np.float32)),
        lambda: VectorCode("m", 4, 4, 0.0),
    ],
)
def test_a_code_that_fits_nothing_is_refused(wrong):
    with pytest.raises(ValueError, match=r"axes|scale"):
        wrong()

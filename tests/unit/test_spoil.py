"""Worse copies of crops: they differ as they should, and equal chances give equal copies."""

from __future__ import annotations

import numpy as np
import pytest

from facesort.imaging.spoil import KINDS, near_copy, spoil


@pytest.fixture(scope="module")
def crop():
    """Something with edges, shades and detail, in colour."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:112, :112]
    shades = np.stack([120 + 60 * np.sin(x / 9), 110 + 50 * np.cos(y / 7), 90 + x / 2], axis=2)
    return np.clip(shades + rng.normal(0, 6, shades.shape), 0, 255).astype(np.uint8)


def detail(picture):
    return float(np.abs(np.diff(picture.astype(np.float64), axis=1)).mean())


def change(a, b):
    return float(np.abs(a.astype(np.float64) - b).mean())


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_keeps_the_form_and_spoils_the_picture(kind, crop):
    before = crop.copy()
    spoilt = spoil(crop, kind, np.random.default_rng(1))
    assert spoilt.crop.shape == crop.shape
    assert spoilt.crop.dtype == np.uint8
    assert spoilt.crop.flags.c_contiguous
    assert change(spoilt.crop, crop) > 3
    np.testing.assert_array_equal(crop, before)  # the original stays as it is


@pytest.mark.parametrize("kind", KINDS)
def test_equal_chances_give_equal_copies_and_others_do_not(kind, crop):
    one, same, other = (spoil(crop, kind, np.random.default_rng(seed)) for seed in (5, 5, 6))
    np.testing.assert_array_equal(one.crop, same.crop)
    assert change(one.crop, other.crop) > 0


@pytest.mark.parametrize("seed", range(10))
def test_each_kind_does_what_it_is_called(seed, crop):
    spoilt = {kind: spoil(crop, kind, np.random.default_rng(seed)) for kind in KINDS}
    for kind in ("blurred", "small"):
        assert detail(spoilt[kind].crop) < 0.7 * detail(crop)
    assert detail(spoilt["noisy"].crop) > 2 * detail(crop)
    assert spoilt["dark"].crop.mean() < 0.25 * crop.mean()
    plain = (np.ptp(spoilt["covered"].crop.reshape(112, -1, 3), axis=1) == 0).all(axis=1)
    side = (np.ptp(spoilt["covered"].crop, axis=0) == 0).all(axis=1)
    assert plain.sum() >= 20 or side.sum() >= 45  # rows or columns of one colour


def test_only_a_small_face_has_fewer_pixels(crop):
    for kind in KINDS:
        scales = {spoil(crop, kind, np.random.default_rng(seed)).scale for seed in range(20)}
        if kind == "small":
            assert 0.19 < min(scales) < max(scales) < 0.46
        else:
            assert scales == {1.0}


def test_the_next_frame_of_a_clip_is_nearly_the_same_and_never_quite(crop):
    copies = [near_copy(crop, np.random.default_rng(seed)) for seed in range(7)]
    assert len({copy.tobytes() for copy in copies}) == 7
    for copy in copies:
        assert copy.shape == crop.shape
        assert copy.dtype == np.uint8
        assert 0 < change(copy, crop) < 25
        assert 0.9 < copy.mean() / crop.mean() < 1.1


def test_an_unknown_way_to_spoil_is_an_error(crop):
    with pytest.raises(KeyError):
        spoil(crop, "eaten", np.random.default_rng(0))

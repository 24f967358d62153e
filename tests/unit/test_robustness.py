from __future__ import annotations

import math
from concurrent.futures import Future

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facesort.vision.batches import Batches, Embedded
from facesort.vision.robustness import MOST_VIEWS, disturbed, robustness


def crops(count: int = 3, size: int = 112) -> np.ndarray:
    """Return different crops."""
    return np.random.default_rng(0).integers(0, 256, (count, size, size, 3), dtype=np.uint8)


@pytest.mark.parametrize("view", range(MOST_VIEWS))
def test_each_view_shows_every_crop_a_little_differently(view):
    given_crops = crops()
    seen = disturbed(given_crops, view)
    assert seen.shape == given_crops.shape
    assert seen.dtype == np.uint8
    for one, other in zip(seen, given_crops, strict=True):
        assert not np.array_equal(one, other)
    assert np.array_equal(seen[1], disturbed(given_crops[1:2], view)[0])


def test_the_views_differ_and_the_first_is_the_mirror_image():
    given_crops = crops(1)
    assert np.array_equal(disturbed(given_crops, 0)[:, :, ::-1], given_crops)
    seen = {disturbed(given_crops, view).tobytes() for view in range(MOST_VIEWS)}
    assert len(seen) == MOST_VIEWS


def test_a_move_is_the_same_share_of_any_crop():
    moved = disturbed(crops(1, 224), 4)  # to the right
    assert not moved[0, :, :7].any()
    assert np.array_equal(moved[0, :, 8:], crops(1, 224)[0, :, :-8])


@given(st.floats(0, 2))
def test_the_further_the_views_lie_apart_the_less_robust(apart):
    angle = 2 * math.asin(apart / 2)
    one = np.array([[1.0, 0.0]], dtype=np.float32)
    other = np.array([[math.cos(angle), math.sin(angle)]], dtype=np.float32)
    assert robustness([one, one]).tolist() == [1.0]
    found = float(robustness([one, other])[0])
    assert found == pytest.approx(2 / (1 + math.exp(apart)), abs=1e-5)
    third = float(robustness([one, one, other])[0])
    assert found - 1e-6 <= third <= 1.0


def test_each_photo_gets_the_robustness_of_its_own_crops():
    def embed(batch: np.ndarray) -> Future[Embedded]:
        first = batch[:, 0, 0, 0].astype(np.float32)
        done: Future[Embedded] = Future()
        done.set_result(Embedded(first[:, None], first, (first / 255).astype(np.float32)))
        return done

    batches = Batches[str](4, embed)
    many = crops(7)
    for name, part in (("a", many[:3]), ("b", many[3:3]), ("c", many[3:])):
        batches.add(name, part)
    batches.flush()
    for name, part in (("a", many[:3]), ("b", many[3:3]), ("c", many[3:])):
        answer = batches.next_answer(wait=True)
        assert answer is not None
        photo, found = answer
        assert photo == name
        steady = [] if found.robustness is None else found.robustness.tolist()
        assert steady == pytest.approx((part[:, 0, 0, 0] / 255).tolist())

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facesort.imaging.align import TEMPLATE
from facesort.vision.quality import NormQuality, frontal

TABLE = NormQuality([4.0, 8.0, 15.5], [0.0, 0.3, 1.0])


def face(nose: float, *, angle: float = 0.0, scale: float = 30.0) -> np.ndarray:
    """Eyes on a line, the nose below it at that share of the way from one to the other."""
    points = scale * np.array([[0, 0], [1, 0], [nose, 0.8], [0.1, 1.4], [0.9, 1.4]])
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    turned: np.ndarray = (points @ turn.T + 500).astype(np.float32)
    return turned


@given(st.floats(0, 50), st.floats(0, 50))
def test_a_longer_vector_is_never_of_lower_quality(one, other):
    low, high = sorted((one, other))
    assert 0 <= TABLE.score({"norm": low}) <= TABLE.score({"norm": high}) <= 1


@pytest.mark.parametrize(
    ("length", "quality"),
    [(0.0, 0.0), (4.0, 0.0), (6.0, 0.15), (8.0, 0.3), (11.75, 0.65), (15.5, 1.0), (99.0, 1.0)],
)
def test_between_its_knots_the_table_is_straight_and_beyond_them_level(length, quality):
    assert TABLE.score({"norm": length, "pixels": 3}) == pytest.approx(quality)


@pytest.mark.parametrize(("lengths", "qualities"), [([1.0], [0.5]), ([1.0, 2.0], [0.5])])
def test_a_table_that_is_none_is_refused(lengths, qualities):
    with pytest.raises(ValueError, match="as many lengths as qualities"):
        NormQuality(lengths, qualities)


@given(st.floats(-math.pi, math.pi), st.floats(5, 2000), st.floats(0, 1))
def test_how_frontal_a_face_is_does_not_depend_on_turn_or_size(angle, scale, nose):
    expected = 1 - abs(2 * nose - 1)
    assert frontal(face(nose, angle=angle, scale=scale)) == pytest.approx(expected, abs=0.01)


@given(st.floats(0, 0.5), st.floats(0, 0.5))
def test_the_further_the_nose_is_from_the_middle_the_less_frontal(one, other):
    near, far = sorted((one, other))
    for side in (-1, 1):
        assert frontal(face(0.5 + side * far)) <= frontal(face(0.5 + side * near)) + 1e-5


def test_the_template_is_frontal_and_a_profile_is_not():
    assert frontal(TEMPLATE) > 0.95
    assert frontal(face(0.5)) == pytest.approx(1.0)
    for profile in (-0.4, 0.0, 1.0, 1.4):
        assert frontal(face(profile)) == pytest.approx(0.0, abs=1e-5)


def test_eyes_in_one_point_are_not_frontal():
    assert frontal(np.zeros((5, 2), dtype=np.float32)) == 0.0

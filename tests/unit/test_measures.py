from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facesort.domain import Box
from facesort.imaging.align import TEMPLATE
from facesort.vision.measures import MEASURES, frontal, measure

BOX = Box(20, 10, 92, 106)


def drawn(*, seed: int = 0) -> np.ndarray:
    """Return a crop with eyes, nose, mouth and a little texture, in even light."""
    rng = np.random.default_rng(seed)
    face = np.full((112, 112), 150.0)
    face += cv2.GaussianBlur(rng.normal(0, 25, (112, 112)), (0, 0), 1.0)
    picture = np.clip(face, 0, 255).astype(np.uint8)
    for x, y in TEMPLATE[:2].round().astype(int).tolist():
        cv2.ellipse(picture, (x, y), (9, 5), 0, 0, 360, 205, -1, cv2.LINE_AA)
        cv2.circle(picture, (x, y), 4, 40, -1, cv2.LINE_AA)
        cv2.line(picture, (x - 10, y - 9), (x + 10, y - 9), 60, 2, cv2.LINE_AA)
    x, y = TEMPLATE[2].round().astype(int).tolist()
    cv2.ellipse(picture, (x, y), (7, 4), 0, 0, 180, 90, 2, cv2.LINE_AA)
    for x, y in TEMPLATE[3:].round().astype(int).tolist():
        cv2.circle(picture, (x, y), 3, 70, -1, cv2.LINE_AA)
    x, y = TEMPLATE[3:].mean(axis=0).round().astype(int).tolist()
    for tooth in range(-10, 11, 5):
        cv2.line(picture, (x + tooth, y - 5), (x + tooth, y + 5), 90, 1, cv2.LINE_AA)
    return np.repeat(picture[:, :, None], 3, axis=2)


def of(crop: np.ndarray, landmarks: np.ndarray = TEMPLATE, **given: float) -> dict[str, float]:
    """Measure it as a face of a photo that is as large as the crop."""
    return measure(
        crop.astype(np.uint8), landmarks, BOX, given.get("score", 0.9), given.get("norm")
    )


def face(nose: float, *, angle: float = 0.0, scale: float = 30.0) -> np.ndarray:
    """Eyes on a line, the nose below it at that share of the way from one to the other."""
    points = scale * np.array([[0, 0], [1, 0], [nose, 0.8], [0.1, 1.4], [0.9, 1.4]])
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    turned: np.ndarray = (points @ turn.T + 500).astype(np.float32)
    return turned


def test_everything_is_measured_and_the_length_only_where_it_is_known():
    assert set(MEASURES) - set(of(drawn(), norm=12.0)) == {"robustness"}
    assert set(of(drawn(), norm=12.0)) - set(of(drawn())) == {"norm"}
    assert of(drawn())["pixels"] == 72.0


@given(st.integers(0, 2**32 - 1), st.sampled_from([28, 56, 112, 160]))
def test_any_crop_gives_finite_numbers(seed, size):
    rng = np.random.default_rng(seed)
    crop = rng.integers(0, 256, (size, size, 3), dtype=np.uint8)
    landmarks = rng.uniform(0, 500, (5, 2)).astype(np.float32)
    seen = of(crop, landmarks, norm=3.0)
    assert all(math.isfinite(value) for value in seen.values())
    for share in ("frontal", "light", "contrast", "clipped", "dark"):
        assert 0 <= seen[share] <= 1


@pytest.mark.parametrize("colour", [0, 127, 255])
def test_a_plain_surface_has_nothing_to_see_and_is_no_error(colour):
    seen = of(np.full((112, 112, 3), colour, np.uint8), np.zeros((5, 2), np.float32))
    assert seen["eyes"] == seen["mouth"] == 0.0
    assert seen["clipped"] == float(colour == 255)
    assert seen["dark"] == float(colour == 0)
    assert seen["frontal"] == seen["pitch"] == 0.0


@pytest.mark.parametrize("sigma", [1.0, 1.5, 2.0, 4.0])
def test_a_blurred_face_is_less_sharp_whatever_its_contrast(sigma):
    crop = drawn()
    blurred = cv2.GaussianBlur(crop, (0, 0), sigma)
    faint = (128 + (crop.astype(float) - 128) * 0.4).round()
    assert of(blurred)["sharpness"] < of(crop)["sharpness"] - 0.01
    assert of(blurred)["sharpness"] < of(faint)["sharpness"] - 0.01
    assert of(faint)["sharpness"] == pytest.approx(of(crop)["sharpness"], abs=0.01)


@pytest.mark.parametrize("angle", [0, 45, 90, 135])
def test_a_face_that_moved_in_any_direction_is_less_sharp(angle):
    line = np.zeros((9, 9), np.float32)
    way = 4 * np.array([math.cos(math.radians(angle)), math.sin(math.radians(angle))])
    ends = [tuple((4 + sign * way).round().astype(int).tolist()) for sign in (-1, 1)]
    cv2.line(line, ends[0], ends[1], 1.0)
    moved = cv2.filter2D(drawn(), -1, line / line.sum())
    assert of(moved)["sharpness"] < of(drawn())["sharpness"] - 0.01


def test_a_small_face_is_as_sharp_as_its_own_pixels():
    small = cv2.resize(drawn(), (56, 56), interpolation=cv2.INTER_AREA)
    enlarged = cv2.resize(small, (112, 112), interpolation=cv2.INTER_LINEAR)
    blurred = cv2.GaussianBlur(enlarged, (0, 0), 3.0)
    # Of a photo in which the eyes are half as far apart.
    assert of(enlarged, TEMPLATE / 2)["sharpness"] > of(enlarged)["sharpness"] + 0.02
    assert of(blurred, TEMPLATE / 2)["sharpness"] < of(enlarged, TEMPLATE / 2)["sharpness"] - 0.02


@pytest.mark.parametrize("colour", [10, 128, 150, 250])
@pytest.mark.parametrize("thick", [7, 14])
def test_a_bar_over_the_eyes_or_the_mouth_leaves_nothing_to_see_there(colour, thick):
    for name, other, rows in (("eyes", "mouth", TEMPLATE[:2]), ("mouth", "eyes", TEMPLATE[3:])):
        covered, middle = drawn(), round(float(rows[:, 1].mean()))
        covered[middle - thick // 2 : middle + thick // 2 + 1, 20:92] = colour
        assert of(drawn())[name] > 0.03
        assert of(covered)[name] < 0.01
        assert of(covered)[other] > 0.02


def test_of_two_eyes_the_covered_one_counts():
    x, y = TEMPLATE[1].round().astype(int).tolist()
    covered = drawn()
    covered[y - 6 : y + 7, x - 12 : x + 13] = 150
    assert of(covered)["eyes"] < 0.01
    assert of(drawn())["eyes"] > 0.03


def test_too_little_and_too_much_light_are_told_apart():
    crop = drawn().astype(float)
    dark, bright = of(crop * 0.3), of(np.clip(crop * 2.2, 0, 255))
    assert dark["light"] < of(crop)["light"] < bright["light"]
    assert dark["clipped"] == 0.0 < bright["clipped"]
    assert of(crop * 0.05)["dark"] > 0.9
    assert of(crop)["dark"] < 0.1


def test_the_black_beyond_the_edge_of_a_photo_is_not_the_face_s_shadow():
    turned = drawn()
    for corner in (np.s_[:30, :30], np.s_[:30, -30:], np.s_[-6:, :26], np.s_[-6:, -26:]):
        turned[corner] = 0
    assert of(turned) == of(drawn())


@given(st.floats(-math.pi, math.pi), st.floats(5, 2000), st.floats(0, 1))
def test_how_frontal_a_face_is_does_not_depend_on_turn_or_size(angle, scale, nose):
    expected = 1 - abs(2 * nose - 1)
    assert frontal(face(nose, angle=angle, scale=scale)) == pytest.approx(expected, abs=0.01)


@given(st.floats(-3, 3), st.floats(20, 2000))
def test_pitch_and_roll_do_not_depend_on_size_nor_pitch_on_roll(angle, scale):
    level, turned = of(drawn(), face(0.5)), of(drawn(), face(0.5, angle=angle, scale=scale))
    assert turned["pitch"] == pytest.approx(level["pitch"], abs=0.01)
    assert turned["roll"] == pytest.approx(math.degrees(angle), abs=0.5)


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

from __future__ import annotations

import io
import math

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from facesort.imaging.align import TEMPLATE, TEMPLATE_SIZE, align, align_in, source_box
from facesort.imaging.decode import open_photo

angles = st.floats(-math.pi, math.pi)


def placed(angle: float, scale: float, x: float, y: float, size: int = TEMPLATE_SIZE) -> np.ndarray:
    """The template's points, turned and scaled around the crop's centre and moved to (x, y)."""
    turn = scale * np.array(
        [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
    )
    points = TEMPLATE * (size / TEMPLATE_SIZE) - size / 2
    return (points @ turn.T + [x, y]).astype(np.float32)


def dotted(landmarks: np.ndarray, side: int, radius: float) -> np.ndarray:
    """A black picture with a soft white dot at every landmark."""
    y, x = np.mgrid[0:side, 0:side]
    light = np.zeros((side, side))
    for px, py in landmarks:
        light += np.exp(-((x - px) ** 2 + (y - py) ** 2) / (2 * radius**2))
    return np.repeat((light.clip(0, 1) * 255).astype(np.uint8)[:, :, None], 3, axis=2)


def dots(crop: np.ndarray) -> list[tuple[float, float]]:
    count, labels, _, centres = cv2.connectedComponentsWithStats(
        (crop[:, :, 0] > 90).astype(np.uint8)
    )
    assert labels.shape == crop.shape[:2]
    return [(float(x), float(y)) for x, y in centres[1:count]]


@pytest.mark.parametrize("angle", [0.0, 0.4, -1.3, math.pi, 2.5])
@pytest.mark.parametrize("size", [112, 224])
def test_the_landmarks_come_to_lie_on_the_template(angle, size):
    landmarks = placed(angle, 1.6, 200, 190)
    crop = align(dotted(landmarks, 400, 5.0), landmarks, size)
    assert crop.shape == (size, size, 3)
    assert crop.dtype == np.uint8
    found = dots(crop)
    assert len(found) == 5
    for x, y in TEMPLATE * (size / TEMPLATE_SIZE):
        assert min(math.hypot(x - u, y - v) for u, v in found) < 1.0


def test_a_face_that_already_lies_on_the_template_is_not_touched():
    picture = np.random.default_rng(1).integers(0, 256, (112, 112, 3), dtype=np.uint8)
    difference = align(picture, TEMPLATE).astype(int) - picture
    assert np.abs(difference).max() <= 2


def test_beyond_the_edge_of_the_picture_the_crop_is_black():
    white = np.full((100, 100, 3), 255, dtype=np.uint8)
    crop = align(white, placed(0, 1, 0, 50))  # its left half lies outside
    assert crop[:, :50].max() == 0
    assert crop[10:90, 62:].min() == 255


def test_the_picture_is_not_written_into():
    picture = np.random.default_rng(2).integers(0, 256, (150, 150, 3), dtype=np.uint8)
    before = picture.copy()
    align(picture, placed(0.3, 1, 75, 75))
    np.testing.assert_array_equal(picture, before)


@given(angles, st.floats(0.1, 20), st.floats(-500, 5000), st.floats(-500, 5000))
def test_the_source_box_holds_every_corner_of_the_crop(angle, scale, x, y):
    box, pixels = source_box(placed(angle, scale, x, y))
    assert pixels == pytest.approx(scale, rel=1e-3)
    half = TEMPLATE_SIZE / 2 * scale
    for corner in (math.pi / 4, 3 * math.pi / 4, -math.pi / 4, -3 * math.pi / 4):
        px = x + half * math.sqrt(2) * math.cos(angle + corner)
        py = y + half * math.sqrt(2) * math.sin(angle + corner)
        assert box.left <= px <= box.right
        assert box.top <= py <= box.bottom
    # ... and not much more: its area is what is read from a large photo.
    reach = half * math.sqrt(2) + 2.1 * pixels
    assert box.width <= 2 * reach
    assert box.height <= 2 * reach


def test_landmarks_in_one_point_are_refused():
    with pytest.raises(ValueError, match="coincide"):
        source_box(np.full((5, 2), 7, dtype=np.float32))
    with pytest.raises(ValueError, match="coincide"):
        align(np.zeros((9, 9, 3), dtype=np.uint8), np.full((5, 2), 7, dtype=np.float32))


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("pixels", [0.6, 1.0, 1.7, 3.4, 6.3])
def test_a_face_is_cut_from_a_photo_however_large_it_was_decoded(pixels, kind):
    """`pixels` of the photo make one of the crop; fewer decoded ones will do, but one."""
    landmarks = placed(0.4, pixels, 530, 470)
    written = io.BytesIO()
    Image.fromarray(dotted(landmarks, 1003, 5.0 * pixels)).save(written, kind)
    for decoded in (None, math.ceil(1003 / max(1.0, pixels))):
        photo = open_photo(written.getvalue(), name="a", max_megapixels=10, long_side=decoded)
        crop = align_in(photo, landmarks)
        found = dots(crop)
        assert len(found) == 5
        for x, y in TEMPLATE:
            assert min(math.hypot(x - u, y - v) for u, v in found) < 0.75


def test_a_face_beside_the_photo_is_no_error():
    written = io.BytesIO()
    Image.new("RGB", (64, 48), "white").save(written, "PNG")
    photo = open_photo(written.getvalue(), name="a", max_megapixels=1)
    for x, y in ((-900, -900), (900, 900)):
        assert align_in(photo, placed(0.1, 2, x, y)).shape == (112, 112, 3)
    with pytest.raises(ValueError, match="coincide"):
        align_in(photo, np.ones((5, 2), dtype=np.float32))

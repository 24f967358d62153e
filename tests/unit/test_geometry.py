from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from facesort.domain import Box
from facesort.imaging.geometry import (
    clip_box,
    fit_similarity,
    points_to_raster,
    points_to_upright,
    swaps_axes,
    to_raster,
    to_upright,
    upright_size,
)
from tests.strategies import boxes, orientations, pixel_boxes, seeds

WIDTH, HEIGHT = 7, 4  # of the painted pictures: no symmetry hides a mistake

coordinates = st.floats(-1e4, 1e4, allow_nan=False)
sizes = st.integers(1, 60_000)


def painted(box: Box, orientation: int) -> np.ndarray:
    """A black picture with one white rectangle, and what Pillow makes of the tag."""
    raster = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
    raster[int(box.top) : int(box.bottom), int(box.left) : int(box.right)] = 255
    image = Image.fromarray(raster)
    image.getexif()[0x0112] = orientation
    upright = ImageOps.exif_transpose(image)
    return np.asarray(upright)


# Orientation


@given(pixel_boxes(WIDTH, HEIGHT), orientations)
def test_a_painted_rectangle_stands_where_pillow_turns_it(box, orientation):
    upright = painted(box, orientation)
    assert upright.shape[::-1] == upright_size(WIDTH, HEIGHT, orientation)
    turned = to_upright(box, WIDTH, HEIGHT, orientation)
    rows, columns = np.nonzero(upright)
    assert turned == Box(columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)


@given(pixel_boxes(WIDTH, HEIGHT), orientations)
def test_the_centre_of_a_pixel_goes_where_its_pixel_goes(box, orientation):
    pixel = Box(box.left, box.top, box.left + 1, box.top + 1)
    upright = painted(pixel, orientation)
    centre = np.array([[box.left + 0.5, box.top + 0.5]], dtype=np.float32)
    ((x, y),) = points_to_upright(centre, WIDTH, HEIGHT, orientation)
    assert upright[math.floor(y), math.floor(x)] == 255


@given(boxes(), orientations, sizes, sizes)
def test_turning_a_box_back_gives_the_box(box, orientation, width, height):
    back = to_raster(to_upright(box, width, height, orientation), width, height, orientation)
    assert (back.left, back.top, back.right, back.bottom) == pytest.approx(
        (box.left, box.top, box.right, box.bottom), abs=1e-9
    )


@given(boxes(), sizes, sizes)
def test_an_upright_raster_leaves_boxes_exactly_as_they_are(box, width, height):
    assert to_upright(box, width, height, 1) == box
    assert to_raster(box, width, height, 1) == box


@given(st.lists(st.tuples(coordinates, coordinates), min_size=1), orientations, sizes, sizes)
def test_turning_points_back_gives_the_points(points, orientation, width, height):
    given_points = np.array(points, dtype=np.float32)
    turned = points_to_upright(given_points, width, height, orientation)
    back = points_to_raster(turned, width, height, orientation)
    np.testing.assert_allclose(back, given_points, atol=0.02)


@given(boxes(), orientations, sizes, sizes)
def test_a_box_and_its_corners_turn_alike(box, orientation, width, height):
    corners = np.array([[box.left, box.top], [box.right, box.bottom]], dtype=np.float32)
    x, y = points_to_upright(corners, width, height, orientation).T
    turned = to_upright(box, width, height, orientation)
    assert (turned.left, turned.top, turned.right, turned.bottom) == pytest.approx(
        (x.min(), y.min(), x.max(), y.max()), abs=0.02
    )


@given(pixel_boxes(WIDTH, HEIGHT), orientations)
def test_a_turned_box_stays_inside_the_turned_picture(box, orientation):
    turned = to_upright(box, WIDTH, HEIGHT, orientation)
    assert clip_box(turned, *upright_size(WIDTH, HEIGHT, orientation)) == turned
    assert turned.area == box.area
    assert (turned.width == box.height) == (swaps_axes(orientation) or box.width == box.height)


def test_a_region_of_orientation_6_is_shown_where_other_programs_show_it():
    # Relative centre (.3, .8), size (.4, .2) as stored -> centre (.2, .3), size (.2, .4).
    stored = Box(0.3 - 0.2, 0.8 - 0.1, 0.3 + 0.2, 0.8 + 0.1)
    shown = to_upright(stored, 1, 1, 6)
    centre = ((shown.left + shown.right) / 2, (shown.top + shown.bottom) / 2)
    assert (*centre, shown.width, shown.height) == pytest.approx((0.2, 0.3, 0.2, 0.4), abs=1e-12)


@pytest.mark.parametrize(
    ("orientation", "expected"),
    [
        (1, (0.3, 0.8)),
        (2, (0.7, 0.8)),
        (3, (0.7, 0.2)),
        (4, (0.3, 0.2)),
        (5, (0.8, 0.3)),
        (6, (0.2, 0.3)),
        (7, (0.2, 0.7)),
        (8, (0.8, 0.7)),
    ],
)
def test_the_centre_of_a_region_moves_as_the_exif_standard_says(orientation, expected):
    stored = np.array([[0.3, 0.8]], dtype=np.float32)
    (shown,) = points_to_upright(stored, 1, 1, orientation)
    assert tuple(shown) == pytest.approx(expected, abs=1e-6)


# Boxes


@given(boxes(), boxes())
def test_overlap_is_symmetric_and_a_share(one, other):
    assert one.overlap(other) == other.overlap(one)
    assert 0 <= one.overlap(other) <= 1


@given(boxes())
def test_a_box_overlaps_itself_fully_unless_it_is_empty(box):
    assert box.overlap(box) == (1.0 if box.area > 0 else 0.0)


def test_overlap_is_the_common_area_over_the_joint_area():
    one = Box(0, 0, 10, 10)
    assert one.overlap(Box(5, 0, 15, 10)) == pytest.approx(50 / 150)
    assert one.overlap(Box(2, 2, 4, 4)) == pytest.approx(4 / 100)
    assert one.overlap(Box(10, 0, 20, 10)) == 0  # half-open: neighbours share nothing
    assert one.overlap(Box(20, 20, 30, 30)) == 0


def test_a_box_turned_inside_out_is_empty_and_overlaps_nothing():
    inverted = Box(10, 10, 0, 0)
    assert inverted.area == 0
    assert inverted.overlap(Box(0, 0, 10, 10)) == 0
    assert inverted.overlap(inverted) == 0


@given(boxes(), sizes, sizes)
def test_a_clipped_box_lies_in_the_picture_and_in_the_box(box, width, height):
    moved = Box(box.left - 1000, box.top - 1000, box.right - 1000, box.bottom - 1000)
    clipped = clip_box(moved, width, height)
    assert 0 <= clipped.left <= clipped.right <= width
    assert 0 <= clipped.top <= clipped.bottom <= height
    if clipped.area > 0:
        assert clipped.left >= moved.left
        assert clipped.top >= moved.top
        assert clipped.right <= moved.right
        assert clipped.bottom <= moved.bottom


# Similarity transforms


def fitted(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    # In float64, so that what is compared is the fit and not the rounding of its input.
    return fit_similarity(source, target)


def similarity(angle: float, scale: float, x: float, y: float) -> np.ndarray:
    cos, sin = scale * math.cos(angle), scale * math.sin(angle)
    return np.array([[cos, -sin, x], [sin, cos, y]])


def applied(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    turned: np.ndarray = points @ matrix[:, :2].T + matrix[:, 2]
    return turned


@given(
    seeds,
    st.floats(-math.pi, math.pi),
    st.floats(0.01, 100),
    st.floats(-1000, 1000),
    st.floats(-1000, 1000),
)
def test_any_similarity_is_recovered(seed, angle, scale, x, y):
    points = np.random.default_rng(seed).uniform(0, 100, (5, 2))
    assume(points.std(axis=0).min() > 1)
    wanted = similarity(angle, scale, x, y)
    np.testing.assert_allclose(
        fitted(points, applied(wanted, points)), wanted, rtol=1e-6, atol=1e-6
    )


@given(seeds, seeds)
def test_a_fit_never_mirrors_and_scales_both_axes_alike(seed, other_seed):
    source = np.random.default_rng(seed).uniform(0, 100, (5, 2))
    target = np.random.default_rng(other_seed).uniform(0, 100, (5, 2))
    matrix = fitted(source, target)[:, :2]
    assert np.linalg.det(matrix) >= 0
    assert matrix[0, 0] == pytest.approx(matrix[1, 1])
    assert matrix[0, 1] == pytest.approx(-matrix[1, 0])


@given(seeds)
def test_mirrored_points_are_fitted_by_a_turn_not_a_reflection(seed):
    source = np.random.default_rng(seed).uniform(0, 100, (5, 2))
    assume(source.std(axis=0).min() > 1)
    assert np.linalg.det(fitted(source, source * [-1, 1])[:, :2]) >= 0


@given(seeds, st.floats(-0.3, 0.3), st.floats(0.8, 1.25), st.floats(-9, 9), st.floats(-9, 9))
def test_no_other_similarity_fits_better(seed, angle, scale, x, y):
    random = np.random.default_rng(seed)
    source, target = random.uniform(0, 100, (5, 2)), random.uniform(0, 100, (5, 2))
    best = fitted(source, target)
    # Another similarity: the best one followed by a small turn, scaling and shift.
    turn = similarity(angle, scale, x, y)
    other = np.column_stack([turn[:, :2] @ best[:, :2], turn[:, :2] @ best[:, 2] + turn[:, 2]])

    def error(matrix: np.ndarray) -> float:
        return float(((applied(matrix, source) - target) ** 2).sum())

    assert error(best) <= error(other) + 1e-6


def test_coinciding_landmarks_are_refused():
    with pytest.raises(ValueError, match="coincide"):
        fit_similarity(np.full((5, 2), 3, dtype=np.float32), np.eye(5, 2, dtype=np.float32))

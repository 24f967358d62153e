from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facesort.domain import Box
from facesort.vision.multiscale import PhotoFace
from facesort.vision.views import (
    checking_views,
    closer_views,
    first_views,
    long_side_for,
    plan_key,
    tiles,
)

SURE = 24

sizes = st.tuples(st.integers(100, 12_000), st.integers(100, 12_000))
min_faces = st.floats(8, 120)


def face(left: float, top: float, side: float, *, score: float = 0.9) -> PhotoFace:
    box = Box(left, top, left + side, top + side)
    return PhotoFace(box, np.zeros((5, 2), dtype=np.float32), score, side)


@st.composite
def photos_with_faces(draw):
    width, height = draw(sizes)
    places = st.tuples(st.floats(0, 0.99), st.floats(0, 0.99), st.floats(8, 400), st.floats(0.1, 1))
    found = [
        face(x * (width - min(side, width)), y * (height - min(side, height)), side, score=score)
        for x, y, side, score in draw(st.lists(places, max_size=30))
        if side < min(width, height)
    ]
    return (width, height), found


def assert_inside(views, size):
    for view in views:
        box = view.box
        assert 0 <= box.left < box.right <= size[0]
        assert 0 <= box.top < box.bottom <= size[1]
        assert all(side == int(side) for side in (box.left, box.top, box.right, box.bottom))
        # Never enlarged, and not squeezed.
        assert 1 <= view.size[0] <= box.width
        assert 1 <= view.size[1] <= box.height
        assert view.size[0] == pytest.approx(box.width * view.scale, abs=1)
        assert view.size[1] == pytest.approx(box.height * view.scale, abs=1)


# The first look


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        ((4000, 3000), [(1920, 1440), (480, 360)]),
        ((3000, 4000), [(1440, 1920), (360, 480)]),
        ((1920, 1080), [(1920, 1080), (480, 270)]),
        ((481, 300), [(481, 300), (480, 299)]),
        ((480, 300), [(480, 300)]),
        ((1, 1), [(1, 1)]),
    ],
)
def test_the_whole_photo_is_shown_at_two_scales_and_never_enlarged(size, shown):
    views = first_views(size, min_face=24)
    assert [view.size for view in views] == shown
    assert {view.box for view in views} == {Box(0, 0, *size)}


def test_a_photo_too_large_for_its_smallest_faces_is_shown_larger():
    assert first_views((6400, 4267), min_face=24)[0].size == (2000, 1333)
    assert first_views((8192, 6144), min_face=80)[0].size == (1920, 1440)
    assert first_views((2200, 1600), min_face=1)[0].size == (2200, 1600)


def test_what_would_be_shown_too_large_is_cut_into_tiles_that_share_a_large_face():
    one, other, whole = first_views((8192, 6144), min_face=24)
    assert one.size == other.size == (1440, 1920)
    assert (one.box.left, other.box.right) == (0, 8192)
    assert (one.box.right - other.box.left) * one.scale >= 300
    assert whole.size == (480, 360)


@given(sizes, st.floats(1, 120))
def test_no_picture_of_the_first_look_takes_too_much_memory(size, min_face):
    views = first_views(size, min_face=min_face)
    assert_inside(views, size)
    assert all(view.size[0] * view.size[1] <= 3_700_000 for view in views)
    large = views[:-1] if max(size) > 480 else views
    assert len({view.size for view in large}) == 1


# The second look


@pytest.mark.parametrize(
    ("size", "min_face", "found"),
    [
        ((6000, 4000), 24, []),
        ((6000, 4000), 24, [face(100, 100, 300), face(900, 900, 1200)]),
        ((6000, 4000), 24, [face(100, 100, 10)]),  # too small to count, even when seen closer
        ((4000, 3000), 80, [face(100, 100, 60)]),  # is seen well as it is
        ((1920, 1280), 24, [face(100, 100, 20), face(300, 300, 24)]),  # there is nothing closer
    ],
)
def test_most_photos_need_no_second_look(size, min_face, found):
    assert checking_views(size, found, min_face=min_face) == []


def test_a_window_shows_a_small_face_and_its_surroundings_in_the_photo_s_own_pixels():
    (view,) = checking_views((6000, 4000), [face(3000, 2000, 40, score=0.1)], min_face=24)
    assert view.box == Box(2940, 1940, 3100, 2100)
    assert view.size == (160, 160)


def test_two_detections_of_one_face_get_one_window_and_the_surest_come_first():
    found = [face(i * 200, 50, 40, score=0.1 + i / 100) for i in range(20)]
    twice = [face(i * 200 + 4, 52, 40, score=0.09 + i / 100) for i in range(20)]
    views = checking_views((6000, 4000), found + twice, min_face=24)
    assert [round(view.box.left + 60) for view in views] == [i * 200 for i in range(19, 3, -1)]


@given(photos_with_faces(), min_faces)
def test_windows_lie_in_the_photo_are_small_and_show_a_small_face_whole(photo, min_face):
    size, found = photo
    views = checking_views(size, found, min_face=min_face)
    assert_inside(views, size)
    assert len(views) <= 16
    first = first_views(size, min_face=min_face)[0].scale
    for view in views:
        assert max(view.size) <= 160
        assert any(
            view.box.left <= one.box.left + 1
            and view.box.top <= one.box.top + 1
            and view.box.right >= one.box.right - 1
            and view.box.bottom >= one.box.bottom - 1
            and one.box.shorter_side * first < SURE
            and view.scale > first
            for one in found
        )


# The third look


def test_tiles_follow_only_on_a_small_face_that_proved_clear():
    size, options = (6000, 4000), {"min_face": 24.0, "min_score": 0.6}
    assert closer_views(size, [], **options) == []
    assert closer_views(size, [face(9, 9, 40, score=0.7)] * 3, **options) == []  # doubtful
    assert closer_views(size, [face(9, 9, 10)], **options) == []
    assert closer_views(size, [face(9, 9, 300)], **options) == []
    assert len(closer_views(size, [face(9, 9, 40)], **options)) == 24
    assert closer_views((1920, 1080), [face(9, 9, 24)], **options) == []


def test_the_closer_look_has_no_more_pixels_than_the_smallest_face_needs():
    (view, *_) = closer_views((8192, 6144), [face(9, 9, 50)], min_face=48, min_score=0.6)
    assert view.scale == pytest.approx(0.5, abs=0.01)


@given(sizes, st.floats(0.1, 1), st.sampled_from([(1280, 160), (1920, 320)]), st.data())
def test_tiles_cover_a_photo_and_show_every_face_up_to_their_overlap_whole(size, scale, tile, data):
    views = tiles(size, scale, side=tile[0], overlap=tile[1])
    assert_inside(views, size)
    assert len({view.size for view in views}) == 1
    assert max(views[0].size) <= tile[0]
    side = min(tile[1] / scale - 2, *size)
    left = data.draw(st.floats(0, size[0] - side))
    top = data.draw(st.floats(0, size[1] - side))
    assert any(
        view.box.left <= left
        and view.box.top <= top
        and view.box.right >= left + side
        and view.box.bottom >= top + side
        for view in views
    )


@given(sizes, st.floats(0.1, 1))
def test_tiles_lie_alike_from_every_side(size, scale):
    views = tiles(size, scale)
    starts = sorted({view.box.left for view in views})
    mirrored = sorted({size[0] - view.box.right for view in views})
    assert starts == pytest.approx(mirrored, abs=1)
    turned = tiles(size[::-1], scale)
    assert starts == sorted({view.box.top for view in turned})


# What a photo must be opened at


@given(photos_with_faces(), min_faces)
def test_a_photo_opened_at_the_long_side_has_the_pixels_of_every_view(photo, min_face):
    size, found = photo
    first = first_views(size, min_face=min_face)
    for views in (first, checking_views(size, found, min_face=min_face), tiles(size, 0.4)):
        long_side = long_side_for(views, size)
        assert long_side <= max(size)
        for view in views:
            longer = max(view.box.width, view.box.height)
            assert longer * long_side / max(size) >= max(view.size) - 1e-6
    assert long_side_for([], size) == 0


def test_the_key_names_the_scales():
    assert "1920,480" in plan_key()

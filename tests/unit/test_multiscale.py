from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facesort.domain import Box
from facesort.imaging.align import TEMPLATE, TEMPLATE_SIZE
from facesort.imaging.decode import Crop
from facesort.vision.look import Looker
from facesort.vision.multiscale import PhotoFace, faces_in, merge_scales
from facesort.vision.views import FAINT_SCORE, View, first_views
from facesort.vision.yunet import FoundFace
from facesort.workers import StageTimes

TRUSTED = 300.0


def seen(left: float, top: float, right: float, bottom: float, *, score: float, scale: float):
    """A face in full-size pixels, found in a picture `scale` times as large as the photo."""
    box = Box(left, top, right, bottom)
    pixels = max(box.width, box.height) * scale
    return PhotoFace(box, np.zeros((5, 2), dtype=np.float32), score, pixels)


def kept(*faces: PhotoFace) -> list[Box]:
    return [face.box for face in merge_scales(list(faces), trusted_pixels=TRUSTED)]


@st.composite
def photo_faces(draw):
    left, top = draw(st.integers(0, 900)), draw(st.integers(0, 900))
    side = draw(st.integers(10, 900))
    score = draw(st.floats(0.5, 1))
    scale = draw(st.sampled_from([1.0, 0.25]))
    return seen(left, top, left + side, top + side, score=score, scale=scale)


# Merging


def test_a_face_seen_at_both_scales_is_one_face_and_the_surer_box_stays():
    large = seen(100, 100, 200, 230, score=0.93, scale=1)
    small = seen(96, 104, 204, 228, score=0.88, scale=0.25)
    assert kept(large, small) == [large.box]
    assert kept(small, large) == [large.box]


def test_a_close_up_split_in_two_yields_to_the_whole_face_of_the_small_scale():
    # A face of 1,000 pixels: at full scale the detector sees two halves, surer than the whole.
    upper = seen(500, 300, 1450, 900, score=0.95, scale=1)
    lower = seen(520, 850, 1440, 1500, score=0.90, scale=1)
    whole = seen(500, 300, 1450, 1500, score=0.75, scale=0.25)
    assert kept(upper, lower, whole) == [whole.box]


def test_a_face_that_is_too_large_at_every_scale_is_still_found():
    only = seen(0, 0, 1800, 1900, score=0.8, scale=1)
    assert kept(only) == [only.box]


def test_a_face_too_large_for_one_scale_and_seen_at_no_other_stays():
    large = seen(100, 100, 700, 800, score=0.9, scale=1)
    elsewhere = seen(1000, 100, 1100, 220, score=0.8, scale=0.25)
    assert kept(large, elsewhere) == [large.box, elsewhere.box]


def test_two_cheek_to_cheek_faces_stay_two():
    left = seen(100, 100, 200, 230, score=0.92, scale=1)
    right = seen(170, 110, 270, 240, score=0.90, scale=1)  # a third of each is shared
    assert kept(left, right) == [left.box, right.box]


def test_a_child_before_a_parent_s_shoulder_stays():
    parent = seen(100, 100, 300, 360, score=0.9, scale=1)
    child = seen(240, 280, 330, 400, score=0.85, scale=1)
    assert kept(parent, child) == [parent.box, child.box]


def test_a_box_inside_a_kept_face_is_a_part_of_it():
    face = seen(100, 100, 300, 360, score=0.9, scale=1)
    mouth = seen(160, 250, 240, 320, score=0.7, scale=1)
    assert kept(face, mouth) == [face.box]


def test_the_three_scenes_in_one_photo_do_not_disturb_each_other():
    whole = seen(500, 300, 1450, 1500, score=0.75, scale=0.25)
    halves = [
        seen(500, 300, 1450, 900, score=0.95, scale=1),
        seen(520, 850, 1440, 1500, score=0.90, scale=1),
    ]
    left = seen(100, 100, 200, 230, score=0.92, scale=1)
    right = seen(170, 110, 270, 240, score=0.91, scale=1)
    again = seen(98, 102, 202, 228, score=0.6, scale=0.25)
    assert kept(*halves, left, again, whole, right) == [left.box, right.box, whole.box]


@given(st.lists(photo_faces(), max_size=8), st.randoms())
def test_the_order_of_the_detections_does_not_matter(faces, random):
    # Not among faces equal in everything.
    faces = list({(f.box, f.score): f for f in faces}.values())
    shuffled = list(faces)
    random.shuffle(shuffled)
    assert kept(*shuffled) == kept(*faces)


@given(st.lists(photo_faces(), max_size=8))
def test_what_is_kept_was_seen_best_first_and_apart(faces):
    merged = merge_scales(faces, trusted_pixels=TRUSTED)
    assert all(any(face is other for other in faces) for face in merged)
    assert [face.score for face in merged] == sorted((f.score for f in merged), reverse=True)
    for i, face in enumerate(merged):
        assert all(face.box.overlap(other.box) <= 0.4 for other in merged[:i])
    assert bool(merged) == bool(faces)


@given(st.lists(photo_faces(), max_size=8))
def test_merging_what_is_merged_changes_nothing(faces):
    once = merge_scales(faces, trusted_pixels=TRUSTED)
    assert merge_scales(once, trusted_pixels=TRUSTED) == once


# From a view to the photo


@pytest.mark.parametrize("size", [(4000, 3000), (3000, 4000), (1920, 1080), (400, 300)])
def test_boxes_and_landmarks_come_back_in_full_size_pixels(size):
    (width, height), view = size, first_views(size, min_face=24)[-1]
    w, h = view.size
    points = np.array([[0.25 * w, 0.5 * h]] * 5, dtype=np.float32)
    detection = FoundFace(Box(0.25 * w, 0.5 * h, 0.5 * w, 0.75 * h), points, 0.9)
    (face,) = faces_in(view, [detection], size)
    box = face.box
    assert (box.left, box.top, box.right, box.bottom) == pytest.approx(
        (0.25 * width, 0.5 * height, 0.5 * width, 0.75 * height), abs=1e-3
    )
    assert face.landmarks[0].tolist() == pytest.approx([0.25 * width, 0.5 * height], abs=1e-2)
    assert face.seen_pixels == pytest.approx(max(w, h) / 4)


def test_a_face_in_a_part_of_a_photo_comes_back_where_it_is():
    view = View(Box(1000, 2000, 1400, 2300), (200, 150))
    points = np.array([[20, 40]] * 5, dtype=np.float32)
    (face,) = faces_in(view, [FoundFace(Box(10, 30, 50, 80), points, 0.9)], (4000, 3000))
    assert face.box == Box(1020, 2060, 1100, 2160)
    assert face.landmarks[0].tolist() == [1040, 2080]


def test_a_face_cut_by_the_frame_keeps_its_box_inside_and_its_landmarks_where_they_are():
    (view,) = first_views((480, 480), min_face=24)
    points = np.array([[-96, 240]] * 5, dtype=np.float32)
    (face,) = faces_in(view, [FoundFace(Box(-96, 240, 144, 576), points, 0.9)], (480, 480))
    assert (face.box.left, face.box.bottom) == (0, 480)
    assert face.landmarks[0, 0] == -96


def test_a_face_cut_by_the_edge_of_a_view_is_left_to_the_neighbour():
    points = np.zeros((5, 2), dtype=np.float32)
    cut = FoundFace(Box(160, 20, 199, 70), points, 0.99)
    whole = FoundFace(Box(100, 20, 140, 70), points, 0.9)
    inner = View(Box(0, 0, 200, 150), (200, 150))
    assert [face.score for face in faces_in(inner, [cut, whole], (4000, 3000))] == [0.9]
    # At the photo's own edge there is no neighbour.
    assert len(faces_in(inner, [cut, whole], (200, 150))) == 2


# Looking at a photo


@dataclass
class World:
    """An open photo with faces, and a detector that sees them: surely, faintly or not, by size.

    A face of which half or more is in the picture is seen, and is said to end with the picture.
    """

    upright_size: tuple[int, int]
    faces: list[Box]
    noise: list[Box] = field(default_factory=list)  # faint wherever it is seen
    sure_pixels: float = 12
    faint_pixels: float = 8
    searched: list[tuple[Box, int]] = field(default_factory=list)
    orientation: int = 1
    taken_at: str = ""
    camera: str = ""

    @property
    def width(self) -> int:
        return self.upright_size[0]

    @property
    def height(self) -> int:
        return self.upright_size[1]

    def crop(self, box: Box, max_side: int) -> Crop:
        self.searched.append((box, max_side))
        return self.patch(box, max_side)

    def patch(self, box: Box, max_side: int) -> Crop:
        scale = min(1.0, max_side / max(box.width, box.height))
        shape = (max(1, round(box.height * scale)), max(1, round(box.width * scale)), 3)
        return Crop(np.zeros(shape, dtype=np.uint8), box.left, box.top, scale)

    def detect(self, images):
        views = [box for box, _ in self.searched[-len(images) :]]
        return [self._found(*seen) for seen in zip(images, views, strict=True)]

    def _found(self, image, view: Box):
        height, width = image.shape[:2]
        found = [self._seen(face, view, width, height, 0.9) for face in self.faces]
        found += [self._seen(face, view, width, height, FAINT_SCORE) for face in self.noise]
        return [face for face in found if face is not None]

    def _seen(self, face: Box, view: Box, width: int, height: int, best: float):
        x, y = width / view.width, height / view.height
        inside = Box(
            max(face.left, view.left),
            max(face.top, view.top),
            min(face.right, view.right),
            min(face.bottom, view.bottom),
        )
        pixels = face.shorter_side * min(x, y)
        if inside.area < face.area / 2 or not self.faint_pixels <= pixels <= 300:
            return None
        box = Box(
            (inside.left - view.left) * x,
            (inside.top - view.top) * y,
            (inside.right - view.left) * x,
            (inside.bottom - view.top) * y,
        )
        score = best if pixels >= self.sure_pixels else FAINT_SCORE
        share = TEMPLATE / TEMPLATE_SIZE
        points = np.array([box.left, box.top]) + share * np.array([box.width, box.height])
        return FoundFace(box, points.astype(np.float32), score)


def look(world: World, *, min_face: int = 24) -> list[Box]:
    looker = Looker(
        world,
        crop_size=16,
        trusted_pixels=TRUSTED,
        min_score=0.6,
        min_face=min_face,
        max_megapixels=300,
        times=StageTimes(),
    )
    return [face.box for face in looker.look_at(world).faces]  # type: ignore[arg-type]  # all that is asked of one


def square(left: float, top: float, side: float) -> Box:
    return Box(left, top, left + side, top + side)


def same(found: list[Box], expected: list[Box]) -> bool:
    return len(found) == len(expected) and all(
        max((box.overlap(other) for other in found), default=0) > 0.9 for box in expected
    )


@pytest.mark.parametrize(
    ("size", "asked"),
    [
        ((4000, 3000), [1920, 480]),
        ((600, 700), [700, 480]),
        ((480, 300), [480]),
        ((6400, 4267), [2000, 480]),
    ],
)
def test_a_photo_without_small_faces_is_looked_at_as_a_whole(size, asked):
    world = World(size, [square(100, 100, 200)])
    assert same(look(world), world.faces)
    assert world.searched == [(Box(0, 0, *size), long_side) for long_side in asked]


def test_the_smallest_face_is_measured_in_full_size_pixels():
    world = World((4000, 3000), [Box(400, 300, 440.5, 360)])
    assert len(look(world, min_face=40)) == 1
    assert look(world, min_face=41) == []


def test_what_was_only_faint_is_found_by_looking_closer():
    world = World((6000, 4000), [square(3000, 1500, 30)])
    assert same(look(world), world.faces)


def test_one_small_face_makes_the_others_found_that_no_scale_of_the_whole_photo_shows():
    faces = [square(3000, 1500, 30), square(300, 3700, 24.5), square(5900, 20, 24.5)]
    world = World((6000, 4000), faces)
    assert same(look(world), faces)


def test_what_proves_to_be_nothing_costs_a_few_small_windows():
    world = World((6000, 4000), [square(1000, 1000, 500)], noise=[square(3000, 1500, 30)])
    assert same(look(world), world.faces)
    assert [long_side for _, long_side in world.searched] == [1920, 480, 160]


def test_a_faint_detection_neither_counts_nor_hides_a_face():
    face = square(1000, 1000, 200)
    world = World((1600, 1200), [face], noise=[square(1010, 1005, 190), square(300, 300, 100)])
    assert same(look(world), [face])


@given(
    st.lists(
        st.tuples(st.integers(0, 27), st.integers(0, 17), st.floats(24.5, 150)),
        min_size=1,
        max_size=12,
        unique_by=lambda place: place[:2],
    ),
    st.floats(0, 40),
)
def test_faces_wherever_they_lie_are_found_whole_and_once(places, shift):
    # One that is sure to be noticed; the others may lie on any seam between two tiles.
    faces = [square(5900, 3900, 40)]
    faces += [square(column * 200 + shift, row * 200 + shift, side) for column, row, side in places]
    world = World((6000, 4000), faces, sure_pixels=20)
    assert same(look(world), faces)
    assert len(world.searched) > 10

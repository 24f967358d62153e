from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facesort.domain import Box
from facesort.vision.multiscale import PhotoFace, detect_in_photo, merge_scales
from facesort.vision.yunet import FoundFace

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


# Looking at a photo


@dataclass
class Photo:
    """A photo that is never decoded; it remembers which sizes were asked for."""

    upright_size: tuple[int, int]
    asked: list[int] = field(default_factory=list)

    def scaled(self, long_side: int) -> np.ndarray:
        self.asked.append(long_side)
        width, height = self.upright_size
        factor = min(1.0, long_side / max(width, height))
        return np.zeros((round(height * factor), round(width * factor), 3), dtype=np.uint8)


@dataclass(frozen=True)
class Finds:
    """A detector that finds the same relative box at every scale."""

    box: Box
    score: float = 0.9

    def detect(self, images):
        found = []
        for image in images:
            height, width = image.shape[:2]
            box = Box(
                self.box.left * width,
                self.box.top * height,
                self.box.right * width,
                self.box.bottom * height,
            )
            points = np.array([[box.left, box.top]] * 5, dtype=np.float32)
            found.append([FoundFace(box, points, self.score)])
        return found


def look(photo: Photo, detector: Finds, *, min_face: float = 1.0) -> list[PhotoFace]:
    return detect_in_photo(
        photo, detector, scales=(1920, 480), trusted_pixels=TRUSTED, min_face=min_face
    )


@pytest.mark.parametrize("size", [(4000, 3000), (3000, 4000), (1920, 1080), (400, 300)])
def test_boxes_and_landmarks_come_back_in_full_size_pixels(size):
    (face,) = look(Photo(size), Finds(Box(0.25, 0.5, 0.5, 0.75)))
    box, (width, height) = face.box, size
    assert (box.left, box.top, box.right, box.bottom) == pytest.approx(
        (0.25 * width, 0.5 * height, 0.5 * width, 0.75 * height), abs=1e-3
    )
    assert face.landmarks[0].tolist() == pytest.approx([0.25 * width, 0.5 * height], abs=1e-2)


@pytest.mark.parametrize(
    ("size", "asked"),
    [((4000, 3000), [1920, 480]), ((600, 700), [1920, 480]), ((480, 300), [1920])],
)
def test_a_small_photo_is_looked_at_once(size, asked):
    photo = Photo(size)
    look(photo, Finds(Box(0, 0, 0.5, 0.5)))
    assert photo.asked == asked


def test_the_smallest_face_is_measured_in_full_size_pixels():
    finds = Finds(Box(0.1, 0.1, 0.11, 0.12))  # 40 x 60 pixels of 4000 x 3000
    assert len(look(Photo((4000, 3000)), finds, min_face=39.9)) == 1
    assert look(Photo((4000, 3000)), finds, min_face=40.1) == []


def test_a_face_cut_by_the_frame_keeps_its_box_inside_and_its_landmarks_where_they_are():
    (face,) = look(Photo((1000, 1000)), Finds(Box(-0.2, 0.5, 0.3, 1.2)))
    assert (face.box.left, face.box.bottom) == (0, 1000)
    assert face.landmarks[0, 0] == pytest.approx(-200, abs=0.1)

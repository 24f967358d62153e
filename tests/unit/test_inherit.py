"""Which photos show one picture, and which of their faces are the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facesort.domain import Box
from facesort.grouping.inherit import FaceSet, Picture, alike_photos, same_faces

if TYPE_CHECKING:
    from collections.abc import Sequence

    from facesort.protocols import Vectors

LOOKS = np.eye(8, dtype=np.float32)
BOXES = (Box(100, 100, 160, 180), Box(300, 120, 350, 190), Box(520, 90, 590, 180))
WHOLE = Picture(800, 600, "2024-05-01T10:00:00", "X100", ("IMG_1",))


def picture(**changes: object) -> Picture:
    values = {"width": 800, "height": 600, "taken_at": "", "camera": "", "stems": ("other",)}
    return Picture(**{**values, **changes})  # type: ignore[arg-type]  # the fields of a picture


def faces(boxes: Sequence[Box], looks: Sequence[int], photo: int = 1) -> FaceSet:
    vectors: Vectors = LOOKS[list(looks)]
    return FaceSet(np.full(len(boxes), photo), boxes, vectors)


def cropped(box: Box, scale: float, right: float, down: float) -> Box:
    return Box(
        (box.left - right) * scale,
        (box.top - down) * scale,
        (box.right - right) * scale,
        (box.bottom - down) * scale,
    )


def found(one: FaceSet, other: FaceSet, edited: Picture) -> list[tuple[int, int]]:
    return [pair[:2] for pair in same_faces(one, other, (WHOLE, edited), min_cosine=0.5)]


@given(
    scale=st.floats(0.2, 3),
    right=st.floats(0, 90),
    down=st.floats(0, 80),
    width=st.floats(520, 700),
)
def test_two_faces_that_fit_one_crop_need_no_other_evidence(scale, right, down, width):
    moved = [cropped(box, scale, right, down) for box in BOXES]
    edited = picture(width=(width - right) * scale, height=(300 - down) * scale)
    known = faces(BOXES, [0, 1, 2])
    assert sorted(found(known, faces(moved, [0, 1, 2], 2), edited)) == [(0, 0), (1, 1), (2, 2)]
    assert sorted(found(known, faces(moved[:2], [0, 1], 2), edited)) == [(0, 0), (1, 1)]


def test_a_single_face_needs_the_camera_s_time_or_the_file_s_name():
    known, other = faces(BOXES[:1], [0]), faces(BOXES[:1], [0], 2)
    assert found(known, other, picture()) == []
    assert found(known, other, picture(stems=("IMG_1-edit",))) == [(0, 0)]
    assert found(known, other, picture(stems=("img_1 (2)",))) == [(0, 0)]
    assert found(known, other, picture(stems=("IMG_10",))) == []
    same = {"taken_at": WHOLE.taken_at, "camera": WHOLE.camera}
    assert found(known, other, picture(**same)) == [(0, 0)]
    assert found(known, other, picture(taken_at=WHOLE.taken_at, camera="Z9")) == []


def test_a_name_that_comes_again_years_later_proves_nothing():
    known, other = faces(BOXES[:1], [0]), faces(BOXES[:1], [0], 2)
    later = picture(stems=("IMG_1",), taken_at="2026-05-01T10:00:00", camera="X100")
    assert found(known, other, later) == []


def test_another_photo_of_the_same_people_is_no_edit():
    changed = [Box(500, 100, 560, 180), Box(100, 120, 150, 190)]  # they changed places
    assert found(faces(BOXES[:2], [0, 1]), faces(changed, [0, 1], 2), picture()) == []


def test_a_face_that_would_lie_outside_of_the_original_is_no_crop():
    far = [Box(700, 500, 760, 580)]  # the frame would reach far beyond the known photo's
    edited = picture(stems=("IMG_1-2",))
    assert found(faces(BOXES[:1], [0]), faces(far, [0], 2), edited) == []


def test_people_who_look_alike_are_told_apart_by_their_places():
    known = faces(BOXES, [0, 1, 0])
    moved = [cropped(box, 0.5, 0, 0) for box in BOXES]
    pairs = found(known, faces(moved, [0, 1, 0], 2), picture(width=400, height=300))
    assert (1, 1) in pairs
    assert all(one == other for one, other in pairs)


def test_the_original_can_come_after_its_crop():
    moved = [cropped(box, 1, 80, 60) for box in BOXES]
    crop = picture(width=560, height=300)
    pairs = same_faces(
        faces(moved, [0, 1, 2]), faces(BOXES, [0, 1, 2], 2), (crop, WHOLE), min_cosine=0.5
    )
    assert [pair[:2] for pair in pairs] == [(0, 0), (1, 1), (2, 2)]


@pytest.mark.parametrize("count", [3, 5000])
def test_photos_with_alike_faces_are_found_whatever_their_number(count):
    others = FaceSet(np.arange(count) + 10, (), LOOKS[np.arange(count) % 8])
    known = FaceSet(np.array([1, 12]), (), LOOKS[[2, 2]])
    pairs = alike_photos(known, others, min_cosine=0.9)
    expected = [photo + 10 for photo in range(count) if photo % 8 == 2]
    assert pairs == [(1, p) for p in expected] + [(12, p) for p in expected if p != 12]

"""Who was seen at once: faces of photos and of videos."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from facesort.domain import Anchor, Box, Face, FaceColumns, FaceId, PhotoId, frame_key, photo_key
from facesort.grouping.anchors import AnchorIndex
from facesort.grouping.constraints import NOBODY, Constraints, Membership
from facesort.grouping.moments import moments_of
from facesort.grouping.phases import repeated_faces

if TYPE_CHECKING:
    from collections.abc import Sequence

BOX = Box(0.1, 0.1, 0.3, 0.3)


def on_photo(number: int, photo: int = 1, box: Box = BOX) -> Face:
    return _face(number, photo, Anchor(f"png1:{photo}", box), {})


def in_video(number: int, start: float, stop: float, video: int = 1, box: Box = BOX) -> Face:
    at = (start + stop) / 2
    times = {"seconds": at, "from": start, "until": stop}
    return _face(number, video, Anchor(frame_key(f"video1:{video}", at), box), times)


def _face(number: int, photo: int, anchor: Anchor, measures: dict[str, float]) -> Face:
    landmarks = np.zeros((5, 2), dtype=np.float32)
    return Face(
        FaceId(f"f{number}"), PhotoId(photo), anchor, anchor.box, landmarks, 0.9, 0.5, measures
    )


def in_given_order(faces: Sequence[Face]) -> FaceColumns:
    n = len(faces)
    spans = {row: face.span for row, face in enumerate(faces) if face.span is not None}
    photos = np.array([face.photo_id for face in faces], dtype=np.int64)
    ids, keys = tuple(f.id for f in faces), tuple(f.anchor.content_key for f in faces)
    return FaceColumns(ids, photos, keys, np.zeros((n, 4)), np.zeros(n, np.float32), spans)


def may_be_one(faces: Sequence[Face], one: int, other: int) -> bool:
    n = len(faces)
    facts = Constraints(
        moments_of(in_given_order(faces)), np.full(n, NOBODY), {}, np.zeros(n, dtype=bool)
    )
    return not Membership(facts).forbidden(one, other)


def test_two_faces_of_one_photo_are_two_people():
    assert not may_be_one([on_photo(1), on_photo(2)], 0, 1)
    assert may_be_one([on_photo(1, 1), on_photo(2, 2)], 0, 1)


def test_faces_of_a_video_are_two_people_only_while_both_are_there():
    faces = [in_video(1, 0, 5), in_video(2, 5, 9), in_video(3, 6, 7), in_video(4, 9.5, 10)]
    assert not may_be_one(faces, 0, 1)  # both at five seconds
    assert may_be_one(faces, 0, 2)
    assert not may_be_one(faces, 1, 2)
    assert may_be_one(faces, 1, 3)


def test_two_videos_and_a_photo_of_the_same_number_share_no_moment():
    faces = [in_video(1, 0, 5, video=1), in_video(2, 0, 5, video=2), on_photo(3, 1)]
    assert may_be_one(faces, 0, 1)
    assert may_be_one(faces, 0, 2)


intervals = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 4), st.integers(1, 2)), min_size=2, max_size=12
)


@given(intervals)
def test_moments_are_shared_exactly_where_times_overlap(spans):
    faces = [in_video(i, a, a + length, video) for i, (a, length, video) in enumerate(spans)]
    moments = list(moments_of(in_given_order(faces)).all())
    for i, (a, length, video) in enumerate(spans):
        for j, (b, other_length, other) in enumerate(spans):
            overlap = video == other and a <= b + other_length and b <= a + length
            assert moments[i].isdisjoint(moments[j]) is not overlap


def test_only_who_is_there_at_once_counts_as_shown_twice():
    vectors = np.full((4, 4), 0.5, dtype=np.float32)
    faces = [in_video(1, 0, 2), in_video(2, 5, 7), in_video(3, 6, 9), in_video(4, 20, 21)]
    assert repeated_faces(vectors, moments_of(in_given_order(faces)), 0.8).tolist() == [
        False,
        True,
        True,
        False,
    ]


def test_the_key_of_a_frame_names_its_video_and_time():
    anchor = Anchor(frame_key("video1:ab", 12.5), BOX)
    assert anchor.content_key == "video1:ab@12.500"
    assert (anchor.photo_key, anchor.seconds) == ("video1:ab", 12.5)
    assert frame_key("png1:ab", None) == photo_key("png1:ab") == "png1:ab"
    assert Anchor("png1:ab", BOX).seconds is None


def test_a_decision_about_a_video_finds_the_face_of_its_time():
    early, late = in_video(1, 0, 4), in_video(2, 5, 9)
    index = AnchorIndex(FaceColumns.of([early, late]))
    assert index.find_id(early.anchor) == early.id
    assert index.find_id(late.anchor) == late.id
    # Another detector liked another frame best, and drew the box a little differently.
    moved = Box(0.11, 0.1, 0.31, 0.3)
    assert index.find_id(Anchor(frame_key("video1:1", 3.0), moved)) == early.id
    assert index.find_id(Anchor(frame_key("video1:1", 8.0), moved)) == late.id
    assert index.find_id(Anchor(frame_key("video1:1", 4.5), moved)) is None  # nobody is there
    assert index.find_id(Anchor(frame_key("video1:2", 3.0), moved)) is None
    assert index.find_id(Anchor(frame_key("video1:1", 3.0), Box(0.6, 0.6, 0.8, 0.8))) is None

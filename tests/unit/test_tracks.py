"""One appearance of each face in a video, whatever the frames show of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from facesort.domain import Box
from facesort.vision.multiscale import PhotoFace
from facesort.vision.tracks import Appearance, LinkRule, Sighting, find_appearances

RULE = LinkRule(anywhere=0.41, nearby=0.29)


def face(
    person: int, left: float = 0.0, *, quality: float = 0.5, likeness: float = 1.0
) -> Sighting:
    """A face 100 pixels wide; `likeness` is its cosine to the person's other faces."""
    vector = np.zeros(64, dtype=np.float32)
    vector[person] = likeness
    vector[32 + person] = np.sqrt(1 - likeness**2)
    box = Box(left, 0.0, left + 100.0, 100.0)
    landmarks = np.zeros((5, 2), dtype=np.float32)
    return Sighting(PhotoFace(box, landmarks, 0.9, 100.0), vector, quality, {"norm": 9.0})


@dataclass
class Film:
    """Stands in for frames: the picture is the list of its faces."""

    seconds: float
    photo: list[Sighting]


def appearances(*frames: list[Sighting], step: float = 1.0, rule: LinkRule = RULE):
    film = [Film(number * step, faces) for number, faces in enumerate(frames)]
    return find_appearances(film, lambda photo: photo, rule)  # type: ignore[arg-type,return-value]


def spans(found: list[Appearance]) -> list[tuple[float, float]]:
    return [(one.start, one.stop) for one in found]


def test_the_best_picture_stands_for_the_track():
    best = face(0, quality=0.9)
    (one,) = appearances([face(0)], [best], [face(0, quality=0.7)])
    assert (one.best, one.seconds, one.start, one.stop) == (best, 1.0, 0.0, 2.0)


def test_of_equally_good_pictures_the_first_stands_for_the_track():
    first = face(0)
    (one,) = appearances([first], [face(0)], [face(0)])
    assert one.best is first


def test_a_person_who_walks_is_followed_by_likeness():
    assert spans(appearances(*[[face(0, 300.0 * i)] for i in range(5)])) == [(0.0, 4.0)]


def test_a_head_that_turns_is_followed_by_its_place():
    turned = face(0, likeness=0.35)
    assert spans(appearances([face(0)], [turned], [face(0)])) == [(0.0, 2.0)]
    # Elsewhere in the picture that little likeness is not enough.
    assert len(appearances([face(0)], [face(0, 500.0, likeness=0.35)])) == 2


def test_place_alone_is_not_enough_nor_is_it_after_a_while():
    assert len(appearances([face(0)], [face(1)])) == 2
    turned = [[face(0)], [face(0, likeness=0.35)]]
    assert len(appearances(*turned, step=10.0)) == 2
    assert len(appearances(*turned, step=2.0)) == 1


def test_without_a_calibration_place_alone_decides():
    rule = LinkRule(None, None)
    assert len(appearances([face(0)], [face(0, 20.0)], rule=rule)) == 1
    assert len(appearances([face(0)], [face(0, 200.0)], rule=rule)) == 2


def test_two_people_who_change_places_keep_their_tracks():
    found = appearances([face(0, 0), face(1, 300)], [face(0, 300), face(1, 0)])
    assert spans(found) == [(0.0, 1.0), (0.0, 1.0)]
    assert {int(np.argmax(one.best.vector)) for one in found} == {0, 1}


def test_of_two_similar_faces_the_more_similar_one_continues_the_track():
    found = appearances([face(0)], [face(0, 300.0, likeness=0.6), face(0, 600.0, likeness=0.9)])
    assert sorted(spans(found)) == [(0.0, 1.0), (1.0, 1.0)]


def test_one_missed_frame_is_bridged_and_two_are_not():
    assert spans(appearances([face(0)], [], [face(0)])) == [(0.0, 2.0)]
    assert spans(appearances([face(0)], [], [], [face(0)])) == [(0.0, 0.0), (3.0, 3.0)]


def test_a_face_seen_only_while_a_track_pauses_does_not_overlap_it():
    # It may be the same person, turned so far that nothing tells: grouping must be free to say so.
    turned = face(0, likeness=0.0)
    assert spans(appearances([face(0)], [turned], [face(0)])) == [(0, 0), (1, 1), (2, 2)]


def test_a_track_that_another_shares_a_frame_with_may_pause_beside_it():
    found = appearances([face(0), face(1, 300)], [face(1, 300)], [face(0), face(1, 300)])
    assert spans(found) == [(0.0, 2.0), (0.0, 2.0)]


def test_nothing_comes_of_nothing():
    assert appearances() == []
    assert appearances([], []) == []


def test_frames_are_asked_for_one_after_the_other():
    events: list[str] = []

    def frames():
        for number in range(3):
            events.append(f"frame {number}")
            yield Film(float(number), [])

    def look(photo: list[Sighting]) -> list[Sighting]:
        events.append("look")
        return photo

    find_appearances(frames(), look, RULE)  # type: ignore[arg-type]
    assert events == ["frame 0", "look", "frame 1", "look", "frame 2", "look"]


films = st.lists(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 8), st.floats(0, 1)), max_size=4),
    max_size=12,
)


def shown(film) -> list[list[Sighting]]:
    return [
        [face(who, 60.0 * at, quality=quality, likeness=quality) for who, at, quality in frame]
        for frame in film
    ]


@given(films)
def test_every_track_is_whole_and_overlaps_only_who_is_seen_beside_it(film):
    frames = shown(film)
    found = appearances(*frames)
    seen_at = {id(sighting): i for i, frame in enumerate(frames) for sighting in frame}
    for one in found:
        assert one.start <= one.seconds <= one.stop
        assert seen_at[id(one.best)] == one.seconds
    # As many appearances begin at a time as faces are there that continue nobody's.
    for number, frame in enumerate(frames):
        there = [one for one in found if one.start <= number <= one.stop]
        begun = [one for one in found if one.start == number]
        assert len(begun) <= len(frame)
        assert len(frame) <= len(there)


@given(films)
def test_the_same_film_gives_the_same_appearances(film):
    first, second = appearances(*shown(film)), appearances(*shown(film))
    assert [(a.seconds, a.start, a.stop, a.best.face.box) for a in first] == [
        (a.seconds, a.start, a.stop, a.best.face.box) for a in second
    ]

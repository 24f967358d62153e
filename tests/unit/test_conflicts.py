"""When two faces cannot be one person, and how decisions are named in what is refused."""

from __future__ import annotations

import re

import pytest

from facesort.domain import Decision, Verdict
from facesort.jobs.decide.conflicts import at_one_time, seen_together
from facesort.jobs.decide.voicing import told, when
from tests.vectors import make_face


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        (None, None, True),  # a photo is one moment
        ((0.0, 2.0), (2.0, 3.0), True),
        ((0.0, 2.0), (2.1, 3.0), False),
        ((5.0, 6.0), (1.0, 9.0), True),
        ((1.0, 2.0), None, True),
    ],
)
def test_two_appearances_in_a_video_are_two_people_only_at_one_time(one, other, together):
    assert at_one_time(one, other) is together
    assert at_one_time(other, one) is together


def test_faces_of_one_photo_are_seen_together_and_a_face_not_with_itself():
    face, beside, elsewhere = make_face(1, 0), make_face(1, 1), make_face(2, 0)
    assert seen_together(face, beside)
    assert not seen_together(face, elsewhere)
    assert not seen_together(face, face)


def test_a_decision_is_told_with_its_number_and_the_time_on_this_clock():
    decision = Decision(7, "2026-03-01T10:05:00+00:00", Verdict.MERGE)
    assert re.fullmatch(r"decision 7, 2026-0[23]-\d\d \d\d:\d\d", told(decision))
    assert when("2026-03-01T10:05:00+00:00") == when("2026-03-01T11:05:00+01:00")

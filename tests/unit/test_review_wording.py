"""What a review says, the same in the terminal, on the page and in files."""

from __future__ import annotations

import pytest

from facesort.jobs.review.wording import all_is_settled, how_far
from facesort.review.progress import Progress

REST = "; only people on few photos and doubts are left"


@pytest.mark.parametrize(
    ("progress", "line"),
    [
        (Progress(3, 46, 7), "3 of 46 faces settled; about 7 answers to 99 %"),
        (Progress(1199, 1200, 0), "1,199 of 1,200 faces settled"),  # the last may still come
        (Progress(0, 1, 1), "0 of 1 face settled; about 1 answer to 99 %"),
        (Progress(46, 46, 0), "46 of 46 faces settled" + REST),
        (Progress(0, 0, 0), "0 of 0 faces settled" + REST),
        (Progress(20, 46, 0), "20 of 46 faces settled" + REST),  # not sure about all the others
    ],
)
def test_when_all_that_counts_is_settled_it_says_who_is_left(progress, line):
    assert how_far(progress, asks=True) == line
    assert all_is_settled(progress) == line.endswith(REST)
    assert how_far(progress) == line.removesuffix(REST)  # where nothing is asked, nobody is left

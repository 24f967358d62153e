"""Two small albums of real photos: who is found, and who is put together with whom."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from facesort.domain import Box

if TYPE_CHECKING:
    from tests.watched import Scanned

pytestmark = [pytest.mark.accuracy, pytest.mark.slow]


@pytest.fixture(params=["public_figures", "portraits"])
def album(request: pytest.FixtureRequest) -> Scanned:
    scanned: Scanned = request.getfixturevalue(request.param)
    return scanned


def _boxes(album: Scanned) -> list[tuple[Path, Box]]:
    with (album.folder / "truth.csv").open(encoding="utf-8", newline="") as file:
        return [
            (album.folder / row["photo"], Box(*(float(row[side]) for side in Box.__slots__)))
            for row in csv.DictReader(file)
        ]


def test_people_among_families_and_crowds_are_told_apart(public_figures):
    judged = public_figures.facesort.ask("bench", "clusters", public_figures.folder / "truth.csv")
    assert (judged["faces"], judged["people"]) == (50, 10)
    assert judged["pairwise"]["p"] >= 0.98
    # 132 of 152 pairs; what the other three faces lack is told in ADR 3.
    assert judged["pairwise"]["f"] >= 0.929


def test_people_on_portraits_are_told_apart(portraits):
    judged = portraits.facesort.ask("bench", "clusters", portraits.folder / "truth.csv")
    assert (judged["faces"], judged["people"]) == (61, 13)
    assert judged["pairwise"]["f"] >= 0.98


def test_the_faces_that_a_person_would_mark_are_found(public_figures):
    faces = public_figures.facesort.faces()
    overlaps = [
        max((face.box.overlap(box) for face in faces if face.photo == photo), default=0.0)
        for photo, box in _boxes(public_figures)
    ]
    assert len(overlaps) == 50
    assert sum(overlap >= 0.5 for overlap in overlaps) >= 49


def test_a_close_up_that_fills_the_frame_is_found_once(public_figures):
    photo, box = max(_boxes(public_figures), key=lambda row: row[1].area)
    with Image.open(photo) as picture:
        assert box.area > picture.width * picture.height / 3
    inside = [
        face.box
        for face in public_figures.facesort.faces()
        if face.photo == photo and face.box.overlap(box) > 0.02
    ]
    # Not as two cheeks, which is what the detector sees at the large scale.
    assert len(inside) == 1
    assert inside[0].overlap(box) >= 0.5


@pytest.mark.parametrize("method", ["linkage", "threshold", "agglomerative"])
def test_no_person_has_two_faces_of_one_photo(album, method, tmp_path):
    facesort = album.facesort.copied(tmp_path / "library")
    facesort.run("group", "--method", method)
    faces = [face for face in facesort.faces() if face.person is not None]
    assert max(Counter((face.photo, face.person) for face in faces).values()) == 1
    # Photos of several people are there, and somebody is on several photos: it can go wrong.
    assert max(Counter(face.photo for face in faces).values()) >= 4
    assert max(Counter(face.person for face in faces).values()) >= 4
    judged = facesort.ask("bench", "clusters", album.folder / "truth.csv")
    assert judged["pairwise"]["p"] >= 0.96

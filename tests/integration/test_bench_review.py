"""`bench review` on painted people: what is printed, what scripts get, and that nothing is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes import FakeModels, dump, open_library, png
from tests.terminal import facesort

ORDERS = ["queue", "similarity", "size", "one_by_one"]


@pytest.fixture
def album(tmp_path: Path, models: FakeModels, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three people on four photos each, and somebody on one; scanned."""
    folder = tmp_path / "album"
    for who, name in enumerate(("anna", "bert", "cleo")):
        for image in range(4):
            png(folder / name / f"{image}.png", name, number=4 * who + image)
    png(folder / "dora" / "0.png", "dora", number=40)
    library = tmp_path / "library"
    monkeypatch.setenv("FACESORT_LIBRARY", str(library))
    with open_library(library, models) as opened:
        opened.scan([folder])
    return folder


def test_scripts_get_the_answers_of_every_order(album):
    said = facesort("bench", "review", album, "--json").json()
    assert list(said["answers"]) == ORDERS
    for order in ORDERS:
        assert list(said["answers"][order]) == ["0.8", "0.95", "0.99"]
    # Three names make 12 of 13 faces right, the fourth all.
    assert said["names_alone"] == {"0.8": 6, "0.95": 8, "0.99": 8}
    assert said["answers"]["queue"] == said["answers"]["size"] == said["names_alone"]
    assert said["answers"]["similarity"]["0.99"] > 8
    assert (said["faces"], said["people"], said["start"]) == (13, 4, 4)
    assert said["reached"]["queue"] == 1
    assert said["kinder"]["similarity_named"]["0.99"] == 8


def test_a_photographer_gets_a_table(album):
    done = facesort("bench", "review", album)
    assert done.code == 0, done.err
    for text in (
        "facesort review",
        "most alike first",
        "names alone",
        "99%",
        "13 faces of 4 people",
    ):
        assert text in done.out


def test_people_of_whom_the_truth_says_nothing_are_put_aside(album, tmp_path):
    truth = tmp_path / "truth.csv"
    lines = [f"{album / 'anna' / f'{image}.png'},Anna" for image in range(4)]
    truth.write_text("\n".join(["photo,person", *lines]) + "\n", encoding="utf-8")
    said = facesort("bench", "review", truth, "--json").json()
    assert (said["faces"], said["people"], said["start"]) == (4, 1, 4)
    assert 2 <= said["answers"]["size"]["0.99"] <= 2 + 3


def test_wrong_answers_are_averaged_over_seeds(album):
    said = facesort("bench", "review", album, "--mistakes", "0.3", "--seeds", "3", "--json").json()
    assert (said["mistakes"], said["seeds"]) == (0.3, 3)
    assert said["answers"]["size"]["0.99"] > 8
    assert said["reached"]["size"] < 1
    done = facesort("bench", "review", album, "--mistakes", "0.3", "--seeds", "3")
    assert "30.0% of the answers were wrong; mean of 3 reviews" in done.out


def test_no_answer_is_kept_and_no_name_of_the_library_counts(album, tmp_path):
    person = facesort("people", "--json").json()[0]["person"]
    assert facesort("name", person, "Somebody else").code == 0
    before = dump(tmp_path / "library")
    said = facesort("bench", "review", album, "--json").json()
    assert said["answers"]["queue"]["0.99"] == 8
    assert dump(tmp_path / "library") == before


def test_it_is_said_where_decisions_about_who_is_with_whom_count(album):
    assert facesort("bench", "review", album, "--json").json()["said"] == 0
    assert "grouping alone" not in facesort("bench", "review", album).out
    one, other = [person["person"] for person in facesort("people", "--json").json()[:2]]
    assert facesort("name", one, "Anna").code == 0
    assert facesort("merge", one, other).code == 0
    said = facesort("bench", "review", album, "--json").json()
    assert (said["said"], said["start"]) == (1, 3)
    assert "1 decision about who is with whom" in facesort("bench", "review", album).out


def test_a_truth_about_other_photos_is_refused(album, tmp_path):
    png(tmp_path / "other" / "anna" / "1.png", "anna", number=9)
    done = facesort("bench", "review", tmp_path / "other")
    assert done.code == 2
    assert "none of the photos" in done.err
    assert facesort("bench", "review", tmp_path / "nothing.csv").code == 2

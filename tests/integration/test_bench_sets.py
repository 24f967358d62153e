"""`bench sets` on painted people: what is printed, what scripts get, and what is refused."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from facesort.catalog.roots import root_paths
from facesort.errors import ModelError
from facesort.evaluation.aggregators import plain_methods
from facesort.evaluation.sets import BURST, CONDITIONS, draw_templates
from facesort.imaging.spoil import KINDS
from facesort.jobs.benches.set_cost import _COST_SIZES as COST_SIZES
from facesort.jobs.benches.sets import wanted_copies
from facesort.jobs.describing.aggregating import coreset_folder, use, write_model
from facesort.training.data import is_for_training
from tests.fakes import COLOURS, SquareEmbedder, jpeg, open_library, png
from tests.terminal import facesort
from tests.unit.test_aggregating import EMBEDDER, facts, graph

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fakes import FakeModels

# With eight people, the fewest draws that measure a false accept rate of 1e-3.
SEEDS = 9

METHODS = [method.name for method in plain_methods()]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("facesort.jobs.benches.set_cost._COST_SIZES", (10, 100))
    monkeypatch.setattr("facesort.evaluation.bootstrap._DRAWS", 100)


@pytest.fixture
def folder(tmp_path: Path, models: FakeModels) -> Path:
    """Eight people of four photos each, one photo of nobody, and somebody with three photos."""
    people = tmp_path / "people"
    for number, name in enumerate(COLOURS):
        for image in range(4):
            jpeg(people / name / f"{image}.jpg", name, number=4 * number + image)
    png(people / "anna" / "nobody.png", number=99)
    for image in range(3):
        jpeg(people / "seldom" / f"{image}.jpg", "anna", number=100 + image)
    return people


def ask(folder, *options):
    done = facesort("bench", "sets", folder, "--seeds", str(SEEDS), "--json", *options)
    assert done.code == 0, done.err
    return done.json()


def test_scripts_get_every_method_under_every_condition(folder):
    said = ask(folder)
    assert (said["people"], said["faces"], said["missing"], said["seeds"]) == (8, 32, 1, SEEDS)
    assert said["pairs"] == {"same": 8 * SEEDS, "different": 2 * 8 * 7 * SEEDS}
    assert said["model"].startswith("sface")
    assert [(row["condition"], row["method"]) for row in said["rows"]] == [
        (condition, method) for condition in CONDITIONS for method in METHODS
    ]
    for row in said["rows"]:
        assert list(row["tar"]) == ["1e-3", "1e-4", "1e-5"]
        assert row["tar"]["1e-4"] is row["tar"]["1e-5"] is None
        one = row["tar"]["1e-3"]
        assert 0 <= one["low"] <= one["mean"] <= one["high"] <= 1
        assert one["ci"] == pytest.approx((one["high"] - one["low"]) / 2)
        assert len(row["by_seed"]["1e-3"]) == SEEDS
    clean = [row for row in said["rows"] if row["condition"] == "clean"]
    assert all(row["tar"]["1e-3"] == {"mean": 1, "ci": 0, "low": 1, "high": 1} for row in clean)
    assert all(
        row["over_mean"]["1e-3"] == {"mean": 0, "ci": 0, "low": 0, "high": 0} for row in clean
    )


def test_time_and_memory_are_measured_for_sets_of_ten_to_a_hundred_thousand(folder, monkeypatch):
    monkeypatch.setattr("facesort.jobs.benches.set_cost._COST_SIZES", COST_SIZES)
    cost = ask(folder)["cost"]
    assert [(one["method"], one["n"]) for one in cost] == [
        (method, n) for method in ("mean", "default") for n in (10, 100, 1000, 10_000, 100_000)
    ]
    assert all(one["seconds"] > 0 and one["peak_mb"] > 0 for one in cost)


def test_people_read_the_same_numbers(folder):
    done = facesort("bench", "sets", folder, "--seeds", str(SEEDS))
    assert done.code == 0, done.err
    for text in (
        "Two disjoint sets of each of 8 people, drawn 9 times: 72 pairs of sets of one person",
        "1,008 of two",
        "As they are:",
        "One face of each set in it eight times",
        "30 % of the faces of each set degraded",
        "minus mean, at 1e-3",
        "100.00 (100.00 to 100.00)",
        "too few pairs",
        *METHODS,
    ):
        assert text in done.out
    assert "\\n" not in done.out
    assert "No face was found on 1 photo." in done.err


def test_the_copies_that_the_draws_ask_for_are_embedded_for_real(folder, models, monkeypatch):
    crops = []
    embed = SquareEmbedder.embed

    def watched(self, some):
        crops.extend(some)
        return embed(self, some)

    monkeypatch.setattr(SquareEmbedder, "embed", watched)
    said = ask(folder)
    scanned = 35
    assert len(crops) == scanned + said["copies"]
    people = [name for name in sorted(COLOURS) for _ in range(4)]
    draws = [draw_templates(people, seed) for seed in range(SEEDS)]
    # Which faces are drawn depends on their ids, how many on the people only.
    assert 32 * (BURST - 1) <= said["copies"] <= 32 * (BURST - 1 + len(KINDS))
    assert sum(map(len, wanted_copies(draws, 32))) == pytest.approx(said["copies"], rel=0.1)
    assert len({crop.tobytes() for crop in crops[scanned:]}) == said["copies"]


def test_a_photo_that_lies_there_twice_is_one_face_and_in_two_folders_nobody_s(folder):
    for image in range(4):
        shutil.copy(folder / "anna" / f"{image}.jpg", folder / "anna" / f"copy-{image}.jpg")
    jpeg(folder / "bert" / "4.jpg", "bert", number=200)
    shutil.copy(folder / "bert" / "4.jpg", folder / "cleo" / "bert.jpg")
    assert ask(folder)["faces"] == 32


def test_a_library_that_is_named_is_kept_and_gives_the_same_numbers(folder):
    library = folder.parent / "kept"
    first, second = (ask(folder, "--library", library) for _ in range(2))
    assert (library / "catalog.db").is_file()
    assert first["rows"] == second["rows"]


def test_too_few_people_are_refused_with_what_is_missing(folder):
    done = facesort("bench", "sets", folder)
    assert done.code == 2
    assert "8 of its people have 4 photos or more" in done.err
    assert "1e-3 takes 11 such people" in done.err
    assert "Name a folder with more people" in done.err


def test_what_is_no_folder_of_people_is_refused_before_any_work(tmp_path, models):
    missing = facesort("bench", "sets", tmp_path / "nowhere")
    assert missing.code == 2
    assert "nowhere" in missing.err
    assert facesort("bench", "sets", tmp_path, "--seeds", "0").code == 2
    assert models.loads == 0
    (tmp_path / "empty").mkdir()
    done = facesort("bench", "sets", tmp_path / "empty")
    assert done.code == 2
    assert "no subfolder holds a photo" in done.err


def test_photos_that_vanish_meanwhile_leave_their_faces_as_they_are(folder, tmp_path, monkeypatch):
    from facesort.jobs.benches import copies

    monkeypatch.setattr(copies, "cut_out", lambda *_, **__: None)
    said = ask(folder)
    assert said["copies"] == 0
    burst = [row for row in said["rows"] if row["condition"] == "burst"]
    assert all(row["tar"]["1e-3"]["mean"] == 1 for row in burst)


def test_a_model_that_fails_ends_it_with_its_sentence(folder, models, monkeypatch):
    def fail(self, some):
        raise ModelError("the model broke", hint="Mend it.")

    library = folder.parent / "kept"
    assert facesort("scan", folder, "--library", library).code == 0
    monkeypatch.setattr(SquareEmbedder, "embed", fail)  # only the copies are left
    done = facesort("bench", "sets", folder, "--seeds", str(SEEDS), "--library", library)
    assert done.code != 0
    assert "the model broke" in done.err
    assert "Traceback" not in done.err


def learner(tmp_path: Path, name: str = "learner", *, by: str = "folder names") -> Path:
    """Return a library in which a network was trained and is in use."""
    library = tmp_path / name
    made = facts()
    with open_library(library) as opened:
        folder = coreset_folder(opened._db, EMBEDDER)
        made = replace(made, metrics={**made.metrics, "people_by": by})
        use(opened._db, write_model(folder, graph(), made))
    return library


@pytest.fixture
def many(tmp_path: Path, models: FakeModels) -> Path:
    """Eight people whose names are of the half that is measured on, and eight of the other."""
    people = tmp_path / "many"
    left = {True: list(COLOURS), False: list(COLOURS)}
    for number in range(200):
        colours = left[is_for_training(f"n{number}")]
        if colours:
            colour = colours.pop()
            for image in range(4):
                jpeg(people / f"n{number}" / f"{image}.jpg", colour, number=4 * number + image)
    return people


def test_a_network_of_another_library_is_judged_on_people_it_has_not_seen(many, tmp_path):
    library = learner(tmp_path)
    before = sorted(path.name for path in library.rglob("*"))
    said = ask(many, "--learned", library)
    assert said["people"] == 8
    assert said["learned"]["people_left_out"] == 8
    assert said["learned"]["in_use"] is True
    assert said["learned"]["surely_unseen"] is True
    assert [row["method"] for row in said["rows"][: len(METHODS) + 1]] == [*METHODS, "learned"]
    assert sorted(path.name for path in library.rglob("*")) == before
    with open_library(library) as opened:
        assert opened._db.rows("SELECT * FROM photos") == []
    done = facesort("bench", "sets", many, "--seeds", str(SEEDS), "--learned", library)
    assert "in use in its library. 8 other people are left out" in done.out
    assert "confirmed people" not in done.out


def test_a_network_of_confirmed_people_may_have_seen_them_and_that_is_said(many, tmp_path):
    library = learner(tmp_path, by="decisions")
    done = facesort("bench", "sets", many, "--seeds", str(SEEDS), "--learned", library)
    assert done.code == 0, done.err
    assert "its numbers are too good" in done.out


def test_the_network_of_the_library_that_is_scanned_into_is_not_judged(folder, tmp_path):
    said = ask(folder, "--library", learner(tmp_path))
    assert said["learned"] is None
    assert {row["method"] for row in said["rows"]} == set(METHODS)
    assert said["people"] == 8


def test_a_library_of_other_photos_is_left_as_it_is(folder, many, tmp_path):
    library = tmp_path / "mine"
    assert facesort("scan", many, "--library", library).code == 0
    done = facesort("bench", "sets", folder, "--seeds", str(SEEDS), "--library", library)
    assert done.code == 2
    assert "do not belong into it" in done.err
    assert "--learned" in done.err
    with open_library(library) as opened:
        assert root_paths(opened._db) == [many]


def test_a_library_without_a_network_has_nothing_to_judge(folder, tmp_path):
    with open_library(tmp_path / "empty"):
        pass
    done = facesort("bench", "sets", folder, "--learned", tmp_path / "empty")
    assert done.code == 2
    assert "no network was trained in" in done.err
    kept = tmp_path / "kept"
    nowhere = facesort("bench", "sets", folder, "--learned", tmp_path / "no", "--library", kept)
    assert nowhere.code == 11
    assert not kept.exists()

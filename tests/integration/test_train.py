"""`train coreset`: learns, says what came of it, and is used only where it is better."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from facesort import registry
from facesort.catalog.opening import open_database
from facesort.files import JobLock
from facesort.inference.card_file import load_cards, read_card
from facesort.jobs.describing.aggregating import library_aggregator
from facesort.training import loop
from tests.fakes import open_library
from tests.rigged import JunkBlind, RiggedModels, paint_people
from tests.terminal import Outcome, facesort
from tests.unit.test_aggregating import graph

if TYPE_CHECKING:
    from collections.abc import Callable

PEOPLE, PHOTOS = 96, 4
FEW_STEPS, ENOUGH_STEPS = "60", "500"


def _library() -> Path:
    return Path(os.environ["FACESORT_LIBRARY"])


def _aggregator() -> object:
    """Return what makes the descriptors of the library; None: the plain coreset."""
    db = open_database(_library(), create=False)
    try:
        return library_aggregator(db, load_cards()["sface"])
    finally:
        db.close()


@pytest.fixture(scope="module")
def painted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return paint_people(tmp_path_factory.mktemp("painted"), PEOPLE, PHOTOS)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], RiggedModels]:
    """Let commands run in a world where junk passes for the best of faces, or is known."""

    def rig(junk: str) -> RiggedModels:
        models = RiggedModels({"praised": 15.5, "known": 4.5}[junk])
        monkeypatch.setattr(registry, "load_models", models.load_models)
        return models

    return rig


@pytest.fixture
def torch() -> None:
    pytest.importorskip("torch", reason="the extra [train] is not installed")


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Let a training end at once, with an aggregator of known doings; needs no PyTorch."""

    def end_with(angle: float) -> None:
        monkeypatch.setattr("facesort.jobs.training.train.check_torch", lambda: None)
        monkeypatch.setattr("facesort.jobs.training.train.train", lambda *_: None)
        monkeypatch.setattr("facesort.jobs.training.train.to_onnx", lambda *_: graph())
        monkeypatch.setattr(
            "facesort.jobs.training.train.load_aggregator", lambda *_: JunkBlind(angle)
        )

    return end_with


def _train(folder: Path, *more: str, steps: str = FEW_STEPS) -> Outcome:
    return facesort("train", "coreset", folder, "--steps", steps, *more)


@pytest.mark.slow
@pytest.mark.usefixtures("torch")
def test_a_network_that_is_better_is_used_and_can_be_taken_back(world, painted):
    world("praised")
    done = _train(painted, "--json", steps=ENOUGH_STEPS)
    assert done.code == 0, done.err
    report = done.json()
    assert report["adopted"] is True
    assert "now uses the learned aggregation" in report["sentence"]
    worst = max(report["contests"], key=lambda one: one["difference"]["low"])
    assert worst["condition"] == "degraded"
    assert worst["learned"]["low"] > worst["default"]["high"]
    card = read_card(_library() / "models" / "coreset-sface" / "card.toml")
    assert card.model_key == report["model_key"]
    assert card.aggregation is not None
    assert card.aggregation.metrics["adopted"] == "yes"
    assert _aggregator() is not None
    assert not (_library() / "models" / "work").exists()
    assert "again" in facesort("train", "coreset", "--revert").out
    assert _aggregator() is None
    assert facesort("train", "coreset", "--revert", "--json").json() == {"reverted": False}


@pytest.mark.slow
@pytest.mark.usefixtures("torch")
def test_a_network_that_is_not_better_is_not_used_and_the_numbers_are_told(world, painted):
    world("known")
    done = _train(painted)
    assert done.code == 0, done.err
    assert "The plain coreset stays" in done.out
    assert "people it has never seen" in done.out
    assert _aggregator() is None
    card = read_card(_library() / "models" / "coreset-sface-not-used" / "card.toml")
    assert card.aggregation is not None
    assert card.aggregation.metrics["adopted"] == "no"


@pytest.mark.slow
@pytest.mark.usefixtures("torch")
def test_an_interrupted_training_goes_on_and_ends_with_the_same_network(
    world, painted, monkeypatch, tmp_path
):
    models = world("praised")

    def stop() -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        stopping = partial(loop.train, save_every=20, after_save=stop)
        patch.setattr("facesort.jobs.training.train.train", stopping)
        assert _train(painted).code == 130
    looked, loads = models.looked, models.loads
    assert (_library() / "models" / "work" / "checkpoint").exists()
    done = _train(painted, "--json")
    assert done.code == 0, done.err
    assert "Going on from step 20" in done.err
    assert models.looked == looked  # nothing is scanned again
    assert models.loads <= loads + 3  # only for the copies that the measuring takes
    monkeypatch.setenv("FACESORT_LIBRARY", str(tmp_path / "another"))
    assert _train(painted, "--json").json()["model_key"] == done.json()["model_key"]


@pytest.mark.slow
def test_a_network_that_tells_sets_apart_but_moves_its_cosines_is_not_used(world, painted, trained):
    world("praised")
    trained(1.1)
    done = _train(painted, "--json")
    assert done.code == 0, done.err
    report = done.json()
    assert report["adopted"] is False
    assert any(
        one["learned"]["low"] > one["default"]["high"] and one["difference"]["low"] > 0.2
        for one in report["contests"]
    )
    asked = report["identify"]["identified"]
    assert asked["learned"]["mean"] < 0.5
    assert asked["default"]["mean"] > 0.95
    assert (
        "The plain coreset stays, for with the learned aggregation identify finds"
        in (report["sentence"])
    )
    assert f"{asked['default']['mean']:.2%}" in report["sentence"]
    assert _aggregator() is None


@pytest.mark.slow
def test_the_same_network_with_its_cosines_in_place_is_used_and_the_next_says_so(
    world, painted, trained
):
    world("praised")
    trained(0.0)
    report = _train(painted, "--json").json()
    assert report["adopted"] is True
    assert "identify finds" in report["sentence"]
    assert report["earlier_network"] is False
    assert "not compared" not in report["sentence"]
    assert _aggregator() is not None
    again = _train(painted)
    assert "takes the place of an earlier network, with which it was not compared" in again.out
    assert "identify at the library's own bar" in again.out


@pytest.mark.slow
def test_without_a_calibration_nothing_is_used(world, painted, trained, monkeypatch):
    world("praised")
    trained(0.0)
    monkeypatch.setattr("facesort.jobs.training.recognition.calibration_of", lambda *_: None)
    report = _train(painted, "--json").json()
    assert report["adopted"] is False
    assert report["identify"] is None
    assert "the card of the embedder has no calibration" in report["sentence"]
    assert _aggregator() is None


def test_too_few_people_are_said_to_be_too_few(world, tmp_path, trained):
    world("known")
    trained(0.0)
    few = paint_people(tmp_path / "few", 9, 4)
    done = _train(few)
    assert done.code == 2
    assert not (_library() / "models" / "work").exists()
    assert "too few people to train on" in done.err
    assert "the plain coreset stays" in done.err


@pytest.mark.usefixtures("torch")
def test_a_library_without_confirmed_faces_has_too_few(world, painted):
    world("known")
    with open_library(_library()):
        pass
    done = facesort("train", "coreset")
    assert done.code == 2
    assert "those you have confirmed" in done.err


def test_a_folder_that_is_not_there_is_said_so_and_makes_no_library(world, tmp_path, trained):
    world("known")
    trained(0.0)
    assert _train(tmp_path / "nowhere").code == 2
    assert not _library().exists()


def test_without_pytorch_it_says_how_to_install_it(monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "torch", None)  # as if it were not there
    (tmp_path / "photos").mkdir()
    done = facesort("train", "coreset", tmp_path / "photos")
    assert done.code == 25
    assert 'pip install "facesort[train]"' in done.err
    assert not _library().exists()


def test_going_back_removes_what_an_interrupted_training_has_left():
    with open_library(_library()):
        pass
    work = _library() / "models" / "work"
    work.mkdir(parents=True)
    (work / "copies-1.npz").write_bytes(b"vectors")
    with JobLock(_library() / "job.lock", "training"):
        assert facesort("train", "coreset", "--revert").code == 0
        assert work.exists()  # it runs right now
    assert facesort("train", "coreset", "--revert").code == 0
    assert not work.exists()


def test_going_back_needs_no_library_of_models(tmp_path):
    assert facesort("train", "coreset", "--revert").code == 11
    assert facesort("train", "coreset", tmp_path, "--revert").code == 2

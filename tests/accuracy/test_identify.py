"""Open-set identification and 128-byte descriptors on Labeled Faces in the Wild."""

from __future__ import annotations

import numpy as np
import pytest

from facesort.descriptors.coreset import Rule
from facesort.grouping.calibration import Calibration
from facesort.grouping.openset import OpenSetRule
from tests.benchmarks.identify import Faces, judged
from tests.benchmarks.labelled import read_labelled
from tests.weights import card

pytestmark = [pytest.mark.accuracy, pytest.mark.slow]


def test_enrolled_people_are_found_and_strangers_stay_unknown(lfw):
    faces = Faces.of(read_labelled(lfw.facesort, card("sface").model_key, lfw.folder.resolve()))
    rule = OpenSetRule(Calibration.from_card(card("sface").calibration))
    results = [
        judged(faces, rule, np.random.default_rng(draw), Rule(), at_least=3, share=0.5, photos=2)[0]
        for draw in range(5)
    ]
    assert np.mean([result.rank1 for result in results]) >= 0.99
    assert np.mean([result.dir["1e-2"] for result in results]) >= 0.98
    assert np.mean([result.identified for result in results]) >= 0.96
    assert np.mean([result.misidentified for result in results]) <= 0.002
    # One stranger of 1,000 is promised.
    assert np.mean([result.false_positives for result in results]) <= 0.002


def test_128_bytes_lose_nothing_that_matters(data, lfw, tmp_path):
    facesort = lfw.facesort.copied(tmp_path / "library")
    pairs = ("bench", "lfw", lfw.folder, "--pairs", data / "lfw" / "pairs.txt")
    full, small = facesort.ask(*pairs), facesort.ask(*pairs, "--descriptor", "int8")
    assert small["accuracy"] >= full["accuracy"] - 0.002
    assert small["val_at_1e3"] >= full["val_at_1e3"] - 0.005
    for rate in ("1e-3", "1e-4", "1e-5"):
        assert small["tar"][rate] == pytest.approx(full["tar"][rate], abs=0.001)
    before = facesort.ask("bench", "clusters", lfw.folder)
    done = facesort.ask("library", "compact", "--yes")
    assert done["cosine_change"]["max"] < 0.01
    assert done["regrouped"]["moved"] <= 10
    facesort.run("group", "--all")
    after = facesort.ask("bench", "clusters", lfw.folder)
    assert after["pairwise"]["f"] == pytest.approx(before["pairwise"]["f"], abs=0.001)
    assert after["bcubed"]["f"] == pytest.approx(before["bcubed"]["f"], abs=0.001)

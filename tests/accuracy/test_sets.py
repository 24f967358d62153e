"""Sets of faces of LFW's people: the library's own vector of many faces beside the plain mean."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = [pytest.mark.accuracy, pytest.mark.slow]

PEOPLE, FACES = 283, 2946  # with four photos or more

RATES = ("1e-3", "1e-4", "1e-5")


@pytest.fixture(scope="module")
def judged(lfw, tmp_path_factory):
    """What `bench sets` says; the photos are scanned already, copies of faces are embedded."""
    facesort = lfw.facesort.copied(tmp_path_factory.mktemp("sets") / "library")
    return facesort.ask("bench", "sets", lfw.folder)


def row(judged: dict[str, Any], method: str, condition: str) -> dict[str, Any]:
    (found,) = [
        row for row in judged["rows"] if (row["method"], row["condition"]) == (method, condition)
    ]
    return dict(found)


def test_everybody_with_four_photos_is_compared_with_everybody_else(judged):
    assert (judged["people"], judged["faces"]) == (PEOPLE, FACES)
    assert judged["seeds"] == 5
    assert judged["pairs"] == {"same": 5 * PEOPLE, "different": 10 * PEOPLE * (PEOPLE - 1)}
    assert all(row["tar"][rate] for row in judged["rows"] for rate in RATES)


@pytest.mark.parametrize("rate", RATES)
def test_the_default_is_within_the_interval_of_the_mean_when_all_is_clean(judged, rate):
    mean = row(judged, "mean", "clean")["tar"][rate]
    low, high = mean["low"], mean["high"]
    assert low <= row(judged, "default", "clean")["tar"][rate]["mean"] <= high


@pytest.mark.parametrize("condition", ["burst", "degraded"])
def test_the_default_is_above_the_mean_with_bursts_and_with_degraded_frames(judged, condition):
    own, mean = (row(judged, method, condition) for method in ("default", "mean"))
    assert own["over_mean"]["1e-5"]["low"] > 0  # 97.5 % of the bootstrap lies above
    each = zip(own["by_seed"]["1e-5"], mean["by_seed"]["1e-5"], strict=True)
    assert all(ours > theirs for ours, theirs in each)
    for rate in RATES:  # where nearly everybody is recognised there is little to gain
        assert own["tar"][rate]["mean"] >= mean["tar"][rate]["low"]


def test_a_hundred_thousand_faces_take_less_than_a_second_and_memory_in_proportion(judged):
    cost = {one["n"]: one for one in judged["cost"] if one["method"] == "default"}
    assert cost[100_000]["seconds"] < 1
    assert cost[100_000]["peak_mb"] < 12 * cost[10_000]["peak_mb"]

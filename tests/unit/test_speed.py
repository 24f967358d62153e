"""What a scan's times say, and the order in which photos are sampled."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facesort.evaluation.speed import STAGES, Measured, SpeedResult, StageSpeed
from facesort.jobs.benches.memory import peak_bytes
from facesort.jobs.benches.speed import evenly

_ALBUM = Measured(files=10, bytes=10_000, megapixels=120.0, faces=30)


def _result(
    cpu: dict[str, float], *, seconds: float, cores: int = 2, provider: str = "cpu"
) -> SpeedResult:
    stages = tuple(
        StageSpeed(stage, cpu.get(stage, 0.0), cpu.get(stage, 0.0), 0.0) for stage in STAGES
    )
    return SpeedResult(
        _ALBUM, _ALBUM, 0, seconds, 0.5, 0.1, 9.0, stages, cores, provider, {"detector": "d"}, 10**9
    )


def test_the_possible_is_all_work_shared_by_all_cores() -> None:
    result = _result({"decode": 4.0, "detect": 6.0, "store": 0.2}, seconds=6.0)
    assert result.possible_seconds == pytest.approx(5.1)
    assert result.limit == "processor"
    assert result.share_of_possible == pytest.approx(0.85)


def test_what_one_thread_must_do_sets_the_possible_where_cores_are_many() -> None:
    result = _result({"decode": 4.0, "store": 3.0}, seconds=4.0, cores=16)
    assert result.limit == "store"
    assert result.possible_seconds == pytest.approx(3.0)
    assert result.share_of_possible == pytest.approx(0.75)


def test_an_accelerator_is_one_and_its_work_is_not_shared_by_the_cores() -> None:
    cpu = {"decode": 4.0, "detect": 6.0, "embed": 3.0}
    result = _result(cpu, seconds=10.0, provider="cuda")
    assert result.limits == {
        "processor": pytest.approx(2.0),
        "accelerator": pytest.approx(9.0),
        "store": 0.0,
    }
    assert result.share_of_possible == pytest.approx(0.9)


@pytest.mark.parametrize("provider", ["openvino + cpu", "cpu + openvino", "cpu", "openvino"])
def test_models_on_two_runtimes_of_the_processor_are_no_accelerator(provider: str) -> None:
    result = _result({"decode": 4.0, "detect": 6.0}, seconds=6.0, provider=provider)
    assert result.limits == {"processor": pytest.approx(5.0), "store": 0.0}
    assert "accelerator" in _result({"embed": 1.0}, seconds=6.0, provider="cuda + cpu").limits


def test_a_scan_of_nothing_has_no_rates() -> None:
    nothing = Measured(0, 0, 0.0, 0)
    stages = tuple(StageSpeed(stage, 0.0, 0.0, 0.0) for stage in STAGES)
    result = SpeedResult(nothing, nothing, 0, 0.0, 0.0, 0.0, 0.0, stages, 2, "none", {}, 0)
    document = result.to_json()
    assert document["photos_per_s"] == document["share_of_possible"] == 0.0


def test_the_json_has_what_scripts_depend_on() -> None:
    document = _result({"decode": 4.0}, seconds=4.0).to_json()
    assert {
        "photos",
        "faces",
        "seconds",
        "photos_per_s",
        "share_of_possible",
        "peak_mb",
        "provider",
        "stages",
    } <= document.keys()
    stages = document["stages"]
    assert isinstance(stages, dict)
    assert list(stages) == ["load", *STAGES, "group"]
    assert document["photos_per_s"] == 2.5
    assert document["megapixels_per_s"] == 30.0
    assert document["faces_per_s"] == 7.5
    assert document["peak_mb"] == 1000.0


def test_a_sample_grows_with_what_a_stages_work_grows_with() -> None:
    sample = Measured(files=5, bytes=1_000, megapixels=40.0, faces=3)
    times = {stage: sample.times_in(_ALBUM, stage) for stage in STAGES}
    assert times == {
        "read": 10.0,
        "decode": 3.0,
        "detect": 2.0,
        "align": 10.0,
        "embed": 10.0,
        "store": 2.0,
    }


def test_a_sample_without_faces_is_not_scaled_by_them() -> None:
    sample = Measured(files=5, bytes=1_000, megapixels=40.0, faces=0)
    assert sample.times_in(_ALBUM, "embed") == 1.0


@given(st.integers(0, 3000))
def test_the_order_of_sampling_visits_every_photo_once(count: int) -> None:
    assert sorted(evenly(count)) == list(range(count))


@given(st.integers(1, 3000), st.integers(1, 12))
def test_every_beginning_of_the_order_is_spread_evenly(count: int, digits: int) -> None:
    # The first 2**k numbers fall into 2**k equal parts of the digits' range, one each at most.
    whole = 1 << max(1, (count - 1).bit_length())
    parts = min(whole, 1 << digits)
    beginning = [
        i for i in evenly(count) if int(f"{i:0{whole.bit_length() - 1}b}"[::-1], 2) < parts
    ]
    assert len({i * parts // whole for i in beginning}) == len(beginning)


def test_the_peak_holds_what_was_let_go_since() -> None:
    before = peak_bytes()
    held = bytearray(before + 50_000_000)
    held[::4096] = b"x" * len(held[::4096])
    after = peak_bytes()
    del held
    assert after >= before + 50_000_000
    assert peak_bytes() >= 0.99 * after  # the system counts in steps

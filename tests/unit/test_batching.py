from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facesort import registry
from facesort.inference import session as sessions
from facesort.inference.batching import best_batch, seconds_of
from facesort.inference.session import MemoryFull, Opening
from tests.fakes import SilentProgress, fake_settings
from tests.unit.test_embedder import FakeSession, embedder
from tests.weights import card


class Machine:
    """An accelerator: so long for a run, so long for a picture, so many in its memory."""

    def __init__(self, *, a_run: float, a_picture: float, fits: int) -> None:
        self.tried: list[int] = []
        self._a_run, self._a_picture, self._fits = a_run, a_picture, fits

    def seconds(self, size: int) -> float:
        self.tried.append(size)
        if size > self._fits:
            raise MemoryFull("too much")
        return self._a_run + self._a_picture * size


def test_the_batch_grows_for_as_long_as_it_pays():
    # 16 take 26 ms, 32 42, 64 74, 128 138: the last doubling gains 7 %, the next would gain 4 %.
    machine = Machine(a_run=0.010, a_picture=0.001, fits=10_000)
    assert best_batch(machine.seconds, smallest=16, largest=4096) == 128
    assert machine.tried == [16, 32, 64, 128, 256]


def test_the_batch_stops_where_memory_ends():
    machine = Machine(a_run=1, a_picture=0.001, fits=100)
    assert best_batch(machine.seconds, smallest=16, largest=4096) == 64


@pytest.mark.parametrize(("fits", "found"), [(15, 8), (3, 2), (1, 1)])
def test_the_batch_shrinks_where_not_even_the_smallest_fits(fits, found):
    machine = Machine(a_run=1, a_picture=0.001, fits=fits)
    assert best_batch(machine.seconds, smallest=16, largest=4096) == found


def test_a_model_that_does_not_fit_at_all_is_an_error():
    with pytest.raises(MemoryFull):
        best_batch(Machine(a_run=1, a_picture=0, fits=0).seconds, smallest=16, largest=64)


@given(
    st.floats(0, 1), st.floats(1e-6, 1), st.integers(1, 5000), st.integers(1, 64), st.integers(0, 6)
)
def test_the_batch_fits_and_is_no_larger_than_allowed(a_run, a_picture, fits, smallest, doublings):
    machine = Machine(a_run=a_run, a_picture=a_picture, fits=fits)
    largest = smallest * 2**doublings
    found = best_batch(machine.seconds, smallest=smallest, largest=largest)
    assert 1 <= found <= min(fits, largest)
    assert max(machine.tried) <= largest


def test_a_run_is_timed_after_one_that_prepares():
    runs: list[int] = []
    assert seconds_of(lambda: runs.append(1), turns=3) > 0
    assert len(runs) == 4


def test_an_accelerator_is_tried_and_the_processor_is_known():
    session = FakeSession(largest=40)
    assert registry._embed_batch(embedder(session), "cuda") in {16, 32}
    assert max(len(batch) for batch in session.fed) <= 40
    session.fed.clear()
    assert registry._embed_batch(embedder(session), "cpu") == 4
    assert registry._embed_batch(embedder(session), "tensorrt") == 32
    assert session.fed == []


@pytest.mark.parametrize(
    ("asked", "provider", "taken"),
    [(0, "cpu", 0), (64, "cpu", 64), (512, "cpu", 64), (65, "openvino", 64), (512, "cuda", 512)],
)
def test_the_processor_takes_no_batch_that_only_costs_memory_and_says_so(asked, provider, taken):
    progress = SilentProgress()
    assert registry._asked_batch(asked, provider, progress) == taken
    assert len(progress.notes) == (taken < asked)


@pytest.mark.parametrize(
    ("name", "shape"), [("yunet", (1, 1280, 1920, 3)), ("sface", (1, 112, 112, 3))]
)
def test_what_is_opened_is_tried_on_an_input_as_large_as_they_come(
    monkeypatch, tmp_path, name, shape
):
    tried: list[Opening] = []
    monkeypatch.setattr(registry, "pull", lambda *_: tmp_path / "weights.onnx")
    monkeypatch.setattr(
        sessions, "open_session", lambda graph, *, provider, opening: tried.append(opening)
    )
    registry._open(card(name), fake_settings(tmp_path), SilentProgress())
    assert [opening.trial.shape for opening in tried if opening.trial is not None] == [shape]

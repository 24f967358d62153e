"""One thread owns the models of an accelerator."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from facesort.errors import ModelError
from facesort.vision.owner import ModelOwner

if TYPE_CHECKING:
    from collections.abc import Sequence

PATIENCE = 10.0


class Gate:
    """A detector and embedder that note their batches, and can be held up."""

    model_key = "gate"
    crop_size = 2

    def __init__(self) -> None:
        self.open = threading.Event()
        self.open.set()
        self.running = threading.Event()
        self.threads: set[str] = set()
        self.pictures: list[int] = []
        self.crops: list[int] = []
        self.order: list[str] = []
        self.seen: list[list[int]] = []  # heights of the pictures of each batch

    def _note(self, batches: list[int], size: int) -> None:
        self.running.set()
        assert self.open.wait(PATIENCE)
        self.threads.add(threading.current_thread().name)
        batches.append(size)
        self.order.append("pictures" if batches is self.pictures else "crops")

    def detect(self, images: Sequence[np.ndarray]) -> list[list[int]]:
        self._note(self.pictures, len(images))
        self.seen.append([image.shape[0] for image in images])
        if any(image.shape[0] == 13 for image in images):
            raise ModelError("the model failed", hint="try again")
        return [[image.shape[0]] for image in images]

    def embed(self, crops: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        self._note(self.crops, len(crops))
        firsts = crops[:, 0, 0, 0].astype(np.float32)
        return firsts[:, None], firsts


def picture(height: int) -> np.ndarray:
    return np.zeros((height, 4, 3), dtype=np.uint8)


def owned(gate: Any, *, detect_batch: int = 4, embed_batch: int = 8) -> Any:  # numbers for faces
    return ModelOwner(gate, gate, detect_batch=detect_batch, embed_batch=embed_batch)


def test_each_asker_gets_its_own_answers_from_one_thread():
    gate = Gate()
    owner = owned(gate)
    with ThreadPoolExecutor(8) as askers:
        found = list(askers.map(lambda n: owner.detector.detect([picture(n)] * 2), range(20, 60)))
        vectors = list(
            askers.map(
                lambda n: owner.embedder.embed(np.full((3, 2, 2, 3), n, dtype=np.uint8)), range(40)
            )
        )
    owner.close()
    assert found == [[[n], [n]] for n in range(20, 60)]
    assert [row[1].tolist() for row in vectors] == [[n] * 3 for n in range(40)]
    assert len(gate.threads) == 1


def test_requests_that_wait_become_one_batch_of_at_most_the_given_size():
    gate = Gate()
    gate.open.clear()
    owner = owned(gate, detect_batch=4)
    with ThreadPoolExecutor(11) as askers:
        first = askers.submit(owner.detector.detect, [picture(20)])
        assert gate.running.wait(PATIENCE)
        rest = [askers.submit(owner.detector.detect, [picture(20)]) for _ in range(10)]
        while len(owner._lines[1].waiting) < 10:
            threading.Event().wait(0.001)
        gate.open.set()
        for future in (first, *rest):
            assert future.result(PATIENCE) == [[20]]
    owner.close()
    assert gate.pictures == [1, 4, 4, 2]


def test_a_batch_holds_one_size_bucket_and_the_oldest_request_is_first():
    gate = Gate()
    gate.open.clear()
    owner = owned(gate, detect_batch=4)
    heights = [20, 40, 31, 33, 70, 64]  # buckets of 32, 64 and 96 pixels
    with ThreadPoolExecutor(7) as askers:
        askers.submit(owner.detector.detect, [picture(500)])
        assert gate.running.wait(PATIENCE)
        asked = []
        for height in heights:
            asked.append(askers.submit(owner.detector.detect, [picture(height)]))
            while len(owner._lines[1].waiting) < len(asked):
                threading.Event().wait(0.001)
        gate.open.set()
        assert [future.result(PATIENCE) for future in asked] == [[[h]] for h in heights]
    owner.close()
    assert gate.seen == [[500], [20, 31], [40, 33, 64], [70]]


def test_a_request_of_several_sizes_is_answered_in_its_order():
    gate = Gate()
    owner = owned(gate)
    found = owner.detector.detect([picture(h) for h in (20, 200, 21, 201)])
    owner.close()
    assert found == [[20], [200], [21], [201]]
    assert sorted(gate.seen) == [[20, 21], [200, 201]]


def test_crops_come_before_pictures_because_they_are_further_along():
    gate = Gate()
    gate.open.clear()
    owner = owned(gate)
    with ThreadPoolExecutor(3) as askers:
        askers.submit(owner.detector.detect, [picture(20)])
        assert gate.running.wait(PATIENCE)
        askers.submit(owner.detector.detect, [picture(20)])
        while not owner._lines[1].waiting:
            threading.Event().wait(0.001)
        askers.submit(owner.embedder.embed, np.zeros((1, 2, 2, 3), np.uint8))
        while not owner._lines[0].waiting:
            threading.Event().wait(0.001)
        gate.open.set()
    owner.close()
    assert gate.order == ["pictures", "crops", "pictures"]


def test_a_failing_batch_fails_for_its_askers_and_the_thread_lives_on():
    gate = Gate()
    owner = owned(gate)
    with pytest.raises(ModelError, match="failed"):
        owner.detector.detect([picture(13)])
    assert owner.detector.detect([picture(20)]) == [[20]]
    owner.close()


def test_nothing_is_asked_of_the_model_for_nothing():
    gate = Gate()
    owner = owned(gate)
    assert owner.detector.detect([]) == []
    owner.close()
    assert gate.pictures == []


def test_after_closing_a_request_is_refused_instead_of_waiting_for_ever():
    owner = owned(Gate())
    owner.close()
    with pytest.raises(RuntimeError, match="ended"):
        owner.detector.detect([picture(20)])

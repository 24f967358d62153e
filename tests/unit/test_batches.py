"""Full batches of crops, from photos that have a few each."""

from __future__ import annotations

from concurrent.futures import Future

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facesort.vision.batches import Batches, Embedded


class Recorder:
    """Embeds at once: the vector of a crop is its first pixel; remembers the batch sizes."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def start(self, crops: np.ndarray) -> Future[Embedded]:
        self.sizes.append(len(crops))
        firsts = crops[:, 0, 0, 0].astype(np.float32)
        done: Future[Embedded] = Future()
        done.set_result(Embedded(firsts[:, None], firsts + 0.5))
        return done


def crops(first: int, count: int) -> np.ndarray:
    """Return crops numbered from `first` by their pixels."""
    numbers = np.arange(first, first + count, dtype=np.uint8)
    return np.broadcast_to(numbers[:, None, None, None], (count, 2, 2, 3)).copy()


@given(st.lists(st.integers(0, 20), max_size=12), st.integers(1, 9))
def test_every_photo_gets_the_vectors_of_its_own_crops_in_order(counts: list[int], size: int):
    recorder = Recorder()
    batches: Batches[int] = Batches(size, recorder.start)
    answers: list[tuple[int, Embedded]] = []
    first = 0
    for number, count in enumerate(counts):
        batches.add(number, crops(first, count))
        first += count
        while answer := batches.next_answer(wait=False):
            answers.append(answer)
    batches.flush()
    while answer := batches.next_answer(wait=True):
        answers.append(answer)
    assert [number for number, _ in answers] == list(range(len(counts)))
    expected = 0
    for (_, embedded), count in zip(answers, counts, strict=True):
        assert embedded.norms.tolist() == [n + 0.5 for n in range(expected, expected + count)]
        assert len(embedded.vectors) == count
        expected += count
    assert all(batch == size for batch in recorder.sizes[:-1])
    assert sum(recorder.sizes) == sum(counts)


def test_a_photo_without_faces_does_not_wait_for_a_batch():
    batches: Batches[str] = Batches(8, Recorder().start)
    batches.add("landscape", crops(0, 0))
    answer = batches.next_answer(wait=False)
    assert answer is not None
    assert answer[0] == "landscape"
    assert len(answer[1].vectors) == 0


def test_answers_come_in_order_although_a_later_photo_is_ready():
    batches: Batches[str] = Batches(8, Recorder().start)
    batches.add("portrait", crops(0, 1))
    batches.add("landscape", crops(0, 0))
    assert batches.next_answer(wait=False) is None
    batches.flush()
    assert [batches.next_answer(wait=False)[0] for _ in range(2)] == ["portrait", "landscape"]  # type: ignore[index]


def test_a_face_among_many_landscapes_is_embedded_before_the_batch_is_full():
    recorder = Recorder()
    batches: Batches[int] = Batches(1000, recorder.start)
    batches.add(0, crops(0, 1))
    for number in range(1, 200):
        batches.add(number, crops(0, 0))
    assert recorder.sizes == [1]


def test_asking_for_vectors_that_nobody_computes_is_an_error_and_no_deadlock():
    batches: Batches[str] = Batches(8, Recorder().start)
    batches.add("portrait", crops(0, 1))
    with pytest.raises(RuntimeError, match="flush"):
        batches.next_answer(wait=True)

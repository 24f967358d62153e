from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facesort.errors import CardInvalid
from facesort.inference.session import MemoryFull, Tensor
from facesort.vision.embedder import OnnxEmbedder
from tests.weights import card


@dataclass
class FakeSession:
    """Answers each crop with 128 numbers made of its pixels."""

    largest: int = 1000  # batch that fits into memory
    provider: str = "cpu"
    remark: str = ""
    inputs: tuple[str, ...] = ("pictures",)
    outputs: tuple[str, ...] = ("fc1",)
    fed: list[Tensor] = field(default_factory=list)

    def run(self, inputs: Mapping[str, Tensor]) -> list[np.ndarray]:
        (batch,) = inputs.values()
        if len(batch) > self.largest:
            raise MemoryFull("too much")
        self.fed.append(batch)
        return [batch.reshape(len(batch), -1)[:, :128].astype(np.float32) + 1]


def embedder(session: FakeSession, *, batch_size: int = 4, **output: Any) -> OnnxEmbedder:
    sface = card("sface")
    assert sface.output is not None
    changed = dataclasses.replace(sface.output, **output)
    return OnnxEmbedder(session, dataclasses.replace(sface, output=changed), batch_size=batch_size)


def crops(count: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (count, 112, 112, 3), dtype=np.uint8)


def expected(faces: np.ndarray) -> np.ndarray:
    raw = faces.reshape(len(faces), 112 * 112 * 3)[:, :128].astype(np.float64) + 1
    return np.asarray(raw / np.linalg.norm(raw, axis=1, keepdims=True))


@given(st.integers(0, 20), st.integers(1, 9), st.integers(1, 9))
def test_every_crop_gets_its_vector_whatever_batch_fits(count, batch_size, largest):
    session = FakeSession(largest)
    faces = crops(count)
    vectors, norms = embedder(session, batch_size=batch_size).embed(faces)
    assert vectors.shape == (count, 128)
    assert vectors.dtype == norms.dtype == np.float32
    np.testing.assert_allclose(vectors, expected(faces), atol=1e-6)
    assert sum(len(batch) for batch in session.fed) == count
    assert max((len(batch) for batch in session.fed), default=0) <= min(batch_size, largest)


def test_crops_are_read_in_place():
    session = FakeSession()
    faces = crops(10)
    embedder(session).embed(faces)
    assert [len(batch) for batch in session.fed] == [4, 4, 2]
    assert all(np.shares_memory(batch, faces) for batch in session.fed)


def test_a_batch_that_did_not_fit_is_not_tried_again():
    session = FakeSession(largest=3)
    small = embedder(session, batch_size=16)
    small.embed(crops(5))
    assert small.batch_size <= 3
    session.fed.clear()
    small.embed(crops(4))
    assert [len(batch) for batch in session.fed] == [2, 2]


def test_a_crop_that_does_not_fit_alone_is_an_error():
    with pytest.raises(MemoryFull):
        embedder(FakeSession(largest=0)).embed(crops(2))


def test_the_mirrored_crop_is_added_where_the_card_says_so():
    session = FakeSession()
    faces = crops(2)
    mirrored = embedder(session, mirrored=True)
    mirrored.embed(faces)
    assert np.array_equal(session.fed[1], faces[:, :, ::-1])
    assert mirrored.model_key.endswith("+mirrored")


def test_bf16_is_another_model():
    assert card("sface-bf16").model_key != card("sface").model_key
    assert card("sface-bf16").model_key.endswith("+bf16")
    assert card("sface-bf16").weights == card("sface").weights


def test_threads_share_an_embedder():
    shared = embedder(FakeSession(), batch_size=3)

    def agrees(seed: int) -> bool:
        faces = crops(5, seed)
        return bool(np.allclose(shared.embed(faces)[0], expected(faces), atol=1e-6))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(agrees, range(40)))


def test_a_card_with_a_wrong_dimension_is_named_with_both_numbers():
    with pytest.raises(CardInvalid) as error:
        embedder(FakeSession(), dimension=64).embed(crops(2))
    assert "64 numbers" in error.value.message
    assert "128" in error.value.message
    assert "card.toml" in error.value.message

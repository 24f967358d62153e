"""The network: where it starts, what it may not depend on, and that its graph is the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facesort.inference.session import open_session
from facesort.training.export import to_onnx
from facesort.training.net import QUALITY_FLOOR, Net, Shape, aggregate, new_parameters

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

torch = pytest.importorskip("torch", reason="the extra [train] is not installed")

SMALL = Shape(32, 3, 4)


def faces(count: int, dimension: int, seed: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    rng = np.random.default_rng(seed)
    vectors = rng.standard_normal((count, dimension))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float32), rng.random(count).astype(np.float32)


def trained(shape: Shape, seed: int) -> Net:
    """Return a network whose parameters are all away from where they start."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        moved = {
            name: value + 0.1 * torch.randn(value.shape, generator=generator)
            for name, value in new_parameters(shape, seed=seed).items()
        }
    return Net(shape, moved)


def made(
    net: Net, vectors: NDArray[np.float32], quality: NDArray[np.float32], padding: int = 0
) -> NDArray[np.float32]:
    """Aggregate one set, laid out with room for more faces."""
    present = np.arange(len(vectors) + padding) < len(vectors)
    given = np.pad(vectors, [(0, padding), (0, 0)], constant_values=7.0)
    rated = np.pad(quality, (0, padding), constant_values=0.9)
    with torch.no_grad():
        result, _ = aggregate(
            net,
            torch.from_numpy(given)[None],
            torch.from_numpy(rated)[None],
            torch.from_numpy(present)[None],
        )
    return np.asarray(result[0].numpy(), dtype=np.float32)


def coreset(
    vectors: NDArray[np.float32], quality: NDArray[np.float32], size: int
) -> NDArray[np.float32]:
    """Return the quality-weighted mean of a plain coreset, gamma 1."""
    held = np.maximum(quality, QUALITY_FLOOR)
    chosen: list[int] = []
    scores = held
    for _ in range(min(size, len(vectors))):
        chosen.append(int(np.where(np.isin(np.arange(len(held)), chosen), -1, scores).argmax()))
        scores = held * ((1 - vectors @ vectors[chosen].T) / 2).min(axis=1)
    mean = held[chosen] @ vectors[chosen]
    return np.asarray(mean / np.linalg.norm(mean), dtype=np.float32)


@given(count=st.integers(1, 12), seed=st.integers(0, 1000))
@settings(max_examples=20)
def test_it_begins_as_the_plain_coreset(count, seed):
    vectors, quality = faces(count, 32, seed)
    net = Net(SMALL, new_parameters(SMALL, seed=seed))
    np.testing.assert_allclose(made(net, vectors, quality), coreset(vectors, quality, 3), atol=1e-5)


@given(count=st.integers(1, 12), seed=st.integers(0, 1000))
@settings(max_examples=20)
def test_neither_order_nor_empty_places_matter(count, seed):
    vectors, quality = faces(count, 32, seed)
    net = trained(SMALL, 5)
    order = np.random.default_rng(seed).permutation(count)
    expected = made(net, vectors, quality)
    np.testing.assert_allclose(made(net, vectors[order], quality[order]), expected, atol=1e-5)
    np.testing.assert_allclose(made(net, vectors, quality, padding=3), expected, atol=1e-5)
    assert np.linalg.norm(expected) == pytest.approx(1, abs=1e-5)


def test_a_face_that_is_there_many_times_is_that_face():
    vectors, quality = faces(1, 32, 3)
    net = trained(SMALL, 5)
    many = made(net, np.repeat(vectors, 9, axis=0), np.repeat(quality, 9))
    np.testing.assert_allclose(many, made(net, vectors, quality), atol=1e-5)


def test_learning_moves_gamma_through_the_choice():
    vectors, quality = faces(12, 32, 3)
    net = Net(SMALL, new_parameters(SMALL, seed=1))
    torch.manual_seed(0)
    result, _ = aggregate(
        net,
        torch.from_numpy(vectors)[None],
        torch.from_numpy(quality)[None],
        torch.ones((1, 12), dtype=torch.bool),
        learning=True,
    )
    (1 - result[0, 0]).backward()
    gamma = net.parameters["gamma"].grad
    assert gamma is not None
    assert abs(float(gamma)) > 0


@pytest.mark.parametrize("shape", [SMALL, Shape(128), Shape(512, 5), Shape(64, 1)], ids=str)
def test_the_graph_computes_what_pytorch_does(shape, tmp_path: Path):
    net = trained(shape, 11)
    path = tmp_path / "net.onnx"
    path.write_bytes(to_onnx(shape, {n: v.numpy() for n, v in net.parameters.items()}))
    session = open_session(path, provider="cpu")
    for count in (1, 2, 3, 4, 20, 300):
        vectors, quality = faces(count, shape.dimension, count)
        (found,) = session.run({"vectors": vectors, "quality": quality})
        assert np.abs(found - made(net, vectors, quality)).max() < 1e-4


def test_a_graph_is_the_same_bytes_for_the_same_parameters():
    values = {name: value.detach().numpy() for name, value in new_parameters(SMALL, seed=2).items()}
    assert to_onnx(SMALL, values) == to_onnx(SMALL, values)


def test_a_shape_that_cannot_be_dealt_to_the_heads_is_refused():
    with pytest.raises(ValueError, match="100 numbers"):
        Shape(100)

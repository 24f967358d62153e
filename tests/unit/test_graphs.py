from __future__ import annotations

import dataclasses
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from facesort.errors import CardInvalid, WeightsCorrupt, WeightsMissing
from facesort.inference.card import ModelCard, load_cards
from facesort.inference.graphs import prepared
from facesort.inference.session import Session, open_session
from tests.weights import real_graph, real_weights


def tiny_yunet(path: Path, *, width: int = 4) -> Path:
    """Write a graph with YuNet's skeleton: one output, a Reshape that fixes the batch to 1."""
    graph = helper.make_graph(
        [helper.make_node("Reshape", ["input", "shape"], ["cls_8"])],
        "tiny",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 4, 8, 8])],
        [helper.make_tensor_value_info("cls_8", TensorProto.FLOAT, [1, 256 // width, width])],
        [numpy_helper.from_array(np.array([1, -1, width], dtype=np.int64), "shape")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)])
    model.ir_version = 6
    onnx.save(model, str(path))
    return path


def tiny_sface(path: Path) -> Path:
    """Write a graph with SFace's habit: its weights are listed among its inputs."""
    graph = helper.make_graph(
        [
            helper.make_node("Flatten", ["data"], ["flat"]),
            helper.make_node("MatMul", ["flat", "w"], ["fc1"]),
        ],
        "tiny",
        [
            helper.make_tensor_value_info("data", TensorProto.FLOAT, [1, 3, 2, 2]),
            helper.make_tensor_value_info("w", TensorProto.FLOAT, [12, 5]),
        ],
        [helper.make_tensor_value_info("fc1", TensorProto.FLOAT, [1, 5])],
        [numpy_helper.from_array(np.arange(60, dtype=np.float32).reshape(12, 5), "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)])
    model.ir_version = 6
    onnx.save(model, str(path))
    return path


def family(name: str) -> ModelCard:
    return load_cards()[name]


def opened(path: Path) -> Session:
    return open_session(path, provider="cpu", threads=2)


def test_a_detector_graph_takes_any_batch_and_size(tmp_path):
    weights = tiny_yunet(tmp_path / "weights.onnx")
    graph = prepared(family("yunet"), weights, tmp_path / "cache")
    images = np.random.default_rng(1).random((3, 4, 16, 8), dtype=np.float32)
    (together,) = opened(graph).run({"input": images})
    assert np.array_equal(together, images.reshape(3, -1, 4))


def test_an_embedder_graph_takes_any_batch_and_has_one_input(tmp_path):
    weights = tiny_sface(tmp_path / "weights.onnx")
    session = opened(prepared(family("sface"), weights, tmp_path / "cache"))
    assert session.inputs == ("data",)
    crops = np.random.default_rng(1).random((3, 3, 2, 2), dtype=np.float32)
    (together,) = session.run({"data": crops})
    each = [session.run({"data": crop[None]})[0][0] for crop in crops]
    assert np.allclose(together, each, rtol=1e-6)


def test_a_graph_is_prepared_once_and_the_weights_are_left_alone(tmp_path):
    weights = tiny_sface(tmp_path / "weights.onnx")
    before = weights.read_bytes()
    first = prepared(family("sface"), weights, tmp_path / "cache")
    weights.unlink()
    assert prepared(family("sface"), weights, tmp_path / "cache") == first
    assert first.parent == tmp_path / "cache" / "graphs"
    assert first.name.startswith(family("sface").weights.sha256[:12])
    assert [path.name for path in first.parent.glob("*.onnx")] == [first.name]
    assert first.read_bytes() != before


@pytest.mark.parametrize("damage", ["bit", "half", "no hash"])
def test_a_damaged_graph_is_made_again(tmp_path, damage):
    weights = tiny_sface(tmp_path / "weights.onnx")
    graph = prepared(family("sface"), weights, tmp_path / "cache")
    good = graph.read_bytes()
    if damage == "bit":
        graph.write_bytes(good[:-40] + bytes([good[-40] ^ 1]) + good[-39:])
    elif damage == "half":
        graph.write_bytes(good[: len(good) // 2])
    else:
        graph.with_suffix(".sha256").unlink()
    assert prepared(family("sface"), weights, tmp_path / "cache") == graph
    assert graph.read_bytes() == good
    assert graph.with_suffix(".sha256").is_file()


def test_a_graph_is_made_again_on_demand(tmp_path):
    weights = tiny_sface(tmp_path / "weights.onnx")
    graph = prepared(family("sface"), weights, tmp_path / "cache")
    before = graph.stat().st_ino
    assert prepared(family("sface"), weights, tmp_path / "cache", rebuild=True) == graph
    assert graph.stat().st_ino != before


def test_a_family_without_preparation_is_used_as_it_is(tmp_path):
    weights = tiny_sface(tmp_path / "weights.onnx")
    card = dataclasses.replace(family("sface"), family="arcface")
    assert prepared(card, weights, tmp_path / "cache") == weights
    assert not (tmp_path / "cache").exists()


def test_weights_of_another_family_are_refused(tmp_path):
    weights = tiny_yunet(tmp_path / "weights.onnx", width=16)
    with pytest.raises(CardInvalid, match="not of the family yunet"):
        prepared(family("yunet"), weights, tmp_path / "cache")


def test_weights_with_several_inputs_are_refused(tmp_path):
    model = onnx.load(str(tiny_sface(tmp_path / "weights.onnx")))
    del model.graph.initializer[:]
    onnx.save(model, str(tmp_path / "weights.onnx"))
    with pytest.raises(CardInvalid, match="one input"):
        prepared(family("sface"), tmp_path / "weights.onnx", tmp_path / "cache")


def test_weights_that_are_no_onnx_file_are_corrupt(tmp_path):
    path = tmp_path / "weights.onnx"
    path.write_bytes(b"\xff" * 100)
    with pytest.raises(WeightsCorrupt, match=r"weights\.onnx"):
        prepared(family("sface"), path, tmp_path / "cache")


def test_a_cache_that_cannot_be_written_is_said_in_a_sentence(tmp_path):
    weights = tiny_sface(tmp_path / "weights.onnx")
    (tmp_path / "cache").write_bytes(b"a file where the folder should be")
    with pytest.raises(WeightsMissing, match="cannot be stored"):
        prepared(family("sface"), weights, tmp_path / "cache")


# The real models.


def picture(height: int, width: int, seed: int = 0) -> NDArray[np.float32]:
    """Return (1, 3, height, width) smooth colours, 0..255, with edges: something to react to."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (height // 16, width // 16, 3)).astype(np.float32)
    image = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.ascontiguousarray(np.clip(image, 0, 255).transpose(2, 0, 1)[None]).astype(np.float32)


@pytest.mark.weights
def test_the_prepared_detector_answers_exactly_like_the_published_one():
    image = picture(640, 640)
    published = opened(real_weights("yunet"))
    free = opened(real_graph("yunet"))
    assert free.outputs == published.outputs
    for ours, theirs in zip(
        free.run({"input": image}), published.run({"input": image}), strict=True
    ):
        assert np.array_equal(ours, theirs)


@pytest.mark.weights
def test_a_batch_of_pictures_is_detected_like_each_of_them():
    session = opened(real_graph("yunet"))
    images = np.concatenate([picture(320, 256, seed) for seed in range(5)])
    together = session.run({"input": images})
    for index in range(5):
        alone = session.run({"input": images[index : index + 1]})
        for ours, theirs in zip(together, alone, strict=True):
            assert np.abs(ours[index] - theirs[0]).max() < 1e-4


@pytest.mark.weights
@pytest.mark.parametrize(("height", "width"), [(320, 256), (96, 160), (704, 416)])
def test_other_sizes_agree_with_an_independent_runtime(height, width):
    # OpenCV's own runtime takes the published graph and the picture's size by itself.
    image = picture(height, width)
    free = opened(real_graph("yunet"))
    network = cv2.dnn.readNetFromONNX(str(real_weights("yunet")))
    network.setInput(image)
    theirs = network.forward(list(free.outputs))
    for name, ours, other in zip(free.outputs, free.run({"input": image}), theirs, strict=True):
        stride = int(name.split("_")[1])
        assert ours.shape[1] == (height // stride) * (width // stride)
        assert np.abs(ours.reshape(-1) - np.asarray(other).reshape(-1)).max() < 1e-3


@pytest.mark.weights
def test_the_prepared_embedder_answers_like_the_published_one():
    # Not bit for bit: constant weights let the runtime fold the normalisation into the convolution.
    published = opened(real_weights("sface"))
    free = opened(real_graph("sface"))
    for seed in range(3):
        crop = picture(112, 112, seed)
        (theirs,) = published.run({"data": crop})
        (ours,) = free.run({"data": crop})
        assert np.abs(ours - theirs).max() < 1e-4 * np.abs(theirs).max()


@pytest.mark.weights
def test_a_batch_of_faces_is_embedded_like_each_of_them():
    session = opened(real_graph("sface"))
    crops = np.concatenate([picture(112, 112, seed) for seed in range(7)])
    (together,) = session.run({"data": crops})
    assert together.shape == (7, 128)
    for index in range(7):
        (alone,) = session.run({"data": crops[index : index + 1]})
        assert np.abs(together[index] - alone[0]).max() < 1e-4 * np.abs(alone).max()

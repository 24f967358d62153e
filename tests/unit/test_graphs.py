from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from facesort.errors import CardInvalid, WeightsCorrupt, WeightsMissing
from facesort.inference.card import ModelCard
from facesort.inference.card_file import load_cards
from facesort.inference.graphs import Shape, prepared
from facesort.inference.session import Session, open_session
from tests.weights import real_graph, real_weights


def tiny_yunet(path: Path, *, points: int = 10) -> Path:
    """Write a graph with YuNet's skeleton: twelve branches of two convolutions each.

    Args:
        path: where to.
        points: channels of the branches for landmarks; 10 in a real one.
    """
    rng = np.random.default_rng(0)
    nodes: list[onnx.NodeProto] = []
    weights: list[TensorProto] = []
    outputs: list[onnx.ValueInfoProto] = []

    def weight(*shape: int) -> str:
        name = f"w{len(weights)}"
        values = 0.1 * rng.standard_normal(shape)  # keeps the logits small
        weights.append(numpy_helper.from_array(values.astype(np.float32), name))
        return name

    def conv(source: str, output: str, width: int, channels: int, **options: Any) -> None:
        depth = 1 if "group" in options else width
        size = options["kernel_shape"]
        inputs = [source, weight(channels, depth, *size), weight(channels)]
        nodes.append(helper.make_node("Conv", inputs, [output], **options))

    source = "input"
    for stride in (8, 16, 32):
        step = 8 if stride == 8 else 2
        conv(
            source, f"at_{stride}", 3 if stride == 8 else 5, 5,
            kernel_shape=[3, 3], strides=[step, step], pads=[1, 1, 1, 1],
        )  # fmt: skip
        source = f"at_{stride}"
        for kind, channels in (("cls", 1), ("obj", 1), ("bbox", 4), ("kps", points)):
            name = f"{kind}_{stride}"
            conv(source, f"{name}_1", 5, channels, kernel_shape=[1, 1])
            conv(
                f"{name}_1", f"{name}_2", channels, channels,
                kernel_shape=[3, 3], pads=[1, 1, 1, 1], group=channels,
            )  # fmt: skip
            nodes.append(
                helper.make_node("Transpose", [f"{name}_2"], [f"{name}_3"], perm=[0, 2, 3, 1])
            )
            weights.append(numpy_helper.from_array(np.array([1, -1, channels]), f"{name}_shape"))
            last = f"{name}_4" if kind in {"cls", "obj"} else name
            nodes.append(helper.make_node("Reshape", [f"{name}_3", f"{name}_shape"], [last]))
            if last != name:
                nodes.append(helper.make_node("Sigmoid", [last], [name]))
            cells = (64 // stride) ** 2
            outputs.append(
                helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, cells, channels])
            )
    entry = helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, 64, 64])
    return written(path, helper.make_graph(nodes, "tiny", [entry], outputs, weights))


def tiny_sface(path: Path, *, slope: float = 0.25) -> Path:
    """Write a graph with SFace's habits: weights among its inputs, its own mean and scale, PReLU.

    Args:
        path: where to.
        slope: of the first of its channels.
    """
    rng = np.random.default_rng(1)
    arrays = {
        "mean": np.array([127.5]),
        "scale": np.array([1 / 128]),
        "kernel": rng.standard_normal((4, 3, 3, 3)),
        "bias": rng.standard_normal(4),
        "slopes": np.array([slope, -0.3, 0.0, 0.9]).reshape(4, 1, 1),
        "w": rng.standard_normal((4 * 4 * 4, 5)),
    }
    entries = [helper.make_tensor_value_info("data", TensorProto.FLOAT, [1, 3, 8, 8])]
    entries += [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, array.shape)
        for name, array in arrays.items()
    ]
    nodes = [
        helper.make_node("Sub", ["data", "mean"], ["centred"]),
        helper.make_node("Mul", ["centred", "scale"], ["scaled"]),
        helper.make_node(
            "Conv", ["scaled", "kernel", "bias"], ["seen"], strides=[2, 2], pads=[1, 1, 1, 1]
        ),
        helper.make_node("PRelu", ["seen", "slopes"], ["bent"]),
        helper.make_node("Flatten", ["bent"], ["flat"]),
        helper.make_node("MatMul", ["flat", "w"], ["fc1"]),
    ]
    end = helper.make_tensor_value_info("fc1", TensorProto.FLOAT, [1, 5])
    weights = [
        numpy_helper.from_array(array.astype(np.float32), name) for name, array in arrays.items()
    ]
    return written(path, helper.make_graph(nodes, "tiny", entries, [end], weights))


def written(path: Path, graph: onnx.GraphProto) -> Path:
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)])
    model.ir_version = 6
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return path


def tiny_card(name: str) -> ModelCard:
    """Return a shipped card, its crops as small as those of the graphs above."""
    card = load_cards()[name]
    size = card.input.size and (8, 8)
    return dataclasses.replace(card, input=dataclasses.replace(card.input, size=size))


def opened(path: Path) -> Session:
    return open_session(path, provider="cpu")


def run(path: Path, *pictures: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
    session = opened(path)
    found = session.run({session.inputs[0]: np.stack(pictures)})
    return dict(zip(session.outputs, found, strict=True))


def noise(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def as_published(picture: NDArray[np.uint8], channels: str) -> NDArray[np.float32]:
    """Return a picture as the published graphs take it."""
    ordered = picture[..., ::-1] if channels == "BGR" else picture
    return np.ascontiguousarray(ordered.transpose(2, 0, 1)[None], dtype=np.float32)


def flattened(level: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    """Return what a level of the prepared detector says, as the published graph names it."""
    rows = level.reshape(16, -1).T
    likely = (1 / (1 + np.exp(-rows[:, :2].astype(np.float64)))).astype(np.float32)
    return {
        "cls": likely[:, :1],
        "obj": likely[:, 1:],
        "bbox": rows[:, 2:6],
        "kps": rows[:, 6:],
    }


@pytest.mark.parametrize("shape", Shape)
def test_a_detector_says_the_same_in_fewer_outputs(tmp_path, shape):
    weights = tiny_yunet(tmp_path / "weights.onnx")
    session = opened(weights)
    picture = noise(64, 64)
    published = dict(
        zip(session.outputs, session.run({"input": as_published(picture, "BGR")}), strict=True)
    )
    levels = run(prepared(tiny_card("yunet"), weights, tmp_path / "cache", shape=shape), picture)
    assert tuple(levels) == ("level_8", "level_16", "level_32")
    for name, level in levels.items():
        for kind, ours in flattened(level[0]).items():
            theirs = published[f"{kind}_{name.removeprefix('level_')}"][0]
            np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("shape", Shape)
def test_a_detector_takes_any_batch_and_size(tmp_path, shape):
    weights = tiny_yunet(tmp_path / "weights.onnx")
    graph = prepared(tiny_card("yunet"), weights, tmp_path / "cache", shape=shape)
    pictures = [noise(96, 160, seed) for seed in range(3)]
    together = run(graph, *pictures)
    assert together["level_8"].shape == (3, 16, 12, 20)
    for i, picture in enumerate(pictures):
        for name, level in run(graph, picture).items():
            np.testing.assert_allclose(level[0], together[name][i], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("shape", Shape)
@pytest.mark.parametrize("channels", ["RGB", "BGR"])
@pytest.mark.parametrize("slope", [0.25, 1.5])
def test_an_embedder_gives_the_same_vectors_from_bytes(tmp_path, shape, channels, slope):
    weights = tiny_sface(tmp_path / "weights.onnx", slope=slope)
    card = tiny_card("sface")
    card = dataclasses.replace(card, input=dataclasses.replace(card.input, channels=channels))
    graph = prepared(card, weights, tmp_path / "cache", shape=shape)
    pictures = [noise(8, 8, seed) for seed in range(5)]
    (ours,) = run(graph, *pictures).values()
    for picture, vector in zip(pictures, ours, strict=True):
        (theirs,) = opened(weights).run({"data": as_published(picture, channels)})
        np.testing.assert_allclose(vector, theirs[0], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("shape", Shape)
def test_mean_and_scale_of_the_card_become_part_of_the_graph(tmp_path, shape):
    weights = tiny_sface(tmp_path / "weights.onnx")
    card = tiny_card("sface")
    card = dataclasses.replace(card, input=dataclasses.replace(card.input, mean=100.0, scale=0.5))
    picture = noise(8, 8)
    (ours,) = run(prepared(card, weights, tmp_path / "cache", shape=shape), picture).values()
    fed = (as_published(picture, "RGB") - np.float32(100)) * np.float32(0.5)
    (theirs,) = opened(weights).run({"data": fed})
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)


def test_cards_that_feed_one_file_otherwise_do_not_share_a_graph(tmp_path):
    weights = tiny_sface(tmp_path / "weights.onnx")
    card = tiny_card("sface")
    other = dataclasses.replace(card, input=dataclasses.replace(card.input, mean=100.0))
    paths = {
        prepared(one, weights, tmp_path / "cache", shape=shape)
        for one in (card, other)
        for shape in Shape
    }
    assert len(paths) == 4


def test_an_embedder_that_begins_with_no_convolution_is_fed_all_the_same(tmp_path):
    entry = helper.make_tensor_value_info("data", TensorProto.FLOAT, [1, 3, 8, 8])
    end = helper.make_tensor_value_info("fc1", TensorProto.FLOAT, [1, 3])
    nodes = [
        helper.make_node("GlobalAveragePool", ["data"], ["mean"]),
        helper.make_node("Flatten", ["mean"], ["fc1"]),
    ]
    weights = written(tmp_path / "w.onnx", helper.make_graph(nodes, "t", [entry], [end]))
    card = tiny_card("sface")
    card = dataclasses.replace(card, input=dataclasses.replace(card.input, channels="BGR"))
    picture = noise(8, 8)
    (found,) = run(prepared(card, weights, tmp_path / "cache", shape=Shape.CPU), picture).values()
    np.testing.assert_allclose(found[0], picture.mean(axis=(0, 1))[::-1], rtol=1e-5)


def test_a_graph_is_prepared_once_and_the_weights_are_left_alone(tmp_path):
    weights = tiny_sface(tmp_path / "weights.onnx")
    before = weights.read_bytes()
    first = prepared(tiny_card("sface"), weights, tmp_path / "cache", shape=Shape.CPU)
    weights.unlink()
    assert prepared(tiny_card("sface"), weights, tmp_path / "cache", shape=Shape.CPU) == first
    assert first.parent == tmp_path / "cache" / "graphs"
    assert first.name.startswith(tiny_card("sface").weights.sha256[:12])
    assert [path.name for path in first.parent.glob("*.onnx")] == [first.name]
    assert first.read_bytes() != before


@pytest.mark.parametrize("damage", ["bit", "half", "no hash"])
def test_a_damaged_graph_is_made_again(tmp_path, damage):
    weights = tiny_sface(tmp_path / "weights.onnx")
    graph = prepared(tiny_card("sface"), weights, tmp_path / "cache", shape=Shape.CPU)
    good = graph.read_bytes()
    if damage == "bit":
        graph.write_bytes(good[:-40] + bytes([good[-40] ^ 1]) + good[-39:])
    elif damage == "half":
        graph.write_bytes(good[: len(good) // 2])
    else:
        graph.with_suffix(".sha256").unlink()
    assert prepared(tiny_card("sface"), weights, tmp_path / "cache", shape=Shape.CPU) == graph
    assert graph.read_bytes() == good
    assert graph.with_suffix(".sha256").is_file()


def test_a_graph_is_made_again_on_demand(tmp_path):
    weights = tiny_sface(tmp_path / "weights.onnx")
    graph = prepared(tiny_card("sface"), weights, tmp_path / "cache", shape=Shape.CPU)
    before = graph.stat().st_ino
    again = prepared(tiny_card("sface"), weights, tmp_path / "cache", shape=Shape.CPU, rebuild=True)
    assert again == graph
    assert graph.stat().st_ino != before


def test_weights_of_another_family_are_refused(tmp_path):
    weights = tiny_sface(tmp_path / "weights.onnx")
    with pytest.raises(CardInvalid, match="not of the family yunet"):
        prepared(tiny_card("yunet"), weights, tmp_path / "cache", shape=Shape.CPU)


def test_a_detector_of_other_outputs_is_refused(tmp_path):
    weights = tiny_yunet(tmp_path / "weights.onnx", points=14)
    with pytest.raises(CardInvalid, match="10 channels in its output kps_8"):
        prepared(tiny_card("yunet"), weights, tmp_path / "cache", shape=Shape.CPU)


def test_weights_with_several_inputs_are_refused(tmp_path):
    model = onnx.load(str(tiny_sface(tmp_path / "weights.onnx")))
    del model.graph.initializer[:]
    onnx.save(model, str(tmp_path / "weights.onnx"))
    with pytest.raises(CardInvalid, match="one input"):
        prepared(tiny_card("sface"), tmp_path / "weights.onnx", tmp_path / "cache", shape=Shape.CPU)


def test_weights_that_are_no_onnx_file_are_corrupt(tmp_path):
    path = tmp_path / "weights.onnx"
    path.write_bytes(b"\xff" * 100)
    with pytest.raises(WeightsCorrupt, match=r"weights\.onnx"):
        prepared(tiny_card("sface"), path, tmp_path / "cache", shape=Shape.CPU)


def test_a_cache_that_cannot_be_written_is_said_in_a_sentence(tmp_path):
    weights = tiny_sface(tmp_path / "weights.onnx")
    (tmp_path / "cache").write_bytes(b"a file where the folder should be")
    with pytest.raises(WeightsMissing, match="cannot be stored"):
        prepared(tiny_card("sface"), weights, tmp_path / "cache", shape=Shape.CPU)


# The real models.


def picture(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    """Return smooth colours with edges: something to react to."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (height // 16, width // 16, 3)).astype(np.float32)
    image = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(image, 0, 255).astype(np.uint8)


@pytest.mark.weights
@pytest.mark.parametrize("shape", Shape)
def test_the_prepared_detector_answers_like_the_published_one(shape):
    image = picture(640, 640)
    session = opened(real_weights("yunet"))
    published = dict(
        zip(session.outputs, session.run({"input": as_published(image, "BGR")}), strict=True)
    )
    for name, level in run(real_graph("yunet", shape), image).items():
        for kind, ours in flattened(level[0]).items():
            theirs = published[f"{kind}_{name.removeprefix('level_')}"][0]
            assert np.abs(ours - theirs).max() < 1e-4


@pytest.mark.weights
@pytest.mark.parametrize("shape", Shape)
def test_the_prepared_embedder_answers_like_the_published_one(shape):
    crops = [picture(112, 112, seed) for seed in range(7)]
    session = opened(real_weights("sface"))
    (ours,) = run(real_graph("sface", shape), *crops).values()
    for crop, vector in zip(crops, ours, strict=True):
        (published,) = session.run({"data": as_published(crop, "RGB")})
        lengths = np.linalg.norm(vector), np.linalg.norm(published)
        assert vector @ published[0] / np.prod(lengths) > 0.999999
        assert lengths[0] == pytest.approx(lengths[1], rel=1e-5)


@pytest.mark.weights
def test_a_batch_of_pictures_is_detected_like_each_of_them():
    images = [picture(320, 256, seed) for seed in range(5)]
    together = run(real_graph("yunet"), *images)
    for index, image in enumerate(images):
        for name, level in run(real_graph("yunet"), image).items():
            assert np.abs(level[0] - together[name][index]).max() < 1e-4


@pytest.mark.weights
@pytest.mark.parametrize(("height", "width"), [(320, 256), (96, 160), (704, 416)])
def test_other_sizes_agree_with_an_independent_runtime(height, width):
    # OpenCV's own runtime takes the published graph and the picture's size by itself.
    image = picture(height, width)
    network = cv2.dnn.readNetFromONNX(str(real_weights("yunet")))
    network.setInput(as_published(image, "BGR"))
    names = [f"{kind}_{s}" for s in (8, 16, 32) for kind in ("cls", "obj", "bbox", "kps")]
    theirs = dict(zip(names, network.forward(names), strict=True))
    for name, level in run(real_graph("yunet"), image).items():
        stride = int(name.removeprefix("level_"))
        assert level.shape == (1, 16, height // stride, width // stride)
        for kind, ours in flattened(level[0]).items():
            other = np.asarray(theirs[f"{kind}_{stride}"]).reshape(-1)
            assert np.abs(ours.reshape(-1) - other).max() < 1e-3

"""Adapts published ONNX graphs to any batch and picture size. Only shapes change, never weights."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from facesort.errors import CardInvalid, WeightsCorrupt, WeightsMissing
from facesort.files import atomic_write, explain_os_error, sha256_of

if TYPE_CHECKING:
    from pathlib import Path

    from onnx import GraphProto, ModelProto, TensorProto, ValueInfoProto

    from facesort.inference.card import ModelCard

__all__ = ["prepared"]

# Part of the file name: raise it when the preparation changes, and old files are left alone.
_VERSION = 1

# The last axes of YuNet's Reshape constants: score, box and five points. Their first entry is the
# batch, fixed to 1; 0 means "as in the input" (ONNX operator Reshape, allowzero absent).
_YUNET_WIDTHS = frozenset({1, 4, 10})


def prepared(card: ModelCard, weights: Path, cache_dir: Path, *, rebuild: bool = False) -> Path:
    """Return a graph of this model that takes any batch, made once and kept in the cache.

    A graph that differs from what was written is made again.

    Args:
        card: names the family, and with it what is changed; other families are used as they are.
        weights: the verified ONNX file.
        cache_dir: facesort's cache.
        rebuild: make it again although it exists, because the runtime could not load it.

    Raises:
        CardInvalid: the graph is not one of the card's family.
        WeightsCorrupt: the weights are not an ONNX file.
        WeightsMissing: the cache cannot be written.
    """
    change = {"yunet": _free_yunet, "sface": _free_sface}.get(card.family)
    if change is None:
        return weights
    target = cache_dir / "graphs" / f"{card.weights.sha256[:12]}-v{_VERSION}.onnx"
    if not rebuild and _is_whole(target):
        return target
    model = _load(weights)
    change(model.graph, card)
    content = model.SerializeToString()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(target, content)
        atomic_write(_hash_file(target), hashlib.sha256(content).hexdigest().encode())
    except OSError as error:
        raise WeightsMissing(
            f"the prepared graph of {card.name} cannot be stored in {target.parent}",
            hint=explain_os_error(error),
        ) from error
    return target


def _hash_file(graph: Path) -> Path:
    return graph.with_suffix(".sha256")


def _is_whole(graph: Path) -> bool:
    """Whether the graph is what was written: this file makes the vectors, so it is verified too."""
    try:
        return sha256_of(graph) == _hash_file(graph).read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return False


def _load(weights: Path) -> ModelProto:
    # Loading onnx takes 60 ms, and only the first run on a machine needs it.
    import onnx  # noqa: PLC0415
    from google.protobuf import message  # type: ignore[import-untyped]  # noqa: PLC0415  # no types

    try:
        return onnx.load_model(str(weights))
    except message.DecodeError as error:
        raise WeightsCorrupt(
            f"{weights}: not an ONNX model", hint="Correct the card's sources and hash."
        ) from error


def _free_yunet(graph: GraphProto, card: ModelCard) -> None:
    """Free batch, height and width of a graph exported for one 640 x 640 picture."""
    from onnx import numpy_helper  # noqa: PLC0415

    shapes = {node.input[1] for node in graph.node if node.op_type == "Reshape"}
    constants = [tensor for tensor in graph.initializer if tensor.name in shapes]
    values = {tensor.name: numpy_helper.to_array(tensor).tolist() for tensor in constants}
    if set(values) != shapes or any(
        len(value) != 3 or value[:2] != [1, -1] or value[2] not in _YUNET_WIDTHS
        for value in values.values()
    ):
        _refuse(card, "Reshape constants [1, -1, 1], [1, -1, 4] and [1, -1, 10]")
    for tensor in constants:
        _set_first(tensor, 0)
    _free(_only_input(graph, card), {0: "batch", 2: "height", 3: "width"})
    for output in graph.output:
        _free(output, {0: "batch", 1: f"anchors_{output.name}"})
    _drop_stale_shapes(graph)


def _free_sface(graph: GraphProto, card: ModelCard) -> None:
    """Free the batch of a graph whose weights are also listed among its inputs."""
    # As inputs they could be overridden, so the runtime folds no constant and warns of each one.
    weights = {tensor.name for tensor in graph.initializer}
    inputs = [entry for entry in graph.input if entry.name not in weights]
    del graph.input[:]
    graph.input.extend(inputs)
    _free(_only_input(graph, card), {0: "batch"})
    for output in graph.output:
        _free(output, {0: "batch"})
    _drop_stale_shapes(graph)


def _only_input(graph: GraphProto, card: ModelCard) -> ValueInfoProto:
    inputs: list[ValueInfoProto] = list(graph.input)
    if len(inputs) != 1 or len(inputs[0].type.tensor_type.shape.dim) != 4:
        _refuse(card, "one input of four axes")
    return inputs[0]


def _set_first(tensor: TensorProto, value: int) -> None:
    from onnx import numpy_helper  # noqa: PLC0415

    numbers = numpy_helper.to_array(tensor).copy()
    numbers[0] = value
    tensor.CopyFrom(numpy_helper.from_array(numbers, tensor.name))


def _free(entry: ValueInfoProto, axes: dict[int, str]) -> None:
    dims = entry.type.tensor_type.shape.dim
    for axis, name in axes.items():
        dims[axis].dim_param = name  # clears dim_value: the two are one field


def _drop_stale_shapes(graph: GraphProto) -> None:
    """Forget the shapes that were inferred for the old, fixed input; the runtime infers its own."""
    del graph.value_info[:]


def _refuse(card: ModelCard, expected: str) -> None:
    raise CardInvalid(
        f"{card.path}: the weights are not of the family {card.family}, whose graph has {expected}",
        hint="Correct the card's family.",
    )

"""Rewrites the graphs of our models for the runtime that will compute them: faster, equal results.

Every change is an identity of arithmetic; only the order of a few roundings differs. Against the
published graphs: cosine of embeddings at least .9999998 and their lengths within 4e-7 (1,533 LFW
crops), every number of the detector within 3e-5 (noise of 480 x 320 to 1920 x 1280; ONNX Runtime
1.31, 2026-11-22).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from facesort.inference.feeding import take_bytes
from facesort.inference.surgery import Surgery, refuse

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from onnx import ModelProto, NodeProto

    from facesort.inference.card import ModelCard

__all__ = ["HEADS", "STRIDES", "rewrite_embedder", "rewrite_yunet"]

# What YuNet says of an anchor point, in the order of the prepared graph's 16 channels.
HEADS = {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}
STRIDES = (8, 16, 32)


def rewrite_yunet(model: ModelProto, card: ModelCard, *, for_cpu: bool) -> None:
    """Free batch and size, take bytes, and merge the branches of the head.

    The published graph ends in twelve branches of 1 to 10 channels, each computed in blocks of 16
    and then transposed. One branch of 16 channels for each of the three strides takes 10-14 % less
    time (ONNX Runtime 1.31 on the CPU, 2026-11-22). Outputs: "level_8", "level_16" and "level_32",
    (n, 16, h, w); "cls" and "obj" are logits.

    Raises:
        CardInvalid: the graph is not YuNet's.
    """
    from onnx import TensorProto, helper  # noqa: PLC0415 - heavy, and only the first run needs it

    cut = Surgery(model, card)
    branches = {stride: _branches(cut, stride) for stride in STRIDES}
    take_bytes(cut, wide=for_cpu)
    merged: list[NodeProto] = []
    del cut.graph.output[:]
    for stride, pairs in branches.items():
        merged += _merged(cut, stride, pairs)
        channels = sum(HEADS.values())
        shape: list[str | int | None] = ["batch", channels, f"rows_{stride}", f"columns_{stride}"]
        cut.graph.output.append(
            helper.make_tensor_value_info(f"level_{stride}", TensorProto.FLOAT, shape)
        )
    cut.set_nodes([*cut.graph.node, *merged])
    cut.drop_unused()


def _branches(cut: Surgery, stride: int) -> list[tuple[NodeProto, NodeProto]]:
    """Return the pointwise and the depthwise convolution of each branch of a stride."""
    pairs = []
    for kind, channels in HEADS.items():
        last = _convolution_above(cut, f"{kind}_{stride}")
        first = None if last is None else cut.producer(last.input[0])
        if last is None or first is None or first.op_type != "Conv":
            refuse(cut.card, f"two convolutions before its output {kind}_{stride}")
        kernel = cut.constant(last.input[1])
        if kernel is None or kernel.shape != (channels, 1, 3, 3) or len(last.input) != 3:
            refuse(cut.card, f"{channels} channels in its output {kind}_{stride}")
        pairs.append((first, last))
    if len({first.input[0] for first, _ in pairs}) != 1:
        refuse(cut.card, f"one source of its four outputs of stride {stride}")
    return pairs


def _convolution_above(cut: Surgery, name: str) -> NodeProto | None:
    """Return the convolution that an output is made from by reshaping alone (and a sigmoid)."""
    node = cut.producer(name)
    while node is not None and node.op_type in {"Sigmoid", "Reshape", "Transpose"}:
        node = cut.producer(node.input[0])
    return node if node is not None and node.op_type == "Conv" else None


def _merged(cut: Surgery, stride: int, pairs: list[tuple[NodeProto, NodeProto]]) -> list[NodeProto]:
    def joined(nodes: list[NodeProto], place: int) -> str:
        parts = [cut.weight(node.input[place]) for node in nodes]
        return cut.add_constant(np.concatenate(parts), "head")

    firsts, lasts = [first for first, _ in pairs], [last for _, last in pairs]
    pointwise = cut.node("Conv", [firsts[0].input[0], joined(firsts, 1), joined(firsts, 2)])
    depthwise = cut.node(
        "Conv",
        [pointwise.output[0], joined(lasts, 1), joined(lasts, 2)],
        f"level_{stride}",
        kernel_shape=[3, 3],
        pads=[1, 1, 1, 1],
        group=sum(HEADS.values()),
    )
    return [pointwise, depthwise]


def rewrite_embedder(model: ModelProto, card: ModelCard, *, for_cpu: bool) -> None:
    """Free the batch and take bytes; for ONNX Runtime's CPU also rewrite PReLU.

    Raises:
        CardInvalid: the graph does not take pictures.
    """
    cut = Surgery(model, card)
    take_bytes(cut, wide=for_cpu)
    if for_cpu:
        _rewrite_prelu(cut)
    for output in cut.graph.output:
        output.type.tensor_type.shape.dim[0].dim_param = "batch"  # clears dim_value
    cut.drop_unused()


def _rewrite_prelu(cut: Surgery) -> None:
    """Write PReLU with slope s as relu((1 - s) x) + s x, in depthwise convolutions of one pixel.

    ONNX Runtime computes PReLU slowly, and leaves its fast blocked layout for it and returns to it,
    27 times a face in SFace; convolutions, Relu and sums stay in that layout. SFace on one thread:
    12.0-12.8 ms of CPU a face instead of 25.6 (LFW crops, batches of 1 to 16, 1.31, 2026-11-22).
    """
    replacements = {}
    for node in cut.graph.node:
        slopes = cut.constant(node.input[1]) if node.op_type == "PRelu" else None
        if slopes is not None and slopes.ndim == 3 and slopes.shape[1:] == (1, 1):
            replacements[node.output[0]] = _without_prelu(cut, node, slopes.reshape(-1))
    cut.replace_nodes(replacements)


def _without_prelu(cut: Surgery, prelu: NodeProto, slopes: NDArray[np.generic]) -> list[NodeProto]:
    source = prelu.input[0]

    def scaled(name: str, factors: NDArray[np.generic]) -> NodeProto:
        kernel = cut.add_constant(factors.astype(np.float32).reshape(-1, 1, 1, 1), "slopes")
        return cut.node("Conv", [name, kernel], kernel_shape=[1, 1], group=len(factors))

    rest = 1 - slopes.astype(np.float64)
    if (rest >= 0).all():
        # The factor is inside relu, so that the runtime joins the two into one pass over memory.
        part = scaled(source, rest)
        positive = cut.node("Relu", [part.output[0]])
    else:
        # A slope above 1 makes the factor negative, which relu would not let through.
        positive = cut.node("Relu", [source])
        part, positive = positive, scaled(positive.output[0], rest)
    straight = scaled(source, slopes)
    total = cut.node("Add", [positive.output[0], straight.output[0]], prelu.output[0])
    return [part, positive, straight, total]

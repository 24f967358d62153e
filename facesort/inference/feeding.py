"""Lets a graph take pictures as they are: bytes, rows of RGB pixels, any batch.

Saves a float copy of four times the size and its transposition in Python, and three quarters of
what is sent to an accelerator.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from facesort.inference.surgery import refuse

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from onnx import NodeProto

    from facesort.inference.surgery import Surgery

__all__ = ["PICTURES", "take_bytes"]

PICTURES = "pictures"  # the prepared graph's input: (n, height, width, 3) RGB uint8


def take_bytes(cut: Surgery, *, wide: bool) -> None:
    """Replace the float input (n, 3, h, w) by (n, h, w, 3) RGB bytes.

    The card's mean, scale and channel order become part of the graph.

    Args:
        cut: the graph.
        wide: read rows of pixels in place instead of separating the colours first: the first
            convolution sees one channel of three times the width, its kernel and step are three
            times as wide. Exactly the same sums. On ONNX Runtime's CPU YuNet takes 6-10 % less time
            than with a transposition (480 x 320 to 1920 x 1280, 1.31, 2026-11-22); other runtimes
            are tuned to ordinary shapes.

    Raises:
        CardInvalid: the graph does not take three channels.
    """
    old = cut.only_input()
    channels, height, width = list(old.type.tensor_type.shape.dim)[1:]
    if channels.dim_value != 3:
        refuse(cut.card, "an input of three channels")
    sides = [dim.dim_value or None for dim in (height, width)]
    if not cut.card.input.size:
        sides = [None, None]
    first = cut.first_convolution(old.name)
    kernel = None if first is None else cut.constant(first.input[1])
    if first is not None and kernel is not None and kernel.shape[1] == 3 and _is_plain(first):
        if cut.card.input.channels == "BGR":
            kernel = kernel[:, ::-1]
        wide = _widen(cut, first, kernel) if wide else _set_kernel(cut, first, kernel)
        nodes = _head(cut, wide=wide, swap=False, output=old.name)
    else:
        nodes = _head(cut, wide=False, swap=cut.card.input.channels == "BGR", output=old.name)
    _set_input(cut, sides)
    cut.set_nodes([*nodes, *cut.graph.node])


def _is_plain(convolution: NodeProto) -> bool:
    options = {entry.name: entry for entry in convolution.attribute}
    return (
        ("group" not in options or options["group"].i == 1)
        and all(step == 1 for step in _numbers(convolution, "dilations"))
        and ("auto_pad" not in options or options["auto_pad"].s == b"NOTSET")
    )


def _numbers(node: NodeProto, name: str) -> list[int]:
    return next((list(entry.ints) for entry in node.attribute if entry.name == name), [])


def _set_kernel(cut: Surgery, convolution: NodeProto, kernel: NDArray[np.generic]) -> bool:
    convolution.input[1] = cut.add_constant(kernel, "kernel")
    return False


def _widen(cut: Surgery, convolution: NodeProto, kernel: NDArray[np.generic]) -> bool:
    """Turn a convolution of three channels into one over rows of pixels; returns True."""
    from onnx import helper  # noqa: PLC0415 - heavy

    outputs, channels, rows, columns = kernel.shape
    row_step, column_step = _numbers(convolution, "strides") or [1, 1]
    top, left, bottom, right = _numbers(convolution, "pads") or [0, 0, 0, 0]
    # Neighbours in memory are the colours of one pixel, so the kernel's last axis is (x, colour).
    flat = kernel.transpose(0, 2, 3, 1).reshape(outputs, 1, rows, columns * channels)
    convolution.input[1] = cut.add_constant(flat, "kernel")
    del convolution.attribute[:]
    convolution.attribute.extend(
        [
            helper.make_attribute("kernel_shape", [rows, 3 * columns]),
            helper.make_attribute("strides", [row_step, 3 * column_step]),
            helper.make_attribute("pads", [top, 3 * left, bottom, 3 * right]),
        ]
    )
    return True


def _head(cut: Surgery, *, wide: bool, swap: bool, output: str) -> list[NodeProto]:
    """Return the nodes from bytes to what the graph took before."""
    from onnx import TensorProto  # noqa: PLC0415

    nodes: list[NodeProto] = []

    def then(operator: str, *more: str, **options: Any) -> None:  # noqa: ANN401 - its own
        before = nodes[-1].output[0] if nodes else PICTURES
        nodes.append(cut.node(operator, [before, *more], **options))

    if wide:
        # (n, h, w, 3) -> (n, h, 3 w) -> (n, 1, h, 3 w): the same bytes under other names.
        then("Reshape", cut.add_constant(np.array([0, 0, -1], dtype=np.int64), "rows"))
        if cut.opset >= 13:
            then("Unsqueeze", cut.add_constant(np.array([1], dtype=np.int64), "axis"))
        else:
            then("Unsqueeze", axes=[1])
    else:
        then("Transpose", perm=[0, 3, 1, 2])
        if swap:
            then("Gather", cut.add_constant(np.array([2, 1, 0], dtype=np.int64), "bgr"), axis=1)
    then("Cast", to=TensorProto.FLOAT)
    given = cut.card.input
    if given.mean:
        then("Sub", cut.add_constant(np.array([given.mean], dtype=np.float32), "mean"))
    if given.scale != 1:
        then("Mul", cut.add_constant(np.array([given.scale], dtype=np.float32), "scale"))
    nodes[-1].output[0] = output
    return nodes


def _set_input(cut: Surgery, sides: list[int | None]) -> None:
    from onnx import TensorProto, helper  # noqa: PLC0415

    height, width = (side or name for side, name in zip(sides, ("height", "width"), strict=True))
    del cut.graph.input[:]
    cut.graph.input.append(
        helper.make_tensor_value_info(PICTURES, TensorProto.UINT8, ["batch", height, width, 3])
    )

"""Writes a trained network as an ONNX graph, node by node.

By hand rather than by PyTorch's exporter: that one needs more packages, and its graphs change with
its versions. The choice of faces is unrolled: ArgMax, Gather and Min, `size` times. There is no
noise and no dropout, so the graph is deterministic.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from facesort.training.net import LONGEST_WAVE, NORM_EPSILON, QUALITY_FLOOR

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from facesort.training.net import Shape

__all__ = ["OPSET", "to_onnx"]

OPSET = 17  # the first with LayerNormalization
_IR_VERSION = 8  # of ONNX 1.12, whose opset that is: older runtimes read it too
_NEVER = -1e9  # added to the logits of places where nothing is


def to_onnx(shape: Shape, parameters: Mapping[str, NDArray[np.float32]]) -> bytes:
    """Return the graph: inputs `vectors` (t, d) and `quality` (t,), output `descriptor` (d,).

    Args:
        shape: of the network.
        parameters: its values by name, as `net.new_parameters` names them.
    """
    from onnx import TensorProto, checker, helper  # noqa: PLC0415 - heavy

    graph = _Graph(shape, parameters)
    graph.build()
    d = shape.dimension
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "coreset-net",
            [
                helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["faces", d]),
                helper.make_tensor_value_info("quality", TensorProto.FLOAT, ["faces"]),
            ],
            [helper.make_tensor_value_info("descriptor", TensorProto.FLOAT, [d])],
            graph.constants(),
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        producer_name="facesort",
    )
    model.ir_version = _IR_VERSION
    checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))


class _Graph:
    """The nodes and constants of the network.

    Args:
        shape: of the network.
        parameters: its values.
    """

    def __init__(self, shape: Shape, parameters: Mapping[str, NDArray[np.float32]]) -> None:
        self._shape = shape
        self._parameters = parameters
        self._values: dict[str, NDArray[Any]] = {}
        self.nodes: list[Any] = []

    def constants(self) -> list[Any]:
        """Return the initializers."""
        from onnx import numpy_helper  # noqa: PLC0415 - heavy

        return [numpy_helper.from_array(value, name) for name, value in self._values.items()]

    def build(self) -> None:
        """Lay the nodes from the two inputs to `descriptor`."""
        number, op = self._number, self._op
        held = op("Max", "quality", number(QUALITY_FLOOR))
        chosen, their_quality = self._choose(held)
        there = op("Less", self._whole(range(self._shape.size)), op("Size", held))
        core = self._features(chosen, their_quality)
        queries = op("Add", core, self._encoding(their_quality))
        nothing = op("Where", there, number(0.0), number(_NEVER))
        among = self._attend("self", queries, queries, queries, nothing)
        queries = self._norm("self", op("Add", queries, among))
        features = self._features("vectors", held)
        keys = op("Add", features, self._encoding(held))
        heard = self._attend("cross", queries, keys, features, None)
        blended = op("Add", core, self._norm("cross", op("Add", core, heard)))
        weights = op("Unsqueeze", op("Cast", there, to=1), self._whole([1]))  # 1: float32
        weighted = op("Mul", blended, weights)
        summed = op("ReduceSum", weighted, self._whole([0]), keepdims=0)
        length = op("ReduceL2", summed, axes=[0], keepdims=1)
        op("Div", summed, op("Max", length, number(1e-12)), output="descriptor")

    def _choose(self, held: str) -> tuple[str, str]:
        """Return the names of the chosen vectors, (size, d), and of their quality, (size,)."""
        number, op = self._number, self._op
        gamma = math.log1p(math.exp(float(self._parameters["gamma"])))
        worth = op("Pow", held, number(gamma))
        places = op("Range", self._whole(0), op("Size", held), self._whole(1))
        vectors, qualities = [], []
        scores, distance, taken = held, "", ""
        for turn in range(self._shape.size):
            place = op("ArgMax", scores, axis=0, keepdims=1)
            vectors.append(op("Gather", "vectors", place))
            qualities.append(op("Gather", held, place))
            if turn + 1 == self._shape.size:
                break
            cosine = op("Squeeze", self._times("vectors", vectors[-1]), self._whole([1]))
            apart = op("Mul", op("Sub", number(1.0), cosine), number(0.5))
            apart = op("Max", apart, number(0.0))
            distance = op("Min", distance, apart) if distance else apart
            here = op("Equal", places, place)
            taken = op("Or", taken, here) if taken else here
            scores = op("Where", taken, number(-1.0), op("Mul", worth, distance))
        return op("Concat", *vectors, axis=0), op("Concat", *qualities, axis=0)

    def _features(self, vectors: str, quality: str) -> str:
        scale = self._number(math.sqrt(self._shape.dimension))
        return self._op("Mul", vectors, self._op("Mul", self._column(quality), scale))

    def _encoding(self, quality: str) -> str:
        half = self._shape.dimension // 2
        waves = 2 * math.pi * LONGEST_WAVE ** (-np.arange(half) / half)
        angles = self._op("Mul", self._column(quality), self._array(waves))
        both = self._op("Concat", self._op("Sin", angles), self._op("Cos", angles), axis=1)
        return self._norm("encoding", both)

    def _norm(self, part: str, values: str) -> str:
        gain, shift = (self._array(self._parameters[f"{part}.{n}"]) for n in ("norm", "norm_shift"))
        return self._op("LayerNormalization", values, gain, shift, axis=-1, epsilon=NORM_EPSILON)

    def _attend(self, part: str, queries: str, keys: str, values: str, mask: str | None) -> str:
        """Let (k, d) queries hear (t, d) values; `mask` (t,) is added to what they are drawn by."""
        op = self._op
        d, heads = self._shape.dimension, self._shape.heads
        apart = self._whole([-1, heads, d // heads])
        matrices = np.split(self._parameters[f"{part}.in"], 3)
        shifts = np.split(self._parameters[f"{part}.in_shift"], 3)
        orders = ([1, 0, 2], [1, 2, 0], [1, 0, 2])
        q, k, v = (
            op("Transpose", op("Reshape", self._linear(given, *weights), apart), perm=order)
            for given, *weights, order in zip(
                (queries, keys, values), matrices, shifts, orders, strict=True
            )
        )
        alike = op("Mul", op("MatMul", q, k), self._number((d // heads) ** -0.5))
        if mask is not None:
            alike = op("Add", alike, mask)
        heard = op("MatMul", op("Softmax", alike, axis=-1), v)
        together = op("Reshape", op("Transpose", heard, perm=[1, 0, 2]), self._whole([-1, d]))
        return self._linear(
            together, self._parameters[f"{part}.out"], self._parameters[f"{part}.out_shift"]
        )

    def _linear(self, given: str, matrix: NDArray[np.float32], shift: NDArray[np.float32]) -> str:
        return self._op("Add", self._op("MatMul", given, self._array(matrix.T)), self._array(shift))

    def _times(self, rows: str, columns: str) -> str:
        return self._op("MatMul", rows, self._op("Transpose", columns, perm=[1, 0]))

    def _column(self, values: str) -> str:
        return self._op("Unsqueeze", values, self._whole([1]))

    def _number(self, value: float) -> str:
        return self._array(np.float32(value))

    def _whole(self, values: object) -> str:
        return self._constant(np.array(values, dtype=np.int64))

    def _array(self, values: object) -> str:
        return self._constant(np.ascontiguousarray(np.asarray(values, dtype=np.float32)))

    def _constant(self, value: NDArray[Any]) -> str:
        name = f"constant_{len(self._values)}"
        self._values[name] = value
        return name

    def _op(self, kind: str, *inputs: str, output: str = "", **attributes: Any) -> str:  # noqa: ANN401 - any kind
        from onnx import helper  # noqa: PLC0415 - heavy

        name = output or f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

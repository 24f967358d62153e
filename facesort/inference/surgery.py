"""Small, exact changes to ONNX graphs: what every model's preparation is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from facesort.errors import CardInvalid

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray
    from onnx import GraphProto, ModelProto, NodeProto, ValueInfoProto

    from facesort.inference.card import ModelCard

__all__ = ["Surgery", "refuse"]

_POINTWISE = frozenset({"Sub", "Mul", "Add", "Div"})


def refuse(card: ModelCard, expected: str) -> NoReturn:
    """Raise CardInvalid: the graph is not what the card's family promises."""
    raise CardInvalid(
        f"{card.path}: the weights are not of the family {card.family}, whose graph has {expected}",
        hint="Correct the card's family.",
    )


class Surgery:
    """A graph under the knife. Names that it makes begin with "facesort_".

    Args:
        model: changed in place.
        card: for the message when the graph is not what it should be.
    """

    def __init__(self, model: ModelProto, card: ModelCard) -> None:
        self.graph: GraphProto = model.graph
        self.card = card
        self.opset = max(
            (entry.version for entry in model.opset_import if entry.domain in {"", "ai.onnx"}),
            default=1,
        )
        self._made = 0

    # -- looking --------------------------------------------------------------------------------

    def constant(self, name: str) -> NDArray[np.generic] | None:
        """Return a weight, or None if that name is not one."""
        from onnx import numpy_helper  # noqa: PLC0415 - heavy

        for tensor in self.graph.initializer:
            if tensor.name == name:
                return numpy_helper.to_array(tensor)
        return None

    def weight(self, name: str) -> NDArray[np.generic]:
        """Return a weight that must be there."""
        value = self.constant(name)
        if value is None:
            refuse(self.card, f"a weight called {name!r}")
        return value

    def producer(self, name: str) -> NodeProto | None:
        """Return the node that makes a tensor; None for inputs and weights."""
        return next((node for node in self.graph.node if name in node.output), None)

    def consumers(self, name: str) -> list[NodeProto]:
        """Return the nodes that take a tensor."""
        return [node for node in self.graph.node if name in node.input]

    def only_input(self) -> ValueInfoProto:
        """Return the graph's input, (n, channels, height, width); weights among them are dropped.

        As inputs weights could be overridden, so the runtime folds no constant and warns of each.
        """
        weights = {tensor.name for tensor in self.graph.initializer}
        inputs = [entry for entry in self.graph.input if entry.name not in weights]
        if len(inputs) != 1 or len(inputs[0].type.tensor_type.shape.dim) != 4:
            refuse(self.card, "one input of four axes")
        del self.graph.input[:]
        self.graph.input.extend(inputs)
        kept: ValueInfoProto = self.graph.input[0]
        return kept

    def first_convolution(self, name: str) -> NodeProto | None:
        """Return the convolution that takes a tensor, with at most scalar arithmetic between."""
        while True:
            takers = self.consumers(name)
            if len(takers) != 1:
                return None
            node = takers[0]
            if node.op_type == "Conv":
                return node if node.input[0] == name else None
            others = [self.constant(other) for other in node.input if other != name]
            scalar = len(others) == 1 and others[0] is not None and others[0].size == 1
            if node.op_type not in _POINTWISE or not scalar:
                return None
            name = node.output[0]

    # -- cutting --------------------------------------------------------------------------------

    def name(self, what: str) -> str:
        """Return a name that the graph does not have yet."""
        self._made += 1
        return f"facesort_{what}_{self._made}"

    def add_constant(self, values: NDArray[np.generic], what: str) -> str:
        """Add a weight and return its name."""
        from onnx import numpy_helper  # noqa: PLC0415

        name = self.name(what)
        tensor = numpy_helper.from_array(np.ascontiguousarray(values), name)
        self.graph.initializer.append(tensor)
        return name

    def node(
        self,
        operator: str,
        inputs: list[str],
        output: str = "",
        **options: Any,  # noqa: ANN401 - an operator's own
    ) -> NodeProto:
        """Make a node, which is not in the graph yet."""
        from onnx import helper  # noqa: PLC0415

        output = output or self.name(operator.lower())
        made: NodeProto = helper.make_node(operator, inputs, [output], **options)
        return made

    def replace_nodes(self, replacements: dict[str, list[NodeProto]]) -> None:
        """Put nodes in the place of others.

        Args:
            replacements: by the name of the first output of the node that goes.
        """
        nodes: list[NodeProto] = []
        for node in self.graph.node:
            nodes += replacements.get(node.output[0], [node])
        self.set_nodes(nodes)

    def set_nodes(self, nodes: Iterable[NodeProto]) -> None:
        """Make these the graph's nodes, in an order in which each comes after what it takes."""
        kept = list(nodes)
        del self.graph.node[:]
        self.graph.node.extend(kept)

    def drop_unused(self) -> None:
        """Remove nodes and weights that no output needs, and shapes inferred before the changes."""
        needed = {output.name for output in self.graph.output}
        kept: list[NodeProto] = []
        for node in reversed(self.graph.node):
            if needed.intersection(node.output):
                kept.append(node)
                needed.update(node.input)
        self.set_nodes(kept[::-1])
        weights = [tensor for tensor in self.graph.initializer if tensor.name in needed]
        del self.graph.initializer[:]
        self.graph.initializer.extend(weights)
        del self.graph.value_info[:]

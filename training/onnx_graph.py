"""An ONNX graph that can be read along its edges and changed. Imports onnx only where it is used."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

CONTRIB_DOMAIN = "com.microsoft"  # ONNX Runtime's own operators


class Unknown(Exception):
    """The graph is not of the shape that a rewrite looks for."""


class Graph:
    """An ONNX graph with its edges both ways. `model` is changed in place."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.nodes: list[Any] = list(model.graph.node)
        self.weights: dict[str, Any] = {weight.name: weight for weight in model.graph.initializer}
        self._constants = {node.output[0]: node.attribute[0].t for node in self.nodes if node.op_type == "Constant"}

    def producer(self, name: str, *kinds: str) -> Any:
        """The node that makes a value. Raises Unknown for none or one of another kind."""
        for node in self.nodes:
            if name in node.output and (not kinds or node.op_type in kinds):
                return node
        raise Unknown(name)

    def consumers(self, name: str) -> list[Any]:
        """The nodes that read a value."""
        return [node for node in self.nodes if name in node.input]

    def only_consumer(self, name: str, *kinds: str) -> Any:
        """The one node that reads a value. Raises Unknown for several or one of another kind."""
        found = self.consumers(name)
        if len(found) != 1 or found[0].op_type not in kinds:
            raise Unknown(name)
        return found[0]

    def constant(self, name: str) -> "NDArray[Any]":
        """A weight or constant. Raises Unknown for a value that is computed."""
        from onnx import numpy_helper  # noqa: PLC0415 - only where a model is exported

        tensor = self.weights.get(name, self._constants.get(name))
        if tensor is None:
            raise Unknown(name)
        return numpy_helper.to_array(tensor)

    def add_weight(self, name: str, values: "NDArray[Any]") -> str:
        """A new weight; its name."""
        from onnx import numpy_helper  # noqa: PLC0415 - as above

        self.weights[name] = numpy_helper.from_array(np.ascontiguousarray(values), name)
        return name

    def replace(self, old: Sequence[Any], new: Sequence[Any]) -> None:
        """Put `new` where the last of `old` stood, and take `old` out."""
        last = max(self._place(node) for node in old)
        gone = {id(node) for node in old}
        self.nodes = [
            kept
            for place, node in enumerate(self.nodes)
            for kept in (*(() if id(node) in gone else (node,)), *(new if place == last else ()))
        ]

    def _place(self, wanted: Any) -> int:
        return next(place for place, node in enumerate(self.nodes) if node is wanted)

    def finish(self) -> Any:
        """The model with all changes, without what nothing reads any more."""
        from onnx import helper  # noqa: PLC0415 - as above

        kept: list[Any] = []
        needed = {output.name for output in self.model.graph.output}
        for node in reversed(self.nodes):
            if needed.intersection(node.output):
                kept.append(node)
                needed.update(_read_by(node))
        del self.model.graph.node[:], self.model.graph.initializer[:]
        self.model.graph.node.extend(reversed(kept))
        self.model.graph.initializer.extend(weight for name, weight in self.weights.items() if name in needed)
        if all(found.domain != CONTRIB_DOMAIN for found in self.model.opset_import):
            self.model.opset_import.append(helper.make_opsetid(CONTRIB_DOMAIN, 1))
        return self.model


def _read_by(node: Any) -> Iterator[str]:
    """The values that a node reads, those of its branches and loops too."""
    yield from node.input
    for attribute in node.attribute:
        for inner in attribute.g.node:
            yield from _read_by(inner)
        yield from (output.name for output in attribute.g.output)

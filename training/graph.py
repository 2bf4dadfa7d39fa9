"""The exported graph, rewritten for serving one text at a time: same answers, fewer and cheaper steps.

Each rewrite looks for the shape that torch's exporter gives BERT and its relatives. Where it is not there (an encoder
with another kind of attention), the graph stays as it was and the caller is told, so that the log can say so.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from training.onnx_graph import CONTRIB_DOMAIN, Graph, Unknown

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

_LARGE_TABLE = 1_000_000  # values; smaller tables are not worth two more steps


@dataclass(frozen=True)
class _Projection:
    """A matrix product with a bias: input, product, sum, and their numbers."""

    source: str
    product: Any
    add: Any
    weight: "Floats"
    bias: "Floats"


def fuse_attention(graph: Graph) -> int:
    """Each layer's attention as one step, its three projections as one product; how many layers.

    The padding mask goes: a single text has no padding. The product's weights stand side by side, so that the numbers
    are those of three products.
    """
    return sum(_applied(graph, _fuse_one, softmax) for softmax in _of_kind(graph, "Softmax"))


def split_first_token(graph: Graph) -> int:
    """The first token of each feed-forward block apart from the others; how many blocks.

    Dynamic int8 scales a matrix by its largest value. In BERT's relatives that is the first token's, 5 to 8 times what
    any other token has (Bondarenko et al., "Understanding and Overcoming the Challenges of Efficient Transformer
    Quantization", EMNLP 2021), so that together the others are left with four or five of the eight bits.
    """
    return sum(_applied(graph, _split_one, product) for product in _of_kind(graph, "MatMul"))


def shrink_tables(graph: Graph) -> int:
    """Large embedding tables as int8 with a scale for each row, widened after the look-up; how many tables."""
    return sum(_applied(graph, _shrink_one, gather) for gather in _of_kind(graph, "Gather"))


def _of_kind(graph: Graph, kind: str) -> Iterator[Any]:
    return iter([node for node in graph.nodes if node.op_type == kind])


def _applied(graph: Graph, rewrite: Any, node: Any) -> bool:
    try:
        rewrite(graph, node)
    except Unknown:
        return False
    return True


def _fuse_one(graph: Graph, softmax: Any) -> None:
    from onnx import helper  # noqa: PLC0415 - as above

    masked = graph.producer(softmax.input[0], "Add")
    graph.producer(masked.input[1], "Where")  # the mask; a relative position's bias would be lost
    scores = graph.producer(masked.input[0], "MatMul")
    scaled = [graph.producer(name, "Mul") for name in scores.input]
    scale = float(np.prod([float(graph.constant(one.input[1])) for one in scaled]))
    heads = [graph.producer(graph.producer(one.input[0], "Transpose").input[0], "Reshape") for one in scaled]
    weighted = graph.only_consumer(_after_nan_guard(graph, softmax), "MatMul")
    heads.append(graph.producer(graph.producer(weighted.input[1], "Transpose").input[0], "Reshape"))
    joined = graph.only_consumer(graph.only_consumer(weighted.output[0], "Transpose").output[0], "Reshape")
    query, key, value = (_projection(graph, reshape.input[0]) for reshape in heads)
    if not query.source == key.source == value.source:
        raise Unknown(softmax.name)
    shape = graph.producer(heads[0].input[1], "Concat")
    size = int(graph.constant(shape.input[-1]).item())
    name, width = softmax.name, query.weight.shape[1]
    weights = np.concatenate([one.weight for one in (query, key, value)], axis=1)
    biases = np.concatenate([one.bias for one in (query, key, value)])
    parts = [one.add.output[0] for one in (query, key, value)]
    new = [
        helper.make_node(
            "MatMul", [query.source, graph.add_weight(f"{name}_W", weights)], [f"{name}_p"], name=f"{name}_qkv"
        ),
        helper.make_node(
            "Add", [f"{name}_p", graph.add_weight(f"{name}_b", biases)], [f"{name}_s"], name=f"{name}_add"
        ),
        helper.make_node(
            "Split",
            [f"{name}_s", graph.add_weight(f"{name}_n", np.full(3, width, dtype=np.int64))],
            parts,
            name=f"{name}_split",
            axis=-1,
        ),
        helper.make_node(
            "MultiHeadAttention",
            parts,
            [joined.output[0]],
            name=f"{name}_attention",
            domain=CONTRIB_DOMAIN,
            num_heads=width // size,
            scale=scale,
        ),
    ]
    graph.replace([*(node for one in (query, key, value) for node in (one.product, one.add)), joined], new)


def _after_nan_guard(graph: Graph, softmax: Any) -> str:
    """Some versions of torch replace the NaN of a row that is masked whole; no row is."""
    name: str = softmax.output[0]
    guards = [node for node in graph.consumers(name) if node.op_type == "Where"]
    return guards[0].output[0] if guards else name


def _projection(graph: Graph, name: str) -> _Projection:
    add = graph.producer(name, "Add")
    for bias, product in (add.input, reversed(add.input)):
        if bias in graph.weights:
            found = graph.producer(product, "MatMul")
            weight, values = graph.constant(found.input[1]), graph.constant(bias)
            return _Projection(found.input[0], found, add, weight, values)
    raise Unknown(name)


def _split_one(graph: Graph, first: Any) -> None:
    """`first` widens, one activation, the second product narrows again."""
    from onnx import helper  # noqa: PLC0415 - as above

    narrow, wide = _shape(graph, first)
    if narrow >= wide:
        raise Unknown(first.name)
    block = _block(graph, first)
    if _shape(graph, next(node for node in block[1:] if node.op_type == "MatMul")) != (wide, narrow):
        raise Unknown(first.name)
    source, result, name = first.input[0], block[-1].output[0], first.name
    zero, one, end = (
        graph.add_weight(f"plumbline_{what}", np.array([number], dtype=np.int64))
        for what, number in (("zero", 0), ("one", 1), ("end", np.iinfo(np.int64).max))
    )
    new: list[Any] = []
    for part, start, stop in (("first", zero, one), ("rest", one, end)):
        new.append(
            helper.make_node("Slice", [source, start, stop, one], [f"{name}_{part}"], name=f"{name}_{part}_slice")
        )
        made = {source: f"{name}_{part}"} | {node.output[0]: f"{node.output[0]}_{part}" for node in block}
        for node in block:
            copy = type(node)()
            copy.CopyFrom(node)
            copy.name = f"{node.name}_{part}"
            copy.input[:] = [made.get(value) or _own(graph, value, part) for value in node.input]
            copy.output[:] = [made[value] for value in node.output]
            new.append(copy)
    ends = [f"{result}_first", f"{result}_rest"]
    new.append(helper.make_node("Concat", ends, [result], name=f"{name}_concat", axis=1))
    graph.replace(block, new)


def _own(graph: Graph, name: str, part: str) -> str:
    """The first token's copy of a product's weights: ONNX Runtime cannot make unsigned what two steps share."""
    if part == "rest" or name not in graph.weights:
        return name
    return graph.add_weight(f"{name}_{part}", graph.constant(name))


def _shape(graph: Graph, product: Any) -> tuple[int, ...]:
    """Of a product's weights."""
    return graph.constant(product.input[1]).shape


def _block(graph: Graph, first: Any) -> list[Any]:
    """From a product to the sum behind the next one, with the activation between them; in the graph's order."""
    reached, products, found = {first.output[0]}, 1, [first]
    place = next(number for number, node in enumerate(graph.nodes) if node is first)
    for node in graph.nodes[place + 1 :]:
        if not reached.intersection(node.input):
            continue
        if any(
            name not in reached and name not in graph.weights and not _is_constant(graph, name) for name in node.input
        ):
            raise Unknown(node.name)
        found.append(node)
        reached.add(node.output[0])
        products += node.op_type == "MatMul"
        if products == 2 and node.op_type == "Add":  # noqa: PLR2004 - the second product's bias
            return found
    raise Unknown(first.name)


def _is_constant(graph: Graph, name: str) -> bool:
    try:
        graph.constant(name)
    except Unknown:
        return False
    return True


def _shrink_one(graph: Graph, gather: Any) -> None:
    from onnx import TensorProto, helper  # noqa: PLC0415 - as above

    table, out, name = graph.constant(gather.input[0]), gather.output[0], gather.input[0]
    if table.dtype != np.float32 or table.ndim != 2 or table.size < _LARGE_TABLE:  # noqa: PLR2004 - rows x width
        raise Unknown(name)
    scale = np.maximum(np.abs(table).max(axis=1, keepdims=True), np.finfo(np.float32).tiny) / 127
    rows = graph.add_weight(f"{name}_int8", np.rint(table / scale).astype(np.int8))
    scales = graph.add_weight(f"{name}_scale", scale.astype(np.float32))
    graph.replace(
        [gather],
        [
            helper.make_node("Gather", [rows, gather.input[1]], [f"{out}_int8"], name=f"{gather.name}_rows"),
            helper.make_node(
                "Cast", [f"{out}_int8"], [f"{out}_wide"], name=f"{gather.name}_cast", to=TensorProto.FLOAT
            ),
            helper.make_node("Gather", [scales, gather.input[1]], [f"{out}_scale"], name=f"{gather.name}_scales"),
            helper.make_node("Mul", [f"{out}_wide", f"{out}_scale"], [out], name=f"{gather.name}_mul"),
        ],
    )

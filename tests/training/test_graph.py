"""The rewrites for serving: the same answers from fewer steps, and nothing done to a graph of another shape."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

from training import graph
from training.onnx_graph import Graph

WIDTH, HEADS, INNER, ROWS = 32, 4, 128, 40_000
SIZE = WIDTH // HEADS
Floats = np.ndarray[Any, np.dtype[np.float32]]


class Layer:
    """One encoder layer, written as torch's exporter writes BERT's: attention, then the feed-forward block."""

    def __init__(self, *, mask: str = "Where") -> None:
        self.random = np.random.default_rng(7)
        self.nodes: list[Any] = []
        self.weights: list[Any] = []
        table = self.random.normal(size=(ROWS, WIDTH)).astype(np.float32)
        table[0] *= 20  # the first token's outlier
        self.node("Gather", ["table", "ids"], "x")
        self.weight("table", table)
        heads = [
            self.heads(f"{part}", [0, 2, 3, 1] if part == "key" else [0, 2, 1, 3]) for part in ("query", "key", "value")
        ]
        self.weight("root", np.array(SIZE**-0.25, dtype=np.float32))
        scaled = [self.node("Mul", [name, "root"], f"{name}_scaled") for name in heads[:2]]
        scores = self.node("MatMul", scaled, "scores")
        self.weight("none", np.zeros(1, dtype=np.float32))
        self.weight("all", np.array([True]))
        bias = self.node("Where", ["all", "none", "none"], "mask") if mask == "Where" else "none"
        softmax = self.node("Softmax", [self.node("Add", [scores, bias], "masked")], "shares", axis=-1)
        joined = self.node(
            "Transpose", [self.node("MatMul", [softmax, heads[2]], "weighted")], "back", perm=[0, 2, 1, 3]
        )
        self.weight("flat", np.array([0, -1, WIDTH], dtype=np.int64))
        attended = self.node("Reshape", [joined, "flat"], "attended")
        inner = self.product("x", "up", WIDTH, INNER)
        outer = self.product(self.node("Relu", [inner], "active"), "down", INNER, WIDTH)
        self.node("Add", [outer, attended], "answer")

    def node(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [output], name=f"/{output}", **attributes))
        return output

    def weight(self, name: str, values: np.ndarray[Any, Any]) -> str:
        self.weights.append(numpy_helper.from_array(values, name))
        return name

    def product(self, source: str, name: str, narrow: int, wide: int) -> str:
        weight = self.weight(
            f"{name}_w", (self.random.normal(size=(narrow, wide)) / np.sqrt(narrow)).astype(np.float32)
        )
        bias = self.weight(f"{name}_b", self.random.normal(size=wide).astype(np.float32))
        return self.node("Add", [bias, self.node("MatMul", [source, weight], f"{name}_p")], f"{name}_sum")

    def heads(self, name: str, order: list[int]) -> str:
        parts = [self.weight(f"{name}_{n}", np.array([n], dtype=np.int64)) for n in (0, -1, HEADS, SIZE)]
        shape = self.node("Concat", parts, f"{name}_shape", axis=0)
        source = self.product("x", name, WIDTH, WIDTH)
        return self.node(
            "Transpose", [self.node("Reshape", [source, shape], f"{name}_heads")], f"{name}_turned", perm=order
        )

    def model(self) -> Any:
        ids = helper.make_tensor_value_info("ids", TensorProto.INT64, [1, "tokens"])
        answer = helper.make_tensor_value_info("answer", TensorProto.FLOAT, [1, "tokens", WIDTH])
        made = helper.make_graph(self.nodes, "layer", [ids], [answer], self.weights)
        return helper.make_model(made, opset_imports=[helper.make_opsetid("", 16)], ir_version=8)


def answers(model: Any, ids: tuple[int, ...] = (0, 5, 9, 31, 8)) -> Floats:
    data = model if isinstance(model, bytes) else model.SerializeToString()
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    found: Floats = session.run(None, {"ids": np.array([ids])})[0]
    return found


def kinds(model: Any) -> list[str]:
    return [node.op_type for node in model.graph.node]


def test_attention_is_one_step_with_the_same_answers() -> None:
    before = Layer().model()
    expected = answers(before)
    rewritten = Graph(before)
    assert graph.fuse_attention(rewritten) == 1
    after = rewritten.finish()
    assert kinds(after).count("MatMul") == 3
    assert "Softmax" not in kinds(after)
    assert answers(after) == pytest.approx(expected, abs=1e-4)


def test_an_attention_with_a_bias_of_its_own_stays() -> None:
    model = Layer(mask="relative").model()
    rewritten = Graph(model)
    assert graph.fuse_attention(rewritten) == 0
    assert "Softmax" in kinds(rewritten.finish())


@pytest.mark.parametrize("ids", [(0,), (0, 5), (0, 5, 9, 31)])
def test_the_first_token_apart_changes_no_answer(ids: tuple[int, ...]) -> None:
    before = Layer().model()
    expected = answers(before, ids)
    rewritten = Graph(before)
    assert graph.split_first_token(rewritten) == 1
    assert answers(rewritten.finish(), ids) == pytest.approx(expected, abs=1e-4)


def test_a_table_in_int8_is_exact_to_half_a_step_of_its_own_row() -> None:
    before = Layer().model()
    del before.graph.node[1:]
    before.graph.output[0].name = "x"
    expected = answers(before)
    rewritten = Graph(before)
    assert graph.shrink_tables(rewritten) == 1
    after = rewritten.finish()
    step = np.abs(expected).max(axis=-1, keepdims=True) / 127
    assert (np.abs(answers(after) - expected) <= 0.501 * step).all()
    assert after.ByteSize() < ROWS * WIDTH * 1.2


def int8(model: Any, folder: Path) -> bytes:
    """The feed-forward block's two products in int8."""
    products = [node.name for node in model.graph.node if node.name.startswith(("/up_p", "/down_p"))]
    onnx.save(model, folder / "fp32.onnx")
    quantize_dynamic(
        folder / "fp32.onnx",
        folder / "int8.onnx",
        op_types_to_quantize=["MatMul"],
        nodes_to_quantize=products,
        per_channel=True,
        weight_type=QuantType.QInt8,
        extra_options={"DefaultTensorType": TensorProto.FLOAT},
    )
    return (folder / "int8.onnx").read_bytes()


def test_without_the_first_token_int8_is_exacter_for_all_others(tmp_path: Path) -> None:
    expected = answers(Layer().model())
    together = np.abs(answers(int8(Layer().model(), tmp_path)) - expected)[0, 1:].max()
    rewritten = Graph(Layer().model())
    graph.split_first_token(rewritten)
    apart = np.abs(answers(int8(rewritten.finish(), tmp_path)) - expected)[0, 1:].max()
    assert apart < 0.8 * together


def test_the_exact_instructions_load_and_answer_the_same(tmp_path: Path) -> None:
    """What a machine without VNNI takes; ONNX Runtime refused a weight that two steps share."""
    rewritten = Graph(Layer().model())
    graph.split_first_token(rewritten)
    data = int8(rewritten.finish(), tmp_path)
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.x64quantprecision", "1")
    exact = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    assert exact.run(None, {"ids": np.array([[0, 5, 9]])})[0].shape == (1, 3, WIDTH)

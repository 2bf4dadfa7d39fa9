"""From the trained predictor to what serving reads: ONNX, int8 where it changes no answers, tokenizer, temperature."""

import shutil
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from plumbline.contracts.errors import UnusableEncoder
from plumbline.contracts.models import (
    CLASSIFIER_FILE,
    MODEL_FILE,
    TOKENIZER_FILE,
    ClassifierConfig,
    Parity,
    Precision,
)
from training import graph
from training.onnx_graph import Graph
from training.progress import say
from training.recipe import Recipe

MAX_DIFFERENCE = 0.2  # of one probability, over all held-out texts; a weak model of 96 cases had .10 over 234 texts
MAX_CHANGED_SHARE = 0.03  # of held-out labels; one change is always allowed, because few cases have coarse shares
_EXACT = 1e-3  # what the export itself may change


def export_fp32(predictor: Any, saved: Path, recipe: Recipe, folder: Path) -> ClassifierConfig:
    """Write the predictor's graph, tokenizer and configuration to `folder`, with temperature 1.

    `saved` is the predictor's own folder. Raises UnusableEncoder for a graph that serving cannot feed.
    """
    import onnxruntime  # noqa: PLC0415 - only here and in _quantize; the rest needs plumbline alone

    folder.mkdir(parents=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch: this exporter is the old one; AutoMM: it is experimental
        predictor.export_onnx(_tracing_sample(), path=str(folder), batch_size=2)
    tokenizer = next(saved.glob(f"*/{TOKENIZER_FILE}"), None)
    if tokenizer is None:
        raise UnusableEncoder(f"the trained encoder saved no {TOKENIZER_FILE}; choose one that has a fast tokenizer")
    shutil.copy2(tokenizer, folder / TOKENIZER_FILE)
    session = onnxruntime.InferenceSession(str(folder / MODEL_FILE), providers=["CPUExecutionProvider"])
    inputs = [node.name for node in session.get_inputs()]
    categories = tuple(str(name) for name in predictor.class_labels)
    config = ClassifierConfig(
        task=recipe.task,
        categories=categories,
        max_tokens=recipe.max_tokens,
        tail_share=recipe.tail_share,
        temperature=1.0,
        token_ids=_named(inputs, "token_ids"),
        segment_ids=next((name for name in inputs if name.endswith("segment_ids")), None),
        valid_length=_named(inputs, "valid_length"),
        logits=session.get_outputs()[1].name,  # AutoMM: pooled features, then logits
    )
    write_config(config, folder)
    return config


def quantize(fp32: Path, folder: Path) -> None:
    """The same serving files with an int8 graph for one text at a time: matrix products dynamic, per channel.

    Before that the graph is rewritten where it has the usual shape (training/graph.py); what could not be is said.
    The embedding table is int8 too, with a scale for each row: with one for all, 9 of 169 labels changed.
    """
    from onnxruntime.quantization import QuantType, quantize_dynamic  # noqa: PLC0415 - brings onnx

    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as work:
        # All 8 bits: `plumbline.predict.classifier` sees to it that no machine's products overflow.
        quantize_dynamic(
            _rewritten(fp32 / MODEL_FILE, Path(work) / MODEL_FILE),
            folder / MODEL_FILE,
            op_types_to_quantize=["MatMul"],
            per_channel=True,
            reduce_range=False,
            weight_type=QuantType.QInt8,
            extra_options={
                "DefaultTensorType": 1
            },  # float, behind ONNX Runtime's own operators, whose types onnx lacks
        )
    for name in (TOKENIZER_FILE, CLASSIFIER_FILE):
        shutil.copy2(fp32 / name, folder / name)


def _rewritten(source: Path, target: Path) -> Path:
    """The graph with every rewrite that fits, or `source` itself where the result does not load."""
    import onnx  # noqa: PLC0415 - as above
    import onnxruntime  # noqa: PLC0415

    found = Graph(onnx.load(source))
    layers, blocks, tables = graph.fuse_attention(found), graph.split_first_token(found), graph.shrink_tables(found)
    onnx.save(found.finish(), target)
    try:
        onnxruntime.InferenceSession(str(target), providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001 - ONNX Runtime raises bare and undocumented kinds
        say(f"note: the rewritten graph does not load ({type(error).__name__}); int8 is made of the plain one, slower")
        return source
    if not layers or not blocks:
        say("note: this encoder's graph has another shape than BERT's; int8 is slower or less exact than it could be")
    say(f"graph for serving: {layers} attentions fused, {blocks} feed-forward blocks split, {tables} tables in int8")
    return target


def choose(fp32: Parity, int8: Parity | None) -> tuple[Precision, tuple[str, ...]]:
    """int8 where it answers as the predictor does, within the stated tolerances; and what a person should know."""
    found = []
    if fp32.max_difference > _EXACT or fp32.label_changes:
        found.append(
            f"the exported graph differs from the predictor by up to {fp32.max_difference:.4f} and changes "
            f"{fp32.label_changes} of {fp32.cases} labels: look into it before trusting this model"
        )
    if int8 is None:
        return "fp32", tuple(found)
    allowed = max(1, int(MAX_CHANGED_SHARE * int8.cases))
    if int8.max_difference <= MAX_DIFFERENCE and int8.label_changes <= allowed:
        return "int8", tuple(found)
    found.append(
        f"int8 was not used: it differs by up to {int8.max_difference:.3f} (allowed {MAX_DIFFERENCE}) and changes "
        f"{int8.label_changes} of {int8.cases} labels (allowed {allowed}); fp32 is served, larger and slower"
    )
    return "fp32", tuple(found)


def write_config(config: ClassifierConfig, folder: Path) -> None:
    """Write `classifier.json`."""
    (folder / CLASSIFIER_FILE).write_text(config.model_dump_json(indent=2) + "\n", encoding="utf-8")


def _tracing_sample() -> Any:
    import pandas as pd  # noqa: PLC0415 - as above

    return pd.DataFrame({"text": ["a first text", "and a second, longer text"]})


def _named(names: Sequence[str], end: str) -> str:
    for name in names:
        if name.endswith(end):
            return name
    raise UnusableEncoder(f"the exported graph has no input that ends in {end} (it has {', '.join(names)})")

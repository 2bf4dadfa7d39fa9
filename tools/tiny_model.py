"""A real, tiny classifier for tests and the seeded world: every known word votes for its category, nothing is learned.

It has the files, the contract and the runtime of a trained model, without training: `Classifier.load` reads it.
"""

import hashlib
import io
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from plumbline import keys
from plumbline.accuracy import Agreement
from plumbline.contracts.models import (
    CARD_FILE,
    CLASSIFIER_FILE,
    MODEL_FILE,
    SERVING_FILES,
    TOKENIZER_FILE,
    Baseline,
    ClassifierConfig,
    DatasetRef,
    Metrics,
    ModelCard,
    ModelPointer,
    ModelRow,
    Parity,
    Reference,
    ServingFile,
)
from plumbline.ports import ModelRegistry, ObjectStore

MADE: Final = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]")  # they vote for nothing
_VOTE = 4.0
_OPSET, _IR_VERSION = 17, 8  # old enough for every ONNX Runtime in use


def write_tiny_model(
    folder: Path, categories: Sequence[str], words: Mapping[str, str], task: str = "root_cause"
) -> tuple[ServingFile, ...]:
    """Write a model's serving files into an existing folder; each of `words` (lower case) votes for its category.

    A text without a known word gets the same probability for every category. Equal input makes equal bytes.
    """
    config = ClassifierConfig(
        task=task,
        categories=tuple(categories),
        max_tokens=256,
        tail_share=0.5,
        temperature=1.0,
        token_ids="token_ids",
        valid_length="valid_length",
        logits="logits",
    )
    _tokenizer(words).save(str(folder / TOKENIZER_FILE))
    onnx.save(_graph(categories, words), str(folder / MODEL_FILE))
    (folder / CLASSIFIER_FILE).write_text(config.model_dump_json(), "utf-8")
    return tuple(_described(name, (folder / name).read_bytes()) for name in SERVING_FILES)


def tiny_card(
    files: Sequence[ServingFile],
    categories: Sequence[str],
    dataset: DatasetRef,
    task: str = "root_cause",
    **changes: Any,
) -> ModelCard:
    """A card for a tiny model. Its metrics are made up: the gate measures for itself."""
    agreement = Agreement(categories)
    for name in categories:
        for _ in range(10):
            agreement.add(name, name)
    accuracy = agreement.block()
    assert accuracy is not None
    metrics = Metrics(accuracy=accuracy, calibration_error=0.02, mean_confidence=0.9)
    card = ModelCard(
        task=task,
        created_at=MADE,
        dataset=dataset,
        prompts=(),
        label_model_ids=("a-model",),
        encoder="none",
        recipe={"epochs": 0},
        seed=0,
        train_seconds=1.0,
        software={"python": "3.11"},
        categories=tuple(categories),
        temperature=1.0,
        precision="fp32",
        parity=(Parity(precision="fp32", cases=10, max_difference=0.0, label_changes=0, bytes=files[0].bytes),),
        validation=metrics,
        test=metrics,
        baselines=(Baseline(name="majority class", accuracy=accuracy.accuracy, macro_f1=0.1),),
        beats_baselines=True,
        reference=Reference(
            class_shares=dict.fromkeys(categories, 1 / len(categories)),
            class_cases=600,
            confidences=(0, 0, 0, 0, 0, 0, 0, 5, 15, 40),
        ),
        files=tuple(files),
    )
    return card.model_copy(update=changes)


def tiny_artifact(files: Mapping[str, bytes]) -> bytes:
    """A training job's model.tar.gz: a predictor/ that nobody reads, and `files` under serving/."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, data in [("predictor/model.ckpt", bytes(100_000)), *((f"serving/{n}", d) for n, d in files.items())]:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return stream.getvalue()


def tiny_files(categories: Sequence[str], words: Mapping[str, str], task: str = "root_cause") -> dict[str, bytes]:
    """A tiny model's serving files by name, without the card."""
    with tempfile.TemporaryDirectory() as folder:
        write_tiny_model(Path(folder), categories, words, task)
        return {name: (Path(folder) / name).read_bytes() for name in SERVING_FILES}


def with_card(
    files: Mapping[str, bytes], categories: Sequence[str], dataset: DatasetRef, task: str = "root_cause"
) -> tuple[dict[str, bytes], ModelCard]:
    """The serving files and their card, which is among them under its own name."""
    card = tiny_card([_described(*file) for file in files.items()], categories, dataset, task)
    return {**files, CARD_FILE: card.model_dump_json().encode()}, card


def put_in_service(
    data: ObjectStore,
    registry: ModelRegistry,
    version: str,
    categories: Sequence[str],
    words: Mapping[str, str],
    dataset: DatasetRef,
    task: str = "root_cause",
) -> ModelPointer:
    """Make a tiny model the task's model in service: its files, its row and the pointer."""
    files, _ = with_card(tiny_files(categories, words, task), categories, dataset, task)
    for name, content in files.items():
        data.write(keys.serving(task, version, name), content)
    described = tuple(_described(*file) for file in files.items())
    pointer = ModelPointer(
        task=task,
        version=version,
        prefix=keys.serving(task, version),
        files=tuple(file for file in described if file.name in SERVING_FILES),
        promoted_at=MADE,
        why="gate",
    )
    registry.record(
        ModelRow(
            task=task,
            version=version,
            status="promoted",
            decided_at=MADE,
            dataset_version=dataset.version,
            files=described,
        )
    )
    registry.point_to(pointer)
    return pointer


def _described(name: str, data: bytes) -> ServingFile:
    return ServingFile(name=name, sha256=hashlib.sha256(data).hexdigest(), bytes=len(data))


def _tokenizer(words: Mapping[str, str]) -> Tokenizer:
    vocabulary = {word: number for number, word in enumerate((*_SPECIAL, *words))}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A", special_tokens=[("[CLS]", vocabulary["[CLS]"])]
    )
    return tokenizer


def _graph(categories: Sequence[str], words: Mapping[str, str]) -> onnx.ModelProto:
    """logits = sum over the tokens of the token's votes; padding votes for nothing."""
    votes = np.zeros((len(_SPECIAL) + len(words), len(categories)), dtype=np.float32)
    for row, category in enumerate(words.values(), start=len(_SPECIAL)):
        votes[row, list(categories).index(category)] = _VOTE
    graph = helper.make_graph(
        [
            helper.make_node("Gather", ["votes", "token_ids"], ["per_token"]),
            helper.make_node("ReduceSum", ["per_token", "token_axis"], ["logits"], keepdims=0),
        ],
        "tiny",
        [
            helper.make_tensor_value_info("token_ids", TensorProto.INT64, ["cases", "tokens"]),
            helper.make_tensor_value_info("valid_length", TensorProto.INT64, ["cases"]),
        ],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["cases", len(categories)])],
        [numpy_helper.from_array(votes, "votes"), numpy_helper.from_array(np.array([1], dtype=np.int64), "token_axis")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION)

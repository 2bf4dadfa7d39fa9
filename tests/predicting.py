"""A run of PredictCases in memory, with a tiny real model."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

from plumbline import keys
from plumbline.contracts.cases import AnonymizedCase, IngestedCase, Message
from plumbline.contracts.models import DatasetRef, ModelPointer
from plumbline.contracts.predictions import PredictionRun
from plumbline.contracts.runs import ShardEntry
from plumbline.jsonl import write_models
from tests.fakes import MemoryModelRegistry, MemoryStore
from tools.tiny_model import put_in_service

TASK, DAY = "root_cause", date(2026, 5, 2)
NOW = datetime(2026, 5, 2, 5, 0, tzinfo=UTC)
WORDS = {"invoice": "Billing Inquiry", "crash": "Software Defect", "how": "Customer Education"}
CATEGORIES = tuple(WORDS.values())
DATASET = DatasetRef(version="v", manifest_sha256="0" * 64, rows={}, train_per_class={})


@cache
def _model() -> tuple[ModelPointer, Mapping[str, bytes]]:
    data = MemoryStore()
    pointer = put_in_service(data, MemoryModelRegistry(), "tiny-1", CATEGORIES, WORDS, DATASET, TASK)
    return pointer, data.objects


POINTER = _model()[0]


def store() -> MemoryStore:
    """A data bucket that holds the model."""
    return MemoryStore(dict(_model()[1]))


def run(name: str = "a", **changes: Any) -> PredictionRun:
    """A run over one export."""
    fields = {"run_id": f"predict-{name}", "task": TASK, "key": f"daily/{name}.csv", "started_at": NOW, "day": DAY}
    return PredictionRun.model_validate({**fields, "model": POINTER, **changes})


def anonymized(case_id: str, text: str, created: datetime | None = NOW) -> AnonymizedCase:
    """A case as Anonymize leaves it; its content hash is made of its id and length."""
    return AnonymizedCase(
        case_id=case_id,
        messages=(Message(role="customer", text=text),),
        created_at=created,
        fingerprint="0" * 16,
        content_hash=f"hash-{case_id}-{len(text)}",
    )


def put_shards(data: MemoryStore, of: PredictionRun, *shards: Sequence[AnonymizedCase]) -> list[str]:
    """Put anonymized shards, their index and their list; the shards' names."""
    names = [f"{number:05d}" for number in range(len(shards))]
    for name, cases in zip(names, shards, strict=True):
        write_models(data, keys.anonymized(of.run_id, name), cases)
    write_models(data, keys.case_index(of.run_id), _index(names, shards))
    entries = [ShardEntry(shard=n, cases=len(c)).model_dump() for n, c in zip(names, shards, strict=True)]
    data.write(keys.shards(of.run_id), json.dumps(entries).encode())
    return names


def _index(names: Sequence[str], shards: Sequence[Sequence[AnonymizedCase]]) -> Iterator[IngestedCase]:
    for name, cases in zip(names, shards, strict=True):
        for case in cases:
            yield IngestedCase(case_id=case.case_id, content_hash=str(case.content_hash), status="new", shard=name)

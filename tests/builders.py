"""Small builders of contract models, with sensible values for what a test does not care about."""

import json
from collections import Counter
from datetime import UTC, datetime
from typing import Any

from plumbline import keys
from plumbline.contracts.cases import AnonymizedCase, IngestedCase, Message
from plumbline.contracts.prompts import Category, ModelDefaults, Prompt, PromptRef
from plumbline.contracts.replies import Reply, Usage
from plumbline.contracts.runs import IngestResult, RunRequest, ShardEntry, ShardTask
from plumbline.jsonl import write_models
from plumbline.prompting import LoadedPrompt
from tests.fakes import MemoryStore

CATEGORIES = ("Billing Inquiry", "Software Defect", "Customer Education")
REF = PromptRef(task="root_cause", version="v1", sha256="0" * 64)
NOW = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)


def prompt(*categories: str) -> LoadedPrompt:
    """A prompt with the given categories; the first one has the alias Bill."""
    names = categories or CATEGORIES
    return LoadedPrompt(
        ref=REF,
        prompt=Prompt(
            task="root_cause",
            version="v1",
            summary="for tests",
            categories=tuple(
                Category(name=name, description=f"about {name}", aliases=("Bill",) if name == names[0] else ())
                for name in names
            ),
            instructions="Choose one.",
            output_format="<reasoning>…</reasoning><category>…</category><runner_up>…</runner_up>",
            model=ModelDefaults(max_tokens=300),
        ),
    )


def run(**changes: Any) -> RunRequest:
    """A run's input."""
    fields = {
        "run_id": "run-1",
        "task": "root_cause",
        "prompt_version": "v1",
        "model_id": "local.test",
        "key": "incoming/cases.jsonl",
        "target_per_class": 3,
        "budget_usd": 10.0,
        "started_at": NOW,
    }
    return RunRequest.model_validate(fields | changes)


def shard_task(attempt: int = 0, shard: str = "00000", **changes: Any) -> ShardTask:
    """A shard stage's event."""
    return ShardTask(run=run(**changes), shard=shard, attempt=attempt)


def ingest_result(cases: int, **changes: Any) -> IngestResult:
    """What ingest says; by default every case is new."""
    fields = {
        "cases": cases,
        "new": cases,
        "unchanged": 0,
        "rejected": 0,
        "cut": 0,
        "shards": 1,
        "file_format": "jsonl",
        "file_bytes": 1,
        "estimated_usd": 0.0,
    }
    return IngestResult.model_validate(fields | changes)


def case(case_id: str, text: str = "hello", fingerprint: str = "0" * 16) -> AnonymizedCase:
    """An anonymized case of one message."""
    return AnonymizedCase(
        case_id=case_id,
        subject=f"subject of {case_id}",
        messages=(Message(role="customer", text=text),),
        entities={"NAME": 1},
        fingerprint=fingerprint,
    )


def index(case_id: str, shard: str | None = "00000", **changes: Any) -> IngestedCase:
    """A line of the run's case index."""
    fields = {"case_id": case_id, "content_hash": f"hash-{case_id}", "status": "new" if shard else "unchanged"}
    return IngestedCase.model_validate(fields | {"shard": shard} | changes)


def answer(category: str, runner_up: str = "none", reasoning: str = "because") -> str:
    """A reply in the very form that was asked for."""
    return f"<reasoning>{reasoning}</reasoning><category>{category}</category><runner_up>{runner_up}</runner_up>"


def reply(case_id: str, text: str, **changes: Any) -> Reply:
    """A model's reply."""
    fields = {
        "case_id": case_id,
        "text": text,
        "stop_reason": "end_turn",
        "usage": Usage(input_tokens=1000, output_tokens=100),
        "model_id": "local.test",
        "prompt": REF,
        "attempt": 0,
    }
    return Reply.model_validate(fields | changes)


def store_cases(data: MemoryStore, *cases: AnonymizedCase, shard: str = "00000", run_id: str = "run-1") -> None:
    """Put an anonymized shard where Classify looks for it."""
    write_models(data, keys.anonymized(run_id, shard), cases)


def store_index(data: MemoryStore, *cases: IngestedCase, run_id: str = "run-1") -> None:
    """Put the run's case index and list of shards where Collate looks for them."""
    write_models(data, keys.case_index(run_id), cases)
    sizes = Counter(case.shard for case in cases if case.shard is not None)
    entries = [ShardEntry(shard=shard, cases=count).model_dump() for shard, count in sizes.items()]
    data.write(keys.shards(run_id), json.dumps(entries).encode())

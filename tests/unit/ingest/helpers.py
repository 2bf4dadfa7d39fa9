"""One ingest over in-memory stores, with everything it wrote read back."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime

from plumbline.contracts.cases import Case, IngestedCase, Reject
from plumbline.contracts.runs import IngestResult, RunRequest
from plumbline.ingest import IngestSettings, ingest
from tests.fakes import MemoryLedger, MemoryStore

RUN = "run-1"


@dataclass
class Ingested:
    result: IngestResult
    cases: dict[str, Case]
    index: list[IngestedCase]
    rejects: list[Reject]
    shards: list[dict[str, object]]
    raw: MemoryStore
    data: MemoryStore

    @property
    def only(self) -> Case:
        (case,) = self.cases.values()
        return case

    @property
    def reasons(self) -> list[tuple[int, str]]:
        return [(reject.line, reject.reason) for reject in self.rejects]


def request(key: str, **changes: object) -> RunRequest:
    base = {
        "run_id": RUN,
        "task": "root_cause",
        "prompt_version": "v1",
        "model_id": "a-model",
        "key": key,
        "target_per_class": 10,
        "budget_usd": 100.0,
        "started_at": datetime(2025, 1, 1, tzinfo=UTC),
    }
    return RunRequest.model_validate({**base, **changes})


def run_ingest(
    content: bytes | str,
    name: str = "incoming/export",
    *,
    ledger: MemoryLedger | None = None,
    settings: IngestSettings | None = None,
    objects: dict[str, bytes] | None = None,
    usd_per_token: float | None = 0.0,
    **run: object,
) -> Ingested:
    data = content.encode() if isinstance(content, str) else content
    raw, store = MemoryStore({name: data, **(objects or {})}), MemoryStore()
    result = ingest(
        request(name, **run),
        raw=raw,
        data=store,
        ledger=ledger or MemoryLedger(),
        settings=settings or IngestSettings(),
        estimate_usd=lambda load, _road: (
            None if usd_per_token is None else (load.input_tokens + load.output_tokens) * usd_per_token
        ),
    )
    return read_back(result, raw, store)


def read_back(result: IngestResult, raw: MemoryStore, data: MemoryStore) -> Ingested:
    def lines(store: MemoryStore, key: str) -> list[bytes]:
        return store.objects[key].splitlines()

    shards = json.loads(data.objects[f"runs/{RUN}/shards.json"])
    cases = [
        Case.model_validate_json(line)
        for shard in shards
        for line in lines(raw, f"runs/{RUN}/cases/{shard['shard']}.jsonl")
    ]
    index = [IngestedCase.model_validate_json(line) for line in lines(data, f"runs/{RUN}/cases.jsonl")]
    rejects = [Reject.model_validate_json(line) for line in lines(raw, f"runs/{RUN}/rejects.jsonl")]
    assert len(index) == result.cases == result.new + result.unchanged
    assert len(rejects) == result.rejected == sum(result.reject_reasons.values())
    assert len(cases) == result.new == sum(shard["cases"] for shard in shards)
    by_id = {case.case_id: case for case in cases}
    assert len({line.case_id for line in index}) == len(index)
    assert len(by_id) == len(cases)
    return Ingested(result, by_id, index, rejects, shards, raw, data)


def said(case: Case) -> list[tuple[str, str]]:
    return [(message.role, message.text) for message in case.messages]

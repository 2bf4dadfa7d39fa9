"""Looking at an execution of PredictCases from outside: which exports it found, and how far each is."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from pydantic import TypeAdapter

from cli.stack import Stack
from plumbline import keys
from plumbline.adapters import clients
from plumbline.adapters.s3 import S3ObjectStore
from plumbline.contracts.errors import MissingObject
from plumbline.contracts.predictions import FoundExports, PredictionRun, SummarizeResult
from plumbline.contracts.runs import CaughtError, ShardEntry

_SHARDS: Final = TypeAdapter(tuple[ShardEntry, ...])


@dataclass(frozen=True)
class ExportProgress:
    """How far one export is; `shards` and `cases` are None until it is read."""

    run: PredictionRun
    shards: int | None = None
    cases: int | None = None
    shards_done: int = 0


@dataclass(frozen=True)
class BatchSeen:
    """What can be seen of an execution. `exports` is None until FindExports has answered."""

    status: str
    exports: tuple[ExportProgress, ...] | None = None
    left: int = 0
    result: SummarizeResult | None = None
    error: CaughtError | None = None


class BatchObserver:
    """Looks at one execution again and again."""

    def __init__(self, stack: Stack, execution_arn: str) -> None:
        self._stack = stack
        self._arn = execution_arn
        self._data = S3ObjectStore(stack.data_bucket)
        self._found: FoundExports | None = None
        self._shards: dict[str, tuple[ShardEntry, ...]] = {}
        self._done: dict[str, ExportProgress] = {}

    def look(self) -> BatchSeen:
        """What can be seen now. Raises ClientError or BotoCoreError when AWS does not answer."""
        described: dict[str, Any] = dict(clients.stepfunctions().describe_execution(executionArn=self._arn))
        if self._found is None:
            self._found = self._read_found()
        status = described["status"]
        error = CaughtError(Error=described.get("error") or status, Cause=described.get("cause") or "")
        return BatchSeen(
            status=status,
            exports=None if self._found is None else tuple(self._progress(run) for run in self._found.runs),
            left=self._found.left if self._found else 0,
            result=SummarizeResult.model_validate_json(described["output"]) if status == "SUCCEEDED" else None,
            error=None if status in ("RUNNING", "SUCCEEDED") else error,
        )

    def _read_found(self) -> FoundExports | None:
        """FindExports' answer, from the execution's history; it is among the first events. None where it failed."""
        history = clients.stepfunctions().get_execution_history(executionArn=self._arn, maxResults=100)
        for event in history["events"]:
            details: dict[str, Any] = dict(event.get("stateExitedEventDetails", {}))
            if details.get("name") == "FindExports":
                output = json.loads(details["output"])  # a caught error leaves the state too, and finds nothing
                return FoundExports.model_validate(output["found"]["value"]) if "found" in output else None
        return None

    def _progress(self, run: PredictionRun) -> ExportProgress:
        if run.run_id in self._done:
            return self._done[run.run_id]
        if run.run_id not in self._shards:
            try:
                self._shards[run.run_id] = _SHARDS.validate_json(self._data.read(keys.shards(run.run_id)))
            except MissingObject:
                return ExportProgress(run)
        entries = self._shards[run.run_id]
        done = {_shard_of(key) for key in prediction_keys(self._stack, run)}
        done |= {_shard_of(key) for key in _keys(self._stack, keys.shard_failures(run.run_id))}
        progress = ExportProgress(
            run,
            shards=len(entries),
            cases=sum(entry.cases for entry in entries),
            shards_done=len(done & {entry.shard for entry in entries}),
        )
        if progress.shards_done == progress.shards:
            self._done[run.run_id] = progress
        return progress


def prediction_keys(stack: Stack, run: PredictionRun) -> Iterator[str]:
    """The keys of what was predicted of an export, shard by shard."""
    folder = f"{keys.predictions_of(run.day.isoformat())}{run.run_id}/"
    return (key for key in _keys(stack, folder) if key.endswith(".jsonl"))


def _keys(stack: Stack, prefix: str) -> Iterator[str]:
    pages = clients.s3().get_paginator("list_objects_v2").paginate(Bucket=stack.data_bucket, Prefix=prefix)
    return (entry["Key"] for page in pages for entry in page.get("Contents", []))


def _shard_of(key: str) -> str:
    return key.rpartition("/")[2].partition(".")[0]

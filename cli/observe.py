"""Looking at a run from outside: its execution, its row in the ledger, and what it has written so far."""

import json
import re
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, Final, Generic, TypeVar

from botocore.exceptions import ClientError
from pydantic import TypeAdapter, ValidationError

from cli.batch_jobs import BatchLooks
from cli.errors import code_of
from cli.progress import Execution, LabelFacts, Observed, ReplyFacts
from cli.stack import Stack
from plumbline import keys
from plumbline.adapters import clients
from plumbline.adapters.bedrock_batch import BedrockBatch
from plumbline.adapters.dynamodb import DynamoLedger
from plumbline.adapters.s3 import S3ObjectStore
from plumbline.contracts.errors import MissingObject
from plumbline.contracts.labels import Label, Unparsed
from plumbline.contracts.replay import ReplayStage
from plumbline.contracts.replies import Reply
from plumbline.contracts.runs import CaughtError, RunRequest, RunRow, ShardEntry
from plumbline.jsonl import read_models

_OF_SHARD: Final = re.compile(r"(anonymized|replies|labels|unparsed|votes|errors)/(.+)\.jsonl?")
_SHARDS: Final = TypeAdapter(tuple[ShardEntry, ...])
_READERS = 8
# How many objects one look may read: a run of a thousand shards is caught up with over a few looks.
_READS_A_LOOK = 120
T = TypeVar("T")


class Observer:
    """Looks at one run again and again; reads each object once and again only when it has changed."""

    def __init__(self, stack: Stack, run_id: str, tasks: tuple[str, ...], execution: str | None = None) -> None:
        """`execution`: the name of the run's newest execution, where that is not the run's id."""
        self._stack = stack
        self._run_id = run_id
        self._execution = execution or run_id
        self._tasks = tasks
        self._data = S3ObjectStore(stack.data_bucket)
        self._ledger = DynamoLedger(stack.ledger_table)
        self._labels = _Facts[LabelFacts](lambda key: LabelFacts.of(list(read_models(self._data, key, Label))))
        self._replies = _Facts[ReplyFacts](lambda key: ReplyFacts.of(list(read_models(self._data, key, Reply))))
        self._votes = _Facts[ReplyFacts](lambda key: ReplyFacts.of(list(read_models(self._data, key, Reply))))
        self._unparsed = _Facts[tuple[Unparsed, ...]](lambda key: tuple(read_models(self._data, key, Unparsed)))
        self._shards: tuple[ShardEntry, ...] | None = None
        # Nothing is submitted from here, so that no role is handed on.
        self._batch = BatchLooks(run_id, self._data, BedrockBatch(stack.data_bucket, role_arn="").state)

    def look(self) -> Observed:
        """What can be seen now. Raises ClientError or BotoCoreError when AWS does not answer."""
        execution = describe(self._stack, self._execution)
        found = self._list(execution)
        stages: dict[str, dict[str, tuple[str, str]]] = {name: {} for name in _STAGES}
        for key, etag in found.items():
            match = _OF_SHARD.fullmatch(key.removeprefix(f"runs/{self._run_id}/"))
            if match:
                stages[match[1]][match[2]] = (key, etag)
        self._read(stages)
        if self._shards is None and keys.shards(self._run_id) in found:
            self._shards = _SHARDS.validate_json(self._data.read(keys.shards(self._run_id)))
        return Observed(
            execution=execution,
            row=self._row() if execution is None or execution.status != "RUNNING" else None,
            shards=self._shards,
            anonymized=frozenset(stages["anonymized"]),
            classified=frozenset(stages["replies"]),
            parsed=frozenset(stages["unparsed"]),
            broken=frozenset(stages["errors"]),
            labels=self._labels.known(),
            unparsed=self._unparsed.known(),
            replies=self._replies.known(),
            voted=frozenset(stages["votes"]),
            votes=self._votes.known(),
            has_summary=keys.summary(self._run_id) in found,
            batch=self._batch.look(found),
        )

    def _list(self, execution: Execution | None) -> dict[str, str]:
        """The run's objects, key to version, without those of an earlier execution that this one will write anew."""
        pages = (
            clients.s3()
            .get_paginator("list_objects_v2")
            .paginate(Bucket=self._stack.data_bucket, Prefix=f"runs/{self._run_id}/")
        )
        return {
            entry["Key"]: entry["ETag"]
            for page in pages
            for entry in page.get("Contents", [])
            if not self._outdated(entry["Key"], entry["LastModified"], execution)
        }

    def _outdated(self, key: str, written: datetime, execution: Execution | None) -> bool:
        if execution is None or execution.status != "RUNNING" or execution.started is None:
            return False
        replay = execution.run.replay if execution.run else None
        name = key.removeprefix(f"runs/{self._run_id}/").partition("/")[0]
        # S3 tells whole seconds.
        return (
            replay is not None
            and name in _WRITTEN_ANEW.get(replay.stage, ())
            and written < execution.started.replace(microsecond=0)
        )

    def _read(self, stages: Mapping[str, Mapping[str, tuple[str, str]]]) -> None:
        # Unparsed cases first: they decide which shards are done.
        wanted: list[tuple[_Facts[Any], str, tuple[str, str]]] = []
        kinds: tuple[tuple[_Facts[Any], str], ...] = (
            (self._unparsed, "unparsed"), (self._labels, "labels"), (self._replies, "replies"), (self._votes, "votes"),
        )  # fmt: skip
        for facts, stage in kinds:
            wanted += [(facts, shard, entry) for shard, entry in stages[stage].items() if facts.is_news(shard, entry)]
        with ThreadPoolExecutor(_READERS) as pool:
            list(pool.map(lambda item: item[0].read(item[1], item[2]), wanted[:_READS_A_LOOK]))

    def _row(self) -> RunRow | None:
        return row_of(self._ledger, self._run_id, self._tasks)


# What an execution that goes over a run again writes anew, by the stage from which it goes.
_BY_LABEL = ("replies", "labels", "unparsed", "votes", "errors", "summary.json")
_WRITTEN_ANEW: Final[Mapping[ReplayStage, tuple[str, ...]]] = {
    "ingest": _BY_LABEL,
    "label": _BY_LABEL,
    "parse": ("labels", "unparsed", "summary.json"),
    "collate": ("summary.json",),
}
_STAGES = ("anonymized", "replies", "labels", "unparsed", "votes", "errors")


class _Facts(Generic[T]):
    """What was read of one kind of object, by shard, with the version that was read."""

    def __init__(self, reader: Callable[[str], T]) -> None:
        self._reader = reader
        self._known: dict[str, tuple[str, T]] = {}

    def is_news(self, shard: str, entry: tuple[str, str]) -> bool:
        return shard not in self._known or self._known[shard][0] != entry[1]

    def read(self, shard: str, entry: tuple[str, str]) -> None:
        key, etag = entry
        try:
            self._known[shard] = (etag, self._reader(key))
        except MissingObject:
            return  # gone between the listing and now: the next look tells

    def known(self) -> dict[str, T]:
        return {shard: facts for shard, (_, facts) in self._known.items()}


def row_of(ledger: DynamoLedger, run_id: str, tasks: tuple[str, ...]) -> RunRow | None:
    """The run's row, under whichever task: StartRun files a run that cannot be under the stack's own."""
    return next((row for task in tasks if (row := ledger.get_run(task, run_id)) is not None), None)


def describe(stack: Stack, name: str) -> Execution | None:
    """The execution of that name; None where there is none (not started yet, or its history is gone)."""
    try:
        found: dict[str, Any] = dict(clients.stepfunctions().describe_execution(executionArn=stack.execution_arn(name)))
    except ClientError as error:
        if code_of(error) == "ExecutionDoesNotExist":
            return None
        raise
    cause = CaughtError(Error=found.get("error") or "", Cause=found.get("cause") or "")
    return Execution(
        status=found["status"],
        run=_request(found.get("input") or ""),
        error=cause.Error,
        cause=cause.message,
        started=found["startDate"],
    )


def _request(text: str) -> RunRequest | None:
    """The run's settings from the execution's input; None where another version of Plumbline wrote it."""
    try:
        return RunRequest.model_validate(json.loads(text)["run"])
    except (ValueError, KeyError, TypeError, ValidationError):
        return None

"""The whole pipeline, running: what a test does with it, and what holds after every run."""

import contextlib
import csv
import io
import json
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.request import Request, urlopen

from botocore.exceptions import ClientError

from local.bedrock.calls import Calls
from local.stack import LocalStack
from plumbline import keys
from plumbline.contracts.base import Model
from plumbline.contracts.cases import IngestedCase, Reject
from plumbline.contracts.labels import Label, Outcome
from plumbline.contracts.replies import Reply
from plumbline.contracts.runs import RunRow
from plumbline.contracts.summary import RunSummary
from plumbline.start_run import run_id_of

M = TypeVar("M", bound=Model)
T = TypeVar("T")
TASK = "root_cause"
_DEADLINE_SECONDS = 600.0  # a slow, busy machine; a test never waits for it when things go well
_WORDS = """
    printer invoice login upload meeting calendar export folder button network cable update price report filter search
    archive message device battery screen keyboard account garden window ladder bucket pencil marble copper velvet
    lantern harbor meadow thunder pepper saddle cotton ribbon timber anchor canvas
"""


def words(seed: str, count: int = 14) -> str:
    """A text that is the same for the same seed, and no near-duplicate of another seed's."""
    return " ".join(random.Random(seed).choices(_WORDS.split(), k=count))


def until(condition: Callable[[], T | None], what: str) -> T:
    """The condition's first true value. Fails the test when there is none in time."""
    began = time.monotonic()
    while (waited := time.monotonic() - began) < _DEADLINE_SECONDS:
        if value := condition():
            return value
        time.sleep(max(0.1, min(1.0, waited / 20)))  # looking is work for the machine that is waited for
    raise AssertionError(f"waited in vain for {what}")


@dataclass(frozen=True)
class Row:
    """One line of a case file. The text is made up, with `says` in it."""

    case_id: str
    says: str = ""
    gold: str = ""
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return f"{self.says} {words(self.case_id)}".strip()


def csv_file(rows: Sequence[Row]) -> bytes:
    """The rows as a CSV export."""
    stream = io.StringIO()
    columns = ["case_id", "subject", "text", "gold_category", *dict.fromkeys(n for row in rows for n in row.extra)]
    writer = csv.DictWriter(stream, columns)
    writer.writeheader()
    for row in rows:
        writer.writerow(
            {
                "case_id": row.case_id,
                "subject": words(row.case_id + "subject", 4),
                "text": row.text,
                "gold_category": row.gold,
                **row.extra,
            }
        )
    return stream.getvalue().encode()


class Pipeline:
    """A local stack with the scripted model."""

    def __init__(self, stack: LocalStack, logs: Path) -> None:
        self.stack = stack
        self.logs = logs
        self.aws: dict[str, Any] = {
            name: stack.client(name) for name in ("s3", "stepfunctions", "dynamodb", "lambda", "events", "sagemaker")
        }

    def physical(self, logical: str) -> str:
        """A resource's physical id."""
        return self.stack.resources[logical]

    # ------------------------------------------------------------------------------------------------ the model
    def script(self, *rules: dict[str, Any], **rest: Any) -> None:
        """What the model does from now on; no rules: it answers."""
        self._model("/_script", json.dumps({"rules": rules, **rest}).encode())

    def faults(self, *jobs: dict[str, Any], **rest: Any) -> None:
        """What goes wrong with batch jobs from now on; no faults: nothing."""
        self._model("/_faults", json.dumps({"jobs": jobs, **rest}).encode())

    @property
    def calls(self) -> Calls:
        """What the model was asked since the stack came up."""
        return Calls.model_validate_json(self._model("/_calls"))

    def _model(self, path: str, body: bytes | None = None) -> bytes:
        with urlopen(Request(self.stack.bedrock_endpoint + path, body)) as answer:
            data: bytes = answer.read()
            return data

    # -------------------------------------------------------------------------------------------- the functions
    @contextlib.contextmanager
    def environment(self, function: str, **variables: str) -> Iterator[None]:
        """Give a function other environment variables while the block runs, as an operator would."""
        client, name = self.aws["lambda"], self.physical(function)
        found = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
        before = {variable: str(value) for variable, value in found.items()}  # moto keeps a template's numbers
        client.update_function_configuration(FunctionName=name, Environment={"Variables": {**before, **variables}})
        try:
            yield
        finally:
            client.update_function_configuration(FunctionName=name, Environment={"Variables": before})

    def kill(self, function: str) -> int:
        """Kill the function's workers in whatever they are doing, and wait until they are dead; how many there were."""
        pids = self.stack.pools.pids(self.physical(function))
        for pid in pids:
            with contextlib.suppress(ProcessLookupError, ChildProcessError):
                os.kill(pid, signal.SIGKILL)
                # Dead: its connections are closed, so that nobody takes an answer any more. Left for its owner to reap.
                os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        return len(pids)

    def invoke(self, function: str, event: dict[str, Any]) -> Any:
        """A function's answer to an event."""
        answer = self.aws["lambda"].invoke(FunctionName=self.physical(function), Payload=json.dumps(event).encode())
        return json.loads(answer["Payload"].read())

    # ------------------------------------------------------------------------------------------------- the runs
    def put(self, body: bytes, name: str, **options: str) -> tuple[str, str]:
        """Upload a file to incoming/; the run's id and the object's version."""
        key = f"{keys.INCOMING}{name}"
        put = self.aws["s3"].put_object(Bucket=self.physical("RawBucket"), Key=key, Body=body, Metadata=options)
        return run_id_of(self.physical("RawBucket"), key, put["VersionId"]), put["VersionId"]

    def event(self, key: str, version: str) -> dict[str, Any]:
        """The event that S3 sends of an upload."""
        return {
            "detail-type": "Object Created",
            "source": "aws.s3",
            "time": "2026-03-04T09:00:00Z",
            "detail": {
                "bucket": {"name": self.physical("RawBucket")},
                "object": {"key": key, "version-id": version},
            },
        }

    def run(self, body: bytes, name: str, **options: str) -> "Run":
        """Upload a file and wait for its run to end, however it ends."""
        return self.ended(self.put(body, name, **options)[0])

    def ended(self, run_id: str) -> "Run":
        """The run with that id, once it has ended."""
        return until(lambda: self.ended_now(run_id), f"the end of {run_id}")

    def ended_now(self, run_id: str) -> "Run | None":
        """The run with that id; None while it has not ended."""
        try:
            found: dict[str, Any] = self.aws["stepfunctions"].describe_execution(executionArn=self.execution(run_id))
        except ClientError as error:
            if error.response["Error"]["Code"] == "ExecutionDoesNotExist":
                return None
            raise
        if found["status"] == "RUNNING":
            return None
        row = self.row_now(run_id, json.loads(found["input"])["run"]["task"])
        assert row, f"{run_id} has ended {found['status']} without a row in the ledger"
        return Run(self, run_id, found, row)

    def execution(self, run_id: str) -> str:
        """The ARN of a run's execution."""
        return f"{self.physical('LabelCases').replace(':stateMachine:', ':execution:')}:{run_id}"

    def request(self, run_id: str) -> dict[str, Any]:
        """What a run was started with."""
        described = self.aws["stepfunctions"].describe_execution(executionArn=self.execution(run_id))
        request: dict[str, Any] = json.loads(described["input"])["run"]
        return request

    def start(self, request: dict[str, Any]) -> None:
        """Start a run as StartRun does."""
        self.aws["stepfunctions"].start_execution(
            stateMachineArn=self.physical("LabelCases"), name=request["run_id"], input=json.dumps({"run": request})
        )

    def executions(self) -> list[str]:
        """The names of all executions so far."""
        pages = self.aws["stepfunctions"].get_paginator("list_executions")
        arn = self.physical("LabelCases")
        return [e["name"] for page in pages.paginate(stateMachineArn=arn) for e in page["executions"]]

    def row(self, run_id: str, task: str = TASK) -> RunRow:
        """The run's row in the ledger, once there is one."""
        return until(lambda: self.row_now(run_id, task), f"the row of {run_id}")

    def row_now(self, run_id: str, task: str = TASK) -> RunRow | None:
        """The run's row in the ledger as it is."""
        key = {"pk": {"S": f"runs#{task}"}, "sk": {"S": run_id}}
        found = self.aws["dynamodb"].get_item(TableName=self.physical("LedgerTable"), Key=key, ConsistentRead=True)
        return RunRow.model_validate_json(found["Item"]["row"]["S"]) if "Item" in found else None

    # ----------------------------------------------------------------------------------------------- the stores
    def read(self, key: str, bucket: str = "DataBucket") -> bytes:
        """An object's content."""
        body: bytes = self.aws["s3"].get_object(Bucket=self.physical(bucket), Key=key)["Body"].read()
        return body

    def has(self, key: str) -> bool:
        """Whether the data bucket holds the key."""
        return bool(self.aws["s3"].list_objects_v2(Bucket=self.physical("DataBucket"), Prefix=key).get("KeyCount"))

    def lines(self, key: str, kind: type[M], bucket: str = "DataBucket") -> list[M]:
        """A JSON-lines object."""
        return [kind.model_validate_json(line) for line in self.read(key, bucket).splitlines()]

    def table(self, logical: str) -> list[dict[str, Any]]:
        """Everything in a table."""
        pages = self.aws["dynamodb"].get_paginator("scan").paginate(TableName=self.physical(logical))
        return [item for page in pages for item in page["Items"]]

    def stored_replies(self) -> int:
        """How many replies are safely stored as paid for."""
        return sum(item["status"]["S"] == "COMPLETED" for item in self.table("IdempotencyTable"))

    def logged(self) -> str:
        """Everything that any function has logged."""
        return "\n".join(path.read_text(errors="replace") for path in sorted(self.logs.glob("*.log")))


@dataclass(frozen=True)
class Run:
    """A run that has ended."""

    pipeline: Pipeline
    run_id: str
    execution: dict[str, Any]
    row: RunRow

    @property
    def summary(self) -> RunSummary:
        return RunSummary.model_validate_json(self.pipeline.read(keys.summary(self.run_id)))

    @property
    def outcomes(self) -> dict[str, Outcome]:
        return {o.case_id: o for o in self.pipeline.lines(keys.outcomes(self.run_id), Outcome)}

    @property
    def rejects(self) -> list[Reject]:
        return self.pipeline.lines(keys.rejects(self.run_id), Reject, "RawBucket")

    def labels(self, shard: str = "00000") -> dict[str, Label]:
        return {label.case_id: label for label in self.pipeline.lines(keys.labels(self.run_id, shard), Label)}

    def replies(self, shard: str = "00000") -> list[Reply]:
        return self.pipeline.lines(keys.replies(self.run_id, shard), Reply)

    def states(self) -> list[str]:
        """The states that the execution entered, in order."""
        pages = self.pipeline.aws["stepfunctions"].get_paginator("get_execution_history")
        events = [e for page in pages.paginate(executionArn=self.execution["executionArn"]) for e in page["events"]]
        return [e["stateEnteredEventDetails"]["name"] for e in events if "stateEnteredEventDetails" in e]

    def check_succeeded(self) -> "Run":
        """It ended well, it says so everywhere, and its accounts add up."""
        assert self.execution["status"] == "SUCCEEDED", self.execution.get("cause")
        output = json.loads(self.execution["output"])
        assert (output["status"], output["run_id"]) == ("SUCCEEDED", self.run_id)
        assert (self.row.status, self.row.error) == ("SUCCEEDED", None)
        assert self.row.report_key == output["report_key"] == keys.report(self.run_id)
        assert self.pipeline.read(keys.report(self.run_id)).lower().startswith(b"<!doctype html>")
        assert output["outcomes"] == self.row.outcomes == dict(self.summary.outcomes)
        self.check_accounts()
        return self

    def check_failed(self, error: str, *said: str) -> "Run":
        """It failed, and the execution and the ledger give the same reason, in words that hold each of `said`."""
        assert self.execution["status"] == "FAILED"
        assert (self.execution["error"], self.row.status, self.row.error) == (error, "FAILED", error)
        assert self.execution["cause"] == self.row.cause
        for words_said in said:
            assert words_said in (self.row.cause or "")
        assert self.states()[-2:] == ["RecordFailure", "Failed"]
        return self

    def check_accounts(self) -> None:
        """Every ingested case has exactly one outcome, and every figure that counts them agrees."""
        ingested = self.pipeline.lines(keys.case_index(self.run_id), IngestedCase)
        outcomes = self.pipeline.lines(keys.outcomes(self.run_id), Outcome)
        assert [o.case_id for o in outcomes] == [c.case_id for c in ingested]
        assert len({o.case_id for o in outcomes}) == len(outcomes)
        summary = self.summary
        counted = Counter(o.outcome for o in outcomes)
        assert counted == Counter({name: n for name, n in summary.outcomes.items() if n})
        assert sum(summary.outcomes.values()) == summary.ingest.cases == len(ingested)
        assert summary.ingest.new + summary.ingest.unchanged == summary.ingest.cases
        assert summary.outcomes["unchanged"] == summary.ingest.unchanged
        assert len(self.rejects) == summary.ingest.rejected
        reasons = Counter(f"{o.outcome}: {o.reason}" for o in outcomes if o.reason)
        assert reasons == Counter(summary.outcome_reasons)
        assert all(o.reason for o in outcomes if o.outcome in ("dropped", "failed"))
        assert Counter(o.category for o in outcomes if o.outcome == "labeled") == Counter(summary.classes)

"""How a run's batch jobs stand while it waits for them, asked of a service in memory and of the stand-in."""

import io
import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from rich.console import Console

from cli import stack as stacks
from cli import status
from cli.batch_jobs import BatchLooks, BatchWait
from cli.progress import Observed, Progress, Stage, progress_of
from cli.results import failure
from cli.stack import Stack
from cli.view import PlainView, block, plain_line
from local.bedrock import BedrockStandIn
from plumbline import keys
from plumbline.adapters import clients
from plumbline.adapters.dynamodb import DynamoLedger
from plumbline.adapters.s3 import S3ObjectStore
from plumbline.contracts.batch import BatchJob, BatchLimits, BatchSubmission, JobState
from plumbline.contracts.batch_summary import BatchSummary, JobStatus
from plumbline.contracts.errors import ModelAccessDenied, ModelUnavailable, PlumblineError
from plumbline.contracts.runs import RunRow
from tests import builders as b
from tests.fakes import MemoryStore
from tests.local.bedrock.jobs import ROLE, client, records

RUN = "run-1"


def job(number: int, records: int = 500, *, arn: bool = True) -> BatchJob:
    return BatchJob(
        name=f"plumbline-run-1-{number}",
        records_key=f"records/{number}.jsonl",
        output_prefix=f"out/{number}/",
        records=records,
        bytes=1_000,
        job_arn=f"arn:{number}" if arn else None,
    )


def state(number: int, status: JobStatus, **more: Any) -> JobState:
    began = b.NOW + timedelta(minutes=number)
    times = {"submitted_at": began, "expires_at": began + timedelta(hours=24)}
    return JobState.model_validate({"job_arn": f"arn:{number}", "status": status} | times | more)


THREE = BatchSubmission(jobs=(job(0), job(1), job(2, 200, arn=False)))
WAIT = BatchWait.of(
    THREE, [state(0, "Completed", processed=500, failed=4), state(1, "InProgress", processed=100, failed=1)]
)


class Service:
    """Says of each job what a test wants, and counts how often it is asked."""

    def __init__(self, said: dict[str, JobState] | Exception) -> None:
        self.said, self.asked = said, 0

    def state(self, arn: str) -> JobState:
        self.asked += 1
        if isinstance(self.said, Exception):
            raise self.said
        return self.said[arn]


def looking(service: Service, submission: BatchSubmission, times: list[float] | None = None) -> BatchLooks:
    data = MemoryStore({keys.batch(RUN): submission.model_dump_json().encode()})
    clock = iter(times).__next__ if times else lambda: 0.0
    return BatchLooks(RUN, data, service.state, clock)


def test_the_words_say_jobs_by_state_records_since_when_and_until_when() -> None:
    assert list(WAIT.lines(b.NOW + timedelta(hours=2, minutes=5))) == [
        "3 batch jobs of 1,200 records: 1 under way, 1 done, 1 not submitted yet",
        "600 of 1,200 records processed, 5 of them without an answer",
        "submitted 4 Mar 2026, 09:00 UTC (2 h 05 min ago); Bedrock ends what is not done by 5 Mar 2026, 09:01 UTC",
    ]
    assert not WAIT.ended


def test_of_jobs_that_have_ended_it_says_how_and_that_their_answers_are_not_read() -> None:
    two = BatchSubmission(jobs=(job(0), job(1)))
    ended = BatchWait.of(two, [state(0, "Expired", message="The job timed out"), state(1, "Failed", message="x" * 999)])
    assert ended.ended
    assert ended.expires_at is None
    first, *_, expired, failed, last = ended.lines(b.NOW)
    assert first == "2 batch jobs of 1,000 records: 1 failed, 1 timed out"
    assert expired == "Bedrock says: The job timed out"
    assert len(failed) < 250
    assert last.startswith("all have ended")


def test_there_is_nothing_to_wait_for_without_jobs_or_once_they_are_imported() -> None:
    service = Service({})
    looks = looking(service, THREE)
    assert looks.look({}) is None
    assert looks.look({keys.batch(RUN): "1", keys.batch_summary(RUN): "1"}) is None
    assert looking(service, BatchSubmission(reason="too few")).look({keys.batch(RUN): "1"}) is None
    assert service.asked == 0


def test_one_who_follows_asks_the_service_seldom_but_at_once_when_more_was_submitted() -> None:
    one = BatchSubmission(jobs=(job(0),))
    service = Service({"arn:0": state(0, "InProgress", processed=1)})
    looks = looking(service, one, [0.0, 14.0, 15.0, 15.0, 16.0])
    for version, asked in (("1", 1), ("1", 1), ("1", 2), ("2", 3)):
        seen = looks.look({keys.batch(RUN): version})
        assert seen is not None
        assert seen.processed == 1
        assert service.asked == asked


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ModelAccessDenied("batch job arn:0: AccessDeniedException"), "need bedrock:GetModelInvocationJob"),
        (ModelUnavailable("batch job arn:0: no answer"), "(ModelUnavailable); look again later"),
        (ClientError({"Error": {"Code": "Odd", "Message": "m"}}, "GetModelInvocationJob"), "(Odd); look again later"),
    ],
)
def test_a_service_that_cannot_be_asked_is_a_line_beside_what_was_submitted(
    error: PlumblineError | ClientError, words: str
) -> None:
    many = BatchSubmission(jobs=tuple(job(number) for number in range(100)))
    service = Service(error)
    seen = looking(service, many).look({keys.batch(RUN): "1"})
    assert seen is not None
    first, refusal = seen.lines(b.NOW)
    assert first == "100 batch jobs of 50,000 records"
    assert words in refusal
    assert service.asked <= 8


def waiting(batch: BatchWait = WAIT, **more: Any) -> Progress:
    fields: dict[str, Any] = {
        "state": "RUNNING",
        "stage": Stage.LABEL,
        "cases": 1_300,
        "shards": 26,
        "anonymized": 26,
        "batch": batch,
    }
    return Progress(**(fields | more))


def test_the_block_and_the_plain_line_say_what_is_waited_for() -> None:
    console = Console(width=80, file=io.StringIO(), record=True, highlight=False)
    console.print(block(waiting(), 60))
    lines = console.export_text().splitlines()
    assert "  3 batch jobs of 1,200 records: 1 under way, 1 done, 1 not submitted yet" in [
        line.rstrip() for line in lines
    ]
    assert max(map(len, lines)) <= 80
    assert plain_line(waiting()).startswith("waiting for 3 batch jobs of 1,200 records: 1 under way")
    assert "; 600 of 1,200 records processed" in plain_line(waiting())


def test_a_pipe_gets_a_line_for_each_new_state_and_each_tenth_of_the_records() -> None:
    stream = io.StringIO()
    view = PlainView(Console(file=stream, width=80, force_terminal=False), clock=lambda: 0.0)
    one = BatchSubmission(jobs=(job(0, 1_000),))
    for processed in range(1_000):
        view.update(waiting(BatchWait.of(one, [state(0, "InProgress", processed=processed)])))
    view.update(waiting(BatchWait.of(one, [state(0, "Completed", processed=1_000)])))
    assert len(stream.getvalue().splitlines()) == 11


def test_a_run_that_was_stopped_while_it_waited_is_resumed_and_not_run_anew(stack: Stack) -> None:
    stopped = waiting(state="STOPPED", error="ABORTED", cause="The execution was stopped before its end.")
    console = Console(width=80, file=io.StringIO(), record=True, highlight=False)
    console.print(failure(stack, RUN, stopped), soft_wrap=True)
    text = console.export_text()
    assert "a new run would submit them anew" in text
    assert "600 of 1,200 records processed" in text
    assert "ends what is not done by 5 Mar 2026, 09:01 UTC" in text
    assert f"plumbline resume {RUN} --stack demo" in text
    assert "same file again" not in text


class Held:
    """The stand-in's model, which answers one record and holds the next until it is opened."""

    def __init__(self, stand_in: BedrockStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
        self.opened, self.reached = threading.Event(), threading.Event()
        self._answer, self._left = stand_in.model.answer, 1
        monkeypatch.setattr(stand_in.model, "answer", self.answer)

    def answer(self, asked: Any) -> Any:
        self._left -= 1
        if self._left < 0:
            self.reached.set()
            assert self.opened.wait(30)
        return self._answer(asked)


@pytest.fixture
def held(stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    """A run that waits for a job of three records at the stand-in, which has answered one of them."""
    monkeypatch.setattr(stacks, "find", lambda _: stack)
    data = S3ObjectStore(stack.data_bucket)
    with BedrockStandIn("scripted", options={"category": "Billing Inquiry"}) as stand_in:
        gate = Held(stand_in, monkeypatch)
        made = client("bedrock", stand_in.endpoint)
        monkeypatch.setattr(clients, "bedrock", lambda: made)
        stand_in.jobs.connect(boto3.client("s3"), tmp_path / "jobs", limits=BatchLimits(min_records=1))
        asked = job(0, 3)
        data.write(asked.records_key, b"".join(json.dumps(record).encode() + b"\n" for record in records(3)))
        arn = made.create_model_invocation_job(
            jobName=asked.name,
            roleArn=ROLE,
            modelId="local.scripted",
            modelInvocationType="Converse",
            inputDataConfig={"s3InputDataConfig": {"s3Uri": f"s3://{stack.data_bucket}/{asked.records_key}"}},
            outputDataConfig={"s3OutputDataConfig": {"s3Uri": f"s3://{stack.data_bucket}/{asked.output_prefix}"}},
        )["jobArn"]
        submission = BatchSubmission(jobs=(asked.model_copy(update={"job_arn": arn}),))
        data.write(keys.batch(RUN), submission.model_dump_json().encode())
        data.write(keys.shards(RUN), b'[{"shard": "00000", "cases": 3}]')
        row = RunRow(run_id=RUN, task="root_cause", status="RUNNING", source="incoming/a.jsonl", started_at=b.NOW)
        DynamoLedger(stack.ledger_table).put_run(row)
        boto3.client("stepfunctions").start_execution(
            stateMachineArn=stack.state_machine_arn, name=RUN, input=f'{{"run": {b.run().model_dump_json()}}}'
        )
        assert gate.reached.wait(30)
        yield gate
        gate.opened.set()


def show(console: Console, *, as_json: bool = False) -> int:
    return status.status(RUN, None, console, as_json=as_json, follow=False, limit=20)


def test_status_shows_the_stand_ins_job_while_the_run_waits_for_it(held: Held, console: Console) -> None:
    assert show(console) == 0
    text = " ".join(console.export_text().split())
    assert "waiting for 1 batch job of 3 records: 1 under way; 1 of 3 records processed; submitted " in text
    assert "; Bedrock ends what is not done by " in text
    assert "plumbline status run-1 --follow --stack demo" in text


def test_status_as_json_has_the_jobs_beside_the_row(held: Held, capsys: pytest.CaptureFixture[str]) -> None:
    assert show(Console(stderr=True), as_json=True) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["run_id"], found["status"]) == (RUN, "RUNNING")
    assert (found["batch"]["states"], found["batch"]["records"], found["batch"]["processed"]) == (
        {"InProgress": 1},
        3,
        1,
    )
    assert found["batch"]["submitted_at"] < found["batch"]["expires_at"]


def test_once_imported_the_run_no_longer_waits(held: Held, stack: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    summary = BatchSummary(jobs={"Completed": 1}, records=3, answered=3)
    S3ObjectStore(stack.data_bucket).write(keys.batch_summary(RUN), summary.model_dump_json().encode())
    assert show(Console(stderr=True), as_json=True) == 0
    assert json.loads(capsys.readouterr().out)["batch"] is None


def test_a_service_that_is_gone_does_not_keep_status_from_showing_the_run(
    held: Held, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = client("bedrock", "http://127.0.0.1:9")
    monkeypatch.setattr(clients, "bedrock", lambda: gone)
    assert show(console) == 0
    text = " ".join(console.export_text().split())
    assert "waiting for 1 batch job of 3 records; Bedrock does not say now how they stand (ModelUnavailable)" in text


def test_what_is_seen_of_the_jobs_is_in_the_runs_progress() -> None:
    assert progress_of(Observed(shards=(), batch=WAIT)).batch == WAIT

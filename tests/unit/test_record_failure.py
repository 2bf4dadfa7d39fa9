"""RecordFailure and RecordShardFailure: how failures are kept."""

import json
from typing import Any

import pytest

from plumbline import keys
from plumbline.contracts.batch import BatchJob, BatchSubmission
from plumbline.contracts.batch_summary import BatchSummary
from plumbline.contracts.errors import InvalidEvent
from plumbline.contracts.runs import CaughtError, FailureTask, RunRow, ShardFailureTask
from plumbline.record_failure import record_failure, task_from_event
from plumbline.record_shard_failure import record_shard_failure
from tests import builders as b
from tests.fakes import MemoryLedger, MemoryStore
from tests.unit.report.summaries import typical


def record(ledger: MemoryLedger, error: CaughtError, data: MemoryStore | None = None) -> str:
    task = FailureTask(run=b.run(), error=error)
    page = "<p>{}</p>".format
    result = record_failure(task, data=data or MemoryStore(), ledger=ledger, render=lambda s: page(s.status))
    return result.cause


@pytest.mark.parametrize(
    ("cause", "message"),
    [
        ('{"errorMessage": "no case in it", "errorType": "InvalidCaseFile", "stackTrace": ["x"]}', "no case in it"),
        ("plain words", "plain words"),
        ('["a", "list"]', '["a", "list"]'),
        ("", "a stage ended with InvalidCaseFile; the execution's history in Step Functions says which and where"),
    ],
)
def test_the_cause_of_a_failed_run_is_a_sentence_and_not_a_stack_trace(cause: str, message: str) -> None:
    ledger = MemoryLedger()
    assert record(ledger, CaughtError(Error="InvalidCaseFile", Cause=cause)) == message
    row = ledger.get_run("root_cause", "run-1")
    assert row is not None
    assert (row.status, row.error, row.cause) == ("FAILED", "InvalidCaseFile", message)
    assert row.finished_at is not None


def test_a_run_that_failed_after_collate_keeps_its_outcomes_its_spend_and_gets_a_report() -> None:
    ledger, summary = MemoryLedger(), typical()
    data = MemoryStore({keys.summary("run-1"): summary.model_dump_json().encode()})
    record(ledger, CaughtError(Error="NothingLabeled"), data)
    row = ledger.get_run("root_cause", "run-1")
    assert row is not None
    assert (row.cost_usd, row.report_key) == (summary.cost.usd, keys.report("run-1"))
    assert row.outcomes["labeled"] == summary.outcomes["labeled"]
    assert data.read(keys.report("run-1")) == b"<p>FAILED</p>"
    assert json.loads(data.read(keys.summary("run-1")))["status"] == "FAILED"


JOB = BatchJob(name="plumbline-run-1-0", records_key="k", output_prefix="o/", records=100, bytes=1_000)


TAKEN = JOB.model_copy(update={"job_arn": "arn:aws:bedrock:us-east-1:123456789012:model-invocation-job/abcdefghijkl"})


def cause_with(*jobs: BatchJob, imported: bool = False) -> str:
    data = MemoryStore({keys.batch("run-1"): BatchSubmission(jobs=jobs).model_dump_json().encode()})
    if imported:
        summary = BatchSummary(jobs={"Completed": 1}, records=100, answered=100)
        data.write(keys.batch_summary("run-1"), summary.model_dump_json().encode())
    ledger = MemoryLedger()
    cause = record(ledger, CaughtError(Error="ExecutionAborted", Cause="the execution was stopped by hand"), data)
    row = ledger.get_run("root_cause", "run-1")
    assert row is not None
    assert row.cause == cause
    assert cause.startswith("the execution was stopped by hand")
    return cause.removeprefix("the execution was stopped by hand")


def test_a_run_whose_batch_jobs_go_on_says_how_their_answers_are_had() -> None:
    """Stopped in WaitForBatch: the jobs are billed all the same, and the file run again would submit them anew."""
    cause = cause_with(TAKEN, JOB)
    assert "batch jobs (1) are billed" in cause
    assert "`plumbline resume run-1`" in cause
    assert "second time" in cause


def test_once_the_answers_are_imported_no_job_is_said_to_go_on() -> None:
    cause = cause_with(TAKEN, imported=True)
    assert "answered is kept: `plumbline resume run-1` goes on with it" in cause
    assert "billed" not in cause
    assert "stops" not in cause


def test_of_jobs_that_perhaps_were_not_taken_it_does_not_say_that_they_are_billed() -> None:
    """Denied in SubmitBatch, or ended just after the service took the job: the list of jobs cannot tell which."""
    cause = cause_with(JOB)
    assert "Whether its batch jobs (1) were submitted is not known: `plumbline resume run-1`" in cause
    assert "billed" not in cause


def test_a_run_that_planned_no_job_says_nothing_of_jobs() -> None:
    assert cause_with() == ""


@pytest.mark.parametrize("status", ["FAILED", "SUCCEEDED"])
def test_a_row_that_is_closed_stays_as_it_is(status: str) -> None:
    """Step Functions tells EventBridge of a failure that RecordFailure has recorded already."""
    ledger = MemoryLedger()
    closed = RunRow.model_validate(
        {
            "run_id": "run-1",
            "task": "root_cause",
            "status": status,
            "source": "s",
            "started_at": b.NOW,
            "error": "First",
            "cause": "the first cause",
        }
    )
    ledger.put_run(closed)
    assert record(ledger, CaughtError(Error="Later", Cause="another")) == "the first cause"
    assert ledger.get_run("root_cause", "run-1") == closed


def status_change(**detail: Any) -> dict[str, Any]:
    given = {"status": "ABORTED", "name": "run-1", "input": json.dumps({"run": b.run().model_dump(mode="json")})}
    return {"source": "aws.states", "detail-type": "Step Functions Execution Status Change", "detail": given | detail}


@pytest.mark.parametrize(
    ("detail", "error", "words"),
    [
        ({}, "ExecutionAborted", "stopped by hand"),
        ({"status": "TIMED_OUT"}, "ExecutionTimedOut", "time limit"),
        ({"status": "FAILED", "error": "States.Runtime", "cause": "no such path"}, "States.Runtime", "no such path"),
    ],
)
def test_an_execution_that_ended_from_outside_closes_its_row_too(
    detail: dict[str, str], error: str, words: str
) -> None:
    task = task_from_event(status_change(**detail))
    assert task.run == b.run()
    assert task.error.Error == error
    assert words in task.error.message


@pytest.mark.parametrize(
    "event",
    [{}, {"detail": None}, status_change(input="{}"), status_change(input="no json"), status_change(status="X")],
)
def test_another_event_is_refused(event: dict[str, Any]) -> None:
    with pytest.raises(InvalidEvent):
        task_from_event(event)


def test_a_failed_shard_leaves_its_errors_name_and_nothing_of_its_message() -> None:
    data = MemoryStore()
    error = CaughtError(Error="ModelThrottled", Cause='{"errorMessage": "secret"}')
    record_shard_failure(ShardFailureTask(run=b.run(), shard="00007", error=error), data=data)
    assert json.loads(data.read(keys.shard_failure("run-1", "00007"))) == {"shard": "00007", "error": "ModelThrottled"}

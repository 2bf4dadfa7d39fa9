"""A file again, while the batch jobs of its run go on."""

from datetime import UTC, datetime, timedelta

import pytest

from cli.errors import CliError
from cli.open_jobs import refuse_open_jobs
from cli.stack import Stack
from plumbline import keys
from plumbline.adapters.dynamodb import DynamoLedger
from plumbline.adapters.s3 import S3ObjectStore
from plumbline.contracts.batch import BatchJob, BatchSubmission
from plumbline.contracts.runs import RunRow, RunStatus

JOB = BatchJob(
    name="plumbline-run-1-0", records_key="records/0.jsonl", output_prefix="out/0/", records=500, bytes=1_000,
    job_arn="arn:0",
)  # fmt: skip


def left(stack: Stack, *jobs: BatchJob, status: RunStatus = "FAILED", days_ago: int = 0) -> None:
    started = datetime.now(UTC) - timedelta(days=days_ago)
    row = RunRow(run_id="run-1", task="root_cause", status=status, source="incoming/cases.csv", started_at=started)
    DynamoLedger(stack.ledger_table).put_run(row)
    body = BatchSubmission(jobs=jobs).model_dump_json().encode()
    S3ObjectStore(stack.data_bucket).write(keys.batch("run-1"), body)


def test_the_file_of_a_run_whose_jobs_go_on_is_refused_and_the_run_that_reads_them_is_named(stack: Stack) -> None:
    left(stack, JOB)
    with pytest.raises(CliError, match=r"run-1 of cases\.csv ended while its batch jobs go on") as refused:
        refuse_open_jobs(stack, "cases.csv", ("root_cause",))
    assert "resume run-1" in str(refused.value.hint)


def test_another_file_a_run_without_jobs_and_one_that_goes_on_or_is_long_over_are_none_of_its_business(
    stack: Stack,
) -> None:
    left(stack, JOB)
    refuse_open_jobs(stack, "others.csv", ("root_cause",))
    refuse_open_jobs(stack, "cases.csv", ("npm_issue",))
    left(stack)
    refuse_open_jobs(stack, "cases.csv", ("root_cause",))
    left(stack, JOB.model_copy(update={"job_arn": None}))  # access denied, say: nothing was taken
    refuse_open_jobs(stack, "cases.csv", ("root_cause",))
    left(stack, JOB, status="RUNNING")
    refuse_open_jobs(stack, "cases.csv", ("root_cause",))
    left(stack, JOB, days_ago=9)
    refuse_open_jobs(stack, "cases.csv", ("root_cause",))


def test_once_the_answers_are_imported_the_file_may_come_again(stack: Stack) -> None:
    left(stack, JOB)
    S3ObjectStore(stack.data_bucket).write(keys.batch_summary("run-1"), b"{}")
    refuse_open_jobs(stack, "cases.csv", ("root_cause",))

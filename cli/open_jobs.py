"""A file whose run ended while its batch jobs go on is not submitted a second time."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from cli.errors import CliError
from cli.paths import plumbline
from cli.stack import Stack
from plumbline import keys
from plumbline.adapters.dynamodb import DynamoLedger
from plumbline.adapters.s3 import S3ObjectStore
from plumbline.contracts.batch import BatchSubmission
from plumbline.jsonl import is_there, read_if_there

_JOBS_LAST: Final = timedelta(days=8)  # Bedrock ends a job after a week at the latest


def refuse_open_jobs(where: Stack, name: str, tasks: Iterable[str]) -> None:
    """Raise CliError where a run of a file of that name ended while its batch jobs went on.

    Only that run can read what they answer and bill, so the file again would submit and pay for all of it once more.
    """
    data, ledger = S3ObjectStore(where.data_bucket), DynamoLedger(where.ledger_table)
    since = datetime.now(UTC) - _JOBS_LAST
    for row in (row for task in tasks for row in ledger.runs(task)):
        if row.status != "FAILED" or row.started_at < since or row.source.rpartition("/")[2] != name:
            continue
        submission = next(read_if_there(data, keys.batch(row.run_id), BatchSubmission), None)
        if submission and submission.submitted and not is_there(data, keys.batch_summary(row.run_id)):
            again = plumbline(f"resume {row.run_id}{where.option}")
            raise CliError(
                f"The run {row.run_id} of {name} ended while its batch jobs go on, and they are billed.",
                f"Go on with it: {again}. To pay a second time, give the file another name.",
            )

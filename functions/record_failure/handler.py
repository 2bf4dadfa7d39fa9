"""RecordFailure: a failed run says so in the ledger, with a cause that a person can act on."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from plumbline.adapters.dynamodb import DynamoLedger
from plumbline.adapters.s3 import S3ObjectStore
from plumbline.contracts.predictions import PredictionRun
from plumbline.observability import count, stage
from plumbline.record_failure import record_failure, task_from_event
from plumbline.report import render
from plumbline.settings import FailureSettings, from_env


@stage("record_failure")
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """FailureTask, or EventBridge's status change of an execution → FailureResult."""
    settings = from_env(FailureSettings)
    task = task_from_event(event)
    result = record_failure(
        task,
        data=S3ObjectStore(settings.data_bucket),
        ledger=DynamoLedger(settings.ledger_table),
        render=render,
    )
    count("ExportsFailed" if isinstance(task.run, PredictionRun) else "RunsFailed", 1)
    return result.model_dump(mode="json")

"""Report: the run as one page, and the end of its row in the ledger."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from plumbline.adapters.dynamodb import DynamoLedger
from plumbline.adapters.s3 import S3ObjectStore
from plumbline.contracts.errors import TrainingNotConfigured
from plumbline.contracts.runs import ReportTask
from plumbline.observability import count, parse_event, stage
from plumbline.report import render
from plumbline.report.finish import finish
from plumbline.settings import ReportSettings, from_env


@stage("report")
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """ReportTask → ReportResult."""
    settings = from_env(ReportSettings)
    task = parse_event(ReportTask, event)
    result = finish(
        task,
        data=S3ObjectStore(settings.data_bucket),
        ledger=DynamoLedger(settings.ledger_table),
        render=render,
    )
    count("TrainingNotStarted", int(task.training.error not in (None, TrainingNotConfigured.__name__)))
    return result.model_dump(mode="json")

"""SummarizePredictions: the day in figures, and a word when predictions drift."""

from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from plumbline.adapters.dynamodb import DynamoLedger
from plumbline.adapters.eventbridge import DefaultEventBus
from plumbline.adapters.s3 import S3ObjectStore
from plumbline.contracts.predictions import SummarizeTask
from plumbline.observability import count, parse_event, stage
from plumbline.settings import SummarizePredictionsSettings, from_env
from plumbline.summarize_predictions import summarize_predictions


@stage("summarize_predictions")
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """SummarizeTask → SummarizeResult."""
    settings = from_env(SummarizePredictionsSettings)
    result = summarize_predictions(
        parse_event(SummarizeTask, event),
        task_name=settings.task,
        data=S3ObjectStore(settings.data_bucket),
        ledger=DynamoLedger(settings.ledger_table),
        events=DefaultEventBus(),
        drift_threshold=settings.drift_threshold,
        now=datetime.now(UTC),
    )
    count("PredictionsDrifted", int(result.drifted))
    return result.model_dump(mode="json")

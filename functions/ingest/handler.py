"""Ingest: an export becomes shards of raw cases."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from plumbline.adapters.dynamodb import DynamoLedger
from plumbline.adapters.s3 import S3ObjectStore
from plumbline.contracts.predictions import AnyIngestTask
from plumbline.contracts.runs import RunRequest
from plumbline.estimate import ModelCosts
from plumbline.ingest import ingest, settings_for, with_mapping
from plumbline.observability import count, parse_event, stage
from plumbline.settings import IngestFunctionSettings, from_env


@stage("ingest")
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """IngestTask, or one of PredictCases → IngestResult."""
    settings = from_env(IngestFunctionSettings)
    run = parse_event(AnyIngestTask, event).run
    raw = S3ObjectStore(settings.raw_bucket)
    result = ingest(
        run if isinstance(run, RunRequest) else with_mapping(run, raw.metadata),
        raw=raw,
        data=S3ObjectStore(settings.data_bucket),
        ledger=DynamoLedger(settings.ledger_table),
        settings=settings_for(run, settings),
        estimate_usd=ModelCosts(run.model_id, settings.prompt_cache) if isinstance(run, RunRequest) else None,
    )
    count("RowsRejected", result.rejected)
    return result.model_dump(mode="json")

"""Ingest: an export becomes shards of raw cases."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from plumbline.adapters.dynamodb import DynamoLedger
from plumbline.adapters.s3 import S3ObjectStore
from plumbline.contracts.runs import IngestTask
from plumbline.ingest import IngestSettings, ingest
from plumbline.observability import count, parse_event, stage
from plumbline.prices import estimator
from plumbline.prompting import load_prompt, prompt_tokens
from plumbline.settings import IngestFunctionSettings, from_env


@stage("ingest")
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """IngestTask → IngestResult."""
    settings = from_env(IngestFunctionSettings)
    run = parse_event(IngestTask, event).run
    prompt = load_prompt(settings.prompts_dir, run.task, run.prompt_version)
    result = ingest(
        run,
        raw=S3ObjectStore(settings.raw_bucket),
        data=S3ObjectStore(settings.data_bucket),
        ledger=DynamoLedger(settings.ledger_table),
        settings=IngestSettings(
            max_case_tokens=settings.max_case_tokens,
            cases_per_shard=settings.cases_per_shard,
            prompt_tokens=prompt_tokens(prompt),
            raw_bucket=settings.raw_bucket,
            categories=prompt.prompt.category_names,
        ),
        estimate_usd=estimator(run.model_id),
    )
    count("RowsRejected", result.rejected)
    return result.model_dump(mode="json")

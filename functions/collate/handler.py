"""Collate: one outcome for each ingested case."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from plumbline.adapters.dynamodb import DynamoLedger
from plumbline.adapters.s3 import S3ObjectStore
from plumbline.adapters.spend import DynamoSpendLedger
from plumbline.collate import collate
from plumbline.contracts.runs import CollateTask
from plumbline.observability import parse_event, stage
from plumbline.prompting import load_prompt
from plumbline.settings import CollateSettings, from_env


@stage("collate")
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """CollateTask → CollateResult."""
    settings = from_env(CollateSettings)
    task = parse_event(CollateTask, event)
    result = collate(
        task,
        data=S3ObjectStore(settings.data_bucket),
        ledger=DynamoLedger(settings.ledger_table),
        spend=DynamoSpendLedger(settings.ledger_table),
        prompt=load_prompt(settings.prompts_dir, task.run.task, task.run.prompt_version),
        minutes_per_case=settings.minutes_per_case,
    )
    return result.model_dump(mode="json")

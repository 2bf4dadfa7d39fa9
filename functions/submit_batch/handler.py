"""SubmitBatch: anonymized cases become jobs of batch inference."""

import functools
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from plumbline.adapters.bedrock_batch import BedrockBatch
from plumbline.adapters.replies import DynamoReplies
from plumbline.adapters.s3 import S3ObjectStore
from plumbline.adapters.spend import DynamoSpendLedger
from plumbline.contracts.batch import SubmitBatchTask
from plumbline.observability import count, parse_event, stage
from plumbline.prompting import load_prompt
from plumbline.settings import SubmitBatchSettings, from_env
from plumbline.spend import most_usd
from plumbline.submit_batch import submit_batch


@stage("submit_batch")
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """SubmitBatchTask → SubmitBatchResult."""
    settings = from_env(SubmitBatchSettings)
    task = parse_event(SubmitBatchTask, event)
    result = submit_batch(
        task,
        data=S3ObjectStore(settings.data_bucket),
        model=BedrockBatch.of(settings),
        replies=DynamoReplies(settings.idempotency_table),
        spend=DynamoSpendLedger(settings.ledger_table),
        prompt=load_prompt(settings.prompts_dir, task.run.task, task.run.prompt_version),
        limits=settings.limits,
        most_usd=functools.partial(most_usd, batch=True),
    )
    count("RecordsSubmitted", result.records)
    return result.model_dump(mode="json")

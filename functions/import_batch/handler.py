"""ImportBatch: what batch jobs answered, sorted by shard."""

import functools
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from plumbline.adapters.bedrock_batch import BedrockBatch
from plumbline.adapters.s3 import S3ObjectStore
from plumbline.adapters.spend import DynamoSpendLedger
from plumbline.contracts.batch import ImportBatchTask
from plumbline.import_batch import import_batch
from plumbline.observability import count, parse_event, stage
from plumbline.prices import price_table
from plumbline.settings import ImportBatchSettings, from_env


@stage("import_batch")
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """ImportBatchTask → ImportBatchResult."""
    settings = from_env(ImportBatchSettings)
    task = parse_event(ImportBatchTask, event)
    result = import_batch(
        task,
        data=S3ObjectStore(settings.data_bucket),
        model=BedrockBatch.of(settings),
        spend=DynamoSpendLedger(settings.ledger_table),
        usd=functools.partial(price_table().usd, task.run.model_id, batch=True),
    )
    count("RecordsAnswered", result.answered)
    return result.model_dump(mode="json")

"""CheckBatch: whether the batch jobs of a run have ended."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from plumbline.adapters.bedrock_batch import BedrockBatch
from plumbline.adapters.s3 import S3ObjectStore
from plumbline.check_batch import check_batch
from plumbline.contracts.batch import CheckBatchTask
from plumbline.observability import parse_event, stage
from plumbline.settings import BatchSettings, from_env


@stage("check_batch")
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """CheckBatchTask → CheckBatchResult."""
    settings = from_env(BatchSettings)
    task = parse_event(CheckBatchTask, event)
    result = check_batch(
        task,
        data=S3ObjectStore(settings.data_bucket),
        model=BedrockBatch.of(settings),
        batch_hours=settings.batch_hours,
    )
    return result.model_dump(mode="json")

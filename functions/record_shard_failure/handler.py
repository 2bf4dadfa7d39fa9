"""RecordShardFailure: one shard never sinks a run; its reason is kept for Collate."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from plumbline.adapters.s3 import S3ObjectStore
from plumbline.contracts.predictions import AnyShardFailureTask
from plumbline.observability import count, parse_event, stage
from plumbline.record_shard_failure import record_shard_failure
from plumbline.settings import DataStoreSettings, from_env


@stage("record_shard_failure")
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """ShardFailureTask, or one of PredictCases → ShardResult."""
    settings = from_env(DataStoreSettings)
    result = record_shard_failure(parse_event(AnyShardFailureTask, event), data=S3ObjectStore(settings.data_bucket))
    count("ShardsFailed", 1)
    return result.model_dump(mode="json")

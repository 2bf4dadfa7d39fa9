"""PredictShard: the model's categories for one shard of cases."""

from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from plumbline.adapters.dynamodb import DynamoLedger
from plumbline.adapters.s3 import S3ObjectStore
from plumbline.contracts.predictions import PredictShardTask
from plumbline.observability import count, parse_event, stage
from plumbline.predict_shard import Models, predict_shard
from plumbline.settings import PredictShardSettings, from_env

_models = Models()


@stage("predict_shard")
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """PredictShardTask → ShardResult."""
    settings = from_env(PredictShardSettings)
    result = predict_shard(
        parse_event(PredictShardTask, event),
        data=S3ObjectStore(settings.data_bucket),
        ledger=DynamoLedger(settings.ledger_table),
        models=_models,
        abstain_below=settings.abstain_below,
        now=datetime.now(UTC),
    )
    count("CasesPredicted", result.done)
    return result.model_dump(mode="json")

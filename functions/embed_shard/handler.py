"""EmbedShard: one shard of a backlog as vectors."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from plumbline.adapters.minilm import minilm
from plumbline.adapters.s3 import S3ObjectStore
from plumbline.contracts.runs import ShardTask
from plumbline.embed_shard import embed_shard
from plumbline.observability import count, parse_event, stage
from plumbline.settings import EmbedShardSettings, from_env


@stage("embed_shard")
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """ShardTask → ShardResult."""
    settings = from_env(EmbedShardSettings)
    result = embed_shard(parse_event(ShardTask, event), data=S3ObjectStore(settings.data_bucket), embedder=minilm())
    count("CasesEmbedded", result.done)
    return result.model_dump(mode="json")

"""Anonymize: the door between raw text and everything else."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from plumbline import keys
from plumbline.adapters.privacy import privacy
from plumbline.adapters.s3 import S3ObjectStore
from plumbline.anonymize import anonymize
from plumbline.contracts.cases import Case
from plumbline.contracts.predictions import AnyShardTask
from plumbline.contracts.runs import ShardResult
from plumbline.jsonl import read_models, write_models
from plumbline.observability import count, parse_event, stage
from plumbline.settings import AnonymizeSettings, from_env


@stage("anonymize")
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """ShardTask, or one of PredictCases → ShardResult."""
    settings = from_env(AnonymizeSettings)
    task = parse_event(AnyShardTask, event)
    raw, data = S3ObjectStore(settings.raw_bucket), S3ObjectStore(settings.data_bucket)
    cases = read_models(raw, keys.raw_cases(task.run.run_id, task.shard), Case)
    masked = anonymize(cases, privacy(settings))
    done = write_models(data, keys.anonymized(task.run.run_id, task.shard), masked)
    count("CasesAnonymized", done)
    return ShardResult(shard=task.shard, done=done).model_dump(mode="json")

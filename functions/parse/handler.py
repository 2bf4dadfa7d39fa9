"""Parse: read labels from a shard's replies."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from plumbline.adapters.s3 import S3ObjectStore
from plumbline.contracts.runs import ShardTask
from plumbline.observability import count, parse_event, stage
from plumbline.parse import parse
from plumbline.parse_again import parse_again
from plumbline.prompting import load_prompt
from plumbline.settings import ParseSettings, from_env


@stage("parse")
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """ShardTask → ShardResult."""
    settings = from_env(ParseSettings)
    task = parse_event(ShardTask, event)
    prompt = load_prompt(settings.prompts_dir, task.run.task, task.run.prompt_version)
    replay = task.run.replay
    read = parse_again if replay is not None and replay.stage == "parse" else parse
    result = read(task, data=S3ObjectStore(settings.data_bucket), prompt=prompt)
    count("RepliesUnparsed", result.unparsed)
    return result.model_dump(mode="json")

"""Repair: ask again, bounded, where a reply could not be read."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from plumbline.adapters.model import language_model
from plumbline.adapters.s3 import S3ObjectStore
from plumbline.contracts.runs import AskTask
from plumbline.observability import count, parse_event, stage
from plumbline.prompting import load_prompt
from plumbline.repair import repair
from plumbline.settings import LabelingSettings, from_env


@stage("repair")
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """AskTask → ShardResult."""
    settings = from_env(LabelingSettings)
    task = parse_event(AskTask, event)
    result = repair(
        task,
        data=S3ObjectStore(settings.data_bucket),
        model=language_model(settings, task, context),
        prompt=load_prompt(settings.prompts_dir, task.run.task, task.run.prompt_version),
        concurrency=settings.case_concurrency,
    )
    count("CasesReAsked", result.done)
    return result.model_dump(mode="json")

"""Classify: ask the model for each case of a shard."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from plumbline.adapters.model import language_model
from plumbline.adapters.s3 import S3ObjectStore
from plumbline.batch.first import answers_of
from plumbline.classify import classify
from plumbline.contracts.runs import ClassifyTask
from plumbline.observability import count, parse_event, stage
from plumbline.prompting import load_prompt
from plumbline.settings import LabelingSettings, from_env


@stage("classify")
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """ClassifyTask → ShardResult."""
    settings = from_env(LabelingSettings)
    task = parse_event(ClassifyTask, event)
    data = S3ObjectStore(settings.data_bucket)
    result = classify(
        task,
        data=data,
        model=language_model(settings, task, context, answers_of(task, data)),
        prompt=load_prompt(settings.prompts_dir, task.run.task, task.run.prompt_version),
        concurrency=settings.case_concurrency,
    )
    count("CasesAsked", result.done)
    return result.model_dump(mode="json")

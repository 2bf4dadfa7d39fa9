"""SelectNext: which cases of a backlog are labeled next."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from plumbline.adapters.dynamodb import DynamoLedger
from plumbline.adapters.minilm import minilm
from plumbline.adapters.s3 import S3ObjectStore
from plumbline.contracts.selection import SelectTask
from plumbline.estimate import ModelCosts
from plumbline.observability import count, parse_event, stage
from plumbline.prompting import load_prompt
from plumbline.select_next import select_next
from plumbline.settings import SelectNextSettings, from_env


@stage("select_next")
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """SelectTask → SelectResult."""
    settings = from_env(SelectNextSettings)
    task = parse_event(SelectTask, event)
    result = select_next(
        task,
        data=S3ObjectStore(settings.data_bucket),
        ledger=DynamoLedger(settings.ledger_table),
        prompt=load_prompt(settings.prompts_dir, task.run.task, task.run.prompt_version),
        embedder=minilm(),
        estimate_usd=ModelCosts(task.run.model_id, settings.prompt_cache),
    )
    count("CasesChosen", result.chosen)
    return result.model_dump(mode="json")

"""CheckBalance: enough of every class? Writes the balanced dataset."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from plumbline.adapters.dynamodb import DynamoLedger
from plumbline.adapters.s3 import S3ObjectStore
from plumbline.check_balance import check_balance
from plumbline.contracts.runs import BalanceTask
from plumbline.observability import count, parse_event, stage
from plumbline.prompting import load_prompt
from plumbline.settings import BalanceSettings, from_env


@stage("check_balance")
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """BalanceTask → BalanceResult."""
    settings = from_env(BalanceSettings)
    task = parse_event(BalanceTask, event)
    result = check_balance(
        task,
        data=S3ObjectStore(settings.data_bucket),
        ledger=DynamoLedger(settings.ledger_table),
        prompt=load_prompt(settings.prompts_dir, task.run.task, task.run.prompt_version),
    )
    count("ClassesShort", len(result.missing))
    return result.model_dump(mode="json")

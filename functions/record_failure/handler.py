"""RecordFailure: a failed run says so in the ledger, with a cause that a person can act on."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from plumbline.adapters.dynamodb import DynamoLedger
from plumbline.closing import record_failure
from plumbline.contracts.runs import FailureTask
from plumbline.observability import count, parse_event, stage
from plumbline.settings import FailureSettings, from_env


@stage("record_failure")
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """FailureTask → FailureResult."""
    settings = from_env(FailureSettings)
    result = record_failure(parse_event(FailureTask, event), ledger=DynamoLedger(settings.ledger_table))
    count("RunsFailed", 1)
    return result.model_dump(mode="json")

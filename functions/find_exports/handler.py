"""FindExports: which exports wait for a prediction, and by which model."""

from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from plumbline.adapters.dynamodb import DynamoLedger
from plumbline.adapters.registry import AwsModelRegistry
from plumbline.adapters.s3 import S3ObjectStore
from plumbline.contracts.predictions import FindExportsTask
from plumbline.find_exports import find_exports
from plumbline.observability import count, parse_event, stage
from plumbline.settings import FindExportsSettings, from_env


@stage("find_exports")
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """FindExportsTask → FoundExports."""
    settings = from_env(FindExportsSettings)
    found = find_exports(
        parse_event(FindExportsTask, event),
        settings,
        exports=S3ObjectStore(settings.raw_bucket),
        ledger=DynamoLedger(settings.ledger_table),
        registry=AwsModelRegistry(settings.model_parameters, settings.ledger_table),
        now=datetime.now(UTC),
    )
    count("ExportsFound", len(found.runs))
    count("ExportsLeft", found.left)
    return found.model_dump(mode="json")

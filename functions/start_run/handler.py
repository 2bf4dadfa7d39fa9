"""StartRun: an upload to incoming/ starts a run."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from plumbline.adapters.dynamodb import DynamoLedger
from plumbline.adapters.s3 import S3ObjectStore
from plumbline.adapters.stepfunctions import LabelCasesWorkflow
from plumbline.observability import count, stage
from plumbline.settings import StartRunSettings, from_env
from plumbline.start_run import start_run, upload_from_event


@stage("start_run")
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """EventBridge's S3 "Object Created" → Started."""
    settings = from_env(StartRunSettings)
    raw = S3ObjectStore(settings.raw_bucket)
    started = start_run(
        upload_from_event(event),
        settings,
        raw=raw.metadata,
        ledger=DynamoLedger(settings.ledger_table),
        workflow=LabelCasesWorkflow(settings.state_machine_arn),
    )
    count("RunsStarted", int(started.started))
    return started.model_dump(mode="json")

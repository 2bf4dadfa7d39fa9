"""PromoteModel: a training job ended; its model is measured, compared, and serves from now on or not."""

from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from plumbline.adapters.registry import AwsModelRegistry
from plumbline.adapters.s3 import S3ObjectStore
from plumbline.observability import count, stage
from plumbline.promote_model import promote_model
from plumbline.promote_model.event import job_from_event
from plumbline.promote_model.gate import Gate
from plumbline.settings import PromoteSettings, from_env


@stage("promote_model")
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """EventBridge's "SageMaker Training Job State Change" → PromotionResult."""
    settings = from_env(PromoteSettings)
    result = promote_model(
        job_from_event(event, settings.data_bucket),
        data=S3ObjectStore(settings.data_bucket),
        registry=AwsModelRegistry(settings.model_parameters, settings.ledger_table),
        gate=Gate(min_accuracy=settings.min_accuracy, min_macro_f1=settings.min_macro_f1),
        now=datetime.now(UTC),
    )
    count(f"Models{result.status.capitalize()}", 1)
    return result.model_dump(mode="json")

"""PredictCase: one case over REST."""

import functools
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from plumbline.adapters.fallback import fallback
from plumbline.adapters.privacy import privacy
from plumbline.adapters.registry import AwsModelRegistry
from plumbline.adapters.s3 import S3ObjectStore
from plumbline.observability import count, stage
from plumbline.predict_case import CasePredictor
from plumbline.predict_case.api import respond
from plumbline.predict_case.current import CurrentModel
from plumbline.settings import PredictCaseSettings, from_env


@stage("predict_case")
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """API Gateway's proxy event → its answer."""
    settings = from_env(PredictCaseSettings)
    limits = settings.abstain_below, settings.max_case_tokens
    predictor = CasePredictor(_models(settings), privacy(settings), *limits, fallback(settings, context))
    return respond(event, context, predictor, settings.max_request_bytes)


@functools.cache
def _models(settings: PredictCaseSettings) -> CurrentModel:
    return CurrentModel(
        settings.task,
        registry=AwsModelRegistry(settings.model_parameters, table=""),  # only the pointer is read
        data=S3ObjectStore(settings.data_bucket),
        cache=settings.models_dir,
        refresh_failed=lambda: count("ModelRefreshFailed", 1),
        pointer_seconds=settings.pointer_seconds,
    )

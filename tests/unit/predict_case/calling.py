"""The API called as API Gateway calls it, for the tests of PredictCase."""

import json
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from plumbline.anonymize import Privacy
from plumbline.anonymize.detector import PatternDetector
from plumbline.contracts.api import ErrorAnswer
from plumbline.predict_case import CasePredictor
from plumbline.predict_case.api import respond
from plumbline.predict_case.current import CurrentModel
from plumbline.predict_case.fallback import LanguageModelFallback
from plumbline.predict_case.openapi import ERRORS
from tests.unit.predict_case.models import World

SECRET = "zebrafish"  # what no answer and no log may repeat
CONTEXT = cast("LambdaContext", SimpleNamespace(aws_request_id="lambda-1", get_remaining_time_in_millis=lambda: 20_000))
MAX_BYTES = 1_000_000


def event(method: str, path: str, body: str | None = None, **changes: Any) -> dict[str, Any]:
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": method,
        "headers": {"content-type": "application/x-www-form-urlencoded"},  # what curl -d sends
        "multiValueHeaders": {"content-type": ["application/x-www-form-urlencoded"]},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "requestContext": {"requestId": "api-1", "stage": "v1", "path": f"/v1{path}"},
        "body": body,
        "isBase64Encoded": False,
    } | changes


def predictor(world: World, fallback: LanguageModelFallback | None = None) -> CasePredictor:
    models = CurrentModel("root_cause", registry=world.registry, data=world.data, cache=world.cache)
    return CasePredictor(models, Privacy(PatternDetector()), 0.6, 6000, (lambda: fallback) if fallback else None)


def ask(world: World, *request: Any, fallback: LanguageModelFallback | None = None, **changes: Any) -> dict[str, Any]:
    return respond(event(*request, **changes), CONTEXT, predictor(world, fallback), MAX_BYTES)


def post(world: World, case: Any, **changes: Any) -> dict[str, Any]:
    return ask(world, "POST", "/predictions", json.dumps(case), **changes)


def problem(answer: dict[str, Any], status: int) -> str:
    """The error's code, when the answer is one in the documented shape."""
    assert answer["statusCode"] == status
    assert answer["multiValueHeaders"]["Content-Type"] == ["application/json"]
    assert answer["multiValueHeaders"]["x-request-id"] == ["api-1"]
    error = ErrorAnswer.model_validate_json(answer["body"]).error
    assert error.request_id == "api-1"
    assert error.message
    assert SECRET not in answer["body"]
    if status not in (404, 405):  # said in the description: they belong to no path
        assert error.code in ERRORS[HTTPStatus(status)][1], "not in the OpenAPI document"
    return error.code


def message(answer: dict[str, Any]) -> str:
    return ErrorAnswer.model_validate_json(answer["body"]).error.message


def logged(caplog: pytest.LogCaptureFixture) -> str:
    """Every record with all its fields, tracebacks too."""
    return "\n".join(f"{caplog.handler.format(record)} {vars(record)}" for record in caplog.records)

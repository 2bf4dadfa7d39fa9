"""The REST API: routes, the body's checks, and one shape for every answer that is no success."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any, Final

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response, content_types
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.event_handler.openapi.params import Body
from aws_lambda_powertools.utilities.typing import LambdaContext

from plumbline.contracts.api import ErrorAnswer, Health, Prediction, Problem
from plumbline.contracts.errors import (
    DetectorRefused,
    DetectorUnavailable,
    InvalidEvent,
    InvalidPredictionRequest,
    ModelAccessDenied,
    ModelFileBroken,
    ModelRequestRejected,
    ModelThrottled,
    ModelUnavailable,
    NoModelInService,
    StoreDenied,
    StoreUnavailable,
)
from plumbline.observability import count, logger
from plumbline.predict_case import CasePredictor
from plumbline.predict_case.body import Refused, with_json_body
from plumbline.predict_case.openapi import (
    CASE_EXAMPLES,
    CASES,
    ERRORS,
    EVERYWHERE,
    HEALTHY,
    PREDICTED,
    SERVICE,
    document,
    error_responses,
    page,
)
from plumbline.predict_case.request import WRONG_SHAPE, CaseBody

REQUEST_ID = "x-request-id"
_METHODS: Final = {"/predictions": "POST", "/health": "GET", "/openapi.json": "GET", "/swagger": "GET"}
_CODES: dict[type[Exception], tuple[HTTPStatus, str]] = {
    InvalidPredictionRequest: (HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_case"),
    NoModelInService: (HTTPStatus.SERVICE_UNAVAILABLE, "no_model"),
    ModelFileBroken: (HTTPStatus.SERVICE_UNAVAILABLE, "model_unavailable"),
    ModelThrottled: (HTTPStatus.SERVICE_UNAVAILABLE, "language_model_unavailable"),
    ModelUnavailable: (HTTPStatus.SERVICE_UNAVAILABLE, "language_model_unavailable"),
    ModelAccessDenied: (HTTPStatus.SERVICE_UNAVAILABLE, "language_model_unavailable"),
    ModelRequestRejected: (HTTPStatus.SERVICE_UNAVAILABLE, "language_model_unavailable"),
}

app = APIGatewayRestResolver(enable_validation=True, debug=False)


def respond(
    event: Mapping[str, Any], context: LambdaContext, predictor: CasePredictor, max_bytes: int
) -> dict[str, Any]:
    """API Gateway's proxy event → its answer; every failure has ErrorAnswer's shape. Raises InvalidEvent alone.

    HEAD is answered as GET without the body.
    """
    if not (isinstance(event.get("requestContext"), Mapping) and isinstance(event.get("httpMethod"), str)):
        raise InvalidEvent("not a proxy event of API Gateway (REST); events/predict_case shows one")
    request_id = str(event["requestContext"].get("requestId") or context.aws_request_id)
    logger.append_keys(api_request_id=request_id)
    app.context.update(predictor=predictor, request_id=request_id)
    path, method = str(event.get("path") or "").rstrip("/"), event["httpMethod"]
    if method == "HEAD" and _METHODS.get(path) == "GET":
        event = {**event, "httpMethod": "GET"}
    try:
        takes_body = (method, path) == ("POST", "/predictions")
        answer = app.resolve(with_json_body(event, max_bytes) if takes_body else dict(event), context)
    except Exception as error:  # noqa: BLE001 - Powertools' own faults, too, are answered in the documented shape
        answer = _proxied(_failure(error, request_id))
    finally:
        app.context.clear()
    answer["multiValueHeaders"] = {**answer.get("multiValueHeaders", {}), REQUEST_ID: [request_id]}
    return answer if method != "HEAD" else {**answer, "body": ""}


@app.post(
    "/predictions",
    summary="Predict the category of one case",
    operation_id="predict",
    tags=[CASES],
    description="Below the stack's threshold the model abstains: `category` is null, and `abstained` says so.",
    responses={200: PREDICTED, **error_responses(frozenset(ERRORS))},
)
def predictions(case: Annotated[CaseBody, Body(openapi_examples=CASE_EXAMPLES)]) -> Prediction:  # noqa: ARG001 - validated; the row is taken raw,
    # because pydantic cannot write back what lies nested deep in a field that nobody reads.
    """One case in, one category out."""
    predictor: CasePredictor = app.context["predictor"]
    prediction = predictor.predict(app.current_event.json_body, app.context["request_id"])
    count("PredictionsAbstained" if prediction.abstained else "PredictionsMade", 1)
    return prediction


@app.get(
    "/health",
    summary="Whether cases can be predicted, and by which model",
    operation_id="health",
    tags=[SERVICE],
    description="`ok` with the model's version, or why there is none. Loads no model.",
    responses={200: HEALTHY, **error_responses(EVERYWHERE)},
)
def health() -> Health:
    """Whether a case could be answered."""
    predictor: CasePredictor = app.context["predictor"]
    return predictor.health()


@app.get("/openapi.json", include_in_schema=False)
def openapi() -> Response[str]:
    """This API's description; the page at /swagger shows the same one."""
    return Response(int(HTTPStatus.OK), content_types.APPLICATION_JSON, json.dumps(document(app, _base())))


@app.get("/swagger", include_in_schema=False)
def swagger() -> Response[str]:
    """A page for people; one call can be tried out there where no signature is wanted."""
    return Response(int(HTTPStatus.OK), f"{content_types.TEXT_HTML}; charset=utf-8", page(document(app, _base())))


def _base() -> str:
    stage = app.current_event.request_context.stage
    path = str(app.current_event.request_context.path or "")
    return f"/{stage}" if path.startswith(f"/{stage}/") else "/"


@app.not_found
def _not_found(_: NotFoundError) -> Response[str]:
    path, known = app.current_event.path.rstrip("/"), ", ".join(f"{verb} {path}" for path, verb in _METHODS.items())
    if path in _METHODS:
        message = f"this path takes {_METHODS[path]}; there are {known}"
        refused = Refused(HTTPStatus.METHOD_NOT_ALLOWED, "method_not_allowed", message)
        return _answered(refused, headers={"Allow": _METHODS[path]})
    return _answered(Refused(HTTPStatus.NOT_FOUND, "not_found", f"there is no such path; there are {known}"))


def _invalid(error: RequestValidationError) -> Response[str]:
    # Only what `request` itself says: pydantic's own messages may quote.
    said = [str(fault["msg"]) for fault in error.errors() if fault["type"] == WRONG_SHAPE]
    # What else it can find is a name that is no text: half of a surrogate pair.
    what = "; ".join(said) or "a field's name holds half of a surrogate pair, which is no character"
    message = f"{what}; send one JSON object with `subject` (text) and `messages` (a list of {{role, text, at}})"
    return _answered(Refused(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_request", message))


def _failed(error: Exception) -> Response[str]:
    return _failure(error, app.context["request_id"])


def _answered(refused: Refused, headers: Mapping[str, str] | None = None) -> Response[str]:
    return _error(refused, app.context["request_id"], headers)


def _failure(error: Exception, request_id: str) -> Response[str]:
    """The answer for an error. Ours say what to do and quote no case; a stranger's message stays unsaid."""
    if isinstance(error, Refused):
        return _error(error, request_id)
    for kind, (status, code) in _CODES.items():
        if isinstance(error, kind):
            if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                logger.error("not answered", extra={"error": kind.__name__, "why": str(error)})
            return _error(Refused(status, code, str(error)), request_id)
    if isinstance(error, DetectorUnavailable | DetectorRefused):
        logger.error("not anonymized", extra={"error": type(error).__name__, "why": str(error)})
        message = "personal data cannot be looked for at the moment; try again in a minute"
        return _error(Refused(HTTPStatus.SERVICE_UNAVAILABLE, "detector_unavailable", message), request_id)
    if isinstance(error, StoreUnavailable | StoreDenied):  # names buckets and parameters: for the log alone
        logger.error("model not reached", extra={"error": type(error).__name__, "why": str(error)})
        message = "the model in service cannot be reached; try again in a minute"
        return _error(Refused(HTTPStatus.SERVICE_UNAVAILABLE, "model_unavailable", message), request_id)
    logger.error("unexpected error", extra={"error": type(error).__name__})
    message = "an unexpected fault of the service; tell its operator this request id"
    return _error(Refused(HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error", message), request_id)


def _error(refused: Refused, request_id: str, headers: Mapping[str, str] | None = None) -> Response[str]:
    count("RequestsRefused" if refused.status < HTTPStatus.INTERNAL_SERVER_ERROR else "RequestsFailed", 1)
    problem = Problem(code=refused.code, message=refused.message, request_id=request_id)
    body = ErrorAnswer(error=problem).model_dump_json()
    return Response(int(refused.status), content_types.APPLICATION_JSON, body, headers=dict(headers or {}))


def _proxied(response: Response[str]) -> dict[str, Any]:
    return {
        "statusCode": response.status_code,
        "multiValueHeaders": {"Content-Type": [content_types.APPLICATION_JSON]},
        "body": response.body,
        "isBase64Encoded": False,
    }


app.exception_handler(RequestValidationError)(_invalid)
app.exception_handler(Exception)(_failed)

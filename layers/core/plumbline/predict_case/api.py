"""The REST API: routes, the body's checks, and one shape for every answer that is no success."""

import functools
from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response, content_types
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.event_handler.openapi.params import Body
from aws_lambda_powertools.utilities.typing import LambdaContext

from plumbline.contracts.api import ErrorAnswer, Health, Prediction, Problem
from plumbline.contracts.errors import (
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
from plumbline.predict_case.request import CaseBody

REQUEST_ID = "x-request-id"
_METHODS = {"/predictions": "POST", "/health": "GET", "/openapi.json": "GET", "/swagger": "GET"}
_ABOUT: dict[str, Any] = {
    "title": "Plumbline",
    "version": "1",
    "description": (
        "What is the root cause of this support case? Personal data is masked before a model reads the case, and no "
        "text of it is logged. On AWS every call is signed (IAM, service `execute-api`)."
    ),
}
_MEANING = {
    HTTPStatus.BAD_REQUEST: "`empty_body`, `invalid_encoding` or `invalid_json`: the body is no JSON text",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "`case_too_large`: the body is above the limit",
    HTTPStatus.UNPROCESSABLE_ENTITY: "`invalid_request` or `invalid_case`: no case can be read from the body",
    HTTPStatus.INTERNAL_SERVER_ERROR: "`internal_error`: a fault of the service; its log has the request id",
    HTTPStatus.SERVICE_UNAVAILABLE: "`no_model`, `model_unavailable` or `language_model_unavailable`: try again later",
}
_RESPONSES: Any = {
    int(status): {"description": meaning, "content": {content_types.APPLICATION_JSON: {"model": ErrorAnswer}}}
    for status, meaning in _MEANING.items()
}
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


@functools.cache
def _with_swagger() -> None:
    """Make the page, at its first call: a third of a cold start is no price for what is hardly ever asked."""
    app.enable_swagger(path="/swagger", **_ABOUT)


def respond(
    event: Mapping[str, Any], context: LambdaContext, predictor: CasePredictor, max_bytes: int
) -> dict[str, Any]:
    """API Gateway's proxy event → its answer; every failure has ErrorAnswer's shape. Raises InvalidEvent alone."""
    if not (isinstance(event.get("requestContext"), Mapping) and isinstance(event.get("httpMethod"), str)):
        raise InvalidEvent("not a proxy event of API Gateway (REST); events/predict_case shows one")
    request_id = str(event["requestContext"].get("requestId") or context.aws_request_id)
    logger.append_keys(api_request_id=request_id)
    app.context.update(predictor=predictor, request_id=request_id)
    path = str(event.get("path", "")).rstrip("/")
    try:
        if path == "/swagger":
            _with_swagger()
        takes_body = (event["httpMethod"], path) == ("POST", "/predictions")
        answer = app.resolve(with_json_body(event, max_bytes) if takes_body else dict(event), context)
    except Exception as error:  # noqa: BLE001 - Powertools' own faults, too, are answered in the documented shape
        answer = _proxied(_failure(error, request_id))
    finally:
        app.context.clear()
    answer["multiValueHeaders"] = {**answer.get("multiValueHeaders", {}), REQUEST_ID: [request_id]}
    return answer


@app.post(
    "/predictions",
    summary="Predict the category of one case",
    response_description="The category, or none where the model is not sure enough",
    responses={200: {"description": "The prediction"}, **_RESPONSES},
)
def predictions(case: Annotated[CaseBody, Body()]) -> Prediction:  # noqa: ARG001 - validated; the row is taken raw,
    # because pydantic cannot write back what lies nested deep in a field that nobody reads.
    """One case in, one category out. Below the stack's threshold the model abstains: `category` is null then."""
    predictor: CasePredictor = app.context["predictor"]
    prediction = predictor.predict(app.current_event.json_body, app.context["request_id"])
    count("PredictionsAbstained" if prediction.abstained else "PredictionsMade", 1)
    return prediction


@app.get(
    "/health",
    summary="Whether cases can be predicted, and by which model",
    # 422 stands for every route in what Powertools writes; here at least in the shape of all errors.
    responses={
        200: {"description": "Also where there is no model: `status` says it"},
        **{status: _RESPONSES[status] for status in (422, 500)},
    },
)
def health() -> Health:
    """`ok` with the model's version, or why there is none. Loads no model."""
    predictor: CasePredictor = app.context["predictor"]
    return predictor.health()


@app.get("/openapi.json", include_in_schema=False)
def openapi() -> Response[str]:
    """This API's description; the page at /swagger shows the same one."""
    from aws_lambda_powertools.event_handler.openapi.models import Server  # noqa: PLC0415 - slow to import

    stage = app.current_event.request_context.stage
    path = str(app.current_event.request_context.path or "")
    base = f"/{stage}" if path.startswith(f"/{stage}/") else "/"
    schema = app.get_openapi_json_schema(servers=[Server(url=base)], **_ABOUT)
    return Response(int(HTTPStatus.OK), content_types.APPLICATION_JSON, schema)


@app.not_found
def _not_found(_: NotFoundError) -> Response[str]:
    path, known = app.current_event.path.rstrip("/"), ", ".join(f"{verb} {path}" for path, verb in _METHODS.items())
    if path in _METHODS:
        message = f"this path takes {_METHODS[path]}; there are {known}"
        refused = Refused(HTTPStatus.METHOD_NOT_ALLOWED, "method_not_allowed", message)
        return _answered(refused, headers={"Allow": _METHODS[path]})
    return _answered(Refused(HTTPStatus.NOT_FOUND, "not_found", f"there is no such path; there are {known}"))


def _invalid(error: RequestValidationError) -> Response[str]:
    # Places and kinds only: pydantic's messages may quote, and a place may be a name that the caller made up.
    fields = {str(part) for fault in error.errors() for part in fault["loc"][1:2]} & set(CaseBody.model_fields)
    what = f"wrong type of {', '.join(sorted(fields))}" if fields else "the body is no case"
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

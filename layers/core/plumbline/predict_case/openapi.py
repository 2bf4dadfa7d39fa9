"""The API's description for people and programs: an OpenAPI document, and a page that shows it.

The errors stand here once; `docs/api.md` and a test hold them against what the API answers.
"""

import json
from collections.abc import Mapping
from http import HTTPStatus
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from aws_lambda_powertools.event_handler import content_types

import plumbline
from plumbline.contracts.api import ErrorAnswer, Health, Prediction
from plumbline.predict_case.request import CONVERSATION, EXPORT_ROW

if TYPE_CHECKING:
    from aws_lambda_powertools.event_handler import APIGatewayRestResolver

CASES, SERVICE = "Cases", "Service"
_TAGS: Final = {
    CASES: "Predicting the root cause of a case.",
    SERVICE: "Whether a model serves.",
}
_REQUEST_ID: Final = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"
_DESCRIPTION: Final = """\
What is the root cause of this support case? Personal data is masked before a model reads the case, and no text of it \
is logged.

On AWS every call is signed (SigV4, service `execute-api`), so *Try it out* works only on the local stack, which \
checks no signature.

Every answer that is no success is an `ErrorAnswer`. Besides those listed at each call: another path is answered 404 \
`not_found`, another method 405 `method_not_allowed`."""

# status → what it means, and for each code an example of its message. API Gateway's own are those of template.yaml.
ERRORS: Final[Mapping[HTTPStatus, tuple[str, Mapping[str, str]]]] = {
    HTTPStatus.BAD_REQUEST: (
        "The body is not JSON.",
        {
            "empty_body": "the request has no body; send one case as a JSON object",
            "invalid_encoding": "the body is not UTF-8; send UTF-8 text",
            "invalid_json": "NaN and Infinity are no JSON; send null or leave the field out",
            "refused": "API Gateway refused the call before it was read: BAD_REQUEST_BODY",
        },
    ),
    HTTPStatus.FORBIDDEN: (
        "The call is not signed, signed wrong, or the signer may not call this (AWS only).",
        {"not_allowed": "the signer may not call this path; allow it execute-api:Invoke"},
    ),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: (
        "The case is above a limit.",
        {
            "case_too_large": "the body is above 1,000,000 bytes; of a long conversation its beginning and end are "
            "enough"
        },
    ),
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: (
        "The body is compressed. Its content type does not matter.",
        {"unsupported_encoding": "a compressed body is not read; send it without Content-Encoding"},
    ),
    HTTPStatus.UNPROCESSABLE_ENTITY: (
        "JSON from which no case can be read. The message names the field.",
        {
            "invalid_request": "`messages[1].text` is a list where a text is expected; send one JSON object with "
            "`subject` (text) and `messages` (a list of {role, text, at})",
            "invalid_case": "no text was found: send `subject` and `messages` (a list of {role, text, at}), or a row "
            "of an export with its columns' names; docs/case-files.md says which names are known",
        },
    ),
    HTTPStatus.TOO_MANY_REQUESTS: (
        "More calls than the stack or the account takes.",
        {"throttled": "too many calls at a time; try again in seconds"},
    ),
    HTTPStatus.INTERNAL_SERVER_ERROR: (
        "A fault of the service.",
        {"internal_error": "an unexpected fault of the service; tell its operator this request id"},
    ),
    HTTPStatus.BAD_GATEWAY: (
        "The function failed before it could answer.",
        {"internal_error": "an unexpected fault of the service; tell its operator this request id"},
    ),
    HTTPStatus.SERVICE_UNAVAILABLE: (
        "There is no model to ask.",
        {
            "no_model": "no model has been promoted yet; `plumbline train` trains and promotes one",
            "model_unavailable": "the model in service cannot be reached; try again in a minute",
            "detector_unavailable": "personal data cannot be looked for at the moment; try again in a minute",
            "language_model_unavailable": "the language model asks for fewer calls; try again later",
        },
    ),
    HTTPStatus.GATEWAY_TIMEOUT: (
        "There was no answer within 29 seconds.",
        {"timeout": "there was no answer within 29 seconds; try again"},
    ),
}
# What any path can be answered, whatever it does.
EVERYWHERE: Final = frozenset(
    (
        HTTPStatus.FORBIDDEN,
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.GATEWAY_TIMEOUT,
    )
)
CASE_EXAMPLES: Final[dict[str, Any]] = {
    "conversation": {"summary": "A conversation", "value": CONVERSATION},
    "export_row": {"summary": "A row of an export, with its own columns", "value": EXPORT_ROW},
}
_ANSWERED: Final = {
    "category": "Billing Inquiry",
    "confidence": 0.93,
    "alternatives": [{"category": "Software Defect", "confidence": 0.04}],
    "abstained": False,
    "model_version": "plumbline-root-cause-d20261122-1f3a",
    "anonymized_entities": {"NAME": 2, "PHONE": 1},
    "request_id": _REQUEST_ID,
}
_GUESSES: Final = [
    {"category": "Billing Inquiry", "confidence": 0.41},
    {"category": "Customer Education", "confidence": 0.33},
]
PREDICTED: Final[Any] = {
    "description": "The category, or none where the model is not sure enough.",
    "content": {
        content_types.APPLICATION_JSON: {
            "model": Prediction,
            "examples": {
                "answered": {"summary": "A category", "value": _ANSWERED},
                "abstained": {
                    "summary": "The model abstains: no category, its best guess leads the alternatives",
                    "value": _ANSWERED
                    | {"category": None, "confidence": 0.41, "alternatives": _GUESSES, "abstained": True},
                },
            },
        }
    },
}
HEALTHY: Final[Any] = {
    "description": "Also where no case can be predicted: `status` says so.",
    "content": {
        content_types.APPLICATION_JSON: {
            "model": Health,
            "examples": {
                "ok": {
                    "summary": "A model serves",
                    "value": {"status": "ok", "model_version": "plumbline-root-cause-d20261122-1f3a"},
                },
                "no_model": {
                    "summary": "Nothing is promoted yet",
                    "value": {"status": "no_model", "model_version": None},
                },
            },
        }
    },
}


def error_responses(statuses: frozenset[HTTPStatus]) -> dict[int, Any]:
    """What Powertools documents for these statuses: the one error shape, with an example a code."""
    return {
        int(status): {
            "description": f"{meaning} {', '.join(f'`{code}`' for code in messages)}",
            "content": {
                content_types.APPLICATION_JSON: {
                    "model": ErrorAnswer,
                    "examples": {code: _error(code, message) for code, message in messages.items()},
                }
            },
        }
        for status, (meaning, messages) in sorted(ERRORS.items())
        if status in statuses
    }


def _error(code: str, message: str) -> dict[str, Any]:
    return {"summary": code, "value": {"error": {"code": code, "message": message, "request_id": _REQUEST_ID}}}


def document(app: "APIGatewayRestResolver", base: str) -> dict[str, Any]:
    """The OpenAPI document of the app's routes, served under the path `base`."""
    from aws_lambda_powertools.event_handler.openapi.models import Server, Tag  # noqa: PLC0415 - slow to import

    made = app.get_openapi_json_schema(
        title="Plumbline: root causes of support cases",
        version=plumbline.__version__,
        description=_DESCRIPTION,
        tags=[Tag(name=name, description=what) for name, what in _TAGS.items()],
        servers=[Server(url=base)],
    )
    found: dict[str, Any] = json.loads(made)
    for path in found["paths"].values():
        for operation in path.values():
            operation["responses"] = _in_order(operation["responses"], takes_body="requestBody" in operation)
    _drop_unused(found)
    return found


def _in_order(responses: dict[str, Any], *, takes_body: bool) -> dict[str, Any]:
    # Powertools documents a 422 of its own shape at every route, also where there is nothing to validate.
    return {status: responses[status] for status in sorted(responses) if takes_body or status != "422"}


def _drop_unused(found: dict[str, Any]) -> None:
    """Leave out the schemas that nothing refers to: Powertools adds those of its own errors."""
    schemas = found["components"]["schemas"]
    while unused := [name for name in schemas if f'"#/components/schemas/{name}"' not in json.dumps(found)]:
        for name in unused:
            del schemas[name]


def page(described: Mapping[str, Any]) -> str:
    """An HTML page that shows the document; it needs no other site."""
    shipped = files("aws_lambda_powertools.event_handler.openapi.swagger_ui")
    parts = {
        "TITLE": str(described["info"]["title"]),
        "CSS": shipped.joinpath("swagger-ui.min.css").read_text("utf-8"),
        "SCRIPT": shipped.joinpath("swagger-ui-bundle.min.js").read_text("utf-8"),
        "DOCUMENT": json.dumps(described).replace("<", "\\u003c"),
    }
    text = _PAGE
    for name, part in parts.items():
        text = text.replace(f"%{name}%", part, 1)
    return text


_PAGE: Final = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>%TITLE%</title>
<style>%CSS%</style>
<style>
/* No call links to another, and all answers are JSON: both columns would only narrow what is to be read. */
body { margin: 0; }
.swagger-ui .info { margin: 30px 0 20px; }
.swagger-ui .scheme-container { margin: 0 0 10px; padding: 15px 0; }
.swagger-ui .response-col_links, .swagger-ui .response-control-media-type { display: none; }
.swagger-ui .response-control-examples select { min-width: 12em; max-width: 100%; }
@media (max-width: 640px) {
  .swagger-ui .info .title { font-size: 26px; }
  .swagger-ui .info .title code, .swagger-ui .markdown code { padding: 0 3px; }
  .swagger-ui .opblock-description-wrapper, .swagger-ui .responses-inner { padding: 10px; }
  .swagger-ui table tbody tr td:first-of-type, .swagger-ui .response-col_status { min-width: 3em; padding-right: 8px; }
  .swagger-ui .response-col_description { width: 100%; }
}
</style>
</head>
<body>
<div id="swagger-ui">Loading…</div>
<script>%SCRIPT%</script>
<script>
SwaggerUIBundle({
  dom_id: "#swagger-ui",
  spec: %DOCUMENT%,
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
});
</script>
</body>
</html>
"""

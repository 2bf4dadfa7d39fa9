"""The body of a request, before anything is made of it: present, not too large, UTF-8, JSON, an object."""

import base64
import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import content_types


class Refused(Exception):
    """A request that is answered with an error. The message says what to do and quotes nothing of the request."""

    def __init__(self, status: HTTPStatus, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def with_json_body(event: Mapping[str, Any], max_bytes: int) -> dict[str, Any]:
    """The proxy event with its body as JSON text, whatever content type it came under. Raises Refused."""
    text = _text(event, max_bytes)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):  # also a number of thousands of digits, and 100,000 brackets
        raise Refused(
            HTTPStatus.BAD_REQUEST,
            "invalid_json",
            "the body is no JSON (inside a text, a line break is written \\n and another control character \\uXXXX)",
        ) from None
    if not isinstance(value, dict):
        raise Refused(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "invalid_request",
            "the body must be one JSON object, one case; for many cases run `plumbline predict-batch`",
        )
    json_type = {"Content-Type": content_types.APPLICATION_JSON}
    rest = {name: value for name, value in (event.get("headers") or {}).items() if name.lower() != "content-type"}
    return {**event, "body": text, "isBase64Encoded": False, "headers": rest | json_type}


def _text(event: Mapping[str, Any], max_bytes: int) -> str:
    body = event.get("body")
    if not isinstance(body, str) or not body:
        raise Refused(HTTPStatus.BAD_REQUEST, "empty_body", "the request has no body; send one case as a JSON object")
    encoded = bool(event.get("isBase64Encoded"))
    if len(body) > (max_bytes + 2) * 4 // 3 + 4:  # before anything is copied
        raise _too_large(max_bytes)
    try:
        data = base64.b64decode(body, validate=True) if encoded else body.encode()
        if len(data) > max_bytes:
            raise _too_large(max_bytes)
        return data.decode("utf-8-sig")
    except ValueError:  # no base64, or no UTF-8
        raise Refused(HTTPStatus.BAD_REQUEST, "invalid_encoding", "the body is not UTF-8; send UTF-8 text") from None


def _too_large(max_bytes: int) -> Refused:
    return Refused(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "case_too_large",
        f"the body is above {max_bytes:,} bytes; of a long conversation its beginning and end are enough",
    )

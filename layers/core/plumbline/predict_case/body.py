"""The body of a request, before anything is made of it: present, not too large, UTF-8, JSON, an object.

The content type is not looked at: what `curl -d` sends says that it is a form.
"""

import base64
import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NoReturn

from aws_lambda_powertools.event_handler import content_types

# Of a body below the limit in bytes: a conversation of thousands of messages in a helpdesk's longest rows. More would
# keep a core busy for seconds before a model reads a word of it.
MAX_VALUES = 30_000
# Below what any Python's recursion limit lets through, so that the answer does not depend on where the code runs.
MAX_LEVELS = 500


class Refused(Exception):
    """A request that is answered with an error. The message says what to do and quotes nothing of the request."""

    def __init__(self, status: HTTPStatus, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


class _NoJson(ValueError):
    """What Python's reader would let pass and JSON does not, or not in a way that all readers understand alike."""


def with_json_body(event: Mapping[str, Any], max_bytes: int) -> dict[str, Any]:
    """The proxy event with its body as JSON text, whatever content type it came under. Raises Refused."""
    headers = {str(name).lower(): value for name, value in (event.get("headers") or {}).items()}
    if headers.get("content-encoding") not in (None, "", "identity"):
        message = "a compressed body is not read; send it without Content-Encoding"
        raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported_encoding", message)
    text = _text(event, max_bytes)
    value = _value(text)
    if not isinstance(value, dict):
        raise Refused(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "invalid_request",
            "the body must be one JSON object, one case; for many cases run `plumbline predict-batch`",
        )
    _check_size(value)
    headers["content-type"] = content_types.APPLICATION_JSON
    return {**event, "body": text, "isBase64Encoded": False, "headers": headers}


def _value(text: str) -> object:
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_refuse_constant)
    except RecursionError:
        raise _too_deep() from None
    except _NoJson as error:
        raise Refused(HTTPStatus.BAD_REQUEST, "invalid_json", str(error)) from None
    except ValueError:  # also a number of thousands of digits
        raise Refused(
            HTTPStatus.BAD_REQUEST,
            "invalid_json",
            "the body is no JSON (inside a text, a line break is written \\n and another control character \\uXXXX)",
        ) from None


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):  # readers differ in which one they take; a text would be lost without a word
        raise _NoJson("an object of the body has two fields of one name; give each field once")
    return found


def _refuse_constant(_: str) -> NoReturn:
    raise _NoJson("NaN and Infinity are no JSON; send null or leave the field out")


def _check_size(value: object) -> None:
    """Raises Refused for a body of too many values or levels; level by level, so that nothing recurses."""
    level, values = [value], 0
    for _ in range(MAX_LEVELS):
        inside = [child for node in level for child in (node.values() if isinstance(node, dict) else _items(node))]
        values += len(inside)
        if values > MAX_VALUES:
            raise Refused(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                "case_too_large",
                f"the body holds more than {MAX_VALUES:,} values; of a long conversation its beginning and end are "
                "enough",
            )
        level = [child for child in inside if isinstance(child, dict | list)]
        if not level:
            return
    raise _too_deep()


def _items(node: object) -> list[object]:
    return node if isinstance(node, list) else []


def _too_deep() -> Refused:
    message = f"the body is nested more than {MAX_LEVELS} levels deep; send the case's own fields"
    return Refused(HTTPStatus.BAD_REQUEST, "invalid_json", message)


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

"""API Gateway's place: an HTTP server in front of the functions, built from a translated template's REST APIs.

What it takes from the template: paths, methods, stage, the function behind each, and the answers that API Gateway gives
by itself. It checks no signature: there is nobody to keep out on this machine's loopback. So where nothing stands at a
path it says that, with API Gateway's status (403) and not with its words, which are about signing.
"""

import base64
import json
import logging
import re
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Self
from urllib.parse import parse_qsl, unquote

from local.request_body import BadBody, BodyTooLarge, read_body
from plumbline.contracts.api import ErrorAnswer, Problem

_log = logging.getLogger(__name__)
# Lambda's limit for an event, and how long API Gateway waits.
MAX_EVENT_BYTES: Final = 6_291_556
INTEGRATION_SECONDS: Final = 29.0
_HOST: Final = "127.0.0.1"
_ANY: Final = "x-amazon-apigateway-any-method"
_FUNCTION = re.compile(r"functions/\$\{([A-Za-z0-9]+)\.Arn\}/invocations")

# Calls a function by its logical id: event as JSON → its answer as JSON, None when it failed. TimeoutError: too slow.
Invoke = Callable[[str, bytes], bytes | None]


@dataclass(frozen=True)
class Route:
    """One path of an API. `method` is ANY for all of them; `function` is a logical id."""

    resource: str
    method: str
    function: str

    @property
    def pattern(self) -> re.Pattern[str]:
        """What a path has to look like; its groups are the path's parameters."""
        parts = re.split(r"\{(\w+)(\+?)\}", self.resource)
        texts = [re.escape(text) for text in parts[0::3]]
        groups = [f"(?P<{name}>{'.+' if greedy else '[^/]+'})" for name, greedy in zip(*_in_pairs(parts), strict=True)]
        return re.compile("".join(text + group for text, group in zip(texts, [*groups, ""], strict=True)))


def _in_pairs(parts: list[str]) -> tuple[list[str], list[str]]:
    return parts[1::3], parts[2::3]


@dataclass(frozen=True)
class RestApi:
    """One REST API of a template. `own_answers` are those of API Gateway itself, by their response type."""

    logical_id: str
    stage: str
    routes: tuple[Route, ...]
    own_answers: Mapping[str, Mapping[str, Any]]

    def route(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """The most specific route, as API Gateway chooses it, with the path's parameters; None without one."""
        for route in sorted(self.routes, key=lambda route: ("{" in route.resource, "+}" in route.resource)):
            found = route.pattern.fullmatch(path)
            if found and route.method in (method, "ANY"):
                return route, {name: unquote(value) for name, value in found.groupdict().items()}
        return None


def rest_apis(template: Mapping[str, Any]) -> list[RestApi]:
    """Every REST API of a translated template that has a stage and functions behind it."""
    resources = template["Resources"]
    stages = {
        body["Properties"]["RestApiId"]["Ref"]: str(body["Properties"]["StageName"])
        for body in resources.values()
        if body["Type"] == "AWS::ApiGateway::Stage"
    }
    return [
        RestApi(
            logical_id=name,
            stage=stages[name],
            routes=tuple(_routes(body["Properties"]["Body"])),
            own_answers=body["Properties"]["Body"].get("x-amazon-apigateway-gateway-responses", {}),
        )
        for name, body in resources.items()
        if body["Type"] == "AWS::ApiGateway::RestApi" and name in stages
    ]


def _routes(body: Mapping[str, Any]) -> Iterator[Route]:
    for path, methods in body["paths"].items():
        for method, operation in methods.items():
            uri = operation.get("x-amazon-apigateway-integration", {}).get("uri", {})
            if found := _FUNCTION.search(str(uri.get("Fn::Sub", "") if isinstance(uri, Mapping) else uri)):
                yield Route(path, "ANY" if method == _ANY else method.upper(), found[1])


class ApiFront:
    """Serves one REST API on loopback; a free port unless one is given."""

    def __init__(self, api: RestApi, invoke: Invoke, port: int = 0) -> None:
        self.api = api
        self._server = _Server(api, invoke, port)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="api-front", daemon=True
        )

    @property
    def url(self) -> str:
        """Where the API's stage is."""
        return f"http://{_HOST}:{self._server.server_address[1]}/{self.api.stage}"

    def start(self) -> Self:
        """Serve, in a thread of its own."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Take no more calls."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, api: RestApi, invoke: Invoke, port: int) -> None:
        self.api = api
        self.invoke = invoke
        super().__init__((_HOST, port), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        """Mostly a client that went away."""
        _log.info("a connection to the API broke off")


class _Refusal(Exception):
    """What API Gateway answers without asking a function: its response type, the status, its own words."""

    def __init__(self, kind: str, status: int, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.status = status
        self.message = message


class _Nowhere(_Refusal):
    """No function stands at the path."""

    def __init__(self, message: str) -> None:
        super().__init__("MISSING_AUTHENTICATION_TOKEN", HTTPStatus.FORBIDDEN, message)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    request_id = ""
    timeout = 60  # seconds without a byte of a request, after which its thread gives up
    protocol_version = "HTTP/1.1"  # for clients that ask before they send a large body
    wbufsize = 64 * 1024
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """Any method: the routes tell them apart."""
        self.request_id = str(uuid.uuid4())
        try:
            self._send(*self._proxy(self._read_body()))
        except _Refusal as refusal:
            self._send(*self._own_answer(refusal))

    do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = do_GET  # noqa: N815 - http.server's names

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """What http.server itself refuses: another method, or what is no HTTP. Its page would be HTML."""
        self.request_id, self.request_version = str(uuid.uuid4()), self.protocol_version  # else no headers are sent
        methods = _Nowhere("no path here takes this method; GET, POST, PUT, PATCH, DELETE, HEAD and OPTIONS reach one")
        unread = _Refusal("BAD_REQUEST", int(code), "the request is no HTTP that can be read")
        self._send(*self._own_answer(methods if code == HTTPStatus.NOT_IMPLEMENTED else unread))

    def _send(self, status: int, headers: Mapping[str, list[str]], body: bytes) -> None:
        self.close_connection = True
        self.send_response(status)
        for name, values in headers.items():
            for value in values:
                self.send_header(name, value)
        self.send_header("x-amzn-RequestId", self.request_id)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _read_body(self) -> bytes:
        try:
            return read_body(self.headers, self.rfile)
        except BadBody as error:
            raise _Refusal("BAD_REQUEST_BODY", 400, str(error)) from None
        except BodyTooLarge:
            raise _Refusal("REQUEST_TOO_LARGE", 413, "Request Too Long") from None

    def _proxy(self, body: bytes) -> tuple[int, Mapping[str, list[str]], bytes]:
        """The function's answer. Raises _Refusal."""
        path, _, query = self.path.partition("?")
        prefix = f"/{self.server.api.stage}"
        if not (path == prefix or path.startswith(f"{prefix}/")):
            raise _Nowhere(
                f"nothing stands at this path; every path begins with {prefix}, such as {prefix}/predictions"
            )
        found = self.server.api.route(self.command, path.removeprefix(prefix) or "/")
        if found is None:
            raise _Nowhere(f"nothing stands at this path; below {prefix}/ the answer says which paths there are")
        event = json.dumps(self._event(*found, path.removeprefix(prefix) or "/", query, body)).encode()
        if len(event) > MAX_EVENT_BYTES:
            raise _Refusal("REQUEST_TOO_LARGE", 413, "Request Too Long")
        try:
            answer = self.server.invoke(found[0].function, event)
        except TimeoutError:
            raise _Refusal("INTEGRATION_TIMEOUT", 504, "Endpoint request timed out") from None
        return _read_answer(answer)

    def _event(self, route: Route, parameters: Mapping[str, str], path: str, query: str, body: bytes) -> dict[str, Any]:
        """API Gateway's proxy event, version 1.0."""
        headers = {name: self.headers.get_all(name, []) for name in self.headers}
        queries: dict[str, list[str]] = {}
        for name, value in parse_qsl(query, keep_blank_values=True):
            queries.setdefault(name, []).append(value)
        now = time.time()
        return {
            "resource": route.resource,
            "path": unquote(path),
            "httpMethod": self.command,
            "headers": {name: values[-1] for name, values in headers.items()},
            "multiValueHeaders": headers,
            "queryStringParameters": {name: values[-1] for name, values in queries.items()} or None,
            "multiValueQueryStringParameters": queries or None,
            "pathParameters": dict(parameters) or None,
            "stageVariables": None,
            "requestContext": {
                "accountId": "123456789012",
                "apiId": "local",
                "domainName": self.headers.get("Host", _HOST),
                "httpMethod": self.command,
                "identity": {"sourceIp": self.client_address[0], "userAgent": self.headers.get("User-Agent")},
                "path": f"/{self.server.api.stage}{path}",
                "protocol": self.request_version,
                "requestId": self.request_id,
                "requestTime": datetime.fromtimestamp(now, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000"),
                "requestTimeEpoch": int(now * 1000),
                "resourcePath": route.resource,
                "stage": self.server.api.stage,
            },
            # As API Gateway hands on what it takes for text: bytes that are no UTF-8 become replacement characters.
            "body": body.decode("utf-8", "replace") if body else None,
            "isBase64Encoded": False,
        }

    def _own_answer(self, refusal: _Refusal) -> tuple[int, Mapping[str, list[str]], bytes]:
        if isinstance(refusal, _Nowhere):
            problem = Problem(code="not_found", message=refusal.message, request_id=self.request_id)
            body = ErrorAnswer(error=problem).model_dump_json().encode()
            return refusal.status, {"Content-Type": ["application/json"]}, body
        known = self.server.api.own_answers
        answer = known.get(refusal.kind) or known.get(f"DEFAULT_{refusal.status // 100}XX") or {}
        text = answer.get("responseTemplates", {}).get("application/json", '{"message":$context.error.messageString}')
        values = {
            "$context.error.messageString": json.dumps(refusal.message),
            "$context.error.responseType": refusal.kind,
            "$context.requestId": self.request_id,
        }
        for name, value in values.items():
            text = text.replace(name, value)
        headers = {
            name.removeprefix("gatewayresponse.header."): [values.get(f"${source}", str(source).strip("'"))]
            for name, source in answer.get("responseParameters", {}).items()
        }
        status = int(answer.get("statusCode", refusal.status))
        return status, {**headers, "Content-Type": ["application/json"]}, text.encode()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
        """Nothing: a request line is no log's business."""


def _read_answer(payload: bytes | None) -> tuple[int, Mapping[str, list[str]], bytes]:
    """A function's proxy answer. Raises _Refusal where it failed or is none."""
    try:
        answer = json.loads(payload or b"null")
        headers = {name: [str(value)] for name, value in (answer.get("headers") or {}).items()}
        headers |= {name: [str(v) for v in values] for name, values in (answer.get("multiValueHeaders") or {}).items()}
        body = answer.get("body") or ""
        data = base64.b64decode(body) if answer.get("isBase64Encoded") else body.encode()
        return int(answer["statusCode"]), headers, data
    except (AttributeError, KeyError, TypeError, ValueError):
        raise _Refusal("DEFAULT_5XX", 502, "Internal server error") from None

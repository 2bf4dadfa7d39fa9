"""API Gateway's place: an HTTP server in front of the functions, built from a translated template's REST APIs.

What it takes from the template: paths, methods, stage, the function behind each, and the answers that API Gateway gives
by itself. It checks no signature: there is nobody to keep out on this machine's loopback.
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
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Self
from urllib.parse import parse_qsl, unquote

_log = logging.getLogger(__name__)
# API Gateway's own limits, and Lambda's for an event.
MAX_BODY_BYTES: Final = 10 * 1024 * 1024
MAX_EVENT_BYTES: Final = 6_291_556
INTEGRATION_SECONDS: Final = 29.0
_HOST: Final = "127.0.0.1"
_ANY: Final = "x-amazon-apigateway-any-method"
_FUNCTION = re.compile(r"functions/\$\{([A-Za-z0-9]+)\.Arn\}/invocations")
_CHUNK = 1 << 20

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


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"  # for clients that ask before they send a large body
    wbufsize = 64 * 1024
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """Any method: the routes tell them apart."""
        self.request_id = str(uuid.uuid4())
        try:
            status, headers, body = self._proxy(self._read_body())
        except _Refusal as refusal:
            status, headers, body = self._own_answer(refusal)
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

    do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = do_GET  # noqa: N815 - http.server's names

    def _read_body(self) -> bytes:
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not length.isdecimal():
            raise _Refusal("BAD_REQUEST_BODY", 400, "send a Content-Length")
        if int(length) > MAX_BODY_BYTES:
            left = min(int(length), 10 * MAX_BODY_BYTES)
            while left > 0 and (chunk := self.rfile.read(min(_CHUNK, left))):  # a client reads only when it has sent
                left -= len(chunk)
            raise _Refusal("REQUEST_TOO_LARGE", 413, "Request Too Long")
        return self.rfile.read(int(length))

    def _proxy(self, body: bytes) -> tuple[int, Mapping[str, list[str]], bytes]:
        """The function's answer. Raises _Refusal."""
        path, _, query = self.path.partition("?")
        prefix = f"/{self.server.api.stage}"
        if not (path == prefix or path.startswith(f"{prefix}/")):
            raise _Refusal("ACCESS_DENIED", 403, "Forbidden")
        found = self.server.api.route(self.command, path.removeprefix(prefix) or "/")
        if found is None:
            raise _Refusal("MISSING_AUTHENTICATION_TOKEN", 403, "Missing Authentication Token")
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

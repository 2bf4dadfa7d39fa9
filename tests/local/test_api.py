"""The API front by itself: routes, API Gateway's event, its limits, and its own answers."""

import base64
import json
import socket
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from local import api, request_body
from local.api import ApiFront, RestApi, Route, rest_apis
from local.deploy import supported_part
from plumbline.contracts.api import ErrorAnswer

REST = RestApi(
    "Api",
    "v1",
    (Route("/{proxy+}", "ANY", "Rest"), Route("/cases/{id}", "POST", "Cases"), Route("/cases/new", "POST", "New")),
    {
        "DEFAULT_4XX": {"responseTemplates": {"application/json": '{"why":"$context.error.responseType"}'}},
        "INTEGRATION_TIMEOUT": {
            "responseParameters": {"gatewayresponse.header.x-id": "context.requestId"},
            "responseTemplates": {"application/json": '{"slow":"$context.requestId"}'},
        },
    },
)
Answer = tuple[int, bytes, Any]
Call = Callable[..., Answer]


class Functions:
    """Functions that answer what they are told to, and remember what they were called with."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.answer: bytes | Exception | None = json.dumps({"statusCode": 200, "body": "ok"}).encode()

    def __call__(self, function: str, event: bytes) -> bytes | None:
        self.calls.append((function, json.loads(event)))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def functions() -> Functions:
    return Functions()


@pytest.fixture
def front(functions: Functions) -> Iterator[ApiFront]:
    front = ApiFront(REST, functions).start()
    yield front
    front.stop()


@pytest.fixture
def call(front: ApiFront) -> Call:
    def asks(method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        root = front.url.removesuffix("/v1")
        request = urllib.request.Request(root + path, data=body, method=method, headers=headers)
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, answer.read(), answer.headers
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read(), error.headers

    return asks


def test_a_function_gets_the_event_that_api_gateway_sends(call: Call, functions: Functions) -> None:
    path = "/v1/cases/a%20b?x=1&x=2&y="
    status, body, headers = call("POST", path, "ünï".encode(), **{"X-Thing": "t", "Content-Type": "text/plain"})
    assert (status, body) == (200, b"ok")
    [(function, event)] = functions.calls
    assert function == "Cases"
    assert event["resource"] == "/cases/{id}"
    assert event["path"] == "/cases/a b"
    assert event["pathParameters"] == {"id": "a b"}
    assert event["httpMethod"] == "POST"
    assert event["queryStringParameters"] == {"x": "2", "y": ""}
    assert event["multiValueQueryStringParameters"] == {"x": ["1", "2"], "y": [""]}
    assert event["headers"]["X-Thing"] == "t"
    assert (event["body"], event["isBase64Encoded"]) == ("ünï", False)
    context = event["requestContext"]
    assert (context["stage"], context["path"]) == ("v1", "/v1/cases/a%20b")
    assert context["requestId"] == headers["x-amzn-RequestId"]


@pytest.mark.parametrize(
    ("method", "path", "function"),
    [("POST", "/v1/cases/new", "New"), ("POST", "/v1/cases/7", "Cases"), ("PUT", "/v1/a/b/c", "Rest")],
)
def test_the_most_specific_route_is_taken(
    call: Call, functions: Functions, method: str, path: str, function: str
) -> None:
    call(method, path, b"{}")
    assert functions.calls[0][0] == function


def test_status_headers_and_binary_bodies_come_through(call: Call, functions: Functions) -> None:
    answer = {
        "statusCode": 418,
        "headers": {"A": "1"},
        "multiValueHeaders": {"B": ["2", "3"]},
        "body": base64.b64encode(b"\x00\xff").decode(),
        "isBase64Encoded": True,
    }
    functions.answer = json.dumps(answer).encode()
    status, body, headers = call("GET", "/v1/x")
    assert (status, body, headers["A"], headers.get_all("B")) == (418, b"\x00\xff", "1", ["2", "3"])
    assert call("HEAD", "/v1/x")[1] == b""


@pytest.mark.parametrize("answer", [None, b"null", b"[]", b'{"body": "no status"}', b"not json"])
def test_a_function_that_failed_or_answers_nonsense_is_a_502(
    call: Call, functions: Functions, answer: bytes | None
) -> None:
    functions.answer = answer
    status, body, _ = call("GET", "/v1/x")
    assert (status, json.loads(body)) == (502, {"message": "Internal server error"})


def test_a_function_that_is_too_slow_is_a_504_in_the_templates_words(call: Call, functions: Functions) -> None:
    functions.answer = TimeoutError()
    status, body, headers = call("GET", "/v1/x")
    assert (status, json.loads(body)) == (504, {"slow": headers["x-amzn-RequestId"]})
    assert headers["x-id"] == headers["x-amzn-RequestId"]


@pytest.mark.parametrize(
    ("method", "path", "says"),
    [
        ("GET", "/", "begins with /v1"),
        ("GET", "/v2/x", "begins with /v1"),
        ("GET", "/v1x", "begins with /v1"),
        ("GET", "/v1", "below /v1/"),
        ("TRACE", "/v1/x", "takes this method"),
    ],
)
def test_where_nothing_stands_it_says_so_and_not_that_the_call_is_to_be_signed(
    call: Call, functions: Functions, method: str, path: str, says: str
) -> None:
    status, body, headers = call(method, path)
    error = ErrorAnswer.model_validate_json(body).error
    assert (status, error.code, error.request_id) == (403, "not_found", headers["x-amzn-RequestId"])
    assert says in error.message
    assert "sign" not in error.message
    assert functions.calls == []


def exchange(front_url: str, request: bytes) -> bytes:
    """What the front answers to these bytes."""
    address = urlsplit(front_url)
    with socket.create_connection((address.hostname or "", address.port or 0), timeout=20) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def chunked(body: bytes, **more: str) -> bytes:
    headers = "".join(f"{name}: {value}\r\n" for name, value in more.items())
    return f"POST /v1/x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n{headers}\r\n".encode() + body


def test_a_chunked_body_is_read(front: ApiFront, functions: Functions) -> None:
    body = b'5;note=1\r\n{"a":\r\n009\r\n "\xc3\xbcber"}\r\n0\r\nTrailer: t\r\n\r\n'
    answer = exchange(front.url, chunked(body))
    assert answer.startswith(b"HTTP/1.1 200")
    assert functions.calls[0][1]["body"] == '{"a": "über"}'


@pytest.mark.parametrize(
    "request_bytes",
    [
        chunked(b"zz\r\n"),
        chunked(b""),
        chunked(b"-5\r\nhello\r\n0\r\n\r\n"),
        chunked(b"5\r\nhell"),
        chunked(b"3\r\nhello\r\n0\r\n\r\n"),
        chunked(b"5\r\nhello\r\n0\r\n" + b"a: b\r\n" * 200),
        chunked(b"0\r\n\r\n", **{"Content-Length": "5"}),
        b"POST /v1/x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"POST /v1/x HTTP/1.1\r\nHost: h\r\nContent-Length: -5\r\n\r\nhello",
        b"POST /v1/x HTTP/1.1\r\nHost: h\r\nContent-Length: 50\r\n\r\nhello",
        b"POST /v1/x HTTP/9.9 nonsense\r\n\r\n",
        b"GET /v1/x HTTP/1.1\r\n" + b"a: b\r\n" * 200 + b"\r\n",
    ],
)
def test_what_is_no_request_that_can_be_read_is_refused_as_json(
    front: ApiFront, functions: Functions, request_bytes: bytes
) -> None:
    head, _, body = exchange(front.url, request_bytes).partition(b"\r\n\r\n")
    assert head.split()[1][:1] == b"4"
    assert json.loads(body)["why"] in ("BAD_REQUEST_BODY", "BAD_REQUEST")
    assert functions.calls == []


def test_a_chunked_body_above_the_limit_is_a_413(front: ApiFront, functions: Functions) -> None:
    chunk = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
    answer = exchange(front.url, chunked(chunk * 11 + b"0\r\n\r\n"))
    assert b" 413 " in answer.splitlines()[0]
    assert functions.calls == []


@pytest.mark.parametrize("size", [request_body.MAX_BODY_BYTES + 1, api.MAX_EVENT_BYTES + 1])
def test_what_is_too_large_for_api_gateway_or_lambda_is_a_413(call: Call, functions: Functions, size: int) -> None:
    status, body, _ = call("POST", "/v1/x", b"x" * size)
    assert (status, json.loads(body)) == (413, {"why": "REQUEST_TOO_LARGE"})
    assert functions.calls == []


def test_the_routes_come_from_the_template() -> None:
    integration = {"uri": {"Fn::Sub": "arn:aws:apigateway:r:lambda:path/x/functions/${FooFunction.Arn}/invocations"}}
    template = {
        "Resources": {
            "Api": {
                "Type": "AWS::ApiGateway::RestApi",
                "Properties": {
                    "Body": {"paths": {"/a": {"post": {"x-amazon-apigateway-integration": integration}, "get": {}}}}
                },
            },
            "Stage": {
                "Type": "AWS::ApiGateway::Stage",
                "Properties": {"RestApiId": {"Ref": "Api"}, "StageName": "v7"},
            },
        }
    }
    assert rest_apis(template) == [RestApi("Api", "v7", (Route("/a", "POST", "FooFunction"),), {})]


def test_what_refers_to_a_resource_that_is_left_out_goes_with_it_and_its_url_is_the_fronts() -> None:
    sub = {"Fn::Sub": "https://${Api}.execute-api.aws/v1"}
    template = {
        "Resources": {
            "Api": {"Type": "T::Api"},
            "Key": {"Type": "T::Key"},
            "F": {"Type": "AWS::Lambda::Function"},
            "P": {"Type": "AWS::Lambda::Permission", "Properties": {"SourceArn": sub}},
            "Q": {"Type": "AWS::Lambda::Permission", "Properties": {"SourceArn": {"Ref": "F"}}},
        },
        "Outputs": {"Url": {"Value": sub}, "Key": {"Value": {"Ref": "Key"}}, "F": {"Value": {"Ref": "F"}}},
    }
    kept = supported_part(template, {"AWS::Lambda::Function", "AWS::Lambda::Permission"}, {"Api": "http://here/v1"})
    assert set(kept["Resources"]) == {"F", "Q"}
    assert kept["Outputs"] == {"Url": {"Value": "http://here/v1"}, "F": {"Value": {"Ref": "F"}}}

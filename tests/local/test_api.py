"""The API front by itself: routes, API Gateway's event, its limits, and its own answers."""

import base64
import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from local import api
from local.api import ApiFront, RestApi, Route, rest_apis
from local.deploy import supported_part

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
def call(functions: Functions) -> Iterator[Call]:
    front = ApiFront(REST, functions).start()

    def asks(method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        root = front.url.removesuffix("/v1")
        request = urllib.request.Request(root + path, data=body, method=method, headers=headers)
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, answer.read(), answer.headers
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read(), error.headers

    yield asks
    front.stop()


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
    ("path", "kind"),
    [
        ("/", "ACCESS_DENIED"),
        ("/v2/x", "ACCESS_DENIED"),
        ("/v1x", "ACCESS_DENIED"),
        ("/v1", "MISSING_AUTHENTICATION_TOKEN"),
    ],
)
def test_what_no_route_takes_is_refused(call: Call, functions: Functions, path: str, kind: str) -> None:
    status, body, _ = call("GET", path)
    assert (status, json.loads(body)) == (403, {"why": kind})
    assert functions.calls == []


@pytest.mark.parametrize("size", [api.MAX_BODY_BYTES + 1, api.MAX_EVENT_BYTES + 1])
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

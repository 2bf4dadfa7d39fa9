"""Faults in front of the embedded AWS: which call they take, and what the caller meets."""

import io
import threading
from typing import Any

import pytest

from local.disturbing import CallFault, Disturbances, InvocationFault
from local.workers import Answer, FunctionConfig

S3 = "AWS4-HMAC-SHA256 Credential=local/20260304/us-east-1/s3/aws4_request, SignedHeaders=host"
DYNAMODB = S3.replace("/s3/", "/dynamodb/")
CONFIG = FunctionConfig("stack-Work-1", "arn", "handler", 1.0, 128, {})


class Aws:
    """The embedded AWS with faults in front of it; it notes what it carries out."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.disturbances = Disturbances()
        self._serve = self.disturbances.around(self._application)

    def _application(self, environ: Any, start_response: Any) -> list[bytes]:
        self.done.append(environ["PATH_INFO"] + environ["wsgi.input"].read().decode())
        start_response("400 Bad Request" if environ["PATH_INFO"] == "/refused" else "200 OK", [])
        return [b"done"]

    def call(self, path: str = "/bucket/key", function: str = "WorkFunction", **more: str) -> tuple[str, bytes]:
        status: list[str] = []
        sent = more.pop("sent", "").encode()
        environ = {
            "REQUEST_METHOD": "PUT",
            "PATH_INFO": path,
            "HTTP_AUTHORIZATION": S3,
            "HTTP_USER_AGENT": f"Boto3/1 md/x app/{function}" if function else "Boto3/1",
            "CONTENT_LENGTH": str(len(sent)),
            "wsgi.input": io.BytesIO(sent),
            **more,
        }
        body = b"".join(self._serve(environ, lambda said, _: status.append(said)))
        return status[0], body


@pytest.fixture
def aws() -> Aws:
    return Aws()


def test_without_faults_every_call_is_carried_out(aws: Aws) -> None:
    assert [aws.call() for _ in range(2)] == [("200 OK", b"done")] * 2


def test_a_call_is_taken_by_who_makes_it_what_it_asks_and_how_many_came_before(aws: Aws) -> None:
    fault = CallFault(do="fail", function="WorkFunction", operation="PutObject", contains="/key", calls=(2,))
    aws.disturbances.follow([fault])
    others: list[dict[str, str]] = [
        {"function": "OtherFunction"},
        {"function": ""},  # a test's own client
        {"path": "/bucket/other"},
        {"REQUEST_METHOD": "GET"},
        {"HTTP_AUTHORIZATION": S3.replace("/s3/", "/states/")},
    ]
    assert {aws.call(**other)[0] for other in others for _ in range(3)} == {"200 OK"}
    assert [aws.call()[0][:3] for _ in range(3)] == ["200", "500", "200"]
    assert aws.disturbances.happened == {"fail": 1}
    assert aws.disturbances.acted() == ({0: 1}, {})


def test_a_share_is_drawn_by_the_seed_and_no_more_often_than_it_says(aws: Aws) -> None:
    def drawn(seed: int, times: int | None = None) -> list[str]:
        aws.disturbances.follow([CallFault(do="fail", share=0.3, times=times)], seed=seed)
        return [aws.call()[0][:3] for _ in range(60)]

    assert drawn(1) == drawn(1) != drawn(2)
    assert 5 < drawn(1).count("500") < 35
    assert drawn(1, 3).count("500") == 3


def test_errors_have_the_shape_of_their_service_and_a_lost_answer_was_carried_out(aws: Aws) -> None:
    aws.disturbances.follow([CallFault(do="fail", code="SlowDown")])
    assert aws.call() == ("503 Slow Down", b"<Error><Code>SlowDown</Code><Message>injected</Message></Error>")
    assert aws.done == []
    aws.disturbances.follow([CallFault(do="fail", code="InternalServerError", done=True, contains="the item")])
    to_table = {"HTTP_AUTHORIZATION": DYNAMODB, "HTTP_X_AMZ_TARGET": "DynamoDB_20120810.PutItem"}
    status, body = aws.call("/", sent="the item", **to_table)
    assert status.startswith("500")
    assert b"#InternalServerError" in body
    assert aws.done == ["/the item"]


def test_a_kill_and_a_word_to_the_test_come_before_the_answer(aws: Aws) -> None:
    heard: list[str] = []
    aws.disturbances.kill = heard.append
    kill, tell = CallFault(do="kill", contains="kill"), CallFault(do="tell")
    aws.disturbances.follow([kill, tell], told=lambda fault, _: heard.append(fault.do))
    aws.call("/bucket/kill")
    assert heard == ["WorkFunction", "kill"]
    assert aws.done == []
    assert aws.call() == ("200 OK", b"done")
    assert heard[2:] == ["tell"]


def test_a_test_hears_of_every_call_and_how_it_went(aws: Aws) -> None:
    heard: list[tuple[str, bool]] = []
    faults = [
        CallFault(do="fail", contains="fails"),
        CallFault(do="fail", contains="lost", done=True),
        CallFault(do="kill", contains="dies"),
        CallFault(do="tell", contains="told"),
    ]
    aws.disturbances.follow(faults, heard=lambda call, went_well: heard.append((call.sent, went_well)))
    for path in ("/plain", "/fails", "/lost", "/dies", "/told", "/refused"):
        aws.call(path)
    assert heard == [
        ("/plain", True),
        ("/fails", False),
        ("/lost", True),
        ("/dies", False),
        ("/told", True),
        ("/refused", False),
    ]


@pytest.mark.parametrize(
    ("do", "made", "failed"), [("drop", 0, False), ("double", 2, False), ("fail", 0, True), ("lose", 1, True)]
)
def test_what_becomes_of_an_invocation(do: Any, made: int, failed: bool) -> None:
    invoked: list[bytes] = []

    def invoke(config: FunctionConfig, event: bytes, unless: threading.Event | None = None, /) -> Answer:
        invoked.append(event)
        return Answer(b"{}", failed=False)

    disturbances = Disturbances()
    disturbed = disturbances.invoking(invoke, lambda name: name.split("-")[1])
    disturbances.follow([], [InvocationFault(do=do, function="Work", times=1)])
    answer = disturbed(CONFIG, b"{}")
    assert (len(invoked), answer.failed) == (made, failed)
    assert not disturbed(CONFIG, b"{}").failed

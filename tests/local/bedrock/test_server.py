"""The stand-in over loopback, met by boto3 and by the adapters that run on AWS."""

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.request import Request, urlopen

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local.bedrock import BedrockStandIn
from local.bedrock.answering import STATUS
from plumbline.adapters.bedrock import ConverseModel, MessagesModel
from plumbline.contracts.errors import ModelAccessDenied, ModelRequestRejected, ModelThrottled, ModelUnavailable
from plumbline.contracts.replies import ModelReply, ModelRequest
from tests.local.bedrock.prompts import BILLING, HOW_TO, request

PROFILE = "arn:aws:bedrock:eu-west-1:111122223333:inference-profile/eu.anthropic.claude-haiku-4-5-20251001-v1:0"


@pytest.fixture
def stand_in() -> Iterator[BedrockStandIn]:
    with BedrockStandIn("scripted", options={"category": BILLING}) as started:
        yield started


@pytest.fixture
def client(stand_in: BedrockStandIn) -> Iterator[Any]:
    client = boto3.client(
        "bedrock-runtime",
        region_name="eu-west-1",
        endpoint_url=stand_in.endpoint,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}, max_pool_connections=16),
    )
    yield client
    client.close()


def post(stand_in: BedrockStandIn, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
    connection = http.client.HTTPConnection(stand_in.endpoint.removeprefix("http://"), timeout=10)
    try:
        connection.request("POST", path, body)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def script(stand_in: BedrockStandIn, **what: Any) -> None:
    assert post(stand_in, "/_script", json.dumps(what).encode()) == (200, {})


@pytest.mark.parametrize("adapter", [ConverseModel, MessagesModel])
@pytest.mark.parametrize("prompt_cache", [False, True])
@pytest.mark.parametrize("model_id", ["amazon.nova-micro-v1:0", PROFILE])
def test_the_adapters_are_answered(
    stand_in: BedrockStandIn, client: Any, adapter: Any, prompt_cache: bool, model_id: str
) -> None:
    reply = adapter(client=client, prompt_cache=prompt_cache).ask(request("x", model_id=model_id))
    assert "<category>Billing &amp; Refunds</category>" in reply.text
    assert reply.stop_reason == "end_turn"
    assert reply.usage == stand_in.calls.usage
    assert reply.usage.input_tokens > 100


def test_both_operations_carry_the_same_request(stand_in: BedrockStandIn, client: Any) -> None:
    asked = request("<case> & \u2028 \U0001f600", model_id=PROFILE)
    ConverseModel(client=client).ask(asked)
    MessagesModel(client=client).ask(asked)
    (digest,) = stand_in.calls.requests
    assert stand_in.calls.requests == {digest: 2}
    assert (stand_in.calls.answered, stand_in.calls.repeated) == (2, 1)


@pytest.mark.parametrize("operation", ["converse", "invoke_model"])
@pytest.mark.parametrize("code", sorted(STATUS))
def test_boto3_raises_the_errors_as_on_aws(stand_in: BedrockStandIn, client: Any, code: str, operation: str) -> None:
    script(stand_in, rules=[{"do": "fault", "code": code}])
    body = {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 9,
        "messages": [{"role": "user", "content": "hi"}],
    }
    ask: dict[str, dict[str, Any]] = {
        "converse": {"messages": [{"role": "user", "content": [{"text": "hi"}]}]},
        "invoke_model": {"body": json.dumps(body)},
    }
    with pytest.raises(client.exceptions.from_code(code)) as caught:
        getattr(client, operation)(modelId="m", **ask[operation])
    error: ClientError = caught.value
    assert error.response["Error"]["Code"] == code
    assert error.response["ResponseMetadata"]["HTTPStatusCode"] == STATUS[code]
    assert stand_in.calls.faults == {code: 1}
    assert stand_in.calls.answered == 0


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("ThrottlingException", ModelThrottled),
        ("ServiceUnavailableException", ModelUnavailable),
        ("ResourceNotFoundException", ModelAccessDenied),
        ("ValidationException", ModelRequestRejected),
    ],
)
def test_the_adapters_translate_what_comes_over_the_wire(
    stand_in: BedrockStandIn, client: Any, code: str, expected: type[Exception]
) -> None:
    script(stand_in, rules=[{"do": "fault", "code": code}])
    with pytest.raises(expected, match=code):
        ConverseModel(client=client).ask(request("x"))


def test_throttling_that_passes_is_retried_inside_the_call(stand_in: BedrockStandIn) -> None:
    script(stand_in, category=HOW_TO, rules=[{"do": "fault", "times": 1}])
    client = boto3.client(
        "bedrock-runtime",
        region_name="eu-west-1",
        endpoint_url=stand_in.endpoint,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"mode": "standard", "total_max_attempts": 2}),
    )
    try:
        assert "How To" in ConverseModel(client=client).ask(request("x")).text
    finally:
        client.close()
    assert stand_in.calls.faults == {"ThrottlingException": 1}


def test_many_threads_are_each_answered_once(stand_in: BedrockStandIn, client: Any) -> None:
    model = ConverseModel(client=client)
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda number: model.ask(request(f"case {number}")), range(200)))
    assert len(replies) == 200
    calls = stand_in.calls
    assert (calls.answered, len(calls.requests), calls.repeated, calls.abandoned) == (200, 200, 0, 0)
    with urlopen(Request(f"{stand_in.endpoint}/_calls"), timeout=10) as response:
        assert json.load(response) == calls.model_dump()


def test_an_answer_to_a_killed_worker_does_not_count_as_answered(
    stand_in: BedrockStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed, noticed = threading.Event(), threading.Event()
    answer, abandoned = stand_in.model.answer, stand_in.log.abandoned

    def answer_late(asked: ModelRequest) -> ModelReply:
        assert killed.wait(30)
        return answer(asked)

    def notice() -> None:
        abandoned()
        noticed.set()

    monkeypatch.setattr(stand_in.model, "answer", answer_late)
    monkeypatch.setattr(stand_in.log, "abandoned", notice)
    body = json.dumps({"messages": [{"role": "user", "content": [{"text": "hi"}]}]})
    host, port = stand_in.endpoint.removeprefix("http://").split(":")
    worker = socket.create_connection((host, int(port)), timeout=10)
    head = f"POST /model/m/converse HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
    worker.sendall((head + body).encode())
    worker.close()
    killed.set()
    assert noticed.wait(30)
    assert post(stand_in, "/model/m/converse", body.encode())[0] == 200  # asked again: answered for the first time
    calls = stand_in.calls
    assert (calls.answered, calls.repeated, calls.abandoned) == (1, 0, 1)


@pytest.mark.parametrize(
    ("path", "body", "told"),
    [
        ("/model/m/converse", b"{", "body"),
        ("/model/m/converse", b"{}", "messages"),
        ("/model/m/converse", b'{"messages": [{"role": "assistant", "content": [{"text": "x"}]}]}', "roles alternate"),
        ("/model/m/converse", b'{"messages": [{"role": "user", "content": [{"text": " "}]}]}', "blank"),
        ("/model/m/converse", b'{"messages": [{"role": "user", "content": []}], "toolConfig": {}}', "toolConfig"),
        ("/model/m/invoke", b'{"inputText": "for another model"}', "anthropic_version"),
    ],
)
def test_a_malformed_request_is_a_validation_exception(
    stand_in: BedrockStandIn, path: str, body: bytes, told: str
) -> None:
    status, answer = post(stand_in, path, body)
    assert status == 400
    assert told in answer["message"]


def test_an_unknown_path(stand_in: BedrockStandIn) -> None:
    assert post(stand_in, "/model/m/converse-stream", b"{}")[0] == 404


def test_a_script_is_checked_and_only_taken_by_the_scripted_model(
    stand_in: BedrockStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert post(stand_in, "/_script", b'{"rules": [{"do": "dance"}]}')[0] == 400
    monkeypatch.setattr(stand_in, "model", object())
    assert post(stand_in, "/_script", b"{}")[0] == 409


def test_a_failing_model_is_an_internal_error_without_its_message(
    stand_in: BedrockStandIn, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(asked: ModelRequest) -> None:
        raise KeyError("words of the case")

    monkeypatch.setattr(stand_in.model, "answer", answer)
    with pytest.raises(client.exceptions.InternalServerException, match="KeyError") as caught:
        client.converse(modelId="m", messages=[{"role": "user", "content": [{"text": "words of the case"}]}])
    assert "words of the case" not in str(caught.value)


def test_after_stop_nobody_is_answered(client: Any, stand_in: BedrockStandIn) -> None:
    model = ConverseModel(client=client)
    model.ask(request("x"))  # the connection is kept alive
    stand_in.stop()
    with pytest.raises(ModelUnavailable):
        model.ask(request("x"))


def test_stop_without_start() -> None:
    BedrockStandIn("scripted").stop()


def test_an_unknown_model_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match="embedding, scripted, openai"):
        BedrockStandIn("gpt")


def test_latency_is_waited(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr("local.bedrock.server.time.sleep", waited.append)
    with BedrockStandIn("scripted", latency_seconds=0.75, options={"category": "x"}) as slow:
        post(slow, "/model/m/converse", b'{"messages": [{"role": "user", "content": [{"text": "x"}]}]}')
    assert 0.75 in waited

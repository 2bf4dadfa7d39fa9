"""The request that goes to Bedrock, what comes back, and what each error becomes; botocore's stubs, no sockets."""

import io
import json
import traceback
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import (
    BotoCoreError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
)
from botocore.response import StreamingBody
from botocore.stub import Stubber

from plumbline.adapters.bedrock import ConverseModel, MessagesModel
from plumbline.contracts.errors import (
    ModelAccessDenied,
    ModelRequestRejected,
    ModelThrottled,
    ModelUnavailable,
    PlumblineError,
)
from plumbline.contracts.replies import ModelReply, ModelRequest, Turn, Usage

LONG = "You label cases. " * 2000  # enough for the prompt cache of every model
MODEL = "anthropic.claude-haiku-4-5-20251001-v1:0"
SECRET = "the customer's own words"
REQUEST = ModelRequest(
    model_id=MODEL,
    system="You label cases.",
    turns=(Turn(role="user", text=SECRET), Turn(role="assistant", text="?"), Turn(role="user", text="again")),
    max_tokens=200,
    sample=2,  # which no service is told: the bodies below are the whole of what is sent
)
CONVERSE_BODY: dict[str, Any] = {
    "modelId": MODEL,
    "system": [{"text": "You label cases."}],
    "messages": [
        {"role": "user", "content": [{"text": SECRET}]},
        {"role": "assistant", "content": [{"text": "?"}]},
        {"role": "user", "content": [{"text": "again"}]},
    ],
    "inferenceConfig": {"maxTokens": 200, "temperature": 0.0},
}


@pytest.fixture
def client() -> Any:
    return boto3.client(
        "bedrock-runtime", region_name="eu-central-1", aws_access_key_id="test", aws_secret_access_key="test"
    )


def converse_answer(*texts: str, **usage: int) -> dict[str, Any]:
    return {
        "output": {"message": {"role": "assistant", "content": [{"text": text} for text in texts]}},
        "stopReason": "end_turn",
        "usage": {"inputTokens": 900, "outputTokens": 40, "totalTokens": 940, **usage},
        "metrics": {"latencyMs": 5},
    }


def native_answer(body: dict[str, Any] | bytes) -> dict[str, Any]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return {"body": StreamingBody(io.BytesIO(data), len(data)), "contentType": "application/json"}


def test_converse_sends_the_prompt_and_reads_the_answer(client: Any) -> None:
    with Stubber(client) as stub:
        stub.add_response("converse", converse_answer("one ", "two", cacheReadInputTokens=800), CONVERSE_BODY)
        reply = ConverseModel(client=client).ask(REQUEST)
    usage = Usage(input_tokens=900, output_tokens=40, cache_read_tokens=800)
    assert reply == ModelReply(text="one two", stop_reason="end_turn", usage=usage)


def test_the_cache_point_stands_after_the_system_text(client: Any) -> None:
    system = [{"text": LONG}, {"cachePoint": {"type": "default"}}]
    with Stubber(client) as stub:
        stub.add_response("converse", converse_answer("x", cacheWriteInputTokens=7), CONVERSE_BODY | {"system": system})
        reply = ConverseModel(client=client, prompt_cache=True).ask(REQUEST.model_copy(update={"system": LONG}))
    assert reply.usage.cache_write_tokens == 7


@pytest.mark.parametrize(
    ("model_id", "words", "cached"),
    [
        ("us.anthropic.claude-haiku-4-5-20251001-v1:0", 3000, False),  # 4,096 tokens at least
        ("us.anthropic.claude-haiku-4-5-20251001-v1:0", 4000, True),
        ("anthropic.claude-sonnet-4-5-20250929-v1:0", 1000, True),
        ("anthropic.claude-sonnet-4-5-20250929-v1:0", 700, False),
        ("amazon.nova-lite-v1:0", 1100, True),
        ("meta.llama-of-no-price", 9000, False),  # it may have no prompt cache, and refuse the mark
    ],
)
def test_a_cache_point_stands_only_where_the_models_cache_takes_the_text(
    client: Any, model_id: str, words: int, cached: bool
) -> None:
    text = "word " * words
    system: list[dict[str, Any]] = [{"text": text}, *([{"cachePoint": {"type": "default"}}] if cached else [])]
    with Stubber(client) as stub:
        stub.add_response("converse", converse_answer("x"), CONVERSE_BODY | {"modelId": model_id, "system": system})
        ConverseModel(client=client, prompt_cache=True).ask(
            REQUEST.model_copy(update={"model_id": model_id, "system": text})
        )
        stub.assert_no_pending_responses()


def test_an_answer_without_text_is_an_empty_reply(client: Any) -> None:
    with Stubber(client) as stub:
        stub.add_response("converse", converse_answer() | {"stopReason": "content_filtered"})
        reply = ConverseModel(client=client).ask(REQUEST)
    assert (reply.text, reply.stop_reason) == ("", "content_filtered")


@pytest.mark.parametrize(("prompt_cache", "system"), [(False, LONG), (True, LONG), (True, "You label cases.")])
def test_messages_sends_anthropics_native_body(client: Any, prompt_cache: bool, system: str) -> None:
    answer = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude",
        "content": [{"type": "text", "text": "<category>"}, {"type": "text", "text": "X</category>"}],
        "stop_reason": "max_tokens",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 12,
            "output_tokens": 3,
            "cache_creation_input_tokens": 5,
            "cache_read_input_tokens": 6,
        },
    }
    cached = {"cache_control": {"type": "ephemeral"}} if prompt_cache and system == LONG else {}
    body = {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 200,
        "temperature": 0.0,
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": SECRET}]},
            {"role": "assistant", "content": [{"type": "text", "text": "?"}]},
            {"role": "user", "content": [{"type": "text", "text": "again"}]},
        ],
        "system": [{"type": "text", "text": system, **cached}],
    }
    sent = {
        "modelId": MODEL,
        "contentType": "application/json",
        "accept": "application/json",
        "body": json.dumps(body).encode(),
    }
    with Stubber(client) as stub:
        stub.add_response("invoke_model", native_answer(answer), sent)
        reply = MessagesModel(client=client, prompt_cache=prompt_cache).ask(
            REQUEST.model_copy(update={"system": system})
        )
    assert reply.text == "<category>X</category>"
    assert reply.stop_reason == "max_tokens"
    assert reply.usage == Usage(input_tokens=12, output_tokens=3, cache_write_tokens=5, cache_read_tokens=6)


@pytest.mark.parametrize("body", [b"", b"not json", b'{"results": [{"outputText": "Titan"}]}'])
def test_another_models_native_answer_says_what_to_set(client: Any, body: bytes) -> None:
    with Stubber(client) as stub:
        stub.add_response("invoke_model", native_answer(body))
        with pytest.raises(ModelRequestRejected, match="set the model API to converse"):
            MessagesModel(client=client).ask(REQUEST)


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [
        ("ThrottlingException", 429, ModelThrottled),
        ("TooManyRequestsException", 429, ModelThrottled),
        ("ServiceQuotaExceededException", 400, ModelThrottled),
        ("ModelTimeoutException", 408, ModelUnavailable),
        ("ModelNotReadyException", 429, ModelUnavailable),
        ("ServiceUnavailableException", 503, ModelUnavailable),
        ("InternalServerException", 500, ModelUnavailable),
        ("ModelErrorException", 424, ModelUnavailable),
        ("AccessDeniedException", 403, ModelAccessDenied),
        ("ResourceNotFoundException", 404, ModelAccessDenied),
        ("UnrecognizedClientException", 403, ModelAccessDenied),
        ("ExpiredTokenException", 403, ModelAccessDenied),
        ("ValidationException", 400, ModelRequestRejected),
        ("429", 429, ModelThrottled),
        ("502", 502, ModelUnavailable),
        ("403", 403, ModelAccessDenied),
        ("BrandNewException", 400, ModelRequestRejected),
    ],
)
@pytest.mark.parametrize("asked", [(ConverseModel, "converse"), (MessagesModel, "invoke_model")])
def test_an_error_is_told_apart_by_its_code(
    client: Any, asked: tuple[Callable[..., Any], str], code: str, status: int, expected: type[PlumblineError]
) -> None:
    model, operation = asked
    # The message lies: it names another error and quotes the case.
    message = f"ThrottlingException AccessDeniedException: {SECRET}"
    with Stubber(client) as stub:
        stub.add_client_error(operation, code, message, status, response_meta={"RequestId": "r-1"})
        with pytest.raises(PlumblineError) as caught:
            model(client=client).ask(REQUEST)
    assert type(caught.value) is expected
    assert all(part in str(caught.value) for part in (MODEL, "eu-central-1", code, "r-1"))
    assert SECRET not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ReadTimeoutError(endpoint_url="https://bedrock"), ModelUnavailable),
        (ConnectTimeoutError(endpoint_url="https://bedrock"), ModelUnavailable),
        (EndpointConnectionError(endpoint_url="https://bedrock"), ModelUnavailable),
        (NoCredentialsError(), ModelAccessDenied),
    ],
)
def test_no_answer_at_all(client: Any, error: BotoCoreError, expected: type[PlumblineError]) -> None:
    def fail(**_: Any) -> None:
        raise error

    client.meta.events.register("before-call.bedrock-runtime.Converse", fail)
    with pytest.raises(expected, match=f"{MODEL} in eu-central-1"):
        ConverseModel(client=client).ask(REQUEST)


def test_a_call_that_got_no_answer_in_time_is_not_sent_again_under_the_same_reservation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    model, sent = ConverseModel(region="eu-central-1"), []

    def silent(**_: Any) -> None:
        sent.append(1)
        raise ReadTimeoutError(endpoint_url="https://bedrock")

    model._client().meta.events.register("before-send.bedrock-runtime.Converse", silent)
    with pytest.raises(ModelUnavailable) as caught:
        model.ask(REQUEST)
    assert len(sent) == 1
    assert caught.value.perhaps_paid


def test_a_request_that_botocore_refuses(client: Any) -> None:
    request = REQUEST.model_copy(update={"max_tokens": 0})
    with pytest.raises(ModelRequestRejected, match="malformed") as caught:
        ConverseModel(client=client).ask(request)
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_without_a_region_the_message_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "does-not-exist")
    with pytest.raises(ModelAccessDenied, match=r"unset region.*NoRegionError"):
        ConverseModel().ask(REQUEST)


def test_the_client_is_made_once_with_room_for_every_thread(monkeypatch: pytest.MonkeyPatch, client: Any) -> None:
    made: list[dict[str, Any]] = []

    class Session:
        def __init__(self, **_: Any) -> None:
            pass

        def client(self, service: str, **options: Any) -> Any:
            made.append({"service": service, **options})
            return client

    monkeypatch.setattr(boto3.session, "Session", Session)
    model = ConverseModel(concurrency=13, connect_timeout=2, read_timeout=9)
    assert made == []
    with Stubber(client) as stub:
        stub.add_response("converse", converse_answer("x"))
        stub.add_response("converse", converse_answer("x"))
        model.ask(REQUEST)
        model.ask(REQUEST)
    (options,) = made
    config = options["config"]
    assert options["service"] == "bedrock-runtime"
    assert config.max_pool_connections == 13
    assert (config.connect_timeout, config.read_timeout) == (2, 9)
    assert config.retries == {"mode": "adaptive", "total_max_attempts": 2}

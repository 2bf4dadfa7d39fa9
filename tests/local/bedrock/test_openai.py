"""Forwarding, against a small fake server on loopback."""

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from local.bedrock.answering import ServiceError, StandInError
from local.bedrock.openai import OpenAiModel, OpenAiOptions
from plumbline.contracts.replies import Usage
from tests.local.bedrock.prompts import request

CASE = "words of the case"


class Fake(ThreadingHTTPServer):
    """Answers `status` and `answer`; remembers what it was sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.status = 200
        self.answer: Any = {}
        self.seen: list[dict[str, Any]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class Handler(BaseHTTPRequestHandler):
    server: Fake

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.seen.append({"path": self.path, "key": self.headers["Authorization"], "body": body})
        data = self.server.answer if isinstance(self.server.answer, bytes) else json.dumps(self.server.answer).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(autouse=True)
def _no_openai_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY", "OPENAI_MODEL", "HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def fake() -> Iterator[Fake]:
    server = Fake()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def completion(text: str | None = "hello", reason: str = "stop", **usage: Any) -> dict[str, Any]:
    answer: dict[str, Any] = {"choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": reason}]}
    return answer | ({"usage": usage} if usage else {})


def test_the_request_goes_on_as_a_chat_completion(fake: Fake) -> None:
    details = {"cached_tokens": 400}
    fake.answer = completion(prompt_tokens=500, completion_tokens=7, prompt_tokens_details=details)
    asked = request(CASE)
    options = OpenAiOptions.model_validate({"base_url": f"{fake.url}/", "api_key": "k-1", "model": "qwen"})
    reply = OpenAiModel(options).answer(asked)
    (seen,) = fake.seen
    assert (seen["path"], seen["key"]) == ("/v1/chat/completions", "Bearer k-1")
    assert seen["body"] == {
        "model": "qwen",
        "messages": [{"role": "system", "content": asked.system}, {"role": "user", "content": asked.turns[0].text}],
        "max_tokens": 300,
        "temperature": 0.0,
    }
    assert (reply.text, reply.stop_reason) == ("hello", "end_turn")
    assert reply.usage == Usage(input_tokens=100, output_tokens=7, cache_read_tokens=400)


def test_what_is_not_given_is_read_from_the_environment(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", fake.url)
    monkeypatch.setenv("OPENAI_API_KEY", "k-2")
    fake.answer = completion()
    OpenAiModel(OpenAiOptions(max_tokens_field="max_completion_tokens")).answer(request(CASE, model_id="nova"))
    (seen,) = fake.seen
    assert (seen["key"], seen["body"]["model"]) == ("Bearer k-2", "nova")
    assert seen["body"]["max_completion_tokens"] == 300
    assert "max_tokens" not in seen["body"]


@pytest.mark.parametrize(
    ("reason", "expected"),
    [("length", "max_tokens"), ("content_filter", "content_filtered"), ("tool_calls", "end_turn")],
)
def test_why_it_stopped(fake: Fake, reason: str, expected: str) -> None:
    fake.answer = completion("cut of", reason)
    reply = OpenAiModel(OpenAiOptions(base_url=fake.url)).answer(request(CASE))
    assert (reply.text, reply.stop_reason) == ("cut of", expected)
    assert reply.usage.input_tokens > 100  # a server that reports no usage: a quarter of the characters


def test_no_content_is_an_empty_reply(fake: Fake) -> None:
    fake.answer = completion(None)
    assert OpenAiModel(OpenAiOptions(base_url=fake.url)).answer(request(CASE)).text == ""


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "ValidationException"),
        (401, "AccessDeniedException"),
        (403, "AccessDeniedException"),
        (404, "ResourceNotFoundException"),
        (408, "ModelTimeoutException"),
        (418, "ValidationException"),
        (429, "ThrottlingException"),
        (500, "InternalServerException"),
        (502, "ServiceUnavailableException"),
        (503, "ServiceUnavailableException"),
    ],
)
def test_an_http_error_becomes_bedrocks(fake: Fake, status: int, code: str) -> None:
    fake.status, fake.answer = status, {"error": {"message": CASE}}
    with pytest.raises(ServiceError) as caught:
        OpenAiModel(OpenAiOptions(base_url=fake.url)).answer(request(CASE))
    assert caught.value.code == code
    assert CASE not in str(caught.value)


@pytest.mark.parametrize("answer", [b"<html>", b"", {"choices": []}, {"error": "x"}])
def test_an_answer_that_is_no_completion(fake: Fake, answer: Any) -> None:
    fake.answer = answer
    with pytest.raises(ServiceError) as caught:
        OpenAiModel(OpenAiOptions(base_url=fake.url)).answer(request(CASE))
    assert caught.value.code == "ModelErrorException"


def test_a_server_that_is_not_there_or_silent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/v1"
        with pytest.raises(ServiceError) as slow:
            OpenAiModel(OpenAiOptions(base_url=url, timeout_seconds=0.05)).answer(request(CASE))
    assert slow.value.code == "ModelTimeoutException"
    with pytest.raises(ServiceError) as gone:
        OpenAiModel(OpenAiOptions(base_url=url)).answer(request(CASE))
    assert gone.value.code == "ServiceUnavailableException"


@pytest.mark.parametrize("url", ["", "localhost:11434/v1", "file:///etc/passwd"])
def test_without_a_url_it_does_not_start(url: str) -> None:
    with pytest.raises(StandInError, match="set OPENAI_BASE_URL"):
        OpenAiModel(OpenAiOptions(base_url=url))

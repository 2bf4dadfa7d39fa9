"""The stand-ins `llm` and `smollm2`. llama.cpp is a fake here; with the real model, `python -m bench.llm_prompts`."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from local.bedrock import BedrockStandIn, llm
from local.bedrock.answering import ServiceError, StandInError
from local.bedrock.llm import LlmModel, LlmOptions, options_from
from local.bedrock.weights import FOLDER_VARIABLE, WEIGHTS
from plumbline.contracts.replies import ModelRequest, Turn, Usage
from tests.local.bedrock.prompts import request

SECRET = "Zanzibar"


class Llama(ModuleType):
    """A module in the place of xllamacpp: answers what `reply` says, and keeps what it was asked."""

    def __init__(self) -> None:
        super().__init__("xllamacpp")
        self.asked: list[dict[str, Any]] = []
        self.servers: list[SimpleNamespace] = []
        self.reply: dict[str, Any] = completion()
        self.at_once = self.most_at_once = 0
        self.release: threading.Event | None = None

    def CommonParams(self) -> SimpleNamespace:  # noqa: N802 - the runtime's name
        return SimpleNamespace(model=SimpleNamespace(), cpuparams=SimpleNamespace(), cpuparams_batch=SimpleNamespace())

    def Server(self, params: SimpleNamespace) -> "Llama":  # noqa: N802
        self.servers.append(params)
        return self

    def handle_chat_completions(self, body: dict[str, Any]) -> dict[str, Any]:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        self.asked.append(body)
        if self.release:
            self.release.wait(10)
        self.at_once -= 1
        return self.reply


def completion(
    text: str | None = "<category>Billing</category>", finish: str = "stop", cached: int = 0
) -> dict[str, Any]:
    return {
        "choices": [{"finish_reason": finish, "index": 0, "message": {"role": "assistant", "content": text}}],
        "usage": {
            "prompt_tokens": 100,
            "completion_tokens": 7,
            "total_tokens": 107,
            "prompt_tokens_details": {"cached_tokens": cached},
        },
        "timings": {"prompt_ms": 1.5},
    }


@pytest.fixture
def llama(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Llama:
    fake = Llama()
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    monkeypatch.setitem(llm.__dict__, "_engines", {})
    monkeypatch.setitem(sys.modules, "xllamacpp", fake)
    for weights in WEIGHTS.values():
        with (tmp_path / weights.file).open("wb") as file:
            file.truncate(weights.bytes)  # a hole: takes no room
    return fake


def model(name: str = "llm", **options: int) -> LlmModel:
    return LlmModel(name, LlmOptions(**options))


def warm(text: str = "hello", sample: int = 0) -> ModelRequest:
    return ModelRequest(
        model_id="m", system="s", turns=(Turn(role="user", text=text),), max_tokens=9, temperature=0.7, sample=sample
    )


def test_the_conversation_goes_through_with_its_limits(llama: Llama) -> None:
    asked = request("Charged twice")
    model().answer(asked)
    [body] = llama.asked
    assert body["messages"] == [
        {"role": "system", "content": asked.system},
        {"role": "user", "content": asked.turns[0].text},
    ]
    assert body["max_tokens"] == asked.max_tokens
    assert body["temperature"] == 0
    assert body["cache_prompt"] is True
    assert "seed" not in body


def test_no_system_text_is_no_system_message(llama: Llama) -> None:
    model().answer(warm().model_copy(update={"system": ""}))
    assert [message["role"] for message in llama.asked[0]["messages"]] == ["user"]


def test_usage_tells_what_the_prompt_cache_had(llama: Llama) -> None:
    llama.reply = completion(cached=80)
    reply = model().answer(warm())
    assert reply.usage == Usage(input_tokens=20, output_tokens=7, cache_read_tokens=80)
    assert reply.text == "<category>Billing</category>"


@pytest.mark.parametrize(
    ("finish", "stop_reason"), [("stop", "end_turn"), ("length", "max_tokens"), ("new one", "end_turn")]
)
def test_the_stop_reason_is_bedrocks(llama: Llama, finish: str, stop_reason: str) -> None:
    llama.reply = completion(finish=finish)
    assert model().answer(warm()).stop_reason == stop_reason


def test_an_empty_answer_is_an_empty_text(llama: Llama) -> None:
    llama.reply = completion(text=None)
    assert model().answer(warm()).text == ""


def test_further_answers_differ_by_their_seed_and_are_the_same_after_another_start(
    llama: Llama, monkeypatch: pytest.MonkeyPatch
) -> None:
    def seeds() -> list[int]:
        monkeypatch.setitem(llm.__dict__, "_engines", {})
        llama.asked.clear()
        asked = model()
        for one in (warm("a"), warm("a"), warm("b"), warm("a"), warm("a", sample=1)):
            asked.answer(one)
        return [body["seed"] for body in llama.asked]

    first = seeds()
    assert len(set(first)) == 5
    assert all(0 <= seed < 2**32 for seed in first)
    assert seeds() == first


def test_a_request_that_is_too_long_is_refused_as_bedrock_does(llama: Llama) -> None:
    llama.reply = {
        "error": {
            "code": 400,
            "type": "exceed_context_size_error",
            "message": SECRET,
            "n_prompt_tokens": 9000,
            "n_ctx": 8192,
        }
    }
    with pytest.raises(ServiceError, match=r"Input is too long.*9000 tokens.*8192.*PLUMBLINE_LLM_CONTEXT") as caught:
        model(context_tokens=8192).answer(warm())
    assert caught.value.code == "ValidationException"
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        ({"error": {"code": 400, "type": "invalid_request_error", "message": SECRET}}, "ValidationException"),
        ({"error": {"code": 500, "type": "server_error", "message": SECRET}}, "ModelErrorException"),
        ({"error": SECRET}, "ModelErrorException"),
        ({"choices": []}, "ModelErrorException"),
        ({SECRET: 1}, "ModelErrorException"),
    ],
)
def test_other_failures_are_bedrocks_errors_and_quote_nothing(llama: Llama, reply: dict[str, Any], code: str) -> None:
    llama.reply = reply
    with pytest.raises(ServiceError) as caught:
        model().answer(warm())
    assert caught.value.code == code
    assert SECRET not in str(caught.value)


def test_one_model_is_loaded_in_a_process_and_answers_one_request_at_a_time(llama: Llama) -> None:
    llama.release = threading.Event()
    models = [model(), model()]
    with ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(models[number % 2].answer, warm(str(number))) for number in range(4)]
        llama.release.set()
        assert {answer.result().stop_reason for answer in answers} == {"end_turn"}
    assert llama.most_at_once == 1
    assert len(llama.servers) == 1
    model("smollm2")
    assert len(llama.servers) == 2


def test_the_runtime_gets_the_options_and_a_port_that_nobody_can_use(llama: Llama, tmp_path: Path) -> None:
    model(threads=3, context_tokens=4096)
    [params] = llama.servers
    assert params.model.path == str(tmp_path / WEIGHTS["llm"].file)
    assert (params.cpuparams.n_threads, params.cpuparams_batch.n_threads) == (3, 3)
    assert params.n_ctx == 4096
    assert params.n_parallel == 1
    assert len(params.api_keys[0]) >= 32
    assert not params.ui


def test_options_come_from_the_environment_unless_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PLUMBLINE_LLM_THREADS", raising=False)
    monkeypatch.delenv("PLUMBLINE_LLM_CONTEXT", raising=False)
    assert options_from({}) == LlmOptions()
    monkeypatch.setenv("PLUMBLINE_LLM_THREADS", "2")
    monkeypatch.setenv("PLUMBLINE_LLM_CONTEXT", "2048")
    assert options_from({}) == LlmOptions(threads=2, context_tokens=2048)
    assert options_from({"threads": 4}).threads == 4
    monkeypatch.setenv("PLUMBLINE_LLM_THREADS", "many")
    with pytest.raises(StandInError, match=r"PLUMBLINE_LLM_THREADS.*threads"):
        options_from({})


def test_a_model_that_does_not_load_says_so(llama: Llama, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> None:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(llama, "Server", broken)
    with pytest.raises(StandInError, match="could not be loaded"):
        model()


def test_the_server_knows_both_by_name(llama: Llama) -> None:
    for name in ("llm", "smollm2"):
        stand_in = BedrockStandIn(name, options={"threads": 2})
        try:
            assert isinstance(stand_in.model, LlmModel)
        finally:
            stand_in.stop()
    assert [Path(params.model.path).name for params in llama.servers] == [w.file for w in WEIGHTS.values()]


def test_without_the_model_the_server_names_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    with pytest.raises(StandInError, match="make local-llm"):
        BedrockStandIn("llm")

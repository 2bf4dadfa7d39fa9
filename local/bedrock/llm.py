"""Small language models that really read the prompt, in this process: the stand-ins `llm` and `smollm2`.

llama.cpp runs them (the package xllamacpp), with the model's own chat template. A model answers one request at a time,
since two at once would only share the same cores; who comes meanwhile waits. The longest beginning that a request has
in common with the one before, the system text as a rule, is not read again: that is what `cache_read_tokens` counts.

At temperature 0 the likeliest token is taken. Above, the seed comes from the request and from how often that request
has been asked since the start: further answers to one request differ, and are the same after the next start.
"""

import hashlib
import os
import secrets
import threading
from collections import Counter
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, Field, ValidationError

from local.bedrock.answering import ServiceError, StandInError
from local.bedrock.calls import request_hash
from local.bedrock.weights import runtime, weights_file
from plumbline.contracts.base import Model
from plumbline.contracts.replies import ModelReply, ModelRequest, Usage

THREADS_VARIABLE: Final = "PLUMBLINE_LLM_THREADS"
CONTEXT_VARIABLE: Final = "PLUMBLINE_LLM_CONTEXT"
_STOP_REASONS: Final = {"stop": "end_turn", "length": "max_tokens"}
_PROMPTS_MB: Final = 1024  # memory for prompts beside the one in use; a system text of 5,000 tokens takes 140 MB
_TOO_LONG: Final = "exceed_context_size_error"


class LlmOptions(Model):
    """How a model is run. What is not given is read from PLUMBLINE_LLM_THREADS and PLUMBLINE_LLM_CONTEXT.

    `threads`: more than there are idle cores makes it several times slower, for they wait for each other at every
    layer. `context_tokens` is how much a request and its answer may have together; memory grows with it (28 MB for
    1,000 tokens).
    """

    threads: int = Field(default=1, ge=1, le=256)
    context_tokens: int = Field(default=16_384, ge=512, le=131_072)


class _Message(BaseModel):
    content: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _CachedTokens(BaseModel):
    cached_tokens: int = 0


class _Usage(BaseModel):
    prompt_tokens: int
    completion_tokens: int
    prompt_tokens_details: _CachedTokens = _CachedTokens()


class _Completion(BaseModel):
    choices: list[_Choice] = Field(min_length=1)
    usage: _Usage


class LlmModel:
    """Answers with a language model on this machine. One of a kind is loaded in a process, whoever asks."""

    def __init__(self, name: str, options: LlmOptions) -> None:
        """`name` is one of WEIGHTS. Raises StandInError when its file or the runtime is missing, or does not load."""
        self._name = name
        self._options = options
        self._engine = _engine(weights_file(name), options)

    def answer(self, request: ModelRequest) -> ModelReply:
        """The model's answer. Raises ServiceError: a ValidationException for a request longer than the context."""
        answer = self._engine.complete(request)
        if "error" in answer:
            raise self._refused(answer["error"])
        try:
            completion = _Completion.model_validate(answer)
        except ValidationError:
            raise ServiceError("ModelErrorException", f"the {self._name} stand-in gave no completion") from None
        choice, usage = completion.choices[0], completion.usage
        cached = usage.prompt_tokens_details.cached_tokens
        return ModelReply(
            text=choice.message.content or "",
            stop_reason=_STOP_REASONS.get(choice.finish_reason or "", "end_turn"),
            usage=Usage(
                input_tokens=usage.prompt_tokens - cached,
                output_tokens=usage.completion_tokens,
                cache_read_tokens=cached,
            ),
        )

    def _refused(self, error: Any) -> ServiceError:
        # The runtime's own message is not passed on: it may quote the request.
        kind = error.get("type") if isinstance(error, dict) else None
        if kind == _TOO_LONG:
            return ServiceError(
                "ValidationException",
                f"Input is too long for requested model: {error.get('n_prompt_tokens')} tokens, and the stand-in "
                f"{self._name} was started with {self._options.context_tokens} ({CONTEXT_VARIABLE})",
            )
        code = error.get("code") if isinstance(error, dict) else None
        if code == 400:  # noqa: PLR2004 - HTTP's own number
            return ServiceError("ValidationException", f"the {self._name} stand-in does not take this request ({kind})")
        return ServiceError("ModelErrorException", f"the {self._name} stand-in failed ({kind})")


class _Engine:
    """A loaded model. Safe for threads: one request at a time."""

    def __init__(self, path: Path, options: LlmOptions) -> None:
        llama = runtime()
        params = llama.CommonParams()
        params.model.path = str(path)
        params.n_ctx = options.context_tokens
        params.n_parallel = 1
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = options.threads
        params.cache_ram_mib = _PROMPTS_MB
        params.force_pure_content_parser = True  # a reply is text as it came: no tags are taken out of it
        params.verbosity = 0
        # The runtime also listens on a port of loopback, which nobody here uses.
        params.ui = params.endpoint_slots = False
        params.api_keys = [secrets.token_hex()]
        try:
            self._server = llama.Server(params)
        except (RuntimeError, ValueError) as error:
            raise StandInError(
                f"{path} could not be loaded ({type(error).__name__}); is there memory enough?"
            ) from error
        self._working = threading.Lock()
        self._asked: Counter[str] = Counter()

    def complete(self, request: ModelRequest) -> dict[str, Any]:
        """llama.cpp's answer in OpenAI's shape, or `{"error": …}`."""
        system = [{"role": "system", "content": request.system}] if request.system else []
        body: dict[str, Any] = {
            "messages": [*system, *({"role": turn.role, "content": turn.text} for turn in request.turns)],
            "max_tokens": request.max_tokens,
            "temperature": request.temperature,
            "cache_prompt": True,
        }
        with self._working:
            if request.temperature:
                body["seed"] = self._seed(request)
            answer: dict[str, Any] = self._server.handle_chat_completions(body)
        return answer

    def _seed(self, request: ModelRequest) -> int:
        key = request_hash(request)
        self._asked[key] += 1
        return int.from_bytes(hashlib.sha256(f"{key}/{self._asked[key]}".encode()).digest()[:4])


_engines: dict[tuple[Path, LlmOptions], _Engine] = {}
_loading = threading.Lock()


def _engine(path: Path, options: LlmOptions) -> _Engine:
    with _loading:
        if (path, options) not in _engines:
            _engines[path, options] = _Engine(path, options)
        return _engines[path, options]


def options_from(given: Any) -> LlmOptions:
    """The options with what the environment adds. Raises StandInError for a value that is none."""
    of_environment = {
        field: os.environ[name]
        for field, name in (("threads", THREADS_VARIABLE), ("context_tokens", CONTEXT_VARIABLE))
        if os.environ.get(name)
    }
    try:
        return LlmOptions.model_validate(of_environment | dict(given))
    except ValidationError as error:
        wrong = "; ".join(f"{e['loc'][0]}: {e['msg']}" for e in error.errors())
        raise StandInError(
            f"wrong settings of the stand-in ({THREADS_VARIABLE}, {CONTEXT_VARIABLE}): {wrong}"
        ) from None

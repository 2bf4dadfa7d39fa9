"""Bedrock Runtime's wire shapes: Converse, and InvokeModel with Anthropic's native body."""

import hashlib
from collections.abc import Sequence
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from local.bedrock.answering import ServiceError
from plumbline.contracts.replies import ModelReply, ModelRequest, Turn

DEFAULT_MAX_TOKENS = 4096
Role = Literal["user", "assistant"]


class Strict(BaseModel):
    """What the stand-in does not know it refuses: silence would pass for support."""

    model_config = ConfigDict(extra="forbid")


class _CachePoint(Strict):
    type: Literal["default"]
    ttl: str | None = None


class _Block(Strict):
    text: str | None = None
    cachePoint: _CachePoint | None = None  # noqa: N815 - AWS's name


class _ConverseTurn(Strict):
    role: Role
    content: list[_Block]


class _InferenceConfig(Strict):
    maxTokens: int = Field(default=DEFAULT_MAX_TOKENS, ge=1)  # noqa: N815
    temperature: float = Field(default=1.0, ge=0, le=1)


class _ConverseBody(Strict):
    messages: list[_ConverseTurn] = Field(min_length=1)
    system: list[_Block] = []
    inferenceConfig: _InferenceConfig = _InferenceConfig()  # noqa: N815


class _CacheControl(Strict):
    type: Literal["ephemeral"]
    ttl: str | None = None


class _NativeBlock(Strict):
    type: Literal["text"]
    text: str
    cache_control: _CacheControl | None = None


class _NativeTurn(Strict):
    role: Role
    content: str | list[_NativeBlock]


class _NativeBody(Strict):
    anthropic_version: Literal["bedrock-2023-05-31"]
    max_tokens: int = Field(ge=1)
    messages: list[_NativeTurn] = Field(min_length=1)
    system: str | list[_NativeBlock] = ""
    temperature: float = Field(default=1.0, ge=0, le=1)


B = TypeVar("B", bound=BaseModel)


def read_converse(model_id: str, body: bytes) -> ModelRequest:
    """The request of `POST /model/{modelId}/converse`. Raises ServiceError(ValidationException)."""
    read = valid(_ConverseBody, body)
    return ModelRequest(
        model_id=model_id,
        system="".join(block.text or "" for block in read.system),
        turns=_turns([(turn.role, "".join(block.text or "" for block in turn.content)) for turn in read.messages]),
        max_tokens=read.inferenceConfig.maxTokens,
        temperature=read.inferenceConfig.temperature,
    )


def read_invoke(model_id: str, body: bytes) -> ModelRequest:
    """The request of `POST /model/{modelId}/invoke`, an Anthropic Messages body. Raises ServiceError."""
    read = valid(_NativeBody, body)
    return ModelRequest(
        model_id=model_id,
        system=_native_text(read.system),
        turns=_turns([(turn.role, _native_text(turn.content)) for turn in read.messages]),
        max_tokens=read.max_tokens,
        temperature=read.temperature,
    )


def converse_answer(reply: ModelReply, milliseconds: int) -> dict[str, object]:
    """Converse's response body."""
    usage = reply.usage
    return {
        "output": {"message": {"role": "assistant", "content": [{"text": reply.text}] if reply.text else []}},
        "stopReason": reply.stop_reason,
        "usage": {
            "inputTokens": usage.input_tokens,
            "outputTokens": usage.output_tokens,
            "totalTokens": usage.input_tokens + usage.output_tokens,
            "cacheReadInputTokens": usage.cache_read_tokens,
            "cacheWriteInputTokens": usage.cache_write_tokens,
        },
        "metrics": {"latencyMs": milliseconds},
    }


def invoke_answer(model_id: str, reply: ModelReply) -> dict[str, object]:
    """Anthropic's Messages response body."""
    return {
        "id": f"msg_bdrk_{hashlib.sha256(reply.text.encode()).hexdigest()[:24]}",
        "type": "message",
        "role": "assistant",
        "model": model_id,
        "content": [{"type": "text", "text": reply.text}] if reply.text else [],
        "stop_reason": reply.stop_reason,
        "stop_sequence": None,
        "usage": {
            "input_tokens": reply.usage.input_tokens,
            "output_tokens": reply.usage.output_tokens,
            "cache_read_input_tokens": reply.usage.cache_read_tokens,
            "cache_creation_input_tokens": reply.usage.cache_write_tokens,
        },
    }


def valid(kind: type[B], body: bytes) -> B:
    """The body as its model. Raises ServiceError(ValidationException), which quotes nothing of it."""
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, e['loc'])) or 'body'}: {e['msg']}" for e in error.errors(include_input=False)
        )
        raise ServiceError("ValidationException", f"the stand-in does not take this request: {wrong}") from None


def _turns(turns: Sequence[tuple[Role, str]]) -> tuple[Turn, ...]:
    for position, (role, text) in enumerate(turns):
        if role != ("assistant" if position % 2 else "user"):
            raise ServiceError("ValidationException", "a conversation starts with a user message, and roles alternate")
        if not text.strip():
            raise ServiceError("ValidationException", f"the text of messages.{position} is blank")
    return tuple(Turn(role=role, text=text) for role, text in turns)


def _native_text(content: str | list[_NativeBlock]) -> str:
    return content if isinstance(content, str) else "".join(block.text for block in content)

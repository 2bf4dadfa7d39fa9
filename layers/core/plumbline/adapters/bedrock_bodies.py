"""What Bedrock's models are sent and answer: Converse, and Anthropic's Messages; in a call and in a batch."""

from typing import Any

from pydantic import BaseModel

from plumbline.contracts.replies import ModelReply, ModelRequest, Usage

ANTHROPIC_VERSION = "bedrock-2023-05-31"


class _ConverseBlock(BaseModel):
    text: str = ""


class _ConverseMessage(BaseModel):
    content: list[_ConverseBlock] = []


class _ConverseOutput(BaseModel):
    message: _ConverseMessage = _ConverseMessage()


class _ConverseUsage(BaseModel):
    inputTokens: int  # noqa: N815 - AWS's names, here and below
    outputTokens: int  # noqa: N815
    cacheReadInputTokens: int = 0  # noqa: N815
    cacheWriteInputTokens: int = 0  # noqa: N815

    def counted(self) -> Usage:
        return Usage(
            input_tokens=self.inputTokens,
            output_tokens=self.outputTokens,
            cache_read_tokens=self.cacheReadInputTokens,
            cache_write_tokens=self.cacheWriteInputTokens,
        )


class ConversePaid(BaseModel):
    """Of Converse's answer what it cost."""

    usage: _ConverseUsage


class ConverseReply(ConversePaid):
    """Converse's answer, as the call and a batch record's `modelOutput` give it."""

    output: _ConverseOutput
    stopReason: str  # noqa: N815

    def said(self) -> ModelReply:
        """The reply."""
        return ModelReply(
            text="".join(block.text for block in self.output.message.content),
            stop_reason=self.stopReason,
            usage=self.usage.counted(),
        )


def converse_body(request: ModelRequest, *, prompt_cache: bool) -> dict[str, Any]:
    """The request in Converse's format, as the call and a batch record's `modelInput` take it; the model is named
    beside it."""
    body: dict[str, Any] = {
        "messages": [{"role": turn.role, "content": [{"text": turn.text}]} for turn in request.turns],
        "inferenceConfig": {"maxTokens": request.max_tokens, "temperature": request.temperature},
    }
    if request.system:
        cached = [{"cachePoint": {"type": "default"}}] if prompt_cache else []
        body["system"] = [{"text": request.system}, *cached]
    return body


class _NativeBlock(BaseModel):
    type: str
    text: str = ""


class _NativeUsage(BaseModel):
    input_tokens: int
    output_tokens: int
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None

    def counted(self) -> Usage:
        return Usage(
            input_tokens=self.input_tokens,
            output_tokens=self.output_tokens,
            cache_read_tokens=self.cache_read_input_tokens or 0,
            cache_write_tokens=self.cache_creation_input_tokens or 0,
        )


class NativePaid(BaseModel):
    """Of Anthropic's Messages answer what it cost."""

    usage: _NativeUsage


class NativeReply(NativePaid):
    """Anthropic's Messages answer, as InvokeModel and a batch record's `modelOutput` give it."""

    content: list[_NativeBlock]
    stop_reason: str | None = None

    def said(self) -> ModelReply:
        """The reply."""
        return ModelReply(
            text="".join(block.text for block in self.content if block.type == "text"),
            stop_reason=self.stop_reason or "unknown",
            usage=self.usage.counted(),
        )


def native_body(request: ModelRequest, *, prompt_cache: bool) -> dict[str, object]:
    """The request in Anthropic's Messages format, as InvokeModel and a batch record's `modelInput` take it."""
    body: dict[str, object] = {
        "anthropic_version": ANTHROPIC_VERSION,
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
        "messages": [{"role": turn.role, "content": [{"type": "text", "text": turn.text}]} for turn in request.turns],
    }
    if request.system:
        cached = {"cache_control": {"type": "ephemeral"}} if prompt_cache else {}
        body["system"] = [{"type": "text", "text": request.system, **cached}]
    return body

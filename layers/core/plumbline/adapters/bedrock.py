"""LanguageModel on Amazon Bedrock: Converse for any model, InvokeModel for Anthropic's native body.

An error is told apart by its code, never by the words of its message. The service's message is not passed on: it can
quote what it was sent.
"""

import functools
import json
import threading
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    PartialCredentialsError,
    ProxyConnectionError,
    ReadTimeoutError,
    SSLError,
    TokenRetrievalError,
)
from pydantic import BaseModel, ValidationError

from plumbline.contracts.errors import (
    ModelAccessDenied,
    ModelRequestRejected,
    ModelThrottled,
    ModelUnavailable,
    PlumblineError,
)
from plumbline.contracts.replies import ModelReply, ModelRequest, Usage
from plumbline.prices import price_table
from plumbline.tokens import tokens_in

if TYPE_CHECKING:
    from mypy_boto3_bedrock_runtime import BedrockRuntimeClient

ANTHROPIC_VERSION = "bedrock-2023-05-31"
CONNECT_TIMEOUT = 5.0
# A call that timed out may have been paid for: a long wait, and what tries it again is the state machine, which sets
# its cost aside anew. botocore's own second try is for what was not answered at all: throttles, failures, connections.
READ_TIMEOUT = 60.0
ATTEMPTS = 2

THROTTLED = {"ThrottlingException", "TooManyRequestsException", "ServiceQuotaExceededException"}
_UNAVAILABLE = {
    "InternalServerException",
    "ModelErrorException",
    "ModelNotReadyException",
    "ModelTimeoutException",
    "ServiceUnavailableException",
}
DENIED = {
    "AccessDeniedException",
    "ExpiredTokenException",
    "InvalidSignatureException",
    "UnrecognizedClientException",
}
_NOT_SENT = (ConnectTimeoutError, EndpointConnectionError, ProxyConnectionError, SSLError)
_NO_CREDENTIALS = (
    CredentialRetrievalError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    TokenRetrievalError,
)


@functools.lru_cache(maxsize=32)
def _static_tokens(system: str) -> int:
    return tokens_in(system)


class _BedrockModel:
    """The client, made at first use, and the meaning of its errors."""

    def __init__(
        self,
        *,
        concurrency: int = 8,
        prompt_cache: bool = False,
        region: str | None = None,
        connect_timeout: float = CONNECT_TIMEOUT,
        read_timeout: float = READ_TIMEOUT,
        client: "BedrockRuntimeClient | None" = None,
    ) -> None:
        self._config = Config(
            retries={"mode": "adaptive", "total_max_attempts": ATTEMPTS},
            connect_timeout=connect_timeout,
            read_timeout=read_timeout,
            max_pool_connections=concurrency,
            tcp_keepalive=True,
        )
        self._prompt_cache = prompt_cache
        self._region = region
        self._made = client
        self._making = threading.Lock()

    def ask(self, request: ModelRequest) -> ModelReply:
        """The model's answer to one request.

        Raises ModelThrottled, ModelUnavailable, ModelAccessDenied, ModelRequestRejected.
        """
        try:
            return self._call(self._client(), request)
        except (ClientError, BotoCoreError) as error:
            # `from None`: the service's own message may quote the case, and a traceback would show it.
            raise _translate(error, f"model {request.model_id} in {self._where()}") from None

    def _call(self, client: "BedrockRuntimeClient", request: ModelRequest) -> ModelReply:
        raise NotImplementedError

    def _caches(self, request: ModelRequest) -> bool:
        """Whether a checkpoint after the system text pays: the model's cache takes no text below its minimum."""
        return self._prompt_cache and price_table().caches(request.model_id, _static_tokens(request.system))

    def _client(self) -> "BedrockRuntimeClient":
        with self._making:
            if self._made is None:
                # An own session: boto3's default one must not be used from several threads at a time.
                session = boto3.session.Session(region_name=self._region)
                self._made = session.client("bedrock-runtime", config=self._config)
                # Before botocore's own handler, which would try again.
                self._made.meta.events.register_first("needs-retry.bedrock-runtime", _end_at_read_timeout)
            return self._made

    def _misshapen(self, request: ModelRequest, shape: str, todo: str) -> ModelRequestRejected:
        return ModelRequestRejected(
            f"model {request.model_id} in {self._where()} did not answer in the shape of {shape}; {todo}",
            perhaps_paid=True,
        )

    def _where(self) -> str:
        return self._made.meta.region_name if self._made else self._region or "an unset region"


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


class ConverseModel(_BedrockModel):
    """Any model that speaks Bedrock's Converse.

    `concurrency` is how many threads ask at a time (the size of the connection pool); `prompt_cache` marks the system
    text as cacheable, where prices.json knows the model and the text reaches its minimum; timeouts are seconds for each
    of the attempts.
    """

    def _call(self, client: "BedrockRuntimeClient", request: ModelRequest) -> ModelReply:
        body = converse_body(request, prompt_cache=self._caches(request))
        response = client.converse(modelId=request.model_id, **body)
        try:
            return ConverseReply.model_validate(response).said()
        except ValidationError:
            raise self._misshapen(request, "Converse", "try another model") from None


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


class MessagesModel(_BedrockModel):
    """Anthropic models through InvokeModel with the native Messages body. Options as ConverseModel's."""

    def _call(self, client: "BedrockRuntimeClient", request: ModelRequest) -> ModelReply:
        response = client.invoke_model(
            modelId=request.model_id,
            contentType="application/json",
            accept="application/json",
            body=json.dumps(native_body(request, prompt_cache=self._caches(request))).encode(),
        )
        try:
            return NativeReply.model_validate_json(response["body"].read()).said()
        except ValidationError:
            todo = "set the model API to converse for this model"
            raise self._misshapen(request, "Anthropic Messages", todo) from None


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


def _end_at_read_timeout(*, caught_exception: Exception | None = None, **_: object) -> None:
    """Not to be tried again within the call, whose one reservation would then pay for two answers."""
    if isinstance(caught_exception, ReadTimeoutError):
        raise caught_exception


def _translate(error: ClientError | BotoCoreError, which: str) -> PlumblineError:
    if isinstance(error, ClientError):
        return _translate_answer(error, which)
    name = type(error).__name__
    if isinstance(error, _NO_CREDENTIALS):
        return ModelAccessDenied(f"{which} was not called ({name}); give the caller AWS credentials and a region")
    if isinstance(error, ParamValidationError):
        return ModelRequestRejected(f"{which} was not called: the request is malformed ({name}), perhaps an empty text")
    return ModelUnavailable(
        f"{which} gave no answer ({name}); try again later", perhaps_paid=not isinstance(error, _NOT_SENT)
    )


def _translate_answer(error: ClientError, which: str) -> PlumblineError:
    code = error.response.get("Error", {}).get("Code", "no code")
    metadata = error.response.get("ResponseMetadata", {})
    status = metadata.get("HTTPStatusCode", 0)
    told = f"{code}, request id {metadata.get('RequestId', 'unknown')}"
    kind = _kind(code, status)
    if kind is ModelThrottled:
        return ModelThrottled(f"{which} asks for fewer calls ({told}); it is tried again later, or raise the quota")
    if kind is ModelUnavailable:
        return ModelUnavailable(f"{which} failed ({told}); try again later")
    if kind is ModelAccessDenied:
        return ModelAccessDenied(
            f"{which} may not be called ({told}); check the model id or inference profile, enable access to the model "
            "in this region, and allow bedrock:InvokeModel on it"
        )
    return ModelRequestRejected(
        f"{which} refused this request ({told}); where it refuses every case, check the model id (many models are "
        "reached only through an inference profile) and whether the model knows prompt caching"
    )


def _kind(code: str, status: int) -> type[PlumblineError]:
    for codes, kind in (
        (THROTTLED, ModelThrottled),
        (_UNAVAILABLE, ModelUnavailable),
        (DENIED | {"ResourceNotFoundException"}, ModelAccessDenied),
    ):
        if code in codes:
            return kind
    # A code that is not in the service's list (a proxy, a new code): the HTTP status says whether it may pass.
    if status == 429:  # noqa: PLR2004 - HTTP's own numbers
        return ModelThrottled
    if status in (401, 403):
        return ModelAccessDenied
    return ModelUnavailable if status >= 500 else ModelRequestRejected  # noqa: PLR2004

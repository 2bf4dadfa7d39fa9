"""LanguageModel on Amazon Bedrock: Converse for any model, InvokeModel for Anthropic's native body."""

import functools
import json
import threading
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError
from pydantic import ValidationError

from plumbline.adapters.bedrock_bodies import ConverseReply, NativeReply, converse_body, native_body
from plumbline.adapters.bedrock_errors import translate
from plumbline.contracts.errors import ModelRequestRejected
from plumbline.contracts.replies import ModelReply, ModelRequest
from plumbline.prices import price_table
from plumbline.tokens import tokens_in

if TYPE_CHECKING:
    from mypy_boto3_bedrock_runtime import BedrockRuntimeClient

CONNECT_TIMEOUT = 5.0
# A call that timed out may have been paid for: a long wait, and what tries it again is the state machine, which sets
# its cost aside anew. botocore's own second try is for what was not answered at all: throttles, failures, connections.
READ_TIMEOUT = 60.0
ATTEMPTS = 2


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
            raise translate(error, f"model {request.model_id} in {self._where()}") from None

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


def _end_at_read_timeout(*, caught_exception: Exception | None = None, **_: object) -> None:
    """Not to be tried again within the call, whose one reservation would then pay for two answers."""
    if isinstance(caught_exception, ReadTimeoutError):
        raise caught_exception

"""A LanguageModel that never pays twice for the same request: Powertools Idempotency on DynamoDB.

The table has Powertools' standard shape: partition key `id` (string), time to live on `expiration`.
"""

import hashlib
import json
from typing import TYPE_CHECKING, Any, Protocol, cast

import boto3
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyInconsistentStateError,
    IdempotencyPersistenceLayerError,
)
from aws_lambda_powertools.utilities.idempotency.persistence.datarecord import DataRecord
from aws_lambda_powertools.utilities.idempotency.serialization.pydantic import PydanticSerializer
from botocore.config import Config

from plumbline.contracts.errors import ModelUnavailable
from plumbline.contracts.replies import ModelReply, ModelRequest
from plumbline.observability import logger
from plumbline.ports import LanguageModel

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

DAY = 24 * 3600
_PREFIX = "reply"
LOCK_SECONDS = 150.0  # two attempts of 60 s and what lies between them


class RemainingTime(Protocol):
    """The one thing that is asked of a Lambda context."""

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the invocation is cut off."""


def request_key(request: ModelRequest) -> str:
    """Under which key the request's reply is stored."""
    return request.key


def stored_id(request_key: str) -> str:
    """The item of the table that holds the reply to the request of that key: the id that Powertools gives it."""
    return f"{_PREFIX}#{hashlib.sha256(json.dumps(request_key).encode()).hexdigest()}"


class IdempotentModel:
    """Asks `model` only what no caller has had answered within `expires_after_seconds`; safe for threads.

    While a request is being asked, the same request elsewhere raises IdempotencyAlreadyInProgressError, for the state
    machine to retry. That lock opens after `lock_seconds` at the latest, so that a worker that was killed does not
    block its own retry; it should be longer than one call with its botocore retries. A failed call is not stored.
    """

    def __init__(
        self,
        model: LanguageModel,
        table_name: str,
        *,
        expires_after_seconds: int = 90 * DAY,
        lock_seconds: float = LOCK_SECONDS,
        concurrency: int = 8,
        client: "DynamoDBClient | None" = None,
    ) -> None:
        self._usual = self._model = model
        self._payer = ""
        self._table_name = table_name
        self._lock_millis = int(lock_seconds * 1000)
        self._context: RemainingTime | None = None
        # Powertools types the context as Lambda's whole class; it calls this one method.
        config = IdempotencyConfig(
            hash_function="sha256",
            expires_after_seconds=expires_after_seconds,
            lambda_context=cast("Any", self),
            response_hook=self._mark_reused,
        )
        self._ask_once = idempotent_function(
            self._ask_now,
            data_keyword_argument="key",
            persistence_store=DynamoDBPersistenceLayer(table_name, boto3_client=client or _client(concurrency)),
            config=config,
            output_serializer=PydanticSerializer(ModelReply),
            # A fixed prefix in place of the function's name: Classify and Repair share the replies.
            key_prefix=_PREFIX,
        )

    def ask(self, request: ModelRequest) -> ModelReply:
        """The stored reply (`from_cache` true where another payer got it), or the model's answer, which is stored.

        Raises what the model raises; IdempotencyAlreadyInProgressError; ModelUnavailable when the table fails.
        """
        made: list[ModelReply] = []
        try:
            reply: ModelReply = self._ask_once(key=request_key(request), request=request, made=made)
        except (IdempotencyPersistenceLayerError, IdempotencyInconsistentStateError) as error:
            if made:  # answered and paid for, only not stored: losing it now would be paying twice
                logger.warning("reply not stored", extra={"table": self._table_name, "error": type(error).__name__})
                return made[0]
            raise ModelUnavailable(
                f"the reply store, table {self._table_name}, failed ({_cause(error)}), so model {request.model_id} "
                "gave no answer; check the table and the function's rights on it, then try again"
            ) from error
        return reply

    def begin(self, payer: str, context: RemainingTime, model: LanguageModel | None = None) -> None:
        """An invocation begins. `payer` says for whom it asks: a reply that it paid for itself, before a retry, comes
        back without `from_cache`. Locks taken now open when the invocation is cut off, where that is sooner.
        `model` is asked in this invocation in place of the usual one."""
        self._model = model or self._usual
        self._payer = payer
        self._context = context

    def get_remaining_time_in_millis(self) -> int:
        """How long a lock taken now may hold (Powertools asks this as it would ask a Lambda context)."""
        if self._context is None:
            return self._lock_millis
        return min(self._lock_millis, self._context.get_remaining_time_in_millis())

    def _ask_now(self, *, key: str, request: ModelRequest, made: list[ModelReply]) -> ModelReply:  # noqa: ARG002 - `key` is what Powertools hashes
        made.append(self._model.ask(request).model_copy(update={"paid_by": self._payer}))
        return made[0]

    def _mark_reused(self, response: Any, idempotent_data: DataRecord) -> ModelReply:  # noqa: ARG002 - hook
        """A reply that this very payer got before a retry stays its spend."""
        reply: ModelReply = response
        return reply.model_copy(update={"from_cache": reply.paid_by != self._payer or not self._payer})


def _client(concurrency: int) -> "DynamoDBClient":
    config = Config(
        retries={"mode": "adaptive", "total_max_attempts": 3},
        connect_timeout=5,
        read_timeout=10,
        max_pool_connections=concurrency,
    )
    return boto3.session.Session().client("dynamodb", config=config)


def _cause(error: Exception) -> str:
    return type(error.__cause__ or error).__name__

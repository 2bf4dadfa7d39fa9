"""The language model as Classify and Repair use it: Bedrock, behind the store of replies already paid for."""

import functools
from collections.abc import Callable, Sequence
from typing import TypeVar

from aws_lambda_powertools.utilities.idempotency.exceptions import IdempotencyAlreadyInProgressError
from aws_lambda_powertools.utilities.typing import LambdaContext

from plumbline.adapters.bedrock import ATTEMPTS, ConverseModel, MessagesModel
from plumbline.adapters.idempotency import DAY, IdempotentModel
from plumbline.adapters.spend import DynamoSpendLedger
from plumbline.batch.first import BatchFirst
from plumbline.contracts.batch import BatchAnswer
from plumbline.contracts.errors import ModelUnavailable
from plumbline.contracts.replies import ModelReply, ModelRequest
from plumbline.contracts.runs import AskTask
from plumbline.metrics import Metered
from plumbline.ports import LanguageModel
from plumbline.settings import LabelingSettings, ModelSettings
from plumbline.spend import MOST_WAITS, Capped

_BETWEEN_SECONDS = 30.0  # what lies between two attempts at most, with some to spare
Guarded = TypeVar("Guarded", bound=LanguageModel)


def language_model(
    settings: LabelingSettings, task: AskTask, context: LambdaContext, answers: Sequence[BatchAnswer] = ()
) -> LanguageModel:
    """The model for one invocation; clients and connections are kept between invocations.

    A stored reply comes first, then one of a batch's `answers`, which is stored in passing; what it asks Bedrock stays
    within the run's budget. The payer is the shard: when it is retried, its own replies are its own spend; the same
    text in another shard or run is a reuse.
    """
    model = stored_model(settings)
    capped = Capped(
        _bedrock(settings),
        DynamoSpendLedger(settings.ledger_table),
        task.run.run_id,
        task.run.budget_usd,
        can_wait=task.retries < MOST_WAITS,
    )
    model.begin(f"{task.run.run_id}/{task.shard}", context, BatchFirst(answers, capped))
    return model


def language_model_once(settings: ModelSettings, payer: str, context: LambdaContext) -> LanguageModel:
    """The model for a caller that waits: where the same request is being asked already, it raises ModelUnavailable."""
    model = stored_model(settings)
    model.begin(payer, context)
    return _NotTwice(model)


class _NotTwice:
    """Says of a request under way what the state machine would otherwise retry."""

    def __init__(self, model: LanguageModel) -> None:
        self._model = model

    def ask(self, request: ModelRequest) -> ModelReply:
        try:
            return self._model.ask(request)
        except IdempotencyAlreadyInProgressError:
            raise ModelUnavailable("the same case is being asked about right now; send it again in seconds") from None


@functools.cache
def stored_model(settings: ModelSettings) -> IdempotentModel:
    """Bedrock behind the store of replies, made once a process. Before `begin`, every stored reply is a reuse."""
    return _behind_store(_bedrock(settings), settings)


def guarded_model(settings: ModelSettings, guard: Callable[[LanguageModel], Guarded]) -> tuple[LanguageModel, Guarded]:
    """The same, made anew with `guard` around Bedrock: what the store answers reaches it never. And the guard."""
    guarded = guard(_bedrock(settings))
    return _behind_store(guarded, settings), guarded


def _behind_store(model: LanguageModel, settings: ModelSettings) -> IdempotentModel:
    return IdempotentModel(
        model,
        settings.idempotency_table,
        expires_after_seconds=settings.idempotency_days * DAY,
        lock_seconds=settings.lock_seconds or ATTEMPTS * settings.model_read_seconds + _BETWEEN_SECONDS,
        concurrency=settings.case_concurrency,
    )


@functools.cache
def _bedrock(settings: ModelSettings) -> LanguageModel:
    kind = MessagesModel if settings.model_api == "messages" else ConverseModel
    bedrock = kind(
        prompt_cache=settings.prompt_cache,
        concurrency=settings.case_concurrency,
        read_timeout=settings.model_read_seconds,
    )
    return Metered(bedrock)

"""The language model as Classify and Repair use it: Bedrock, behind the store of replies already paid for."""

import functools

from aws_lambda_powertools.utilities.typing import LambdaContext

from plumbline.adapters.bedrock import ConverseModel, MessagesModel
from plumbline.adapters.idempotency import DAY, IdempotentModel
from plumbline.contracts.runs import ShardTask
from plumbline.ports import LanguageModel
from plumbline.settings import ModelSettings


def language_model(settings: ModelSettings, task: ShardTask, context: LambdaContext) -> LanguageModel:
    """The model for one invocation; clients and connections are kept between invocations.

    The payer is the shard: when it is retried, its own replies are its own spend; the same text in another shard or
    run is a reuse.
    """
    model = _idempotent(settings)
    model.begin(f"{task.run.run_id}/{task.shard}", context)
    return model


@functools.cache
def _idempotent(settings: ModelSettings) -> IdempotentModel:
    return IdempotentModel(
        _bedrock(settings),
        settings.idempotency_table,
        expires_after_seconds=settings.idempotency_days * DAY,
        lock_seconds=settings.lock_seconds,
        concurrency=settings.case_concurrency,
    )


@functools.cache
def _bedrock(settings: ModelSettings) -> LanguageModel:
    if settings.model_api == "messages":
        return MessagesModel(prompt_cache=settings.prompt_cache, concurrency=settings.case_concurrency)
    return ConverseModel(prompt_cache=settings.prompt_cache, concurrency=settings.case_concurrency)

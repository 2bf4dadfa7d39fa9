"""The language model as Classify and Repair use it: Bedrock, behind the store of replies already paid for."""

import functools

from aws_lambda_powertools.utilities.typing import LambdaContext

from plumbline.adapters.bedrock import ConverseModel, MessagesModel
from plumbline.adapters.idempotency import DAY, IdempotentModel
from plumbline.ports import LanguageModel
from plumbline.settings import ModelSettings


def language_model(settings: ModelSettings, run_id: str, context: LambdaContext) -> LanguageModel:
    """The model for one invocation; clients and connections are kept between invocations."""
    model = _idempotent(settings, run_id)
    model.register_lambda_context(context)
    return model


@functools.lru_cache(maxsize=4)
def _idempotent(settings: ModelSettings, run_id: str) -> IdempotentModel:
    return IdempotentModel(
        _bedrock(settings),
        settings.idempotency_table,
        payer=run_id,
        expires_after_seconds=settings.idempotency_days * DAY,
        lock_seconds=settings.lock_seconds,
        concurrency=settings.case_concurrency,
    )


@functools.cache
def _bedrock(settings: ModelSettings) -> LanguageModel:
    if settings.model_api == "messages":
        return MessagesModel(prompt_cache=settings.prompt_cache, concurrency=settings.case_concurrency)
    return ConverseModel(prompt_cache=settings.prompt_cache, concurrency=settings.case_concurrency)

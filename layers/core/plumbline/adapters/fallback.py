"""PredictCase's language model, made when it is first asked: a stack that does not allow it never imports it."""

import functools
from collections.abc import Callable

from aws_lambda_powertools.utilities.typing import LambdaContext

from plumbline.predict_case.fallback import LanguageModelFallback
from plumbline.prompting import LoadedPrompt, load_prompt
from plumbline.settings import PredictCaseSettings


def fallback(settings: PredictCaseSettings, context: LambdaContext) -> Callable[[], LanguageModelFallback] | None:
    """What gives this invocation the language model with the current prompt; None where the stack does not allow it."""

    def made() -> LanguageModelFallback:
        from plumbline.adapters.model import language_model_once  # noqa: PLC0415 - see above

        model = language_model_once(settings, f"predict_case/{context.aws_request_id}", context)
        return LanguageModelFallback(_prompt(settings), settings.model_id, model)

    return made if settings.predict_with_llm else None


@functools.cache
def _prompt(settings: PredictCaseSettings) -> LoadedPrompt:
    return load_prompt(settings.prompts_dir, settings.task, settings.prompt_version)

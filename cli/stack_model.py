"""A stack's language model and its privacy, used from this machine as the stack's own functions use them."""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import boto3
from aws_lambda_powertools.utilities.idempotency.exceptions import IdempotencyAlreadyInProgressError
from rich.console import Console

from cli import local_stack, stack
from cli.errors import CliError
from cli.paths import prompts_dir
from cli.run import start_local
from cli.stack import Stack, function_of
from plumbline.adapters.bedrock import READ_TIMEOUT
from plumbline.adapters.model import guarded_model
from plumbline.adapters.privacy import privacy
from plumbline.anonymize import Privacy
from plumbline.contracts.errors import InvalidSettings, ModelThrottled, ModelUnavailable
from plumbline.contracts.replies import ModelReply, ModelRequest, Usage
from plumbline.ports import LanguageModel
from plumbline.prices import price_table
from plumbline.settings import ModelSettings, PrivacySettings, from_env
from plumbline.spend_tracker import SpendTracker

CONCURRENCY: Final = 8
_WAITS: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)  # seconds between the tries of one request
_PASSING: Final = (ModelThrottled, ModelUnavailable, IdempotencyAlreadyInProgressError)
_PRIVACY: Final = {
    "PII_DETECTOR": "PiiDetector",
    "PII_POLICY": "PiiPolicy",
    "PII_PATTERNS": "PiiPatterns",
    "PII_ALLOW": "PiiAllow",
    "PII_LANGUAGE": "PiiLanguage",
    "PSEUDONYM_KEY_ARN": "PseudonymKeyArn",
}


@dataclass(frozen=True)
class StackModel:
    """Whom to ask, by which id, and what it costs. `spend` stands below the store of replies and keeps the budget."""

    model: LanguageModel
    model_id: str
    spend: SpendTracker

    def usd(self, usage: Usage) -> float | None:
        """What the usage costs; None where no price is known."""
        return price_table().usd(self.model_id, usage)


def any_stack(name: str | None, console: Console) -> Stack:
    """The stack of that name; without one the local stack, which is started where it does not run."""
    return start_local(console) if name is None and local_stack.running() is None else stack.find(name)


def stack_parameters(where: Stack) -> dict[str, str]:
    """The values that the stack was deployed with, by the template's names."""
    described = boto3.client("cloudformation").describe_stacks(StackName=where.name)["Stacks"][0]
    return {given["ParameterKey"]: given.get("ParameterValue", "") for given in described.get("Parameters", [])}


def stack_model(
    where: Stack, parameters: Mapping[str, str], model_id: str | None = None, *, budget: float | None = None
) -> StackModel:
    """The stack's model on Bedrock, behind the stack's own store of replies: what was answered once is not paid again.

    No call is made that could break the budget. Busy moments of the service are waited out. Raises CliError for a stack
    without that store.
    """
    settings = ModelSettings(
        data_bucket=where.data_bucket,
        prompts_dir=prompts_dir(),
        idempotency_table=function_of(where, "IdempotencyTable"),
        model_api="messages" if parameters.get("ModelApi") == "messages" else "converse",
        prompt_cache=parameters.get("PromptCache", "true") == "true",
        case_concurrency=CONCURRENCY,
        model_read_seconds=float(parameters.get("ModelReadSeconds") or READ_TIMEOUT),
    )
    model, spend = guarded_model(settings, lambda bedrock: SpendTracker(bedrock, budget))
    return StackModel(PatientModel(model), model_id or where.model_id, spend)


def stack_privacy(parameters: Mapping[str, str]) -> Privacy:
    """How the stack anonymizes. Raises CliError for a setting that is wrong."""
    environment = {variable: parameters.get(name, "") for variable, name in _PRIVACY.items()}
    try:
        return privacy(from_env(PrivacySettings, environment))
    except InvalidSettings as error:
        raise CliError(f"The stack's settings for personal data are wrong: {error}.") from None


class PatientModel:
    """Waits and tries again where the service is busy, as the state machine does around the functions."""

    def __init__(self, model: LanguageModel, sleep: Callable[[float], None] = time.sleep) -> None:
        self._model = model
        self._sleep = sleep

    def ask(self, request: ModelRequest) -> ModelReply:
        """The model's answer. Raises what the last try raises; ModelUnavailable where another one still asks it."""
        for wait in _WAITS:
            try:
                return self._model.ask(request)
            except _PASSING:
                self._sleep(wait * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, no secret
        try:
            return self._model.ask(request)
        except IdempotencyAlreadyInProgressError:
            raise ModelUnavailable("the same request is being asked elsewhere; try again in a few minutes") from None

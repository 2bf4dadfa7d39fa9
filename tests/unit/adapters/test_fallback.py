"""The language model as the API asks it."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from aws_lambda_powertools.utilities.idempotency.exceptions import IdempotencyAlreadyInProgressError
from aws_lambda_powertools.utilities.typing import LambdaContext

from plumbline.adapters import model
from plumbline.adapters.fallback import fallback
from plumbline.contracts.errors import ModelUnavailable
from plumbline.contracts.replies import ModelReply, ModelRequest, Turn
from plumbline.settings import PredictCaseSettings, from_env
from tests.template.reading import ROOT

CONTEXT = cast("LambdaContext", SimpleNamespace(aws_request_id="r-1", get_remaining_time_in_millis=lambda: 20_000))
ENVIRONMENT = {
    "DATA_BUCKET": "data",
    "IDEMPOTENCY_TABLE": "replies",
    "PROMPTS_DIR": str(ROOT / "prompts"),
    "TASK": "root_cause",
    "PROMPT_VERSION": "v3",
    "MODEL_ID": "some.model",
    "MODEL_PARAMETERS": "/plumbline/models/",
}


def settings(**changes: str) -> PredictCaseSettings:
    return from_env(PredictCaseSettings, ENVIRONMENT | changes)


def test_a_stack_that_does_not_say_so_asks_no_language_model() -> None:
    assert fallback(settings(), CONTEXT) is None
    assert fallback(settings(PREDICT_WITH_LLM="false"), CONTEXT) is None


def test_a_stack_that_says_so_asks_with_its_prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    payers: list[str] = []

    def language_model_once(_settings: Any, payer: str, _context: Any) -> None:
        payers.append(payer)

    monkeypatch.setattr(model, "language_model_once", language_model_once)
    made = fallback(settings(PREDICT_WITH_LLM="true"), CONTEXT)
    assert made is not None
    assert payers == [], "a promoted model needs none"
    assert made().version == "llm:some.model:root_cause/v3"
    assert payers == ["predict_case/r-1"]


def test_two_attempts_fit_into_what_api_gateway_waits() -> None:
    assert 2 * settings().model_read_seconds < 29


def test_a_case_that_is_being_asked_about_is_not_asked_about_twice() -> None:
    class Busy:
        def ask(self, request: ModelRequest) -> ModelReply:
            raise IdempotencyAlreadyInProgressError

    request = ModelRequest(model_id="m", system="", turns=(Turn(role="user", text="t"),), max_tokens=1, temperature=0)
    with pytest.raises(ModelUnavailable, match="send it again"):
        model._NotTwice(Busy()).ask(request)

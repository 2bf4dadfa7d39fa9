"""The stack's model from a command: behind the stack's store of replies, and patient."""

import boto3
import pytest

from cli import stack_model
from cli.errors import CliError
from cli.stack import Stack
from cli.stack_model import PatientModel
from cli.stack_model import stack_model as model_of
from plumbline.adapters import model as adapter
from plumbline.contracts.errors import BudgetExceeded, ModelAccessDenied, ModelThrottled
from plumbline.contracts.replies import ModelRequest, Turn, Usage
from plumbline.spend_tracker import SpendTracker
from tests.fakes import FakeModel

HAIKU = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
REQUEST = ModelRequest(model_id="m", system="s", turns=(Turn(role="user", text="t"),), max_tokens=100)


def test_what_was_answered_once_is_not_asked_again(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    boto3.client("dynamodb").create_table(
        TableName="replies",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    fake = FakeModel(lambda request: "answer")
    monkeypatch.setattr(stack_model, "function_of", lambda where, logical: "replies")
    monkeypatch.setattr(adapter, "_bedrock", lambda settings: fake)
    asked = model_of(stack, {})
    assert asked.model_id == "local.test"
    assert not asked.model.ask(REQUEST).from_cache
    assert asked.model.ask(REQUEST).from_cache
    assert len(fake.requests) == 1

    # What is stored is had for nothing when the budget is used up; what is not is refused, and asked another time.
    poor = model_of(stack, {}, budget=0.000001)
    other = REQUEST.model_copy(update={"model_id": HAIKU})
    assert poor.model.ask(REQUEST).from_cache
    with pytest.raises(BudgetExceeded):
        poor.model.ask(other)
    assert (len(fake.requests), poor.spend.spent_usd) == (1, 0.0)
    assert model_of(stack, {}, budget=1).model.ask(other).text == "answer"


def test_busy_moments_are_waited_out_and_what_waiting_does_not_mend_is_not() -> None:
    waits: list[float] = []
    answers: list[str | Exception] = [ModelThrottled("busy"), ModelThrottled("busy"), "there"]
    patient = PatientModel(FakeModel(lambda request: answers.pop(0)), waits.append)
    assert patient.ask(REQUEST).text == "there"
    assert len(waits) == 2
    assert waits[0] <= 1.0 <= 2 * waits[1]

    waits.clear()
    with pytest.raises(ModelAccessDenied):
        PatientModel(FakeModel(lambda request: ModelAccessDenied("no")), waits.append).ask(REQUEST)
    assert waits == []
    with pytest.raises(ModelThrottled):
        PatientModel(FakeModel(lambda request: ModelThrottled("busy")), waits.append).ask(REQUEST)
    assert sum(waits) < 64


def test_the_price_is_the_models_own() -> None:
    spend = SpendTracker(FakeModel(lambda request: ""))
    asked = stack_model.StackModel(spend, HAIKU, spend)
    assert asked.usd(Usage(input_tokens=1_000_000)) == pytest.approx(1)


def test_cases_are_anonymized_by_the_stacks_own_settings() -> None:
    privacy = stack_model.stack_privacy({"PiiPolicy": '{"NAME": "review"}', "PiiDetector": "local"})
    assert privacy.action("NAME") == "review"
    with pytest.raises(CliError, match="personal data are wrong"):
        stack_model.stack_privacy({"PiiPolicy": '{"NOSUCH": "mask"}'})

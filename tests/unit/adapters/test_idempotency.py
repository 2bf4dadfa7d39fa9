"""Nothing is paid for twice: the reply store on moto's DynamoDB, no sockets."""

import threading
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest
from aws_lambda_powertools.utilities.idempotency.exceptions import IdempotencyAlreadyInProgressError
from moto import mock_aws

from plumbline.adapters.idempotency import IdempotentModel, request_key
from plumbline.contracts.errors import ModelThrottled, ModelUnavailable
from plumbline.contracts.replies import ModelReply, ModelRequest, Turn, Usage

TABLE = "replies"


class CountingModel:
    """Answers from a list (the last one again and again); remembers what it was asked."""

    def __init__(self, *answers: str | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[ModelRequest] = []

    def ask(self, request: ModelRequest) -> ModelReply:
        self.asked.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return ModelReply(text=answer, stop_reason="end_turn", usage=Usage(input_tokens=7, output_tokens=3))


def request(**changes: Any) -> ModelRequest:
    base = ModelRequest(model_id="m", system="s", turns=(Turn(role="user", text="a case"),), max_tokens=64)
    return base.model_copy(update=changes)


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB", "POWERTOOLS_IDEMPOTENCY_DISABLED"):
        monkeypatch.delenv(name, raising=False)
    with warnings.catch_warnings(), mock_aws():
        warnings.simplefilter("default", DeprecationWarning)
        yield boto3.resource("dynamodb").create_table(
            TableName=TABLE,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )


@pytest.mark.usefixtures("table")
def test_second_ask_makes_no_call_and_keeps_its_usage() -> None:
    model = CountingModel("Billing", "something else")
    first = IdempotentModel(model, TABLE).ask(request())
    again = IdempotentModel(model, TABLE).ask(request())  # another worker
    assert len(model.asked) == 1
    assert (first.text, first.from_cache) == ("Billing", False)
    assert again == first.model_copy(update={"from_cache": True})
    assert again.usage == Usage(input_tokens=7, output_tokens=3)


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize(
    "changes",
    [
        {"system": "another prompt"},
        {"model_id": "another"},
        {"max_tokens": 65},
        {"temperature": 0.5},
        {"turns": (Turn(role="user", text="another case"),)},
        {"turns": (Turn(role="assistant", text="a case"),)},
    ],
)
def test_whatever_the_answer_depends_on_makes_a_new_call(changes: dict[str, Any]) -> None:
    model = CountingModel("Billing")
    idempotent = IdempotentModel(model, TABLE)
    idempotent.ask(request())
    assert not idempotent.ask(request(**changes)).from_cache
    assert len(model.asked) == 2
    assert request_key(request()) != request_key(request(**changes))


def test_a_failed_call_is_not_stored(table: Any) -> None:
    model = CountingModel(ModelThrottled("slow down"), "Billing")
    idempotent = IdempotentModel(model, TABLE)
    with pytest.raises(ModelThrottled):
        idempotent.ask(request())
    assert table.scan()["Items"] == []
    assert idempotent.ask(request()).text == "Billing"
    assert idempotent.ask(request()).from_cache
    assert len(model.asked) == 2


@pytest.mark.usefixtures("table")
def test_the_same_request_elsewhere_waits_for_the_state_machine() -> None:
    entered, finish = threading.Event(), threading.Event()

    class SlowModel(CountingModel):
        def ask(self, request: ModelRequest) -> ModelReply:
            entered.set()
            assert finish.wait(30)
            return super().ask(request)

    slow, other = SlowModel("Billing"), CountingModel("never asked")
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(IdempotentModel(slow, TABLE).ask, request())
        assert entered.wait(30)
        with pytest.raises(IdempotencyAlreadyInProgressError):
            IdempotentModel(other, TABLE).ask(request())
        finish.set()
        assert asked.result(30).text == "Billing"
    assert IdempotentModel(other, TABLE).ask(request()).text == "Billing"
    assert other.asked == []


def test_a_killed_worker_blocks_its_retry_only_until_the_lock_opens(table: Any) -> None:
    class KilledModel(CountingModel):
        def ask(self, request: ModelRequest) -> ModelReply:
            raise KeyboardInterrupt  # nothing below `Exception` cleans up, as when the process is gone

    with pytest.raises(KeyboardInterrupt):
        IdempotentModel(KilledModel("-"), TABLE, lock_seconds=120).ask(request())
    (left,) = table.scan()["Items"]
    assert left["status"] == "INPROGRESS"
    model = CountingModel("Billing")
    with pytest.raises(IdempotencyAlreadyInProgressError):
        IdempotentModel(model, TABLE).ask(request())
    table.put_item(Item=left | {"in_progress_expiration": left["in_progress_expiration"] - 121_000})
    assert IdempotentModel(model, TABLE).ask(request()).text == "Billing"


class Context:
    def __init__(self, millis: int) -> None:
        self.millis = millis

    def get_remaining_time_in_millis(self) -> int:
        return self.millis


def test_a_lock_never_outlasts_the_invocation(table: Any) -> None:
    idempotent = IdempotentModel(CountingModel("x"), TABLE, lock_seconds=120)
    assert idempotent.get_remaining_time_in_millis() == 120_000
    idempotent.begin("run-1/00000", Context(900_000))
    assert idempotent.get_remaining_time_in_millis() == 120_000
    idempotent.begin("run-1/00000", Context(5_000))
    assert idempotent.get_remaining_time_in_millis() == 5_000


def test_replies_expire(table: Any) -> None:
    idempotent = IdempotentModel(CountingModel("Billing"), TABLE, expires_after_seconds=3600)
    idempotent.ask(request())
    (item,) = table.scan()["Items"]
    lock_taken = item["in_progress_expiration"] / 1000 - 120
    assert float(item["expiration"]) == pytest.approx(float(lock_taken) + 3600, abs=60)
    assert "a case" not in str({name: value for name, value in item.items() if name != "data"})
    table.put_item(Item=item | {"expiration": 1})
    assert not idempotent.ask(request()).from_cache


def test_a_pool_of_threads_asks_each_request_once(table: Any) -> None:
    model = CountingModel("Billing")
    idempotent = IdempotentModel(model, TABLE)
    requests = [request(system=f"prompt {number}") for number in range(24)]
    with ThreadPoolExecutor(8) as pool:
        first = list(pool.map(idempotent.ask, requests))
        again = list(pool.map(idempotent.ask, requests))
    assert len(model.asked) == len({request_key(asked) for asked in model.asked}) == 24
    assert not any(reply.from_cache for reply in first)
    assert all(reply.from_cache for reply in again)
    assert len(table.scan()["Items"]) == 24


@pytest.mark.usefixtures("table")
def test_without_the_table_no_call_is_made() -> None:
    model = CountingModel("Billing")
    with pytest.raises(ModelUnavailable, match="table no-such-table") as caught:
        IdempotentModel(model, "no-such-table").ask(request())
    assert "a case" not in str(caught.value)
    assert model.asked == []


def test_an_answer_that_cannot_be_stored_is_not_lost(table: Any) -> None:
    class TableGoes(CountingModel):
        def ask(self, request: ModelRequest) -> ModelReply:
            reply = super().ask(request)
            table.delete()
            return reply

    assert IdempotentModel(TableGoes("Billing"), TABLE).ask(request()).text == "Billing"


def test_the_key_stays_what_it_is() -> None:
    """Another key for the same request would make every stored reply unknown: each case would be paid for again."""
    assert request_key(request()) == "75af51ff7cae716a9f545bb1d7387e2bfd5cc1d85e642c0a53a959f3f0f22111"


@pytest.mark.usefixtures("table")
def test_a_reply_that_the_same_shard_paid_for_stays_its_spend() -> None:
    """A worker that crashed after paying looks its own replies up again: no second call, and no free ride either."""
    model = CountingModel("Billing")

    def ask_for(payer: str) -> ModelReply:
        idempotent = IdempotentModel(model, TABLE)
        idempotent.begin(payer, Context(900_000))
        return idempotent.ask(request())

    assert not ask_for("run-1/00000").from_cache
    assert not ask_for("run-1/00000").from_cache  # its retry
    assert ask_for("run-1/00001").from_cache  # the same text elsewhere in the run
    assert ask_for("run-2/00000").from_cache
    assert len(model.asked) == 1

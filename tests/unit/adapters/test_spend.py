"""What a run has spent, on moto's DynamoDB: the cap holds whoever races, and what is not settled stays set aside."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from botocore.stub import Stubber
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto import mock_aws

from local.moto_patches import tables
from plumbline.adapters import clients
from plumbline.adapters.spend import DynamoSpendLedger
from plumbline.contracts.errors import BudgetExceeded, StoreDenied, StoreUnavailable

RUN = "run-1"


@pytest.fixture
def ledger() -> Iterator[DynamoSpendLedger]:
    clients._client.cache_clear()
    with mock_aws():
        boto3.client("dynamodb").create_table(
            TableName="ledger",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
            BillingMode="PAY_PER_REQUEST",
        )
        yield DynamoSpendLedger("ledger")
    clients._client.cache_clear()


def test_what_is_reserved_counts_until_it_is_settled_with_what_it_cost(ledger: DynamoSpendLedger) -> None:
    assert (ledger.spent(RUN), ledger.held(RUN)) == (0.0, 0.0)
    ledger.reserve(RUN, 0.6, 1.0)
    with pytest.raises(BudgetExceeded, match=r"run run-1: a call that can cost \$0.5000 was not made"):
        ledger.reserve(RUN, 0.5, 1.0)
    assert (ledger.spent(RUN), ledger.held(RUN)) == (0.0, 0.6)
    ledger.settle(RUN, 0.6, 0.25)
    assert (ledger.spent(RUN), ledger.held(RUN)) == (0.25, 0.0)
    ledger.reserve(RUN, 0.75, 1.0)
    assert ledger.held(RUN) == 0.75


def test_a_call_dearer_than_the_whole_budget_is_refused_at_once(ledger: DynamoSpendLedger) -> None:
    with pytest.raises(BudgetExceeded):
        ledger.reserve(RUN, 1.01, 1.0)
    assert ledger.held(RUN) == 0.0


def test_runs_do_not_spend_each_others_budget(ledger: DynamoSpendLedger) -> None:
    ledger.reserve(RUN, 1.0, 1.0)
    ledger.reserve("run-2", 1.0, 1.0)
    assert (ledger.held(RUN), ledger.held("run-2")) == (1.0, 1.0)


def test_sixteen_threads_never_break_the_cap_and_use_all_of_it(
    ledger: DynamoSpendLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables.patch(lambda target, name, replacement, /, *, new=False: monkeypatch.setattr(target, name, replacement, new))
    cap, most, cost = 0.05, 0.004, 0.001
    under_way, highest, lock = [0.0], [0.0], threading.Lock()
    made = []

    def work(_: int) -> None:
        for _ in range(6):
            try:
                ledger.reserve(RUN, most, cap)
            except BudgetExceeded:
                continue
            with lock:
                under_way[0] += most
                highest[0] = max(highest[0], under_way[0])
                made.append(cost)
            with lock:
                under_way[0] += cost - most  # what was spent stays
            ledger.settle(RUN, most, cost)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(work, range(16)))
    assert highest[0] <= cap + 1e-9
    assert ledger.spent(RUN) == pytest.approx(sum(made))
    assert sum(made) <= cap
    assert ledger.held(RUN) == 0.0
    while True:  # whoever comes alone may use the rest
        try:
            ledger.reserve(RUN, most, cap)
        except BudgetExceeded:
            break
        ledger.settle(RUN, most, cost)
    assert cap - most < ledger.spent(RUN) <= cap


_usd = st.floats(min_value=0.0, max_value=3.0, allow_nan=False)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(calls=st.lists(st.tuples(_usd, st.floats(min_value=0, max_value=1), st.booleans()), max_size=12), cap=_usd)
def test_spent_and_held_never_exceed_the_cap(
    ledger: DynamoSpendLedger, calls: list[tuple[float, float, bool]], cap: float
) -> None:
    run = f"run-{id(calls)}-{cap}"
    spent = held = 0.0
    for most, share, lost in calls:
        try:
            ledger.reserve(run, most, cap)
        except BudgetExceeded:
            assert spent + held + most > cap - 1e-4
            continue
        held += most
        if not lost:
            ledger.settle(run, most, most * share)
            held, spent = held - most, spent + most * share
        assert ledger.spent(run) + ledger.held(run) <= cap + 1e-9
    assert ledger.spent(run) == pytest.approx(spent, abs=2e-6 * (len(calls) + 1))
    assert ledger.held(run) == pytest.approx(held, abs=2e-6 * (len(calls) + 1))


def test_a_settlement_whose_answer_got_lost_is_not_tried_again(
    ledger: DynamoSpendLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.reserve(RUN, 0.5, 1.0)
    client, sent = clients.dynamodb_once(), []

    def lost(**sending: object) -> None:
        sent.append(1)
        raise ReadTimeoutError(endpoint_url="")

    client.meta.events.register("before-send.dynamodb.UpdateItem", lost)
    try:
        with pytest.raises(StoreUnavailable):
            ledger.settle(RUN, 0.5, 0.1)
    finally:
        client.meta.events.unregister("before-send.dynamodb.UpdateItem", lost)
    assert len(sent) == 1
    assert ledger.held(RUN) == 0.5


def test_a_batch_is_set_aside_once_however_often_it_is_tried(ledger: DynamoSpendLedger) -> None:
    ledger.reserve(RUN, 0.1, 1.0)
    with pytest.raises(BudgetExceeded, match="a batch that can cost"):
        ledger.reserve_batch(RUN, 0.95, 1.0)
    with pytest.raises(BudgetExceeded):
        ledger.reserve_batch(RUN, 1.5, 1.0)
    for _ in range(3):  # an answer that got lost, an attempt that broke off: there is no room for it twice
        ledger.reserve_batch(RUN, 0.6, 1.0)
    assert ledger.held(RUN) == pytest.approx(0.7)


def test_a_batch_is_settled_once_whatever_else_is_set_aside(ledger: DynamoSpendLedger) -> None:
    ledger.reserve(RUN, 0.7, 2.0)
    ledger.reserve_batch(RUN, 0.6, 2.0)
    assert [ledger.settle_batch(RUN, 0.6, 0.2) for _ in range(2)] == [True, False]
    assert (ledger.spent(RUN), ledger.held(RUN)) == pytest.approx((0.2, 0.7))
    assert ledger.settle_batch("run-2", 0.0, 0.0), "a model without a price"


@pytest.mark.parametrize(
    ("code", "error"), [("AccessDeniedException", StoreDenied), ("ThrottlingException", StoreUnavailable)]
)
def test_what_the_table_says_has_the_state_machines_names(
    ledger: DynamoSpendLedger, code: str, error: type[Exception]
) -> None:
    with Stubber(clients.dynamodb_once()) as stub:
        stub.add_client_error("update_item", code)
        with pytest.raises(error):
            ledger.settle(RUN, 0.5, 0.1)


def test_another_fault_of_the_table_is_not_taken_for_a_full_budget(ledger: DynamoSpendLedger) -> None:
    with Stubber(clients.dynamodb_many()) as stub:
        stub.add_client_error("update_item", "ValidationException")
        with pytest.raises(ClientError):
            ledger.reserve(RUN, 0.5, 1.0)

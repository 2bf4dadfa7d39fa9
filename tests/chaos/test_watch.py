"""The chaos suite's watch, and what it excuses: each is fed a record that does not add up, and has to complain."""

import json
from collections import Counter
from dataclasses import replace
from inspect import getsource
from typing import Any

import pytest

from local.bedrock.calls import CallLog, Calls
from local.disturbing import Call, CallFault
from plumbline.adapters import spend
from plumbline.adapters.idempotency import stored_id
from plumbline.contracts.replies import ModelRequest, Usage
from plumbline.prices import price_table
from tests.chaos.found import Found
from tests.chaos.invariant import check_calls, repaid_usd
from tests.chaos.watch import Watch

# ---------------------------------------------------------------- calls that are paid for again

KEY, DIGEST = "key-1", "digest-1"
ID = stored_id(KEY)
MODEL = "anthropic.claude-haiku-4-5"
REPLIES, LEDGER = "stack-Replies", "stack-Ledger"


def calls(on_demand: int = 0, in_batch: int = 0) -> Calls:
    return Calls(
        requests={DIGEST: on_demand} if on_demand else {},
        batch_requests={DIGEST: in_batch} if in_batch else {},
        keys={DIGEST: KEY},
    )


@pytest.mark.parametrize(
    ("after", "before", "excuses", "repaid", "wasted"),
    [
        (calls(1), calls(), 0, 0, 0),
        (calls(3), calls(), 2, 2, 0),
        (calls(3), calls(), 1, 2, 1),
        (calls(2), calls(1), 0, 1, 1),  # answered in an earlier scenario already
        (calls(1, in_batch=1), calls(), 1, 1, 1),  # a batch's answer is never lost
        (calls(0, in_batch=2), calls(), 2, 1, 1),
    ],
)
def test_what_is_paid_for_again_without_an_excuse_is_wasted(
    after: Calls, before: Calls, excuses: int, repaid: int, wasted: int
) -> None:
    found = Found()
    check_calls(after, before, Counter({ID: excuses}), found)
    assert (found.repaid, found.wasted) == (repaid, wasted)
    assert bool(found.problems) == bool(wasted)


def test_what_is_paid_for_again_costs_what_each_of_its_answers_cost() -> None:
    one, other = Usage(input_tokens=1000, output_tokens=100), Usage(input_tokens=5000, output_tokens=100)
    log = CallLog()
    asked = [ModelRequest(model_id=MODEL, system="", turns=(), max_tokens=n) for n in (1, 2)]
    log.answered(asked[0], one)
    before = log.snapshot()
    for request, usage in zip((asked[0], *[asked[1]] * 3), (one, other, other, other), strict=True):
        log.answered(request, usage)
    usd = [price_table().usd(MODEL, usage) or 0.0 for usage in (one, other)]
    assert all(usd)
    assert repaid_usd(log.snapshot(), before, MODEL) == pytest.approx(usd[0] + 2 * usd[1])
    assert repaid_usd(before, Calls(), MODEL) == 0


def item(operation: str, function: str = "ClassifyFunction", item_id: str = ID, table: str = REPLIES) -> Call:
    where = "Item" if operation == "PutItem" else "Key"
    return Call(function, "dynamodb", operation, json.dumps({"TableName": table, where: {"id": {"S": item_id}}}))


def update(expression: str, **values: int) -> Call:
    sent = {
        "TableName": LEDGER,
        "Key": {"pk": {"S": "spend#run-1"}, "sk": {"S": "spend"}},
        "UpdateExpression": expression,
        "ExpressionAttributeValues": {f":{name}": {"N": str(value)} for name, value in values.items()},
    }
    return Call("ClassifyFunction", "dynamodb", "UpdateItem", json.dumps(sent))


def reserve(amount: int) -> Call:
    return update("ADD committed :amount", amount=amount, room=9000)


def settle(amount: int, cost: int = 100) -> Call:
    return update("ADD committed :change, spent :cost", change=cost - amount, cost=cost)


BEGIN, STORE, DELETE = item("PutItem"), item("UpdateItem"), item("DeleteItem")
RESERVE, SETTLE = reserve(400), settle(400)
SETTLE_BATCH = update("SET batch_settled = :cost ADD committed :change, spent :cost", change=-300, cost=100)
KILL, FAIL, LOSE = CallFault(do="kill"), CallFault(do="fail"), CallFault(do="fail", done=True)


def watched(*happened: tuple[Call, bool] | tuple[CallFault, Call]) -> Watch:
    watch = Watch(REPLIES, LEDGER)
    for first, second in happened:
        if isinstance(first, CallFault):
            assert isinstance(second, Call)
            watch.told(first, second)
        else:
            watch.heard(first, bool(second))
    return watch


OF_S3 = Call("ClassifyFunction", "s3", "PutObject", "/bucket/key")
OF_LEDGER = item("UpdateItem", table=LEDGER)


@pytest.mark.parametrize(
    ("happened", "excuses"),
    [
        ([(BEGIN, True), (STORE, True), (KILL, OF_S3), (BEGIN, False)], 0),  # stored, then its worker died
        ([(BEGIN, True), (KILL, OF_S3), (BEGIN, True)], 1),
        ([(BEGIN, True), (KILL, OF_S3), (BEGIN, True), (KILL, OF_S3), (BEGIN, True)], 2),
        ([(BEGIN, True), (KILL, OF_S3)], 0),  # nobody asks again
        ([(BEGIN, True), (KILL, OF_S3), (STORE, True), (BEGIN, True)], 0),  # its last word was carried out
        ([(BEGIN, True), (KILL, replace(OF_S3, function="RepairFunction")), (BEGIN, True)], 0),  # another's worker
        ([(BEGIN, True), (FAIL, OF_S3), (BEGIN, True)], 0),  # S3 failed
        ([(BEGIN, True), (FAIL, OF_LEDGER), (BEGIN, True)], 0),  # another table failed
        ([(BEGIN, True), (STORE, False), (STORE, False), (BEGIN, True)], 1),  # tries of one call
        ([(BEGIN, True), (STORE, False), (STORE, True), (BEGIN, True)], 0),  # the second try stored it
        ([(BEGIN, True), (DELETE, True), (KILL, OF_S3), (BEGIN, True)], 0),  # nobody had answered
        ([(BEGIN, True), (STORE, False), (KILL, OF_S3), (BEGIN, True)], 1),
    ],
)
def test_only_a_killed_worker_or_a_store_that_failed_excuses_a_call(happened: Any, excuses: int) -> None:
    assert watched(*happened).unstored[ID] == excuses


def test_what_the_store_forgot_is_excused() -> None:
    watch = watched((BEGIN, True), (STORE, True))
    watch.forgot(ID)
    assert watch.unstored == {ID: 1}


@pytest.mark.parametrize(
    ("happened", "unsettled"),
    [
        ([(RESERVE, True), (SETTLE, True), (KILL, OF_S3)], 0),
        ([(RESERVE, True), (KILL, OF_S3)], 400),
        ([(RESERVE, True), (reserve(300), True), (reserve(300), True), (SETTLE, True), (KILL, OF_S3)], 600),
        ([(RESERVE, True), (KILL, replace(OF_S3, function="RepairFunction"))], 0),
        ([(RESERVE, True), (FAIL, OF_S3), (SETTLE, True)], 0),
        ([(RESERVE, True), (FAIL, OF_S3)], 0),  # never settled, and nothing happened to it
        ([(RESERVE, True), (SETTLE, False)], 400),
        ([(RESERVE, True), (SETTLE, False), (KILL, OF_S3)], 400),
        ([(RESERVE, False), (FAIL, RESERVE), (RESERVE, True), (SETTLE, True)], 0),
        ([(RESERVE, True), (LOSE, RESERVE), (RESERVE, True), (SETTLE, True)], 400),
        ([(RESERVE, True), (LOSE, RESERVE), (RESERVE, True), (SETTLE, True), (KILL, OF_S3)], 400),
        ([(RESERVE, False), (LOSE, RESERVE)], 0),  # the budget did not let it in
        ([(RESERVE, True), (SETTLE, True), (LOSE, SETTLE)], 0),
        ([(SETTLE_BATCH, False)], 0),  # done before
        # What a killed worker sent before it died is carried out after.
        ([(BEGIN, True), (KILL, OF_S3), (RESERVE, True)], 400),
        ([(BEGIN, True), (RESERVE, True), (KILL, OF_S3), (SETTLE, True)], 400),
        ([(BEGIN, True), (KILL, OF_S3), (BEGIN, True), (RESERVE, True)], 0),  # of its next worker
        ([(BEGIN, True), (KILL, OF_S3), (STORE, True), (RESERVE, True)], 0),  # it had nothing more to say
    ],
)
def test_money_stays_set_aside_for_a_reason_only(happened: Any, unsettled: int) -> None:
    assert watched(*happened).unsettled.total() == unsettled


def test_the_watch_knows_the_dearest_call_and_how_many_a_kill_ended() -> None:
    watch = watched((RESERVE, True), (reserve(700), True), (reserve(9000), False), (settle(700), True), (KILL, OF_S3))
    assert (watch.unsettled, watch.dearest, watch.cut_off) == ({"run-1": 400}, 700, 1)


def test_the_watch_knows_the_updates_of_the_cap() -> None:
    """Its words are those of the adapter: else it would hear nothing, and excuse nothing."""
    for call in (RESERVE, SETTLE):
        assert f'"{json.loads(call.sent)["UpdateExpression"]}"' in getsource(spend)

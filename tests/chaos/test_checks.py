"""The chaos suite's own checks: each is fed a record that does not add up, and has to complain."""

import json
from collections import Counter
from dataclasses import replace
from inspect import getsource
from typing import Any

import pytest

from local.bedrock.calls import Calls
from local.disturbing import Call, CallFault, InvocationFault
from plumbline.adapters import spend
from plumbline.adapters.idempotency import stored_id
from tests.chaos.ending import Acted, Ended, check_acted, check_ending
from tests.chaos.found import Found
from tests.chaos.invariant import check_calls
from tests.chaos.money import Account, check_money
from tests.chaos.scenario import Scenario
from tests.chaos.watch import Watch

# ---------------------------------------------------------------- faults that have to act

ALL_KINDS = Scenario(
    "all",
    "of each kind",
    rules=[{"do": "junk"}, {"do": "fault", "share": 0.5}],
    jobs=[{"missing": 0.2, "ends": "Stopped", "seconds": 1.0}],
    calls=[CallFault(do="fail", share=0.1), CallFault(do="fail", share=0.2), CallFault(do="kill", calls=(2,))],
    invocations=[InvocationFault(do="double")],
    evict="stored",
)
ALL_ACTED = Acted(
    {"rules.0": 1, "rules.1": 3, "jobs.0.missing": 1, "jobs.0.ends": 1},
    calls={1: 1, 2: 1},
    invocations={0: 1},
    forgotten=2,
)


def acted(scenario: Scenario, of: Acted) -> list[str]:
    found = Found()
    check_acted(scenario, of, found)
    return found.problems


def test_a_scenario_all_of_whose_faults_acted_proves_something() -> None:
    assert acted(ALL_KINDS, ALL_ACTED) == []
    assert acted(Scenario("poor", "the budget ends", budget=1.0), Acted()) == []


@pytest.mark.parametrize(
    ("idle", "said"),
    [
        ({"model": {**ALL_ACTED.model, "rules.0": 0}}, "rule 0 (junk)"),
        ({"model": {**ALL_ACTED.model, "rules.1": 0}}, "rule 1 (fault)"),
        ({"model": {**ALL_ACTED.model, "jobs.0.missing": 0}}, "missing of job entry 0"),
        ({"model": {**ALL_ACTED.model, "jobs.0.ends": 0}}, "ends of job entry 0"),
        ({"calls": {2: 1}}, "any of the call faults that are drawn"),
        ({"calls": {0: 5}}, "call fault 2 (kill"),
        ({"invocations": {}}, "invocation fault 0 (double"),
        ({"forgotten": 0}, "that the store forgets"),
    ],
)
def test_a_fault_that_never_came_about_breaks_its_scenario(idle: dict[str, Any], said: str) -> None:
    problems = acted(ALL_KINDS, replace(ALL_ACTED, **idle))
    assert len(problems) == 1
    assert problems[0].startswith(said)


def test_a_scenario_without_any_fault_proves_nothing() -> None:
    assert len(acted(Scenario("none", "none"), Acted())) == 1


# ---------------------------------------------------------------- how runs end

LEFT = Scenario("left", "some are left", some_left=True, budget=1.0)
PARTLY = Ended(outcomes={"labeled": 5, "dropped": 3}, reasons={"dropped: budget_reached": 3}, budget_reached=3)
WHOLE = Ended(outcomes={"labeled": 3, "unchanged": 5})


def ending(scenario: Scenario, *driven: Ended, again: Ended | None = None) -> tuple[list[str], int]:
    found = Found()
    check_ending(scenario, driven, again, found)
    return found.problems, found.lost


def test_ends_that_are_as_the_scenario_says() -> None:
    assert ending(Scenario("good", "-"), Ended(outcomes={"labeled": 8})) == ([], 0)
    assert ending(LEFT, PARTLY, again=WHOLE) == ([], 0)
    assert ending(Scenario("two", "-"), WHOLE, Ended(outcomes={"labeled": 8})) == ([], 0)
    one_stays = Ended(outcomes={"labeled": 2, "unchanged": 5, "failed": 1})
    assert ending(replace(LEFT, stays=1), PARTLY, again=one_stays) == ([], 0)
    assert ending(Scenario("bad", "-", fails_with="NothingLabeled"), Ended("NothingLabeled")) == ([], 0)


@pytest.mark.parametrize(
    ("driven", "again", "lost"),
    [
        (replace(PARTLY, outcomes={"labeled": 5, "dropped": 2}), WHOLE, 0),  # a case without an outcome
        (replace(PARTLY, error="BrokenInvariant"), WHOLE, 0),
        (replace(PARTLY, budget_reached=0), WHOLE, 0),
        (replace(PARTLY, outcomes={"dropped": 8}), WHOLE, 0),  # the budget ended before anything came of it
        (PARTLY, replace(WHOLE, error="NothingLabeled"), 0),
        (PARTLY, Ended(outcomes={"labeled": 2, "unchanged": 5, "failed": 1}), 1),
        (PARTLY, Ended(outcomes={"labeled": 4, "unchanged": 5}), 0),  # more than came
    ],
)
def test_a_run_that_leaves_cases_without_a_word_is_noticed(driven: Ended, again: Ended, lost: int) -> None:
    problems, missing = ending(LEFT, driven, again=again)
    assert len(problems) == 1
    assert missing == lost


def test_a_run_that_has_to_succeed_and_has_no_summary_is_noticed() -> None:
    assert ending(LEFT, Ended(), again=WHOLE)[0]
    assert ending(Scenario("good", "-"), Ended())[0]


def test_each_of_two_runs_at_once_has_to_end_well() -> None:
    good = Ended(outcomes={"labeled": 8})
    assert len(ending(Scenario("two", "-"), Ended("NothingLabeled", outcomes={"failed": 8}), good)[0]) == 2
    assert len(ending(Scenario("two", "-"), good, Ended(outcomes={"labeled": 7, "failed": 1}))[0]) == 1


# ---------------------------------------------------------------- money

GOOD = Account("run-1", budget_usd=0.01, committed=3002, spent=3002, usd=0.003, perhaps_usd=0.0)
HOLDS = replace(GOOD, committed=3402, perhaps_usd=0.0004)


def money(*accounts: Account, asked: float = 0.003, repaid: int = 0, unsettled: bool = False) -> list[str]:
    found = Found(calls=3, repaid=repaid)
    check_money(accounts, asked, unsettled=unsettled, found=found)
    return found.problems


def test_accounts_that_add_up() -> None:
    assert money(GOOD) == []
    assert money(HOLDS, unsettled=True) == []
    assert money(replace(GOOD, usd=0.002), repaid=1) == []  # one of three was lost with its worker
    unsettled = replace(GOOD, committed=3400, spent=2001, perhaps_usd=0.001399)  # one was answered and not settled
    assert money(unsettled, unsettled=True) == []
    assert money(GOOD, Account("run-2", budget_usd=1.0), asked=0.003) == []  # one that asked for nothing


@pytest.mark.parametrize(
    ("account", "asked", "said"),
    [
        (replace(GOOD, usd=0.002), 0.003, "the summaries say"),
        (replace(GOOD, committed=2900, spent=2900), 0.003, "has counted 2900 only"),
        (replace(GOOD, committed=3100, spent=3100), 0.003, "has counted 3100 as spent"),
        (replace(GOOD, budget_usd=0.003), 0.003, "of a budget of 3000"),
        (HOLDS, 0.003, "stay set aside for nothing"),
        (replace(GOOD, perhaps_usd=0.0004), 0.003, "its summary says 400"),
        (replace(GOOD, committed=0, spent=0), 0.003, "its cap has 0"),
    ],
)
def test_an_account_that_does_not_add_up_is_noticed(account: Account, asked: float, said: str) -> None:
    assert any(said in problem for problem in money(account, asked=asked))


def test_what_is_set_aside_is_what_the_summary_says_whatever_went_wrong() -> None:
    assert money(replace(HOLDS, perhaps_usd=0.0), unsettled=True)
    assert money(replace(GOOD, usd=0.003), repaid=1), "a lost answer is in no summary"


# ---------------------------------------------------------------- calls that are paid for again

KEY, DIGEST = "key-1", "digest-1"
ID = stored_id(KEY)
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


def item(operation: str, function: str = "ClassifyFunction", item_id: str = ID, table: str = REPLIES) -> Call:
    where = "Item" if operation == "PutItem" else "Key"
    return Call(function, "dynamodb", operation, json.dumps({"TableName": table, where: {"id": {"S": item_id}}}))


def update(expression: str, function: str = "ClassifyFunction") -> Call:
    return Call(function, "dynamodb", "UpdateItem", json.dumps({"TableName": LEDGER, "UpdateExpression": expression}))


BEGIN, STORE, DELETE = item("PutItem"), item("UpdateItem"), item("DeleteItem")
RESERVE, SETTLE = update("ADD committed :amount"), update("ADD committed :change, spent :cost")
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
        ([(RESERVE, True), (SETTLE, True), (KILL, OF_S3)], False),
        ([(RESERVE, True), (KILL, OF_S3)], True),
        ([(RESERVE, True), (KILL, replace(OF_S3, function="RepairFunction"))], False),
        ([(RESERVE, True), (FAIL, OF_S3), (SETTLE, True)], False),
        ([(RESERVE, True), (SETTLE, False)], True),
        ([(RESERVE, False), (FAIL, RESERVE), (RESERVE, True), (SETTLE, True)], False),
        ([(RESERVE, True), (LOSE, RESERVE), (RESERVE, True), (SETTLE, True)], True),
        ([(RESERVE, True), (SETTLE, True), (LOSE, SETTLE)], False),
        ([(update("SET batch_settled = :cost ADD committed :change, spent :cost"), False)], False),  # done before
    ],
)
def test_money_stays_set_aside_for_a_reason_only(happened: Any, unsettled: bool) -> None:
    assert watched(*happened).unsettled == unsettled


def test_the_watch_knows_the_updates_of_the_cap() -> None:
    """Its words are those of the adapter: else it would hear nothing, and excuse nothing."""
    for call in (RESERVE, SETTLE):
        assert f'"{json.loads(call.sent)["UpdateExpression"]}"' in getsource(spend)

"""The chaos suite's own checks: each is fed a record that does not add up, and has to complain."""

from dataclasses import dataclass, replace
from io import StringIO
from typing import Any, cast

import pytest
from rich.console import Console

from local.disturbing import CallFault, InvocationFault
from plumbline import keys
from plumbline.contracts.batch import BatchSubmission
from tests.chaos import __main__ as command
from tests.chaos.ending import Acted, Ended, check_acted, check_ending
from tests.chaos.found import Found
from tests.chaos.money import Account, Asked, account, check_money
from tests.chaos.play import Played
from tests.chaos.scenario import Scenario
from tests.statemachine.pipeline import Pipeline, Run

# ---------------------------------------------------------------- faults that have to act

ALL_KINDS = Scenario(
    "all",
    "of each kind",
    rules=[{"do": "junk"}, {"do": "fault", "share": 0.5}],
    jobs=[{"missing": 0.2, "ends": "Stopped", "seconds": 1.0}],
    calls=[CallFault(do="fail", share=0.1), CallFault(do="fail", share=0.2), CallFault(do="kill", calls=(2, 5))],
    invocations=[InvocationFault(do="double")],
    evict="stored",
)
ALL_ACTED = Acted(
    {"rules.0": 1, "rules.1": 3, "jobs.0.missing": 1, "jobs.0.ends": 1},
    calls={1: 1, 2: 2},
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
        ({"calls": {2: 2}}, "any of the call faults that are drawn"),
        ({"calls": {0: 5}}, "call fault 2 (kill ) at 2 of the 2 calls"),
        ({"calls": {0: 5, 2: 1}}, "call fault 2 (kill ) at 1 of the 2 calls"),
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


def money(*accounts: Account, asked: float = 0.003, repaid: int = 0, unsettled: int = 0) -> list[str]:
    """What is found of three calls for `asked`, all of one price, `repaid` of them made again."""
    found = Found(calls=3, repaid=repaid)
    check_money(accounts, Asked(asked, asked * repaid / 3), unsettled={"run-1": unsettled}, found=found)
    return found.problems


def test_accounts_that_add_up() -> None:
    assert money(GOOD) == []
    assert money(HOLDS, unsettled=400) == []
    assert money(replace(GOOD, usd=0.002), repaid=1) == []  # one of three was lost with its worker
    unsettled = replace(GOOD, committed=3400, spent=2001, perhaps_usd=0.001399)  # one was answered and not settled
    assert money(unsettled, unsettled=1400) == []
    assert money(GOOD, Account("run-2", budget_usd=1.0), asked=0.003) == []  # one that asked for nothing


@pytest.mark.parametrize(
    ("account", "asked", "said"),
    [
        (replace(GOOD, usd=0.002), 0.003, "the summaries say"),
        (replace(GOOD, committed=2900, spent=2900), 0.003, "has counted 2900 only"),
        (replace(GOOD, committed=3100, spent=3100), 0.003, "has counted 3100 as spent"),
        (replace(GOOD, budget_usd=0.003), 0.003, "of a budget of 3000"),
        (HOLDS, 0.003, "400 micro-dollars stay set aside, and there is a reason for 0"),
        (replace(GOOD, spent=3402, perhaps_usd=-0.0004), 0.003, "-400 micro-dollars stay set aside"),
        (replace(GOOD, perhaps_usd=0.0004), 0.003, "its summary says 400"),
        (replace(GOOD, committed=0, spent=0), 0.003, "its cap has 0"),
    ],
)
def test_an_account_that_does_not_add_up_is_noticed(account: Account, asked: float, said: str) -> None:
    assert any(said in problem for problem in money(account, asked=asked))


def test_what_is_set_aside_is_what_the_summary_says_whatever_went_wrong() -> None:
    assert money(replace(HOLDS, perhaps_usd=0.0), unsettled=400)


def test_the_summaries_lack_what_was_paid_for_again_and_nothing_else() -> None:
    assert money(replace(GOOD, usd=0.003), repaid=1), "a lost answer is in no summary"
    assert any("the summaries say $0.000000 only" in problem for problem in money(replace(GOOD, usd=0.0), repaid=1))
    unsettled = replace(GOOD, usd=0.0019, spent=1902, perhaps_usd=0.0011)
    assert len(money(unsettled, repaid=1, unsettled=1100)) == 1


def test_a_reason_for_one_call_is_none_for_a_whole_batch() -> None:
    most_of_it = replace(GOOD, committed=9900, spent=3002, perhaps_usd=0.006898)
    assert len(money(most_of_it, unsettled=400)) == 1
    assert money(most_of_it, unsettled=6898) == []
    assert len(money(replace(most_of_it, of_batch=6898), unsettled=6898)) == 1, "a batch is settled whatever happens"
    assert money(HOLDS, replace(HOLDS, run_id="run-2"), asked=0.006, unsettled=400), "each run has reasons of its own"


@dataclass(frozen=True)
class Stored:
    """As much of a run as its account is read from."""

    item: dict[str, int]
    reserved_usd: float | None = None
    run_id: str = "run-1"

    @property
    def pipeline(self) -> "Stored":
        return self

    def table(self, _: str) -> list[dict[str, dict[str, str]]]:
        return [{"pk": {"S": "spend#run-1"}, "sk": {"S": "spend"}, **{n: {"N": str(v)} for n, v in self.item.items()}}]

    def request(self, _: str) -> dict[str, float]:
        return {"budget_usd": 0.01}

    def has(self, key: str) -> bool:
        return key == keys.batch(self.run_id) and self.reserved_usd is not None

    def read(self, _: str) -> bytes:
        return BatchSubmission(reserved_usd=self.reserved_usd or 0.0).model_dump_json().encode()


@pytest.mark.parametrize(
    ("item", "reserved_usd", "of_batch"),
    [
        ({"batch_reserved": 6898, "batch_settled": 3002}, 0.006898, 0),
        ({"batch_reserved": 6898}, 0.006898, 6898),  # never settled
        ({"batch_reserved": 6898}, 0.0, 0),  # no job was accepted: given back
        ({"batch_reserved": 6898}, None, 6898),
        ({"committed": 3002, "spent": 3002}, 0.0, 0),
    ],
)
def test_a_batch_that_was_not_settled_holds_what_was_set_aside_for_it(
    item: dict[str, int], reserved_usd: float | None, of_batch: int
) -> None:
    assert account(cast("Run", Stored(item, reserved_usd))).of_batch == of_batch


# ---------------------------------------------------------------- the table


def test_whatever_breaks_a_scenario_the_others_are_played(monkeypatch: pytest.MonkeyPatch) -> None:
    def play(_: Pipeline, scenario: Scenario) -> Played:
        raise KeyError(scenario.name)

    monkeypatch.setattr(command, "play", play)
    assert command._played(cast("Pipeline", None), LEFT).found.problems == ["KeyError: 'left'"]


def test_the_last_lines_count_the_calls_of_all_scenarios() -> None:
    good, bad = Found(calls=9, repaid=2), Found(calls=8, repaid=3, wasted=1, problems=["it is broken"])
    said = StringIO()
    played = [Played(LEFT, found, 1, 0.0) for found in (good, bad)]
    assert command._sum_up(Console(file=said, width=140), played[:1]) == 0
    assert "lost = 0, doubled = 0, wasted = 0\ncalls = 9, re-paid = 2, wasted = 0\n" in said.getvalue()
    assert command._sum_up(Console(file=said, width=140), played) == 1
    assert "lost = 0, doubled = 0, wasted = 1\ncalls = 17, re-paid = 5, wasted = 1\n" in said.getvalue()

"""A few of the scenarios of `make chaos`: both roads, a killed worker, a budget that ends, a doubled event."""

from collections.abc import Iterator

import pytest

from tests.chaos.play import arena, play
from tests.chaos.scenarios import SCENARIOS, SHORT
from tests.statemachine.pipeline import Pipeline


@pytest.fixture(scope="module")
def ready(_stack: Pipeline) -> Iterator[Pipeline]:
    with arena(_stack) as pipeline:
        yield pipeline


@pytest.mark.parametrize("name", SHORT)
def test_whatever_goes_wrong_nothing_is_lost_doubled_or_paid_twice(ready: Pipeline, name: str) -> None:
    played = play(ready, SCENARIOS[name])
    assert played.found.problems == []
    assert (played.found.lost, played.found.doubled, played.found.wasted) == (0, 0, 0)


def test_there_are_enough_scenarios_and_each_has_a_name_of_its_own() -> None:
    assert len(SCENARIOS) >= 40
    assert len({scenario.canary for scenario in SCENARIOS.values()}) == len(SCENARIOS)


def test_a_fault_of_single_cases_takes_no_case_by_its_canary() -> None:
    words = [(s.canary, rule.get("contains")) for s in SCENARIOS.values() for rule in s.rules]
    assert [(canary, word) for canary, word in words if word and word in canary] == []

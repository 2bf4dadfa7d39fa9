"""The throttling benchmark on a small run: time is counted, no case is lost and none answered twice."""

import pytest

from bench.throttling import Service, scenarios, simulated


@pytest.mark.parametrize("name", scenarios(0.5))
def test_every_case_is_answered_once_however_much_is_throttled(name: str) -> None:
    service = Service(scenarios(0.5)[name], call_seconds=2.0, seed=3)
    run = simulated(name, service, cases=120, shards_at_once=2, cases_at_once=8)
    assert (run.lost, run.twice) == (0, 0)
    assert len(service.answered) == 120
    assert run.calls >= 120
    assert run.seconds >= 120 * 2.0 / 16
    assert (run.retries > 0) == (name in {"90%", "all, for 0.5 h"}) or name in {"30%", "60%"}


def test_throttling_that_never_ends_is_given_up() -> None:
    run = simulated("for ever", Service(lambda _: 1.0, 2.0, 3), cases=50, shards_at_once=1, cases_at_once=8)
    assert (run.lost, run.twice) == (50, 0)
    assert run.seconds > 5 * 3600

"""What goes to CloudWatch: calls, tokens, cost, outcomes, and the age of what runs."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from plumbline.contracts.errors import ModelThrottled
from plumbline.contracts.replies import ModelReply, ModelRequest, Turn, Usage
from plumbline.metrics import Metered, count_run, count_usage
from plumbline.observability import count, stage
from plumbline.watch_runs import RunsUnderWay, watch_runs

HAIKU = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
USAGE = Usage(input_tokens=1_000_000, output_tokens=100_000, cache_read_tokens=1_000_000, cache_write_tokens=0)
REQUEST = ModelRequest(model_id=HAIKU, system="", turns=(Turn(role="user", text="hello"),), max_tokens=10)
CONTEXT: Any = SimpleNamespace(aws_request_id="request-1")


class Answers:
    def ask(self, request: ModelRequest) -> ModelReply:
        return ModelReply(text="yes", stop_reason="end_turn", usage=USAGE)


class Throttles:
    def ask(self, request: ModelRequest) -> ModelReply:
        raise ModelThrottled("later")


def measured(capsys: pytest.CaptureFixture[str], do: Any) -> dict[str, Any]:
    """The metrics that an invocation which does `do` sends, by name."""

    @stage("classify")
    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        do()
        return {}

    capsys.readouterr()
    handler({}, CONTEXT)
    [line] = [json.loads(text) for text in capsys.readouterr().out.splitlines() if '"_aws"' in text]
    [directive] = line["_aws"]["CloudWatchMetrics"]
    assert [sorted(names) for names in directive["Dimensions"]] == [["service", "stage"]]
    assert (directive["Namespace"], line["stage"]) == ("Plumbline", "classify")
    return {metric["Name"]: line[metric["Name"]] for metric in directive["Metrics"]}


def test_a_call_is_counted_with_its_tokens_and_its_price(capsys: pytest.CaptureFixture[str]) -> None:
    model = Metered(Answers())
    found = measured(capsys, lambda: (model.ask(REQUEST), model.ask(REQUEST)))
    assert found["ModelCalls"] == [2.0]
    assert (found["InputTokens"], found["OutputTokens"]) == ([2_000_000.0], [200_000.0])
    assert (found["CacheReadTokens"], found["CacheWriteTokens"]) == ([2_000_000.0], [0.0])
    assert found["SpendUsd"] == [pytest.approx(2 * (1.0 + 0.1 + 0.5))]


def test_a_throttled_call_is_counted_and_still_raises(capsys: pytest.CaptureFixture[str]) -> None:
    def ask() -> None:
        with pytest.raises(ModelThrottled):
            Metered(Throttles()).ask(REQUEST)

    found = measured(capsys, ask)
    assert (found["ModelThrottles"], found.get("ModelCalls")) == ([1.0], None)


def test_a_batch_costs_its_own_price_and_a_model_without_one_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    def both() -> None:
        count_usage(HAIKU, USAGE, batch=True)
        count_usage("unknown", USAGE)

    found = measured(capsys, both)
    assert found["SpendUsd"] == [pytest.approx((1.0 + 0.1 + 0.5) / 2)]


def test_a_metric_is_one_value_also_where_many_threads_count(capsys: pytest.CaptureFixture[str]) -> None:
    def many() -> None:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: count("CasesAsked", 1), range(500)))

    assert measured(capsys, many)["CasesAsked"] == [500.0]


def test_what_was_counted_outside_of_an_invocation_is_no_metric_of_the_next(capsys: pytest.CaptureFixture[str]) -> None:
    count("CasesAsked", 7)
    assert "CasesAsked" not in measured(capsys, lambda: None)


def test_a_failed_invocation_sends_what_it_counted(capsys: pytest.CaptureFixture[str]) -> None:
    @stage("classify")
    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        count("ModelThrottles", 3)
        raise ModelThrottled("later")

    with pytest.raises(ModelThrottled):
        handler({}, CONTEXT)
    [line] = [json.loads(text) for text in capsys.readouterr().out.splitlines() if '"_aws"' in text]
    assert (line["ModelThrottles"], line["StageErrors"]) == ([3.0], [1.0])


def test_cases_that_money_ended_are_not_counted_as_dropped(capsys: pytest.CaptureFixture[str]) -> None:
    summary: Any = SimpleNamespace(
        outcomes={"labeled": 5, "needs_review": 1, "dropped": 9, "failed": 2, "unchanged": 4},
        outcome_reasons={"dropped: left_for_later": 4, "dropped: budget_reached": 3, "dropped: two categories": 2},
    )
    found = measured(capsys, lambda: count_run(summary))
    assert {name: value for name, [value] in found.items() if name.startswith("Cases")} == {
        "CasesLabeled": 5,
        "CasesNeedsReview": 1,
        "CasesDropped": 2,
        "CasesFailed": 2,
        "CasesUnchanged": 4,
        "CasesLeftForLater": 4,
        "CasesBudgetReached": 3,
    }


def test_the_oldest_run_is_the_one_that_counts() -> None:
    now = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    ages = (timedelta(minutes=3), timedelta(hours=30), timedelta(seconds=-2))
    assert watch_runs((now - age for age in ages), now) == RunsUnderWay(running=3, oldest_seconds=30 * 3600)
    assert watch_runs((), now) == RunsUnderWay(running=0, oldest_seconds=0)

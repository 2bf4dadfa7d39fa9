"""The budget of a command is a hard limit: what a call may cost is held against it before the call is made."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plumbline.compare_prompts import expected
from plumbline.contracts.errors import BudgetExceeded, ModelRequestRejected, ModelThrottled, ModelUnavailable
from plumbline.contracts.replies import ModelReply, ModelRequest, Turn, Usage
from plumbline.prices import ANSWER_TOKENS, price_table
from plumbline.prompting import build_repair_request, build_request
from plumbline.spend import most_usd
from plumbline.spend_tracker import SpendTracker, estimated
from plumbline.tokens import tokens_in
from plumbline.trials import MAX_REPAIRS, NOT_ASKED, label_cases
from tests.builders import answer, case, prompt
from tests.fakes import FakeModel

HAIKU = "us.anthropic.claude-haiku-4-5-20251001-v1:0"  # 1 and 5 USD a million


def request(text: str = "t", model_id: str = HAIKU, max_tokens: int = 1000) -> ModelRequest:
    return ModelRequest(model_id=model_id, system="s", turns=(Turn(role="user", text=text),), max_tokens=max_tokens)


def most(asked: ModelRequest) -> float:
    usd = most_usd(asked)
    assert usd is not None
    return usd


def test_what_is_paid_is_counted_at_the_models_price() -> None:
    spend = SpendTracker(FakeModel(lambda request: "a"))
    spend.ask(request())
    spend.ask(request("u"))
    assert spend.paid == Usage(input_tokens=200, output_tokens=40)
    assert spend.spent_usd == pytest.approx((200 + 40 * 5) / 1e6)
    spend.ask(request(model_id="acme.unheard-of"))
    assert spend.spent_usd is None


def test_the_call_that_could_break_the_budget_is_not_made_and_the_refusal_says_what_to_do() -> None:
    model = FakeModel(lambda request: "a", Usage(input_tokens=10, output_tokens=1000))
    spend = SpendTracker(model, budget_usd=1.9 * most(request()))
    spend.ask(request())
    with pytest.raises(BudgetExceeded) as refused:
        spend.ask(request())
    assert (len(model.requests), spend.refusals) == (1, 1)
    for words in ("the budget of $0.0097", "$0.0050 is spent", "could cost up to $0.0051", "raise the budget"):
        assert words in str(refused.value)
    spend.ask(request(max_tokens=10))  # a smaller one still fits


@given(
    usages=st.lists(st.tuples(st.integers(0, 60), st.integers(0, 300)), min_size=1, max_size=30),
    budget=st.floats(0.0, 0.05),
    workers=st.integers(1, 4),
)
def test_no_usage_that_a_service_may_report_breaks_the_budget(
    usages: list[tuple[int, int]], budget: float, workers: int
) -> None:
    def usage_of(asked: ModelRequest) -> Usage:
        given, answered = usages[int(asked.turns[0].text)]
        return Usage(cache_write_tokens=given, output_tokens=answered)

    spend = SpendTracker(_Of(usage_of), budget)

    def ask(number: int) -> bool:
        try:
            spend.ask(request(str(number), max_tokens=300))
        except BudgetExceeded:
            return False
        return True

    with ThreadPoolExecutor(workers) as pool:
        made = list(pool.map(ask, range(len(usages))))
    assert spend.spent_usd is not None
    assert spend.spent_usd <= budget + 1e-12
    assert spend.refusals == made.count(False)


class _Of:
    def __init__(self, usage: Callable[[ModelRequest], Usage], **changes: Any) -> None:
        self.usage, self.changes = usage, changes

    def ask(self, request: ModelRequest) -> ModelReply:
        return ModelReply(text="a", stop_reason="end_turn", usage=self.usage(request), **self.changes)


def test_a_call_waits_for_those_under_way_rather_than_being_refused() -> None:
    begun, waiting, order = Event(), Event(), list[str]()

    def slow(asked: ModelRequest) -> str:
        order.append(asked.turns[0].text)
        if asked.turns[0].text == "first":
            begun.set()
            assert waiting.wait(10)
            order.append("first is answered")
        return "a"

    spend = SpendTracker(FakeModel(slow), budget_usd=1.5 * most(request("second")))
    changed, wait_for = spend._changed, spend._changed.wait_for

    def noted(predicate: Callable[[], bool]) -> bool:
        if not predicate():
            waiting.set()
        return wait_for(predicate)

    changed.wait_for = noted  # type: ignore[method-assign,assignment]  # to know that it waits
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(spend.ask, request("first"))
        assert begun.wait(10)
        second = pool.submit(spend.ask, request("second"))
        assert first.result().text == second.result().text == "a"
    assert order == ["first", "first is answered", "second"]
    assert spend.refusals == 0


def test_what_is_looked_up_costs_nothing_and_what_was_refused_by_the_service_neither() -> None:
    looked_up = SpendTracker(_Of(lambda request: Usage(input_tokens=9), from_cache=True), 1.0)
    looked_up.ask(request())
    assert (looked_up.spent_usd, looked_up.paid) == (0.0, Usage())
    for error in (ModelThrottled("busy"), ModelRequestRejected("no"), ModelUnavailable("down")):
        spend = SpendTracker(FakeModel(lambda request, error=error: error), 1.0)  # type: ignore[misc]
        with pytest.raises(type(error)):
            spend.ask(request())
        assert spend.spent_usd == 0.0


def test_a_call_without_an_answer_that_may_be_on_the_bill_counts_as_the_most_that_it_could_cost() -> None:
    spend = SpendTracker(FakeModel(lambda request: ModelUnavailable("no answer in time", perhaps_paid=True)), 1.0)
    with pytest.raises(ModelUnavailable):
        spend.ask(request())
    assert spend.spent_usd == pytest.approx(most(request()))


def test_what_is_set_aside_is_left_alone_until_it_is_its_turn() -> None:
    spend = SpendTracker(FakeModel(lambda request: "a"), 1.5 * most(request()))
    with spend.setting_aside(most(request())), pytest.raises(BudgetExceeded, match="kept for the end"):
        spend.ask(request())
    assert spend.ask(request()).text == "a"


def test_without_a_price_no_budget_is_kept_by_hope() -> None:
    model = FakeModel(lambda request: "a")
    with pytest.raises(BudgetExceeded, match="no price is known for acme"):
        SpendTracker(model, 1.0).ask(request(model_id="acme.unheard-of"))
    assert model.requests == []


def test_the_estimate_has_the_usual_answers_once_and_the_longest_with_every_re_ask() -> None:
    found = estimated(10, 5_000, 400, re_asks=2, complaint_tokens=100)
    assert found.once == Usage(input_tokens=5_000, output_tokens=10 * ANSWER_TOKENS)
    # The second ask shows one answer and one complaint, the third shows two of each.
    assert found.most == Usage(input_tokens=3 * 5_000 + 10 * 3 * (400 + 100), output_tokens=10 * 3 * 400)
    both = found + estimated(1, 7, 50)
    assert both.once == Usage(input_tokens=5_007, output_tokens=10 * ANSWER_TOKENS + 50)


def test_the_most_of_the_estimate_is_about_what_the_worst_replies_take() -> None:
    cases = [case(str(n), "a text of some length " * 20) for n in range(3)]
    worst = "word " * 300  # as long as max_tokens allows
    asked = [
        build_request(prompt(), cases[0], "m"),
        build_repair_request(prompt(), cases[0], "m", worst, "no category"),
        build_repair_request(prompt(), cases[0], "m", worst, "no category", [(worst, "no category")]),
    ]
    tokens = sum(tokens_in(one.system) + sum(tokens_in(turn.text) for turn in one.turns) for one in asked)
    assert len(asked) == MAX_REPAIRS + 1
    assert expected(prompt(), cases).most.input_tokens == pytest.approx(3 * tokens, rel=0.15)


def test_the_estimate_of_cases_full_of_logs_is_that_of_their_requests_and_not_of_their_length() -> None:
    logs = "\n".join(f"[{n:04d}] at Foo.bar(Foo.java:{n}) {{0x7f{n:x}}}" for n in range(60))
    cases = [case(str(n), logs) for n in range(3)]
    requests = [build_request(prompt(), one, "m") for one in cases]
    tokens = sum(tokens_in(r.system) + sum(tokens_in(turn.text) for turn in r.turns) for r in requests)
    assert expected(prompt(), cases).once.input_tokens == pytest.approx(tokens, rel=0.05)
    assert tokens > 1.5 * sum(len(r.system) + len(r.turns[0].text) for r in requests) / 4


def test_an_estimate_is_priced_in_the_models_own_tokens() -> None:
    usage = Usage(input_tokens=1_000_000)
    assert price_table().estimated_usd(HAIKU, usage) == pytest.approx(1.2 * (price_table().usd(HAIKU, usage) or 0.0))
    assert price_table().estimated_usd("acme.unheard-of", usage) is None


def test_trials_end_in_order_with_what_the_budget_allowed() -> None:
    cases = [case(str(n), f"text {n}") for n in range(10)]
    one = most(build_request(prompt(), cases[0], HAIKU))
    model = FakeModel(lambda request: answer("Billing Inquiry"), Usage(output_tokens=300))
    spend = SpendTracker(model, 4 * one)
    trials = label_cases(cases, prompt=prompt(), model=spend, model_id=HAIKU, concurrency=2)
    answered = [trial for trial in trials if trial.asked]
    assert len(trials) == 10
    assert len(answered) == len(model.requests) < 10
    assert all(trial.category == "Billing Inquiry" for trial in answered)
    assert {trial.reason for trial in trials if not trial.asked} == {NOT_ASKED}
    assert spend.spent_usd is not None
    assert 2 * one < spend.spent_usd <= 4 * one


def test_re_asks_count_against_the_budget_and_what_was_answered_stays() -> None:
    def usage(asked: ModelRequest) -> Usage:
        return Usage(input_tokens=100, output_tokens=300)

    class Unreadable(_Of):
        asked = 0

        def ask(self, request: ModelRequest) -> ModelReply:
            self.asked += 1
            return super().ask(request)

    model = Unreadable(usage)
    first = build_request(prompt(), case("0", "text 0"), HAIKU)
    spend = SpendTracker(model, 3.5 * 0.0016 + most(first))
    cases = [case(str(n), f"text {n}") for n in range(3)]
    trials = label_cases(cases, prompt=prompt(), model=spend, model_id=HAIKU, concurrency=1)
    assert [trial.calls for trial in trials] == [2, 1, 1]
    assert (model.asked, [trial.label for trial in trials]) == (4, [None] * 3)
    assert spend.refusals > 0

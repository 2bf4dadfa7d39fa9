"""The cap on a run: nothing is asked that could break it, and what may have been paid for stays counted."""

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plumbline.contracts.errors import (
    BudgetBusy,
    BudgetExceeded,
    ModelAccessDenied,
    ModelRequestRejected,
    ModelThrottled,
    ModelUnavailable,
    StoreUnavailable,
)
from plumbline.contracts.replies import ModelReply, ModelRequest, Turn, Usage
from plumbline.prices import price_table
from plumbline.spend import Capped, most_usd
from plumbline.tokens import tokens_in
from tests.fakes import FakeModel, MemorySpend

HAIKU = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
LOG = "2026-11-23T02:15:44.120Z ERROR java.lang.NullPointerException at com.acme.Billing.run(Billing.java:118)\n"
COST = 0.0002  # of FakeModel's 100 and 20 tokens


def request(text: str = "a case", model_id: str = HAIKU, **changes: object) -> ModelRequest:
    base = ModelRequest(model_id=model_id, system="You label.", turns=(Turn(role="user", text=text),), max_tokens=300)
    return base.model_copy(update=changes)


def capped(model: FakeModel, spend: MemorySpend, cap: float) -> Capped:
    return Capped(model, spend, "run-1", cap)


def test_a_call_is_counted_with_what_it_cost() -> None:
    spend = MemorySpend()
    assert capped(FakeModel(lambda _: "yes"), spend, 1.0).ask(request()).text == "yes"
    assert spend.spent("run-1") == pytest.approx(COST)
    assert spend.held("run-1") == pytest.approx(0.0)


def test_the_call_that_could_break_the_budget_is_not_made() -> None:
    spend, model = MemorySpend(), FakeModel(lambda _: "yes")
    most = most_usd(request()) or 0.0
    assert most > COST
    asking = capped(model, spend, most + 2 * COST)
    for _ in range(3):
        asking.ask(request())
    with pytest.raises(BudgetExceeded):
        asking.ask(request())
    assert len(model.requests) == 3
    assert spend.spent("run-1") == pytest.approx(3 * COST)


@pytest.mark.parametrize(
    ("error", "held"),
    [
        (ModelThrottled("slow down"), False),
        (ModelAccessDenied("no"), False),
        (ModelRequestRejected("too long"), False),
        (ModelUnavailable("503"), False),
        (ModelUnavailable("timed out", perhaps_paid=True), True),
        (RuntimeError("a bug"), True),
    ],
)
def test_only_what_may_have_been_paid_for_stays_set_aside(error: Exception, held: bool) -> None:
    spend = MemorySpend()
    with pytest.raises(type(error)):
        capped(FakeModel(lambda _: error), spend, 1.0).ask(request())
    assert spend.spent("run-1") == 0.0
    assert (spend.held("run-1") > 0) is held


def test_a_call_that_only_calls_under_way_keep_out_is_worth_another_try_and_one_that_cannot_fit_is_not() -> None:
    spend, model = MemorySpend(), FakeModel(lambda _: "yes")
    most = most_usd(request()) or 0.0
    waiting = Capped(model, spend, "run-1", 1.5 * most, can_wait=True)
    spend.reserve("run-1", most, 1.5 * most)  # another worker's call
    with pytest.raises(BudgetBusy):
        waiting.ask(request())
    with pytest.raises(BudgetExceeded):
        capped(model, spend, 1.5 * most).ask(request())  # tried often enough: a killed worker's, it will not come back
    spend.settle("run-1", most, COST)
    assert waiting.ask(request()).text == "yes"
    spend.settle("run-1", 0.0, most)
    with pytest.raises(BudgetExceeded):
        waiting.ask(request())


def test_what_a_killed_worker_left_set_aside_costs_its_retry_no_more_than_one_call() -> None:
    def killed(_: ModelRequest) -> str:
        raise KeyboardInterrupt  # nothing cleans up, as when the process is gone

    spend, most = MemorySpend(), most_usd(request()) or 0.0
    with pytest.raises(KeyboardInterrupt):
        capped(FakeModel(killed), spend, 2 * most).ask(request())
    retry = capped(FakeModel(lambda _: "yes"), spend, 2 * most)
    assert retry.ask(request()).text == "yes"
    assert spend.held("run-1") == pytest.approx(most)
    with pytest.raises(BudgetExceeded):
        retry.ask(request())  # the lost call may have been paid for


class BrokenTable(MemorySpend):
    def settle(self, run_id: str, reserved: float, spent: float) -> None:
        raise StoreUnavailable("no table")


def test_an_answer_that_cannot_be_settled_is_not_lost_and_stays_counted_at_its_most() -> None:
    spend = BrokenTable()
    assert capped(FakeModel(lambda _: "yes"), spend, 1.0).ask(request()).text == "yes"
    assert spend.held("run-1") == most_usd(request())


@pytest.mark.parametrize("model_id", ["local.test", "a.model-of-no-price"])
def test_a_model_that_is_free_or_has_no_price_is_not_capped(model_id: str) -> None:
    spend, model = MemorySpend(), FakeModel(lambda _: "yes")
    asking = capped(model, spend, 0.0)
    asking.ask(request(model_id=model_id))
    assert not spend.committed


def test_a_batchs_answer_is_settled_at_its_price() -> None:
    class Batch:
        def ask(self, _: ModelRequest) -> ModelReply:
            return ModelReply(
                text="yes", stop_reason="end_turn", usage=Usage(input_tokens=100, output_tokens=20), batch=True
            )

    spend = MemorySpend()
    Capped(Batch(), spend, "run-1", 1.0).ask(request())
    assert spend.spent("run-1") == pytest.approx(COST / 2)


_worst: list[tuple[str, Callable[[int], Usage]]] = [
    ("read", lambda n: Usage(input_tokens=n, output_tokens=300)),
    ("written", lambda n: Usage(cache_write_tokens=n, output_tokens=300)),
    ("half", lambda n: Usage(input_tokens=n // 2, cache_write_tokens=n - n // 2, output_tokens=300)),
]


@given(text=st.text(max_size=400), which=st.sampled_from(_worst), model=st.sampled_from([HAIKU, "amazon.nova-lite-v1"]))
def test_no_answer_costs_more_than_was_set_aside(
    text: str, which: tuple[str, Callable[[int], Usage]], model: str
) -> None:
    asked = request(text, model_id=model)
    tokens = len(asked.system.encode()) + len(text.encode("utf-8", "replace"))  # every byte a token of its own
    assert (price_table().usd(model, which[1](tokens)) or math.inf) <= (most_usd(asked) or 0.0)


@given(text=st.text(max_size=400))
def test_a_batch_sets_aside_no_more_than_half_of_what_on_demand_does(text: str) -> None:
    asked = request(text)
    assert (most_usd(asked, batch=True) or math.inf) <= (most_usd(asked) or 0.0) / 2


@pytest.mark.parametrize("text", ["The invoice was sent twice, and nobody answered our letter. " * 60, LOG * 40])
def test_a_batch_sets_aside_the_estimate_and_little_more(text: str) -> None:
    asked = request(text)
    factor = 1.2  # prices.json's of Claude
    usual = Usage(input_tokens=round(factor * tokens_in(text)), output_tokens=300)
    estimate = price_table().usd(HAIKU, usual, batch=True) or math.inf
    assert 1.1 * estimate < (most_usd(asked, batch=True) or 0.0) < 1.4 * estimate


@pytest.mark.parametrize("text", ["\u9019\u5f35\u767c\u7968" * 50, "Счёт отправлен дважды " * 50])
def test_a_batch_in_another_script_sets_aside_a_byte_a_token(text: str) -> None:
    least = price_table().usd(HAIKU, Usage(input_tokens=len(text), output_tokens=300), batch=True) or math.inf
    assert (most_usd(request(text), batch=True) or 0.0) > least

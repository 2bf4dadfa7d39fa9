"""Tokens without a tokenizer, what the cache and a batch make of a load, and how long exports are weighed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plumbline.contracts.cases import Case, Message
from plumbline.contracts.replies import Usage
from plumbline.estimate import CaseTokens, Load, ModelCosts, decide, starts_of
from plumbline.prices import price_table
from plumbline.tokens import FEATURES, features, tokens_in

HAIKU = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
LOAD = Load(cases=1000, case_tokens=300_000, prefix_tokens=4500, answer_tokens=100, starts=80)


def case(text: str, number: int = 0) -> Case:
    return Case(case_id=str(number), subject="", messages=(Message(role="customer", text=text),))


@pytest.mark.parametrize(
    ("text", "tokens"),  # what Qwen2.5's tokenizer says
    [
        ("The invoice was sent twice, and nobody answered our letter.", 12),
        ("2026-11-23T02:15:44.120Z ERROR java.lang.NullPointerException at com.acme.Billing.run(Billing.java:118)", 44),
        ("", 0),
    ],
)
def test_prose_and_logs_are_near_what_a_tokenizer_counts(text: str, tokens: int) -> None:
    assert tokens_in(text) == pytest.approx(tokens, rel=0.15)


@given(st.text(), st.text())
def test_more_text_never_has_fewer_tokens(one: str, more: str) -> None:
    assert len(features(one)) == len(FEATURES)
    assert tokens_in(f"{one}\n{more}") >= tokens_in(one) - 1


def test_the_cache_is_written_by_those_that_begin_and_read_by_the_rest() -> None:
    factor = 1.2
    usage = ModelCosts(HAIKU).usage(LOAD, cached=True)
    assert usage == Usage(
        input_tokens=round(300_000 * factor),
        output_tokens=round(100_000 * factor),
        cache_write_tokens=round(80 * 4500 * factor),
        cache_read_tokens=round(920 * 4500 * factor),
    )
    saved = price_table().saved_by_cache(HAIKU, usage)
    assert saved == pytest.approx((920 * 0.9 - 80 * 0.25) * 4500 * factor / 1e6)


def test_without_prompt_cache_nothing_is_cached() -> None:
    on, off = ModelCosts(HAIKU), ModelCosts(HAIKU, prompt_cache=False)
    assert (on(LOAD, "on_demand") or 0) < (off(LOAD, "on_demand") or 0) == off.usd(LOAD)
    assert off(LOAD, "batch") == pytest.approx((off.usd(LOAD) or 0) / 2)


def test_auto_takes_the_batch_where_the_prompt_is_too_short_for_the_cache() -> None:
    short = LOAD.model_copy(update={"prefix_tokens": 2000})
    roads = [
        decide(load, ModelCosts(HAIKU), mode="auto", budget_usd=50, batch_from=1000, model_has_batch=True).road
        for load in (LOAD, short)
    ]
    assert roads == ["on_demand", "batch"]


def test_after_a_batch_votes_are_asked_on_demand() -> None:
    voted = LOAD.model_copy(update={"asks": 4})
    costs = ModelCosts(HAIKU)
    decision = decide(voted, costs, mode="batch", budget_usd=50, batch_from=1, model_has_batch=True)
    votes = costs(LOAD.model_copy(update={"asks": 3}), "on_demand") or 0.0
    assert decision.usd == pytest.approx((costs(LOAD, "batch") or 0.0) + votes)
    assert decide(LOAD, costs, mode="batch", budget_usd=50, batch_from=1, model_has_batch=True).usd == costs(
        LOAD, "batch"
    )


def test_a_long_export_is_weighed_in_part_and_counted_whole() -> None:
    texts = [("a line of words that go on and on " * (1 + n % 7)) for n in range(3000)]
    whole = CaseTokens()
    for number, text in enumerate(texts):
        whole.add(case(text, number))
    exact = sum(CaseTokens([case(text)]).total for text in texts)
    assert whole.total == pytest.approx(exact, rel=0.02)
    assert CaseTokens().total == 0


def test_how_many_calls_begin_at_once() -> None:
    assert [starts_of(cases, 10) for cases in (0, 3, 60, 5000)] == [1, 3, 16, 80]

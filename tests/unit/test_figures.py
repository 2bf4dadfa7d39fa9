"""Accuracy, prices, settings and what is logged."""

import io
import json
import logging
import traceback
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plumbline.accuracy import Agreement, wilson
from plumbline.contracts.errors import InvalidEvent, InvalidSettings, ModelThrottled
from plumbline.contracts.replies import Usage
from plumbline.contracts.runs import ShardTask
from plumbline.observability import logger, parse_event, stage
from plumbline.prices import price_table
from plumbline.settings import AnonymizeSettings, ModelSettings, from_env
from tests import builders as b


def test_wilsons_interval_is_the_published_one() -> None:
    """Newcombe 1998 (Statistics in Medicine 17), table I: 81 of 263 and 1 of 29."""
    assert wilson(81, 263).low == pytest.approx(0.2553, abs=5e-5)
    assert wilson(81, 263).high == pytest.approx(0.3662, abs=5e-5)
    assert wilson(1, 29).low == pytest.approx(0.0061, abs=5e-5)
    assert wilson(1, 29).high == pytest.approx(0.1718, abs=5e-5)


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_an_interval_holds_its_value_and_stays_a_proportion(counts: tuple[int, int]) -> None:
    interval = wilson(*counts)
    assert 0 <= interval.low <= interval.value <= interval.high <= 1


def test_agreement_counts_what_sklearn_would() -> None:
    agreement = Agreement(("a", "b", "c"))
    for gold, predicted in [("a", "a"), ("a", "b"), ("b", "b"), ("b", "b"), ("c", None), (None, "a"), ("z", "a")]:
        agreement.add(gold, predicted)
    block = agreement.block()
    assert block is not None
    assert (block.accuracy.value, block.accuracy.n, block.coverage.value, block.unknown_gold) == (0.75, 4, 0.8, 1)
    assert block.confusion["a"] == {"a": 1, "b": 1, "c": 0}
    a, second, c = block.per_class
    assert (a.recall and a.recall.value, a.precision and a.precision.value, a.support) == (0.5, 1.0, 2)
    assert second.precision is not None
    assert second.precision.value == pytest.approx(2 / 3)
    assert (c.precision, c.recall, c.support) == (None, None, 0)
    assert block.macro_f1 == pytest.approx((2 / 3 + 4 / 5) / 2)  # c was neither said nor meant
    assert block.kappa == pytest.approx(0.5)  # .75 agree, .5 would by chance


def test_kappa_is_none_where_there_is_but_one_class() -> None:
    agreement = Agreement(("a", "b"))
    agreement.add("a", "a")
    block = agreement.block()
    assert block is not None
    assert block.kappa is None


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=1, max_size=40))
def test_kappa_macro_figures_and_f1_are_scikit_learns(pairs: list[tuple[str, str]]) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    agreement = Agreement(("a", "b", "c", "d"))
    for gold, predicted in pairs:
        agreement.add(gold, predicted)
    block = agreement.block()
    assert block is not None
    golds, named = zip(*pairs, strict=True)
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(golds, named, average="macro", zero_division=0)
    assert (block.macro_precision, block.macro_recall, block.macro_f1) == pytest.approx((precision, recall, f1))
    each = metrics.f1_score(golds, named, labels=list("abc"), average=None, zero_division=0)
    assert [item.f1 or 0.0 for item in block.per_class] == pytest.approx([*each, 0.0])
    if block.kappa is None:
        assert len({*golds, *named}) == 1
    else:
        assert block.kappa == pytest.approx(metrics.cohen_kappa_score(golds, named))


def test_without_gold_there_is_no_accuracy() -> None:
    agreement = Agreement(("a", "b"))
    agreement.add(None, "a")
    agreement.add("a", None)
    assert agreement.block() is None


@pytest.mark.parametrize(
    ("model_id", "usd"),
    [
        ("anthropic.claude-haiku-4-5-20251001-v1:0", 1.0 + 0.5),
        ("us.anthropic.claude-haiku-4-5-20251001-v1:0", 1.5),
        ("arn:aws:bedrock:us-east-1:123456789012:inference-profile/eu.anthropic.claude-sonnet-4-5-x", 3.0 + 1.5),
        ("amazon.nova-micro-v1:0", 0.035 + 0.014),
        ("local.embedding", 0.0),
        ("mistral.unheard-of", None),
    ],
)
def test_prices_by_model(model_id: str, usd: float | None) -> None:
    cost = price_table().usd(model_id, Usage(input_tokens=1_000_000, output_tokens=100_000))
    assert cost == (None if usd is None else pytest.approx(usd))


def test_the_prompt_cache_costs_more_to_write_and_less_to_read() -> None:
    usage = Usage(cache_write_tokens=1_000_000, cache_read_tokens=1_000_000)
    assert price_table().usd("anthropic.claude-haiku-4-5", usage) == pytest.approx(1.25 + 0.1)


def test_settings_are_read_by_name_and_an_empty_variable_is_none() -> None:
    settings = from_env(
        ModelSettings,
        {"DATA_BUCKET": "d", "PROMPTS_DIR": "/opt", "IDEMPOTENCY_TABLE": "t", "CASE_CONCURRENCY": "3", "MODEL_API": ""},
    )
    assert (settings.case_concurrency, settings.model_api) == (3, "converse")


def test_wrong_settings_are_named() -> None:
    with pytest.raises(InvalidSettings, match="RAW_BUCKET") as caught:
        from_env(AnonymizeSettings, {"DATA_BUCKET": "d"})
    assert "DATA_BUCKET" not in str(caught.value)


def test_a_wrong_event_is_named_by_field_and_never_quoted() -> None:
    event = {"run": b.run().model_dump() | {"task": 7, "surprise": "Mrs Smith"}, "shard": "00000"}
    with pytest.raises(InvalidEvent, match=r"run\.task.*run\.surprise") as caught:
        parse_event(ShardTask, event)
    assert "Smith" not in str(caught.value)


@pytest.fixture
def log_lines() -> Any:
    stream = io.StringIO()
    handler = logger.registered_handler
    before = handler.setStream(stream) if isinstance(handler, logging.StreamHandler) else None
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    if isinstance(handler, logging.StreamHandler) and before is not None:
        handler.setStream(before)


CONTEXT: Any = SimpleNamespace(aws_request_id="req-1")


def test_a_stage_logs_ids_and_counts_and_nothing_of_its_event(log_lines: Any) -> None:
    handler = stage("parse")(lambda event, context: {"done": 3, "shard": "00001", "text": "Mrs Smith"})
    handler({"run": {"run_id": "run-1", "key": "Mrs Smith"}, "shard": "00001", "text": "Mrs Smith"}, CONTEXT)
    (line,) = log_lines()
    assert (line["stage"], line["run_id"], line["shard"], line["counts"]) == ("parse", "run-1", "00001", {"done": 3})
    assert "Smith" not in json.dumps(line)


def test_a_stage_that_fails_logs_the_errors_class_and_never_a_strangers_message(log_lines: Any) -> None:
    def ours(event: Any, context: Any) -> dict[str, Any]:
        raise ModelThrottled("model m in us-east-1 asks for fewer calls")

    def theirs(event: Any, context: Any) -> dict[str, Any]:
        raise ValueError("could not read: Mrs Smith")

    with pytest.raises(ModelThrottled):
        stage("classify")(ours)({}, CONTEXT)
    with pytest.raises(Exception, match="unexpected ValueError in classify, request req-1") as caught:
        stage("classify")(theirs)({}, CONTEXT)
    assert type(caught.value).__name__ == "ValueError"
    assert "Smith" not in "".join(traceback.format_exception(caught.value))
    first, second = log_lines()
    assert (first["error"], first["why"]) == ("ModelThrottled", "model m in us-east-1 asks for fewer calls")
    assert second["error"] == "ValueError"
    assert "Smith" not in json.dumps(second)

"""Classify, Parse and Repair on one shard, with a model that answers from a script."""

import pytest

from plumbline import keys
from plumbline.classify import classify
from plumbline.contracts.errors import (
    BudgetBusy,
    BudgetExceeded,
    FailedFast,
    ModelAccessDenied,
    ModelRequestRejected,
    ModelThrottled,
    ModelUnavailable,
    StoreDenied,
)
from plumbline.contracts.labels import Label, Unparsed
from plumbline.contracts.replies import ModelRequest, Reply
from plumbline.contracts.runs import ClassifyTask, ShardTask
from plumbline.contracts.selection import ChosenCase
from plumbline.jsonl import read_models, write_models
from plumbline.parse import parse
from plumbline.prompting import build_request
from plumbline.repair import repair
from plumbline.spend import Capped, most_usd
from tests import builders as b
from tests.fakes import FakeModel, MemorySpend, MemoryStore


@pytest.fixture
def data() -> MemoryStore:
    store = MemoryStore()
    b.store_cases(store, b.case("A", "wrong charge"), b.case("B", "app crashes"), b.case("C", "how do I"))
    return store


def replies(data: MemoryStore) -> list[Reply]:
    return list(read_models(data, keys.replies("run-1", "00000"), Reply))


def labels(data: MemoryStore) -> dict[str, Label]:
    return {label.case_id: label for label in read_models(data, keys.labels("run-1", "00000"), Label)}


def by_text(answers: dict[str, str | Exception]) -> FakeModel:
    """A model that answers by a word of the case's text; a repair is asked with three turns and gets `again`."""

    def answer(request: ModelRequest) -> str | Exception:
        if len(request.turns) > 1:
            return answers["again"]
        return next(value for word, value in answers.items() if word in request.turns[0].text)

    return FakeModel(answer)


GOOD: dict[str, str | Exception] = {
    "charge": b.answer("Billing Inquiry"),
    "crashes": b.answer("Software Defect", runner_up="Customer Education"),
    "how": b.answer("Customer Education"),
}


def test_each_case_gets_a_reply_in_the_shards_order_and_then_a_label(data: MemoryStore) -> None:
    task = b.shard_task()
    result = classify(task, data=data, model=by_text(GOOD), prompt=b.prompt(), concurrency=3)
    assert result.done == 3
    assert [reply.case_id for reply in replies(data)] == ["A", "B", "C"]

    parsed = parse(task, data=data, prompt=b.prompt())
    assert (parsed.done, parsed.unparsed) == (3, 0)
    label = labels(data)["B"]
    assert (label.category, label.runner_up, label.close_call) == ("Software Defect", "Customer Education", True)
    assert not label.calibrated
    assert label.confidence < labels(data)["A"].confidence
    assert label.lineage.prompt == b.REF


def test_cases_with_the_same_text_share_one_paid_call() -> None:
    data, model = MemoryStore(), by_text(GOOD)
    same = b.case("A", "wrong charge")
    b.store_cases(data, same, same.model_copy(update={"case_id": "A2"}))
    classify(b.shard_task(), data=data, model=model, prompt=b.prompt(), concurrency=2)
    assert len(model.requests) == 1
    assert [reply.from_cache for reply in replies(data)] == [False, True]


def test_one_rejected_request_does_not_void_its_shard(data: MemoryStore) -> None:
    model = by_text(GOOD | {"crashes": ModelRequestRejected("too long")})
    classify(b.shard_task(), data=data, model=model, prompt=b.prompt(), concurrency=1)
    parsed = parse(b.shard_task(), data=data, prompt=b.prompt())
    assert (parsed.done, parsed.unparsed) == (2, 0)  # nothing that a re-ask could mend
    unparsed = list(read_models(data, keys.unparsed("run-1", "00000"), Unparsed))
    assert [(u.case_id, u.reason, u.final) for u in unparsed] == [("B", "ModelRequestRejected", True)]


def test_throttling_stops_the_asking_and_keeps_what_is_paid_for(data: MemoryStore) -> None:
    model = by_text(GOOD | {"crashes": ModelThrottled("slow down")})
    with pytest.raises(ModelThrottled):
        classify(b.shard_task(), data=data, model=model, prompt=b.prompt(), concurrency=1)
    kept = [reply.case_id for reply in replies(data)]
    assert kept[:1] == ["A"]
    assert "B" not in kept
    model.answer = by_text(GOOD).answer
    assert classify(b.shard_task(), data=data, model=model, prompt=b.prompt(), concurrency=1).done == 3


def test_a_throttled_case_does_not_stop_the_others_and_the_retry_asks_only_for_it(data: MemoryStore) -> None:
    model = by_text(GOOD | {"charge": ModelThrottled("slow down")})
    with pytest.raises(ModelThrottled):
        classify(b.shard_task(), data=data, model=model, prompt=b.prompt(), concurrency=2)
    assert [reply.case_id for reply in replies(data)] == ["B", "C"]


def test_a_throttled_case_is_asked_again_while_others_are_answered_and_then_left_to_the_state_machine() -> None:
    left = {"one": 2, "two": 99}

    def answer(request: ModelRequest) -> str | Exception:
        word = next((word for word in left if word in request.turns[0].text), "")
        if left.get(word, 0):
            left[word] -= 1
            return ModelThrottled("slow down")
        return b.answer("Billing Inquiry")

    data, model = MemoryStore(), FakeModel(answer)
    b.store_cases(data, b.case("A", "one"), b.case("B", "three"), b.case("C", "two"), b.case("D", "four"))
    with pytest.raises(ModelThrottled):
        classify(b.shard_task(), data=data, model=model, prompt=b.prompt(), concurrency=3)
    assert [reply.case_id for reply in replies(data)] == ["B", "D"]
    assert len(model.requests) == 4 + 2  # the second round had no answer
    with pytest.raises(ModelThrottled):
        classify(b.shard_task(), data=data, model=model, prompt=b.prompt(), concurrency=3)
    assert [reply.case_id for reply in replies(data)] == ["A", "B", "D"]


def test_asking_ends_once_as_many_in_a_row_are_throttled_as_are_asked_at_a_time() -> None:
    data, model = MemoryStore(), FakeModel(lambda _: ModelThrottled("slow down"))
    b.store_cases(data, *(b.case(f"c{n}", f"text {n}") for n in range(50)))
    with pytest.raises(ModelThrottled):
        classify(b.shard_task(), data=data, model=model, prompt=b.prompt(), concurrency=4)
    assert 4 <= len(model.requests) < 8  # the others had begun by then


@pytest.mark.parametrize("poisoned", [{10}, {3, 4, 30}, {5, 6, 7, 40, 41, 42}, set(range(20, 36)), set(range(49))])
@pytest.mark.parametrize("concurrency", [1, 4])
def test_cases_at_which_the_model_always_fails_keep_no_other_from_being_answered(
    poisoned: set[int], concurrency: int
) -> None:
    data, model = fifty(poisoned, ModelUnavailable("failed"))
    with pytest.raises(ModelUnavailable):
        classify(b.shard_task(), data=data, model=model, prompt=b.prompt(), concurrency=concurrency)
    assert [reply.case_id for reply in replies(data)] == [f"c{n}" for n in range(50) if n not in poisoned]
    assert len(model.requests) == 50


@pytest.mark.parametrize(("concurrency", "calls"), [(1, 2), (4, 4)])
def test_calls_that_get_no_answer_in_time_end_the_asking_once_as_many_in_a_row_as_are_asked_at_a_time(
    concurrency: int, calls: int
) -> None:
    data, model = fifty(set(range(50)), ModelUnavailable("too late", perhaps_paid=True))
    with pytest.raises(ModelUnavailable):
        classify(b.shard_task(), data=data, model=model, prompt=b.prompt(), concurrency=concurrency)
    assert calls <= len(model.requests) < calls + concurrency


def test_one_call_without_an_answer_in_time_keeps_no_other_from_being_answered() -> None:
    data, model = fifty({10, 20}, ModelUnavailable("too late", perhaps_paid=True))
    with pytest.raises(ModelUnavailable):
        classify(b.shard_task(), data=data, model=model, prompt=b.prompt(), concurrency=1)
    assert len(replies(data)) == 48


def test_beside_a_case_at_which_the_model_fails_the_budget_is_still_asked_for_each_refused_case_alone() -> None:
    data = MemoryStore()
    b.store_cases(data, b.case("A", "poison"), b.case("B", "dear"), b.case("C", "cheap"))
    refusals = [BudgetExceeded("no room beside the others")]

    def answer(request: ModelRequest) -> str | Exception:
        if "poison" in request.turns[0].text:
            return ModelUnavailable("failed")
        return refusals.pop() if "dear" in request.turns[0].text and refusals else b.answer("Billing Inquiry")

    with pytest.raises(ModelUnavailable):
        classify(b.shard_task(), data=data, model=FakeModel(answer), prompt=b.prompt(), concurrency=2)
    assert [(reply.case_id, reply.error) for reply in replies(data)] == [("B", None), ("C", None)]


def fifty(failing: set[int], error: Exception) -> tuple[MemoryStore, FakeModel]:
    """A shard of fifty cases, and a model with that error at some of them."""
    data, texts = MemoryStore(), tuple(f"text {n}." for n in failing)
    b.store_cases(data, *(b.case(f"c{n}", f"text {n}.") for n in range(50)))
    return data, FakeModel(
        lambda request: error if any(t in request.turns[0].text for t in texts) else b.answer("Billing Inquiry")
    )


@pytest.mark.parametrize("error", [ModelAccessDenied("no access"), StoreDenied("no right")])
def test_what_no_retry_mends_ends_the_asking_at_once(data: MemoryStore, error: Exception) -> None:
    model = by_text(GOOD | {"charge": error})
    with pytest.raises(type(error)):
        classify(b.shard_task(), data=data, model=model, prompt=b.prompt(), concurrency=1)
    assert replies(data) == []


def test_of_several_errors_the_one_that_is_worth_waiting_for_is_raised(data: MemoryStore) -> None:
    model = by_text(GOOD | {"charge": ModelUnavailable("timed out"), "how": ModelThrottled("slow down")})
    with pytest.raises(ModelThrottled):
        classify(b.shard_task(), data=data, model=model, prompt=b.prompt(), concurrency=3)
    assert [reply.case_id for reply in replies(data)] == ["B"]


def test_a_run_that_is_to_fail_fast_says_so_at_the_first_throttle_and_keeps_what_it_has(data: MemoryStore) -> None:
    model = by_text(GOOD | {"crashes": ModelThrottled("slow down")})
    with pytest.raises(FailedFast, match="run the file again"):
        classify(b.shard_task(fail_fast=True), data=data, model=model, prompt=b.prompt(), concurrency=1)
    kept = [reply.case_id for reply in replies(data)]
    assert kept[:1] == ["A"]
    assert "B" not in kept


def test_cases_that_the_budget_cannot_pay_for_are_final_and_the_others_are_labeled(data: MemoryStore) -> None:
    model = by_text(GOOD | {"crashes": BudgetExceeded("no room")})
    assert classify(b.shard_task(), data=data, model=model, prompt=b.prompt(), concurrency=2).done == 3
    parsed = parse(b.shard_task(), data=data, prompt=b.prompt())
    assert (parsed.done, parsed.unparsed) == (2, 0)  # no re-ask: it would cost as much
    unparsed = list(read_models(data, keys.unparsed("run-1", "00000"), Unparsed))
    assert [(u.case_id, u.reason, u.final) for u in unparsed] == [("B", "BudgetExceeded", True)]


def test_a_budget_that_pays_one_call_at_a_time_labels_every_case_of_a_shard() -> None:
    data, spend = MemoryStore(), MemorySpend()
    b.store_cases(data, *(b.case(f"c{n}", f"text {n}") for n in range(12)))
    model = FakeModel(lambda _: b.answer("Billing Inquiry"))
    haiku = "anthropic.claude-haiku-4-5"
    [most] = {most_usd(build_request(b.prompt(), b.case("x", "text 0"), haiku))}
    assert most is not None
    cap = 1.5 * most + 12 * 0.0002  # never room for two at a time
    asked = classify(
        b.shard_task(model_id=haiku), data=data, model=Capped(model, spend, "run-1", cap), prompt=b.prompt(),
        concurrency=8,
    )  # fmt: skip
    assert asked.done == 12
    assert [reply.error for reply in replies(data)] == [None] * 12
    assert spend.spent("run-1") == pytest.approx(12 * 0.0002)


def test_a_shard_whose_calls_wait_for_another_shards_is_tried_again_and_keeps_what_was_answered() -> None:
    data, spend, haiku = MemoryStore(), MemorySpend(), "anthropic.claude-haiku-4-5"
    b.store_cases(data, *(b.case(f"c{n}", f"text {n}") for n in range(6)))
    most = most_usd(build_request(b.prompt(), b.case("x", "text 0"), haiku)) or 0.0
    cap = 1.2 * most + 6 * 0.0002
    others: list[float] = []

    def answer(_: ModelRequest) -> str:
        if spend.spent("run-1") >= 2 * 0.0002 and not others:  # another shard's call sets aside what is left
            others.append(cap - spend.committed["run-1"])
            spend.reserve("run-1", others[0], cap)
        return b.answer("Billing Inquiry")

    model = FakeModel(answer)
    capped = Capped(model, spend, "run-1", cap, can_wait=True)
    with pytest.raises(BudgetBusy):
        classify(b.shard_task(model_id=haiku), data=data, model=capped, prompt=b.prompt(), concurrency=4)
    answered = replies(data)
    assert 3 <= len(answered) < 6
    assert {reply.error for reply in answered} == {None}
    spend.settle("run-1", others[0], 0.0)
    classify(b.shard_task(model_id=haiku), data=data, model=capped, prompt=b.prompt(), concurrency=4)
    assert [reply.error for reply in replies(data)] == [None] * 6


def test_a_bad_reply_whose_re_ask_the_budget_cannot_pay_for_is_final(data: MemoryStore) -> None:
    model = by_text(GOOD | {"crashes": "no idea", "again": BudgetExceeded("no room")})
    classify(b.shard_task(), data=data, model=model, prompt=b.prompt(), concurrency=1)
    parse(b.shard_task(), data=data, prompt=b.prompt())
    repair(b.shard_task(attempt=1), data=data, model=model, prompt=b.prompt(), concurrency=1)
    assert parse(b.shard_task(attempt=1), data=data, prompt=b.prompt()).unparsed == 0
    unparsed = list(read_models(data, keys.unparsed("run-1", "00000"), Unparsed))
    assert [(u.case_id, u.reason, u.attempt) for u in unparsed] == [("B", "BudgetExceeded", 1)]


def test_a_bad_reply_is_asked_again_with_the_reason_and_then_labeled(data: MemoryStore) -> None:
    model = by_text(GOOD | {"crashes": "no idea", "again": b.answer("Software Defect")})
    classify(b.shard_task(), data=data, model=model, prompt=b.prompt(), concurrency=1)
    assert parse(b.shard_task(), data=data, prompt=b.prompt()).unparsed == 1

    again = b.shard_task(attempt=1)
    assert repair(again, data=data, model=model, prompt=b.prompt(), concurrency=1).done == 1
    asked = model.requests[-1]
    assert [turn.role for turn in asked.turns] == ["user", "assistant", "user"]
    assert asked.turns[1].text == "no idea"
    assert "names no category" in asked.turns[2].text

    assert parse(again, data=data, prompt=b.prompt()).unparsed == 0
    label = labels(data)["B"]
    assert label.category == "Software Defect"
    assert "re_asked" in label.repairs
    assert [(r.case_id, r.attempt) for r in replies(data)] == [("A", 0), ("B", 0), ("C", 0), ("B", 1)]


def test_each_re_ask_is_another_request_so_that_the_stored_bad_reply_is_not_its_answer(data: MemoryStore) -> None:
    model = by_text(GOOD | {"crashes": "no idea", "again": "no idea"})
    classify(b.shard_task(), data=data, model=model, prompt=b.prompt(), concurrency=1)
    for attempt in (1, 2):
        parse(b.shard_task(attempt=attempt - 1), data=data, prompt=b.prompt())
        repair(b.shard_task(attempt=attempt), data=data, model=model, prompt=b.prompt(), concurrency=1)
    first, second = model.requests[-2:]
    assert first != second
    assert second.turns[:3] == first.turns
    assert [turn.role for turn in second.turns] == ["user", "assistant", "user", "assistant", "user"]


def test_repairing_twice_gives_what_repairing_once_gives(data: MemoryStore) -> None:
    model = by_text(GOOD | {"crashes": "no idea", "again": "still no idea"})
    classify(b.shard_task(), data=data, model=model, prompt=b.prompt(), concurrency=1)
    parse(b.shard_task(), data=data, prompt=b.prompt())
    repair(b.shard_task(attempt=1), data=data, model=model, prompt=b.prompt(), concurrency=1)
    once = replies(data)
    repair(b.shard_task(attempt=1), data=data, model=model, prompt=b.prompt(), concurrency=1)
    assert replies(data) == once


def a_round(data: MemoryStore, model: FakeModel, *chosen: str) -> None:
    """The shard in mode `chosen`, as the state machine takes it through one round of SelectNext."""
    write_models(data, keys.chosen("run-1", "00000"), [ChosenCase(case_id=case_id, round=1) for case_id in chosen])
    task = ClassifyTask(run=b.run(), shard="00000", mode="chosen")
    classify(task, data=data, model=model, prompt=b.prompt(), concurrency=1)
    attempt = 0
    while parse(b.shard_task(attempt=attempt), data=data, prompt=b.prompt()).unparsed and attempt < 2:
        attempt += 1
        again = ShardTask(run=task.run, shard="00000", attempt=attempt)
        repair(again, data=data, model=model, prompt=b.prompt(), concurrency=1)


def test_a_later_round_keeps_the_earlier_rounds_replies_with_their_re_asks(data: MemoryStore) -> None:
    model = by_text(GOOD | {"charge": "no idea", "again": b.answer("Billing Inquiry")})
    a_round(data, model, "A")
    assert [(r.case_id, r.attempt) for r in replies(data)] == [("A", 0), ("A", 1)]
    first, asked = replies(data), len(model.requests)

    model = by_text(GOOD | {"crashes": "no idea", "again": b.answer("Software Defect")})
    a_round(data, model, "A", "B")
    assert replies(data)[:2] == first
    assert [(r.case_id, r.attempt) for r in replies(data)[2:]] == [("B", 0), ("B", 1)]
    assert {name: label.category for name, label in labels(data).items()} == {
        "A": "Billing Inquiry",
        "B": "Software Defect",
    }
    assert (asked, len(model.requests)) == (2, 2)


def test_a_case_that_had_its_last_ask_in_an_earlier_round_is_not_asked_again(data: MemoryStore) -> None:
    a_round(data, by_text(GOOD | {"charge": "no idea", "again": "no idea"}), "A")
    model = by_text(GOOD | {"crashes": "no idea", "again": b.answer("Software Defect")})
    a_round(data, model, "A", "B")
    assert all("crashes" in request.turns[0].text for request in model.requests)
    assert [(r.case_id, r.attempt) for r in replies(data)] == [("A", 0), ("A", 1), ("A", 2), ("B", 0), ("B", 1)]


def test_a_case_whose_shard_broke_off_in_an_earlier_round_gets_the_asks_that_it_has_left(data: MemoryStore) -> None:
    model = by_text(GOOD | {"charge": "no idea", "again": "still no idea"})
    write_models(data, keys.chosen("run-1", "00000"), [ChosenCase(case_id="A", round=1)])
    chosen = ClassifyTask(run=b.run(), shard="00000", mode="chosen")
    classify(chosen, data=data, model=model, prompt=b.prompt(), concurrency=1)
    parse(b.shard_task(), data=data, prompt=b.prompt())
    repair(b.shard_task(attempt=1), data=data, model=model, prompt=b.prompt(), concurrency=1)
    a_round(data, by_text(GOOD | {"again": b.answer("Billing Inquiry")}), "A", "C")
    assert [(r.case_id, r.attempt) for r in replies(data)] == [("A", 0), ("A", 1), ("C", 0), ("A", 2)]
    assert set(labels(data)) == {"A", "C"}


@pytest.mark.parametrize("error", [BudgetExceeded("no room"), ModelRequestRejected("too long")])
def test_a_case_that_had_no_answer_for_money_is_asked_again_when_its_round_is_tried_again(
    data: MemoryStore, error: Exception
) -> None:
    """As `plumbline resume --budget` does: the reply of the refused call is an error and no answer."""
    a_round(data, by_text(GOOD | {"crashes": error}), "A", "B")
    assert set(labels(data)) == {"A"}
    model = by_text(GOOD)
    a_round(data, model, "A", "B")
    assert set(labels(data)) == {"A", "B"}
    assert len(model.requests) == 1
    assert [(r.case_id, r.error) for r in replies(data)] == [("A", None), ("B", None)]

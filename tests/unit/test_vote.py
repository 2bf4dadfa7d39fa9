"""Vote on one shard: only uncertain labels, the same questions again on a retry, and what the answers do to a label."""

import pytest

from plumbline import keys
from plumbline.adapters.idempotency import request_key
from plumbline.classify import classify
from plumbline.contracts.errors import BudgetExceeded, ModelThrottled
from plumbline.contracts.labels import Label
from plumbline.contracts.replies import ModelRequest, Reply
from plumbline.jsonl import read_models
from plumbline.parse import parse
from plumbline.prompting import build_request
from plumbline.vote import vote, vote_request
from tests import builders as b
from tests.fakes import FakeModel, MemoryStore

TASK = b.shard_task(vote_samples=3)
BILLING, DEFECT, EDUCATION = b.CATEGORIES


def model(*answers: str | Exception) -> FakeModel:
    """Answers the first asks clearly but for the crash, and the votes about the crash with `answers` by sample."""

    def answer(request: ModelRequest) -> str | Exception:
        if request.sample:
            return answers[(request.sample - 1) % len(answers)]
        crash = "crashes" in request.turns[0].text
        return b.answer(DEFECT, runner_up=EDUCATION) if crash else b.answer(BILLING)

    return FakeModel(answer)


def voted(asked: FakeModel) -> tuple[MemoryStore, dict[str, Label]]:
    data = MemoryStore()
    b.store_cases(data, b.case("A", "wrong charge"), b.case("B", "app crashes"))
    classify(TASK, data=data, model=asked, prompt=b.prompt(), concurrency=2)
    parse(TASK, data=data, prompt=b.prompt())
    vote(TASK, data=data, model=asked, prompt=b.prompt(), concurrency=2)
    return data, labels(data)


def labels(data: MemoryStore) -> dict[str, Label]:
    return {label.case_id: label for label in read_models(data, keys.labels("run-1", "00000"), Label)}


def test_only_the_uncertain_label_gets_votes_and_they_change_its_confidence() -> None:
    asked = model(b.answer(DEFECT), b.answer(DEFECT), b.answer(EDUCATION))
    data, found = voted(asked)
    votes = list(read_models(data, keys.votes("run-1", "00000"), Reply))
    assert [(v.case_id, v.sample) for v in votes] == [("B", 1), ("B", 2), ("B", 3)]
    assert all(request.temperature > 0 for request in asked.requests if request.sample)
    assert found["A"].signals is not None
    assert found["A"].signals.votes_for is None
    assert found["B"].signals is not None
    assert found["B"].signals.votes_for == pytest.approx(2 / 3)
    assert found["B"].category == DEFECT
    assert found["B"].confidence == pytest.approx((0.6 + 2 * 2 / 3) / 3, abs=1e-4)


def test_a_retry_asks_the_very_same_and_gives_the_very_same() -> None:
    asked = model(b.answer(DEFECT))
    data, found = voted(asked)
    before = len(asked.requests)
    vote(TASK, data=data, model=asked, prompt=b.prompt(), concurrency=2)
    assert set(asked.requests[before:]) == {request for request in asked.requests[:before] if request.sample}
    assert labels(data) == found


def test_where_most_votes_are_for_another_the_label_stays_and_is_a_close_call() -> None:
    _, found = voted(model(b.answer(BILLING), b.answer(BILLING), b.answer(DEFECT)))
    assert (found["B"].category, found["B"].runner_up, found["B"].close_call) == (DEFECT, EDUCATION, True)
    data = MemoryStore()
    b.store_cases(data, b.case("A", "wrong charge"))
    task = b.shard_task(vote_samples=3, vote_below=1.0)
    asked = model(b.answer(EDUCATION))
    classify(task, data=data, model=asked, prompt=b.prompt(), concurrency=2)
    parse(task, data=data, prompt=b.prompt())
    assert not labels(data)["A"].close_call
    vote(task, data=data, model=asked, prompt=b.prompt(), concurrency=2)
    label = labels(data)["A"]
    assert (label.category, label.runner_up, label.close_call) == (BILLING, EDUCATION, True)
    assert label.confidence < 0.5


def test_an_answer_that_cannot_be_read_is_not_for_the_label() -> None:
    _, found = voted(model("junk", b.answer(DEFECT), "junk"))
    assert found["B"].signals is not None
    assert found["B"].signals.votes_for == pytest.approx(1 / 3)


def test_votes_that_broke_off_are_kept_for_the_accounts_and_the_labels_stay() -> None:
    asked = model(b.answer(EDUCATION), ModelThrottled("later"))
    data = MemoryStore()
    b.store_cases(data, b.case("B", "app crashes"))
    classify(TASK, data=data, model=asked, prompt=b.prompt(), concurrency=2)
    parse(TASK, data=data, prompt=b.prompt())
    before = labels(data)
    with pytest.raises(ModelThrottled):
        vote(TASK, data=data, model=asked, prompt=b.prompt(), concurrency=2)
    assert [v.sample for v in read_models(data, keys.votes("run-1", "00000"), Reply)] == [1]
    assert labels(data) == before


def test_a_vote_is_another_question_for_the_store_of_replies_and_a_first_ask_is_the_old_one() -> None:
    case = b.case("A", "wrong charge")
    first = build_request(b.prompt(), case, "local.test")
    found = {request_key(vote_request(b.prompt(), case, "local.test", sample)) for sample in (1, 2)}
    assert len({request_key(first), *found}) == 3
    assert "sample" not in first.model_dump(exclude_defaults=True)


def test_votes_that_the_budget_cannot_pay_for_leave_the_label_as_it_was() -> None:
    data, found = voted(model(BudgetExceeded("no room")))
    assert [vote.error for vote in read_models(data, keys.votes("run-1", "00000"), Reply)] == ["BudgetExceeded"] * 3
    assert found["B"].category == DEFECT
    assert found["B"].signals is not None
    assert found["B"].signals.votes_for is None

"""Cases labeled in memory: the run's own requests, parser and re-asks, and an account of what it took."""

import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import NoReturn

import pytest

from plumbline import asking
from plumbline.contracts.errors import ModelRequestRejected, ModelThrottled
from plumbline.contracts.replies import ModelReply, ModelRequest, Usage
from plumbline.prompting import build_repair_request, build_request
from plumbline.trials import label_cases
from tests.builders import answer, case, prompt
from tests.fakes import FakeModel

BILLING, DEFECT, _ = prompt().prompt.category_names


def of_text(request: ModelRequest) -> str:
    return request.turns[0].text


def test_each_case_gets_the_label_that_a_run_would_give_it_in_the_cases_order() -> None:
    model = FakeModel(lambda request: answer(DEFECT if "crash" in of_text(request) else BILLING, runner_up="none"))
    first, second = label_cases(
        [case("1", "a crash"), case("2", "a bill")], prompt=prompt(), model=model, model_id="m", concurrency=2
    )
    assert [first.category, second.category] == [DEFECT, BILLING]
    assert first.label is not None
    assert first.label.lineage.run_id == "trial"
    assert model.requests[0] in [
        build_request(prompt(), case(i, t), "m") for i, t in (("1", "a crash"), ("2", "a bill"))
    ]
    assert (first.calls, first.reused, first.repaired, first.usage) == (
        1, 0, False, Usage(input_tokens=100, output_tokens=20),
    )  # fmt: skip


def test_an_unreadable_reply_is_asked_again_as_repair_does_and_the_bound_holds() -> None:
    model = FakeModel(lambda request: answer(BILLING) if len(request.turns) == 3 else "no idea")
    [trial] = label_cases([case("1")], prompt=prompt(), model=model, model_id="m", concurrency=1)
    assert trial.category == BILLING
    assert trial.repaired
    assert trial.calls == 2
    assert trial.usage.input_tokens == 200
    reason = "the reply names no category"
    assert model.requests[1] == build_repair_request(prompt(), case("1"), "m", "no idea", reason)

    stubborn = FakeModel(lambda request: "no idea")
    [lost] = label_cases([case("1")], prompt=prompt(), model=stubborn, model_id="m", max_repairs=2, concurrency=1)
    assert (lost.label, lost.reason, lost.calls) == (None, reason, 3)
    assert len({request.model_dump_json() for request in stubborn.requests}) == 3


def test_a_refused_case_is_not_asked_again_and_the_others_are_labeled() -> None:
    model = FakeModel(
        lambda request: ModelRequestRejected("too long") if "bad" in of_text(request) else answer(BILLING)
    )
    bad, good = label_cases([case("1", "bad"), case("2")], prompt=prompt(), model=model, model_id="m", concurrency=1)
    assert (bad.label, bad.reason, bad.calls) == (None, "ModelRequestRejected", 1)
    assert good.category == BILLING


def test_a_case_for_a_person_costs_nothing() -> None:
    model = FakeModel(lambda request: answer(BILLING))
    held = case("1").model_copy(update={"review": ("leftover: EMAIL",)})
    [trial] = label_cases([held], prompt=prompt(), model=model, model_id="m")
    assert (trial.label, trial.calls, model.requests) == (None, 0, [])
    assert trial.reason == "Anonymization: leftover EMAIL"


def test_what_is_reused_is_told_apart_from_what_is_paid() -> None:
    class Store:
        def ask(self, request: ModelRequest) -> ModelReply:
            known = "old" in of_text(request)
            usage = Usage(input_tokens=10, output_tokens=1)
            return ModelReply(text=answer(BILLING), stop_reason="end_turn", usage=usage, from_cache=known)

    told: list[bool] = []
    old, new = label_cases(
        [case("1", "old"), case("2", "new")],
        prompt=prompt(),
        model=Store(),
        model_id="m",
        on_done=lambda reply: told.append(reply.from_cache),
    )
    assert (old.reused, old.paid.input_tokens, old.usage.input_tokens) == (1, 0, 10)
    assert (new.reused, new.paid.input_tokens) == (0, 10)
    assert sorted(told) == [False, True]


def test_the_models_errors_are_raised() -> None:
    model = FakeModel(lambda request: ModelThrottled("slow down"))
    with pytest.raises(ModelThrottled):
        label_cases([case("1")], prompt=prompt(), model=model, model_id="m")


def test_an_interruption_leaves_what_waits_unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, let_go = threading.Event(), threading.Event()
    asked: list[ModelRequest] = []

    class Pool(ThreadPoolExecutor):
        """Lets the model answer only once the pool is being shut down."""

        def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
            super().shutdown(wait=False, cancel_futures=cancel_futures)
            let_go.set()
            super().shutdown(wait=wait)

    def slow(request: ModelRequest) -> str:
        asked.append(request)
        begun.set()
        let_go.wait(10)
        return answer(BILLING)

    def interrupted(futures: Iterable[object]) -> NoReturn:
        begun.wait(10)
        raise KeyboardInterrupt

    monkeypatch.setattr(asking, "ThreadPoolExecutor", Pool)
    monkeypatch.setattr(asking, "as_completed", interrupted)
    cases = [case(str(number), f"text {number}") for number in range(20)]
    with pytest.raises(KeyboardInterrupt):
        label_cases(cases, prompt=prompt(), model=FakeModel(slow), model_id="m", concurrency=1)
    assert len(asked) == 1

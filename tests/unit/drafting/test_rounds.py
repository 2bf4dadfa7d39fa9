"""Improve: what is drafted, tried and kept, on cases of its own each, within the budget."""

import hashlib
from collections.abc import Callable

import pytest

from plumbline.contracts.cases import AnonymizedCase
from plumbline.contracts.comparisons import ChangedLabel, VersionStep
from plumbline.contracts.replies import ModelReply, ModelRequest, Usage
from plumbline.drafting.rounds import (
    Improver,
    Parts,
    final_estimate,
    is_better,
    round_estimate,
    split,
    start_estimate,
)
from plumbline.prices import price_table
from plumbline.prompting import load_prompt
from plumbline.significance import mcnemar
from plumbline.spend_tracker import Estimate, SpendTracker
from tests.builders import answer, case
from tests.fakes import FakeModel
from tests.prompt_files import SHIPPED

HAIKU = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
BILLING, EDUCATION, DEFECT = "Billing Inquiry", "Customer Education", "Software Defect"
BASE = load_prompt(SHIPPED, "root_cause", "v2")
TEXT = (SHIPPED / "root_cause" / "v2.yaml").read_text(encoding="utf-8")
GYM = (
    "<example_case>Customer: How do I end the gym membership?</example_case>"
    "<why_wrong>It asks how, but it ends what is paid for.</why_wrong>"
)


def labeled(number: int, gold: str, word: str) -> tuple[AnonymizedCase, str]:
    print_of = hashlib.sha256(str(number).encode()).hexdigest()[:16]
    return case(f"C{number}", f"{word} number {number}.", fingerprint=print_of), gold


def spread(size: int = 12) -> Parts:
    """Three parts of `size` cases of each kind."""
    kinds = ((BILLING, "cancel"), (DEFECT, "crash"), (EDUCATION, "how"))
    pairs = []
    for place, (gold, word) in enumerate(kinds):
        pairs += [labeled(1000 * place + n, gold, word) for n in range(3 * size)]
    parts, left_out = split(pairs)
    assert left_out == 0
    return parts


def learns(request: ModelRequest) -> str:
    """Takes plans to cancel for questions, until the prompt has the gym in it."""
    text = request.turns[0].text
    if "example_case" in request.system:
        return GYM
    if "crash" in text:
        return answer(DEFECT)
    return answer(BILLING if "cancel" in text and "gym" in request.system else EDUCATION)


def improver(
    answers: Callable[[ModelRequest], str],
    parts: Parts | None = None,
    budget_usd: float = 100.0,
    usage: Usage | None = None,
    **options: object,
) -> Improver:
    spend = SpendTracker(FakeModel(answers, usage), budget_usd)
    settings: dict[str, object] = {
        "parts": parts or spread(), "base": BASE, "text": TEXT, "version": "v9", "model": spend, "spend": spend,
        "model_id": HAIKU, "concurrency": 1, **options,
    }  # fmt: skip
    return Improver(**settings)  # type: ignore[arg-type]  # by name


def test_parts_have_no_case_in_common_and_no_near_duplicates() -> None:
    pairs = [labeled(n, BILLING, "x") for n in range(30)]
    parts, left_out = split([*pairs, *(labeled(n, BILLING, "x") for n in range(5))])
    assert left_out == 5
    ids = [{c.case_id for c in part.cases} for part in (parts.development, parts.held_back, parts.final)]
    assert [len(part) for part in ids] == [10, 10, 10]
    assert len(ids[0] | ids[1] | ids[2]) == 30


def test_a_draft_that_helps_is_kept_and_the_final_part_is_looked_at_once() -> None:
    asked: list[str] = []

    def told(request: ModelRequest) -> str:
        asked.append(request.turns[0].text)
        return learns(request)

    run = improver(told)
    run.run(2)
    final = {one.messages[0].text for one in run.parts.final.cases}
    assert asked
    assert not any(text in request for request in asked for text in final)

    before, after, found = run.finish()
    assert [done.kept for done in run.rounds] == [True]
    assert run.stopped == "nothing_left"
    assert run.rounds[0].step is not None
    assert (run.rounds[0].step.against, len(run.rounds[0].step.fixed)) == ("v2", 12)
    assert set(run.rounds[0].cases) <= {one.case_id for one in run.parts.development.cases}
    assert before.value == pytest.approx(2 / 3)
    assert after.value == 1.0
    assert found is not None
    assert (len(found.fixed), len(found.broke)) == (12, 0)
    assert "gym membership" in run.best_text
    assert "# drafted from case C" in run.best_text
    assert "version: v9" in run.best_text
    assert run.best.prompt.bad_examples[:-1] == BASE.prompt.bad_examples
    assert run.base_accuracy()[1].value == pytest.approx(2 / 3)
    assert run.best_held_back().value == 1.0


def test_a_draft_that_changes_nothing_or_harms_is_not_kept_and_its_cases_are_not_taken_again() -> None:
    def harmed(request: ModelRequest) -> str:
        text = request.turns[0].text
        if "example_case" in request.system:
            return GYM.replace("gym", f"gym of {hashlib.sha256(text.encode()).hexdigest()[:9]}")
        return answer(DEFECT if "crash" in text and "gym" not in request.system else EDUCATION)

    run = improver(harmed, per_round=2)
    run.run(3)
    before, after, found = run.finish()
    assert [done.kept for done in run.rounds] == [False, False, False]
    assert len({name for done in run.rounds for name in done.cases}) == sum(len(done.cases) for done in run.rounds)
    assert (run.stopped, found, before) == ("rounds", None, after)
    assert run.best is BASE
    assert run.rounds[0].step is not None
    assert len(run.rounds[0].step.broke) == 12


def test_answers_that_are_no_draft_are_counted_and_nothing_is_tried() -> None:
    run = improver(lambda request: answer(EDUCATION), per_round=3)
    run.run(1)
    [done] = run.rounds
    assert (done.unusable, done.drafts, done.step, done.held_back, done.kept) == (3, (), None, None, False)
    assert run.calls == 36 + 36 + 3


def test_it_stops_at_the_target() -> None:
    reached = improver(learns, target=0.6)
    reached.run(5)
    assert (reached.stopped, reached.rounds) == ("target", [])
    later = improver(learns, target=0.9)
    later.run(1)
    assert (later.stopped, len(later.rounds)) == ("target", 1)


def test_no_round_begins_that_may_go_beyond_the_budget() -> None:
    parts = spread()
    first, last = start_estimate(BASE, parts).once, final_estimate(BASE, parts).once
    one_round = round_estimate(BASE, parts, 4).once
    usd = sum(price_table().usd(HAIKU, usage) or 0.0 for usage in (last, one_round))
    dear = Usage(input_tokens=4000, output_tokens=100)
    asked = improver(learns, budget_usd=usd + 72 * (4000 + 500) / 1e6 - 0.001, usage=dear)
    asked.run(5)
    assert (asked.stopped, asked.rounds) == ("budget", [])
    assert asked.calls == 72  # of the first look, whose estimate was lower
    assert first.input_tokens > 0
    free = improver(learns, model_id="acme.unheard-of")
    free.run(5)
    assert (free.stopped, free.calls) == ("budget", 0)  # what has no price cannot be kept within one
    enough = improver(learns, budget_usd=100)
    enough.run(5)
    enough.finish()
    assert enough.spend.spent_usd == pytest.approx(enough.calls * (100 + 20 * 5) / 1e6)
    assert enough.spend.paid == Usage(input_tokens=100 * enough.calls, output_tokens=20 * enough.calls)


def test_a_round_that_the_budget_ends_keeps_no_draft_and_the_last_look_has_its_money() -> None:
    class Dearer(FakeModel):
        """After the first look each answer costs twice what is estimated."""

        def ask(self, request: ModelRequest) -> ModelReply:
            if len(self.requests) == 72:
                self.usage = Usage(input_tokens=9600)
            return super().ask(request)

    def usd(estimate: Estimate) -> float:
        return price_table().estimated_usd(HAIKU, estimate.once) or 0.0

    parts = spread()
    room = usd(round_estimate(BASE, parts, 1)) + usd(final_estimate(BASE, parts))
    spend = SpendTracker(Dearer(learns), 72 * 200 / 1e6 + room + 0.001)
    run = improver(learns, parts, model=spend, spend=spend, per_round=1)
    run.run(3)
    [done] = run.rounds
    assert (run.stopped, done.cut_short, done.kept, run.kept) == ("budget", True, False, [])
    assert done.step is not None
    assert done.held_back is not None
    assert 0 < done.held_back.n < 36  # what was answered is shown
    before, after, found = run.finish()
    assert before == after
    assert before.n > 30
    assert found is None
    assert spend.spent_usd is not None
    assert spend.budget_usd is not None
    assert 0.9 * spend.budget_usd < spend.spent_usd <= spend.budget_usd


def test_without_a_model_the_examples_are_the_cases_themselves() -> None:
    run = improver(lambda request: answer(EDUCATION), with_llm=False, per_round=1)
    run.run(1)
    [done] = run.rounds
    assert len(done.drafts) == 1
    assert done.drafts[0].case in {
        f"Subject: {c.subject}\nCustomer: {c.messages[0].text}" for c in run.parts.development.cases
    }


@pytest.mark.parametrize(
    ("fixed", "broke", "kept"),
    [
        (0, 0, False),
        (2, 0, False),
        (3, 0, True),
        (1, 1, False),
        (4, 1, True),
        (5, 2, False),
        (6, 2, True),
        (2, 6, False),
    ],
)
def test_the_rule_by_which_a_draft_is_kept(fixed: int, broke: int, kept: bool) -> None:
    one = ChangedLabel(case_id="1", gold="a", before="b", after="a")
    found = VersionStep(
        version="2", against="1", fixed=(one,) * fixed, broke=(one,) * broke, p_value=mcnemar(fixed, broke),
        differences=(),
    )  # fmt: skip
    assert is_better(found) is kept

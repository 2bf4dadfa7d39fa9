"""Improve: what is drafted, tried and kept, on cases of its own each, within the budget."""

import hashlib
from collections.abc import Callable

import pytest

from plumbline.contracts.cases import AnonymizedCase
from plumbline.contracts.comparisons import ChangedLabel, VersionStep
from plumbline.contracts.replies import ModelRequest, Usage
from plumbline.drafting.rounds import Improver, Parts, is_better, split
from plumbline.prompting import load_prompt
from plumbline.significance import mcnemar
from tests.builders import answer, case
from tests.fakes import FakeModel
from tests.prompt_files import SHIPPED

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


def improver(answers: Callable[[ModelRequest], str], parts: Parts | None = None, **options: object) -> Improver:
    settings: dict[str, object] = {
        "parts": parts or spread(), "base": BASE, "text": TEXT, "version": "v9", "model": FakeModel(answers),
        "model_id": "m", "price": lambda usage: usage.input_tokens / 1e6, "budget_usd": 100.0, "concurrency": 1,
        **options,
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
    run = improver(learns)
    model = run.model
    assert isinstance(model, FakeModel)
    run.run(2)
    final = {one.messages[0].text for one in run.parts.final.cases}
    assert not any(text in request.turns[0].text for request in model.requests for text in final)

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
    asked = improver(learns, budget_usd=0.01)
    asked.run(5)
    assert (asked.stopped, asked.rounds) == ("budget", [])
    free = improver(learns, price=lambda usage: None)
    free.run(5)
    assert free.stopped == "budget"  # what has no price cannot be kept within one
    enough = improver(learns, budget_usd=100)
    enough.run(5)
    enough.finish()
    assert enough.usd == pytest.approx(enough.calls * 100 / 1e6)
    assert enough.paid == Usage(input_tokens=100 * enough.calls, output_tokens=20 * enough.calls)


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

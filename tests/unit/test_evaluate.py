"""Evaluation: which check is chosen, labels beside gold, reasonings beside people's."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from plumbline.contracts.cases import UNKNOWN_GOLD
from plumbline.contracts.evaluation import Reference
from plumbline.contracts.gold import GoldLabel
from plumbline.contracts.labels import Outcome
from plumbline.contracts.review import Part
from plumbline.evaluate import choose
from plumbline.evaluate.labels import compared
from plumbline.evaluate.texts import compare_texts, mean
from tests import builders as b

BILLING, DEFECT, EDUCATION = b.CATEGORIES


def outcome(case_id: str, **changes: Any) -> Outcome:
    fields = {"outcome": "labeled", "shard": "00000", "content_hash": f"hash-{case_id}", "category": BILLING}
    return Outcome.model_validate({"case_id": case_id, **fields, **changes})


def review(case_id: str, category: str, content: str | None = None, part: Part | None = "random") -> GoldLabel:
    return GoldLabel(
        case_id=case_id, category=category, source="review", labeled_at=b.NOW, run_id="run-1",
        content_hash=content or f"hash-{case_id}", part=part,
    )  # fmt: skip


# --------------------------------------------------------------------------------------------------------- the choice


@pytest.mark.parametrize(
    ("gold", "references", "judge", "made"),
    [
        (5, None, None, ["gold"]),
        (0, 3, None, ["references"]),
        (5, 3, "m", ["gold", "references", "judge"]),
        (0, None, "m", ["judge"]),
        (0, None, None, ["review_sheet"]),
    ],
)
def test_the_check_that_fits_is_chosen_and_every_choice_says_why(
    gold: int, references: int | None, judge: str | None, made: list[str]
) -> None:
    choices = choose(gold=gold, references=references, judge=judge)
    assert [choice.check for choice in choices if choice.made] == made
    assert len(choices) == 4
    assert all(choice.why for choice in choices)


def test_with_gold_a_judge_is_measured_against_people() -> None:
    [_, _, judge, _] = choose(gold=5, references=None, judge="acme.big")
    assert "how far it agrees with people" in judge.why


# --------------------------------------------------------------------------------------------------- labels and gold


def test_a_file_stands_above_a_review_and_a_review_above_the_export() -> None:
    outcomes = [outcome(name, gold_category=BILLING) for name in ("a", "b", "c", "d")]
    reviewed = {"a": review("a", DEFECT), "b": review("b", DEFECT), "c": review("c", DEFECT, content="another")}
    found = compared(outcomes, b.CATEGORIES, {"a": EDUCATION}, reviewed)
    assert found.by_id == {"a": EDUCATION, "b": DEFECT, "c": BILLING, "d": BILLING}
    assert found.check is not None
    assert found.check.origins == {"file": 1, "review": 1, "export": 2}
    assert found.check.figures.accuracy.value == 0.5


def test_only_accepted_labels_count_and_coverage_says_how_many_there_are() -> None:
    outcomes = [
        outcome("right", gold_category=BILLING),
        outcome("held", outcome="needs_review", reason="low_confidence", gold_category=BILLING),
        outcome("dropped", outcome="dropped", reason="x", category=None, gold_category=DEFECT),
        outcome("before", outcome="unchanged", category=None, gold_category=DEFECT),
        outcome("later", outcome="dropped", reason="left_for_later", category=None, gold_category=DEFECT),
        outcome("foreign", gold_category=UNKNOWN_GOLD),
        outcome("untold"),
    ]
    found = compared(outcomes, b.CATEGORIES, {}, {})
    assert found.check is not None
    block = found.check.figures
    assert (block.accuracy.value, block.accuracy.n) == (1.0, 1)
    assert block.coverage.value == pytest.approx(1 / 3)
    assert block.coverage.n == 3
    assert (found.check.held, block.unknown_gold) == (1, 1)
    assert [one.case_id for one in found.accepted] == ["right", "foreign", "untold"]


def test_rows_that_a_queue_picked_are_in_no_accuracy_and_are_counted() -> None:
    outcomes = [outcome(name) for name in ("r1", "r2", "u1", "u2", "u3", "old")]
    reviewed = {name: review(name, BILLING if name == "r1" else DEFECT, part="useful") for name in ("u1", "u2", "u3")}
    reviewed |= {"r1": review("r1", BILLING), "r2": review("r2", DEFECT), "old": review("old", DEFECT, part=None)}
    found = compared(outcomes, b.CATEGORIES, {}, reviewed)
    assert found.check is not None
    assert (found.check.figures.accuracy.value, found.check.figures.accuracy.n) == (0.5, 2)
    assert found.check.origins == {"review": 2}
    assert (found.check.left_out.picked, found.check.left_out.unknown) == (3, 1)
    assert len(found.by_id) == 6  # what a judge is held against


def test_a_sample_that_gold_came_along_for_loses_no_case_to_a_queue() -> None:
    """The queue takes up just those whose label differs from it: without them the run would look better."""
    outcomes = [outcome("right", gold_category=BILLING), outcome("doubted", gold_category=DEFECT)]
    found = compared(outcomes, b.CATEGORIES, {}, {"doubted": review("doubted", EDUCATION, part="useful")})
    assert found.check is not None
    assert (found.check.figures.accuracy.n, found.check.left_out.picked) == (2, 0)
    assert found.check.figures.confusion[EDUCATION][BILLING] == 1


def test_of_picked_rows_alone_there_is_no_accuracy_and_a_random_sheet_is_advised() -> None:
    found = compared([outcome("a")], b.CATEGORIES, {}, {"a": review("a", DEFECT, part="useful")})
    assert (found.check, found.left_out.picked) == (None, 1)
    choices = choose(gold=0, references=None, judge=None, left_out=1)
    assert "no random sample of the run" in choices[0].why
    assert [choice.check for choice in choices if choice.made] == ["review_sheet"]


def test_without_gold_there_is_nothing_to_say_of_accuracy() -> None:
    assert compared([outcome("a")], b.CATEGORIES, {}, {}).check is None


# -------------------------------------------------------------------------------------------------------- reasonings


class Letters:
    """An Embedder: how often each letter occurs, at length 1."""

    def embed(self, texts: Sequence[str]) -> np.ndarray[Any, np.dtype[np.float32]]:
        rows = np.array([[text.lower().count(letter) for letter in "abcdefghij"] for text in texts], dtype=np.float32)
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


def test_reasonings_are_compared_word_by_word_and_by_meaning() -> None:
    references = [
        Reference(case_id="same", reasoning="The card was charged twice"),
        Reference(case_id="half", reasoning="aa bb cc dd"),
        Reference(case_id="absent", reasoning="whatever"),
    ]
    found = compare_texts(references, {"same": "the card was charged twice", "half": "aa xx cc yy"}, Letters())
    assert found is not None
    assert found.rouge_l.value == pytest.approx((1.0 + 0.5) / 2)  # two of four words in order, on both sides
    assert found.cosine.value == pytest.approx((1.0 + 8 / (16 * 8) ** 0.5) / 2, abs=1e-3)
    assert (found.rouge_l.n, found.unmatched) == (2, 1)


def test_no_reference_of_a_labeled_case_is_no_figure() -> None:
    assert compare_texts([Reference(case_id="a", reasoning="x")], {"b": "x", "a": " "}, Letters()) is None


def test_the_bootstrap_interval_is_about_that_of_the_normal_distribution() -> None:
    values = list(np.random.default_rng(1).normal(0.5, 0.2, size=400))
    found = mean(values)
    half = 1.96 * float(np.std(values)) / 20
    assert found.low == pytest.approx(found.value - half, abs=0.003)
    assert found.high == pytest.approx(found.value + half, abs=0.003)
    assert mean(values) == found
    assert mean([3.0]) == mean([3.0]).model_copy(update={"low": 3.0, "high": 3.0})

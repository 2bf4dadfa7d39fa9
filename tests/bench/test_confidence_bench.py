"""The parts of the confidence benchmarks that need no model."""

import pytest

from bench import none_of_these
from bench.confidence import Labeled, majority, signals
from bench.llm_cases import GoldCase
from bench.off_topic import OFF_TOPIC, off_topic_cases
from plumbline.confidence import rated
from plumbline.contracts.confidence import Signals
from plumbline.contracts.labels import Label, Lineage
from tests import builders as b

A, B, C = b.CATEGORIES


def one(gold: str, votes: list[str | None], second: str | None = None) -> Labeled:
    lineage = Lineage(prompt=b.REF, model_id="m", run_id="r")
    label = rated(Label(case_id="1", category=A, confidence=0, lineage=lineage), Signals(runner_up=False), None)
    return Labeled(GoldCase(b.case("1"), gold), label, votes, second, 0.5)


def test_there_are_forty_different_texts_that_are_no_case() -> None:
    assert len(set(OFF_TOPIC)) == len(off_topic_cases()) == 40


def test_none_of_these_is_measured_with_a_version_that_has_it(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--cases", "2", "--model", "embedding"]
    with pytest.raises(SystemExit, match=r"root_cause/v3 has no answer none_of_these|nothing to measure on"):
        none_of_these.main([*arguments, "--prompt", "v3"])
    assert capsys.readouterr().out == ""


def test_a_majority_has_to_beat_the_first_answer() -> None:
    tie, outvoted = one(A, [B, None]), one(B, [B, B])
    assert majority([tie, outvoted]) == (
        "Of 2 labels with votes the first answer is right 1 times, the majority 2 times; they differ on 1."
    )
    assert majority([one(A, [])]) == "No label had votes."


def test_signals_are_those_that_are_asked_for() -> None:
    found = one(A, [A, B], second=A)
    assert signals(found).votes_for is None
    assert signals(found, votes=True).votes_for == 0.5
    assert signals(found, votes=True, second=True).votes_for == pytest.approx(2 / 3)
    assert (signals(found).neighbours_for, signals(found, near=True).neighbours_for) == (None, 0.5)

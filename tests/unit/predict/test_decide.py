"""From probabilities to an answer: the threshold, the alternatives, and never certainty."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plumbline.predict.decide import decide

NAMES = ("a", "b", "c", "d", "e")


@pytest.mark.parametrize("sure", [1.0, 0.999999, 0.99996])
def test_no_answer_is_certain(sure: float) -> None:
    found = decide([sure, 1 - sure, 0.0, 0.0, 0.0], NAMES, 0.5)
    assert (found.category, found.confidence) == ("a", 0.9999)
    assert decide([sure, 1 - sure, 0.0, 0.0, 0.0], NAMES, 1.0).alternatives[0].confidence == 0.9999


@given(st.lists(st.floats(0, 1), min_size=5, max_size=5), st.floats(0, 1))
def test_what_is_told_is_what_the_threshold_is_held_against(probabilities: list[float], threshold: float) -> None:
    found = decide(probabilities, NAMES, threshold)
    assert found.abstained == (found.confidence < threshold) == (found.category is None)
    assert found.confidence < 1
    assert found.confidence >= max(a.confidence for a in found.alternatives)
    assert len(found.alternatives) == 3


def test_a_threshold_of_one_takes_no_answer_and_of_zero_every_one() -> None:
    assert decide([1.0, 0.0, 0.0, 0.0, 0.0], NAMES, 1.0).abstained
    assert decide([0.2] * 5, NAMES, 0.0).category == "a"

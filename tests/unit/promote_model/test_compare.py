"""Two models on the same cases: figures against known values and against a plain bootstrap."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plumbline.accuracy import Agreement
from plumbline.promote_model.compare import compare


def test_the_same_model_differs_by_nothing() -> None:
    gold = ["a", "b", "a", "c"] * 30
    same = ["a", "a", "a", "c"] * 30
    found = compare("v1", gold, same, same)
    assert (found.only_candidate, found.only_current, found.p_value, found.cases) == (0, 0, 1.0, 120)
    for difference in found.differences:
        assert (difference.value, difference.low, difference.high) == (0, 0, 0)


def test_macro_f1_is_counted_as_everywhere_else() -> None:
    gold = ["a", "b", "b", "c", "a", "b"]
    one = ["a", "b", "a", "b", "a", "b"]
    other = ["b", "b", "b", "b", "b", "z"]
    expected = []
    for predicted in (one, other):
        agreement = Agreement(("a", "b", "c", "z"))
        for pair in zip(gold, predicted, strict=True):
            agreement.add(*pair)
        block = agreement.block()
        assert block
        expected.append(block.macro_f1)
    [_, difference] = compare("v1", gold, one, other).differences
    assert difference.metric == "macro_f1"
    assert difference.value == pytest.approx(expected[0] - expected[1])


def test_the_interval_is_that_of_a_plain_paired_bootstrap() -> None:
    rng = np.random.default_rng(3)
    gold = rng.integers(0, 4, 300)
    one = np.where(rng.random(300) < 0.8, gold, rng.integers(0, 4, 300))
    other = np.where(rng.random(300) < 0.7, gold, rng.integers(0, 4, 300))
    picks = rng.integers(0, 300, (4000, 300))
    plain = (one == gold)[picks].mean(axis=1) - (other == gold)[picks].mean(axis=1)
    low, high = np.percentile(plain, [2.5, 97.5])
    found = compare("v1", *([str(x) for x in side] for side in (gold, one, other)))
    assert found.differences[0].low == pytest.approx(low, abs=0.012)
    assert found.differences[0].high == pytest.approx(high, abs=0.012)
    assert found.differences[0].value == pytest.approx((one == gold).mean() - (other == gold).mean())


classes = st.sampled_from(["a", "b", "c"])


@given(st.lists(st.tuples(classes, classes, classes), min_size=1, max_size=60))
def test_the_other_way_round_everything_is_turned_round(triples: list[tuple[str, str, str]]) -> None:
    gold, one, other = (list(side) for side in zip(*triples, strict=True))
    there, back = compare("v", gold, one, other), compare("v", gold, other, one)
    assert (there.only_candidate, there.only_current) == (back.only_current, back.only_candidate)
    assert there.p_value == back.p_value
    for first, second in zip(there.differences, back.differences, strict=True):
        assert first.value == pytest.approx(-second.value)
        assert first.low <= first.high
        assert first.low >= -1
        assert first.high <= 1


def test_the_same_cases_have_the_same_answer() -> None:
    gold, one, other = ["a", "b"] * 50, ["a", "a"] * 50, ["b", "b"] * 50
    assert compare("v", gold, one, other) == compare("v", gold, one, other)

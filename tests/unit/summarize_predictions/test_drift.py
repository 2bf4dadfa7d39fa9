"""The population stability index, its threshold, and how often it cries wolf."""

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plumbline.contracts.models import Reference
from plumbline.summarize_predictions.drift import (
    chi_square_95,
    confidence_bin,
    drift_of,
    stability_index,
    threshold,
)

COUNTS = st.lists(st.integers(0, 10_000), min_size=2, max_size=12)


@pytest.mark.parametrize(
    ("degrees", "quantile"), [(2, 5.991), (3, 7.815), (5, 11.070), (9, 16.919), (19, 30.144), (99, 123.225)]
)
def test_the_quantile_is_that_of_the_tables(degrees: int, quantile: float) -> None:
    assert chi_square_95(degrees) == pytest.approx(quantile, rel=0.01)


def test_the_index_of_a_textbook_example() -> None:
    # (0.3 - 0.5) ln(0.3 / 0.5) + (0.7 - 0.5) ln(0.7 / 0.5)
    assert stability_index([50_000, 50_000], [30_000, 70_000]) == pytest.approx(0.16946, abs=1e-4)


@given(COUNTS)
def test_equal_shares_have_no_index(counts: list[int]) -> None:
    assert stability_index(counts, counts) == 0.0


@given(COUNTS, st.data())
def test_the_index_is_never_negative_symmetric_and_finite(counts: list[int], data: st.DataObject) -> None:
    other = data.draw(st.lists(st.integers(0, 10_000), min_size=len(counts), max_size=len(counts)))
    value = stability_index(counts, other)
    assert 0 <= value < 100
    assert value == pytest.approx(stability_index(other, counts))


def test_the_threshold_is_the_floor_where_many_are_compared_and_grows_where_few_are() -> None:
    assert threshold(0.2, 100_000, 100_000, 6) == 0.2
    assert threshold(0.2, 1000, 20, 6) == pytest.approx((1 / 1000 + 1 / 20) * 11.07, rel=0.01)
    assert threshold(0.2, 0, 20, 6) == 0.2


@pytest.mark.parametrize(("reference", "cases"), [(600, 30), (600, 300), (5000, 100)])
def test_without_drift_one_in_twenty_is_above_the_threshold_of_chance_at_most(reference: int, cases: int) -> None:
    dice = random.Random(4711)
    shares = [0.35, 0.25, 0.2, 0.1, 0.06, 0.04]
    limit = threshold(1e-9, reference, cases, len(shares))

    def drawn(number: int) -> list[int]:
        counted = Counter(dice.choices(range(len(shares)), shares, k=number))
        return [counted[n] for n in range(len(shares))]

    alarms = sum(stability_index(drawn(reference), drawn(cases)) > limit for _ in range(1000))
    assert alarms <= 70  # 50 are expected; half a case a bin makes them fewer


@pytest.mark.parametrize("held_out", [20, 60])
@pytest.mark.parametrize("shares", [(0.2, 0.3, 0.5), (1.0,)])
def test_a_sure_model_s_empty_bins_are_no_drift_however_many_cases_a_day_brings(
    held_out: int, shares: tuple[float, ...]
) -> None:
    dice = random.Random(4711)
    bins = range(10 - len(shares), 10)

    def drawn(number: int) -> tuple[int, ...]:
        counted = Counter(dice.choices(bins, shares, k=number))
        return tuple(counted[n] for n in range(10))

    alarms = 0
    for _ in range(100):
        reference = REFERENCE.model_copy(update={"confidences": drawn(held_out)})
        alarms += drift_of(reference, {"a": 1}, drawn(30_000), 0.2)[1].drifted
    assert alarms <= 8  # 5 are expected


@pytest.mark.parametrize(("confidence", "place"), [(0.0, 0), (0.0999, 0), (0.1, 1), (0.95, 9), (1.0, 9)])
def test_confidences_fall_into_ten_bins(confidence: float, place: int) -> None:
    assert confidence_bin(confidence) == place


REFERENCE = Reference(
    class_shares={"a": 0.5, "b": 0.3, "c": 0.2}, class_cases=1000, confidences=(0, 0, 0, 0, 0, 10, 10, 30, 50, 100)
)


def test_shares_as_in_training_do_not_drift_and_others_do() -> None:
    same, sure = drift_of(REFERENCE, {"a": 250, "b": 150, "c": 100}, [0, 0, 0, 0, 0, 25, 25, 75, 125, 250], 0.2)
    assert (same.drifted, sure.drifted) == (False, False)
    assert same.value == pytest.approx(0, abs=0.001)
    moved, unsure = drift_of(REFERENCE, {"c": 500}, [0, 0, 0, 0, 0, 400, 100, 0, 0, 0], 0.2)
    assert (moved.drifted, unsure.drifted) == (True, True)
    assert (moved.of, unsure.of, moved.cases) == ("class_shares", "confidence", 500)


def test_a_class_that_training_never_saw_counts() -> None:
    moved, _ = drift_of(REFERENCE, {"a": 250, "b": 150, "new": 100}, [0] * 10, 0.2)
    assert moved.drifted


def test_nothing_to_compare_is_no_drift() -> None:
    for drift in drift_of(REFERENCE, {}, [0] * 10, 0.2):
        assert (drift.value, drift.drifted, drift.cases) == (None, False, 0)

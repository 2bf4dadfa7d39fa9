"""What a confidence is worth."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plumbline.confidence.measure import auroc, bins, figures, review_point

LABELS = st.lists(st.tuples(st.sampled_from([0.1, 0.4, 0.7, 0.9, 1.0]), st.booleans()), min_size=1, max_size=60)


def test_perfect_useless_and_upside_down() -> None:
    right = [False, False, True, True]
    assert auroc([0.1, 0.2, 0.8, 0.9], right) == 1
    assert auroc([0.5, 0.5, 0.5, 0.5], right) == 0.5
    assert auroc([0.9, 0.8, 0.2, 0.1], right) == 0
    assert auroc([0.1, 0.9], [True, True]) is None


@given(LABELS)
def test_auroc_is_scikit_learns(labels: list[tuple[float, bool]]) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    confidences, right = [c for c, _ in labels], [r for _, r in labels]
    if len(set(right)) == 2:
        assert auroc(confidences, right) == pytest.approx(metrics.roc_auc_score(right, confidences))


def test_review_takes_the_least_confident_first_and_ties_by_lot() -> None:
    confidences, right = [0.1, 0.1, 0.9, 0.9], [False, True, True, False]
    half = review_point(confidences, right, 0.5)
    assert (half.errors_caught, half.accuracy) == (0.5, 0.5)
    quarter = review_point(confidences, right, 0.25)
    assert (quarter.errors_caught, quarter.accuracy) == (0.25, 0.5)
    assert review_point(confidences, right, 1.0).accuracy is None


@given(LABELS)
def test_more_review_never_catches_less_and_all_of_it_catches_all(labels: list[tuple[float, bool]]) -> None:
    confidences, right = [c for c, _ in labels], [r for _, r in labels]
    found = figures(confidences, right)
    caught = [point.errors_caught for point in found.review]
    assert all(a <= b + 1e-9 for a, b in itertools.pairwise(caught))
    assert caught[-1] == pytest.approx(0.0 if all(right) else 1.0)
    assert 0 <= found.calibration_error <= 1
    assert sum(one.cases for one in found.bins) == len(right)


def test_calibration_error_is_the_mean_distance_between_said_and_seen() -> None:
    # Ten labels at .9 of which nine are right: no error. The same at .6: .3 off.
    right = [True] * 9 + [False]
    assert figures([0.9] * 10, right).calibration_error == pytest.approx(0.0)
    assert figures([0.6] * 10, right).calibration_error == pytest.approx(0.3)


def test_equal_confidences_share_a_bin() -> None:
    found = list(bins([0.9] * 30 + [0.2] * 3, [True] * 33))
    assert [one.cases for one in found] == [33]  # of 4 a bin the three low ones and a high one, and so all high ones

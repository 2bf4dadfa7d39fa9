"""Fitting a calibration on gold labels."""

import random
import re
from datetime import UTC, datetime

import pytest

from plumbline.confidence import confidence_of
from plumbline.confidence.fit import Row, fit
from plumbline.contracts.confidence import Calibration, Signals
from plumbline.contracts.errors import CannotCalibrate
from tests import builders as b

pytest.importorskip("sklearn", reason="fitting takes scikit-learn, which the operator's machine has")
NOW = datetime(2026, 3, 4, tzinfo=UTC)


def fitted(rows: list[Row]) -> Calibration:
    return fit(rows, prompt=b.REF, model_id="local.test", now=NOW)


def rows(count: int, seed: int = 1, *, votes: bool = False) -> list[Row]:
    """Labels of which close calls are mostly wrong, votes (of close calls) tell, and re-asks say nothing."""
    draw = random.Random(seed)
    found = []
    for n in range(count):
        close = draw.random() < 0.4
        right = draw.random() < (0.5 if close else 0.95)
        share = None
        if votes and close:
            share = draw.choice((0.8, 1.0, 1.0) if right else (0.0, 0.2, 0.6))
        signals = Signals(runner_up=close, re_asked=draw.randint(0, 1), category=draw.choice("ABC"), votes_for=share)
        found.append(Row(signals, right, str(n)))
    return found


def test_a_probability_that_is_about_right_comes_of_signals_that_tell() -> None:
    calibration = fitted(rows(400))
    clear, close = (confidence_of(Signals(runner_up=up, category="A"), calibration) for up in (False, True))
    assert clear == pytest.approx(0.95, abs=0.06)
    assert close == pytest.approx(0.5, abs=0.12)
    assert calibration.auroc is not None
    assert 0.7 < calibration.auroc < 0.95
    assert calibration.calibration_error < 0.12
    assert (calibration.cases, calibration.accuracy.n, calibration.voted) == (400, 400, 0)


def test_a_signal_that_helps_nothing_weighs_next_to_nothing() -> None:
    calibration = fitted(rows(400))
    assert abs(calibration.weights.get("re_asked", 0.0)) < 0.5 < abs(calibration.weights["runner_up"])


def test_a_signal_that_points_the_wrong_way_is_left_out() -> None:
    upside_down = [Row(Signals(runner_up=row.right, category="A"), row.right, row.group) for row in rows(200)]
    calibration = fitted(upside_down)
    assert "runner_up" not in calibration.weights
    assert calibration.auroc == pytest.approx(0.5, abs=0.2)


def test_votes_get_weights_of_their_own_and_tell_more() -> None:
    calibration = fitted(rows(400, votes=True))
    without = fitted(rows(400))
    assert calibration.with_votes is not None
    assert calibration.with_votes.by_feature["votes_against"] < -1
    assert (calibration.auroc or 0) > (without.auroc or 0) + 0.05
    few = fitted(rows(60, votes=True))
    assert few.with_votes is None
    assert few.voted < 30


def test_near_duplicates_cannot_leak_from_one_fold_into_another() -> None:
    """Twins of pure chance: who may look at the other twin tells all, who may not tells nothing."""
    draw = random.Random(3)
    twins = []
    for n in range(60):
        right = n % 2 == 0
        signals = Signals(runner_up=False, category=f"only of {n}", reasoning_words=draw.randint(0, 100))
        twins += [Row(signals, right, f"pair-{n}"), Row(signals, right, f"pair-{n}")]
    apart = fitted(twins).auroc
    together = fitted([row._replace(group=str(n)) for n, row in enumerate(twins)]).auroc
    assert apart is not None
    assert together is not None
    assert apart < 0.7
    assert together > 0.9


def test_rows_picked_as_wrong_teach_and_are_in_no_figure() -> None:
    fair = rows(200)
    picked = [row._replace(right=False, fair=False, group=f"p{row.group}") for row in rows(100, seed=2)]
    alone, both = fitted(fair), fitted([*fair, *picked])
    assert (both.cases, both.measured, both.accuracy.n) == (300, 200, 200)
    assert both.accuracy == alone.accuracy
    assert both.figures is not None
    assert sum(one.cases for one in both.figures.bins) == 200
    assert both.intercept != alone.intercept


def test_what_is_known_later_has_weights_of_its_own_and_moves_no_other() -> None:
    """At Parse nobody has a judge's score: weights that count on one would be wrong there."""
    draw = random.Random(9)
    plain = rows(300)
    judged = [
        row._replace(
            signals=row.signals.model_copy(update={"judged": draw.choice((0.75, 1.0) if row.right else (0.0, 0.25))})
        )
        if n % 2
        else row
        for n, row in enumerate(plain)
    ]
    without, found = fitted(plain), fitted(judged)
    assert (found.weights, found.intercept, found.figures) == (without.weights, without.intercept, without.figures)
    assert without.later is None
    assert found.later is not None
    assert found.later.cases == 150
    assert found.later.weights.by_feature["judged"] > 1
    assert found.later.figures is not None
    assert found.later.without is not None
    assert (found.later.figures.auroc or 0) > (found.later.without.auroc or 1) + 0.1
    signals = Signals(runner_up=False, category="A")
    low, high = (confidence_of(signals.model_copy(update={"judged": score}), found) for score in (0.0, 1.0))
    assert low < confidence_of(signals, found) < high


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (rows(49), "only 49 labels have a gold label beside them; it takes 50"),
        ([row._replace(right=True) for row in rows(80)], "only 0 are wrong; it takes 10"),
        ([row._replace(right=n < 3) for n, row in enumerate(rows(80))], "only 3 are right"),
        ([row._replace(fair=n < 19) for n, row in enumerate(rows(80))], "only 19 stand for the run; it takes 20"),
    ],
)
def test_too_few_cases_or_errors_are_refused_with_what_to_do(found: list[Row], said: str) -> None:
    with pytest.raises(CannotCalibrate, match=said) as raised:
        fitted(found)
    assert re.search("Review (more cases|a random sample)", str(raised.value))


def test_the_same_rows_give_the_same_calibration() -> None:
    assert fitted(rows(120)) == fitted(rows(120))

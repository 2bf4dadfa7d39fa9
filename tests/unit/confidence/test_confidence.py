"""From signals to a confidence: a rank without gold, a probability with a calibration."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plumbline import keys
from plumbline.accuracy import wilson
from plumbline.confidence import DIRECTIONS, confidence_of, features, read_calibration
from plumbline.contracts.confidence import Calibration, Signals, Weights
from tests import builders as b
from tests.fakes import MemoryStore

SIGNALS = st.builds(
    Signals,
    runner_up=st.booleans(),
    mended=st.integers(0, 20),
    re_asked=st.integers(0, 5),
    category=st.sampled_from(("Billing Inquiry", "Software Defect", "")),
    others_named=st.integers(0, 9),
    reasoning_words=st.integers(0, 500),
    votes_for=st.none() | st.floats(0, 1),
    neighbours_for=st.none() | st.floats(0, 1),
    judged=st.none() | st.floats(0, 1),
)
FREE = ("others_named", "reasoning_words", "category=Billing Inquiry", "category=Software Defect")


@st.composite
def weights(draw: st.DrawFn) -> Weights:
    """Any weights that a fit may leave: those of a direction point its way."""
    size = st.floats(0, 1000)
    pointed = {name: sign * draw(size) for name, sign in DIRECTIONS.items() if draw(st.booleans())}
    free = {name: draw(st.floats(-1000, 1000)) for name in FREE}
    return Weights(intercept=draw(st.floats(-1000, 1000)), by_feature=pointed | free)


@st.composite
def calibrations(draw: st.DrawFn) -> Calibration:
    first = draw(weights())
    return Calibration(
        task="root_cause",
        prompt=b.REF,
        model_id="local.test",
        fitted_at=datetime(2026, 3, 4, tzinfo=UTC),
        cases=100,
        weights=first.by_feature,
        intercept=first.intercept,
        with_votes=draw(st.none() | weights()),
        auroc=0.8,
        calibration_error=0.1,
        accuracy=wilson(80, 100),
    )


@given(signals=SIGNALS, calibration=st.none() | calibrations())
def test_a_confidence_is_within_0_and_1(signals: Signals, calibration: Calibration | None) -> None:
    assert 0 <= confidence_of(signals, calibration) <= 1


WORSE = [
    ("runner_up", False, True),
    ("mended", 0, 2),
    ("re_asked", 0, 1),
    ("votes_for", 0.9, 0.2),
    ("neighbours_for", 0.8, 0.1),
    ("judged", 1.0, 0.5),
]


@pytest.mark.parametrize(("name", "good", "bad"), WORSE, ids=[name for name, *_ in WORSE])
@given(signals=SIGNALS, calibration=st.none() | calibrations())
def test_a_worse_sign_never_raises_the_confidence(
    name: str, good: object, bad: object, signals: Signals, calibration: Calibration | None
) -> None:
    better, worse = (signals.model_copy(update={name: value}) for value in (good, bad))
    assert confidence_of(worse, calibration) <= confidence_of(better, calibration)


def test_every_signal_is_a_feature_and_what_was_not_taken_is_none() -> None:
    everything = Signals(runner_up=True, category="A", votes_for=0.5, neighbours_for=0.5, judged=0.5)
    assert DIRECTIONS.keys() <= features(everything).keys()
    assert not {"votes_against", "neighbours_for", "judged"} & features(Signals(runner_up=True)).keys()


def test_in_a_rank_votes_for_a_close_call_raise_it_and_votes_against_lower_it() -> None:
    ranks = [confidence_of(Signals(runner_up=True, votes_for=share), None) for share in (1.0, None, 0.4, 0.0)]
    assert ranks == sorted(ranks, reverse=True)
    assert len(set(ranks)) == len(ranks)


def test_labels_with_votes_have_weights_of_their_own() -> None:
    plain, voted = Signals(runner_up=True), Signals(runner_up=True, votes_for=1.0)
    calibration = Calibration(
        task="root_cause",
        prompt=b.REF,
        model_id="local.test",
        fitted_at=datetime(2026, 3, 4, tzinfo=UTC),
        cases=100,
        weights={"runner_up": -1.0},
        intercept=0.0,
        with_votes=Weights(intercept=2.0, by_feature={"votes_against": -4.0}),
        auroc=None,
        calibration_error=0.0,
        accuracy=wilson(80, 100),
    )
    assert confidence_of(plain, calibration) == pytest.approx(0.2689, abs=1e-4)
    assert confidence_of(voted, calibration) == pytest.approx(0.8808, abs=1e-4)
    without = calibration.model_copy(update={"with_votes": None})
    assert confidence_of(voted, without) == confidence_of(plain, without)


def test_a_calibration_is_of_one_prompt_and_one_model() -> None:
    data = MemoryStore()
    assert read_calibration(b.REF, "local.test", data) is None
    stored = Calibration(
        task="root_cause",
        prompt=b.REF,
        model_id="local.test",
        fitted_at=datetime(2026, 3, 4, tzinfo=UTC),
        cases=100,
        weights={},
        intercept=1.0,
        auroc=None,
        calibration_error=0.0,
        accuracy=wilson(80, 100),
    )
    data.write(keys.calibration("root_cause", b.REF.sha256, "local.test"), stored.model_dump_json().encode())
    assert read_calibration(b.REF, "local.test", data) == stored
    assert read_calibration(b.REF, "local.other", data) is None
    assert read_calibration(b.REF.model_copy(update={"sha256": "1" * 64}), "local.test", data) is None

"""Temperature, calibration error, class weights, the choice of precision and the card's verdicts."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plumbline.contracts.accuracy import Interval
from plumbline.contracts.models import Baseline, Parity, Precision
from plumbline.predict.classifier import softmax
from plumbline.predict.decide import decide
from tests.training import folders as f
from training import card, figures
from training.dataset import read_dataset
from training.export import choose
from training.recipe import Recipe, read_folders

RNG = np.random.default_rng(0)


def drawn(temperature: float, cases: int = 4000) -> tuple[np.ndarray, list[int]]:
    """Logits, and answers drawn from their softmax at a temperature."""
    logits = RNG.normal(size=(cases, 4)) * 3
    probabilities = softmax(logits / temperature)
    return logits, [int(RNG.choice(4, p=row)) for row in probabilities]


@pytest.mark.parametrize("true", [0.5, 1.0, 2.5])
def test_the_temperature_that_made_the_answers_is_found(true: float) -> None:
    assert figures.fit_temperature(*drawn(true)) == pytest.approx(true, rel=0.1)


def confidence_after(logits: np.ndarray, temperature: float) -> float:
    return float(softmax(logits / temperature).max(axis=1).mean())


@pytest.mark.parametrize("classes", [2, 3, 6])
@pytest.mark.parametrize("gap", [1.0, 2.0, 4.0, 8.0, 16.0])
def test_twelve_right_answers_do_not_make_a_model_sure(gap: float, classes: int) -> None:
    """However far the model puts its answer before the others."""
    logits = np.zeros((12, classes))
    logits[:, 0] = gap
    assert 0.75 < confidence_after(logits, figures.fit_temperature(logits, [0] * 12)) <= 0.98


def test_cases_that_are_all_wrong_or_all_alike_have_a_temperature() -> None:
    logits = np.tile([9.0, 0.0, 0.0], (3, 1))
    assert figures.fit_temperature(logits, [1] * 3) > 5.0
    assert figures.fit_temperature(np.zeros((3, 3)), [0, 1, 2]) == pytest.approx(1.0, abs=0.01)
    assert 0.2 <= figures.fit_temperature(np.tile([1e4, 0.0], (3, 1)), [0] * 3) <= 10.0


def test_five_hundred_calibrated_cases_are_hardly_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    logits, answers = drawn(1.0, 500)
    fitted = figures.fit_temperature(logits, answers)
    monkeypatch.setattr(figures, "_PSEUDO_CASES", 0.0)
    monkeypatch.setattr(figures, "_LIKELY_SPREAD", 1e9)
    alone = figures.fit_temperature(logits, answers)
    assert fitted == pytest.approx(alone, rel=0.03)
    assert confidence_after(logits, fitted) == pytest.approx(confidence_after(logits, alone), abs=0.005)


def test_a_small_split_errs_towards_doubt_and_still_tells_cases_apart() -> None:
    """Twelve cases with ten right: the threshold of the stack divides them as their logits do."""
    logits = np.array([[6.0, 0.0, 0.0]] * 9 + [[0.5, 0.0, 0.0]] * 3)
    temperature = figures.fit_temperature(logits, [0] * 10 + [1, 2])
    sure, unsure = (softmax(row[None] / temperature)[0] for row in (logits[0], logits[-1]))
    assert not decide(sure, ("a", "b", "c"), 0.5).abstained
    assert decide(unsure, ("a", "b", "c"), 0.5).abstained


def test_a_fitted_temperature_lowers_the_calibration_error() -> None:
    logits, answers = drawn(3.0)
    fitted = figures.fit_temperature(logits, answers)

    def error(temperature: float) -> float:
        p = softmax(logits / temperature)
        return figures.calibration_error(p.max(axis=1), p.argmax(axis=1) == np.array(answers))

    assert error(fitted) < 0.03 < error(1.0)


def test_calibration_error_by_hand() -> None:
    confidences = np.array([0.95, 0.95, 0.55, 0.55])
    right = np.array([True, False, True, True])
    assert figures.calibration_error(confidences, right) == pytest.approx((0.45 + 0.45) / 2, abs=1e-4)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=50))
def test_every_confidence_is_in_one_bin(values: list[float]) -> None:
    counts = figures.histogram(np.array(values))
    assert (len(counts), sum(counts)) == (10, len(values))


def test_confidence_one_is_in_the_last_bin() -> None:
    assert figures.histogram(np.array([0.0, 0.1, 0.999, 1.0])) == (1, 1, 0, 0, 0, 0, 0, 0, 0, 2)


def test_metrics_of_a_split() -> None:
    p = np.array([[0.9, 0.1], [0.8, 0.2], [0.4, 0.6]])
    found = figures.metrics(p, ["a", "b", "b"], ["a", "b"])
    assert found.accuracy.accuracy.value == pytest.approx(2 / 3)
    assert found.accuracy.confusion == {"a": {"a": 1, "b": 0}, "b": {"a": 1, "b": 1}}
    assert found.mean_confidence == pytest.approx(0.7667)


def test_even_classes_have_no_weights_and_short_ones_count_for_more() -> None:
    assert figures.class_weights({"a": 10, "b": 14}) is None
    weights = figures.class_weights({"a": 300, "b": 100})
    assert weights is not None
    assert weights["b"] == pytest.approx(3 * weights["a"], rel=1e-3)
    assert weights["a"] * 300 + weights["b"] * 100 == pytest.approx(400, rel=1e-3)


def test_a_tiny_class_does_not_outweigh_everything() -> None:
    weights = figures.class_weights({"a": 5000, "b": 8})
    assert weights is not None
    assert weights["b"] / weights["a"] < 25


def parity(precision: Precision, difference: float, changes: int, cases: int = 200) -> Parity:
    return Parity(precision=precision, cases=cases, max_difference=difference, label_changes=changes, bytes=1)


EXACT = parity("fp32", 4e-7, 0)


@pytest.mark.parametrize(
    ("int8", "precision"),
    [
        (parity("int8", 0.1, 6), "int8"),
        (parity("int8", 0.1, 7), "fp32"),
        (parity("int8", 0.21, 0), "fp32"),
        (parity("int8", 0.1, 1, cases=24), "int8"),
        (parity("int8", 0.1, 2, cases=24), "fp32"),
        (None, "fp32"),
    ],
)
def test_int8_is_served_only_where_it_answers_alike(int8: Parity | None, precision: str) -> None:
    chosen, warnings = choose(EXACT, int8)
    assert chosen == precision
    assert bool(warnings) == (int8 is not None and precision == "fp32")


def test_an_export_that_differs_is_told() -> None:
    _, warnings = choose(parity("fp32", 0.02, 1), parity("int8", 0.1, 0))
    assert "the exported graph differs from the predictor by up to 0.0200 and changes 1 of 200" in warnings[0]


def test_a_model_that_does_not_beat_a_baseline_is_told(tmp_path: Path) -> None:
    test = figures.metrics(np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]]), ["a", "b", "b"], ["a", "b"])
    weak = Baseline(name="weak", accuracy=Interval(value=0.5, low=0, high=1, n=3), macro_f1=0.3)
    strong = Baseline(name="strong", accuracy=Interval(value=2 / 3, low=0, high=1, n=3), macro_f1=0.6)
    assert card.beats(test, [weak])
    assert not card.beats(test, [weak, strong])  # as accurate is not better
    dataset = read_dataset(read_folders(f.write(tmp_path, f.even())), "root_cause", 8)
    few, verdict = card.warnings_of(dataset, test, [weak, strong])
    assert few.startswith("3 test cases only: the true accuracy lies between 0.21")
    assert verdict.startswith("not better than strong on the test split (accuracy 0.667 against 0.667")


def test_drift_is_measured_against_the_classes_before_balancing(tmp_path: Path) -> None:
    dataset = read_dataset(read_folders(f.write(tmp_path, f.even())), "root_cause", 8)
    found = card.reference(dataset, (0,) * 10)
    assert (found.class_shares, found.class_cases) == ({"Billing": 1 / 3, "Defect": 2 / 3}, 30)
    old = f.write(tmp_path / "old", f.even(), pool_per_class={})  # a manifest from before that field
    found = card.reference(read_dataset(read_folders(old), "root_cause", 8), (0,) * 10)
    assert (found.class_shares, found.class_cases) == ({"Billing": 0.5, "Defect": 0.5}, 20)


@pytest.mark.parametrize(("limit", "seconds", "told"), [(60, 61.0, 1), (60, 59.0, 0), (0, 59.0, 0)])
def test_a_training_that_its_time_limit_ended_is_told(limit: int, seconds: float, told: int) -> None:
    assert len(card.time_warning(Recipe(task="t", time_limit=limit), seconds)) == told


def test_one_epoch_is_one_epoch() -> None:
    [said] = card.time_warning(Recipe(task="t", time_limit=60, epochs=1), 61.0)
    assert said.endswith("the end of its 1 epoch")

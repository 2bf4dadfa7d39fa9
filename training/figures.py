"""The figures of a model: temperature, calibration error, class weights, metrics of a split."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from plumbline.accuracy import Agreement
from plumbline.contracts.errors import InvalidDataset
from plumbline.contracts.models import Metrics, Parity, Precision
from plumbline.predict.classifier import softmax

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

BINS = 10
_TEMPERATURES = np.geomspace(0.2, 10.0, 400)  # steps of 1%, far finer than any validation set can tell
_PSEUDO_CASES = 0.5  # a right one and a wrong one of this weight each: Jeffreys' prior of a share
_LIKELY_SPREAD = 1.4  # of log(T) around 0, before any case was seen
_UNBALANCED = 1.5  # largest class over smallest, from which on classes are weighed
_MAX_WEIGHT = 10.0


def fit_temperature(logits: "Floats", answers: Sequence[int]) -> float:
    """The temperature whose probabilities fit the answers best, between 0.2 and 10.

    Minimises the negative log likelihood (Guo et al., "On Calibration of Modern Neural Networks", ICML 2017), with two
    priors for small validation splits. A few cases, all of them right, would else ask for T = 0 and a certainty that
    they cannot show: so half a right and half a wrong case are added, at the confidences that the cases have (in the
    manner of Platt, "Probabilistic Outputs for Support Vector Machines", 1999, with the weight of Jeffreys' prior). And
    T = 1 is likelier than others: log(T) is normal with a spread of 1.4. Their strength: docs/decisions.md, "The prior
    on the temperature".
    """
    rows = np.arange(len(answers))

    def loss(temperature: float) -> float:
        probabilities = np.clip(softmax(logits / temperature), 1e-300, 1.0)
        confidences = probabilities.max(axis=1)
        doubts = np.maximum(1.0 - confidences, 1e-16)
        prior = (np.log(temperature) / _LIKELY_SPREAD) ** 2 / 2
        prior -= _PSEUDO_CASES * (np.log(confidences) + np.log(doubts)).mean()
        return float(prior - np.log(probabilities[rows, answers]).sum())

    return round(float(min(_TEMPERATURES, key=loss)), 4)


def parity(precision: Precision, found: "Floats", expected: "Floats", size: int) -> Parity:
    """An exported graph's probabilities against the predictor's own, both cases x categories; `size` in bytes."""
    return Parity(
        precision=precision,
        cases=len(expected),
        max_difference=round(float(np.abs(found - expected).max()), 9),
        label_changes=int((found.argmax(axis=1) != expected.argmax(axis=1)).sum()),
        bytes=size,
    )


def calibration_error(confidences: "Floats", right: "NDArray[np.bool_]") -> float:
    """Expected calibration error over ten bins of equal width (Naeini et al., AAAI 2015)."""
    bins = _bins(confidences)
    gaps = [
        abs(float(right[bins == b].mean()) - float(confidences[bins == b].mean())) * float((bins == b).mean())
        for b in range(BINS)
        if (bins == b).any()
    ]
    return round(sum(gaps), 4)


def histogram(confidences: "Floats") -> tuple[int, ...]:
    """How many confidences lie in each tenth of 0 to 1."""
    return tuple(int(n) for n in np.bincount(_bins(confidences), minlength=BINS))


def metrics(probabilities: "Floats", labels: Sequence[str], categories: Sequence[str]) -> Metrics:
    """How probabilities (cases x categories) compare with the labels of one split."""
    best = probabilities.argmax(axis=1)
    agreement = Agreement(categories)
    for gold, column in zip(labels, best, strict=True):
        agreement.add(gold, categories[int(column)])
    block = agreement.block()
    if block is None:
        raise InvalidDataset("a split has no case of a known category")
    confidences = probabilities.max(axis=1)
    right = np.array([categories[int(c)] == gold for gold, c in zip(labels, best, strict=True)])
    return Metrics(
        accuracy=block,
        calibration_error=calibration_error(confidences, right),
        mean_confidence=round(float(confidences.mean()), 4),
    )


def class_weights(per_class: Mapping[str, int]) -> dict[str, float] | None:
    """A weight for each class that makes them count alike in the loss, at most 10; None where they are even.

    Weights average 1 over the cases, so that the loss keeps its size.
    """
    if max(per_class.values()) < _UNBALANCED * min(per_class.values()):
        return None
    even = sum(per_class.values()) / len(per_class)
    raw = {name: min(even / count, _MAX_WEIGHT) for name, count in per_class.items()}
    scale = sum(raw[name] * count for name, count in per_class.items()) / sum(per_class.values())
    return {name: round(weight / scale, 4) for name, weight in raw.items()}


def _bins(confidences: "Floats") -> "NDArray[np.int64]":
    bins: NDArray[np.int64] = np.minimum((confidences * BINS).astype(np.int64), BINS - 1)
    return bins

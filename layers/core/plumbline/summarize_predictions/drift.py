"""How far predictions are from what their model was trained on: the population stability index, and when it counts."""

import math
from collections.abc import Mapping, Sequence
from typing import Final, Literal

from plumbline.contracts.models import Reference
from plumbline.contracts.predictions import Drift

CONFIDENCE_BINS: Final = 10
_HALF_CASE: Final = 0.5
_Z95: Final = 1.6448536269514722  # the standard normal distribution's 95% quantile


def confidence_bin(confidence: float) -> int:
    """Which of ten bins of equal width from 0 to 1 a confidence falls into."""
    return min(int(confidence * CONFIDENCE_BINS), CONFIDENCE_BINS - 1)


def stability_index(reference: Sequence[float], observed: Sequence[float]) -> float:
    """The population stability index of two lists of counts over the same bins: sum of (q - p) ln(q / p).

    Half a case is added to each bin of both (Jeffreys' prior), so that an empty one gives no infinity. It is 0 for
    equal shares and symmetric. By custom, above 0.1 something has moved and above 0.25 a lot.
    """
    p, q = _shares(reference), _shares(observed)
    return sum((b - a) * math.log(b / a) for a, b in zip(p, q, strict=True))


def threshold(floor: float, reference_cases: float, cases: float, bins: int) -> float:
    """The index above which drift is said: `floor`, or what chance alone exceeds once in twenty where that is more.

    Without drift the index is distributed as (1/n + 1/m) times chi-square with `bins` - 1 degrees of freedom
    (B. Yurdakul, "Statistical Properties of Population Stability Index", Western Michigan University, 2018). With 50
    cases in six classes that is 0.22 and more.
    """
    if min(reference_cases, cases) <= 0:
        return floor
    return max(floor, (1 / reference_cases + 1 / cases) * chi_square_95(bins - 1))


def chi_square_95(degrees: int) -> float:
    """The 95% quantile of chi-square, within 1% from two degrees on (Wilson and Hilferty, PNAS 17, 1931)."""
    if degrees < 1:
        return 0.0
    spread = 2 / (9 * degrees)
    return float(degrees * (1 - spread + _Z95 * math.sqrt(spread)) ** 3)


def drift_of(
    reference: Reference, classes: Mapping[str, int], confidences: Sequence[int], floor: float
) -> tuple[Drift, Drift]:
    """Drift of class shares and of confidence. `classes` counts best guesses, also of cases that were abstained."""
    names = sorted(reference.class_shares.keys() | classes.keys())
    expected = [reference.class_shares.get(name, 0.0) * reference.class_cases for name in names]
    return (
        _drift("class_shares", expected, [classes.get(name, 0) for name in names], floor),
        _drift("confidence", reference.confidences, confidences, floor),
    )


def _drift(
    of: Literal["class_shares", "confidence"], reference: Sequence[float], observed: Sequence[int], floor: float
) -> Drift:
    cases = sum(observed)
    # A bin that is empty in both says nothing; half a case of few and half a case of many would look like drift.
    used = [(p, q) for p, q in zip(reference, observed, strict=True) if p or q]
    limit = threshold(floor, sum(reference), cases, len(used))
    known = sum(reference) > 0 and cases > 0
    value = stability_index([p for p, _ in used], [q for _, q in used]) if known else None
    return Drift(
        of=of,
        value=None if value is None else round(value, 4),
        threshold=round(limit, 4),
        cases=cases,
        drifted=value is not None and value > limit,
    )


def _shares(counts: Sequence[float]) -> list[float]:
    total = sum(counts) + _HALF_CASE * len(counts)
    return [(count + _HALF_CASE) / total for count in counts]

"""Whether a measured model may serve, and why not, in words."""

from plumbline.contracts.accuracy import AccuracyBlock
from plumbline.contracts.base import Model
from plumbline.contracts.models import Comparison, Difference
from plumbline.report.words import percent, plural

FEW_CASES = 50  # below this a figure says little, and it is said


class Gate(Model):
    """What a model has to reach on its test split."""

    min_accuracy: float
    min_macro_f1: float


def objections(measured: AccuracyBlock, comparison: Comparison | None, gate: Gate) -> tuple[str, ...]:
    """Why the model is rejected; empty where it may serve.

    It may when accuracy and macro-F1 reach the gate and neither is worse than the current model's beyond noise: no
    difference has its whole 95% interval below zero.
    """
    found = []
    if measured.accuracy.value < gate.min_accuracy:
        found.append(
            f"accuracy {percent(measured.accuracy.value)} on {plural(measured.accuracy.n, 'test case')} is below the "
            f"gate of {percent(gate.min_accuracy)}"
        )
    if measured.macro_f1 < gate.min_macro_f1:
        found.append(f"macro-F1 {measured.macro_f1:.3f} is below the gate of {gate.min_macro_f1:.3f}")
    if comparison:
        worse = [difference for difference in comparison.differences if difference.high < 0]
        found += [
            f"{_spoken(d)} worse than {comparison.current} beyond noise: {compared(comparison, d)}" for d in worse
        ]
    return tuple(found)


def compared(comparison: Comparison, difference: Difference) -> str:
    """One difference in words: `+1.2 points (95% interval +0.3 to +2.1), 812 cases, McNemar p 0.01`."""
    words = (
        f"{_points(difference.value)} points (95% interval {_points(difference.low)} to {_points(difference.high)}), "
        f"{plural(comparison.cases, 'case')}"
    )
    return words + (f", McNemar p {comparison.p_value:.2g}" if difference.metric == "accuracy" else "")


def _spoken(difference: Difference) -> str:
    return "accuracy is" if difference.metric == "accuracy" else "macro-F1 is"


def _points(share: float) -> str:
    return f"{share * 100:+.1f}".replace("-", "\N{MINUS SIGN}")

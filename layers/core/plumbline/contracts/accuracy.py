"""How predicted labels compare with gold labels, each share with its interval."""

from pydantic import Field

from plumbline.contracts.base import Model


class Interval(Model):
    """A proportion with its 95% Wilson score interval."""

    value: float
    low: float
    high: float
    n: int


class ClassAccuracy(Model):
    """Precision, recall and F1 of one class against gold labels; None where there is nothing to divide by."""

    category: str
    precision: Interval | None
    recall: Interval | None
    support: int
    f1: float | None = None


class AccuracyBlock(Model):
    """How the run's labels compare with the gold labels that came along.

    `confusion[gold][predicted]` counts labeled cases; `coverage` is the share of gold cases that got a label.
    `unknown_gold` counts gold labels that the task does not know; they are left out of every figure here. Macro figures
    are means over the classes that occur, as gold or as a label; one that has nothing to divide by counts as 0.
    """

    accuracy: Interval
    coverage: Interval
    macro_f1: float
    per_class: tuple[ClassAccuracy, ...]
    confusion: dict[str, dict[str, int]]
    unknown_gold: int = 0
    macro_precision: float | None = None
    macro_recall: float | None = None
    kappa: float | None = Field(default=None, description="Cohen's kappa; None where chance alone explains all")

"""From a case's probabilities to an answer that may be: I do not know."""

from collections.abc import Iterable, Sequence

from plumbline.contracts.api import Alternative
from plumbline.contracts.base import Model

_ALTERNATIVES = 3
_SUREST = 0.9999  # no finite number of cases shows that a model is never wrong


class Decision(Model):
    """What is said of one case. When abstained, `category` is None and the best guess leads the alternatives."""

    category: str | None
    confidence: float
    alternatives: tuple[Alternative, ...]
    abstained: bool


# What is said of a case that no model may read.
UNREAD = Decision(category=None, confidence=0.0, alternatives=(), abstained=True)


def decide(probabilities: Iterable[float], categories: Sequence[str], abstain_below: float) -> Decision:
    """The most probable category, or none where its confidence is below `abstain_below`; then the next ones.

    Confidences have four digits and stay below 1. What is told is what the threshold is held against.
    """
    ranked = [
        Alternative(category=name, confidence=min(round(float(p), 4), _SUREST))
        for p, name in sorted(zip(probabilities, categories, strict=True), key=lambda pair: -pair[0])
    ]
    best = ranked[0]
    abstained = best.confidence < abstain_below
    return Decision(
        category=None if abstained else best.category,
        confidence=best.confidence,
        alternatives=tuple((ranked if abstained else ranked[1:])[:_ALTERNATIVES]),
        abstained=abstained,
    )

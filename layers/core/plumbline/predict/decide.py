"""From a case's probabilities to an answer that may be: I do not know."""

from collections.abc import Iterable, Sequence

from plumbline.contracts.api import Alternative
from plumbline.contracts.base import Model

_ALTERNATIVES = 3


class Decision(Model):
    """What is said of one case. When abstained, `category` is None and the best guess leads the alternatives."""

    category: str | None
    confidence: float
    alternatives: tuple[Alternative, ...]
    abstained: bool


def decide(probabilities: Iterable[float], categories: Sequence[str], abstain_below: float) -> Decision:
    """The most probable category, or none where its probability is below `abstain_below`; then the next ones."""
    ranked = sorted(zip(map(float, probabilities), categories, strict=True), key=lambda pair: -pair[0])
    confidence, best = ranked[0]
    abstained = confidence < abstain_below
    others = ranked if abstained else ranked[1:]
    return Decision(
        category=None if abstained else best,
        confidence=round(confidence, 4),
        alternatives=tuple(Alternative(category=name, confidence=round(p, 4)) for p, name in others[:_ALTERNATIVES]),
        abstained=abstained,
    )

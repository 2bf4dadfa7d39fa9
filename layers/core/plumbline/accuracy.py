"""How labels compare with gold labels: accuracy and its interval, per class and as a confusion matrix."""

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import NormalDist

from plumbline.contracts.accuracy import AccuracyBlock, ClassAccuracy, Interval

_Z95 = NormalDist().inv_cdf(0.975)


def wilson(successes: int, n: int) -> Interval:
    """A proportion with its 95% interval. n must be above 0.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).
    """
    share = successes / n
    z2 = _Z95 * _Z95
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z95 * ((share * (1 - share) / n + z2 / (4 * n * n)) ** 0.5) / (1 + z2 / n)
    # The share itself bounds the ends against rounding at 0 and 1.
    low, high = max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half))
    return Interval(value=share, low=low, high=high, n=n)


def cohens_kappa(pairs: Mapping[tuple[str, str], int]) -> float | None:
    """Agreement of two raters beyond chance, from how often each pair of answers came: 1 is full agreement, 0 what
    chance alone gives. None without pairs, and where both always give one and the same answer.

    Source: J. Cohen, "A coefficient of agreement for nominal scales", Educational and Psychological Measurement 20
    (1960).
    """
    total = sum(pairs.values())
    one: Counter[str] = Counter()
    other: Counter[str] = Counter()
    for (a, b), cases in pairs.items():
        one[a] += cases
        other[b] += cases
    by_chance = sum(cases * other[name] for name, cases in one.items())
    if by_chance == total * total:  # whole numbers: no rounding; also true of no pairs
        return None
    agreed = sum(cases for (a, b), cases in pairs.items() if a == b)
    return (agreed * total - by_chance) / (total * total - by_chance)


class Agreement:
    """Counts gold against predicted, one case at a time; memory does not grow with the cases."""

    def __init__(self, categories: Sequence[str]) -> None:
        self._categories = tuple(categories)
        self._pairs: Counter[tuple[str, str]] = Counter()
        self._gold = 0
        self._unknown = 0

    def add(self, gold: str | None, predicted: str | None) -> None:
        """One case: its gold label (None: has none) and its label (None: got none)."""
        if gold is None:
            return
        if gold not in self._categories:
            self._unknown += 1
            return
        self._gold += 1
        if predicted is not None:
            self._pairs[gold, predicted] += 1

    def block(self) -> AccuracyBlock | None:
        """The figures; None where no case had both a known gold label and a label."""
        labeled = self._pairs.total()
        if not labeled:
            return None
        right = sum(self._pairs[name, name] for name in self._categories)
        per_class = tuple(self._class(name) for name in self._categories)
        seen = [item for item in per_class if item.f1 is not None]  # classes that gold or a label names
        return AccuracyBlock(
            accuracy=wilson(right, labeled),
            coverage=wilson(labeled, self._gold),
            macro_f1=sum(item.f1 or 0.0 for item in seen) / len(seen),
            macro_precision=_macro([item.precision for item in seen]),
            macro_recall=_macro([item.recall for item in seen]),
            kappa=cohens_kappa(self._pairs),
            per_class=per_class,
            confusion={
                gold: {predicted: self._pairs[gold, predicted] for predicted in self._categories}
                for gold in self._categories
            },
            unknown_gold=self._unknown,
        )

    def _class(self, name: str) -> ClassAccuracy:
        hits = self._pairs[name, name]
        predicted = sum(self._pairs[gold, name] for gold in self._categories)
        support = sum(self._pairs[name, other] for other in self._categories)
        return ClassAccuracy(
            category=name,
            precision=wilson(hits, predicted) if predicted else None,
            recall=wilson(hits, support) if support else None,
            support=support,
            f1=2 * hits / (predicted + support) if predicted + support else None,
        )


def _macro(figures: Sequence[Interval | None]) -> float:
    """The mean, where a figure that there is none of (nothing to divide by) counts as 0, as scikit-learn has it."""
    return sum(figure.value for figure in figures if figure) / len(figures)

"""What confidences are worth: errors told from right labels, said against seen, and what review would catch."""

from collections.abc import Iterator, Sequence

from plumbline.contracts.confidence import Bin, Figures, ReviewPoint

BINS = 10
# Shares of the labels that people look at; 11% is what this project's aim speaks of.
SHARES = (0.0, 0.05, 0.11, *(round(0.05 * step, 2) for step in range(3, 21)))


def figures(confidences: Sequence[float], right: Sequence[bool]) -> Figures:
    """The figures of one confidence for each label, beside whether the label is right. One label at least.

    `calibration_error` is the expected calibration error over bins of about equal numbers of labels (Nguyen and
    O'Connor, "Posterior calibration and exploratory analysis for NLP models", EMNLP 2015).
    """
    found = tuple(bins(confidences, right))
    error = sum(one.cases * abs(one.confidence - one.accuracy) for one in found) / len(right)
    points = tuple(review_point(confidences, right, share) for share in SHARES)
    return Figures(auroc=auroc(confidences, right), calibration_error=error, bins=found, review=points)


def auroc(confidences: Sequence[float], right: Sequence[bool]) -> float | None:
    """The chance that a wrong label has a lower confidence than a right one, ties counted half; None with one kind.

    The Mann-Whitney form: Hanley and McNeil, "The meaning and use of the area under a ROC curve", Radiology 143 (1982).
    """
    wrong_below = wins = 0.0
    for ties in _tied(confidences, right):
        good = sum(ties)
        bad = len(ties) - good
        wins += good * (wrong_below + bad / 2)
        wrong_below += bad
    pairs = wrong_below * (len(right) - wrong_below)
    return wins / pairs if pairs else None


def bins(confidences: Sequence[float], right: Sequence[bool], count: int = BINS) -> Iterator[Bin]:
    """Labels by confidence, cut into at most `count` bins of about one size; equal confidences stay together."""
    size = max(1, -(-len(right) // count))
    order = sorted(range(len(right)), key=lambda i: confidences[i])
    start = 0
    while start < len(order):
        end = min(start + size, len(order))
        while end < len(order) and confidences[order[end]] == confidences[order[end - 1]]:
            end += 1
        inside = order[start:end]
        yield Bin(
            cases=len(inside),
            confidence=sum(confidences[i] for i in inside) / len(inside),
            accuracy=sum(right[i] for i in inside) / len(inside),
        )
        start = end


def review_point(confidences: Sequence[float], right: Sequence[bool], share: float) -> ReviewPoint:
    """What reviewing the least confident `share` catches. Of equal confidences a part is taken as if by lot."""
    budget = share * len(right)
    wrong = len(right) - sum(right)
    taken = caught = 0.0
    for ties in _tied(confidences, right):
        part = min(1.0, max(0.0, budget - taken) / len(ties))
        caught += part * (len(ties) - sum(ties))
        taken += part * len(ties)
    kept = len(right) - taken
    good = kept - (wrong - caught)
    return ReviewPoint(
        reviewed=share,
        errors_caught=caught / wrong if wrong else 0.0,
        accuracy=min(1.0, max(0.0, good / kept)) if kept > 1e-9 else None,  # noqa: PLR2004 - rounding, not a label
    )


def _tied(confidences: Sequence[float], right: Sequence[bool]) -> Iterator[list[bool]]:
    """Whether labels are right, in groups of one confidence, the lowest first."""
    by_confidence: dict[float, list[bool]] = {}
    for confidence, is_right in zip(confidences, right, strict=True):
        by_confidence.setdefault(confidence, []).append(is_right)
    for confidence in sorted(by_confidence):
        yield by_confidence[confidence]

"""Fitting a calibration on gold labels. On the operator's machine: it takes scikit-learn, which no function has."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from plumbline.accuracy import wilson
from plumbline.confidence import DIRECTIONS, at_once, features, known_more, probability, rank
from plumbline.confidence.measure import figures
from plumbline.contracts.confidence import Calibration, Later, Signals, Weights
from plumbline.contracts.errors import CannotCalibrate
from plumbline.contracts.prompts import PromptRef

MIN_CASES = 50
MIN_OF_A_KIND = 10  # wrong labels, and right ones
MIN_FAIR = 20
MIN_VOTED, MIN_VOTED_OF_A_KIND = 30, 5  # and as many with a judge's score or neighbours
FOLDS = 5
_STRENGTH = 1.0  # the inverse of L2 regularisation, scikit-learn's own default
_SEED = 7


class Row(NamedTuple):
    """A label that has a gold label beside it. Rows of one `group` (near-duplicates) are never parted by a fold.

    `fair`: of a sample that stands for the run. Other rows teach, and no figure is over them.
    """

    signals: Signals
    right: bool
    group: str
    fair: bool = True


class Fitted(NamedTuple):
    """What is fitted: weights of labels as Parse has them, of labels with votes, and of those known more of later."""

    first: Weights
    with_votes: Weights | None
    later: Weights | None

    def confidence(self, signals: Signals) -> float:
        """As `confidence_of` will say it."""
        later = self.later if known_more(signals) else None
        voted = self.with_votes if signals.votes_for is not None else None
        return probability(signals, later or voted or self.first)


def fit(rows: Sequence[Row], *, prompt: PromptRef, model_id: str, now: datetime) -> Calibration:
    """Fit on all rows; the figures come from rows left out of the fit (cross-validation by group, stratified).

    Rows that a queue picked teach as much as others, with no weight to make up for the picking. A queue goes by the
    signals themselves and by gold that came along, whose cases are all rows here: among labels of the same signals it
    picks no wrong ones. How many labels are right is another matter, so every figure is over the fair rows alone.

    Raises CannotCalibrate with fewer than 50 labels, fewer than 10 wrong or 10 right ones, or fewer than 20 fair ones.
    """
    _check(rows)
    first, full = _held_out(rows)
    fair = [i for i, row in enumerate(rows) if row.fair]
    right = [rows[i].right for i in fair]
    fitted = _fitted(rows)
    found = figures([first[i] for i in fair], right)
    return Calibration(
        task=prompt.task,
        prompt=prompt,
        model_id=model_id,
        fitted_at=now,
        cases=len(rows),
        weights=fitted.first.by_feature,
        intercept=fitted.first.intercept,
        with_votes=fitted.with_votes,
        auroc=found.auroc,
        calibration_error=found.calibration_error,
        accuracy=wilson(sum(right), len(right)),
        voted=sum(row.signals.votes_for is not None for row in rows),
        measured=len(fair),
        figures=found,
        rank=figures([rank(rows[i].signals) for i in fair], right),
        later=_later(rows, fitted.later, first, full) if fitted.later else None,
    )


def _later(rows: Sequence[Row], weights: Weights, first: Sequence[float], full: Sequence[float]) -> Later:
    """`first` and `full` are confidences without and with what is known later."""
    more = [i for i, row in enumerate(rows) if known_more(row.signals)]
    fair = [i for i in more if rows[i].fair]
    right = [rows[i].right for i in fair]
    return Later(
        weights=weights,
        cases=len(more),
        figures=figures([full[i] for i in fair], right) if fair else None,
        without=figures([first[i] for i in fair], right) if fair else None,
    )


def _check(rows: Sequence[Row]) -> None:
    wrong = sum(not row.right for row in rows)
    right = len(rows) - wrong
    if len(rows) < MIN_CASES:
        raise CannotCalibrate(
            f"only {len(rows)} labels have a gold label beside them; it takes {MIN_CASES}, and some 150 are better. "
            "Review more cases of this run, or give gold labels with the export"
        )
    if min(wrong, right) < MIN_OF_A_KIND:
        few, number = ("wrong", wrong) if wrong < right else ("right", right)
        raise CannotCalibrate(
            f"of {len(rows)} labels with gold only {number} are {few}; it takes {MIN_OF_A_KIND} to learn what tells "
            "wrong labels from right ones. Review more cases, first those that the run is least sure of"
        )
    fair = sum(row.fair for row in rows)
    if fair < MIN_FAIR:
        raise CannotCalibrate(
            f"of {len(rows)} labels with gold only {fair} stand for the run; it takes {MIN_FAIR} to measure what a "
            "confidence is worth. The others were picked as likely wrong, or imported before it was kept how a row was "
            "drawn (import those sheets again). Review a random sample"
        )
    groups = [len({row.group for row in rows if row.right is kind}) for kind in (True, False)]
    if min(groups) < FOLDS:
        raise CannotCalibrate(
            f"the right or the wrong labels are nearly all of cases that say the same; it takes {FOLDS} different ones "
            "of both kinds. Review other cases"
        )


def _held_out(rows: Sequence[Row]) -> tuple[list[float], list[float]]:
    """For each row the confidences of a model that has seen neither it nor another row of its group: by what is known
    at once, and by all that is known."""
    from sklearn.model_selection import StratifiedGroupKFold  # noqa: PLC0415 - see the module's first line

    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=_SEED)
    right, groups = [row.right for row in rows], [row.group for row in rows]
    first, full = [0.0] * len(rows), [0.0] * len(rows)
    for train, test in folds.split(groups, right, groups):
        model = _fitted([rows[i] for i in train])
        for i in test:
            first[i] = model.confidence(at_once(rows[i].signals))
            full[i] = model.confidence(rows[i].signals)
    return first, full


def _fitted(rows: Sequence[Row]) -> Fitted:
    first = [(at_once(row.signals).model_copy(update={"votes_for": None}), row.right) for row in rows]
    voted = [(at_once(row.signals), row.right) for row in rows if row.signals.votes_for is not None]
    more = [(row.signals, row.right) for row in rows if known_more(row.signals)]
    return Fitted(_weights(first), *(_weights(some) if _enough(some) else None for some in (voted, more)))


def _enough(examples: Sequence[tuple[Signals, bool]]) -> bool:
    wrong = sum(not right for _, right in examples)
    return len(examples) >= MIN_VOTED and min(wrong, len(examples) - wrong) >= MIN_VOTED_OF_A_KIND


def _weights(examples: Sequence[tuple[Signals, bool]]) -> Weights:
    """Logistic regression; features whose weight points the wrong way are left out, one after the other."""
    table = [features(signals) for signals, _ in examples]
    right = [is_right for _, is_right in examples]
    names = sorted({name for row in table for name in row})
    while True:
        weights = _regression([[row.get(name, 0.0) for name in names] for row in table], right, names)
        against = {name: weights.by_feature[name] * sign for name, sign in DIRECTIONS.items() if name in names}
        worst = min(against, key=lambda name: against[name], default="")
        if not worst or against[worst] >= 0:
            return weights
        names.remove(worst)


def _regression(table: list[list[float]], right: list[bool], names: list[str]) -> Weights:
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - see the module's first line

    model: Any = LogisticRegression(C=_STRENGTH, max_iter=1000).fit(table, right)
    weights = {name: float(weight) for name, weight in zip(names, model.coef_[0], strict=True)}
    return Weights(intercept=float(model.intercept_[0]), by_feature=weights)

"""Fitting a calibration on gold labels. On the operator's machine: it takes scikit-learn, which no function has."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from plumbline.accuracy import wilson
from plumbline.confidence import DIRECTIONS, features, probability, rank
from plumbline.confidence.measure import figures
from plumbline.contracts.confidence import Calibration, Signals, Weights
from plumbline.contracts.errors import CannotCalibrate
from plumbline.contracts.prompts import PromptRef

MIN_CASES = 50
MIN_OF_A_KIND = 10  # wrong labels, and right ones
MIN_VOTED, MIN_VOTED_OF_A_KIND = 30, 5
FOLDS = 5
_STRENGTH = 1.0  # the inverse of L2 regularisation, scikit-learn's own default
_SEED = 7


class Row(NamedTuple):
    """A label that has a gold label beside it. Rows of one `group` (near-duplicates) are never parted by a fold."""

    signals: Signals
    right: bool
    group: str


class Fitted(NamedTuple):
    """What is fitted: weights of labels as Parse has them, and of labels with votes."""

    first: Weights
    with_votes: Weights | None

    def confidence(self, signals: Signals) -> float:
        """As `confidence_of` will say it."""
        voted = signals.votes_for is not None and self.with_votes
        return probability(signals, voted or self.first)


def fit(rows: Sequence[Row], *, prompt: PromptRef, model_id: str, now: datetime) -> Calibration:
    """Fit on all rows; the figures come from rows left out of the fit (cross-validation by group, stratified).

    Raises CannotCalibrate with fewer than 50 labels, or fewer than 10 wrong or 10 right ones.
    """
    _check(rows)
    right = [row.right for row in rows]
    held_out = _held_out(rows)
    fitted = _fitted(rows)
    found = figures(held_out, right)
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
        figures=found,
        rank=figures([rank(row.signals) for row in rows], right),
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
    groups = [len({row.group for row in rows if row.right is kind}) for kind in (True, False)]
    if min(groups) < FOLDS:
        raise CannotCalibrate(
            f"the right or the wrong labels are nearly all of cases that say the same; it takes {FOLDS} different ones "
            "of both kinds. Review other cases"
        )


def _held_out(rows: Sequence[Row]) -> list[float]:
    """For each row the confidence of a model that has seen neither it nor another row of its group."""
    from sklearn.model_selection import StratifiedGroupKFold  # noqa: PLC0415 - see the module's first line

    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=_SEED)
    right, groups = [row.right for row in rows], [row.group for row in rows]
    confidences = [0.0] * len(rows)
    for train, test in folds.split(groups, right, groups):
        model = _fitted([rows[i] for i in train])
        for i in test:
            confidences[i] = model.confidence(rows[i].signals)
    return confidences


def _fitted(rows: Sequence[Row]) -> Fitted:
    first = [(row.signals.model_copy(update={"votes_for": None}), row.right) for row in rows]
    voted = [(row.signals, row.right) for row in rows if row.signals.votes_for is not None]
    wrong = sum(not right for _, right in voted)
    enough = len(voted) >= MIN_VOTED and min(wrong, len(voted) - wrong) >= MIN_VOTED_OF_A_KIND
    return Fitted(_weights(first), _weights(voted) if enough else None)


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

"""Two models on the same cases: how far apart they are, and how much of that may be chance."""

from collections.abc import Sequence
from math import comb
from typing import TYPE_CHECKING, Literal

from plumbline.contracts.models import Comparison, Difference

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RESAMPLES = 10_000
_SEED = 20_260_302
_PERCENTILES = (2.5, 97.5)


def compare(current_version: str, gold: Sequence[str], candidate: Sequence[str], current: Sequence[str]) -> Comparison:
    """Candidate minus current: accuracy and macro-F1, each with a 95% interval, and McNemar's exact p-value.

    The three sequences are of equal length, one place a case, and not empty. The same input has the same answer.
    """
    right = [g == c for g, c in zip(gold, candidate, strict=True)]
    right_now = [g == c for g, c in zip(gold, current, strict=True)]
    only_candidate = sum(a and not b for a, b in zip(right, right_now, strict=True))
    only_current = sum(b and not a for a, b in zip(right, right_now, strict=True))
    return Comparison(
        current=current_version,
        cases=len(gold),
        only_candidate=only_candidate,
        only_current=only_current,
        p_value=mcnemar(only_candidate, only_current),
        differences=_differences(gold, candidate, current),
    )


def mcnemar(only_one: int, only_other: int) -> float:
    """Two-sided exact p-value that two classifiers are right equally often, from the cases only one got right.

    Source: Q. McNemar, "Note on the sampling error of the difference between correlated proportions", Psychometrika 12
    (1947), with the binomial distribution in place of its approximation.
    """
    n = only_one + only_other
    tail = sum(comb(n, k) for k in range(min(only_one, only_other) + 1))
    share: float = 2 * tail / 2**n
    return min(1.0, share)


def _differences(gold: Sequence[str], candidate: Sequence[str], current: Sequence[str]) -> tuple[Difference, ...]:
    """A paired bootstrap over cases, percentile intervals.

    Drawing n of n cases with replacement is a multinomial draw over the distinct (gold, candidate, current) triples, so
    that a resample costs as much as there are triples, not cases. Source: B. Efron, R. J. Tibshirani, "An Introduction
    to the Bootstrap", 1993, chapters 8 and 13.
    """
    import numpy as np  # noqa: PLC0415 - late: whoever only imports this module need not have the numpy layer

    names = {name: number for number, name in enumerate(sorted({*gold, *candidate, *current}))}
    triples = np.array([[names[g], names[a], names[b]] for g, a, b in zip(gold, candidate, current, strict=True)])
    cells, counts = np.unique(triples, axis=0, return_counts=True)
    draws = np.random.default_rng(_SEED).multinomial(len(gold), counts / len(gold), size=RESAMPLES)
    draws = np.vstack([counts, draws])  # the first row is what was observed
    accuracy = [draws @ (cells[:, 0] == cells[:, side]) / len(gold) for side in (1, 2)]
    macro_f1 = [_macro_f1(draws, cells[:, 0], cells[:, side], len(names)) for side in (1, 2)]
    return _difference("accuracy", accuracy[0] - accuracy[1]), _difference("macro_f1", macro_f1[0] - macro_f1[1])


def _macro_f1(
    draws: "NDArray[np.int64]", gold: "NDArray[np.int64]", predicted: "NDArray[np.int64]", classes: int
) -> "NDArray[np.float64]":
    """Mean F1 of each resample over the classes that occur in it, as gold or as a prediction."""
    import numpy as np  # noqa: PLC0415

    every = np.arange(classes)
    is_gold, is_predicted = gold[:, None] == every, predicted[:, None] == every
    named = draws @ is_gold.astype(np.int64) + draws @ is_predicted.astype(np.int64)
    f1 = 2 * (draws @ (is_gold & is_predicted).astype(np.int64)) / np.maximum(named, 1)
    mean: NDArray[np.float64] = f1.sum(axis=1) / (named > 0).sum(axis=1)
    return mean


def _difference(metric: Literal["accuracy", "macro_f1"], values: "NDArray[np.float64]") -> Difference:
    import numpy as np  # noqa: PLC0415

    low, high = np.percentile(values[1:], _PERCENTILES)
    return Difference(metric=metric, value=float(values[0]), low=float(low), high=float(high))

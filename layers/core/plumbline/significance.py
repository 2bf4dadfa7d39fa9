"""Two ways of labeling on the same cases: how far apart they are, and how much of that may be chance."""

from collections import Counter
from collections.abc import Sequence
from math import comb
from typing import TYPE_CHECKING, Literal

from plumbline.contracts.models import Difference

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RESAMPLES = 10_000
_SEED = 20_260_302
_PERCENTILES = (2.5, 97.5)


def mcnemar(only_one: int, only_other: int) -> float:
    """Two-sided exact p-value that two classifiers are right equally often, from the cases only one got right.

    Source: Q. McNemar, "Note on the sampling error of the difference between correlated proportions", Psychometrika 12
    (1947), with the binomial distribution in place of its approximation.
    """
    n = only_one + only_other
    tail = sum(comb(n, k) for k in range(min(only_one, only_other) + 1))
    share: float = 2 * tail / 2**n
    return min(1.0, share)


def right_alone(
    gold: Sequence[str], one: Sequence[str | None], other: Sequence[str | None]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The places at which `one` alone is right, and those at which `other` alone is. None is never right."""
    pairs = [(g == a, g == b) for g, a, b in zip(gold, one, other, strict=True)]
    only_one = tuple(place for place, (a, b) in enumerate(pairs) if a and not b)
    only_other = tuple(place for place, (a, b) in enumerate(pairs) if b and not a)
    return only_one, only_other


def macro_f1(gold: Sequence[str], predicted: Sequence[str | None]) -> float:
    """Mean F1 over the classes that occur, as gold or as a label. A case without a label is a miss of its class."""
    golds, named = Counter(gold), Counter(name for name in predicted if name is not None)
    hits = Counter(g for g, p in zip(gold, predicted, strict=True) if g == p)
    classes = golds.keys() | named.keys()
    return sum(2 * hits[name] / (golds[name] + named[name]) for name in classes) / len(classes)


def differences(
    gold: Sequence[str], one: Sequence[str | None], other: Sequence[str | None]
) -> tuple[Difference, Difference]:
    """Accuracy and macro-F1 of `one` minus `other`, each with a 95% interval; None is a case without a label.

    The three are of equal length, one place a case, and not empty. The same input has the same answer.

    A paired bootstrap over cases, percentile intervals. Drawing n of n cases with replacement is a multinomial draw
    over the distinct (gold, one, other) triples, so that a resample costs as much as there are triples, not cases.
    Source: B. Efron, R. J. Tibshirani, "An Introduction to the Bootstrap", 1993, chapters 8 and 13.
    """
    import numpy as np  # noqa: PLC0415 - late: whoever only imports this module need not have the numpy layer

    known = sorted({name for name in (*gold, *one, *other) if name is not None})
    numbers: dict[str | None, int] = {None: -1, **{name: number for number, name in enumerate(known)}}
    triples = np.array([[numbers[g], numbers[a], numbers[b]] for g, a, b in zip(gold, one, other, strict=True)])
    cells, counts = np.unique(triples, axis=0, return_counts=True)
    draws = np.random.default_rng(_SEED).multinomial(len(gold), counts / len(gold), size=RESAMPLES)
    draws = np.vstack([counts, draws])  # the first row is what was observed
    accuracy = [draws @ (cells[:, 0] == cells[:, side]) / len(gold) for side in (1, 2)]
    macro_f1 = [_macro_f1(draws, cells[:, 0], cells[:, side], len(known)) for side in (1, 2)]
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

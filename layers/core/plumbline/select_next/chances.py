"""How likely each class is for a case, from the labels so far; from the prompt's own words where there are none.

Linear discriminant analysis on embeddings: each class has a center, all share one covariance. In closed form, so that
a fit takes milliseconds and the same labels give the same numbers. With few labels it leans on what is known before
any: a class's center on what the prompt says about it, the covariance on a multiple of the identity (a ridge; Friedman,
"Regularized Discriminant Analysis", JASA 84, 1989).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from plumbline.contracts.prompts import Prompt

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from plumbline.ports import Vectors

    Chances = NDArray[np.float64]

# The constants were chosen by accuracy and log loss on 0 to 1,000 labels of real support cases (docs/selection.md).
PRIOR_LABELS: Final = 2.0  # how many labels a class's description weighs in its center
_SPREAD: Final = 0.75  # of texts of one class around its center: the squared distance, before labels tell
_SPREAD_LABELS: Final = 10.0
_RIDGE_MANY: Final = 2.0  # the ridge is 12 times the variance at first and falls to this
_RIDGE_FEW: Final = 1000.0
_FEW: Final = 100.0


@dataclass(frozen=True)
class Classifier:
    """What was fitted: a weight vector and a bias for each class, in the order of the categories."""

    weights: "NDArray[np.float64]"
    biases: "NDArray[np.float64]"

    def chances(self, vectors: "Vectors") -> "Chances":
        """Probabilities, vectors x classes, each row summing to 1."""
        import numpy as np  # noqa: PLC0415 - late: whoever only imports this module need not have the numpy layer

        scores = vectors @ self.weights.T + self.biases
        exp = np.exp(scores - scores.max(axis=1, keepdims=True, initial=-np.inf))
        result: Chances = exp / exp.sum(axis=1, keepdims=True)
        return result


def described(prompt: Prompt) -> list[str]:
    """What the prompt says about each category: the texts whose vectors are the `descriptions` of a fit."""
    return [f"{category.name}. {category.description}" for category in prompt.categories]


def fit(vectors: "Vectors", labels: Sequence[int], descriptions: "Vectors") -> Classifier:
    """A classifier for as many classes as there are descriptions; `labels` are the vectors' classes by number.

    Works from no label at all on. The time is that of a d x d solve: 20 ms for 384 dimensions.
    """
    import numpy as np  # noqa: PLC0415

    known, of = np.asarray(vectors, dtype=np.float64), np.asarray(labels, dtype=np.int64)
    told = np.asarray(descriptions, dtype=np.float64)
    classes, dimensions = told.shape
    counts = np.bincount(of, minlength=classes)
    # Descriptions are texts of another kind than cases: only how they differ from each other is taken from them.
    middle = known.mean(axis=0) if len(known) else told.mean(axis=0)
    guesses = middle + told - told.mean(axis=0)
    sums = np.zeros_like(told)
    np.add.at(sums, of, known)
    centers = (sums + PRIOR_LABELS * guesses) / (counts + PRIOR_LABELS)[:, None]
    away = known - centers[of]
    scatter = away.T @ away
    variance = (np.trace(scatter) + _SPREAD_LABELS * _SPREAD) / (len(known) + _SPREAD_LABELS) / dimensions
    ridge = _RIDGE_MANY + _RIDGE_FEW / (len(known) + _FEW)
    covariance = scatter / max(len(known), 1) + ridge * variance * np.eye(dimensions)
    weights = np.linalg.solve(covariance, centers.T).T
    shares = (counts + 1) / (len(known) + classes)
    return Classifier(weights, np.log(shares) - (weights * centers).sum(axis=1) / 2)

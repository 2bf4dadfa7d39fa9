"""Labels that are probably wrong: confident learning over the training cases, before the encoder learns from them.

Source: C. Northcutt, L. Jiang, I. Chuang, "Confident Learning: Estimating Uncertainty in Dataset Labels", JAIR 70
(2021), in its authors' library cleanlab.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from plumbline.contracts.datasets import DatasetRow
from plumbline.contracts.models import LabelNoise, Suspect
from plumbline.report.words import plural
from training.baselines import tfidf
from training.dataset import Dataset
from training.progress import say
from training.recipe import Recipe

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FOLDS = 5
_LISTED = 500  # suspects that the model card names; their number is always whole


def look(dataset: Dataset, recipe: Recipe) -> LabelNoise | None:
    """The training cases whose labels are probably wrong, the surest first; None where the recipe looks for none.

    Five TF-IDF models each judge the fifth of the cases that they have not seen. A case is suspect when they believe
    in another category more than cases of that category usually make them. Validation and test are not looked at:
    figures on cleaned cases would flatter.
    """
    if recipe.label_noise == "off":
        return None
    held_out = _held_out(dataset.texts("train"), dataset.labels("train"), recipe.seed)
    suspects = _suspects(dataset.rows["train"], held_out)
    out = tuple(_left_out(suspects, dataset.per_class("train"), recipe.min_per_class))
    noise = LabelNoise(
        checked=len(held_out),
        suspects=len(suspects),
        per_class=dict(sorted(Counter(suspect.category for suspect in suspects).items())),
        left_out=out if recipe.label_noise == "out" else (),
        listed=tuple(suspects[:_LISTED]),
    )
    left = f", {len(noise.left_out)} left out of training" if noise.left_out else ""
    say(f"label noise: {noise.suspects} of {plural(noise.checked, 'training label')} are suspect{left}")
    return noise


def without_suspects(dataset: Dataset, noise: LabelNoise | None) -> Dataset:
    """The dataset without the training cases that were left out."""
    if noise is None or not noise.left_out:
        return dataset
    out = set(noise.left_out)
    kept = tuple(row for row in dataset.rows["train"] if row.case_id not in out)
    return replace(dataset, rows={**dataset.rows, "train": kept})


def _held_out(texts: Sequence[str], labels: Sequence[str], seed: int) -> "NDArray[np.float64]":
    """What models that have not seen a case say of it: cases x classes, in the classes' alphabetical order."""
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=seed)
    model = tfidf(balanced=True, seed=seed)
    found: NDArray[np.float64] = cross_val_predict(model, list(texts), labels, cv=folds, method="predict_proba")
    return found


def _suspects(rows: Sequence[DatasetRow], held_out: "NDArray[np.float64]") -> list[Suspect]:
    from cleanlab.filter import find_label_issues  # noqa: PLC0415 - only where labels are looked at

    names = sorted({row.category for row in rows})
    numbers = np.array([names.index(row.category) for row in rows])
    places = find_label_issues(numbers, held_out, return_indices_ranked_by="self_confidence", n_jobs=1)
    return [
        Suspect(
            case_id=rows[place].case_id,
            category=rows[place].category,
            likely=names[int(held_out[place].argmax())],
            chance=round(float(held_out[place, numbers[place]]), 4),
        )
        for place in places
    ]


def _left_out(suspects: Sequence[Suspect], per_class: dict[str, int], least: int) -> Iterator[str]:
    """The surest suspects of each class, but so that half of it and the least that trains stay."""
    room = {name: min(count // 2, count - least) for name, count in per_class.items()}
    for suspect in suspects:
        if room[suspect.category] > 0:
            room[suspect.category] -= 1
            yield suspect.case_id

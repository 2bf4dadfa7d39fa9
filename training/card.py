"""The model card: what was trained on what, how good it is, what it is made of."""

import hashlib
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from plumbline.contracts.models import (
    CARD_FILE,
    SERVING_FILES,
    Baseline,
    DatasetRef,
    Metrics,
    ModelCard,
    Reference,
    ServingFile,
)
from plumbline.report.words import plural
from training.dataset import Dataset
from training.recipe import Recipe

_SOFTWARE = (
    "autogluon.multimodal",
    "torch",
    "transformers",
    "tokenizers",
    "onnx",
    "onnxruntime",
    "scikit-learn",
    "numpy",
    "pydantic",
)
_NOT_RECIPE = {"task", "seed", "encoder", "manifest"}  # they have fields of their own, or say where and not how
_FEW = 200  # held-out cases below which intervals are wide


def dataset_ref(dataset: Dataset) -> DatasetRef:
    """The dataset as the card names it."""
    return DatasetRef(
        version=dataset.manifest.version,
        manifest_sha256=dataset.manifest_sha256,
        rows={split: len(rows) for split, rows in dataset.rows.items()},
        train_per_class=dataset.per_class("train"),
    )


def reference(dataset: Dataset, confidences: tuple[int, ...]) -> Reference:
    """What drift is measured against: class shares before balancing where the manifest knows them."""
    counts = dataset.manifest.pool_per_class or dataset.manifest.per_class
    total = sum(counts.values())
    shares = {name: counts.get(name, 0) / total for name in dataset.manifest.categories}
    return Reference(class_shares=shares, class_cases=total, confidences=confidences)


def beats(test: Metrics, baselines: Sequence[Baseline]) -> bool:
    """Whether the model is above every baseline in accuracy and in macro-F1 on the test split."""
    return all(
        test.accuracy.accuracy.value > b.accuracy.value and test.accuracy.macro_f1 > b.macro_f1 for b in baselines
    )


def warnings_of(dataset: Dataset, test: Metrics, baselines: Sequence[Baseline]) -> tuple[str, ...]:
    """What a person should know before trusting the model."""
    found = list(dataset.warnings)
    n = test.accuracy.accuracy.n
    if n < _FEW:
        interval = test.accuracy.accuracy
        found.append(f"{n} test cases only: the true accuracy lies between {interval.low:.2f} and {interval.high:.2f}")
    found += [
        f"not better than {b.name} on the test split (accuracy {test.accuracy.accuracy.value:.3f} against "
        f"{b.accuracy.value:.3f}, macro-F1 {test.accuracy.macro_f1:.3f} against {b.macro_f1:.3f})"
        for b in baselines
        if not beats(test, [b])
    ]
    return tuple(found)


def time_warning(recipe: Recipe, seconds: float) -> tuple[str, ...]:
    """Whether the recipe's time limit cut the training short."""
    if not 0 < recipe.time_limit <= seconds:
        return ()
    epochs = plural(recipe.epochs, "epoch")
    return (f"the time limit of {recipe.time_limit} s ended the training before the end of its {epochs}",)


def software() -> dict[str, str]:
    """The versions that made the model."""
    found = {"python": platform.python_version()}
    for name in _SOFTWARE:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def recipe_of(recipe: Recipe) -> dict[str, str | int | float | bool]:
    """The hyperparameters that the card keeps."""
    values: dict[str, str | int | float | bool] = recipe.model_dump(exclude=_NOT_RECIPE)
    return values


def serving_files(folder: Path) -> tuple[ServingFile, ...]:
    """The files that a prediction needs, with their checksums."""
    return tuple(
        ServingFile(name=name, sha256=hashlib.sha256(content).hexdigest(), bytes=len(content))
        for name in SERVING_FILES
        for content in [(folder / name).read_bytes()]
    )


def now() -> datetime:
    """The time of the card."""
    return datetime.now(UTC)


def write_card(card: ModelCard, folder: Path) -> None:
    """Write `model_card.json`."""
    (folder / CARD_FILE).write_text(card.model_dump_json(indent=2) + "\n", encoding="utf-8")

"""AutoGluon's part: fine-tune the encoder on texts that were cut as serving cuts them."""

import training.torchvision_ops  # noqa: F401, I001 - before AutoGluon, which cannot be imported without it

import functools
import math
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightning.pytorch as pl
import numpy as np
import pandas as pd
import torch
from autogluon.multimodal import MultiModalPredictor
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score

from plumbline.contracts.errors import TrainingFailed
from training import soup
from training.encoders import Encoder
from training.progress import duration, say
from training.recipe import Recipe

if TYPE_CHECKING:
    from numpy.typing import NDArray

TEXT, LABEL = "text", "category"
METRIC = "f1_macro"
_SHOWN = ("val_f1_macro", "val_accuracy")
WEIGHTS_FILE = "model.ckpt"
# What MultiModalPredictor.load reads; the rest is logs of the training.
_KEPT = ("assets.json", "config.yaml", "data_processors.pkl", "df_preprocessor.pkl", "eval_metric.pkl", WEIGHTS_FILE)
_KEPT_FOLDER = "hf_text"
_REPORT_EVERY = 20.0  # seconds between two lines within an epoch
_TWO = 2
_LONG = 256  # tokens above which fewer cases go through the encoder at once, for memory


@dataclass(frozen=True)
class Rows:
    """Texts, cut already, and their labels."""

    texts: Sequence[str]
    labels: Sequence[str]

    def frame(self) -> pd.DataFrame:
        """As AutoGluon takes them."""
        return pd.DataFrame({TEXT: list(self.texts), LABEL: list(self.labels)})


def fit(
    train: Rows,
    validation: Rows,
    recipe: Recipe,
    *,
    encoder: Encoder,
    weights: Mapping[str, float] | None,
    gpus: int,
    folder: Path,
) -> MultiModalPredictor:
    """Train on `train`, keep what is best on `validation` by macro-F1. `folder` must not exist yet.

    With several members each is trained with a seed of its own, and their weights are averaged where that helps: see
    training.soup. Raises TrainingFailed when the time limit ends before the first epoch does.
    """
    one = functools.partial(_fit_one, train, validation, encoder=encoder, weights=weights, gpus=gpus)
    if recipe.members == 1:
        return one(recipe, folder)
    members = []
    for number in reversed(range(recipe.members)):  # the first seed comes last: its predictor takes the average
        say(f"member {recipe.members - number} of {recipe.members}")
        predictor = one(recipe.model_copy(update={"seed": recipe.seed + number}), folder)
        members.append(soup.Member(soup.weights_of(predictor), _macro_f1(predictor, validation)))
        if number:
            shutil.rmtree(folder)
    found = soup.greedy(members, lambda weights: _macro_f1(soup.with_weights(predictor, weights), validation))
    soup.with_weights(predictor, found).save(str(folder))
    return predictor


def _fit_one(
    train: Rows,
    validation: Rows,
    recipe: Recipe,
    folder: Path,
    *,
    encoder: Encoder,
    weights: Mapping[str, float] | None,
    gpus: int,
) -> MultiModalPredictor:
    predictor = MultiModalPredictor(
        label=LABEL,
        problem_type="multiclass" if len(set(train.labels)) > _TWO else "binary",
        eval_metric=METRIC if len(set(train.labels)) > _TWO else "accuracy",  # AutoMM's binary F1 is of one class
        path=str(folder),
        verbosity=0,
        enable_progress_bar=False,
    )
    settings: dict[str, Any] = {
        "tuning_data": validation.frame(),
        "hyperparameters": _hyperparameters(recipe, encoder, weights, gpus),
        "column_types": {TEXT: "text"},
        "seed": recipe.seed,
    }
    if recipe.head == "probe":
        predictor.fit(train.frame(), time_limit=0, **settings)  # makes the model and trains nothing
        _start_head(predictor, train, balanced=weights is not None)
    with _reporting(recipe.epochs):
        predictor.fit(train.frame(), time_limit=recipe.member_seconds, **settings)
    if not (folder / WEIGHTS_FILE).is_file():
        share = f" ({recipe.member_seconds:.1f} s for each of {recipe.members} members)" if recipe.members > 1 else ""
        raise TrainingFailed(
            f"the time limit of {recipe.time_limit} s{share} ended before the first epoch did; allow more, or lower "
            "--max-tokens"
        )
    return predictor


def probabilities(predictor: MultiModalPredictor, texts: Sequence[str]) -> "NDArray[np.float64]":
    """The predictor's own probabilities, texts x classes, for texts that were cut already."""
    found: NDArray[np.float64] = predictor.predict_proba(pd.DataFrame({TEXT: list(texts)}), as_pandas=False)
    return found


def _macro_f1(predictor: MultiModalPredictor, rows: Rows) -> float:
    predicted = predictor.predict(rows.frame().drop(columns=LABEL), as_pandas=False)
    return float(f1_score(list(rows.labels), predicted, average="macro"))


def keep(folder: Path, target: Path) -> None:
    """Copy what loading the predictor needs, and nothing else."""
    target.mkdir(parents=True)
    for name in _KEPT:
        if (folder / name).is_file():
            shutil.copy2(folder / name, target / name)
    shutil.copytree(folder / _KEPT_FOLDER, target / _KEPT_FOLDER)


def _start_head(predictor: MultiModalPredictor, train: Rows, *, balanced: bool) -> None:
    """Let the head start as logistic regression on the encoder's own vectors.

    A random head sends noise through the encoder in its first steps and spoils what it knows (Kumar et al.,
    "Fine-Tuning can Distort Pretrained Features and Underperform Out-of-Distribution", ICLR 2022).
    """
    found = predictor.extract_embedding(train.frame().drop(columns=LABEL))
    vectors = np.asarray(next(iter(found.values())) if isinstance(found, dict) else found)
    size = float(np.linalg.norm(vectors, axis=1).mean())  # so that the regularisation does not depend on the encoder
    probe = LogisticRegression(max_iter=3000, class_weight="balanced" if balanced else None)
    probe.fit(vectors / size, list(train.labels))
    weight, bias = probe.coef_ / size, probe.intercept_
    if len(weight) == 1:  # two classes: scikit-learn keeps the difference of the two rows
        weight, bias = np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
    head = predictor._learner._model.head  # noqa: SLF001 - AutoMM has no other way to a head
    with torch.no_grad():
        head.weight.copy_(torch.as_tensor(weight))
        head.bias.copy_(torch.as_tensor(bias))
    say("head starts as logistic regression on the encoder's vectors")


def _hyperparameters(
    recipe: Recipe, encoder: Encoder, weights: Mapping[str, float] | None, gpus: int
) -> dict[str, Any]:
    text = "model.hf_text"
    room = 64 if gpus else 16
    at_once = math.gcd(recipe.batch_size, room if recipe.max_tokens <= _LONG else room // 2)  # accumulates the rest
    values: dict[str, Any] = {
        "model.names": ["hf_text"],
        f"{text}.checkpoint_name": encoder.checkpoint,
        f"{text}.max_text_len": recipe.max_tokens,
        f"{text}.pooling_mode": recipe.pooling,
        f"{text}.text_trivial_aug_maxscale": 0.0,  # augmentation would download word lists
        "env.num_gpus": min(gpus, 1),  # more would start processes that report nothing
        "env.precision": "16-mixed" if gpus else "32-true",
        "env.num_workers": 0,
        "env.num_workers_inference": 0,
        "env.per_gpu_batch_size": at_once,
        "env.batch_size": recipe.batch_size,
        "env.inference_batch_size_ratio": 2,
        "env.deterministic": "warn" if gpus else True,
        "optim.max_epochs": recipe.epochs,
        "optim.lr": recipe.learning_rate,
        "optim.lr_decay": recipe.layer_decay,
        "optim.label_smoothing": recipe.label_smoothing,
        "optim.patience": recipe.epochs + 1,
        "optim.val_check_interval": 1.0,
        "optim.top_k_average_method": recipe.averaging,
    }
    if weights:
        # A focal loss with gamma 0 is the weighted cross entropy; AutoMM sorts the classes.
        values["optim.loss_func"] = "focal_loss"
        values["optim.focal_loss.gamma"] = 0.0
        values["optim.focal_loss.alpha"] = [weights[name] for name in sorted(weights)]
    return values


@contextmanager
def _reporting(epochs: int) -> Iterator[None]:
    """AutoMM takes no callbacks of its users, so the trainer that it makes gets one when it starts to fit."""
    original = pl.Trainer.fit

    def fit_and_report(trainer: pl.Trainer, *args: Any, **kwargs: Any) -> Any:
        trainer.callbacks.append(_Reporter(epochs))
        return original(trainer, *args, **kwargs)

    pl.Trainer.fit = fit_and_report
    try:
        yield
    finally:
        pl.Trainer.fit = original


class _Reporter(pl.Callback):  # type: ignore[misc] # Lightning is not in the environment that checks types
    """Says how far the training is."""

    def __init__(self, epochs: int) -> None:
        self._epochs = epochs
        self._started = self._said = time.monotonic()

    def on_train_batch_end(self, trainer: Any, *_: Any, **__: Any) -> None:
        now = time.monotonic()
        done, total = trainer.current_epoch * trainer.num_training_batches, self._epochs * trainer.num_training_batches
        done += trainer.fit_loop.batch_idx + 1
        if now - self._said < _REPORT_EVERY or not total:
            return
        self._said = now
        left = (now - self._started) / done * (total - done)
        say(f"epoch {trainer.current_epoch + 1} of {self._epochs}: step {done} of {total}, about {duration(left)} left")

    def on_validation_end(self, trainer: Any, *_: Any) -> None:
        if trainer.sanity_checking:
            return
        values = trainer.callback_metrics.items()
        found = ", ".join(f"{name.removeprefix('val_')} {float(v):.3f}" for name, v in values if name in _SHOWN)
        taken = duration(time.monotonic() - self._started)
        say(f"epoch {trainer.current_epoch + 1} of {self._epochs}: validation {found} ({taken})")

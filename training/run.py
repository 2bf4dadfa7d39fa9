"""The steps of training in their order: cut, fit, export, calibrate, measure, write."""

import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from plumbline.contracts.datasets import Split
from plumbline.contracts.models import ClassifierConfig, Metrics, ModelCard, Parity, Precision
from plumbline.predict.classifier import Classifier, softmax
from plumbline.predict.texts import head_and_tail
from training import card, encoders, export, figures, fit, quiet
from training.baselines import baselines
from training.dataset import Dataset
from training.progress import duration, say
from training.recipe import Recipe

SERVING, PREDICTOR = "serving", "predictor"


@dataclass(frozen=True)
class _Exported:
    """The graph that will be served, calibrated, in `folder`."""

    folder: Path
    precision: Precision
    config: ClassifierConfig
    parity: tuple[Parity, ...]
    validation: Metrics
    test: Metrics
    confidences: tuple[int, ...]
    warnings: tuple[str, ...]


def train_and_export(dataset: Dataset, recipe: Recipe, *, work: Path, model: Path, gpus: int) -> ModelCard:
    """Train in `work`; write `predictor/` and `serving/` to `model` at the end, whole or not at all."""
    encoder = encoders.resolve(recipe.encoder)
    if encoder.is_local:
        quiet.offline()
    say(f"encoder {encoder.name}, {recipe.max_tokens} tokens, {recipe.epochs} epochs")
    prepared = encoders.prepare(encoder, recipe, work)
    tokenizer = encoders.tokenizer_of(prepared, recipe.max_tokens)
    weights = figures.class_weights(dataset.per_class("train")) if recipe.class_weights == "auto" else None
    if weights:
        say("classes are of unequal size: " + ", ".join(f"{name} x{weight:.2f}" for name, weight in weights.items()))
    started = time.monotonic()
    predictor = fit.fit(
        _cut(dataset, "train", tokenizer, recipe),
        _cut(dataset, "validation", tokenizer, recipe),
        recipe,
        encoder=prepared,
        weights=weights,
        gpus=gpus,
        folder=work / PREDICTOR,
    )
    seconds = time.monotonic() - started
    say(f"trained in {duration(seconds)}; exporting")
    exported = _export(predictor, dataset, recipe, tokenizer, work)
    found = _card(dataset, recipe, encoder.name, exported, weighted=weights is not None, seconds=seconds)
    card.write_card(found, exported.folder)
    model.mkdir(parents=True, exist_ok=True)
    fit.keep(work / PREDICTOR, model / PREDICTOR)
    shutil.copytree(exported.folder, model / SERVING)
    return found


def _cut(dataset: Dataset, split: Split, tokenizer: Tokenizer, recipe: Recipe) -> fit.Rows:
    """The split's texts, cut as serving cuts them, so that the model learns from what it will read."""
    texts = [head_and_tail(text, tokenizer, recipe.max_tokens, recipe.tail_share) for text in dataset.texts(split)]
    return fit.Rows(texts, dataset.labels(split))


def _export(predictor: Any, dataset: Dataset, recipe: Recipe, tokenizer: Tokenizer, work: Path) -> _Exported:
    threads = os.cpu_count() or 1
    folders: dict[Precision, Path] = {"fp32": work / "fp32", "int8": work / "int8"}
    config = export.export_fp32(predictor, work / PREDICTOR, recipe, folders["fp32"])
    cut = [_cut(dataset, split, tokenizer, recipe) for split in ("validation", "test")]
    texts = dataset.texts("validation") + dataset.texts("test")
    frame = fit.Rows([*cut[0].texts, *cut[1].texts], [*cut[0].labels, *cut[1].labels]).frame()
    expected = predictor.predict_proba(frame.drop(columns=fit.LABEL), as_pandas=False)
    fp32 = export.parity("fp32", folders["fp32"], texts, expected, threads)
    say(_parity_line(fp32))
    int8 = None
    if recipe.quantize == "auto":
        export.quantize(folders["fp32"], folders["int8"])
        int8 = export.parity("int8", folders["int8"], texts, expected, threads)
        say(_parity_line(int8))
    precision, warnings = export.choose(fp32, int8)
    folder = folders[precision]
    logits = Classifier.load(folder, threads).logits(texts)
    held = len(dataset.rows["validation"])
    answers = [config.categories.index(label) for label in dataset.labels("validation")]
    config = config.model_copy(update={"temperature": figures.fit_temperature(logits[:held], answers)})
    export.write_config(config, folder)
    probabilities = softmax(logits / config.temperature)
    return _Exported(
        folder=folder,
        precision=precision,
        config=config,
        parity=(fp32,) if int8 is None else (fp32, int8),
        validation=figures.metrics(probabilities[:held], dataset.labels("validation"), config.categories),
        test=figures.metrics(probabilities[held:], dataset.labels("test"), config.categories),
        confidences=figures.histogram(np.max(probabilities, axis=1)),
        warnings=warnings,
    )


def _card(
    dataset: Dataset, recipe: Recipe, encoder: str, exported: _Exported, *, weighted: bool, seconds: float
) -> ModelCard:
    train = fit.Rows(dataset.texts("train"), dataset.labels("train"))
    test = fit.Rows(dataset.texts("test"), dataset.labels("test"))
    compared = baselines(train, test, exported.config.categories, balanced=weighted, seed=recipe.seed)
    found = ModelCard(
        task=recipe.task,
        created_at=card.now(),
        dataset=card.dataset_ref(dataset),
        prompts=dataset.manifest.prompts,
        label_model_ids=dataset.manifest.model_ids,
        encoder=encoder,
        recipe=card.recipe_of(recipe) | {"weighted_classes": weighted},
        seed=recipe.seed,
        train_seconds=round(seconds, 1),
        software=card.software(),
        categories=exported.config.categories,
        temperature=exported.config.temperature,
        precision=exported.precision,
        parity=exported.parity,
        validation=exported.validation,
        test=exported.test,
        baselines=compared,
        beats_baselines=card.beats(exported.test, compared),
        reference=card.reference(dataset, exported.confidences),
        files=card.serving_files(exported.folder),
        warnings=(
            *card.time_warning(recipe, seconds),
            *exported.warnings,
            *card.warnings_of(dataset, exported.test, compared),
        ),
    )
    _say_result(found)
    return found


def _parity_line(found: Parity) -> str:
    return (
        f"{found.precision}: {found.bytes / 1e6:.0f} MB, at most {found.max_difference:.1e} from the predictor, "
        f"{found.label_changes} of {found.cases} labels changed"
    )


def _say_result(found: ModelCard) -> None:
    test = found.test.accuracy
    share = test.accuracy
    say(
        f"test, {found.precision} at temperature {found.temperature:.2f}: accuracy {share.value:.3f} "
        f"({share.low:.3f} to {share.high:.3f}), macro-F1 {test.macro_f1:.3f}, calibration error "
        f"{found.test.calibration_error:.3f}"
    )
    for b in found.baselines:
        say(f"  {b.name}: accuracy {b.accuracy.value:.3f}, macro-F1 {b.macro_f1:.3f}")
    for warning in found.warnings:
        say(f"note: {warning}")

"""The steps of training in their order: cut, fit, export, calibrate, measure, write."""

import os
import shutil
import time
from pathlib import Path

from tokenizers import Tokenizer

from plumbline.contracts.datasets import Split
from plumbline.contracts.models import ModelCard
from plumbline.predict.texts import head_and_tail
from plumbline.report.words import plural
from training import card, encoders, figures, fit, noise, quiet
from training.baselines import baselines
from training.dataset import SPLITS, Dataset
from training.progress import duration, say
from training.recipe import Recipe
from training.served import Served, export_served

SERVING, PREDICTOR = "serving", "predictor"


def train_and_export(dataset: Dataset, recipe: Recipe, *, work: Path, model: Path, gpus: int) -> ModelCard:
    """Train in `work`; write `predictor/` and `serving/` to `model` at the end, whole or not at all."""
    encoder = encoders.resolve(recipe.encoder)
    if encoder.is_local:
        quiet.offline()
    say(f"encoder {encoder.name}, {recipe.max_tokens} tokens, {plural(recipe.epochs, 'epoch')}")
    suspected = noise.look(dataset, recipe)
    dataset = noise.without_suspects(dataset, suspected)
    prepared = encoders.prepare(encoder, recipe, work)
    tokenizer = encoders.tokenizer_of(prepared, recipe.max_tokens)
    weights = figures.class_weights(dataset.per_class("train")) if recipe.class_weights == "auto" else None
    if weights:
        say("classes are of unequal size: " + ", ".join(f"{name} x{weight:.2f}" for name, weight in weights.items()))
    train, validation, test = (_cut(dataset, split, tokenizer, recipe) for split in SPLITS)
    started = time.monotonic()
    predictor = fit.fit(
        train,
        validation,
        recipe,
        encoder=prepared,
        weights=weights,
        gpus=gpus,
        folder=work / PREDICTOR,
    )
    seconds = time.monotonic() - started
    say(f"trained in {duration(seconds)}; exporting")
    expected = fit.probabilities(predictor, [*validation.texts, *test.texts])
    served = export_served(predictor, work / PREDICTOR, dataset, expected, recipe, work, os.cpu_count() or 1)
    found = _card(dataset, recipe, encoder.name, served, weighted=weights is not None, seconds=seconds)
    found = found.model_copy(update={"label_noise": suspected})
    card.write_card(found, served.folder)
    model.mkdir(parents=True, exist_ok=True)
    fit.keep(work / PREDICTOR, model / PREDICTOR)
    shutil.copytree(served.folder, model / SERVING)
    return found


def _cut(dataset: Dataset, split: Split, tokenizer: Tokenizer, recipe: Recipe) -> fit.Rows:
    """The split's texts, cut as serving cuts them, so that the model learns from what it will read."""
    texts = [head_and_tail(text, tokenizer, recipe.max_tokens, recipe.tail_share) for text in dataset.texts(split)]
    return fit.Rows(texts, dataset.labels(split))


def _card(
    dataset: Dataset, recipe: Recipe, encoder: str, served: Served, *, weighted: bool, seconds: float
) -> ModelCard:
    train = fit.Rows(dataset.texts("train"), dataset.labels("train"))
    test = fit.Rows(dataset.texts("test"), dataset.labels("test"))
    compared = baselines(train, test, served.config.categories, balanced=weighted, seed=recipe.seed)
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
        categories=served.config.categories,
        temperature=served.config.temperature,
        precision=served.precision,
        parity=served.parity,
        validation=served.validation,
        test=served.test,
        baselines=compared,
        beats_baselines=card.beats(served.test, compared),
        reference=card.reference(dataset, served.confidences),
        files=card.serving_files(served.folder),
        warnings=(
            *card.time_warning(recipe, seconds),
            *served.warnings,
            *card.warnings_of(dataset, served.test, compared),
        ),
    )
    _say_result(found)
    return found


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

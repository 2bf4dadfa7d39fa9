"""PromoteModel: a training job ended; its model serves from now on, or a row says why not.

The old model stays in service whatever goes wrong: the pointer moves in one write, at the very end.
"""

import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from plumbline import keys
from plumbline.contracts.accuracy import AccuracyBlock
from plumbline.contracts.errors import InvalidDataset, ModelFileBroken, StoreUnavailable
from plumbline.contracts.models import (
    SERVING_FILES,
    Comparison,
    ModelCard,
    ModelPointer,
    ModelRow,
    ModelStatus,
    PromotionResult,
    ServingFile,
)
from plumbline.ports import ModelRegistry, ObjectStore
from plumbline.predict.classifier import Classifier
from plumbline.promote_model.dataset import learned_from, manifest_of, test_rows
from plumbline.promote_model.event import EndedJob
from plumbline.promote_model.gate import FEW_CASES, Gate, compared, objections
from plumbline.promote_model.measure import THREADS, Candidate, against, figures, predict
from plumbline.promote_model.unpack import store, unpack
from plumbline.report.words import percent, plural

Why = Literal["gate", "by_hand", "rollback"]
_TRIES = 3  # how often the pointer may move while two models are compared
_ENDED_BADLY: dict[str, ModelStatus] = {"Failed": "failed", "Stopped": "stopped"}
_AWAY = 0.02  # a card whose accuracy is further than this from what was measured here is told of


@dataclass(frozen=True)
class _Trained:
    """A candidate that could be loaded and run."""

    card: ModelCard
    files: tuple[ServingFile, ...]
    candidate: Candidate
    measured: AccuracyBlock


def promote_model(
    job: EndedJob, *, data: ObjectStore, registry: ModelRegistry, gate: Gate, now: datetime
) -> PromotionResult:
    """Judge the job's model and, where it passes, put it into service. Each job is judged once.

    The same event again answers what was decided then, also after a rollback or a promotion by hand. A job that failed
    or was stopped, an artifact that is damaged and a dataset that has changed each end in a row that says so. Raises
    StoreUnavailable and StoreDenied.
    """
    for row in registry.rows(job.task):
        if row.version == job.version:
            return _result(row)
    # The event may be delivered twice at once: whichever ends first has its row, and the other answers the same.
    return _result(registry.record_if_none(_decided(job, data, registry, gate, now)))


def pointer_to(row: ModelRow, promoted_at: datetime, previous: str | None, why: Why) -> ModelPointer:
    """A pointer to the row's model; `previous` is the version that it takes the place of."""
    return ModelPointer(
        task=row.task,
        version=row.version,
        prefix=keys.serving(row.task, row.version),
        files=tuple(file for file in row.files if file.name in SERVING_FILES),
        promoted_at=promoted_at,
        why=why,
        previous=previous,
    )


def _decided(job: EndedJob, data: ObjectStore, registry: ModelRegistry, gate: Gate, now: datetime) -> ModelRow:
    row = ModelRow(task=job.task, version=job.version, status="failed", decided_at=now)
    if job.status != "Completed":
        reason = job.reason or ("somebody stopped the job" if job.status == "Stopped" else "SageMaker gave no reason")
        return row.model_copy(update={"status": _ENDED_BADLY[job.status], "reasons": (reason,)})
    with tempfile.TemporaryDirectory() as folder:
        try:
            trained = _measured(job, data, Path(folder))
        except (ModelFileBroken, InvalidDataset) as error:
            return row.model_copy(update={"reasons": (str(error),)})
        row = row.model_copy(
            update={
                "dataset_version": trained.card.dataset.version,
                "accuracy": trained.measured.accuracy,
                "macro_f1": trained.measured.macro_f1,
                "files": trained.files,
            }
        )
        return _judged(row, trained, data, registry, gate, Path(folder))


def _measured(job: EndedJob, data: ObjectStore, folder: Path) -> _Trained:
    """Unpack, load and run the job's model, and put its files where serving finds them."""
    card = unpack(data, job.task, job.version, folder)
    classifier = Classifier.load(folder, THREADS)
    if (classifier.config.task, classifier.config.categories) != (card.task, card.categories):
        raise ModelFileBroken("classifier.json and model_card.json name different tasks or categories")
    manifest = manifest_of(data, job.task, card, job.manifest_key)
    rows = test_rows(data, manifest)
    predicted = predict(classifier, rows)
    return _Trained(
        card=card,
        files=store(data, job.task, job.version, folder),
        candidate=Candidate(card.categories, rows, predicted, lambda: learned_from(data, manifest)),
        measured=figures(rows, predicted, manifest.categories),
    )


def _judged(
    row: ModelRow, trained: _Trained, data: ObjectStore, registry: ModelRegistry, gate: Gate, folder: Path
) -> ModelRow:
    """Compare with what is in service, decide, and move the pointer if nobody else has moved it meanwhile."""
    for _ in range(_TRIES):
        if any(pointer.version == row.version for pointer in registry.history(row.task)):
            # An earlier attempt at this event moved the pointer and broke off; what was done since is not undone.
            return row.model_copy(update={"status": "promoted", "reasons": ("promoted by an earlier attempt",)})
        current, notes = _in_service(registry, row.task)
        comparison = None
        if current:
            with tempfile.TemporaryDirectory(dir=folder) as room:  # /tmp holds one model in service at a time
                try:
                    comparison, said = against(trained.candidate, current, data, Path(room))
                    notes += said
                except ModelFileBroken as error:
                    notes.append(f"not compared, the model in service cannot be run: {error}")
        against_it = objections(trained.measured, comparison, gate)
        notes = [*_remarks(trained), *notes, *_compared(comparison)]
        row = row.model_copy(update={"comparison": comparison, "reasons": (*against_it, *notes)})
        if against_it:
            return row.model_copy(update={"status": "rejected"})
        if _in_service(registry, row.task)[0] == current:
            registry.point_to(pointer_to(row, row.decided_at, current.version if current else None, "gate"))
            promoted = row.model_copy(update={"status": "promoted"})
            registry.record(
                promoted
            )  # whatever another delivery of the event has written: it has not moved the pointer
            return promoted
    raise StoreUnavailable(f"the model in service changed {_TRIES} times while {row.version} was compared; try again")


def _in_service(registry: ModelRegistry, task: str) -> tuple[ModelPointer | None, list[str]]:
    try:
        current = registry.current(task)
    except ModelFileBroken as error:
        return None, [f"not compared: {error}"]
    return current, [] if current else ["no model was in service: the gate alone decided"]


def _remarks(trained: _Trained) -> list[str]:
    """What a person should know of the figures."""
    n, told = trained.measured.accuracy.n, trained.card.test.accuracy.accuracy.value
    notes = [f"measured on only {plural(n, 'test case')}: the figures are rough"] if n < FEW_CASES else []
    if abs(told - trained.measured.accuracy.value) > _AWAY:
        notes.append(
            f"its card says accuracy {percent(told)}, measured here {percent(trained.measured.accuracy.value)}"
        )
    if not trained.card.beats_baselines:
        notes.append("it does not beat the baselines of its card")
    return notes


def _compared(comparison: Comparison | None) -> list[str]:
    """How the candidate did against the current model, where that is no objection already."""
    accuracy = next((d for d in comparison.differences if d.metric == "accuracy"), None) if comparison else None
    if comparison is None or accuracy is None or accuracy.high < 0:
        return []
    return [f"accuracy against {comparison.current}: {compared(comparison, accuracy)}"]


def _result(row: ModelRow) -> PromotionResult:
    return PromotionResult(task=row.task, version=row.version, status=row.status, reasons=row.reasons)

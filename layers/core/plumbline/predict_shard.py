"""PredictShard: the categories of one shard's cases, by the model that the run names."""

import tempfile
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from plumbline import keys
from plumbline.case_text import case_text
from plumbline.contracts.cases import AnonymizedCase
from plumbline.contracts.errors import BrokenInvariant
from plumbline.contracts.models import ModelPointer
from plumbline.contracts.predictions import PredictedCase, PredictionRun, PredictShardTask
from plumbline.contracts.runs import ShardResult
from plumbline.jsonl import read_models, write_models
from plumbline.ports import Ledger, ObjectStore
from plumbline.predict.classifier import Classifier
from plumbline.predict.decide import UNREAD, decide
from plumbline.predict.loaded import loaded


class Models:
    """The model that this process used last, loaded; another one takes its place.

    `cache` is a folder of its own; without one, a folder in the system's for temporary files.
    """

    def __init__(self, cache: Path | None = None) -> None:
        self._cache = cache
        self._loaded: tuple[ModelPointer, Classifier] | None = None

    def get(self, pointer: ModelPointer, data: ObjectStore) -> Classifier:
        """The pointer's model. Raises ModelFileBroken."""
        if self._loaded is None or self._loaded[0] != pointer:
            cache = self._cache or Path(tempfile.gettempdir()) / "plumbline-predict-shard"
            self._loaded = (pointer, loaded(pointer, data, cache))
        return self._loaded[1]


def predict_shard(
    task: PredictShardTask,
    *,
    data: ObjectStore,
    ledger: Ledger,
    models: Models,
    abstain_below: float,
    now: datetime,
) -> ShardResult:
    """Predict the shard's anonymized cases, write them as one object, then remember them as predicted.

    A case that a person has to see first is not shown to the model: its prediction abstains and says why.

    In this order, and under a key that a repeat writes over: a case is never remembered without its prediction, and one
    whose prediction was written but not remembered is predicted again into the same object, not into a second one.

    Raises MissingObject without the shard, ModelFileBroken, StoreUnavailable, StoreDenied.
    """
    run = task.run
    cases = list(read_models(data, keys.anonymized(run.run_id, task.shard), AnonymizedCase))
    predicted = list(_predictions(run, cases, models.get(run.model, data), abstain_below, now))
    write_models(data, keys.predictions(run.day.isoformat(), run.run_id, task.shard), predicted)
    ledger.record_labeled(run.ledger_task, run.run_id, {case.case_id: case.content_hash for case in predicted})
    return ShardResult(shard=task.shard, done=len(predicted))


def _predictions(
    run: PredictionRun, cases: Sequence[AnonymizedCase], classifier: Classifier, abstain_below: float, now: datetime
) -> Iterator[PredictedCase]:
    readable = [case_text(case) for case in cases if not case.review]
    probabilities = iter(classifier.probabilities(readable) if readable else ())
    for case in cases:
        if case.content_hash is None:
            raise BrokenInvariant(f"run {run.run_id}: case {case.case_id} was anonymized without its content hash")
        categories = classifier.config.categories
        decision = UNREAD if case.review else decide(next(probabilities), categories, abstain_below)
        yield PredictedCase(
            case_id=case.case_id,
            category=decision.category,
            confidence=decision.confidence,
            alternatives=decision.alternatives,
            abstained=decision.abstained,
            needs_review=case.review_reason,
            model_version=run.model.version,
            content_hash=case.content_hash,
            case_date=case.created_at.date() if case.created_at else None,
            predicted_at=now,
            run_id=run.run_id,
        )

"""Predicting in batch: what a run of PredictCases is told, writes and answers."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from plumbline.contracts.api import Alternative
from plumbline.contracts.base import Model
from plumbline.contracts.models import ModelPointer
from plumbline.contracts.runs import CaughtError, IngestResult, RunBase, RunRequest


def predictions_scope(task: str) -> str:
    """Under which name the ledger keeps a task's predictions, so that labeling and predicting never take each other's
    cases for done. No task has such a name: a task is a folder."""
    return f"predictions/{task}"


class FindExportsTask(Model):
    """FindExports' event, and so the input of PredictCases. Without a key: every export that was not predicted yet."""

    day: date | None = None
    key: str | None = Field(default=None, description="one export's key in the raw bucket")
    force: bool = False


class PredictionRun(RunBase):
    """One export to predict. `model` is the one in service when the run began; all its shards use it."""

    day: date
    model: ModelPointer

    @property
    def ledger_task(self) -> str:
        """The ledger's scope of predictions."""
        return predictions_scope(self.task)


def _kind_of_run(run: object) -> str:
    predicts = "model" in run if isinstance(run, Mapping) else isinstance(run, PredictionRun)
    return "predicts" if predicts else "labels"


# The run of either state machine, told apart by the model that only a prediction brings along.
AnyRun = Annotated[
    Annotated[RunRequest, Tag("labels")] | Annotated[PredictionRun, Tag("predicts")], Discriminator(_kind_of_run)
]


class AnyIngestTask(Model):
    """Ingest's event in either state machine."""

    run: AnyRun


class AnyShardTask(Model):
    """Anonymize's event in either state machine."""

    run: AnyRun
    shard: str
    attempt: int = 0


class AnyShardFailureTask(Model):
    """RecordShardFailure's event in either state machine."""

    run: AnyRun
    shard: str
    error: CaughtError


class AnyFailureTask(Model):
    """RecordFailure's event in either state machine."""

    run: AnyRun
    error: CaughtError


class FoundExports(Model):
    """FindExports' answer. `left` counts the exports that wait for the next execution."""

    day: date
    batch_id: str
    runs: tuple[PredictionRun, ...]
    left: int = 0


class PredictShardTask(Model):
    """The event of every stage that works on one shard of cases to predict."""

    run: PredictionRun
    shard: str


class PredictedCase(Model):
    """One line of `predictions/<date>/…`: no text, no personal data.

    `needs_review` says why the model did not read the case and a person has to; it is abstained then.
    """

    case_id: str
    category: str | None
    confidence: float
    alternatives: tuple[Alternative, ...]
    abstained: bool
    needs_review: str | None = None
    model_version: str
    content_hash: str
    case_date: date | None = None
    predicted_at: datetime
    run_id: str


class Drift(Model):
    """How far predictions are from what the model was trained on.

    The statistic is the population stability index over classes or confidence bins; `threshold` grows where few cases
    are compared (B. Yurdakul, "Statistical Properties of Population Stability Index", 2018).
    """

    of: Literal["class_shares", "confidence"]
    statistic: Literal["population stability index"] = "population stability index"
    value: float | None
    threshold: float
    cases: int
    drifted: bool


NO_DATE = "no date"


class TrendSummary(Model):
    """`predictions/<date>/summary.json`: one day's predictions in figures.

    `cases` are the new or changed ones: each is predicted or failed. Of those predicted, each has a category or is
    abstained. `needs_review` counts those of the abstained that no model has read; the rest is in `model_versions`. A
    case that several of the day's exports had predicted counts once for each. Cases without a date stand under NO_DATE.
    """

    task: str
    day: date
    model_versions: dict[str, int]
    exports: int
    cases: int
    unchanged: int
    rejected: int
    failed: int
    abstained: int
    needs_review: int = 0
    abstained_share: float | None
    categories: dict[str, int]
    categories_per_day: dict[str, dict[str, int]] = Field(description="day of the case → category → cases")
    mean_confidence: float | None
    drift: tuple[Drift, ...]
    drift_model: str | None = Field(default=None, description="the model whose training drift is measured against")
    failures: dict[str, int] = Field(default_factory=dict, description="why cases failed: error → cases")
    export_errors: dict[str, str] = Field(default_factory=dict, description="key of an export that failed → error")


class ExportPredicted(Model):
    """What became of one export within the state machine."""

    run: PredictionRun
    ingest: IngestResult | None = None
    error: str | None = None


class SummarizeTask(Model):
    """SummarizePredictions' event."""

    day: date
    batch_id: str
    exports: tuple[ExportPredicted, ...]
    left: int = 0


class SummarizeResult(Model):
    """SummarizePredictions' answer, and so the execution's output. The counts are the whole day's."""

    day: date
    summary_key: str
    cases: int
    abstained: int
    drifted: bool
    failed: int = 0
    left: int = Field(default=0, description="exports that wait for the next execution")
    exports: tuple[str, ...] = Field(default=(), description="keys of what became of this execution's exports")

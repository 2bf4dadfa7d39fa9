"""The stage: bring the day's summary up to date, say when predictions drift, close the exports' rows."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Final

from pydantic import ValidationError

from plumbline import keys
from plumbline.contracts.errors import MissingObject
from plumbline.contracts.models import CARD_FILE, ModelCard, Reference
from plumbline.contracts.predictions import (
    Drift,
    ExportPredicted,
    PredictionRun,
    SummarizeResult,
    SummarizeTask,
    TrendSummary,
)
from plumbline.contracts.runs import RunRow
from plumbline.observability import logger
from plumbline.ports import EventBus, Ledger, ListedStore
from plumbline.summarize_predictions.drift import drift_of
from plumbline.summarize_predictions.tally import OfExport, Tally, tally_of

DRIFT_EVENT: Final = "Prediction Drift"
_EXPORT: Final = "/export.json"


def summarize_predictions(
    task: SummarizeTask,
    *,
    task_name: str,
    data: ListedStore,
    ledger: Ledger,
    events: EventBus,
    drift_threshold: float,
    now: datetime,
) -> SummarizeResult:
    """Write what became of the exports, then each day's summary anew from everything that was predicted on it.

    So a second execution on a day adds to it, and a repeat changes nothing. The exports' rows are closed last: what
    breaks off before is taken up again by the next execution. An event is sent when this execution predicted cases and
    their day drifts. An export of which cases failed ends as FAILED, which FindExports tries again.

    Raises BrokenInvariant, StoreUnavailable, StoreDenied, EventsUnavailable.
    """
    for export in task.exports:
        data.write(_place(export.run), export.model_dump_json().encode())
    summaries: dict[date, TrendSummary] = {}
    ended: dict[str, OfExport] = {}
    for day in sorted({task.day, *(export.run.day for export in task.exports)}):
        tally = tally_of(_exports_of(day, data), data, {export.run.run_id for export in task.exports})
        summaries[day] = summary = _summary(task_name, day, tally, data, drift_threshold)
        data.write(keys.trend_summary(day.isoformat()), summary.model_dump_json().encode())
        ended |= tally.by_run
        news = any(ended[e.run.run_id].predicted for e in task.exports if e.run.day == day)
        if news and _drifted(summary):
            events.send(DRIFT_EVENT, _detail(task, summary))
    _close(task, ended, ledger, now)
    return _result(task, summaries)


def _close(task: SummarizeTask, ended: Mapping[str, OfExport], ledger: Ledger, now: datetime) -> None:
    """Remember what failed shards had predicted all the same, and end the exports' rows."""
    for export in task.exports:
        found = ended[export.run.run_id]
        if found.unremembered:
            ledger.record_labeled(export.run.ledger_task, export.run.run_id, found.unremembered)
        if export.ingest is not None:  # else RecordFailure has closed it
            ledger.put_run(_row(export, found, now))


def _result(task: SummarizeTask, summaries: Mapping[date, TrendSummary]) -> SummarizeResult:
    today = summaries[task.day]
    return SummarizeResult(
        day=task.day,
        summary_key=keys.trend_summary(task.day.isoformat()),
        cases=today.cases,
        abstained=today.abstained,
        drifted=any(_drifted(summary) for summary in summaries.values()),
        failed=today.failed,
        left=task.left,
        exports=tuple(_place(export.run) for export in task.exports),
    )


def _place(run: PredictionRun) -> str:
    return keys.predicted_export(run.day.isoformat(), run.run_id)


def _exports_of(day: date, data: ListedStore) -> Iterator[ExportPredicted]:
    for stored in data.objects_under(keys.predictions_of(day.isoformat())):
        if stored.key.endswith(_EXPORT):
            yield ExportPredicted.model_validate_json(data.read(stored.key))


def _summary(task_name: str, day: date, tally: Tally, data: ListedStore, drift_threshold: float) -> TrendSummary:
    version = _most_used(tally)
    return TrendSummary(
        task=task_name,
        day=day,
        model_versions={version: found.classes.total() for version, found in sorted(tally.versions.items())},
        exports=tally.exports,
        cases=tally.cases,
        unchanged=tally.unchanged,
        rejected=tally.rejected,
        failed=tally.failures.total(),
        abstained=tally.abstained,
        needs_review=tally.needs_review,
        abstained_share=round(tally.abstained / tally.predicted, 4) if tally.predicted else None,
        categories=dict(tally.categories.most_common()),
        categories_per_day={name: dict(found.most_common()) for name, found in sorted(tally.per_day.items())},
        mean_confidence=tally.mean_confidence,
        drift=_drift(task_name, version, tally, data, drift_threshold) if version else (),
        drift_model=version,
        failures=dict(tally.failures.most_common()),
        export_errors=tally.errors,
    )


def _most_used(tally: Tally) -> str | None:
    """The model that predicted most of the day; of several, the one whose name comes last."""
    return max(tally.versions, key=lambda name: (tally.versions[name].classes.total(), name), default=None)


def _drift(task_name: str, version: str, tally: Tally, data: ListedStore, floor: float) -> tuple[Drift, ...]:
    """Drift of the model's predictions against its own training; nothing where its card is gone."""
    found, reference = tally.versions[version], _reference(task_name, version, data)
    return drift_of(reference, found.classes, found.confidences, floor) if reference else ()


def _reference(task_name: str, version: str, data: ListedStore) -> Reference | None:
    try:
        return ModelCard.model_validate_json(data.read(keys.serving(task_name, version, CARD_FILE))).reference
    except (MissingObject, ValidationError) as error:
        why = {"model_version": version, "error": type(error).__name__}
        logger.warning("no drift: the model's card is gone or of another version", extra=why)
        return None


def _drifted(summary: TrendSummary) -> bool:
    return any(drift.drifted for drift in summary.drift)


def _detail(task: SummarizeTask, summary: TrendSummary) -> dict[str, object]:
    """The event's detail: names and figures, never text."""
    return {
        "task": summary.task,
        "day": summary.day.isoformat(),
        "batch_id": task.batch_id,
        "model_versions": summary.model_versions,
        "drift": [drift.model_dump(mode="json") for drift in summary.drift],
        "summary_key": keys.trend_summary(summary.day.isoformat()),
    }


def _row(export: ExportPredicted, found: OfExport, now: datetime) -> RunRow:
    run, ingest = export.run, export.ingest
    row = RunRow(
        run_id=run.run_id,
        task=run.ledger_task,
        status="SUCCEEDED",
        source=run.key,
        started_at=run.started_at,
        finished_at=now,
        day=run.day,
        outcomes={
            "predicted": found.predicted,
            "abstained": found.abstained,
            "failed": found.failed,
            "unchanged": ingest.unchanged if ingest else 0,
            "rejected": ingest.rejected if ingest else 0,
        },
    )
    if not found.failed:
        return row
    error = export.error or found.failures.most_common(1)[0][0]
    cause = (
        f"{found.failed:,} of {found.cases:,} new cases were not predicted ({', '.join(sorted(found.failures))}); the "
        "next execution of PredictCases tries this export again"
    )
    return row.model_copy(update={"status": "FAILED", "error": error, "cause": cause})

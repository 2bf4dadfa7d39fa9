"""The Report stage: completes the summary, writes the page, closes the run's row."""

from collections.abc import Callable
from datetime import UTC, datetime

from plumbline import keys
from plumbline.contracts.replay import ReplaySummary
from plumbline.contracts.runs import ReportResult, ReportTask, RunRequest, RunRow
from plumbline.contracts.summary import RunSummary
from plumbline.ports import Ledger, ObjectStore


def finish(task: ReportTask, *, data: ObjectStore, ledger: Ledger, render: Callable[[RunSummary], str]) -> ReportResult:
    """Complete the summary with balance and training, write it and the report page, close the run's row."""
    run = task.run
    collated = RunSummary.model_validate_json(data.read(keys.summary(run.run_id)))
    now = datetime.now(UTC)
    summary = collated.model_copy(
        update={
            "status": "SUCCEEDED",
            "finished_at": now,
            "balance": task.balance,
            "training_job": task.training.job_name,
            "training_error": task.training.error,
            "replay": _replay(run, collated),
        }
    )
    data.write(keys.report(run.run_id), render(summary).encode(), content_type="text/html; charset=utf-8")
    data.write(keys.summary(run.run_id), summary.model_dump_json().encode())
    ledger.put_run(
        RunRow(
            run_id=run.run_id,
            task=run.task,
            status="SUCCEEDED",
            source=run.key,
            started_at=run.started_at,
            finished_at=now,
            cost_usd=summary.cost.usd,
            outcomes={str(name): count for name, count in summary.outcomes.items()},
            verdict=task.balance.verdict,
            report_key=keys.report(run.run_id),
            replays=run.replays,
        )
    )
    return ReportResult(
        run_id=run.run_id,
        status="SUCCEEDED",
        report_key=keys.report(run.run_id),
        summary_key=keys.summary(run.run_id),
        outcomes=summary.outcomes,
        verdict=task.balance.verdict,
    )


def _replay(run: RunRequest, collated: RunSummary) -> ReplaySummary | None:
    """What Collate found of this replay; of one that began after Collate, that it was."""
    asked, known = run.replay, collated.replay
    if asked is None or (known is not None and known.number == asked.number):
        return known
    return ReplaySummary(number=asked.number, replayed_from=asked.stage, at=asked.at, prompt_before=collated.prompt)

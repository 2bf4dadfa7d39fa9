"""How a run ends: Report for one that went through, RecordFailure for one that did not."""

from collections.abc import Callable
from datetime import UTC, datetime

from plumbline import keys
from plumbline.contracts.runs import (
    FailureResult,
    FailureTask,
    ReportResult,
    ReportTask,
    RunRow,
    RunSummary,
    ShardError,
    ShardFailureTask,
    ShardResult,
)
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


def record_failure(task: FailureTask, *, ledger: Ledger) -> FailureResult:
    """Write into the run's row that it failed and why, in words that a person can act on."""
    run, error = task.run, task.error
    ledger.put_run(
        RunRow(
            run_id=run.run_id,
            task=run.task,
            status="FAILED",
            source=run.key,
            started_at=run.started_at,
            finished_at=datetime.now(UTC),
            error=error.Error,
            cause=error.message,
        )
    )
    return FailureResult(error=error.Error, cause=error.message)


def record_shard_failure(task: ShardFailureTask, *, data: ObjectStore) -> ShardResult:
    """Leave the reason where Collate finds it, so that the shard's cases get the outcome failed(reason)."""
    error = ShardError(shard=task.shard, error=task.error.Error)
    data.write(keys.shard_error(task.run.run_id, task.shard), error.model_dump_json().encode())
    return ShardResult(shard=task.shard, done=0)

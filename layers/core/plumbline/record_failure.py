"""RecordFailure: a failed run says so in the ledger and, where it got that far, in its report."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from plumbline import keys
from plumbline.contracts.batch import BatchSubmission
from plumbline.contracts.errors import InvalidEvent, MissingObject
from plumbline.contracts.predictions import AnyFailureTask, PredictionRun
from plumbline.contracts.runs import CaughtError, FailureResult, FailureTask, RunRequest, RunRow
from plumbline.contracts.summary import RunSummary
from plumbline.jsonl import is_there, read_if_there
from plumbline.ports import Ledger, ObjectStore

_ENDED_OUTSIDE = {
    "ABORTED": "the execution was stopped by hand; answers already paid for are reused",
    "TIMED_OUT": "the execution took longer than its time limit; answers already paid for are reused",
    "FAILED": "the execution failed outside of its states; its history in Step Functions says where",
}


def task_from_event(event: Mapping[str, Any]) -> AnyFailureTask:
    """What failed: a FailureTask from the state machine, or EventBridge's "Step Functions Execution Status Change".

    Raises InvalidEvent. Source: Step Functions Developer Guide, "Automating Step Functions event delivery".
    """
    try:
        if "detail" not in event:
            return AnyFailureTask.model_validate(event)
        detail = event["detail"]
        status = detail["status"]
        error = CaughtError(
            Error=detail.get("error") or f"Execution{status.title().replace('_', '')}",
            Cause=detail.get("cause") or _ENDED_OUTSIDE[status],
        )
        return AnyFailureTask(run=json.loads(detail["input"])["run"], error=error)
    except (AttributeError, KeyError, TypeError, ValueError, ValidationError) as error:
        raise InvalidEvent(f"neither a FailureTask nor an execution's status change ({type(error).__name__})") from None


def record_failure(
    task: FailureTask | AnyFailureTask, *, data: ObjectStore, ledger: Ledger, render: Callable[[RunSummary], str]
) -> FailureResult:
    """Close the run's row as FAILED, with a cause that a person can act on, once: a row that is closed stays.

    Where Collate had summed the run up, its outcomes and spend are kept and the report is written. Where batch jobs
    were submitted, the cause says how their answers are had: nothing stops the jobs, and only this run reads them.
    """
    run, error = task.run, task.error
    before = ledger.get_run(run.ledger_task, run.run_id)
    if before is not None and before.status != "RUNNING":
        return FailureResult(error=before.error or error.Error, cause=before.cause or error.message)
    replays = run.replays if isinstance(run, RunRequest) else 0
    if before is not None and before.replays > replays:
        # Word of an execution that ended before the one that now goes over its run again.
        return FailureResult(error=error.Error, cause=error.message)
    cause = error.message
    if jobs := _of_jobs(run.run_id, data):
        cause = cause.rstrip(".") + jobs
    now = datetime.now(UTC)
    row = RunRow(
        run_id=run.run_id,
        task=run.ledger_task,
        status="FAILED",
        source=run.key,
        started_at=run.started_at,
        finished_at=now,
        error=error.Error,
        cause=cause,
        day=run.day if isinstance(run, PredictionRun) else None,
        replays=replays,
    )
    summary = _summary(run.run_id, data)
    if summary is not None:
        failed = summary.model_copy(update={"status": "FAILED", "finished_at": now})
        data.write(keys.report(run.run_id), render(failed).encode(), content_type="text/html; charset=utf-8")
        data.write(keys.summary(run.run_id), failed.model_dump_json().encode())
        outcomes = {str(name): count for name, count in failed.outcomes.items()}
        known = {"cost_usd": failed.cost.usd, "outcomes": outcomes, "report_key": keys.report(run.run_id)}
        row = row.model_copy(update=known)
    ledger.put_run(row)
    return FailureResult(error=error.Error, cause=cause)


def _of_jobs(run_id: str, data: ObjectStore) -> str:
    found = next(read_if_there(data, keys.batch(run_id), BatchSubmission), None)
    if found is None or not found.jobs:
        return ""
    resume = f"`plumbline resume {run_id}`"
    if is_there(data, keys.batch_summary(run_id)):
        # The store of replies has an answer only once its shard was read; until then no other run finds it.
        return (
            f". What its batch jobs answered is kept: {resume} goes on with it, the same file again would pay anew for "
            "what had not been read of it"
        )
    if not found.submitted:
        # The service may have taken a job just before the run ended.
        return (
            f". Whether its batch jobs ({len(found.jobs)}) were submitted is not known: {resume} finds out and submits "
            "none twice, the same file again could"
        )
    return (
        f". Its batch jobs ({len(found.submitted)}) are billed, and nothing stops those that have not ended: {resume} "
        "goes on with their answers, the same file again would pay for all of it a second time"
    )


def _summary(run_id: str, data: ObjectStore) -> RunSummary | None:
    try:
        return RunSummary.model_validate_json(data.read(keys.summary(run_id)))
    except MissingObject:
        return None

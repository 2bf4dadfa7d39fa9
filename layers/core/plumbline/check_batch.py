"""CheckBatch: whether a run's batch jobs have ended, asked seldom: a day is some 150 times."""

from collections.abc import Iterable
from typing import Final

from plumbline import keys
from plumbline.contracts.batch import ENDED, BatchSubmission, CheckBatchResult, CheckBatchTask, JobState
from plumbline.observability import logger
from plumbline.ports import BatchModel, ObjectStore

FIRST_WAIT: Final = 60  # seconds; a small job is done in minutes
LONGEST_WAIT: Final = 600
_GROWTH: Final = 1.5
_GRACE_SECONDS: Final = 2 * 3600
_GOING: Final = {"Stopping"} | ENDED


def check_batch(task: CheckBatchTask, *, data: ObjectStore, model: BatchModel, batch_hours: int) -> CheckBatchResult:
    """Ask how each job stands. `ended` when none of them goes on; else how long to wait.

    A job that goes on hours after its own time (`batch_hours`) has run out is stopped, so that a run waits for no job
    for ever. Raises ModelThrottled, ModelUnavailable, ModelAccessDenied.
    """
    submission = BatchSubmission.model_validate_json(data.read(keys.batch(task.run.run_id)))
    states = [model.state(job.job_arn) for job in submission.submitted if job.job_arn]
    if waited_seconds(task.checked) > batch_hours * 3600 + _GRACE_SECONDS:
        _stop(states, model)
    ended = all(state.status in ENDED for state in states)
    if ended:
        for state in states:
            logger.info("batch job ended", extra={"job": state.job_arn, "status": state.status})
    return CheckBatchResult(
        ended=ended,
        wait_seconds=wait_seconds(task.checked),
        checked=task.checked + 1,
        processed=sum(state.processed for state in states),
        records=sum(job.records for job in submission.submitted),
    )


def wait_seconds(checked: int) -> int:
    """How long to wait after the check that `checked` others came before."""
    steps = min(checked, 20)  # by then the wait has grown to its longest; a larger power would only overflow
    return min(LONGEST_WAIT, round(FIRST_WAIT * _GROWTH**steps))


def waited_seconds(checked: int) -> int:
    """How long was waited before the check that `checked` others came before."""
    return sum(wait_seconds(number) for number in range(checked))


def _stop(states: Iterable[JobState], model: BatchModel) -> None:
    for state in states:
        if state.status not in _GOING:
            logger.warning("batch job stopped: it outlived its time", extra={"job": state.job_arn})
            model.stop(state.job_arn)

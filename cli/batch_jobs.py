"""How a run's batch jobs stand while it waits for them: what SubmitBatch wrote, and what Bedrock says of each job."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Final, Self

from botocore.exceptions import ClientError
from pydantic import Field, ValidationError

from cli.errors import code_of
from plumbline import keys
from plumbline.contracts.base import Model
from plumbline.contracts.batch import ENDED, BatchSubmission, JobState
from plumbline.contracts.batch_summary import JobStatus
from plumbline.contracts.errors import MissingObject, ModelAccessDenied, PlumblineError
from plumbline.ports import ObjectStore
from plumbline.report.words import clipped, count, duration, elapsed, moment, plural

_ASK_SECONDS: Final = 15.0  # one who follows a run asks no more often, and not more than one job a second
_ASKERS: Final = 8
_MESSAGE: Final = 200
_WORDS: Final[Mapping[JobStatus, str]] = {
    "Submitted": "submitted",
    "Validating": "being checked",
    "Scheduled": "in the queue",
    "InProgress": "under way",
    "Completed": "done",
    "PartiallyCompleted": "ended with a part of the records",
    "Failed": "failed",
    "Stopping": "being stopped",
    "Stopped": "stopped",
    "Expired": "timed out",
}
AskState = Callable[[str], JobState]
"""How the job of that ARN stands. Raises PlumblineError or ClientError where the service does not say."""


class BatchWait(Model):
    """A run's batch jobs whose answers are not imported yet; times and counts of records are what the service says."""

    jobs: int
    records: int
    unsubmitted: int = Field(default=0, description="jobs that the service has not taken, as far as is known")
    states: dict[JobStatus, int] = Field(default_factory=dict)
    processed: int = 0
    errors: int = Field(default=0, description="records that were processed and have no answer")
    submitted_at: datetime | None = Field(default=None, description="the first job")
    expires_at: datetime | None = Field(default=None, description="the last of those that go on")
    messages: tuple[str, ...] = Field(default=(), description="what the service says of jobs that did not end well")
    not_told: str | None = Field(default=None, description="why the service does not say how (all of) the jobs stand")

    @classmethod
    def of(cls, submission: BatchSubmission, states: list[JobState], not_told: str | None = None) -> Self:
        """The whole of what is known of each."""
        begun = [state.submitted_at for state in states if state.submitted_at]
        ends = [state.expires_at for state in states if state.expires_at and state.status not in ENDED]
        counts = Counter(state.status for state in states)
        said = {clipped(state.message, _MESSAGE): None for state in states if state.message}
        return cls(
            jobs=len(submission.jobs),
            records=sum(job.records for job in submission.jobs),
            unsubmitted=len(submission.jobs) - len(submission.submitted),
            states={status: counts[status] for status in _WORDS if counts[status]},
            processed=sum(state.processed for state in states),
            errors=sum(state.failed for state in states),
            submitted_at=min(begun, default=None),
            expires_at=max(ends, default=None),
            messages=tuple(said),
            not_told=not_told,
        )

    @property
    def ended(self) -> bool:
        """Whether every job is known to have ended."""
        return sum(number for status, number in self.states.items() if status in ENDED) == self.jobs

    def milestone(self, parts: int) -> tuple[object, ...]:
        """What is another thing once something has happened that is worth a word; of the records, one part in so
        many."""
        part = self.processed * parts // max(self.records, 1)
        return self.jobs, self.unsubmitted, tuple(self.states.items()), part, self.not_told

    def lines(self, now: datetime) -> Iterator[str]:
        """How the jobs stand, in words: by state, records, since when and until when, and what is wrong."""
        parts = [f"{count(number)} {_WORDS[status]}" for status, number in self.states.items()]
        if self.unsubmitted:
            parts.append(f"{count(self.unsubmitted)} not submitted yet")
        told = f": {', '.join(parts)}" if parts else ""
        yield f"{plural(self.jobs, 'batch job')} of {plural(self.records, 'record')}{told}"
        if self.states:
            errors = f", {count(self.errors)} of them without an answer" if self.errors else ""
            yield f"{count(self.processed)} of {plural(self.records, 'record')} processed{errors}"
        if self.submitted_at:
            ago = duration(elapsed(self.submitted_at, now))
            until = f"; Bedrock ends what is not done by {moment(self.expires_at)}" if self.expires_at else ""
            yield f"submitted {moment(self.submitted_at)} ({ago} ago){until}"
        yield from (f"Bedrock says: {message}" for message in self.messages)
        if self.ended:
            yield "all have ended, and the run has not read their answers yet"
        if self.not_told:
            yield self.not_told


class BatchLooks:
    """Looks at one run's jobs again and again, and asks the service seldom."""

    def __init__(
        self, run_id: str, data: ObjectStore, state: AskState, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._run_id, self._data, self._state, self._clock = run_id, data, state, clock
        self._known: tuple[str, float, BatchWait | None] | None = None

    def look(self, found: Mapping[str, str]) -> BatchWait | None:
        """How the jobs stand; None where there are none, or their answers are imported.

        `found`: the run's objects, key to version. Raises ClientError or BotoCoreError when S3 does not answer.
        """
        version = found.get(keys.batch(self._run_id))
        if version is None or keys.batch_summary(self._run_id) in found:
            return None
        if self._known is None or self._known[0] != version or self._clock() >= self._known[1]:
            seen = self._ask()
            pause = max(_ASK_SECONDS, float(seen.jobs) if seen else 0.0)
            self._known = (version, self._clock() + pause, seen)
        return self._known[2]

    def _ask(self) -> BatchWait | None:
        try:
            submission = BatchSubmission.model_validate_json(self._data.read(keys.batch(self._run_id)))
        except (MissingObject, ValidationError):  # gone between the listing and now, or written by another version
            return None
        if not submission.jobs:
            return None
        refusals: list[str] = []

        def ask(arn: str) -> JobState | None:
            if refusals:  # what refuses one refuses all
                return None
            try:
                return self._state(arn)
            except (PlumblineError, ClientError) as error:
                refusals.append(_refusal(error))
                return None

        with ThreadPoolExecutor(_ASKERS) as pool:
            asked = pool.map(ask, [job.job_arn for job in submission.submitted if job.job_arn])
            states = [state for state in asked if state is not None]
        return BatchWait.of(submission, states, refusals[0] if refusals else None)


def _refusal(error: PlumblineError | ClientError) -> str:
    if isinstance(error, ModelAccessDenied):
        return (
            "Bedrock does not let you see how they stand: the credentials in use need bedrock:GetModelInvocationJob "
            "(the run has a role of its own)."
        )
    why = code_of(error) if isinstance(error, ClientError) else type(error).__name__
    return f"Bedrock does not say now how they stand ({why}); look again later."

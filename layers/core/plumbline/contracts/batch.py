"""Bedrock batch inference: what is submitted, how a job stands, and what came back.

Source: Amazon Bedrock User Guide, "Process multiple prompts with batch inference".
"""

from datetime import datetime

from pydantic import Field

from plumbline.contracts.base import Model
from plumbline.contracts.batch_summary import JobStatus
from plumbline.contracts.replies import Usage
from plumbline.contracts.runs import IngestResult, RunRequest

ENDED: frozenset[JobStatus] = frozenset({"Completed", "PartiallyCompleted", "Failed", "Stopped", "Expired"})


class BatchLimits(Model):
    """What the service takes; read from configuration, because it differs by model and account (Service Quotas)."""

    min_records: int = Field(default=100, ge=1)
    max_records: int = Field(default=50_000, ge=1, description="records of one job")
    max_bytes: int = Field(default=1_000_000_000, ge=1_000, description="bytes of one record file; a job has one file")


class BatchJob(Model):
    """One job. Its name is its client token, too: submitting it twice is submitting it once."""

    name: str = Field(pattern=r"^[a-zA-Z0-9](-*[a-zA-Z0-9])*$", max_length=63)
    records_key: str
    output_prefix: str
    records: int
    bytes: int
    most_usd: float = Field(default=0.0, description="what its records can cost at most; 0 for a model without a price")
    job_arn: str | None = Field(default=None, description="None until the service has taken it")


class BatchRecord(Model):
    """A case that a job asks about: one line of the run's index of records.

    `first` names the record whose request is word for word this case's: it alone is submitted, for both.
    """

    record_id: str = Field(pattern=r"^[0-9]{11}$")
    case_id: str
    request: str = Field(description="ModelRequest.key of what is asked")
    job: int = Field(default=0, ge=0, description="which of the submission's jobs; says nothing beside `first`")
    first: str | None = None


class BatchSubmission(Model):
    """What SubmitBatch did, one file a run. `reason` says why nothing was submitted, or why not all of it."""

    jobs: tuple[BatchJob, ...] = ()
    same: int = Field(default=0, description="cases whose request is that of another record")
    reused: int = Field(default=0, description="cases that an earlier call has answered")
    review: int = Field(default=0, description="cases that a person sees first")
    over_budget: int = Field(default=0, description="cases that the budget does not let into a job")
    reserved_usd: float = Field(default=0.0, description="of the budget, what the records can cost at most")
    reason: str | None = None

    @property
    def submitted(self) -> tuple[BatchJob, ...]:
        """The jobs that the service has taken."""
        return tuple(job for job in self.jobs if job.job_arn)


class JobState(Model):
    """How a job stands. `message` is the service's own, about the job and not about a case."""

    job_arn: str
    status: JobStatus
    message: str = ""
    total: int = 0
    processed: int = 0
    succeeded: int = 0
    failed: int = 0
    submitted_at: datetime | None = None
    expires_at: datetime | None = Field(default=None, description="when the service ends it, where it says so")


class RecordError(Model):
    """A record that has no answer to use. `usage`: what it cost all the same, where an output could not be read."""

    code: str
    usage: Usage = Usage()


class BatchAnswer(Model):
    """What a job said of one case; one of text and error."""

    case_id: str
    request: str = Field(description="ModelRequest.key of what was asked")
    text: str = ""
    stop_reason: str = ""
    usage: Usage = Usage()
    error: str | None = Field(default=None, description="the service's error code of this record")


class SubmitBatchTask(Model):
    """SubmitBatch's event."""

    run: RunRequest
    ingest: IngestResult


class SubmitBatchResult(Model):
    """SubmitBatch's answer. 0 jobs: everything is asked on demand."""

    jobs: int
    records: int
    reason: str | None = None


class CheckBatchTask(Model):
    """CheckBatch's event. `checked`: how often it was asked before."""

    run: RunRequest
    checked: int = Field(default=0, ge=0)


class CheckBatchResult(Model):
    """Whether every job has ended, and if not, how many seconds to wait until it is worth asking again."""

    ended: bool
    wait_seconds: int
    checked: int
    processed: int = 0
    records: int = 0


class ImportBatchTask(Model):
    """ImportBatch's event."""

    run: RunRequest


class ImportBatchResult(Model):
    """ImportBatch's answer."""

    answered: int
    to_ask: int = Field(description="records that are asked again on demand")

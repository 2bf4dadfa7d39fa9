"""Looking at a training job from outside: how far SageMaker says it is, its own log, and what became of its model."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final, Literal

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from cli.errors import CliError, UsageProblem, code_of
from cli.in_service import registry_of
from cli.paths import plumbline
from cli.stack import Stack
from cli.training_log import JobLog, Line
from cli.training_pipeline import Execution, execution_of, is_execution, newest_execution
from plumbline import keys
from plumbline.contracts.models import ModelRow
from plumbline.promote_model.event import reason_of

_NAME_PREFIX = "plumbline-"  # as StartTraining names them
_CONFIG = Config(retries={"mode": "adaptive", "total_max_attempts": 3}, connect_timeout=5, read_timeout=60)
# A pipeline's own states, as a training job would say them.
_PIPELINE: Final[Mapping[str, "Status"]] = {
    "Executing": "InProgress", "Stopping": "Stopping", "Stopped": "Stopped", "Failed": "Failed",
    "Succeeded": "Completed",
}  # fmt: skip
Status = Literal["InProgress", "Completed", "Failed", "Stopping", "Stopped"]
Phase = Literal["start", "download", "train", "upload", "decide"]
PHASES: Final[tuple[Phase, ...]] = ("start", "download", "train", "upload", "decide")
_OF_SECONDARY: Final[Mapping[str, Phase]] = {
    "Downloading": "download",
    "DownloadingTrainingImage": "download",
    "Training": "train",
    "Uploading": "upload",
    "Completed": "decide",
}


@dataclass(frozen=True)
class Job:
    """A training job as SageMaker describes it. `began` says when each phase did, `reason` why it ended badly.

    `dataset` is the version it trains on, where its channels tell; `output` is where its model goes; `pipeline` says
    how the pipeline's execution is that made it, where one did.
    """

    name: str
    task: str
    status: Status
    phase: Phase
    created: datetime
    ended: datetime | None = None
    began: Mapping[Phase, datetime] = field(default_factory=dict)
    message: str = ""
    reason: str = ""
    dataset: str = ""
    output: str = ""
    pipeline: str = ""

    @property
    def goes_on(self) -> bool:
        """Whether it has not ended yet."""
        return self.status in ("InProgress", "Stopping")

    @property
    def ended_badly(self) -> bool:
        """Whether there will be no model."""
        return self.status in ("Failed", "Stopped")

    def judged_by(self, where: Stack) -> bool:
        """Whether the stack's promotion hears of the job: its model goes to models/ of the data bucket."""
        return self.output.startswith(f"s3://{where.data_bucket}/{keys.models('')}")


@dataclass(frozen=True)
class Seen:
    """One look. `lines` are what the log has got since the last one; `row` is there once promotion has decided.

    `notes` are the warnings in the log so far. They are not among the lines: the model card has them as well.
    """

    job: Job | None
    lines: tuple[Line, ...] = ()
    row: ModelRow | None = None
    log_denied: bool = False
    notes: tuple[str, ...] = ()


class TrainingObserver:
    """Looks at one training job again and again, or at a pipeline's execution (by its ARN) and the job it makes.

    Each line of the log is seen once.
    """

    def __init__(self, where: Stack, name: str) -> None:
        self._where = where
        self._wanted = name
        self._client = client("sagemaker")
        self._log = JobLog(client("logs"))
        self._notes: tuple[str, ...] = ()

    def look(self) -> Seen:
        """What can be seen now. Raises ClientError or BotoCoreError when AWS does not answer, CliError for no job."""
        job = self.job()
        if is_execution(job.name):
            return Seen(job, notes=self._notes)
        lines = tuple(self._log.news(job.name))
        self._notes += tuple(line.note for line in lines if line.note)
        done = job.status == "Completed"
        row = row_of(self._where, job.task, job.name) if done else None
        return Seen(job, tuple(line for line in lines if not line.note), row, self._log.denied, self._notes)

    def job(self) -> Job:
        """The job as it is now, without its log. Raises as `look` does."""
        if not is_execution(self._wanted):
            return describe(self._client, self._wanted)
        execution = execution_of(self._client, self._wanted)
        made = [describe(self._client, name) for name in execution.jobs]
        job = next((job for job in made if job.judged_by(self._where)), made[0] if made else None)
        if job is None:
            return _without_job(execution, self._where.task)
        if job.ended_badly and execution.goes_on:  # its step may be tried again
            waiting = _without_job(execution, job.task)
            return replace(waiting, message=f"{job.name} {job.status.lower()}, the pipeline goes on")
        return replace(job, pipeline=execution.words)


def _without_job(execution: Execution, task: str) -> Job:
    """A pipeline's execution as a job that has not started, or never will."""
    status = _PIPELINE.get(execution.status, "InProgress")
    nothing = "It ended without a training job." if status == "Completed" else ""
    return Job(
        name=execution.arn,
        task=task,
        status="Failed" if status == "Completed" else status,
        phase="start",
        created=_utc(execution.created),
        ended=execution.ended and _utc(execution.ended),
        message="the pipeline has no training job yet",
        reason=execution.reason or nothing,
        pipeline=execution.words,
    )


def client(service: str) -> Any:
    """A boto3 client of a service that no adapter needs."""
    make: Any = boto3.client
    return make(service, config=_CONFIG)


def describe(sagemaker: Any, name: str) -> Job:
    """The job as it is now. Raises UsageProblem when there is none of that name."""
    return job_of(described(sagemaker, name))


def described(sagemaker: Any, name: str) -> Mapping[str, Any]:
    """What SageMaker says of the job. Raises UsageProblem when there is none of that name."""
    try:
        found: Mapping[str, Any] = sagemaker.describe_training_job(TrainingJobName=name)
    except ClientError as error:
        # SageMaker has no code of its own for it.
        if code_of(error) in ("ValidationException", "ValidationError", "ResourceNotFound"):
            raise UsageProblem(f"There is no training job {name!r}.") from None
        raise
    return found


def job_of(found: Mapping[str, Any]) -> Job:
    """The job that SageMaker describes. Its reason quotes no exception of the training code: it may hold text."""
    began: dict[Phase, datetime] = {}
    message = ""
    for change in found.get("SecondaryStatusTransitions", []):
        began.setdefault(_OF_SECONDARY.get(change["Status"], "start"), _utc(change["StartTime"]))
        message = change.get("StatusMessage", "")
    status = found["TrainingJobStatus"]
    reached = [phase for phase in PHASES if phase in began]
    now = _OF_SECONDARY.get(found.get("SecondaryStatus", ""), reached[-1] if reached else "start")
    return Job(
        name=found["TrainingJobName"],
        task=_task_of(found),
        status=status,
        phase="decide" if status == "Completed" else now,
        created=_utc(found["CreationTime"]),
        ended=_ended(found),
        began=began,
        message=message,
        reason=reason_of(found),
        dataset=_dataset_of(found),
        output=str(found.get("OutputDataConfig", {}).get("S3OutputPath", "")),
    )


def _ended(found: Mapping[str, Any]) -> datetime | None:
    """When the job ended: its instances' end, its last change where it never had any; None while it goes on."""
    if found["TrainingJobStatus"] in ("InProgress", "Stopping"):
        return None
    changes = [change["StartTime"] for change in found.get("SecondaryStatusTransitions", [])]
    at = found.get("TrainingEndTime") or (changes[-1] if changes else found.get("LastModifiedTime"))
    return at and _utc(at)


def _utc(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=UTC)  # the embedded AWS's times are UTC and do not say so


def _task_of(found: Mapping[str, Any]) -> str:
    """The task that the job trains, from where its output goes: models/<task>."""
    path = str(found.get("OutputDataConfig", {}).get("S3OutputPath", "")).rstrip("/")
    return path.rpartition("/models/")[2] or path.rpartition("/")[2]


def _dataset_of(found: Mapping[str, Any]) -> str:
    """The version of the dataset, from where the job reads: datasets/<task>/<version>/<split>.jsonl."""
    for channel in found.get("InputDataConfig", []):
        uri = str(channel.get("DataSource", {}).get("S3DataSource", {}).get("S3Uri", ""))
        _, _, below = uri.partition("/datasets/")
        if below.count("/") == 2:
            return below.split("/")[1]
    return ""


def job_name(where: Stack, wanted: str) -> str:
    """The name of the training job; of a pipeline's execution, of the one that it made. Raises CliError without one."""
    if not is_execution(wanted):
        return wanted
    job = TrainingObserver(where, wanted).job()
    if is_execution(job.name):
        raise CliError("That pipeline execution has no training job yet.", f"Follow it: {following(wanted, where)}")
    return job.name


def row_of(where: Stack, task: str, name: str) -> ModelRow | None:
    """What promotion has decided about a job's model; None where it has not yet."""
    return next((row for row in registry_of(where).rows(task) if row.version == name), None)


def newest(where: Stack) -> str:
    """The name of the stack's newest training job, or the ARN of its pipeline's execution where that is newer.

    Raises CliError when there is neither.
    """
    found = next(_jobs(where), None)
    execution = newest_execution(client("sagemaker"), where.training_pipeline) if where.training_pipeline else None
    if execution and (found is None or _utc(execution[1]) > found.created):
        return execution[0]
    if found is None:
        raise CliError("No training job has been started on this stack yet.", f"Start one: {plumbline('train')}")
    return found.name


def _jobs(where: Stack, **only: str) -> Iterator[Job]:
    """The stack's newest training jobs, newest first; `only` those that ListTrainingJobs is asked for."""
    sagemaker = client("sagemaker")
    found = sagemaker.list_training_jobs(
        NameContains=_NAME_PREFIX, SortBy="CreationTime", SortOrder="Descending", MaxResults=100, **only
    )["TrainingJobSummaries"]
    # Several stacks may share an account: a job is of the one whose bucket takes its model.
    bucket = f"s3://{where.data_bucket}/"
    for job in sorted(found, key=lambda job: job["CreationTime"], reverse=True):
        described = sagemaker.describe_training_job(TrainingJobName=job["TrainingJobName"])
        if described.get("OutputDataConfig", {}).get("S3OutputPath", "").startswith(bucket):
            yield job_of(described)


def following(name: str, where: Stack) -> str:
    """The command that follows the job."""
    return plumbline(f"train --follow {name}{where.option}")


def training_again(dataset: str, where: Stack) -> str:
    """The command that trains the dataset again; the newest one where the version is not known."""
    chosen = f" --dataset {dataset}" if dataset else ""
    return plumbline(f"train{chosen} --force{where.option}")


def still_training(where: Stack) -> list[Job]:
    """The stack's training jobs that have not ended, newest first, and its newest pipeline execution that goes on."""
    jobs = [job for status in ("InProgress", "Stopping") for job in _jobs(where, StatusEquals=status)]
    execution = newest_execution(client("sagemaker"), where.training_pipeline) if where.training_pipeline else None
    if execution:
        jobs.append(TrainingObserver(where, execution[0]).job())
    found = {job.name: job for job in jobs if job.goes_on}
    return sorted(found.values(), key=lambda job: job.created, reverse=True)


def stop(name: str) -> Job:
    """Ask SageMaker to stop the job, or the pipeline's execution with that ARN; what it was before.

    Raises UsageProblem when there is none of that name.
    """
    sagemaker = client("sagemaker")
    if is_execution(name):
        execution = execution_of(sagemaker, name)
        if execution.status == "Executing":
            sagemaker.stop_pipeline_execution(PipelineExecutionArn=name)
        return replace(_without_job(execution, ""), status=_PIPELINE.get(execution.status, "InProgress"))
    job = describe(sagemaker, name)
    if job.status == "InProgress":
        sagemaker.stop_training_job(TrainingJobName=name)
    return job

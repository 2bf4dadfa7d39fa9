"""Looking at a training job from outside: how far SageMaker says it is, its own log, and what became of its model."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Literal

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from cli.errors import CliError, UsageProblem, code_of
from cli.paths import plumbline
from cli.stack import Stack
from plumbline.adapters.registry import AwsModelRegistry
from plumbline.contracts.models import ModelRow
from plumbline.promote_model.event import reason_of

LOG_GROUP: Final = "/aws/sagemaker/TrainingJobs"
_NAME_PREFIX = "plumbline-"  # as StartTraining names them
_PAGES_A_LOOK = 20
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

    `dataset` is the version it trains on, where its channels tell.
    """

    name: str
    task: str
    status: Status
    phase: Phase
    created: datetime
    began: Mapping[Phase, datetime] = field(default_factory=dict)
    message: str = ""
    reason: str = ""
    dataset: str = ""

    @property
    def goes_on(self) -> bool:
        """Whether it has not ended yet."""
        return self.status in ("InProgress", "Stopping")

    @property
    def ended_badly(self) -> bool:
        """Whether there will be no model."""
        return self.status in ("Failed", "Stopped")


@dataclass(frozen=True)
class Seen:
    """One look. `lines` are what the log has got since the last one; `row` is there once promotion has decided."""

    job: Job | None
    lines: tuple[str, ...] = ()
    row: ModelRow | None = None
    log_denied: bool = False


class TrainingObserver:
    """Looks at one training job again and again; each line of its log is seen once."""

    def __init__(self, where: Stack, name: str) -> None:
        self._where = where
        self._wanted = name
        self._client = client("sagemaker")
        self._log = JobLog()

    def look(self) -> Seen:
        """What can be seen now. Raises ClientError or BotoCoreError when AWS does not answer, CliError for no job."""
        job = self.job()
        if job.name.startswith("arn:"):
            return Seen(job)
        lines = tuple(self._log.news(job.name))
        done = job.status == "Completed"
        row = row_of(self._where, job.task, job.name) if done else None
        return Seen(job, lines, row, self._log.denied)

    def job(self) -> Job:
        """The job as it is now, without its log. Raises as `look` does."""
        if not self._wanted.startswith("arn:"):
            return describe(self._client, self._wanted)
        found = self._of_pipeline()
        return found if isinstance(found, Job) else describe(self._client, found)

    def _of_pipeline(self) -> str | Job:
        """The pipeline's training job; until there is one, the execution itself as a job that has not started."""
        steps = self._client.list_pipeline_execution_steps(PipelineExecutionArn=self._wanted)
        for step in steps["PipelineExecutionSteps"]:
            if arn := step.get("Metadata", {}).get("TrainingJob", {}).get("Arn"):
                return str(arn).rpartition("/")[2]
        found = self._client.describe_pipeline_execution(PipelineExecutionArn=self._wanted)
        status = _PIPELINE.get(found["PipelineExecutionStatus"], "InProgress")
        reason = found.get("FailureReason", "") or ("It ended without a training job." if status == "Completed" else "")
        return Job(
            name=self._wanted,
            task=self._where.task,
            status="Failed" if status == "Completed" else status,
            phase="start",
            created=_utc(found["CreationTime"]),
            message="the pipeline has not come to its training step yet",
            reason=reason,
        )


class JobLog:
    """A training job's log in CloudWatch, from its first line on."""

    def __init__(self) -> None:
        self._client = client("logs")
        self._tokens: dict[str, str | None] = {}
        self.denied = False

    def news(self, job: str) -> Iterator[str]:
        """The lines that have come since the last call. None where the log may not be read (`denied` says so)."""
        if self.denied:
            return
        try:
            if not self._tokens:
                self._tokens = dict.fromkeys(self._streams(job))
            for stream in self._tokens:
                yield from self._lines(stream)
        except ClientError as error:
            if code_of(error) not in ("AccessDeniedException", "AccessDenied"):
                raise
            self.denied = True

    def _streams(self, job: str) -> list[str]:
        try:
            found = self._client.describe_log_streams(logGroupName=LOG_GROUP, logStreamNamePrefix=f"{job}/")
        except ClientError as error:
            if code_of(error) == "ResourceNotFoundException":  # the first job ever makes the group
                return []
            raise
        return [stream["logStreamName"] for stream in found["logStreams"]]

    def _lines(self, stream: str) -> Iterator[str]:
        for _ in range(_PAGES_A_LOOK):
            token = self._tokens[stream]
            asked = {"logGroupName": LOG_GROUP, "logStreamName": stream, "startFromHead": True}
            page = self._client.get_log_events(**asked, **({"nextToken": token} if token else {}))
            self._tokens[stream] = page["nextForwardToken"]
            yield from (event["message"].rstrip() for event in page["events"])
            if page["nextForwardToken"] == token or not page["events"]:
                return


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
        began=began,
        message=message,
        reason=reason_of(found),
        dataset=_dataset_of(found),
    )


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


def row_of(where: Stack, task: str, name: str) -> ModelRow | None:
    """What promotion has decided about a job's model; None where it has not yet."""
    rows = AwsModelRegistry(where.model_parameters, where.ledger_table).rows(task)
    return next((row for row in rows if row.version == name), None)


def newest(where: Stack) -> str:
    """The name of the stack's newest training job. Raises CliError when there is none."""
    found = next(_jobs(where), None)
    if found is None:
        raise CliError("No training job has been started on this stack yet.", f"Start one: {plumbline('train')}")
    return found.name


def _jobs(where: Stack) -> Iterator[Job]:
    """The stack's newest training jobs, newest first."""
    sagemaker = client("sagemaker")
    found = sagemaker.list_training_jobs(
        NameContains=_NAME_PREFIX, SortBy="CreationTime", SortOrder="Descending", MaxResults=100
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
    """The stack's training jobs that have not ended."""
    return [job for job in _jobs(where) if job.goes_on]


def stop(name: str) -> Job:
    """Ask SageMaker to stop the job; what it was before. Raises UsageProblem when there is none of that name."""
    sagemaker = client("sagemaker")
    job = describe(sagemaker, name)
    if job.status == "InProgress":
        sagemaker.stop_training_job(TrainingJobName=name)
    return job

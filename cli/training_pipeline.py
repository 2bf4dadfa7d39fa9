"""An execution of a SageMaker Pipeline that trains in place of a job: how far it is, and which jobs it made."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from botocore.exceptions import ClientError

from cli.errors import UsageProblem, code_of

_ABSENT: Final = ("ResourceNotFound", "ValidationException", "ValidationError")
_GOES_ON: Final = ("Executing", "Stopping")


@dataclass(frozen=True)
class Execution:
    """A pipeline's execution. `jobs` are the names of its training jobs, newest first.

    `status` is SageMaker's; `steps` says it of each step; `reason` why the execution ended badly.
    """

    arn: str
    status: str
    created: datetime
    ended: datetime | None
    steps: str
    jobs: tuple[str, ...]
    reason: str = ""

    @property
    def goes_on(self) -> bool:
        """Whether it has not ended yet."""
        return self.status in _GOES_ON

    @property
    def words(self) -> str:
        """The execution in one line."""
        return f"pipeline {self.status}" + (f": {self.steps}" if self.steps else "")


def is_execution(name: str) -> bool:
    """Whether the name is the ARN of a pipeline's execution and not a training job's name."""
    return name.startswith("arn:") and ":pipeline/" in name


def execution_of(sagemaker: Any, arn: str) -> Execution:
    """The execution as it is now. Raises UsageProblem when there is none of that ARN."""
    try:
        found = sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
        steps = list(_steps(sagemaker, arn))
    except ClientError as error:
        if code_of(error) in _ABSENT:
            raise UsageProblem(f"There is no pipeline execution {arn!r}.") from None
        raise
    status = found["PipelineExecutionStatus"]
    jobs = [step.get("Metadata", {}).get("TrainingJob", {}).get("Arn", "") for step in steps]
    said = [f"step {_name(step)}: {step['FailureReason']}" for step in steps if step.get("FailureReason")]
    return Execution(
        arn=arn,
        status=status,
        created=found["CreationTime"],
        ended=None if status in _GOES_ON else found.get("LastModifiedTime"),
        steps=", ".join(f"{_name(step)} {step.get('StepStatus', '').lower()}" for step in reversed(steps)),
        jobs=tuple(job.rpartition("/")[2] for job in jobs if job),
        reason=said[0] if said else found.get("FailureReason", ""),
    )


def _steps(sagemaker: Any, arn: str) -> Iterator[Mapping[str, Any]]:
    """The execution's steps, newest first."""
    more: dict[str, str] = {}
    while True:
        page = sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=arn, SortOrder="Descending", **more)
        yield from page["PipelineExecutionSteps"]
        if not page.get("NextToken"):
            return
        more = {"NextToken": page["NextToken"]}


def _name(step: Mapping[str, Any]) -> str:
    return str(step.get("StepDisplayName") or step.get("StepName") or "?")


def newest_execution(sagemaker: Any, pipeline: str) -> tuple[str, datetime] | None:
    """ARN and start of the pipeline's newest execution; None where there is none, or no such pipeline."""
    try:
        page = sagemaker.list_pipeline_executions(
            PipelineName=pipeline, SortBy="CreationTime", SortOrder="Descending", MaxResults=1
        )
    except ClientError as error:
        if code_of(error) in _ABSENT:
            return None
        raise
    found = page["PipelineExecutionSummaries"]
    return (found[0]["PipelineExecutionArn"], found[0]["StartTime"]) if found else None

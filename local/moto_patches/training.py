"""SageMaker: training jobs that run, can be stopped, and tell EventBridge how they fare."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.core.responses import EmptyResult
from moto.core.utils import camelcase_to_underscores, utcnow
from moto.sagemaker.exceptions import ResourceInUseException, ValidationError
from moto.sagemaker.models import FakeTrainingJob, SageMakerModelBackend, sagemaker_backends
from moto.sagemaker.responses import SageMakerResponse

from local.moto_patches import events
from local.moto_patches.wiring import Moto, Patch, Wiring
from local.sagemaker.job import Change, TrainingJob

_A_DAY = 86_400  # SageMaker's own limit where a request names none
_MILLISECONDS = 1000
_FIELDS = {"TrainingJobArn": "arn"}
_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")
# In a job's description (DescribeTrainingJob) and in its event alike.
_IN_EVENTS = (
    "TrainingJobName",
    "TrainingJobArn",
    "TrainingJobStatus",
    "SecondaryStatus",
    "FailureReason",
    "HyperParameters",
    "AlgorithmSpecification",
    "RoleArn",
    "InputDataConfig",
    "OutputDataConfig",
    "ResourceConfig",
    "StoppingCondition",
    "ModelArtifacts",
    "CreationTime",
    "TrainingStartTime",
    "TrainingEndTime",
    "LastModifiedTime",
    "SecondaryStatusTransitions",
)


def patch(apply: Patch, wiring: Wiring) -> None:
    """Patch CreateTrainingJob, and add StopTrainingJob, which moto lacks."""
    moto_create: Moto = SageMakerModelBackend.create_training_job

    # moto's job is Completed at once, has written nothing, and takes the place of one of the same name.
    def create(self: Moto, training_job_name: str, **asked: Moto) -> Moto:
        if not _NAME.fullmatch(training_job_name):
            raise ValidationError(f"Value '{training_job_name}' at 'trainingJobName' failed to satisfy constraint")
        known = self.training_jobs.get(training_job_name)
        if known is not None:
            message = "Training job names must be unique within an AWS account and region, but a training job with this"
            raise ResourceInUseException(f"{message} name already exists ({known.arn})")
        job = moto_create(self, training_job_name=training_job_name, **asked)
        _begin(job)
        wiring.training.submit(_request(job, self.region_name), _Recorder(job, self, wiring))
        return job

    def stop(self: Moto) -> EmptyResult:
        name = self._get_param("TrainingJobName")
        job = self.sagemaker_backend.training_jobs.get(name)
        if job is None:
            raise ValidationError("Requested resource not found.")
        if not wiring.training.stop(name):
            status = job.training_job_status
            raise ValidationError(f"The request was rejected because the training job is in status {status}.")
        return EmptyResult()

    apply(SageMakerModelBackend, "create_training_job", create)
    apply(SageMakerResponse, "stop_training_job", stop, new=True)


def _begin(job: Moto) -> None:
    """Take back what moto says of a job that has not run yet."""
    job.training_job_status, job.secondary_status = "InProgress", "Starting"
    job.secondary_status_transitions = []
    job.training_start_time = job.training_end_time = job.model_artifacts = job.final_metric_data_list = None
    job.algorithm_specification.pop("MetricDefinitions", None)


def _request(job: Moto, region: str) -> TrainingJob:
    return TrainingJob(
        name=job.training_job_name,
        arn=job.arn,
        region=region,
        hyperparameters=job.hyper_parameters or {},
        channels=tuple(job.input_data_config or ()),
        resources=job.resource_config or {},
        output=job.output_data_config["S3OutputPath"],
        max_seconds=float((job.stopping_condition or {}).get("MaxRuntimeInSeconds", _A_DAY)),
    )


class _Recorder:
    """Writes a job's changes into moto's job, and sends an event for each."""

    def __init__(self, job: Moto, backend: Moto, wiring: Wiring) -> None:
        self._job, self._backend, self._wiring = job, backend, wiring

    def __call__(self, change: Change) -> None:
        job, now = self._job, utcnow()
        for earlier in job.secondary_status_transitions[-1:]:
            earlier["EndTime"] = now
        step = {"Status": change.secondary, "StartTime": now, "StatusMessage": change.message}
        job.secondary_status_transitions.append(step | ({"EndTime": now} if change.ended else {}))
        if change.secondary == "Training":
            job.training_start_time = now
        if change.artifacts is not None:
            job.model_artifacts = {"S3ModelArtifacts": change.artifacts}
        if change.ended:
            job.training_end_time = now
            job.failure_reason = change.failure
            if job.training_start_time is not None:
                job.training_time_in_seconds = round((now - job.training_start_time).total_seconds())
        job.last_modified_time = now
        job.secondary_status, job.training_job_status = change.secondary, change.status
        events.publish(_event(job, self._backend))
        if change.ended:
            self._wiring.ended()


def restore_training_jobs(region: str, described: Iterable[Mapping[str, Any]]) -> None:
    """Take over the jobs of an earlier stack, as DescribeTrainingJob gave them. One that ran then has failed."""
    backend = sagemaker_backends[DEFAULT_ACCOUNT_ID][region]
    for one in described:
        job: Moto = FakeTrainingJob.__new__(FakeTrainingJob)
        job.tags = []
        for name, value in one.items():
            setattr(job, _FIELDS.get(name) or camelcase_to_underscores(name), _timed(name, value))
        if job.training_job_status in {"InProgress", "Stopping"}:
            job.training_job_status = job.secondary_status = "Failed"
            job.failure_reason = "InternalServerError: the local stack ended while the job ran; start training again."
            job.training_end_time = job.last_modified_time
        backend.training_jobs[job.training_job_name] = job


def forget_training_jobs(region: str) -> None:
    """As if no job had ever been started, which no call can do. One that still runs is not stopped."""
    sagemaker_backends[DEFAULT_ACCOUNT_ID][region].training_jobs.clear()


def _timed(name: str, value: Any) -> Any:
    if isinstance(value, list) and name == "SecondaryStatusTransitions":
        return [{key: _timed(key, one) for key, one in step.items()} for step in value]
    if name.endswith("Time"):
        return datetime.fromisoformat(value).astimezone(UTC).replace(tzinfo=None)  # as moto keeps times
    return value


def _event(job: Moto, backend: Moto) -> dict[str, Any]:
    """The shape is the one in "Events that Amazon SageMaker AI sends to Amazon EventBridge" (Developer Guide)."""
    described = job.response_object
    detail = {name: _plain(described[name]) for name in _IN_EVENTS if name in described}
    detail["Tags"] = {tag["Key"]: tag["Value"] for tag in job.tags}
    return events.envelope(
        "aws.sagemaker", "SageMaker Training Job State Change", job.arn, backend.account_id, backend.region_name, detail
    )


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return int(value.replace(tzinfo=UTC).timestamp() * _MILLISECONDS)  # moto's times are UTC and do not say so
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list) else value

"""TrainingJobs on Amazon SageMaker: a training job, or an execution of a pipeline where the stack names one."""

import hashlib
import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final, cast

from botocore.exceptions import BotoCoreError, ClientError

from plumbline import keys
from plumbline.adapters import clients
from plumbline.adapters.training_image import autogluon_image
from plumbline.contracts.datasets import DatasetManifest
from plumbline.contracts.errors import TrainingNotConfigured, TrainingUnavailable
from plumbline.ports import TrainingJobs
from plumbline.settings import NO_TRAINING, TrainingSettings
from plumbline.training_code import PROGRAM

if TYPE_CHECKING:
    from mypy_boto3_sagemaker.literals import TrainingInstanceTypeType
    from mypy_boto3_sagemaker.type_defs import ChannelTypeDef

# Uploads the training code where it is not there yet, and gives its key in the data bucket.
PutCode = Callable[[], str]
_TRIES = 9
_ENDED_BADLY = {"Failed", "Stopped"}
_ENDED_WELL = {"Completed", "Succeeded"}
_INFO = 20
# The channel of a split, as SageMaker's own examples and training/ call it.
_CHANNEL: Final = {"train": "training", "validation": "validation", "test": "test"}


def training_jobs(settings: TrainingSettings, code: PutCode) -> TrainingJobs:
    """What starts training on this stack."""
    if settings.training_image == NO_TRAINING:
        return NoTraining()
    kind = SageMakerPipeline if settings.training_pipeline else SageMakerTrainingJobs
    return kind(settings, code)


class NoTraining:
    """For a stack that is told not to train."""

    def start(
        self,
        _job_name: str,
        _manifest: DatasetManifest,
        manifest_key: str,
        *,
        force: bool = False,  # noqa: ARG002 - the port's
    ) -> tuple[str, bool]:
        """Raise TrainingNotConfigured."""
        raise TrainingNotConfigured(
            "the stack's parameter TrainingImage is none; deploy it empty (AWS's AutoGluon container) or with an image "
            f"of your own, and drop {manifest_key} under {keys.MANIFESTS} to train this dataset"
        )


class SageMakerTrainingJobs:
    """Starts training jobs on the AutoGluon container; every split of the dataset is a channel of its own."""

    def __init__(self, settings: TrainingSettings, code: PutCode) -> None:
        self.settings = settings
        self._code = code

    def start(
        self, job_name: str, manifest: DatasetManifest, manifest_key: str, *, force: bool = False
    ) -> tuple[str, bool]:
        """Start the job; (name, True), or (name, False) for one that runs or has completed.

        A job that Failed or was Stopped is tried again under the next number; with `force` also one that completed.
        Raises TrainingNotConfigured where AWS has no container for the region, TrainingUnavailable.
        """
        request = self._request(manifest, manifest_key)
        for name in _names(job_name):
            try:
                clients.sagemaker().create_training_job(
                    TrainingJobName=name, HyperParameters=self._hyperparameters(name, manifest, manifest_key), **request
                )
            except ClientError as error:
                code = error.response["Error"]["Code"]
                if code != "ResourceInUse":
                    raise self._refused(name, code) from None
            except BotoCoreError as error:
                raise _unreachable(error) from None
            else:
                return name, True
            if not _again(self._status(name), force=force):
                return name, False
        raise _too_often(job_name)

    def _request(self, manifest: DatasetManifest, manifest_key: str) -> Any:
        settings, root = self.settings, f"s3://{self.settings.data_bucket}"
        image = settings.training_image or autogluon_image(
            clients.sagemaker().meta.region_name, settings.training_instance_type
        )
        channels = [_channel(_CHANNEL[file.split], f"{root}/{file.key}") for file in manifest.files]
        manifest_channel = _channel("manifest", f"{root}/{manifest_key}", "application/json")
        return {
            "RoleArn": settings.training_role_arn,
            "AlgorithmSpecification": {"TrainingImage": image, "TrainingInputMode": "File"},
            "InputDataConfig": [*channels, manifest_channel],
            "OutputDataConfig": {"S3OutputPath": f"{root}/{keys.models(manifest.task)}"},
            "ResourceConfig": {
                # boto3's stubs list the instance types they know; AWS has more every year.
                "InstanceType": cast("TrainingInstanceTypeType", settings.training_instance_type),
                "InstanceCount": 1,
                "VolumeSizeInGB": 50,
            },
            "StoppingCondition": {"MaxRuntimeInSeconds": settings.training_max_seconds},
            "Tags": [
                {"Key": "plumbline:task", "Value": manifest.task},
                {"Key": "plumbline:dataset", "Value": manifest.version},
            ],
        }

    def _hyperparameters(self, name: str, manifest: DatasetManifest, manifest_key: str) -> dict[str, str]:
        """Each value as JSON: so the SageMaker Python SDK sends them and the container's training toolkit reads them.

        Sources: params.py and environment.py of aws/sagemaker-training-toolkit, Framework.fit of the SDK.
        """
        settings, root = self.settings, f"s3://{self.settings.data_bucket}"
        values = {
            "sagemaker_program": PROGRAM,
            "sagemaker_submit_directory": f"{root}/{self._code()}",
            "sagemaker_container_log_level": _INFO,
            "sagemaker_region": clients.sagemaker().meta.region_name,
            "sagemaker_job_name": name,
            "task": manifest.task,
            "manifest": f"{root}/{manifest_key}",
            "encoder": settings.training_encoder,
            **settings.training_hyperparameters,
        }
        return {key: json.dumps(value) for key, value in values.items()}

    def _status(self, name: str) -> str:
        try:
            return clients.sagemaker().describe_training_job(TrainingJobName=name)["TrainingJobStatus"]
        except ClientError as error:
            raise self._refused(name, error.response["Error"]["Code"]) from None
        except BotoCoreError as error:
            raise _unreachable(error) from None

    def _refused(self, name: str, code: str) -> TrainingUnavailable:
        return TrainingUnavailable(
            f"SageMaker refused training job {name} with {code}; check the training role, the image and the "
            f"account's quota for {self.settings.training_instance_type}"
        )


class SageMakerPipeline:
    """Starts executions of a SageMaker Pipeline of the user's own, which trains as it likes.

    Its parameters are ManifestS3Uri, DatasetVersion, Task, CodeS3Uri and OutputS3Uri. A training job of its that writes
    to OutputS3Uri ends in promotion like any other.
    """

    def __init__(self, settings: TrainingSettings, code: PutCode) -> None:
        self.settings = settings
        self._code = code

    def start(
        self, job_name: str, manifest: DatasetManifest, manifest_key: str, *, force: bool = False
    ) -> tuple[str, bool]:
        """Start an execution under the job's name; its ARN and True, or False for one that runs or has succeeded.

        One that Failed or was Stopped is followed by the next number; with `force` also one that succeeded. Raises
        TrainingUnavailable.
        """
        try:
            executions = self._executions()
            for name in _names(job_name):
                if name in executions:
                    arn, status = executions[name]
                    if not _again(status, force=force):
                        return arn, False
                    continue
                return self._execute(name, manifest, manifest_key), True
        except ClientError as error:
            raise TrainingUnavailable(
                f"SageMaker refused an execution of pipeline {self.settings.training_pipeline} with "
                f"{error.response['Error']['Code']}; check that it is in this region, that the stack names it as its "
                "ARN does, and that it has the parameters of docs/operations.md"
            ) from None
        except BotoCoreError as error:
            raise _unreachable(error) from None
        raise _too_often(job_name)

    def _execute(self, name: str, manifest: DatasetManifest, manifest_key: str) -> str:
        root = f"s3://{self.settings.data_bucket}"
        parameters = {
            "ManifestS3Uri": f"{root}/{manifest_key}",
            "DatasetVersion": manifest.version,
            "Task": manifest.task,
            "CodeS3Uri": f"{root}/{self._code()}",
            "OutputS3Uri": f"{root}/{keys.models(manifest.task)}",
        }
        started = clients.sagemaker().start_pipeline_execution(
            PipelineName=self.settings.training_pipeline,
            PipelineExecutionDisplayName=name,
            PipelineParameters=[{"Name": key, "Value": value} for key, value in parameters.items()],
            # Two calls at once for one dataset are one execution.
            ClientRequestToken=hashlib.sha256(name.encode()).hexdigest(),
        )
        return started["PipelineExecutionArn"]

    def _executions(self) -> dict[str, tuple[str, str]]:
        """ARN and status of the pipeline's executions by display name; of several of one name the newest."""
        pages = clients.sagemaker().get_paginator("list_pipeline_executions")
        found: dict[str, tuple[str, str]] = {}
        for page in pages.paginate(PipelineName=self.settings.training_pipeline, SortOrder="Descending"):
            for one in page["PipelineExecutionSummaries"]:
                name = one.get("PipelineExecutionDisplayName", "")
                found.setdefault(name, (one["PipelineExecutionArn"], one["PipelineExecutionStatus"]))
        return found


def _names(job_name: str) -> Iterator[str]:
    for number in range(1, _TRIES + 1):
        yield job_name + (f"-{number}" if number > 1 else "")


def _again(status: str, *, force: bool) -> bool:
    return status in _ENDED_BADLY or (force and status in _ENDED_WELL)


def _too_often(job_name: str) -> TrainingUnavailable:
    return TrainingUnavailable(
        f"{job_name} has been trained {_TRIES} times; see the jobs' logs, and label more cases for a dataset of its own"
    )


def _unreachable(error: BotoCoreError) -> TrainingUnavailable:
    return TrainingUnavailable(f"SageMaker could not be reached ({type(error).__name__})")


def _channel(name: str, uri: str, content_type: str = "application/x-ndjson") -> "ChannelTypeDef":
    # A whole key is a prefix that one object has: SageMaker puts it into the channel's folder under its own name.
    source = {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
    channel = {"ChannelName": name, "ContentType": content_type, "DataSource": {"S3DataSource": source}}
    return cast("ChannelTypeDef", channel)

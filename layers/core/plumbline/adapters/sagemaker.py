"""TrainingJobs on Amazon SageMaker."""

from typing import TYPE_CHECKING, cast

from botocore.exceptions import BotoCoreError, ClientError

from plumbline import keys
from plumbline.adapters import clients
from plumbline.contracts.datasets import DatasetManifest, SplitFile
from plumbline.contracts.errors import TrainingNotConfigured, TrainingUnavailable
from plumbline.settings import TrainingSettings

if TYPE_CHECKING:
    from mypy_boto3_sagemaker.literals import TrainingInstanceTypeType
    from mypy_boto3_sagemaker.type_defs import ChannelTypeDef

_TRIES = 9
_MAX_NAME = 60  # SageMaker allows 63; three are left for "-2" and on
_ENDED_BADLY = {"Failed", "Stopped"}


class SageMakerTrainingJobs:
    """Starts training jobs on the AutoGluon container; every split of the dataset is a channel of its own."""

    def __init__(self, settings: TrainingSettings) -> None:
        self.settings = settings

    def start(
        self, job_name: str, manifest: DatasetManifest, manifest_key: str, *, force: bool = False
    ) -> tuple[str, bool]:
        """Start the job; (name, True), or (name, False) for one that runs or has completed.

        A job that Failed or was Stopped is tried again under the next number. Raises TrainingNotConfigured where the
        stack has no training image, TrainingUnavailable.
        """
        if not self.settings.training_image:
            raise TrainingNotConfigured(
                "the stack's parameter TrainingImage is empty; set it to the AutoGluon container of your region and "
                f"drop {manifest_key} under {keys.MANIFESTS} to train this dataset"
            )
        for number in range(1, _TRIES + 1):
            name = job_name[:_MAX_NAME] + (f"-{number}" if number > 1 else "")
            try:
                self._create(name, manifest, manifest_key)
            except ClientError as error:
                code = error.response["Error"]["Code"]
                if code != "ResourceInUse":
                    raise self._refused(name, code) from None
            except BotoCoreError as error:
                raise TrainingUnavailable(f"SageMaker could not be reached ({type(error).__name__})") from None
            else:
                return name, True
            status = self._status(name)
            if status not in _ENDED_BADLY and not (force and status == "Completed"):
                return name, False
        raise TrainingUnavailable(f"training job {job_name} failed {_TRIES} times; see its logs before trying again")

    def _create(self, name: str, manifest: DatasetManifest, manifest_key: str) -> None:
        settings, root = self.settings, f"s3://{self.settings.data_bucket}"
        clients.sagemaker().create_training_job(
            TrainingJobName=name,
            RoleArn=settings.training_role_arn,
            AlgorithmSpecification={"TrainingImage": settings.training_image, "TrainingInputMode": "File"},
            HyperParameters={"task": manifest.task, "manifest": f"{root}/{manifest_key}"},
            InputDataConfig=[_channel(root, file) for file in manifest.files],
            OutputDataConfig={"S3OutputPath": f"{root}/{keys.models(manifest.task)}"},
            ResourceConfig={
                # boto3's stubs list the instance types they know; AWS has more every year.
                "InstanceType": cast("TrainingInstanceTypeType", settings.training_instance_type),
                "InstanceCount": 1,
                "VolumeSizeInGB": 50,
            },
            StoppingCondition={"MaxRuntimeInSeconds": settings.training_max_seconds},
            Tags=[
                {"Key": "plumbline:task", "Value": manifest.task},
                {"Key": "plumbline:dataset", "Value": manifest.version},
            ],
        )

    def _status(self, name: str) -> str:
        try:
            return clients.sagemaker().describe_training_job(TrainingJobName=name)["TrainingJobStatus"]
        except ClientError as error:
            raise self._refused(name, error.response["Error"]["Code"]) from None

    def _refused(self, name: str, code: str) -> TrainingUnavailable:
        return TrainingUnavailable(
            f"SageMaker refused training job {name} with {code}; check the training role, the image and the "
            f"account's quota for {self.settings.training_instance_type}"
        )


def _channel(root: str, file: SplitFile) -> "ChannelTypeDef":
    source = {"S3DataType": "S3Prefix", "S3Uri": f"{root}/{file.key}", "S3DataDistributionType": "FullyReplicated"}
    channel = {
        "ChannelName": file.split,
        "ContentType": "application/x-ndjson",
        "DataSource": {"S3DataSource": source},
    }
    return cast("ChannelTypeDef", channel)

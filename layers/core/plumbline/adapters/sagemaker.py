"""TrainingJobs on Amazon SageMaker."""

from typing import TYPE_CHECKING, cast

from botocore.exceptions import BotoCoreError, ClientError

from plumbline import keys
from plumbline.adapters import clients
from plumbline.contracts.datasets import DatasetManifest
from plumbline.contracts.errors import TrainingUnavailable
from plumbline.settings import TrainingSettings

if TYPE_CHECKING:
    from mypy_boto3_sagemaker.literals import TrainingInstanceTypeType


class SageMakerTrainingJobs:
    """Starts training jobs on the AutoGluon container; every split of the dataset is a channel of its own."""

    def __init__(self, settings: TrainingSettings) -> None:
        self.settings = settings

    def start(self, job_name: str, manifest: DatasetManifest, manifest_key: str) -> bool:
        """Start the job; False when a job of that name exists. Raises TrainingUnavailable."""
        settings = self.settings
        root = f"s3://{settings.data_bucket}"
        try:
            clients.sagemaker().create_training_job(
                TrainingJobName=job_name,
                RoleArn=settings.training_role_arn,
                AlgorithmSpecification={"TrainingImage": settings.training_image, "TrainingInputMode": "File"},
                HyperParameters={"task": manifest.task, "manifest": f"{root}/{manifest_key}"},
                InputDataConfig=[
                    {
                        "ChannelName": file.split,
                        "ContentType": "application/x-ndjson",
                        "DataSource": {
                            "S3DataSource": {
                                "S3DataType": "S3Prefix",
                                "S3Uri": f"{root}/{file.key}",
                                "S3DataDistributionType": "FullyReplicated",
                            }
                        },
                    }
                    for file in manifest.files
                ],
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
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code == "ResourceInUse":
                return False
            raise TrainingUnavailable(
                f"SageMaker refused training job {job_name} with {code}; check the training role, the image and the "
                f"account's quota for {settings.training_instance_type}"
            ) from error
        except BotoCoreError as error:
            raise TrainingUnavailable(f"SageMaker could not be reached ({type(error).__name__})") from error
        return True

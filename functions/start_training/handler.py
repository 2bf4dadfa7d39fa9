"""StartTraining: a dataset manifest becomes a SageMaker training job."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from plumbline.adapters.s3 import S3ObjectStore
from plumbline.adapters.sagemaker import SageMakerTrainingJobs
from plumbline.observability import count, stage
from plumbline.settings import TrainingSettings, from_env
from plumbline.start_training import start_training, task_from_event


@stage("start_training")
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """TrainingTask, or EventBridge's "Object Created" for a manifest → TrainingStarted."""
    settings = from_env(TrainingSettings)
    started = start_training(
        task_from_event(event), data=S3ObjectStore(settings.data_bucket), jobs=SageMakerTrainingJobs(settings)
    )
    count("TrainingJobsStarted", int(not started.already_started))
    return started.model_dump(mode="json")

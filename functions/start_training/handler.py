"""StartTraining: a dataset manifest becomes a SageMaker training job, or an execution of the stack's pipeline."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from plumbline.adapters.s3 import S3ObjectStore
from plumbline.adapters.sagemaker import training_jobs
from plumbline.observability import count, stage
from plumbline.settings import TrainingSettings, from_env
from plumbline.start_training import start_training, task_from_event
from plumbline.training_code import put_training_code


@stage("start_training")
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """TrainingTask, or EventBridge's "Object Created" for a manifest → TrainingStarted."""
    settings = from_env(TrainingSettings)
    data = S3ObjectStore(settings.data_bucket)
    started = start_training(
        task_from_event(event, data.metadata),
        data=data,
        jobs=training_jobs(settings, code=lambda: put_training_code(settings.training_dir, data)),
    )
    count("TrainingJobsStarted", int(not started.already_started))
    return started.model_dump(mode="json")

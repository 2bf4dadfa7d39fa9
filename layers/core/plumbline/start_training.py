"""StartTraining: a dataset manifest becomes a training job."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from plumbline.contracts.datasets import DatasetManifest, TrainingStarted
from plumbline.contracts.errors import DatasetTooSmall, InvalidEvent
from plumbline.contracts.runs import TrainingTask
from plumbline.ports import ObjectStore, TrainingJobs


def task_from_event(event: Mapping[str, Any]) -> TrainingTask:
    """The manifest an event speaks of: a TrainingTask, or S3's "Object Created" of a manifest. Raises InvalidEvent."""
    try:
        key = event["detail"]["object"]["key"] if "detail" in event else event["manifest_key"]
        return TrainingTask(manifest_key=key)
    except (KeyError, TypeError, ValidationError):
        raise InvalidEvent("neither {manifest_key: …} nor an S3 'Object Created' event") from None


def start_training(task: TrainingTask, *, data: ObjectStore, jobs: TrainingJobs) -> TrainingStarted:
    """Start one training job for the manifest's dataset; the same dataset never starts a second one.

    Raises MissingObject or InvalidEvent for a manifest that is not there or not one, DatasetTooSmall when a class is
    missing from a split, TrainingNotConfigured and TrainingUnavailable.
    """
    try:
        manifest = DatasetManifest.model_validate_json(data.read(task.manifest_key))
    except ValidationError as error:
        fields = ", ".join(".".join(map(str, e["loc"])) for e in error.errors(include_input=False)[:5])
        raise InvalidEvent(f"{task.manifest_key} is no dataset manifest (wrong: {fields or 'not JSON'})") from None
    for file in manifest.files:
        absent = [name for name in manifest.categories if not file.per_class.get(name)]
        if absent:
            raise DatasetTooSmall(
                f"dataset {manifest.version}: {file.split} has no case of {', '.join(absent)}; label more cases of "
                "these classes (three a class is the least that can be split)"
            )
    name, started = jobs.start(job_name(manifest), manifest, task.manifest_key)
    return TrainingStarted(job_name=name, already_started=not started, manifest_key=task.manifest_key)


def job_name(manifest: DatasetManifest) -> str:
    """The job's name follows from the dataset, so that SageMaker itself refuses to train it twice."""
    return f"plumbline-{manifest.task.replace('_', '-')}-{manifest.version}"

"""StartTraining: a dataset manifest becomes a training job."""

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from plumbline.contracts.base import wrong_fields
from plumbline.contracts.datasets import DatasetManifest, SplitFile, TrainingStarted
from plumbline.contracts.errors import DatasetTooSmall, InvalidDataset, InvalidEvent, MissingObject
from plumbline.contracts.runs import TrainingTask
from plumbline.ports import ObjectStore, TrainingJobs

# An object's user-defined S3 metadata by key: where a dropped manifest says `force: true`.
Metadata = Callable[[str], Mapping[str, str]]
LONGEST_NAME = 60  # SageMaker allows 63; three are left for "-2" and on
_SPLITS = {"train", "validation", "test"}
_TRUE = {"1", "true", "yes"}
_AGAIN = "upload the files that the manifest names, or let a labeling run write the dataset again"


def task_from_event(event: Mapping[str, Any], metadata: Metadata) -> TrainingTask:
    """What an event asks for: a TrainingTask, or S3's "Object Created" of a manifest, forced by its user metadata.

    Raises InvalidEvent, and MissingObject for an upload that is gone.
    """
    try:
        if "detail" not in event:
            return TrainingTask.model_validate(event)
        task = TrainingTask(manifest_key=event["detail"]["object"]["key"])
    except (KeyError, TypeError, ValidationError):
        raise InvalidEvent("neither {manifest_key: …} nor an S3 'Object Created' event") from None
    forced = str(metadata(task.manifest_key).get("force", "")).strip().lower() in _TRUE
    return task.model_copy(update={"force": forced})


def start_training(task: TrainingTask, *, data: ObjectStore, jobs: TrainingJobs) -> TrainingStarted:
    """Start one training job for the manifest's dataset; the same dataset starts a second one only when forced.

    Raises MissingObject or InvalidEvent for a manifest that is not there or not one, InvalidDataset for one whose files
    are not those in the bucket, DatasetTooSmall when a class is missing from a split, TrainingNotConfigured and
    TrainingUnavailable.
    """
    manifest = _read(task.manifest_key, data)
    _check_splits(manifest)
    for file in manifest.files:
        absent = [name for name in manifest.categories if not file.per_class.get(name)]
        if absent:
            raise DatasetTooSmall(
                f"dataset {manifest.version}: {file.split} has no case of {', '.join(absent)}; label more cases of "
                "these classes (three a class is the least that can be split)"
            )
    for file in manifest.files:
        _check_file(manifest, file, data)
    name, started = jobs.start(job_name(manifest), manifest, task.manifest_key, force=task.force)
    return TrainingStarted(job_name=name, already_started=not started, manifest_key=task.manifest_key)


def job_name(manifest: DatasetManifest) -> str:
    """The job's name follows from the dataset, so that SageMaker itself refuses to train it twice.

    At most LONGEST_NAME characters; a longer one ends in a hash of the whole, so that no two datasets share a name.
    """
    whole = f"plumbline-{manifest.task}-{manifest.version}"
    name = re.sub(r"[^A-Za-z0-9]+", "-", whole).strip("-")
    if len(name) <= LONGEST_NAME:
        return name
    digest = hashlib.sha256(whole.encode()).hexdigest()[:12]
    return f"{name[: LONGEST_NAME - 1 - len(digest)].rstrip('-')}-{digest}"


def _read(key: str, data: ObjectStore) -> DatasetManifest:
    try:
        return DatasetManifest.model_validate_json(data.read(key))
    except ValidationError as error:
        raise InvalidEvent(f"{key} is no dataset manifest (wrong: {wrong_fields(error)})") from None


def _check_splits(manifest: DatasetManifest) -> None:
    named = sorted(file.split for file in manifest.files)
    if named != sorted(_SPLITS):
        raise InvalidDataset(
            f"dataset {manifest.version}: the manifest names files of {', '.join(named) or 'no split'}; it has to name "
            f"one each of train, validation and test: {_AGAIN}"
        )


def _check_file(manifest: DatasetManifest, file: SplitFile, data: ObjectStore) -> None:
    """What can be told without reading the file; training compares its sha256."""
    try:
        size = data.size(file.key)
    except MissingObject:
        raise InvalidDataset(
            f"dataset {manifest.version}: its {file.split} file {file.key} is not in the data bucket; {_AGAIN}"
        ) from None
    if size != file.bytes:
        raise InvalidDataset(
            f"dataset {manifest.version}: its {file.split} file {file.key} has {size:,} bytes, the manifest says "
            f"{file.bytes:,}; it was changed or cut short: {_AGAIN}"
        )

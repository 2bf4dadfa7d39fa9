"""StartTraining: a manifest starts one training job."""

from typing import Any

import pytest

from plumbline.contracts.datasets import DatasetManifest, SplitFile
from plumbline.contracts.errors import DatasetTooSmall, InvalidEvent, MissingObject
from plumbline.contracts.runs import TrainingTask
from plumbline.start_training import start_training, task_from_event
from tests import builders as b
from tests.fakes import MemoryStore, MemoryTrainingJobs


def manifest(**per_class: int) -> DatasetManifest:
    return DatasetManifest(
        task="root_cause",
        version="abc123",
        created_at=b.NOW,
        verdict="balanced",
        target_per_class=3,
        categories=tuple(per_class),
        per_class=per_class,
        files=tuple(
            SplitFile(split=split, key=f"datasets/{split}.jsonl", sha256="0", bytes=1, rows=3, per_class=per_class)
            for split in ("train", "validation", "test")
        ),
        prompts=(b.REF,),
        model_ids=("local.test",),
        run_ids=("run-1",),
        near_duplicates_left_out=0,
    )


def store(content: DatasetManifest) -> MemoryStore:
    return MemoryStore({"m.json": content.model_dump_json().encode()})


def test_a_dataset_is_trained_once() -> None:
    jobs, data, task = MemoryTrainingJobs(), store(manifest(x=3, y=3)), TrainingTask(manifest_key="m.json")
    first = start_training(task, data=data, jobs=jobs)
    again = start_training(task, data=data, jobs=jobs)
    assert first.job_name == again.job_name == "plumbline-root-cause-abc123"
    assert (first.already_started, again.already_started) == (False, True)


def test_a_class_that_is_missing_from_a_split_is_refused_with_what_to_do() -> None:
    with pytest.raises(DatasetTooSmall, match="train has no case of y; label more"):
        start_training(TrainingTask(manifest_key="m.json"), data=store(manifest(x=3, y=0)), jobs=MemoryTrainingJobs())


def test_what_is_no_manifest_is_refused() -> None:
    jobs = MemoryTrainingJobs()
    with pytest.raises(InvalidEvent, match="no dataset manifest"):
        start_training(TrainingTask(manifest_key="m"), data=MemoryStore({"m": b"{}"}), jobs=jobs)
    with pytest.raises(InvalidEvent, match="no dataset manifest"):
        start_training(TrainingTask(manifest_key="m"), data=MemoryStore({"m": b"not json"}), jobs=jobs)
    with pytest.raises(MissingObject):
        start_training(TrainingTask(manifest_key="gone"), data=MemoryStore(), jobs=jobs)


@pytest.mark.parametrize(
    "event", [{"manifest_key": "manifests/m.json"}, {"detail": {"object": {"key": "manifests/m.json"}}}]
)
def test_a_manifest_comes_from_the_state_machine_or_from_the_bucket(event: dict[str, Any]) -> None:
    assert task_from_event(event).manifest_key == "manifests/m.json"


@pytest.mark.parametrize("event", [{}, {"detail": {}}, {"manifest_key": 3}, {"detail": None}])
def test_another_event_is_refused(event: dict[str, Any]) -> None:
    with pytest.raises(InvalidEvent):
        task_from_event(event)

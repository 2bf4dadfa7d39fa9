"""StartTraining: a manifest starts one training job."""

from collections.abc import Mapping
from typing import Any

import pytest

from plumbline.contracts.datasets import DatasetManifest, SplitFile, TrainingStarted
from plumbline.contracts.errors import DatasetTooSmall, InvalidDataset, InvalidEvent, InvalidSettings, MissingObject
from plumbline.contracts.runs import TrainingTask
from plumbline.settings import TrainingSettings, from_env
from plumbline.start_training import job_name, start_training, task_from_event
from tests import builders as b
from tests.fakes import MemoryStore, MemoryTrainingJobs

SPLITS = ("train", "validation", "test")


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


def store(content: DatasetManifest, **files: bytes) -> MemoryStore:
    body = content.model_dump_json().encode()
    whole = {f"datasets/{split}.jsonl": files.get(split, b"1") for split in SPLITS}
    return MemoryStore({"m.json": body, "manifests/copy.json": body} | whole)


def start(data: MemoryStore, jobs: MemoryTrainingJobs | None = None, **task: Any) -> TrainingStarted:
    asked = TrainingTask.model_validate({"manifest_key": "m.json"} | task)
    return start_training(asked, data=data, jobs=jobs or MemoryTrainingJobs())


def test_a_dataset_is_trained_once_also_from_a_copy_of_its_manifest() -> None:
    jobs, data = MemoryTrainingJobs(), store(manifest(x=3, y=3))
    first = start(data, jobs)
    again = [start(data, jobs), start(data, jobs, manifest_key="manifests/copy.json")]
    assert {one.job_name for one in (first, *again)} == {"plumbline-root-cause-abc123"}
    assert [one.already_started for one in (first, *again)] == [False, True, True]
    assert not start(data, jobs, force=True).already_started


def test_a_class_that_is_missing_from_a_split_is_refused_with_what_to_do() -> None:
    with pytest.raises(DatasetTooSmall, match="train has no case of y; label more"):
        start(store(manifest(x=3, y=0)))


def test_a_file_that_is_missing_is_named_with_what_to_do() -> None:
    data = store(manifest(x=3, y=3))
    del data.objects["datasets/validation.jsonl"]
    jobs = MemoryTrainingJobs()
    with pytest.raises(InvalidDataset, match=r"its validation file datasets/validation.jsonl is not in .*; upload"):
        start(data, jobs)
    assert not jobs.started


@pytest.mark.parametrize("content", [b"", b"12"])
def test_a_file_of_another_size_is_named_with_both_sizes(content: bytes) -> None:
    with pytest.raises(InvalidDataset, match=rf"test file .* has {len(content)} bytes, the manifest says 1; it was"):
        start(store(manifest(x=3, y=3), test=content))


@pytest.mark.parametrize("splits", [(), ("train",), ("train", "validation", "test", "test"), ("train", "test", "test")])
def test_a_manifest_has_one_file_of_each_split(splits: tuple[str, ...]) -> None:
    whole = manifest(x=3, y=3)
    files = tuple(next(file for file in whole.files if file.split == split) for split in splits)
    with pytest.raises(InvalidDataset, match="one each of train, validation and test"):
        start(store(whole.model_copy(update={"files": files})))


def test_what_is_no_manifest_is_refused() -> None:
    with pytest.raises(InvalidEvent, match="no dataset manifest"):
        start(MemoryStore({"m.json": b"{}"}))
    with pytest.raises(InvalidEvent, match="no dataset manifest"):
        start(MemoryStore({"m.json": b"not json"}))
    with pytest.raises(MissingObject):
        start(MemoryStore(), manifest_key="gone")


@pytest.mark.parametrize("version", ["abc123", "v1.2", "2026_11 (copy)", "..", "ünï", "a" * 200, "-a" * 40])
def test_a_jobs_name_is_one_that_sagemaker_takes(version: str) -> None:
    name = job_name(manifest(x=3).model_copy(update={"version": version}))
    assert name.replace("-", "").isalnum()
    assert name.isascii()
    assert not name.endswith("-")
    assert len(name) <= 60


def test_datasets_of_a_task_with_a_long_name_are_jobs_of_their_own() -> None:
    long = manifest(x=3).model_copy(update={"task": "root_cause_of_" * 5})
    first, second = (job_name(long.model_copy(update={"version": version})) for version in ("abc123", "abc124"))
    assert first != second
    assert first.startswith("plumbline-root-cause-of-")


NO_METADATA: Mapping[str, str] = {}


def from_bucket(**metadata: str) -> TrainingTask:
    asked = []

    def of(key: str) -> Mapping[str, str]:
        asked.append(key)
        return metadata

    task = task_from_event({"detail": {"object": {"key": "manifests/m.json"}}}, of)
    assert asked == ["manifests/m.json"]
    return task


def test_a_dropped_manifest_trains_again_where_its_metadata_says_so() -> None:
    assert from_bucket() == TrainingTask(manifest_key="manifests/m.json")
    for yes in ("true", "True", "1", "yes "):
        assert from_bucket(force=yes).force
    for no in ("false", "", "0", "no"):
        assert not from_bucket(force=no).force


def test_a_task_comes_from_the_state_machine_and_the_command_line() -> None:
    task = task_from_event({"manifest_key": "m", "force": True}, lambda _: NO_METADATA)
    assert task == TrainingTask(manifest_key="m", force=True)
    assert not task_from_event({"manifest_key": "m"}, lambda _: NO_METADATA).force


@pytest.mark.parametrize(
    "event", [{}, {"detail": {}}, {"manifest_key": 3}, {"detail": None}, {"manifest_key": "m", "x": 1}]
)
def test_another_event_is_refused(event: dict[str, Any]) -> None:
    with pytest.raises(InvalidEvent):
        task_from_event(event, lambda _: NO_METADATA)


NEEDED = {"DATA_BUCKET": "b", "TRAINING_DIR": "t", "TRAINING_ROLE_ARN": "r"}


def test_hyperparameters_come_as_a_json_object() -> None:
    given = '{"epochs": 6, "learning_rate": 2e-4, "quantize": "none"}'
    settings = from_env(TrainingSettings, NEEDED | {"TRAINING_HYPERPARAMETERS": given})
    assert settings.training_hyperparameters == {"epochs": 6, "learning_rate": 2e-4, "quantize": "none"}
    assert isinstance(settings.training_hyperparameters["epochs"], int)
    assert from_env(TrainingSettings, NEEDED).training_hyperparameters == {}


@pytest.mark.parametrize(
    "given",
    ["epochs=6", "[]", "{", '{"epochs": [1]}', '{"sagemaker_program": "x.py"}', '{"task": "t"}', '{"encoder": "e"}',
     '{"Epochs": 1}', '{"--epochs": 1}'],
)  # fmt: skip
def test_hyperparameters_that_cannot_be_used_are_refused_by_the_variables_name(given: str) -> None:
    with pytest.raises(InvalidSettings, match="TRAINING_HYPERPARAMETERS"):
        from_env(TrainingSettings, NEEDED | {"TRAINING_HYPERPARAMETERS": given})

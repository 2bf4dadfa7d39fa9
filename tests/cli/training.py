"""A training job as the commands meet it: SageMaker's and CloudWatch's answers, a model's row and card."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from plumbline.contracts.accuracy import Interval
from plumbline.contracts.datasets import DatasetManifest, Split, SplitFile
from plumbline.contracts.models import Comparison, Difference, ModelRow

JOB = "plumbline-root-cause-d20261122-1f3a"
_SPLITS: tuple[tuple[Split, int], ...] = (("train", 80), ("validation", 10), ("test", 10))
BEGAN = datetime(2026, 11, 22, 16, 0, tzinfo=UTC)


def job(status: str = "InProgress", *secondary: str, **more: Any) -> dict[str, Any]:
    """DescribeTrainingJob's answer: the phases began a minute apart."""
    phases = secondary or ("Starting",)
    changes = [
        {"Status": name, "StartTime": BEGAN + timedelta(minutes=n), "StatusMessage": f"{name} now"}
        for n, name in enumerate(phases)
    ]
    return {
        "TrainingJobName": JOB,
        "TrainingJobStatus": status,
        "SecondaryStatus": phases[-1],
        "SecondaryStatusTransitions": changes,
        "CreationTime": BEGAN,
        "InputDataConfig": [
            {
                "ChannelName": "train",
                "DataSource": {"S3DataSource": {"S3Uri": "s3://data/datasets/root_cause/d20261122-1f3a/train.jsonl"}},
            }
        ],
        "OutputDataConfig": {"S3OutputPath": "s3://data/models/root_cause"},
        **more,
    }


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "Asked")


class FakeSageMaker:
    """Gives each answer once, the last one again and again."""

    def __init__(self, *answers: Mapping[str, Any] | Exception) -> None:
        self._coming: Iterator[Mapping[str, Any] | Exception] = iter(answers)
        self._last = answers[-1]
        self.stopped: list[str] = []

    def describe_training_job(self, **_: str) -> Mapping[str, Any]:
        answer = next(self._coming, self._last)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def stop_training_job(self, **asked: str) -> None:
        self.stopped.append(asked["TrainingJobName"])


class FakeLogs:
    """One stream; `add` writes a line."""

    def __init__(self, *lines: str, error: Exception | None = None) -> None:
        self.lines = list(lines)
        self._error = error

    def add(self, line: str) -> None:
        self.lines.append(line)

    def describe_log_streams(self, **asked: str) -> dict[str, Any]:
        if self._error:
            raise self._error
        return {"logStreams": [{"logStreamName": f"{asked['logStreamNamePrefix']}algo-1-17"}] if self.lines else []}

    def get_log_events(self, **asked: Any) -> dict[str, Any]:
        at = int(asked.get("nextToken", "0"))
        new = self.lines[at : at + 2]
        return {"events": [{"message": line} for line in new], "nextForwardToken": str(at + len(new))}


def row(status: str = "promoted", *reasons: str, **more: Any) -> ModelRow:
    """What promotion decided."""
    values: dict[str, Any] = {
        "task": "root_cause",
        "version": JOB,
        "status": status,
        "decided_at": BEGAN + timedelta(minutes=9),
        "reasons": reasons,
        "dataset_version": "d20261122-1f3a",
        "accuracy": Interval(value=0.8, low=0.7, high=0.88, n=90),
        "macro_f1": 0.79,
        **more,
    }
    return ModelRow.model_validate(values)


def comparison() -> Comparison:
    return Comparison(
        current="plumbline-root-cause-old",
        cases=90,
        only_candidate=9,
        only_current=4,
        p_value=0.27,
        differences=(Difference(metric="accuracy", value=0.055, low=-0.02, high=0.13),),
    )


def manifest(version: str = "d20261122-1f3a", *, day: int = 22, **more: Any) -> DatasetManifest:
    """A dataset of two classes."""
    files = tuple(
        SplitFile(
            split=split,
            key=f"datasets/root_cause/{version}/{split}.jsonl",
            sha256="0" * 64,
            bytes=10,
            rows=rows,
            per_class={"A": rows // 2, "B": rows // 2},
        )
        for split, rows in _SPLITS
    )
    values: dict[str, Any] = {
        "task": "root_cause",
        "version": version,
        "created_at": datetime(2026, 11, day, tzinfo=UTC),
        "verdict": "balanced",
        "target_per_class": 50,
        "categories": ("A", "B"),
        "per_class": {"A": 50, "B": 50},
        "files": files,
        "prompts": (),
        "model_ids": ("local.embedding",),
        "run_ids": ("run-1",),
        "near_duplicates_left_out": 0,
        **more,
    }
    return DatasetManifest.model_validate(values)

"""A training job as the commands meet it: SageMaker's and CloudWatch's answers, a model's row and card."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from cli.stack import Stack
from plumbline import keys
from plumbline.adapters.registry import AwsModelRegistry
from plumbline.contracts.accuracy import Interval
from plumbline.contracts.datasets import DatasetManifest, Split, SplitFile
from plumbline.contracts.models import Comparison, Difference, ModelPointer, ModelRow

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


EXECUTION = "arn:aws:sagemaker:us-east-1:123456789012:pipeline/train/execution/x1"


def step(job: str = JOB, **more: Any) -> dict[str, Any]:
    """A pipeline's training step as ListPipelineExecutionSteps gives it."""
    arn = f"arn:aws:sagemaker:us-east-1:123456789012:training-job/{job}"
    return {"StepName": "Train", "StepStatus": "Executing", "Metadata": {"TrainingJob": {"Arn": arn}}, **more}


def execution(status: str, *steps: Mapping[str, Any], **more: Any) -> tuple[tuple[str, dict[str, Any]], ...]:
    """What SageMaker answers when asked about the execution; its steps are the newest first."""
    described = {"PipelineExecutionArn": EXECUTION, "PipelineExecutionStatus": status, "CreationTime": BEGAN, **more}
    return (
        ("describe_pipeline_execution", described),
        ("list_pipeline_execution_steps", {"PipelineExecutionSteps": list(steps)}),
    )


def trains(found: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """DescribeTrainingJob's whole answer, as botocore knows its shape."""
    source = {"S3DataType": "S3Prefix", "S3Uri": "s3://data/datasets/root_cause/d20261122-1f3a/train.jsonl"}
    whole = {
        "TrainingJobArn": f"arn:aws:sagemaker:us-east-1:123456789012:training-job/{found['TrainingJobName']}",
        "ModelArtifacts": {"S3ModelArtifacts": ""},
        "AlgorithmSpecification": {"TrainingInputMode": "File"},
        "ResourceConfig": {"VolumeSizeInGB": 1},
        "StoppingCondition": {},
        **found,
        "InputDataConfig": [{"ChannelName": "train", "DataSource": {"S3DataSource": source}}],
    }
    return "describe_training_job", whole


def stubbed(*answers: tuple[str, dict[str, Any]]) -> Any:
    """A real client of SageMaker that gives these answers, in this order; botocore checks what is asked and answered.

    The embedded AWS has no pipelines that run: moto keeps an execution, but makes no steps and no jobs of it.
    """
    client = boto3.client("sagemaker", region_name="us-east-1")
    stub = Stubber(client)
    for method, answer in answers:
        stub.add_response(method, answer)
    stub.activate()
    return client


class FakeLogs:
    """One stream; `add` writes a line. The lines were written a second apart, from three minutes after the start on."""

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
        first = int((BEGAN + timedelta(minutes=3)).timestamp())
        events = [{"message": line, "timestamp": (first + n) * 1000} for n, line in enumerate(new, start=at)]
        return {"events": events, "nextForwardToken": str(at + len(new))}


def create(name: str, bucket: str, task: str = "root_cause", **more: Any) -> None:
    boto3.client("sagemaker").create_training_job(
        TrainingJobName=name,
        RoleArn="arn:aws:iam::123456789012:role/x",
        AlgorithmSpecification={"TrainingImage": "i", "TrainingInputMode": "File"},
        OutputDataConfig={"S3OutputPath": f"s3://{bucket}/models/{task}"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 60},
        **more,
    )


def serve(
    where: Stack, version: str = JOB, *, at: datetime = BEGAN, why: str = "gate", previous: str | None = "v1"
) -> None:
    """Point the stack at a version."""
    pointer = {"task": "root_cause", "version": version, "prefix": keys.serving("root_cause", version), "files": (),
               "promoted_at": at, "why": why, "previous": previous}  # fmt: skip
    AwsModelRegistry(where.model_parameters, where.ledger_table).point_to(ModelPointer.model_validate(pointer))


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

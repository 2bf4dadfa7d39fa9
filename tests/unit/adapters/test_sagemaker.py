"""Training jobs and pipeline executions against moto, and against SageMaker's answers where moto has none."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from plumbline.adapters import clients
from plumbline.adapters.sagemaker import training_jobs
from plumbline.adapters.training_image import autogluon_image
from plumbline.contracts.errors import TrainingNotConfigured, TrainingUnavailable
from plumbline.ports import TrainingJobs
from plumbline.settings import TrainingSettings, from_env
from tests import builders as b
from tests.unit.test_start_training import manifest

ENVIRONMENT = {
    "DATA_BUCKET": "data",
    "TRAINING_DIR": "training",
    "TRAINING_ROLE_ARN": "arn:aws:iam::123456789012:role/training",
}
ROLE = ENVIRONMENT["TRAINING_ROLE_ARN"]


@pytest.fixture(autouse=True)
def aws() -> Iterator[None]:
    clients._client.cache_clear()
    with mock_aws():
        yield
    clients._client.cache_clear()


def jobs(**more: str) -> TrainingJobs:
    return training_jobs(from_env(TrainingSettings, ENVIRONMENT | more), lambda: "code/training/abc/sourcedir.tar.gz")


def described(name: str) -> dict[str, Any]:
    job: dict[str, Any] = dict(boto3.client("sagemaker").describe_training_job(TrainingJobName=name))
    return job


def test_a_job_gets_the_dataset_its_manifest_and_the_code_as_the_training_toolkit_reads_them() -> None:
    service = jobs(TRAINING_HYPERPARAMETERS='{"epochs": 6, "quantize": "none"}', TRAINING_MAX_SECONDS="600")
    assert service.start("job-1", manifest(x=3), "manifests/m.json") == ("job-1", True)
    job = described("job-1")
    channels = {c["ChannelName"]: c["DataSource"]["S3DataSource"] for c in job["InputDataConfig"]}
    assert {name: source["S3Uri"] for name, source in channels.items()} == {
        "training": "s3://data/datasets/train.jsonl",
        "validation": "s3://data/datasets/validation.jsonl",
        "test": "s3://data/datasets/test.jsonl",
        "manifest": "s3://data/manifests/m.json",
    }
    assert {source["S3DataType"] for source in channels.values()} == {"S3Prefix"}
    assert {name: json.loads(value) for name, value in job["HyperParameters"].items()} == {
        "sagemaker_program": "training/train.py",
        "sagemaker_submit_directory": "s3://data/code/training/abc/sourcedir.tar.gz",
        "sagemaker_container_log_level": 20,
        "sagemaker_region": "us-east-1",
        "sagemaker_job_name": "job-1",
        "task": "root_cause",
        "manifest": "s3://data/manifests/m.json",
        "encoder": "sentence-transformers/all-MiniLM-L6-v2",
        "epochs": 6,
        "quantize": "none",
    }
    assert job["OutputDataConfig"]["S3OutputPath"] == "s3://data/models/root_cause"
    assert job["StoppingCondition"] == {"MaxRuntimeInSeconds": 600}


@pytest.mark.parametrize(
    ("image", "instance", "used"),
    [
        ("", "ml.g4dn.xlarge", "763104351884.dkr.ecr.us-east-1.amazonaws.com/autogluon:1.6.3-cu133-amzn2023"),
        ("", "ml.m5.4xlarge", "763104351884.dkr.ecr.us-east-1.amazonaws.com/autogluon:1.6.3-cpu-amzn2023"),
        ("1.dkr.ecr.us-east-1.amazonaws.com/own:2", "ml.m5.4xlarge", "1.dkr.ecr.us-east-1.amazonaws.com/own:2"),
    ],
)
def test_the_image_is_awss_container_for_the_instance_or_the_stacks_own(image: str, instance: str, used: str) -> None:
    jobs(TRAINING_IMAGE=image, TRAINING_INSTANCE_TYPE=instance).start("job-1", manifest(x=3), "m")
    assert described("job-1")["AlgorithmSpecification"]["TrainingImage"] == used


def test_a_region_without_the_container_says_so() -> None:
    assert autogluon_image("ap-east-1", "ml.p5.48xlarge").startswith("871362719292.dkr.ecr.ap-east-1.")
    with pytest.raises(
        TrainingNotConfigured, match="no AutoGluon container in mars-north-1; set the stack's parameter"
    ):
        autogluon_image("mars-north-1", "ml.g5.xlarge")


def test_a_stack_that_does_not_train_says_how_to() -> None:
    with pytest.raises(TrainingNotConfigured, match=r"TrainingImage is none.*drop datasets/m.json under manifests/"):
        jobs(TRAINING_IMAGE="none", TRAINING_PIPELINE="p").start("job-1", manifest(x=3), "datasets/m.json")


def _stubbed(monkeypatch: pytest.MonkeyPatch) -> Stubber:
    client = boto3.client("sagemaker")
    monkeypatch.setattr(clients, "sagemaker", lambda: client)
    return Stubber(client)


def _describes(stub: Stubber, name: str, status: str) -> None:
    stub.add_client_error("create_training_job", service_error_code="ResourceInUse")
    answer = {
        "TrainingJobName": name,
        "TrainingJobArn": f"arn:aws:sagemaker:us-east-1:123456789012:training-job/{name}",
        "ModelArtifacts": {"S3ModelArtifacts": "s3://data/models"},
        "TrainingJobStatus": status,
        "SecondaryStatus": status,
        "AlgorithmSpecification": {"TrainingInputMode": "File"},
        "ResourceConfig": {"VolumeSizeInGB": 1},
        "StoppingCondition": {},
        "CreationTime": b.NOW,
    }
    stub.add_response("describe_training_job", answer, {"TrainingJobName": name})


@pytest.mark.parametrize(
    ("status", "force"), [("InProgress", False), ("Completed", False), ("InProgress", True), ("Stopping", True)]
)
def test_a_job_that_runs_or_has_completed_is_not_started_again(
    monkeypatch: pytest.MonkeyPatch, status: str, force: bool
) -> None:
    with _stubbed(monkeypatch) as stub:
        _describes(stub, "job-1", status)
        assert jobs().start("job-1", manifest(x=3), "m", force=force) == ("job-1", False)


@pytest.mark.parametrize(("first", "second", "force"), [("Failed", "Stopped", False), ("Completed", "Completed", True)])
def test_what_failed_or_is_forced_gets_the_next_number(
    monkeypatch: pytest.MonkeyPatch, first: str, second: str, force: bool
) -> None:
    with _stubbed(monkeypatch) as stub:
        _describes(stub, "job-1", first)
        _describes(stub, "job-1-2", second)
        stub.add_response(
            "create_training_job", {"TrainingJobArn": "arn:aws:sagemaker:us-east-1:1:training-job/job-1-3"}
        )
        assert jobs().start("job-1", manifest(x=3), "m", force=force) == ("job-1-3", True)


def test_a_dataset_that_fails_again_and_again_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    with _stubbed(monkeypatch) as stub:
        for number in range(1, 10):
            _describes(stub, "job-1" + (f"-{number}" if number > 1 else ""), "Failed")
        with pytest.raises(TrainingUnavailable, match="job-1 has been trained 9 times"):
            jobs().start("job-1", manifest(x=3), "m")


def test_a_refusal_says_what_to_check_and_quotes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with _stubbed(monkeypatch) as stub:
        stub.add_client_error("create_training_job", "ResourceLimitExceeded", "Mrs Smith")
        with pytest.raises(TrainingUnavailable, match=r"ResourceLimitExceeded.*quota") as caught:
            jobs().start("job-1", manifest(x=3), "m")
    assert "Smith" not in str(caught.value)


@pytest.fixture
def pipeline() -> Any:
    """A user's own pipeline; gives a client."""
    client = boto3.client("sagemaker")
    client.create_pipeline(
        PipelineName="own", PipelineDefinition="{}", RoleArn=ROLE, ClientRequestToken="t" * 32, PipelineDisplayName="o"
    )
    return client


def executions(client: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.list_pipeline_executions(PipelineName="own")["PipelineExecutionSummaries"]
    return found


def test_a_pipeline_is_started_in_place_of_a_job_with_the_manifest_and_the_code(pipeline: Any) -> None:
    service = jobs(TRAINING_PIPELINE="own")
    arn, started = service.start("job-1", manifest(x=3), "manifests/m.json")
    assert started
    (execution,) = executions(pipeline)
    assert execution["PipelineExecutionArn"] == arn
    assert execution["PipelineExecutionDisplayName"] == "job-1"
    given = pipeline.list_pipeline_parameters_for_execution(PipelineExecutionArn=arn)["PipelineParameters"]
    assert {one["Name"]: one["Value"] for one in given} == {
        "ManifestS3Uri": "s3://data/manifests/m.json",
        "DatasetVersion": "abc123",
        "Task": "root_cause",
        "CodeS3Uri": "s3://data/code/training/abc/sourcedir.tar.gz",
        "OutputS3Uri": "s3://data/models/root_cause",
    }
    assert pipeline.list_training_jobs()["TrainingJobSummaries"] == []


def test_a_pipeline_trains_a_dataset_once_unless_forced(pipeline: Any) -> None:
    service = jobs(TRAINING_PIPELINE="own")
    first, _ = service.start("job-1", manifest(x=3), "m")
    assert service.start("job-1", manifest(x=3), "elsewhere/m") == (first, False)
    forced, started = service.start("job-1", manifest(x=3), "m", force=True)
    assert started
    assert forced != first
    assert sorted(one["PipelineExecutionDisplayName"] for one in executions(pipeline)) == ["job-1", "job-1-2"]


def test_a_failed_execution_is_followed_by_the_next_number_and_two_at_once_are_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    arn = "arn:aws:sagemaker:us-east-1:123456789012:pipeline/own/execution/a"
    tokens = []
    with _stubbed(monkeypatch) as stub:
        for status in ("Failed", "Failed", "Executing"):
            summary = {
                "PipelineExecutionArn": arn,
                "PipelineExecutionDisplayName": "job-1",
                "PipelineExecutionStatus": status,
            }
            stub.add_response("list_pipeline_executions", {"PipelineExecutionSummaries": [summary]})
            if status == "Failed":
                stub.add_response("start_pipeline_execution", {"PipelineExecutionArn": f"{arn}2"})
        client: Any = clients.sagemaker()
        start = client.start_pipeline_execution

        def heard(**asked: Any) -> Any:
            tokens.append(asked["ClientRequestToken"])
            return start(**asked)

        monkeypatch.setattr(client, "start_pipeline_execution", heard)
        service = jobs(TRAINING_PIPELINE="own")
        assert service.start("job-1", manifest(x=3), "m") == (f"{arn}2", True)
        assert service.start("job-1", manifest(x=3), "m") == (f"{arn}2", True)
        assert service.start("job-1", manifest(x=3), "m") == (arn, False)
    assert len(set(tokens)) == 1
    assert len(tokens[0]) >= 32


def test_a_pipeline_that_is_not_there_is_named() -> None:
    with pytest.raises(TrainingUnavailable, match="an execution of pipeline gone with Validation"):
        jobs(TRAINING_PIPELINE="gone").start("job-1", manifest(x=3), "m")

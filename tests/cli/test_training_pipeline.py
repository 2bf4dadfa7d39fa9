"""A pipeline's execution, as far as the commands follow it; against botocore's shapes, as nothing here runs one."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from cli import training_job
from cli.errors import UsageProblem
from cli.stack import Stack
from cli.training_job import Job, TrainingObserver, newest, stop
from tests.cli import training as t

PREPARE = {"StepName": "Prepare", "StepStatus": "Succeeded", "Metadata": {"ProcessingJob": {"Arn": "arn:aws:x"}}}
MADE = "pipelines-x1-Train-a1B2"


def made(status: str, *secondary: str, **more: Any) -> tuple[str, dict[str, Any]]:
    return t.trains(t.job(status, *secondary, TrainingJobName=MADE, **more))


def seen(stack: Stack, monkeypatch: pytest.MonkeyPatch, *answers: tuple[str, dict[str, Any]]) -> Job:
    sagemaker = t.stubbed(*answers)
    monkeypatch.setattr(training_job, "client", lambda service: sagemaker if service == "sagemaker" else t.FakeLogs())
    job = TrainingObserver(stack, t.EXECUTION).look().job
    assert job is not None
    return job


def test_until_there_is_a_training_job_the_execution_is_followed(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    job = seen(stack, monkeypatch, *t.execution("Executing", PREPARE | {"StepStatus": "Executing"}))
    assert (job.name, job.phase, job.status) == (t.EXECUTION, "start", "InProgress")
    assert job.pipeline == "pipeline Executing: Prepare executing"


def test_the_training_job_is_followed_once_it_is_there(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = (*t.execution("Executing", t.step(MADE), PREPARE), made("InProgress", "Starting", "Training"))
    job = seen(stack, monkeypatch, *answers)
    assert (job.name, job.phase, job.status) == (MADE, "train", "InProgress")
    assert job.pipeline == "pipeline Executing: Prepare succeeded, Train executing"


def test_of_several_jobs_the_one_whose_model_comes_to_the_stack_is_followed(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = {"S3OutputPath": "s3://elsewhere/models/root_cause"}
    answers = (
        *t.execution("Executing", t.step("another"), t.step(MADE)),
        t.trains(t.job("Completed", "Completed", TrainingJobName="another", OutputDataConfig=elsewhere)),
        made("InProgress", "Starting"),
    )
    assert seen(stack, monkeypatch, *answers).name == MADE


def test_all_pages_of_steps_are_read(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    described, _ = t.execution("Executing")
    pages: list[tuple[str, dict[str, Any]]] = [
        ("list_pipeline_execution_steps", {"PipelineExecutionSteps": [PREPARE], "NextToken": "more"}),
        ("list_pipeline_execution_steps", {"PipelineExecutionSteps": [t.step(MADE)]}),
    ]
    assert seen(stack, monkeypatch, described, *pages, made("InProgress", "Starting")).name == MADE


def test_a_training_step_that_failed_may_be_tried_again_while_the_execution_goes_on(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = made("Failed", "Training", "Failed", FailureReason="AlgorithmError: killed")
    job = seen(stack, monkeypatch, *t.execution("Executing", t.step(MADE)), failed)
    assert not job.ended_badly
    assert job.message == f"{MADE} failed, the pipeline goes on"
    job = seen(stack, monkeypatch, *t.execution("Failed", t.step(MADE)), failed)
    assert (job.name, job.ended_badly) == (MADE, True)


def test_an_execution_that_fails_before_it_trains_says_which_step_and_why(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = PREPARE | {"StepStatus": "Failed", "FailureReason": "ClientError: no such image"}
    end = t.BEGAN + timedelta(minutes=3)
    job = seen(stack, monkeypatch, *t.execution("Failed", broken, FailureReason="Step failure", LastModifiedTime=end))
    assert (job.ended_badly, job.reason, job.ended) == (True, "step Prepare: ClientError: no such image", end)
    job = seen(stack, monkeypatch, *t.execution("Failed", FailureReason="role cannot be assumed"))
    assert job.reason == "role cannot be assumed"


def test_an_execution_that_ends_without_a_training_job_has_failed(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = seen(stack, monkeypatch, *t.execution("Succeeded", PREPARE))
    assert job.ended_badly
    assert "without a training job" in job.reason


def test_an_execution_that_there_is_not_is_wrong_usage(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    sagemaker = boto3.client("sagemaker")
    stub = Stubber(sagemaker)
    stub.add_client_error("describe_pipeline_execution", "ResourceNotFound")
    stub.activate()
    monkeypatch.setattr(training_job, "client", lambda _: sagemaker)
    with pytest.raises(UsageProblem, match="There is no pipeline execution"):
        TrainingObserver(stack, t.EXECUTION).look()


@pytest.mark.parametrize(("minutes", "expected"), [(1, t.EXECUTION), (-1, t.JOB)])
def test_last_is_the_pipelines_execution_where_that_is_newer(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, minutes: int, expected: str
) -> None:
    own = {"TrainingJobName": t.JOB, "TrainingJobArn": "arn:aws:x", "CreationTime": t.BEGAN}
    listed = {"PipelineExecutionArn": t.EXECUTION, "StartTime": t.BEGAN + timedelta(minutes=minutes)}
    sagemaker = t.stubbed(
        ("list_training_jobs", {"TrainingJobSummaries": [own | {"TrainingJobStatus": "Completed"}]}),
        t.trains(t.job("Completed", "Completed")),
        ("list_pipeline_executions", {"PipelineExecutionSummaries": [listed]}),
    )
    monkeypatch.setattr(training_job, "client", lambda _: sagemaker)
    assert newest(replace(stack, training_pipeline="train")) == expected


@pytest.mark.parametrize(("status", "now"), [("Executing", "InProgress"), ("Succeeded", "Completed")])
def test_only_a_running_execution_is_stopped(monkeypatch: pytest.MonkeyPatch, status: str, now: str) -> None:
    stopping = [("stop_pipeline_execution", {"PipelineExecutionArn": t.EXECUTION})] if status == "Executing" else []
    sagemaker = t.stubbed(*t.execution(status, t.step()), *stopping)
    monkeypatch.setattr(training_job, "client", lambda _: sagemaker)
    assert stop(t.EXECUTION).status == now

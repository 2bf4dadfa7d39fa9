"""Looking at a training job: its phases, each line of its log once, what promotion decided."""

from datetime import timedelta
from typing import Any

import pytest

from cli import training_job
from cli.errors import CliError, UsageProblem
from cli.stack import Stack
from cli.training_job import TrainingObserver, job_of, newest, still_training, stop, training_again
from plumbline.adapters.registry import AwsModelRegistry
from tests.cli import training as t


@pytest.fixture
def clients(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    made: dict[str, Any] = {"logs": t.FakeLogs()}
    monkeypatch.setattr(training_job, "client", lambda service: made[service])
    return made


def test_phases_are_told_from_the_status_transitions(stack: Stack, clients: dict[str, Any]) -> None:
    clients["sagemaker"] = t.FakeSageMaker(
        t.job("InProgress", "Starting", "LaunchingMLInstances", "Downloading", "DownloadingTrainingImage", "Training")
    )
    job = TrainingObserver(stack, t.JOB).look().job
    assert job is not None
    assert (job.phase, job.status, job.task) == ("train", "InProgress", "root_cause")
    assert job.began == {
        "start": t.BEGAN,
        "download": t.BEGAN + timedelta(minutes=2),
        "train": t.BEGAN + timedelta(minutes=4),
    }


def test_a_job_that_failed_says_in_which_phase_and_why(stack: Stack, clients: dict[str, Any]) -> None:
    clients["sagemaker"] = t.FakeSageMaker(
        t.job("Failed", "Starting", "Downloading", "Training", "Failed", FailureReason="AlgorithmError: killed")
    )
    job = TrainingObserver(stack, t.JOB).look().job
    assert job is not None
    assert (job.phase, job.ended_badly, job.reason) == ("train", True, "AlgorithmError")


def test_each_line_of_the_log_is_seen_once(stack: Stack, clients: dict[str, Any]) -> None:
    clients["sagemaker"] = t.FakeSageMaker(t.job("InProgress", "Starting", "Training"))
    logs = clients["logs"] = t.FakeLogs()
    observer = TrainingObserver(stack, t.JOB)
    assert observer.look().lines == ()
    for line in ("one", "two", "three"):
        logs.add(line)
    assert [line.text for line in observer.look().lines] == ["one", "two", "three"]
    assert observer.look().lines == ()
    logs.add("four")
    [four] = observer.look().lines
    assert (four.text, four.at) == ("four", t.BEGAN + timedelta(minutes=3, seconds=3))


def test_what_training_warns_of_is_kept_for_the_verdict(stack: Stack, clients: dict[str, Any]) -> None:
    clients["sagemaker"] = t.FakeSageMaker(t.job("InProgress", "Starting", "Training"))
    clients["logs"] = t.FakeLogs("10:00:00 trained in 9 s", "10:00:01 note: 12 test cases only", " ", "note that this")
    seen = TrainingObserver(stack, t.JOB).look()
    assert [line.text for line in seen.lines] == ["trained in 9 s", "note that this"]
    assert seen.notes == ("12 test cases only",)


@pytest.mark.parametrize(
    ("status", "more", "minutes"),
    [
        ("InProgress", {}, None),
        ("Completed", {}, 2),
        ("Failed", {}, 2),
        ("Stopped", {"TrainingEndTime": t.BEGAN + timedelta(minutes=5)}, 5),
    ],
)
def test_when_a_job_ended(status: str, more: dict[str, Any], minutes: int | None) -> None:
    ended = job_of(t.job(status, "Starting", "Training", status, **more)).ended
    assert ended == (None if minutes is None else t.BEGAN + timedelta(minutes=minutes))


def test_a_log_that_may_not_be_read_is_said_and_not_asked_for_again(stack: Stack, clients: dict[str, Any]) -> None:
    clients["sagemaker"] = t.FakeSageMaker(t.job())
    clients["logs"] = t.FakeLogs(error=t.refused("AccessDeniedException"))
    observer = TrainingObserver(stack, t.JOB)
    assert observer.look().log_denied
    clients["logs"].lines.append("late")
    assert observer.look().lines == ()


def test_before_the_first_job_there_is_no_log_group(stack: Stack, clients: dict[str, Any]) -> None:
    clients["sagemaker"] = t.FakeSageMaker(t.job())
    clients["logs"] = t.FakeLogs(error=t.refused("ResourceNotFoundException"))
    seen = TrainingObserver(stack, t.JOB).look()
    assert (seen.lines, seen.log_denied) == ((), False)


def test_the_row_is_read_once_the_job_is_completed(stack: Stack, clients: dict[str, Any]) -> None:
    AwsModelRegistry(stack.model_parameters, stack.ledger_table).record(t.row())
    clients["sagemaker"] = t.FakeSageMaker(
        t.job("InProgress", "Starting", "Training"), t.job("Completed", "Starting", "Training", "Completed")
    )
    observer = TrainingObserver(stack, t.JOB)
    assert observer.look().row is None
    assert observer.look().row == t.row()


def test_a_job_that_is_not_there_is_wrong_usage(stack: Stack, clients: dict[str, Any]) -> None:
    clients["sagemaker"] = t.FakeSageMaker(t.refused("ValidationException"))
    with pytest.raises(UsageProblem, match="no training job 'absent'"):
        TrainingObserver(stack, "absent").look()


def test_only_a_running_job_is_stopped(clients: dict[str, Any]) -> None:
    clients["sagemaker"] = t.FakeSageMaker(t.job())
    assert stop(t.JOB).status == "InProgress"
    assert clients["sagemaker"].stopped == [t.JOB]
    clients["sagemaker"] = t.FakeSageMaker(t.job("Completed", "Completed"))
    stop(t.JOB)
    assert clients["sagemaker"].stopped == []


def test_last_means_the_newest_job_of_this_stack(stack: Stack) -> None:
    with pytest.raises(CliError, match="No training job"):
        newest(stack)
    t.create("plumbline-one", "data")
    t.create("plumbline-of-another-stack", "elsewhere")
    assert newest(stack) == "plumbline-one"
    assert still_training(stack) == []


@pytest.mark.parametrize(
    ("uri", "version"),
    [("s3://data/datasets/root_cause/d1/train.jsonl", "d1"), ("s3://data/elsewhere/train.jsonl", "")],
)
def test_the_dataset_is_told_from_where_the_job_reads(stack: Stack, uri: str, version: str) -> None:
    channel = {"ChannelName": "train", "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}}}
    t.create("plumbline-one", "data", InputDataConfig=[channel])
    dataset = TrainingObserver(stack, "plumbline-one").job().dataset
    assert dataset == version
    chosen = f" --dataset {version}" if version else ""
    assert training_again(dataset, stack) == f"plumbline train{chosen} --force --stack demo"

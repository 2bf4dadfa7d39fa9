"""A training job's event: what is read of it, what is refused, and what is told of a failure."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plumbline.contracts.errors import InvalidEvent
from plumbline.promote_model.event import job_from_event, reason_in_words

EVENTS = Path(__file__).parents[3] / "events" / "promote_model"


def event(name: str = "typical", **detail: Any) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text("utf-8"))
    loaded["detail"] |= detail
    return loaded


def test_a_job_is_known_by_where_its_models_go() -> None:
    job = job_from_event(event(), "plumbline-data")
    assert (job.task, job.version, job.status) == ("root_cause", "plumbline-root-cause-better", "Completed")
    assert job.manifest_key == "datasets/root_cause/judged/manifest.json"


def test_a_job_that_a_pipeline_made_counts_as_well() -> None:
    made = event(
        TrainingJobName="pipelines-4f2a91c0d7e3-Train-a1B2c3",
        OutputDataConfig={"S3OutputPath": "s3://plumbline-data/models/root_cause/"},
        InputDataConfig=None,
    )
    job = job_from_event(made, "plumbline-data")
    assert (job.task, job.version, job.manifest_key) == ("root_cause", "pipelines-4f2a91c0d7e3-Train-a1B2c3", None)


def test_a_job_that_reached_its_time_limit_was_stopped_by_nobody() -> None:
    job = job_from_event(event("training-stopped", SecondaryStatus="MaxRuntimeExceeded"), "plumbline-data")
    assert job.status == "Stopped"
    assert "TrainingMaxSeconds" in job.reason
    assert job_from_event(event("training-stopped"), "plumbline-data").reason == ""


@pytest.mark.parametrize(
    "changes",
    [
        {"OutputDataConfig": {"S3OutputPath": "s3://another-bucket/models/root_cause"}},
        {"OutputDataConfig": {"S3OutputPath": "s3://plumbline-data/models/"}},
        {"OutputDataConfig": {"S3OutputPath": "s3://plumbline-data/models/../runs"}},
        {"OutputDataConfig": {"S3OutputPath": "s3://plumbline-data/models/a/b"}},
        {"OutputDataConfig": {}},
        {"OutputDataConfig": {"S3OutputPath": None}},
        {"TrainingJobStatus": "InProgress"},
        {"TrainingJobName": "../../etc"},
        {"TrainingJobName": None},
        {"InputDataConfig": [{"ChannelName": "manifest"}]},
    ],
)
def test_what_is_no_ended_job_of_ours_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidEvent):
        job_from_event(event(**changes), "plumbline-data")


@pytest.mark.parametrize("junk", [{}, {"detail": None}, {"detail": []}, {"detail": {"OutputDataConfig": "s3"}}])
def test_what_is_no_event_is_refused(junk: dict[str, Any]) -> None:
    with pytest.raises(InvalidEvent):
        job_from_event(junk, "plumbline-data")


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ('AlgorithmError: x\nErrorMessage "InvalidDataset: one class"\nCommand', "InvalidDataset: one class"),
        ('AlgorithmError: x\nErrorMessage "InvalidRecipe: --epochs: 0"\n', "InvalidRecipe: --epochs: 0"),
        ("AlgorithmError: TrainingFailed: no epoch, exit code: 1", "TrainingFailed: no epoch, exit code: 1"),
        ("AlgorithmError: , exit code: 137", "AlgorithmError (exit code 137)"),
        (
            "AlgorithmError: ValueError while training; the log's last lines show where it arose, exit code: 1",
            "ValueError while training; the log's last lines show where it arose (exit code 1)",
        ),
        (
            "AlgorithmError: ExecuteUserScriptError:\nExitCode 1\nErrorMessage \"  File x\n"
            "StopIteration while training; the log's last lines show where it arose\"\nCommand",
            "StopIteration while training; the log's last lines show where it arose (exit code 1)",
        ),
        (
            "AlgorithmError: the training process was killed by SIGKILL, often for lack of memory, exit code: 137",
            "the training process was killed by SIGKILL, often for lack of memory (exit code 137)",
        ),
        (
            "AlgorithmError: ExecuteUserScriptError:\nExitCode 1\nErrorMessage \"ValueError: Dear sir, my card\"",
            "AlgorithmError (ValueError, exit code 1)",
        ),
        ("ClientError: Data download failed: NoSuchKey", "ClientError: Data download failed: NoSuchKey"),
        ("", ""),
    ],
)  # fmt: skip
def test_a_failure_is_told_in_short(reason: str, told: str) -> None:
    assert reason_in_words(reason) == told


@given(text=st.text(alphabet=st.characters(categories=["Ll", "Zs", "Po"]), max_size=2000))
def test_what_an_exception_of_the_script_says_is_never_passed_on(text: str) -> None:
    told = reason_in_words(f"AlgorithmError: ExecuteUserScriptError:\nExitCode 1\nErrorMessage \"KeyError: '{text}'\"")
    assert told == "AlgorithmError (KeyError, exit code 1)"


@given(text=st.text(max_size=3000))
def test_no_reason_is_long(text: str) -> None:
    assert len(reason_in_words(text)) <= 330

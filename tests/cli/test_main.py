"""The commands from the outside: arguments, messages and exit codes."""

import re
import sys
from dataclasses import replace
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError

from cli import local_stack, main, training_job
from cli.observe import Observer
from cli.progress import Execution, Observed
from cli.run import not_itself
from cli.stack import Stack
from local.info import LocalInfo
from plumbline import keys
from plumbline.adapters.s3 import S3ObjectStore
from tests import builders as b
from tests.cli import training
from tests.unit.report import summaries

SPEC = Path(__file__).parents[2] / "prompts"


def plumbline(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """The exit code of the script."""
    monkeypatch.setattr(sys, "argv", ["plumbline", *words])
    with pytest.raises(SystemExit) as ended:
        main.main()
    return int(ended.value.code or 0)


@pytest.fixture
def nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_stack, "running", lambda: None)


@pytest.mark.parametrize(
    "command",
    [(), *((name,) for name in ("run", "anonymize", "train", "predict", "status", "up", "down", "destroy", "prompts"))],
)
def test_every_command_has_help(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: tuple[str, ...]
) -> None:
    assert plumbline(monkeypatch, *command, "--help") == 0
    assert "Usage" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run", "absent.csv"), "There is no file absent.csv"),
        (("run", str(SPEC)), "is a folder"),
        (("run", __file__, "--map", str(SPEC)), "is a folder"),
        (("run", __file__, "--task", "root_cuase"), "Did you mean root_cause?"),
        (("run", __file__, "--task", "root_cause", "--prompt", "3"), "Did you mean v3?"),
        (("run", __file__, "--budget", "0"), "--budget must be above 0"),
        (("run", __file__, "--map", "absent.yaml"), "There is no file absent.yaml"),
        (("run", __file__, "--stack", "x", "--model", "scripted"), "--model chooses a stand-in"),
        (("run", __file__, "--model", "gpt"), "no stand-in model 'gpt'"),
        (("run", __file__, "--model-id", "größe"), "--model-id"),
        (("up", "--model", "gpt"), "no stand-in model 'gpt'"),
        (("up", "--parameter", "TargetPerClas=3"), "Did you mean TargetPerClass?"),
        (("prompts", "check", "nonsense"), "no task 'nonsense'"),
        (("prompts", "check", "root_cause/v99"), "no version 'v99'"),
    ],
)
def test_wrong_usage_is_2_and_said_on_standard_error(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    nothing_runs: None,
    words: tuple[str, ...],
    said: str,
) -> None:
    assert plumbline(monkeypatch, *words) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.out == ""


def test_status_without_a_stack_is_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], nothing_runs: None
) -> None:
    assert plumbline(monkeypatch, "status") == 1
    assert "No local stack is running" in capsys.readouterr().err


def test_a_prompt_version_is_checked_against_the_running_stacks_task_before_the_upload(
    deployed: Stack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "cases.csv"
    file.write_text("id,text\n1,hello\n")
    info = LocalInfo(endpoint="http://e", bedrock_endpoint="http://b", stack_name="s", region="us-east-1", pid=1)
    here = Stack(**{**vars(deployed), "local": info})
    monkeypatch.setattr(local_stack, "running", lambda: info)
    monkeypatch.setattr("cli.stack.find", lambda _: here)
    assert plumbline(monkeypatch, "run", str(file), "--prompt", "3") == 2
    assert "Did you mean v3?" in capsys.readouterr().err
    assert "Contents" not in boto3.client("s3").list_objects_v2(Bucket="raw")


def test_down_names_the_run_that_it_cuts_off(
    deployed: Stack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    info = LocalInfo(endpoint="http://e", bedrock_endpoint="http://b", stack_name="s", region="us-east-1", pid=1)
    monkeypatch.setattr(local_stack, "running", lambda: info)
    monkeypatch.setattr(local_stack, "stop", lambda: True)
    monkeypatch.setattr("cli.stack.at_local", lambda _: deployed)
    boto3.client("stepfunctions").start_execution(stateMachineArn=deployed.state_machine_arn, name="run-now")
    assert plumbline(monkeypatch, "down") == 0
    said = capsys.readouterr().out
    assert "This cuts off run-now" in said
    assert "resume run-now" in said


def test_down_says_how_to_train_again_what_it_cuts_off(
    deployed: Stack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    info = LocalInfo(endpoint="http://e", bedrock_endpoint="http://b", stack_name="s", region="us-east-1", pid=1)
    monkeypatch.setattr(local_stack, "running", lambda: info)
    monkeypatch.setattr(local_stack, "stop", lambda: True)
    monkeypatch.setattr("cli.stack.at_local", lambda _: Stack(**{**vars(deployed), "local": info}))
    monkeypatch.setattr("cli.up.still_training", lambda _: [training_job.job_of(training.job())])
    assert plumbline(monkeypatch, "down") == 0
    out = capsys.readouterr().out
    assert f"This cuts off {training.JOB}" in out
    assert "Train again later: plumbline train --dataset d20261122-1f3a --force\n" in out


def test_a_stack_that_is_not_there_is_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], nothing_runs: None, aws: None
) -> None:
    assert plumbline(monkeypatch, "status", "--stack", "absent") == 1
    assert "no stack 'absent' in us-east-1" in capsys.readouterr().err


@pytest.fixture
def deployed(stack: Stack, monkeypatch: pytest.MonkeyPatch, nothing_runs: None) -> Stack:
    monkeypatch.setattr("cli.stack.find", lambda _: stack)
    return stack


def test_run_uploads_follows_and_shows(
    deployed: Stack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, home: Path
) -> None:
    file, columns = tmp_path / "cases.csv", tmp_path / "columns.yaml"
    file.write_text("id,text\n1,hello\n")
    columns.write_text("case_id: id\ntext: text\n")

    def look(self: Observer) -> Observed:
        summary = summaries.summary_of(run_id=self._run_id)
        data = S3ObjectStore(deployed.data_bucket)
        data.write(keys.summary(self._run_id), summary.model_dump_json().encode())
        data.write(keys.report(self._run_id), b"<html>")
        return Observed(execution=Execution("SUCCEEDED", b.run()))

    monkeypatch.setattr(Observer, "look", look)
    assert plumbline(monkeypatch, "run", str(file), "--stack", "demo", "--target", "9", "--map", str(columns)) == 0
    head = boto3.client("s3").head_object(Bucket="raw", Key="incoming/cases.csv")
    assert head["Metadata"]["target_per_class"] == "9"
    boto3.client("s3").head_object(Bucket="raw", Key=head["Metadata"]["mapping_key"])
    out = capsys.readouterr().out
    assert "ended: succeeded" in out
    assert "10 of 10 new cases labeled" in out
    assert list(home.glob("runs/*/report.html"))


def test_a_stand_in_that_answers_under_another_models_name_is_told(deployed: Stack) -> None:
    info = LocalInfo(endpoint="http://e", bedrock_endpoint="http://b", stack_name="s", region="us-east-1", pid=1)
    local = replace(deployed, local=info, model_id="local.embedding")
    words = not_itself(local, {"model_id": "us.amazon.nova-lite-v1:0"})
    assert words.startswith("us.amazon.nova-lite-v1:0 is not asked: local.embedding answers in its name.")
    assert not_itself(local, {}) == not_itself(local, {"model_id": "local.embedding"}) == ""
    assert not_itself(replace(local, local=None), {"model_id": "us.amazon.nova-lite-v1:0"}) == ""


def test_a_run_that_failed_is_1(
    deployed: Stack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "cases.csv"
    file.write_text("id\n")
    failed = Observed(execution=Execution("FAILED", b.run(), error="InvalidCaseFile", cause="no text column"))
    monkeypatch.setattr(Observer, "look", lambda _: failed)
    assert plumbline(monkeypatch, "run", str(file), "--stack", "demo") == 1
    out = capsys.readouterr().out
    assert "InvalidCaseFile" in out
    assert "no text column" in out
    assert "--map" not in out


def test_ctrl_c_ends_the_following_and_says_how_to_look_again(
    deployed: Stack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "cases.csv"
    file.write_text("id\n")

    def interrupted(_: Observer) -> Observed:
        raise KeyboardInterrupt

    monkeypatch.setattr(Observer, "look", interrupted)
    monkeypatch.setenv("PLUMBLINE_HOME", "/a/folder/with/a/long/enough/name/to/need/a/second/line")
    assert plumbline(monkeypatch, "run", str(file), "--stack", "demo") == 130
    out = capsys.readouterr().out
    assert "local stack keeps running" not in out
    # The command stands whole on its line, for this very home: it can be pasted.
    assert re.search(
        r"the run goes on\. Look again: PLUMBLINE_HOME=/a/.*/line plumbline status run-\w+ --stack demo\n", out
    )


def test_without_a_local_stack_run_starts_one_and_says_how_to_stop_it(
    stack: Stack,
    nothing_runs: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    file = tmp_path / "cases.csv"
    file.write_text("id\n")
    info = LocalInfo(endpoint="http://e", bedrock_endpoint="http://b", stack_name="s", region="us-east-1", pid=1)
    started: list[tuple[str, int]] = []

    def start(model: str, port: int, parameters: object) -> LocalInfo:
        started.append((model, port))
        return info

    monkeypatch.setattr(local_stack, "start", start)
    here = Stack(**{**vars(stack), "model_id": "local.embedding"})
    monkeypatch.setattr("cli.stack.at_local", lambda _: here)
    monkeypatch.setattr(Observer, "look", lambda _: Observed(execution=Execution("ABORTED")))
    assert plumbline(monkeypatch, "run", str(file)) == 1
    assert started == [("embedding", 0)]
    assert "Stop it: plumbline down" in capsys.readouterr().out


def test_destroy_asks_and_does_nothing_where_nobody_can_answer(
    aws: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    (home / "runs").mkdir(parents=True)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    assert plumbline(monkeypatch, "destroy") == 2
    assert (home / "runs").exists()
    assert "--yes" in capsys.readouterr().err
    assert plumbline(monkeypatch, "destroy", "--yes") == 0
    assert not home.exists()


def test_prompts_are_listed_and_checked(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert plumbline(monkeypatch, "prompts", "list") == 0
    out = capsys.readouterr().out
    assert "root_cause" in out
    assert "published" in out
    assert plumbline(monkeypatch, "prompts", "check", "root_cause") == 0
    assert capsys.readouterr().out.count("✓") == len(list((SPEC / "root_cause").glob("*.yaml")))
    assert plumbline(monkeypatch, "prompts", "check", str(SPEC / "npm_issue" / "v1.yaml")) == 0


def test_the_region_is_taken_from_where_every_aws_tool_takes_it(
    aws: None, nothing_runs: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-west-2")
    plumbline(monkeypatch, "status", "--stack", "absent")
    assert "in eu-central-1" in capsys.readouterr().err


def test_a_local_stack_that_stops_under_a_run_is_said_at_once(
    deployed: Stack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "cases.csv"
    file.write_text("id\n")
    info = LocalInfo(endpoint="http://e", bedrock_endpoint="http://b", stack_name="s", region="us-east-1", pid=1)
    here = Stack(**{**vars(deployed), "local": info})
    monkeypatch.setattr("cli.stack.find", lambda _: here)

    def gone(_: Observer) -> Observed:
        raise EndpointConnectionError(endpoint_url="http://e")

    monkeypatch.setattr(Observer, "look", gone)
    assert plumbline(monkeypatch, "run", str(file), "--stack", "s") == 1
    said = capsys.readouterr().err
    assert "The local stack has stopped, and the run with it" in said
    assert re.search(r"up\).*resume run-[0-9a-f]+", said, re.DOTALL)

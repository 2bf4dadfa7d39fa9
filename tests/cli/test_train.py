"""`plumbline train`: what is started, what is followed, how it ends."""

import io
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from cli import invoke as invoking
from cli import local_stack, main, train, training_job
from cli.errors import CliError
from cli.invoke import FunctionFailed
from cli.stack import Stack
from cli.training_job import Seen, TrainingObserver, describe
from cli.training_log import Line
from cli.training_view import training_view
from plumbline import keys
from plumbline.adapters.s3 import S3ObjectStore
from plumbline.contracts.models import ModelRow
from tests.cli import training as t


def seen(status: str, *secondary: str, row: ModelRow | None = None, **more: Any) -> Seen:
    line = Line(t.BEGAN + timedelta(seconds=70), "a line of the log")
    return Seen(describe(t.FakeSageMaker(t.job(status, *secondary, **more)), t.JOB), (line,), row)


TRAINING = seen("InProgress", "Starting", "Training")
COMPLETED = ("Completed", "Starting", "Training", "Completed")


@pytest.fixture
def asked(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The events that StartTraining got; the stack has one dataset."""
    key = keys.dataset_manifest("root_cause", "d20261122-1f3a")
    S3ObjectStore(stack.data_bucket).write(key, t.manifest().model_dump_json().encode())
    events: list[dict[str, Any]] = []

    def invoke(_: Stack, logical: str, event: dict[str, Any]) -> dict[str, Any]:
        assert logical == "StartTrainingFunction"
        events.append(event)
        return {"job_name": t.JOB, "already_started": len(events) > 1, "manifest_key": event["manifest_key"]}

    monkeypatch.setattr(train, "invoke", invoke)
    monkeypatch.setattr("cli.stack.find", lambda _: stack)
    monkeypatch.setattr(local_stack, "running", lambda: None)
    return events


def looks(monkeypatch: pytest.MonkeyPatch, *things: Seen | BaseException) -> None:
    coming: Iterator[Seen | BaseException] = iter(things)

    def look(_: TrainingObserver) -> Seen:
        thing = next(coming, things[-1])
        if isinstance(thing, BaseException):
            raise thing
        return thing

    monkeypatch.setattr(TrainingObserver, "look", look)
    monkeypatch.setattr("cli.follow._LOOK_SECONDS", 0.0)


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["plumbline", "train", *words])
    with pytest.raises(SystemExit) as ended:
        main.main()
    return int(ended.value.code or 0)


def said(capsys: pytest.CaptureFixture[str]) -> str:
    return " ".join(capsys.readouterr().out.split())


def test_the_newest_dataset_is_trained_followed_and_its_promotion_shown(
    stack: Stack, asked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    looks(monkeypatch, TRAINING, seen(*COMPLETED, row=t.row("promoted", comparison=t.comparison())))
    t.serve(stack, at=datetime.now(UTC))
    assert run(monkeypatch, "--stack", "demo") == 0
    assert asked == [{"manifest_key": "datasets/root_cause/d20261122-1f3a/manifest.json", "force": False}]
    out = said(capsys)
    for words in (
        "Dataset d20261122-1f3a (2 classes: 80 train, 10 validation, 10 test)",
        f"Training {t.JOB}",
        "a line of the log",
        f"Promoted: it serves within 30 seconds {t.JOB}",
        "80.0% of 90 test cases (95% interval 70.0\N{EN DASH}88.0%)",
        "Macro F1 0.79",
        "right alone 9 to 4 (McNemar p = 0.27)",
        "accuracy +0.055 (95% interval -0.020 to +0.130)",
        "plumbline predict FILE --stack demo",
        "plumbline models rollback --stack demo",
    ):
        assert words in out, words


def test_a_rejected_model_is_1_with_the_reasons(
    asked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    looks(monkeypatch, seen(*COMPLETED, row=t.row("rejected", "accuracy 0.61 is below the gate of 0.70")))
    assert run(monkeypatch, "--stack", "demo", "--force") == 1
    assert asked[0]["force"] is True
    out = said(capsys)
    assert "Rejected: no model is in service" in out
    assert "accuracy 0.61 is below the gate of 0.70" in out
    assert "models promote d20261122-1f3a --stack demo" in out


def test_a_failed_job_is_1_with_the_reason_and_where_its_log_is(
    asked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    looks(monkeypatch, seen("Failed", "Starting", "Training", "Failed", FailureReason="AlgorithmError: exit code: 137"))
    assert run(monkeypatch, "--stack", "demo") == 1
    out = said(capsys)
    assert "Training failed: no model is in service" in out
    assert "AlgorithmError (exit code 137)" in out
    assert "Try again: plumbline train --dataset d20261122-1f3a --force --stack demo" in out
    assert f"Log group /aws/sagemaker/TrainingJobs Stream {t.JOB}/…" in out


def test_json_is_all_there_is_on_standard_output(
    asked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    looks(monkeypatch, seen(*COMPLETED, row=t.row()))
    assert run(monkeypatch, "--stack", "demo", "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["job"], answer["status"], answer["model"]["macro_f1"]) == (t.JOB, "promoted", 0.79)


def test_the_card_is_downloaded_and_one_of_another_version_harms_nothing(
    asked: list[dict[str, Any]], stack: Stack, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str], home: Path,
) -> None:  # fmt: skip
    S3ObjectStore(stack.data_bucket).write(keys.serving("root_cause", t.JOB, "model_card.json"), b'{"future": 1}')
    looks(monkeypatch, seen(*COMPLETED, row=t.row()))
    assert run(monkeypatch, "--stack", "demo") == 0
    assert (home / "models" / t.JOB / "model_card.json").read_bytes() == b'{"future": 1}'
    assert f"models/{t.JOB}/model_card.json" in said(capsys)


def test_ctrl_c_ends_the_following_and_says_how_to_go_on_or_stop(
    asked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    looks(monkeypatch, TRAINING, KeyboardInterrupt())
    assert run(monkeypatch, "--stack", "demo") == 130
    out = said(capsys)
    assert f"plumbline train --follow {t.JOB} --stack demo" in out
    assert f"plumbline train --stop {t.JOB} --stack demo" in out


def test_no_follow_starts_only(
    asked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "--stack", "demo", "--no-follow") == 0
    assert f"plumbline train --follow {t.JOB} --stack demo" in said(capsys)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (
            "Completed",
            "has its training job already. → Train it again: plumbline train --dataset d20261122-1f3a",
        ),
        ("InProgress", f"is training now. → Stop it: plumbline train --stop {t.JOB} --stack demo → Follow it: "),
    ],
)
def test_a_job_that_is_there_already_is_said_to_be_before_its_result(
    asked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    status: str, words: str,
) -> None:  # fmt: skip
    asked.append({})  # the first call
    monkeypatch.setattr(training_job, "client", lambda _: t.FakeSageMaker(t.job(status)))
    looks(monkeypatch, seen(*COMPLETED, row=t.row()))
    assert run(monkeypatch, "--stack", "demo", "--force") == 0
    before, _, _ = said(capsys).partition("Promoted: ")
    assert f"Nothing was started: this dataset {words}" in before
    assert ("Train it again" in before) == (status == "Completed")


def test_a_job_is_followed_without_starting_one(
    asked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    looks(monkeypatch, seen(*COMPLETED, row=t.row()))
    assert run(monkeypatch, "--follow", t.JOB, "--stack", "demo") == 0
    assert asked == []


def test_a_job_is_stopped(
    asked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sagemaker = t.FakeSageMaker(t.job())
    monkeypatch.setattr(training_job, "client", lambda _: sagemaker)
    assert run(monkeypatch, "--stop", t.JOB, "--stack", "demo") == 0
    assert sagemaker.stopped == [t.JOB]
    assert "The model in service stays" in said(capsys)


def test_what_start_training_says_is_passed_on(
    asked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object) -> dict[str, Any]:
        raise FunctionFailed("DatasetTooSmall", "test has no case of B")

    monkeypatch.setattr(train, "invoke", refuse)
    assert run(monkeypatch, "--stack", "demo") == 1
    err = " ".join(capsys.readouterr().err.split())
    assert "Training did not start: test has no case of B" in err
    assert "Label more cases of these classes" in err


@pytest.mark.parametrize(
    ("words", "said_"),
    [
        (("--dataset", "absent.json"), "There is no file absent.json"),
        (("--follow", "a", "--stop", "b"), "give one of them"),
        (("--follow", "a", "--force"), "--follow starts nothing"),
        (("--follow", "a", "--dataset", "latest"), "--follow starts nothing"),
        (("--follow", "a", "--no-follow"), "--follow starts nothing"),
        (("--follow", "a", "--task", "root_cause"), "--follow starts nothing: --task"),
        (("--stop", "a", "--force"), "--stop starts nothing"),
        (("--stop", "a", "--dataset", "latest"), "--stop starts nothing"),
        (("--stop", "a", "--no-follow"), "--stop starts nothing"),
        (("--stop", "a", "--task", "root_cause"), "--stop starts nothing: --task"),
        (("--task", "root_cuase"), "Did you mean root_cause?"),
    ],
)
def test_wrong_usage(
    asked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...], said_: str,
) -> None:  # fmt: skip
    assert run(monkeypatch, *words) == 2
    assert said_ in capsys.readouterr().err
    assert asked == []


def test_a_missing_environment_for_training_is_said_before_anything_starts(
    asked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("PLUMBLINE_TRAINING_PYTHON", str(tmp_path / "absent"))
    assert run(monkeypatch) == 2
    assert "make training-env" in " ".join(capsys.readouterr().err.split())
    monkeypatch.setenv("PLUMBLINE_TRAINING_PYTHON", sys.executable)

    def start(_: Console) -> Stack:
        raise CliError("now it starts")

    monkeypatch.setattr(train, "start_local", start)
    assert run(monkeypatch) == 1
    assert "now it starts" in capsys.readouterr().err


def test_a_job_about_which_nothing_is_decided_is_given_up(stack: Stack, console: Console) -> None:
    class Undecided:
        def look(self) -> Seen:
            return seen(*COMPLETED)

    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += 60

    with training_view(console, lambda: t.BEGAN + timedelta(minutes=1)) as view:
        last = train.followed(stack, Undecided(), view, lambda: now[0], sleep)  # type: ignore[arg-type]
    assert last.row is None
    assert 20 * 60 < now[0] < 30 * 60
    assert "Nothing is decided yet. Look into the log group /plumbline/demo/promote_model." in console.export_text()


def test_a_functions_error_comes_through_as_its_name_and_message(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    class Lambda:
        def invoke(self, **_: Any) -> dict[str, Any]:
            error = {"errorType": "DatasetTooSmall", "errorMessage": "too few", "stackTrace": []}
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(json.dumps(error).encode())}

    monkeypatch.setattr(invoking, "function_of", lambda *_: "name")
    monkeypatch.setattr("cli.invoke.boto3.client", lambda *_, **__: Lambda())
    with pytest.raises(FunctionFailed, match="too few") as caught:
        invoking.invoke(stack, "StartTrainingFunction", {})
    assert caught.value.error == "DatasetTooSmall"


def test_no_command_is_broken_and_no_words_are_cut_at_60_columns(
    asked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    looks(monkeypatch, TRAINING, KeyboardInterrupt())
    assert run(monkeypatch, "--stack", "demo") == 130
    lines = capsys.readouterr().out.splitlines()
    assert f"  plumbline train --follow {t.JOB} --stack demo" in lines
    assert f"  plumbline train --stop {t.JOB} --stack demo" in lines
    assert all(len(line) <= 60 for line in lines if "plumbline train" not in line)

"""`plumbline up`: what it says of the stack."""

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from cli import local_stack, main
from cli.api import PredictionApi
from cli.errors import CliError
from cli.remembered import remember, remembered
from cli.stack import Stack
from cli.up import banner, up
from cli.warm import warm
from local.info import LocalInfo
from tests.cli import training

NOTE = LocalInfo(
    endpoint="http://127.0.0.1:4566", bedrock_endpoint="http://b", stack_name="s", region="us-east-1", pid=1
)


@pytest.fixture
def where(stack: Stack) -> Stack:
    return replace(stack, local=NOTE, api_url="http://127.0.0.1:8080/v1", model_id="local.embedding")


def test_the_api_and_its_page_are_named(where: Stack, console: Console) -> None:
    console.print(banner(where, detached=True), soft_wrap=True)
    text = console.export_text()
    assert "API            http://127.0.0.1:8080/v1/predictions\n" in text
    assert "Swagger page   http://127.0.0.1:8080/v1/swagger\n" in text
    assert "Parameter" not in text


def test_no_address_or_command_is_broken_on_a_narrow_terminal(where: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUMBLINE_HOME", "/a/rather/long/folder/of/a/demo")
    narrow = Console(width=60, record=True, force_terminal=False)
    narrow.print(banner(where, detached=True), soft_wrap=True)
    assert "PLUMBLINE_HOME=/a/rather/long/folder/of/a/demo plumbline predict FILE\n" in narrow.export_text()


def test_parameters_are_shown_and_the_next_up_has_them_again(
    where: Stack, home: Path, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.mkdir()
    remember({"TargetPerClass": "40"})
    served: list[dict[str, str]] = []

    def serve(_model: str, _port: int, ready: object, _stopping: object, parameters: dict[str, str]) -> int:
        served.append(parameters)
        remember(parameters)
        assert callable(ready)
        ready(NOTE)
        return 0

    monkeypatch.setattr(local_stack, "running", lambda: None)
    monkeypatch.setattr(local_stack, "serve", serve)
    monkeypatch.setattr("cli.stack.at_local", lambda _: where)
    assert up(None, 0, {"BudgetUsd": "2"}, console, detach=False) == 0
    assert served == [{"TargetPerClass": "40", "BudgetUsd": "2"}]
    text = console.export_text()
    assert "TargetPerClass=40" in text
    assert "BudgetUsd=2" in text
    assert "--parameter NAME= takes one back" in text
    up(None, 0, {"TargetPerClass": ""}, console, detach=False)
    assert served[1] == {"BudgetUsd": "2"}


def test_a_stack_that_comes_up_in_the_background_says_its_parameters(
    where: Stack, home: Path, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.mkdir()
    remember({"TargetPerClass": "40"})
    started: list[object] = []

    def start(*given: object) -> LocalInfo:
        started.append(given)
        return NOTE

    monkeypatch.setattr(local_stack, "running", lambda: None)
    monkeypatch.setattr(local_stack, "start", start)
    monkeypatch.setattr("cli.stack.at_local", lambda _: where)
    assert up(None, 0, {}, console, detach=True) == 0
    assert started == [("embedding", 0, {"TargetPerClass": "40"})]
    assert "in the background (embedding model, TargetPerClass=40) …\nReady at" in console.export_text()


@pytest.mark.parametrize("detach", [True, False])
def test_a_model_in_service_is_loaded_before_up_says_ready(
    where: Stack, console: Console, monkeypatch: pytest.MonkeyPatch, detach: bool
) -> None:
    asked: list[object] = []

    def serve(_model: str, _port: int, ready: Callable[[LocalInfo], None], *_: object) -> int:
        ready(NOTE)
        return 0

    monkeypatch.setattr(local_stack, "running", lambda: None)
    monkeypatch.setattr(local_stack, "start", lambda *_: NOTE)
    monkeypatch.setattr(local_stack, "serve", serve)
    monkeypatch.setattr("cli.stack.at_local", lambda _: where)
    monkeypatch.setattr(PredictionApi, "predict", lambda _, case: asked.append(case))
    up(None, 0, {}, console, detach=detach)
    assert "Loaded" not in console.export_text()
    assert asked == []  # no model, nothing to load
    training.serve(where)
    up(None, 0, {}, console, detach=detach)
    assert len(asked) == 1
    text = console.export_text()
    assert text.index(f"Loaded {training.JOB} for predictions in ") < text.index("Swagger page")


def test_a_model_that_does_not_answer_is_said_and_the_stack_serves(
    where: Stack, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(*_: object) -> None:
        raise CliError("No answer within 29 seconds.")

    monkeypatch.setattr(PredictionApi, "predict", silent)
    training.serve(where)
    warm(where, console)
    assert "does not answer yet: No answer within 29 seconds." in console.export_text()


def up_at_once(process: "subprocess.Popen[bytes]", _: Path) -> LocalInfo:
    process.wait()
    return NOTE


def test_a_start_remembers_its_parameters_and_destroy_forgets_them(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_stack, "_command", lambda *_: ["true"])
    monkeypatch.setattr(local_stack, "_await", up_at_once)
    assert local_stack.start("embedding", 0, {"BudgetUsd": "2"}) == NOTE
    assert remembered() == {"BudgetUsd": "2"}
    shown: list[LocalInfo] = []
    local_stack.serve("embedding", 0, shown.append, lambda: None, {"BudgetUsd": "3"})
    assert remembered() == {"BudgetUsd": "3"}
    (home / "predictions").mkdir()
    local_stack.forget()
    assert not home.exists()


def test_a_value_that_cannot_be_is_refused_before_anything_starts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def start(*_: object) -> None:
        raise AssertionError("nothing may start")

    monkeypatch.setattr(local_stack, "running", lambda: None)
    monkeypatch.setattr(local_stack, "start", start)
    monkeypatch.setattr("sys.argv", ["plumbline", "up", "-d", "--parameter", "TrainingHyperparameters=notjson"])
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert ended.value.code == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "TrainingHyperparameters has to be a JSON object" in said
    assert """--parameter 'TrainingHyperparameters={"epochs": 6, "max_tokens": 256}'""" in said

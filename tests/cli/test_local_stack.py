"""The local stack's process: its note, its model, what is removed with it."""

import os
import socket
from pathlib import Path

import pytest

from cli import local_stack
from cli.errors import CliError, UsageProblem
from cli.run import check_running_model
from cli.stack import Stack
from local import info
from local.bedrock import server
from local.bedrock.weights import FOLDER_VARIABLE, WEIGHTS
from local.info import LocalInfo


def note(home: Path, endpoint: str) -> LocalInfo:
    left = LocalInfo(endpoint=endpoint, bedrock_endpoint=endpoint, stack_name="s", region="us-east-1", pid=os.getpid())
    info.write(home, left)
    return left


def test_a_stack_that_answers_is_running(home: Path) -> None:
    assert local_stack.running() is None
    with socket.create_server(("127.0.0.1", 0)) as server:
        left = note(home, f"http://127.0.0.1:{server.getsockname()[1]}")
        assert local_stack.running() == left


def test_the_note_of_a_crashed_stack_is_taken_away_although_its_process_id_is_in_use(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    note(home, f"http://127.0.0.1:{port}")
    assert local_stack.running() is None
    assert not (home / info.NAME).exists()
    assert local_stack.stop() is False


def test_forgetting_removes_only_what_the_stack_keeps(home: Path) -> None:
    for name in ("state", "logs", "runs/run-1", "mine"):
        (home / name).mkdir(parents=True)
    (home / "local.log").touch()
    local_stack.forget()
    assert [path.name for path in home.iterdir()] == ["mine"]
    (home / "mine").rmdir()
    local_stack.forget()
    assert not home.exists()
    local_stack.forget()


def test_models_are_checked_before_anything_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    local_stack.check_model("embedding")
    with pytest.raises(UsageProblem, match="no stand-in model 'gpt'"):
        local_stack.check_model("gpt")
    with pytest.raises(UsageProblem, match="needs OPENAI_BASE_URL and OPENAI_MODEL"):
        local_stack.check_model("openai")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://localhost:11434/v1")
    monkeypatch.setenv("OPENAI_MODEL", "qwen")
    local_stack.check_model("openai")


def test_the_command_line_knows_every_stand_in_model() -> None:
    assert set(local_stack.MODELS) == set(server.MODELS)
    assert set(local_stack.LANGUAGE_MODELS) == set(WEIGHTS)


@pytest.mark.parametrize("model", local_stack.LANGUAGE_MODELS)
def test_a_language_model_that_is_not_there_names_the_command_that_fetches_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, model: str
) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    with pytest.raises(UsageProblem, match=rf"--model {model} .*make local-llm"):
        local_stack.check_model(model)


def test_a_language_model_on_this_machine_is_asked_one_case_at_a_time_unless_told_otherwise() -> None:
    words = local_stack._command("llm", 0)
    assert {"ModelId=local.llm", "MapConcurrency=1", "CaseConcurrency=1", "ModelReadSeconds=280"} <= set(words)
    assert "CaseConcurrency=2" in local_stack._command("llm", 0, {"CaseConcurrency": "2"})
    assert not any("Concurrency" in word for word in local_stack._command("embedding", 0))


def test_asking_a_running_stack_for_another_model_says_to_stop_it(stack: Stack) -> None:
    running = Stack(**{**vars(stack), "model_id": local_stack.model_id("embedding")})
    check_running_model(running, None)
    check_running_model(running, "embedding")
    with pytest.raises(UsageProblem, match="answers with embedding, not scripted"):
        check_running_model(running, "scripted")


def test_a_stack_that_does_not_start_shows_the_end_of_its_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_stack, "_command", lambda *_: ["sh", "-c", "echo first; echo no such port; exit 3"])
    with pytest.raises(CliError, match="did not start") as caught:
        local_stack.start("embedding", 0)
    assert "no such port" in caught.value.hint
    assert "local.log" in caught.value.hint


def test_the_process_gets_the_repository_s_template_and_the_model_s_own_id(home: Path) -> None:
    words = local_stack._command("embedding", 4566)
    template = Path(words[words.index("--template") + 1])
    assert template.is_file()
    assert words[words.index("--state-dir") + 1] == str(home)
    assert words[words.index("--port") + 1] == "4566"
    assert "ModelId=local.embedding" in words


def test_two_commands_at_once_start_one_stack(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second one's process finds the first one's stack and ends; the command then uses that stack."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        quicker = note(home, f"http://127.0.0.1:{server.getsockname()[1]}")
        monkeypatch.setattr(local_stack, "_command", lambda *_: ["false"])
        assert local_stack.start("embedding", 0) == quicker
        with pytest.raises(CliError, match="Another local stack has just started"):
            local_stack.serve("embedding", 0, lambda _: None, lambda: None)

"""`plumbline predict-batch`: what is refused before anything is uploaded, and the words about progress and failure."""

from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from cli.batch import BatchSeen, ExportProgress
from cli.errors import CliError, UsageProblem
from cli.predict_batch import BatchOptions, _failure, _progress_line, predict_at, predict_batch
from cli.run import RunOptions
from cli.run import run as label
from cli.stack import Stack
from local.info import LocalInfo
from plumbline.contracts.runs import CaughtError
from tests.predicting import run


@pytest.mark.parametrize("name", ["_export.csv", ".export.csv"])
def test_a_name_that_would_be_passed_over_is_refused(name: str, tmp_path: Path, console: Console) -> None:
    (tmp_path / name).write_text("id,text\n1,hello\n")
    with pytest.raises(UsageProblem, match="passed over"):
        predict_batch(BatchOptions(file=tmp_path / name), console)


def test_a_mapping_without_a_file_is_refused(tmp_path: Path, console: Console) -> None:
    with pytest.raises(UsageProblem, match="--map goes with a FILE"):
        predict_batch(BatchOptions(mapping=tmp_path / "m.yaml"), console)


def test_an_empty_file_is_refused(tmp_path: Path, console: Console) -> None:
    (tmp_path / "empty.csv").touch()
    with pytest.raises(UsageProblem, match="empty"):
        predict_batch(BatchOptions(file=tmp_path / "empty.csv"), console)


def test_one_case_is_refused_before_anything_starts(tmp_path: Path, console: Console) -> None:
    (tmp_path / "case.json").write_text('{\n"id": 1,\n"text": "t"\n}')
    with pytest.raises(UsageProblem, match="one case as a JSON object"):
        predict_batch(BatchOptions(file=tmp_path / "case.json"), console)
    with pytest.raises(UsageProblem, match="one case as a JSON object"):
        label(RunOptions(file=tmp_path / "case.json", settings={}), console)


def test_a_stack_of_an_older_version_says_so(stack: Stack, console: Console) -> None:
    with pytest.raises(CliError, match="predicts no batches yet"):
        predict_at(stack, BatchOptions(), console)


def test_without_a_model_it_says_to_train(stack: Stack) -> None:
    error = CaughtError(
        Error="NoModelInService", Cause='{"errorMessage": "1 export waits, and no model is in service"}'
    )
    failure = _failure(stack, error)
    assert str(failure) == "1 export waits, and no model is in service."
    assert "plumbline train --stack demo" in failure.hint


def test_no_model_in_service_ends_in_words(stack: Stack, console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    """The state that finds exports is left by its catch: its output has an error and nothing found."""

    class States:
        def start_execution(self, **_: str) -> dict[str, str]:
            return {"executionArn": "arn:1"}

        def describe_execution(self, **_: str) -> dict[str, str]:
            cause = '{"errorMessage": "1 export waits, and no model is in service"}'
            return {"status": "FAILED", "error": "NoModelInService", "cause": cause}

        def get_execution_history(self, **_: object) -> dict[str, object]:
            output = '{"error": {"Error": "NoModelInService", "Cause": ""}}'
            return {"events": [{"stateExitedEventDetails": {"name": "FindExports", "output": output}}]}

    monkeypatch.setattr("plumbline.adapters.clients.stepfunctions", States)
    with pytest.raises(CliError, match="1 export waits, and no model is in service") as caught:
        predict_at(replace(stack, predict_cases_arn="arn:m"), BatchOptions(), console)
    assert caught.value.exit_code == 1
    assert "plumbline train --stack demo" in caught.value.hint


def test_ctrl_c_ends_the_following_and_says_how_to_go_on(
    stack: Stack, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    class States:
        def start_execution(self, **_: str) -> dict[str, str]:
            return {"executionArn": "arn:1"}

        def describe_execution(self, **_: str) -> dict[str, str]:
            raise KeyboardInterrupt

    monkeypatch.setattr("plumbline.adapters.clients.stepfunctions", States)
    note = LocalInfo(endpoint="http://e", bedrock_endpoint="http://b", stack_name="s", region="us-east-1", pid=1)
    here = replace(stack, predict_cases_arn="arn:m", local=note)
    assert predict_at(here, BatchOptions(), console) == 130
    text = console.export_text()
    assert "Look at the day later: plumbline predict-batch\n" in text
    assert "Stop both: plumbline down\n" in text


def test_another_failure_says_that_starting_again_goes_on(stack: Stack) -> None:
    failure = _failure(stack, CaughtError(Error="ABORTED"))
    assert "ABORTED" in str(failure)
    assert "predict-batch --stack demo" in failure.hint


A, B = run("a"), run("b")


@pytest.mark.parametrize(
    ("exports", "line"),
    [
        (None, "Looking for exports …"),
        ((), "No export waits."),
        ((ExportProgress(A),), "Reading daily/a.csv …"),
        ((ExportProgress(A, 0, 0, 0),), "daily/a.csv: nothing new in it"),
        ((ExportProgress(A, 3, 120, 1),), "Predicting 120 cases of daily/a.csv: 1 of 3 shards"),
        ((ExportProgress(A, 1, 9, 1), ExportProgress(B)), "Reading daily/b.csv (2 of 2) …"),
        (
            (ExportProgress(A), ExportProgress(B, 2, 60, 1)),  # the first could not be read
            "Predicting 60 cases of daily/b.csv (2 of 2): 1 of 2 shards",
        ),
        (
            (ExportProgress(A, 1, 9, 1), ExportProgress(B, 1, 9, 1)),
            "Predicting 9 cases of daily/b.csv (2 of 2): 1 of 1 shard",
        ),
    ],
)
def test_progress_in_a_line(exports: tuple[ExportProgress, ...] | None, line: str) -> None:
    assert _progress_line(BatchSeen("RUNNING", exports)) == line

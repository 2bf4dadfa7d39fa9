"""The end of a run: what is downloaded, what is printed, and the exit code."""

import json
from pathlib import Path

import pytest
from rich.console import Console

from cli.errors import CliError
from cli.progress import Progress, Stage
from cli.results import conclude, fetch
from cli.stack import Stack
from local.info import LocalInfo
from plumbline import keys
from plumbline.adapters.s3 import S3ObjectStore
from plumbline.contracts.runs import RunSummary
from tests.unit.report import summaries

DONE = Progress(state="SUCCEEDED", stage=Stage.DONE)
HERE = LocalInfo(endpoint="http://x", bedrock_endpoint="http://y", stack_name="s", region="us-east-1", pid=1)


def ended(stack: Stack) -> RunSummary:
    summary = summaries.typical()
    data = S3ObjectStore(stack.data_bucket)
    data.write(keys.summary(summary.run_id), summary.model_dump_json().encode())
    data.write(keys.report(summary.run_id), b"<html>")
    assert summary.balance
    assert summary.balance.manifest_key
    data.write(summary.balance.manifest_key, b"{}")
    return summary


def test_a_run_that_succeeded_is_shown_downloaded_and_0(stack: Stack, console: Console, home: Path) -> None:
    summary = ended(stack)
    assert conclude(console, stack, summary.run_id, DONE, as_json=False) == 0
    folder = home / "runs" / summary.run_id
    assert {path.name for path in folder.iterdir()} == {"report.html", "summary.json", "manifest.json"}
    assert str(folder / "report.html") in console.export_text().replace("\n", "")


def test_json_is_all_that_stands_on_standard_output(stack: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    summary = ended(stack)
    assert conclude(Console(stderr=True), stack, summary.run_id, DONE, as_json=True) == 0
    assert RunSummary.model_validate_json(capsys.readouterr().out) == summary


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        ("BudgetExceeded", "--budget"),
        ("InvalidPrompt", "plumbline prompts list"),
        ("ModelAccessDenied", "ModelArns"),
        ("NothingLabeled", "already paid for"),
    ],
)
def test_a_failed_run_says_why_what_to_do_and_1(stack: Stack, console: Console, error: str, advice: str) -> None:
    failed = Progress(state="FAILED", stage=Stage.LABEL, error=error, cause="The cause in words.")
    assert conclude(console, stack, "run-1", failed, as_json=False) == 1
    text = console.export_text()
    assert f"The run failed: {error}" in text
    assert "The cause in words." in text
    assert advice in text


def test_an_error_nobody_foresaw_points_at_the_execution_or_the_logs(
    stack: Stack, console: Console, home: Path
) -> None:
    failed = Progress(state="FAILED", stage=Stage.LABEL, error="KeyError", cause="'x'")
    conclude(console, stack, "run-1", failed, as_json=False)
    assert f"#/v2/executions/details/{stack.execution_arn('run-1')}" in console.export_text()
    conclude(console, Stack(**{**vars(stack), "local": HERE}), "run-1", failed, as_json=False)
    assert str(home / "logs") in console.export_text()


def test_a_failed_run_is_json_too(stack: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    failed = Progress(state="FAILED", stage=Stage.INGEST, error="InvalidCaseFile", cause="why")
    assert conclude(Console(stderr=True), stack, "run-1", failed, as_json=True) == 1
    assert json.loads(capsys.readouterr().out) == {
        "run_id": "run-1",
        "status": "FAILED",
        "error": "InvalidCaseFile",
        "cause": "why",
    }


def test_a_stopped_run_says_how_to_go_on(stack: Stack, console: Console) -> None:
    stopped = Progress(state="STOPPED", stage=Stage.LABEL, error="ABORTED", cause="The execution was stopped.")
    assert conclude(console, stack, "run-1", stopped, as_json=False) == 1
    assert "The run stopped: ABORTED" in console.export_text()


def test_a_summary_of_another_version_is_said_in_words(stack: Stack, console: Console) -> None:
    S3ObjectStore(stack.data_bucket).write(keys.summary("run-1"), b'{"new": 1}')
    with pytest.raises(CliError, match="does not fit this version"):
        conclude(console, stack, "run-1", DONE, as_json=False)


def test_a_result_that_is_gone_is_said_in_words(stack: Stack) -> None:
    summary = ended(stack)
    gone = summary.model_copy(update={"run_id": "run-other"})
    with pytest.raises(CliError, match=r"runs/run-other/report\.html"):
        fetch(stack, gone)

"""The end of a run: what is downloaded, what is printed, and the exit code."""

import csv
import json
from pathlib import Path

import boto3
import pytest
from rich.console import Console

from cli import downloads
from cli.downloads import fetch
from cli.errors import CliError
from cli.progress import Progress, Stage
from cli.results import conclude
from cli.stack import Stack
from local.info import LocalInfo
from plumbline import keys
from plumbline.adapters.s3 import S3ObjectStore
from plumbline.contracts.cases import Reject
from plumbline.contracts.errors import StoreDenied
from plumbline.contracts.labels import Outcome
from plumbline.contracts.summary import RunSummary
from plumbline.jsonl import write_models
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
    folder = summary.balance.manifest_key.removesuffix("manifest.json")
    files = []
    for split, rows in (("train", 3), ("validation", 1), ("test", 1)):
        body = b'{"case_id": "1", "text": "t", "category": "c"}\n' * rows
        data.write(f"{folder}{split}.jsonl", body)
        files.append({"split": split, "key": f"{folder}{split}.jsonl", "sha256": "0", "bytes": len(body),
                      "rows": rows, "per_class": {}})  # fmt: skip
    manifest = {"task": "root_cause", "version": "d1", "created_at": "2026-11-22T00:00:00Z", "verdict": "balanced",
                "target_per_class": 1, "categories": [], "per_class": {}, "files": files, "prompts": [],
                "model_ids": [], "run_ids": [], "near_duplicates_left_out": 0}  # fmt: skip
    data.write(summary.balance.manifest_key, json.dumps(manifest).encode())
    outcomes = [
        Outcome(case_id="7, or so", outcome="labeled", content_hash="h", category="Defect", confidence=0.5,
                repairs=("fence", "case")),
        Outcome(case_id="8", outcome="dropped", content_hash="h", reason="two categories"),
    ]  # fmt: skip
    write_models(data, keys.outcomes(summary.run_id), outcomes)
    rejects = [Reject(line=n, reason="no text", detail="d") for n in range(2, 11)]
    write_models(S3ObjectStore(stack.raw_bucket), keys.rejects(summary.run_id), rejects)
    return summary


def test_a_run_that_succeeded_is_shown_downloaded_and_0(stack: Stack, console: Console, home: Path) -> None:
    summary = ended(stack)
    assert conclude(console, stack, summary.run_id, DONE, as_json=False) == 0
    folder = home / "runs" / summary.run_id
    assert {path.name for path in folder.iterdir()} == {
        "labels.csv", "train.jsonl", "validation.jsonl", "test.jsonl", "manifest.json", "rejects.jsonl",
        "summary.json", "report.html",
    }  # fmt: skip
    text = console.export_text().replace("\n", "")
    assert f"Report    {folder}/report.html" in text
    assert f"Labels    {folder}/labels.csv" in text
    assert f"Dataset   {folder}/train.jsonl, validation.jsonl, test.jsonl" in text
    assert "line 2: no text" in text
    assert "line 7" not in text
    assert len((folder / "train.jsonl").read_text().splitlines()) == 3


def test_labels_are_a_table_without_text(stack: Stack, home: Path) -> None:
    summary = ended(stack)
    fetch(stack, summary)
    with (home / "runs" / summary.run_id / "labels.csv").open(newline="", encoding="utf-8") as stream:
        first, second = csv.DictReader(stream)
    assert first == {
        "case_id": "7, or so", "outcome": "labeled", "reason": "", "category": "Defect", "runner_up": "",
        "confidence": "0.5", "close_call": "false", "repairs": "fence;case", "gold_category": "",
    }  # fmt: skip
    assert second["reason"] == "two categories"


def test_a_split_that_is_too_large_or_gone_is_said_and_the_rest_is_there(
    stack: Stack, console: Console, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = ended(stack)
    monkeypatch.setattr(downloads, "MAX_SPLIT_BYTES", 100)
    assert summary.balance
    assert summary.balance.manifest_key
    gone = summary.balance.manifest_key.replace("manifest.json", "test.jsonl")
    boto3.client("s3").delete_object(Bucket="data", Key=gone)
    assert conclude(console, stack, summary.run_id, DONE, as_json=False) == 0
    text = console.export_text()
    assert "train.jsonl is large" in text
    assert "test.jsonl is not there" in text
    assert (home / "runs" / summary.run_id / "validation.jsonl").exists()
    assert not list((home / "runs" / summary.run_id).glob("*.part"))


def test_rejects_that_may_not_be_read_are_said(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    summary = ended(stack)

    def denied(*_: object) -> None:
        raise StoreDenied("s3://raw/x: access denied")

    monkeypatch.setattr(downloads, "_rejects", denied)
    assert any("may not read it" in note for note in fetch(stack, summary).notes)


def test_a_failed_run_with_a_report_brings_it(stack: Stack, console: Console, home: Path) -> None:
    S3ObjectStore(stack.data_bucket).write(keys.report("run-1"), b"<html>")
    failed = Progress(state="FAILED", stage=Stage.LABEL, error="NothingLabeled", cause="why")
    assert conclude(console, stack, "run-1", failed, as_json=False) == 1
    assert (home / "runs" / "run-1" / "report.html").read_bytes() == b"<html>"
    assert "report.html" in console.export_text()


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


@pytest.mark.parametrize(
    ("cell", "shown"),
    [("=HYPERLINK()", "'=HYPERLINK()"), ("@x", "'@x"), ("PL-1", "PL-1"), (("a", "b"), "a;b"), (0.9, 0.9)],
)
def test_no_cell_of_the_labels_is_a_formula(cell: object, shown: object) -> None:
    assert downloads._cell(cell) == shown

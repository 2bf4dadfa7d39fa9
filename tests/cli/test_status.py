"""The list of runs, one run, and a run that was cut off."""

import io
from datetime import timedelta
from pathlib import Path

import boto3
import pytest
from rich.console import Console

from cli import local_stack, status
from cli import stack as stacks
from cli.errors import CliError, UsageProblem
from cli.progress import Progress, Stage
from cli.stack import Stack
from plumbline.adapters.dynamodb import DynamoLedger
from plumbline.contracts.runs import RunRow
from tests import builders as b
from tests.unit.report import summaries


def row(run_id: str, minutes: int = 0, **changes: object) -> RunRow:
    fields = {
        "run_id": run_id,
        "task": "root_cause",
        "status": "SUCCEEDED",
        "source": "incoming/cases.jsonl",
        "started_at": b.NOW + timedelta(minutes=minutes),
    }
    return RunRow.model_validate(fields | changes)


@pytest.fixture
def found(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Stack:
    monkeypatch.setattr(stacks, "find", lambda _: stack)
    return stack


def show(console: Console, run_id: str | None = None, *, as_json: bool = False) -> int:
    return status.status(run_id, None, console, as_json=as_json, follow=False, limit=20)


def test_runs_of_every_task_are_listed_newest_first(found: Stack, console: Console) -> None:
    ledger = DynamoLedger(found.ledger_table)
    ended = b.NOW + timedelta(minutes=62)
    ledger.put_run(
        row("run-aaaaaaaaaaaaaaaa", outcomes={"labeled": 2144}, cost_usd=1.5, verdict="short", finished_at=ended)
    )
    ledger.put_run(row("run-bbbbbbbbbbbbbbbb", 5, task="npm_issue", status="FAILED", error="InvalidPrompt"))
    assert show(console) == 0
    lines = [line.split() for line in console.export_text().splitlines()[2:]]
    assert [line[0] for line in lines] == ["run-bbbbbbbb", "run-aaaaaaaa"]
    assert lines[0][-1] == "InvalidPrompt"
    assert lines[1][-4:] == ["2,144", "$1.50", "!", "short"]
    assert "1:02:00" in lines[1]


def test_the_list_fits_eighty_columns(found: Stack, console: Console) -> None:
    DynamoLedger(found.ledger_table).put_run(
        row("run-" + "a" * 20, source="incoming/" + "long_" * 20 + ".csv", outcomes={"labeled": 10_000}, cost_usd=123.4)
    )
    show(console)
    text = console.export_text()
    assert max(map(len, text.splitlines())) <= 80
    assert "run-aaaaaaaa " in text
    assert "10,000" in text
    assert "$123.40" in text


@pytest.mark.parametrize("width", [60, 100])
@pytest.mark.parametrize("ended", [{"verdict": "balanced"}, {"status": "FAILED", "error": "ModelAccessDenied"}])
def test_how_a_run_ended_is_whole_on_a_narrow_screen(found: Stack, width: int, ended: dict[str, str]) -> None:
    labeled = row("run-" + "a" * 20, outcomes={"labeled": 10_000}, cost_usd=123.4)
    DynamoLedger(found.ledger_table).put_run(labeled.model_copy(update=ended))
    console = Console(width=width, record=True, file=io.StringIO(), highlight=False)
    show(console)
    text = console.export_text()
    assert max(map(len, text.splitlines())) <= width
    for part in ("run-aaaaaaaa ", "10,000", *ended.values()):
        assert part in text or part == "FAILED", part
    assert ("$123.40" in text) == (width == 100)


def test_without_a_stack_the_runs_on_this_machine_are_listed(
    console: Console, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_stack, "running", lambda: None)
    summary = summaries.short()
    for name, text in ((summary.run_id, summary.model_dump_json()), ("run-of-another-version", '{"new": 1}')):
        (home / "runs" / name).mkdir(parents=True)
        (home / "runs" / name / "summary.json").write_text(text)
    assert show(console) == 0
    text = console.export_text()
    assert "No local stack is running" in text
    assert summary.run_id[:12] in text
    assert "! short" in text
    assert "another" not in text
    assert show(console, "last") == 0
    assert f"{summary.run_id}/report.html" in console.export_text().replace("\n", "")


def test_no_runs_yet_says_how_to_start_one(found: Stack, console: Console) -> None:
    assert show(console) == 0
    assert "plumbline run FILE --stack demo" in console.export_text()


def test_ids_are_cut_to_what_tells_them_apart() -> None:
    assert status.id_length(["run-" + "a" * 20]) == 12
    assert status.id_length(["run-aaaaaaaaaX", "run-aaaaaaaaaY"]) == 14
    assert status.id_length([]) == 12


def test_a_run_is_named_by_its_id_its_beginning_or_last() -> None:
    rows = [row("run-abc123"), row("run-abd456"), row("run-ab")]
    assert status.chosen(rows, "last").run_id == "run-abc123"
    assert status.chosen(rows, "abc").run_id == "run-abc123"
    assert status.chosen(rows, "run-abd").run_id == "run-abd456"
    assert status.chosen(rows, "run-ab").run_id == "run-ab"
    with pytest.raises(UsageProblem, match="2 runs begin with"):
        status.chosen([row("run-abc"), row("run-abd")], "ab")
    with pytest.raises(UsageProblem, match="no run 'x'"):
        status.chosen(rows, "x")
    with pytest.raises(CliError, match="no runs yet"):
        status.chosen([], "last")


def test_a_run_that_goes_on_shows_its_stage_and_how_to_follow_it(found: Stack, console: Console) -> None:
    DynamoLedger(found.ledger_table).put_run(row("run-1", status="RUNNING"))
    boto3.client("stepfunctions").start_execution(
        stateMachineArn=found.state_machine_arn, name="run-1", input=f'{{"run": {b.run().model_dump_json()}}}'
    )
    assert show(console, "run-1") == 0
    text = console.export_text()
    assert "reading the file" in text
    assert "plumbline status run-1 --follow --stack demo" in text


def test_a_run_whose_execution_is_gone_was_cut_off(found: Stack, console: Console) -> None:
    DynamoLedger(found.ledger_table).put_run(row("run-1", status="RUNNING"))
    assert show(console, "run-1") == 1
    assert "cut off" in console.export_text()


def test_a_run_that_has_just_been_asked_for_is_given_time() -> None:
    starting = Progress(state="RUNNING", stage=Stage.START)
    young, old = b.NOW + timedelta(seconds=30), b.NOW + timedelta(minutes=10)
    assert status.without_orphan(starting, row("run-1"), young, gone=True) == starting
    assert status.without_orphan(starting, row("run-1"), old, gone=False) == starting
    assert status.without_orphan(starting, row("run-1"), old, gone=True).state == "STOPPED"


def test_rows_as_json(found: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    DynamoLedger(found.ledger_table).put_run(row("run-1"))
    assert show(Console(stderr=True), as_json=True) == 0
    assert '"run_id": "run-1"' in capsys.readouterr().out


def test_a_run_that_was_cut_off_is_not_listed_as_running(found: Stack, console: Console) -> None:
    ledger = DynamoLedger(found.ledger_table)
    ledger.put_run(row("run-gone", status="RUNNING"))
    ledger.put_run(row("run-goes-on", status="RUNNING"))
    boto3.client("stepfunctions").start_execution(
        stateMachineArn=found.state_machine_arn, name="run-goes-on", input="{}"
    )
    show(console)
    lines = {line.split()[0]: line for line in console.export_text().splitlines()[2:]}
    assert "cut off" in lines["run-gone"]
    assert "running" in lines["run-goes-on"]

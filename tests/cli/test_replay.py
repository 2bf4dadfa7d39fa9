"""`plumbline replay` and `resume`: which stage, with what, and when they refuse."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from rich.console import Console

from cli import replay as commands
from cli.errors import CliError, UsageProblem
from cli.progress import Execution
from cli.replay import Known
from cli.run import INTERRUPTED
from cli.stack import Stack
from plumbline import keys
from plumbline.adapters.dynamodb import DynamoLedger
from plumbline.adapters.s3 import S3ObjectStore
from plumbline.contracts.replay import Replay
from plumbline.contracts.runs import IngestRecord, RunRow
from plumbline.contracts.summary import RunSummary
from tests import builders as b
from tests.unit.report import summaries

NOW = datetime(2026, 3, 5, tzinfo=UTC)


def row(**changes: Any) -> RunRow:
    fields = {"run_id": "run-1", "task": "root_cause", "status": "FAILED", "source": "x", "started_at": b.NOW}
    return RunRow.model_validate(fields | changes)


def summary(failed: int = 0, **changes: Any) -> RunSummary:
    made = summaries.typical()
    outcomes = {**made.outcomes, "failed": failed}
    return made.model_copy(update={"run_id": "run-1", "outcomes": outcomes, "outcome_reasons": {}} | changes)


def known(*, execution: Execution | None = None, **changes: Any) -> Known:
    fields = {"row": row(), "request": b.run(prompt_version="v3"), "ingest": b.ingest_result(3), "summary": None}
    return Known(**(fields | {"execution": execution, "at": NOW} | changes))


def broken_replay(status: str = "FAILED") -> Execution:
    again = Replay(number=1, stage="parse", at=NOW)
    return Execution(status, b.run(replay=again, prompt_version="v4", max_repairs=1, vote_samples=0))


def stage_of(found: Known, budget: float | None = None) -> str:
    request, _ = commands.resumed(found, budget)
    assert request.replay is not None
    return request.replay.stage


def test_a_run_goes_on_from_the_stage_that_failed() -> None:
    assert stage_of(known(ingest=None)) == "ingest"
    assert stage_of(known()) == "label"
    assert stage_of(known(summary=summary(failed=2))) == "label"
    assert stage_of(known(summary=summary())) == "balance"
    assert stage_of(known(row=row(status="SUCCEEDED"), summary=summary(failed=2))) == "label"


def test_a_replay_that_broke_off_goes_on_as_it_was_asked_for() -> None:
    request, _ = commands.resumed(known(execution=broken_replay(), summary=summary(), row=row(replays=1)), None)
    assert request.replay == Replay(number=2, stage="parse", at=NOW)
    assert (request.prompt_version, request.max_repairs, request.vote_samples) == ("v4", 1, 0)


def test_a_run_that_ended_well_has_nothing_left_but_with_more_money() -> None:
    ended = known(row=row(status="SUCCEEDED"), summary=summary())
    with pytest.raises(CliError, match="no case of it failed"):
        commands.resumed(ended, None)
    poor = summary(outcome_reasons={"dropped: budget_reached": 4})
    assert stage_of(known(row=row(status="SUCCEEDED"), summary=poor), budget=9.0) == "label"
    request, _ = commands.resumed(known(row=row(status="SUCCEEDED"), summary=poor), 9.0)
    assert request.budget_usd == 9.0


def test_labels_are_asked_for_with_the_prompt_of_the_run_and_later_stages_take_that_of_the_labels() -> None:
    """Another prompt would be other requests, and every one of them paid anew."""
    reread = summary(failed=1)
    reread = reread.model_copy(update={"prompt": reread.prompt.model_copy(update={"version": "v4"})})
    labels, _ = commands.resumed(known(summary=reread), None)
    assert labels.prompt_version == "v3"
    outcomes, _ = commands.replayed(known(summary=reread), "collate", None, 0)
    assert outcomes.prompt_version == "v4"


def test_reading_again_asks_nobody_unless_that_is_said() -> None:
    asked = known(request=b.run(vote_samples=5, max_repairs=2), summary=summary())
    free, beside = commands.replayed(asked, "parse", "v4", 0)
    assert (free.max_repairs, free.vote_samples, free.prompt_version) == (0, 0, "v4")
    assert beside == {"ingest": {"value": b.ingest_result(3).model_dump(mode="json")}}
    assert commands.replayed(asked, "parse", None, 3)[0].max_repairs == 3


def test_a_stage_that_the_run_never_came_to_is_refused() -> None:
    with pytest.raises(CliError, match="did not come as far as balance"):
        commands.replayed(known(), "balance", None, 0)
    with pytest.raises(CliError, match="no verdict yet"):
        commands.replayed(known(summary=summary(balance=None)), "report", None, 0)
    with pytest.raises(CliError, match="not known any more"):
        commands.resumed(known(request=None), None)


def test_report_alone_has_the_verdict_beside_it() -> None:
    found = summary()
    assert found.balance is not None
    _, beside = commands.replayed(known(summary=found), "report", None, 0)
    assert beside["balance"] == {"value": found.balance.model_dump(mode="json")}


def test_a_run_under_way_is_refused(stack: Stack) -> None:
    for status in ("RUNNING", "PENDING_REDRIVE"):
        with pytest.raises(CliError, match="still running"):
            commands.check_not_going(stack, known(execution=Execution(status)))
    young = row(status="RUNNING", started_at=NOW - timedelta(seconds=5))
    with pytest.raises(CliError, match="still running"):
        commands.check_not_going(stack, known(row=young))
    commands.check_not_going(stack, known(row=row(status="RUNNING")))  # cut off: it has no execution any more


def test_wrong_words_are_refused_before_anything_is_looked_up() -> None:
    with pytest.raises(UsageProblem, match="no stage 'classify'"):
        commands.replay_command("last", "classify")
    with pytest.raises(UsageProblem, match="for --from parse"):
        commands.replay_command("last", "balance", prompt="v4")


def test_an_execution_of_its_own_is_started_and_a_second_one_beside_it_is_not(
    stack: Stack, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger, data = DynamoLedger(stack.ledger_table), S3ObjectStore(stack.data_bucket)
    ledger.put_run(row())
    record = IngestRecord(run=b.run(), ingest=b.ingest_result(3))
    data.write(keys.ingested("run-1"), record.model_dump_json().encode())
    monkeypatch.setattr(commands, "watch", lambda *_, **__: INTERRUPTED)
    monkeypatch.setattr("cli.status.tasks_of", lambda *_: ("root_cause",))
    found = commands.known_of(stack, "run-1")
    request, beside = commands.resumed(found, None)
    assert commands.start(stack, found, request, beside, console, as_json=False) == INTERRUPTED
    started = boto3.client("stepfunctions").describe_execution(executionArn=stack.execution_arn("run-1-replay-1"))
    told = json.loads(started["input"])
    assert (told["run"]["replay"]["stage"], told["ingest"]["value"]["cases"]) == ("label", 3)
    stored = ledger.get_run("root_cause", "run-1")
    assert stored is not None
    assert (stored.status, stored.replays, stored.error) == ("RUNNING", 1, None)

    other, beside = commands.resumed(found, 7.0)
    with pytest.raises(CliError, match="Somebody else"):
        commands.start(stack, found, other, beside, console, as_json=False)


def test_what_the_ledger_forgets_is_only_what_this_run_recorded(stack: Stack) -> None:
    ledger = DynamoLedger(stack.ledger_table)
    ledger.record_labeled("root_cause", "run-1", {"a": "1", "b": "2"})
    ledger.record_labeled("root_cause", "run-2", {"b": "3"})
    ledger.forget("root_cause", "run-1", ["a", "b", "never-there"])
    assert ledger.recorded_by("root_cause", ["a", "b"]) == {"b": "run-2"}

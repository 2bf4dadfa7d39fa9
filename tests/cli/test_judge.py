"""`plumbline models judge`: the event that was lost, made anew, and the verdict."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from cli import judge as judging
from cli import stack as stacks
from cli import training_job
from cli.errors import CliError, UsageProblem
from cli.invoke import FunctionFailed
from cli.judge import judge
from cli.main import app
from cli.stack import Stack
from plumbline.adapters.registry import AwsModelRegistry
from plumbline.contracts.models import ModelRow
from plumbline.promote_model.event import job_from_event
from tests.cli import training as t

CHANNEL = {
    "ChannelName": "manifest",
    "DataSource": {"S3DataSource": {"S3Uri": "s3://data/datasets/root_cause/d1/manifest.json"}},
}


class Promotion:
    """PromoteModel: remembers the events, and writes the row that it is told to."""

    def __init__(self, where: Stack) -> None:
        self.events: list[Mapping[str, Any]] = []
        self.row: ModelRow | None = t.row("promoted", "as it should be")
        self.error: FunctionFailed | None = None
        self._registry = AwsModelRegistry(where.model_parameters, where.ledger_table)

    def __call__(self, where: Stack, logical: str, event: Mapping[str, Any]) -> dict[str, Any]:
        assert logical == "PromoteModelFunction"
        self.events.append(json.loads(json.dumps(event)))
        if self.error:
            raise self.error
        if self.row:
            self._registry.record(self.row)
            if self.row.status == "promoted":
                t.serve(where, self.row.version, at=datetime.now(UTC))
        return {}


@pytest.fixture
def promotion(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Promotion:
    promotion = Promotion(stack)
    monkeypatch.setattr(judging, "invoke", promotion)
    return promotion


def sagemaker(monkeypatch: pytest.MonkeyPatch, *answers: Mapping[str, Any] | Exception) -> None:
    monkeypatch.setattr(judging, "client", lambda _: t.FakeSageMaker(*answers))


def test_the_event_is_the_one_that_promotion_reads(
    stack: Stack, promotion: Promotion, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    sagemaker(monkeypatch, t.job("Completed", "Starting", "Training", "Completed", InputDataConfig=[CHANNEL]))
    assert judge(stack, t.JOB, console, as_json=False) == 0
    [event] = promotion.events
    job = job_from_event(event, stack.data_bucket)
    assert (job.task, job.version, job.status) == ("root_cause", t.JOB, "Completed")
    assert job.manifest_key == "datasets/root_cause/d1/manifest.json"
    assert "Promoted: it serves within 30 seconds" in console.export_text()


def test_a_rejected_model_is_exit_code_1_and_json_is_the_row(
    stack: Stack, promotion: Promotion, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    promotion.row = t.row("rejected", "accuracy 40.0% is below the gate")
    sagemaker(monkeypatch, t.job("Completed", "Completed"))
    assert judge(stack, t.JOB, Console(stderr=True), as_json=True) == 1
    said = json.loads(capsys.readouterr().out)
    assert (said["status"], said["reasons"]) == ("rejected", ["accuracy 40.0% is below the gate"])


def test_a_job_is_judged_once(
    stack: Stack, promotion: Promotion, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    sagemaker(monkeypatch, t.job("Completed", "Completed"))
    judge(stack, t.JOB, console, as_json=False)
    assert judge(stack, t.JOB, console, as_json=False) == 0
    assert len(promotion.events) == 1
    assert "judged already" in console.export_text()


@pytest.mark.parametrize("status", ["InProgress", "Stopping"])
def test_a_job_that_has_not_ended_is_not_judged(
    stack: Stack, promotion: Promotion, console: Console, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    sagemaker(monkeypatch, t.job(status, "Starting", "Training"))
    with pytest.raises(CliError, match="has not ended yet") as raised:
        judge(stack, t.JOB, console, as_json=False)
    assert f"train --follow {t.JOB} --stack demo" in raised.value.hint
    assert not promotion.events


def test_the_job_of_a_pipelines_execution_is_judged(
    stack: Stack, promotion: Promotion, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    sagemaker(monkeypatch, t.job("Completed", "Completed"))
    ended = t.stubbed(*t.execution("Succeeded", t.step()), t.trains(t.job("Completed", "Completed")))
    monkeypatch.setattr(training_job, "client", lambda _: ended)
    assert judge(stack, t.EXECUTION, console, as_json=False) == 0
    assert promotion.events[0]["detail"]["TrainingJobName"] == t.JOB
    monkeypatch.setattr(training_job, "client", lambda _: t.stubbed(*t.execution("Executing")))
    with pytest.raises(CliError, match="no training job yet"):
        judge(stack, t.EXECUTION, console, as_json=False)


def test_a_job_that_there_is_not_is_said(
    stack: Stack, promotion: Promotion, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    sagemaker(monkeypatch, t.refused("ValidationException"))
    with pytest.raises(UsageProblem, match="no training job"):
        judge(stack, "nobody", console, as_json=False)


def test_a_function_that_fails_says_where_to_look(
    stack: Stack, promotion: Promotion, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    promotion.error = FunctionFailed("InvalidEvent", "it is none of this stack's")
    sagemaker(monkeypatch, t.job("Completed", "Completed"))
    with pytest.raises(CliError, match="none of this stack's") as raised:
        judge(stack, t.JOB, console, as_json=False)
    assert "/plumbline/demo/promote_model" in raised.value.hint


def test_a_failed_jobs_own_words_stay_in_its_log(
    stack: Stack, promotion: Promotion, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    promotion.row = None
    reason = 'AlgorithmError: ExecuteUserScriptError: ValueError: bad row "call me at 555 0123", exit code: 1'
    sagemaker(monkeypatch, t.job("Failed", "Training", "Failed", FailureReason=reason))
    assert judge(stack, t.JOB, console, as_json=False) == 1
    text = console.export_text()
    assert "AlgorithmError (ValueError, exit code 1)" in text
    assert "555" not in text


def test_the_command_is_wired(stack: Stack, promotion: Promotion, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stacks, "find", lambda _: stack)
    monkeypatch.setattr(judging, "newest", lambda _: t.JOB)
    sagemaker(monkeypatch, t.job("Completed", "Completed"))
    done = CliRunner().invoke(app, ["models", "judge"])
    assert done.exit_code == 0, done.output
    assert "Promoted" in done.output

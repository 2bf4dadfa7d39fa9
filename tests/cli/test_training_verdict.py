"""How training ended, on the screen: what was decided, and what is true of it now."""

import io
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import boto3
import pytest
from rich.console import Console

from cli import train
from cli.stack import Stack
from cli.training_job import Seen, describe
from cli.training_log import Line
from cli.training_verdict import conclude
from cli.training_view import training_view
from plumbline.adapters.registry import AwsModelRegistry
from plumbline.contracts.errors import StoreDenied
from plumbline.contracts.models import ModelRow
from tests.cli import training as t

COMPLETED = ("Completed", "Starting", "Training", "Completed")


def seen(status: str, *secondary: str, row: ModelRow | None = None, **more: Any) -> Seen:
    line = Line(t.BEGAN + timedelta(seconds=70), "a line of the log")
    return Seen(describe(t.FakeSageMaker(t.job(status, *secondary, **more)), t.JOB), (line,), row)


def verdict(stack: Stack, row: ModelRow | None, *, width: int = 80, **job: Any) -> str:
    """What is said of the job a day after it ended."""
    console = Console(width=width, record=True, file=io.StringIO(), highlight=False)
    conclude(console, stack, seen(*(job.pop("status", COMPLETED)), row=row, **job), as_json=False)
    return console.export_text()


@pytest.mark.parametrize(
    ("status", "serves", "words", "after"),
    [
        ("promoted", t.JOB, "Promoted: it serves since 22 Nov 2026, 16:00 UTC", "models rollback"),
        ("promoted", "plumbline-root-cause-v3", "Promoted then; v3 serves now", "models promote d20261122-1f3a"),
        ("promoted", None, "Promoted then; no model is in service now", "models promote d20261122-1f3a"),
        ("rejected", "plumbline-root-cause-v3", "Rejected: the model in service stays", "Promote it all the same"),
        ("rejected", t.JOB, "Rejected then, but put into service by hand: it serves now", "models rollback"),
        ("failed", "plumbline-root-cause-v3", "Training failed: the model in service stays", "Log group"),
    ],
)
def test_a_verdict_says_what_is_true_now(stack: Stack, status: str, serves: str | None, words: str, after: str) -> None:
    if serves:
        t.serve(stack, serves)
    text = " ".join(verdict(stack, t.row(status)).split())
    assert f"{words} {t.JOB}" in text
    assert after in text
    assert ("models rollback" in text) == (after == "models rollback")


def test_the_first_model_cannot_be_rolled_back(stack: Stack) -> None:
    t.serve(stack, previous=None)
    assert "models rollback" not in verdict(stack, t.row())


def test_a_damaged_pointer_is_not_said_to_serve(stack: Stack) -> None:
    boto3.client("ssm").put_parameter(Name="/demo/models/root_cause", Value="v2", Type="String")
    assert "Promoted then; the pointer to the model in service is damaged now" in verdict(stack, t.row())


def test_who_may_not_read_what_serves_is_told_what_was_decided(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object) -> None:
        raise StoreDenied("no")

    monkeypatch.setattr(AwsModelRegistry, "current", denied)
    assert "Promoted: it serves within 30 seconds" in verdict(stack, t.row())


def test_the_time_is_the_jobs_own(stack: Stack, capsys: pytest.CaptureFixture[str], console: Console) -> None:
    assert "Time 2 min 00 s" in " ".join(verdict(stack, t.row()).split())
    conclude(console, stack, seen(*COMPLETED, row=t.row()), as_json=True)
    said_ = json.loads(capsys.readouterr().out.partition("{")[2].join(("{", "")))
    assert (said_["seconds"], said_["serves"], said_["in_service"]) == (120.0, False, None)


@pytest.mark.parametrize("width", [60, 100])
def test_a_verdict_fits_the_screen(stack: Stack, width: int) -> None:
    t.serve(stack, "plumbline-root-cause-v3")
    reason = (
        "accuracy against plumbline-root-cause-old: +5.5 points (95% interval -2.0 to +13.0), no worse beyond noise"
    )
    for row in (
        t.row("promoted", reason, comparison=t.comparison()),
        t.row("rejected", reason),
        t.row("failed", reason),
    ):
        assert max(map(len, verdict(stack, row, width=width).splitlines())) <= width


def test_what_training_warned_of_is_said_where_there_is_no_card(stack: Stack) -> None:
    console = Console(width=80, record=True, file=io.StringIO(), highlight=False)
    failed = seen("Failed", "Training", "Failed", FailureReason="AlgorithmError: killed")
    conclude(console, stack, replace(failed, notes=("3 held-out texts stand in train",)), as_json=False)
    assert "3 held-out texts stand in train" in console.export_text()


def test_a_model_that_goes_elsewhere_is_not_waited_for(stack: Stack, console: Console) -> None:
    class Elsewhere:
        def look(self) -> Seen:
            return seen(*COMPLETED, OutputDataConfig={"S3OutputPath": "s3://elsewhere/models/root_cause"})

    with training_view(console) as view:
        last = train.followed(stack, Elsewhere(), view, lambda: 0.0, lambda _: None)  # type: ignore[arg-type]
    assert conclude(console, stack, last, as_json=False) == 1
    assert "promotion does not judge what goes to s3://elsewhere/models/root_cause" in said_of(console)


def said_of(console: Console) -> str:
    return " ".join(console.export_text().split())

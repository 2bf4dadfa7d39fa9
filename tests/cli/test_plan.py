"""`plumbline plan`: what a run would cost, without a stack and beside one."""

import gzip
import io
import json
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from cli.errors import CliError, UsageProblem
from cli.main import app
from cli.parameters import default
from cli.plan import PlanOptions, mode_of, plan
from cli.plan_view import rendered
from cli.stack import Stack
from plumbline.adapters.dynamodb import DynamoLedger
from plumbline.contracts.cases import Case, Message
from plumbline.contracts.plan import Plan

HAIKU = "us.anthropic.claude-haiku-4-5-20251001-v1:0"


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """Ten cases, one row without a text, one row twice."""
    rows = [{"id": f"c{n}", "subject": f"Invoice {n}", "text": "The invoice was sent twice. " * 9} for n in range(10)]
    file = tmp_path / "cases.jsonl"
    file.write_text("\n".join(json.dumps(row) for row in [*rows, rows[0], {"id": "empty"}]))
    return file


def shown(found: Plan, file: Path, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(rendered(found, file), crop=False)
    text = console.file.getvalue()  # type: ignore[attr-defined]  # the StringIO above
    return str(text)


def test_without_a_stack_every_case_is_new_and_the_template_says_the_rest(export: Path) -> None:
    found = plan(PlanOptions(export))
    assert (found.ingest.new, found.ingest.unchanged, found.ingest.rejected, found.ingest.repeated) == (10, 0, 1, 1)
    assert (found.stack, found.known_cases, found.model_id, found.budget_usd) == (None, False, HAIKU, 50.0)
    assert found.human_hours == pytest.approx(10 * 5 / 60)
    costs = found.costs
    assert costs.on_demand_usd is not None
    assert costs.batch_usd == pytest.approx(costs.on_demand_usd / 2)
    assert (found.road, found.affordable) == ("on_demand", None)
    assert "10 new cases" in found.road_reason


def test_the_cache_counts_where_the_prompt_reaches_the_models_minimum(export: Path) -> None:
    long, short = plan(PlanOptions(export, prompt="v3")), plan(PlanOptions(export, prompt="v1"))
    assert long.costs.cached_usd is not None
    assert long.costs.on_demand_usd is not None
    assert long.costs.expected_usd == long.costs.cached_usd
    assert short.costs.cached_usd is None
    assert "prompt below 4,096 tokens" in " ".join(shown(short, export).split())


def test_a_batch_that_is_dearer_than_the_cache_is_taken_only_when_asked_for(
    export: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.plan.default", lambda name: "5" if name.startswith("Batch") else default(name))
    cached, uncached = plan(PlanOptions(export, prompt="v4")), plan(PlanOptions(export, prompt="v1"))
    asked = plan(PlanOptions(export, prompt="v4", mode="batch"))
    assert (uncached.road, asked.road) == ("batch", "batch")
    assert uncached.costs.expected_usd == uncached.costs.batch_usd
    # Ten cases begin at once, and each fills the cache: nothing is saved yet.
    assert cached.road == "batch"
    many = export.with_name("many.jsonl")
    many.write_text("\n".join(json.dumps({"id": f"m{n}", "text": f"The invoice {n} was wrong"}) for n in range(2000)))
    found = plan(PlanOptions(many, prompt="v4"))
    assert (found.road, "prompt cache" in found.road_reason) == ("on_demand", True)


def test_a_budget_that_does_not_afford_all_says_how_many(export: Path) -> None:
    whole = plan(PlanOptions(export, prompt="v1")).costs.expected_usd
    assert whole is not None
    some, none = (plan(PlanOptions(export, prompt="v1", budget=usd)) for usd in (whole * 0.45, whole / 100))
    assert some.affordable == 4
    assert "affords about 4 of 10 new cases" in " ".join(shown(some, export).split())
    assert none.affordable == 0
    assert "does not afford a single case" in " ".join(shown(none, export).split())


def test_a_model_without_a_price_is_counted_in_tokens(export: Path) -> None:
    found = plan(PlanOptions(export, model_id="meta.llama-of-no-price"))
    assert (found.costs.on_demand_usd, found.costs.expected_usd, found.affordable) == (None, None, None)
    assert found.costs.tokens.input_tokens > 10_000
    assert "no price is known" in shown(found, export)
    assert "no budget caps such a run" in " ".join(shown(found, export).split())


def test_a_batch_of_fewer_cases_than_a_job_takes_is_asked_on_demand(export: Path) -> None:
    found = plan(PlanOptions(export, mode="batch"))
    assert found.road == "on_demand"
    assert "takes 100 records at least" in found.road_reason


def test_cases_that_the_stack_has_labeled_do_not_count(
    export: Path, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "The invoice was sent twice. " * 9
    case = Case(case_id="c3", subject="Invoice 3", messages=(Message(role="customer", text=text.strip()),))
    monkeypatch.setattr("cli.plan.stack.find", lambda _name: stack)
    monkeypatch.setattr("cli.plan.stack_parameters", lambda _stack: {"BudgetUsd": "7", "VoteSamples": "3"})
    DynamoLedger("ledger").record_labeled("root_cause", "run-earlier", {"c3": case.content_hash()})
    found, forced = (plan(PlanOptions(export, stack_name="demo", force=force)) for force in (False, True))
    assert (found.ingest.new, found.ingest.unchanged, forced.ingest.new) == (9, 1, 10)
    assert (found.budget_usd, found.model_id) == (7.0, "local.test")
    assert (found.known_cases, forced.known_cases) == (True, False)


def test_votes_are_the_top_of_the_range(export: Path, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.plan.stack.find", lambda _name: stack)
    monkeypatch.setattr("cli.plan.stack_parameters", lambda _stack: {"VoteSamples": "3"})
    found = plan(PlanOptions(export, prompt="v1", stack_name="demo", model_id=HAIKU))
    assert found.costs.expected_usd is not None
    assert found.costs.most_usd == pytest.approx(found.costs.expected_usd * 4.1, rel=0.05)
    assert "every label gets 3 votes" in " ".join(shown(found, export).split())


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_line_is_wider_than_the_screen(export: Path, width: int) -> None:
    lines = shown(plan(PlanOptions(export)), export, width).splitlines()
    assert max(len(line) for line in lines if "plumbline run" not in line) <= width
    assert any("plumbline run" in line for line in lines)


def test_the_command_prints_json_and_reads_gz(export: Path) -> None:
    packed = export.with_suffix(".jsonl.gz")
    packed.write_bytes(gzip.compress(export.read_bytes()))
    done = CliRunner().invoke(app, ["plan", str(packed), "--json", "--mode", "on-demand"])
    assert done.exit_code == 0, done.output
    found = Plan.model_validate_json(done.stdout)
    assert (found.mode, found.road_reason) == ("on_demand", "mode on-demand was asked for")


def test_the_next_command_takes_the_same_options(export: Path) -> None:
    done = CliRunner().invoke(app, ["plan", str(export), "--prompt", "v2", "--budget", "5", "--mode", "on-demand"])
    assert done.exit_code == 0, done.output
    assert f"run {export} --prompt v2 --budget 5.0 --mode on-demand" in done.stdout


def test_a_file_that_no_run_could_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "notes.csv"
    file.write_text("a,b\n1,2\n")
    with pytest.raises(CliError, match=r"notes\.csv"):
        plan(PlanOptions(file))
    with pytest.raises(UsageProblem, match="no mode"):
        mode_of("slow")

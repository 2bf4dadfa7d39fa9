"""Going over a run again, and going on with one that broke off, through the shipped state machine and the commands."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from cli import replay as commands
from cli import stack as stacks
from cli.errors import CliError
from cli.stack import Stack
from local.info import LocalInfo
from plumbline import keys
from plumbline.adapters import clients
from plumbline.contracts.replay import ReplayStage, ReplaySummary
from tests import builders as b
from tests.statemachine.pipeline import TASK, Pipeline, Row, Run, csv_file, until
from tests.statemachine.test_cap import spent
from tests.statemachine.test_crash import ANSWERED, HANGING, LOCK, start_and_hang
from tests.statemachine.test_paths import CATEGORIES


@pytest.fixture
def where(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Stack]:
    """The stack as the commands see it."""
    local = pipeline.stack
    for name, value in {
        "AWS_ENDPOINT_URL": local.endpoint,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_DEFAULT_REGION": local.region,
        "PLUMBLINE_HOME": str(tmp_path),
    }.items():
        monkeypatch.setenv(name, value)
    clients._client.cache_clear()
    info = LocalInfo(
        endpoint=local.endpoint,
        bedrock_endpoint=local.bedrock_endpoint,
        stack_name=local.stack_name,
        region=local.region,
        pid=0,
    )
    yield stacks.read(local.stack_name, info)
    clients._client.cache_clear()


@pytest.fixture
def console() -> Console:
    """What a command said is in `export_text()`."""
    return Console(width=200, record=True, force_terminal=False, highlight=False)


def replay(where: Stack, run: Run, stage: ReplayStage, console: Console, prompt: str | None = None) -> Run:
    """Go over a run again as the command does, to the end."""
    known = commands.known_of(where, run.run_id)
    commands.check_not_going(where, known)
    request, beside = commands.replayed(known, stage, prompt, 0)
    commands.start(where, known, request, beside, console, as_json=False)
    return again(run.pipeline, run.run_id)


def resume(pipeline: Pipeline, where: Stack, run_id: str, console: Console, budget: float | None = None) -> Run:
    """Go on with a run as the command does, to the end."""
    known = commands.known_of(where, run_id)
    commands.check_not_going(where, known)
    request, beside = commands.resumed(known, budget)
    commands.start(where, known, request, beside, console, as_json=False)
    return again(pipeline, run_id)


def again(pipeline: Pipeline, run_id: str) -> Run:
    """The run, with its newest execution."""
    row = pipeline.row(run_id)
    found = pipeline.aws["stepfunctions"].describe_execution(executionArn=pipeline.execution(row.execution_name))
    return Run(pipeline, run_id, found, row)


def known_to_the_ledger(pipeline: Pipeline, run_id: str) -> set[str]:
    """The cases that the ledger has as done with by this run."""
    cases = (item for item in pipeline.table("LedgerTable") if item["pk"]["S"].startswith(f"case#{TASK}#"))
    return {item["case_id"]["S"] for item in cases if item["run_id"]["S"] == run_id}


def say_otherwise(run: Run, **texts: str) -> None:
    """Change what the stored replies say, so that reading them again finds something else."""
    replies = [
        reply.model_copy(update={"text": texts[name]}) if (name := reply.case_id.replace("-", "_")) in texts else reply
        for reply in run.replies()
    ]
    lines = "".join(reply.model_dump_json() + "\n" for reply in replies)
    run.pipeline.aws["s3"].put_object(
        Bucket=run.pipeline.physical("DataBucket"), Key=keys.replies(run.run_id, "00000"), Body=lines.encode()
    )


def test_replies_are_read_again_for_nothing_and_every_record_says_what_is_true_now(
    pipeline: Pipeline, where: Stack, console: Console
) -> None:
    first, second, *_ = CATEGORIES
    pipeline.script({"do": "junk", "contains": "anvil"}, category=first)
    body = csv_file([Row("replay-kept"), Row("replay-changed"), Row("replay-lost"), Row("replay-gained", says="anvil")])
    run = pipeline.run(body, "replay.csv").check_succeeded()
    assert run.summary.outcomes["labeled"] == 3
    before, usd, paid = pipeline.calls, run.summary.cost.usd, run.summary.model_calls

    answers = {"replay_changed": b.answer(second), "replay_lost": "nothing", "replay_gained": b.answer(first)}
    say_otherwise(run, **answers)
    run = replay(where, run, "parse", console).check_succeeded()
    assert run.states()[:3] == ["WhereToStart", "ReadAgain", "LabelShards"]
    assert {case_id: (o.outcome, o.category) for case_id, o in run.outcomes.items()} == {
        "replay-kept": ("labeled", first),
        "replay-changed": ("labeled", second),
        "replay-lost": ("dropped", None),
        "replay-gained": ("labeled", first),
    }
    found = run.summary.replay
    assert found is not None
    assert (found.replayed_from, found.number) == ("parse", 1)
    assert (found.changed, found.gained, found.lost) == (1, 1, 1)
    assert found.prompt_before == run.summary.prompt
    said = console.export_text()
    assert "Labels: 1 changed, 1 gained, 1 lost" in said
    assert f"{first} → {second}: 1" in said
    assert (run.summary.cost.usd, run.summary.model_calls) == (usd, paid)
    assert pipeline.calls.answered == before.answered
    assert known_to_the_ledger(pipeline, run.run_id) == {"replay-kept", "replay-changed", "replay-gained"}

    # The case that lost its label is new again; the one that has one now is not.
    pipeline.script(category=second)
    later = pipeline.run(body, "replay.csv").check_succeeded()
    assert later.summary.ingest.unchanged == 3
    assert later.outcomes["replay-lost"].outcome == "labeled"

    # What a later run has labeled stays that run's.
    say_otherwise(run, replay_lost=b.answer(first))
    replay(where, run, "parse", console).check_succeeded()
    assert "replay-lost" in known_to_the_ledger(pipeline, later.run_id)


def test_another_prompt_versions_categories_and_later_stages_alone(
    pipeline: Pipeline, where: Stack, console: Console
) -> None:
    pipeline.script({"do": "answer", "category": "None of these", "contains": "anvil"})
    rows = [Row("reread-plain"), Row("reread-none", says="anvil")]
    run = pipeline.run(csv_file(rows), "reread.csv", prompt_version="v3").check_succeeded()
    assert run.outcomes["reread-none"].outcome == "dropped"
    before = pipeline.calls

    run = replay(where, run, "parse", console, prompt="v4").check_succeeded()
    assert run.outcomes["reread-none"].reason == "fits_no_category"
    assert run.summary.prompt.version == "v4"
    assert run.labels()["reread-plain"].lineage.prompt.version == "v3"  # that asked
    assert run.summary.replay is not None
    assert run.summary.replay.prompt_before is not None
    assert run.summary.replay.prompt_before.version == "v3"

    stages: tuple[ReplayStage, ...] = ("collate", "balance", "report")
    for number, stage in enumerate(stages, 2):
        run = replay(where, run, stage, console).check_succeeded()
        assert run.states()[1] == {"collate": "Collate", "balance": "CheckBalance", "report": "Report"}[stage]
        found: ReplaySummary | None = run.summary.replay
        assert found is not None
        assert (found.number, found.replayed_from, found.changed + found.gained + found.lost) == (number, stage, 0)
        assert run.summary.prompt.version == "v4"
    assert pipeline.calls.answered == before.answered
    assert run.outcomes["reread-none"].reason == "fits_no_category"


def test_a_running_run_is_not_gone_over(pipeline: Pipeline, where: Stack) -> None:
    with pipeline.environment("ClassifyFunction", **LOCK):
        run_id = start_and_hang(pipeline, "replay-running")
        with pytest.raises(CliError, match="still running"):
            commands.check_not_going(where, commands.known_of(where, run_id))
        pipeline.kill("ClassifyFunction")
        pipeline.script()
        pipeline.ended(run_id).check_succeeded()


def test_a_run_whose_every_worker_was_killed_goes_on_under_its_own_id_and_budget(
    pipeline: Pipeline, where: Stack, console: Console
) -> None:
    before = pipeline.calls
    with pipeline.environment("ClassifyFunction", **LOCK):
        run_id = start_and_hang(pipeline, "resume")

        def ended() -> Run | None:
            pipeline.kill("ClassifyFunction")
            return pipeline.ended_now(run_id)

        broken = until(ended, "the end of a run that nobody lets live")
        broken.check_failed("NothingLabeled")
        pipeline.script()
        run = resume(pipeline, where, run_id, console).check_succeeded()
    assert run.run_id == run_id
    assert run.summary.outcomes["labeled"] == ANSWERED + HANGING
    assert (run.summary.model_calls, run.summary.reused_calls) == (ANSWERED + HANGING, 0)
    assert "Ingest" not in run.states()
    calls = pipeline.calls
    assert calls.answered == before.answered + ANSWERED + HANGING
    assert calls.repeated == before.repeated
    settled, set_aside = spent(run)
    assert run.summary.cost.usd == pytest.approx(settled, abs=1e-4)
    assert settled + set_aside <= run.summary.budget_usd
    assert known_to_the_ledger(pipeline, run_id) == set(run.outcomes)


def test_a_run_stopped_while_it_labels_goes_on(pipeline: Pipeline, where: Stack, console: Console) -> None:
    before = pipeline.calls
    with pipeline.environment("ClassifyFunction", **LOCK):
        run_id = start_and_hang(pipeline, "stopped")
        pipeline.aws["stepfunctions"].stop_execution(executionArn=pipeline.execution(run_id))
        pipeline.kill("ClassifyFunction")
        pipeline.script()
        until(lambda: pipeline.row(run_id).status == "FAILED", "the row's end")
        run = resume(pipeline, where, run_id, console).check_succeeded()
    assert run.summary.outcomes["labeled"] == ANSWERED + HANGING
    assert pipeline.calls.answered == before.answered + ANSWERED + HANGING
    assert pipeline.calls.repeated == before.repeated


def test_the_budget_holds_over_a_run_and_its_resumption(pipeline: Pipeline, where: Stack, console: Console) -> None:
    pipeline.script({"do": "junk", "attempt": 0}, {"do": "junk", "attempt": 1})
    pilot = pipeline.run(csv_file([Row("resume-pilot")]), "resume-pilot.csv").check_succeeded().summary
    assert pilot.ingest.estimated_usd
    rows = [Row(f"resume-cap-{n}") for n in range(12)]
    budget = 1.05 * len(rows) * pilot.ingest.estimated_usd
    before = pipeline.calls
    with pipeline.environment("IngestFunction", CASES_PER_SHARD="3"):
        run = pipeline.run(csv_file(rows), "resume-cap.csv", budget_usd=f"{budget:.6f}").check_succeeded()
    assert run.summary.budget_reached
    known = commands.known_of(where, run.run_id)
    with pytest.raises(CliError, match="no case of it failed"):
        commands.resumed(known, None)
    assert spent(run)[0] <= budget

    run = resume(pipeline, where, run.run_id, console, budget=5.0).check_succeeded()
    assert run.summary.outcomes["labeled"] == len(rows)
    assert run.summary.budget_usd == 5.0
    assert pipeline.calls.answered - before.answered == run.summary.model_calls == 3 * len(rows)
    assert pipeline.calls.repeated == before.repeated
    assert spent(run)[0] == pytest.approx(run.summary.cost.usd, abs=1e-3)


def test_a_run_that_never_read_its_file_begins_with_it(pipeline: Pipeline, where: Stack, console: Console) -> None:
    with pipeline.environment("IngestFunction", RAW_BUCKET="not-there"):
        run_id, _ = pipeline.put(csv_file([Row("begin-1")]), "begin.csv")
        assert pipeline.ended(run_id).row.status == "FAILED"
    run = resume(pipeline, where, run_id, console).check_succeeded()
    assert run.states()[1] == "Ingest"
    assert run.summary.outcomes["labeled"] == 1
    with pytest.raises(CliError, match="has ended, and no case of it failed"):
        commands.resumed(commands.known_of(where, run_id), None)


def test_cases_that_failed_are_tried_again_in_the_same_run(pipeline: Pipeline, where: Stack, console: Console) -> None:
    pipeline.script({"do": "fault", "code": "ServiceQuotaExceededException", "contains": "gutter"})
    body = csv_file([Row("again-1", says="gutter"), Row("again-2")])
    with pipeline.environment("IngestFunction", CASES_PER_SHARD="1"):
        run = pipeline.run(body, "again.csv", fail_fast="true").check_succeeded()
    assert run.outcomes["again-1"].reason == "FailedFast"
    pipeline.script()
    before = pipeline.calls
    run = resume(pipeline, where, run.run_id, console).check_succeeded()
    assert run.summary.outcomes["labeled"] == 2
    assert pipeline.calls.answered == before.answered + 1
    assert run.summary.replay is not None
    assert (run.summary.replay.replayed_from, run.summary.replay.gained) == ("label", 1)

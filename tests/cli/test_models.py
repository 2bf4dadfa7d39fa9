"""`plumbline models` against moto, with real tiny models in the bucket."""

import io
import json
import re
from dataclasses import replace
from functools import partial
from pathlib import Path

import boto3
import pytest
from moto.sagemaker.models import sagemaker_backends
from rich.console import Console
from typer.testing import CliRunner

from cli import models
from cli import stack as stacks
from cli.errors import CliError, UsageProblem
from cli.main import app
from cli.models_view import card_of, warnings_of
from cli.stack import Stack
from cli.training_job import Job
from local.info import LocalInfo
from plumbline import keys
from plumbline.accuracy import wilson
from plumbline.adapters.registry import AwsModelRegistry
from plumbline.adapters.s3 import S3ObjectStore
from plumbline.contracts.models import CARD_FILE, MODEL_FILE, Comparison, Difference, ModelCard, ModelRow
from tests.cli.training import create, refused
from tools import world_models as w
from tools.tiny_model import MADE, put_in_service

PREFIX = "plumbline-root-cause-"


@pytest.fixture
def data(stack: Stack) -> S3ObjectStore:
    return S3ObjectStore(stack.data_bucket)


@pytest.fixture
def registry(stack: Stack, data: S3ObjectStore) -> AwsModelRegistry:
    """Two models that served one after the other, a rejected one, and a job that failed."""
    registry = AwsModelRegistry(stack.model_parameters, stack.ledger_table)
    dataset = w.put_dataset(data, "4f2a91c0d7e3", w.WORDS)
    put_in_service(data, registry, PREFIX + "gone", w.CATEGORIES, w.WORDS, dataset)
    registry.point_to(registry.history(w.TASK)[0].model_copy(update={"version": PREFIX + "old"}))
    put_in_service(data, registry, PREFIX + "old", w.CATEGORIES, w.WORDS, dataset)
    put_in_service(data, registry, PREFIX + "new", w.CATEGORIES, w.MORE_WORDS, dataset)
    [new, *_] = [row for row in registry.rows(w.TASK) if row.version.endswith("new")]
    differences = (
        Difference(metric="accuracy", value=0.05, low=0.01, high=0.09),
        Difference(metric="macro_f1", value=0.04, low=-0.01, high=0.08),
    )
    comparison = Comparison(
        current=PREFIX + "old", cases=60, only_candidate=9, only_current=2, p_value=0.065, differences=differences
    )
    figures = {"accuracy": wilson(54, 60), "macro_f1": 0.897, "comparison": comparison, "reasons": ("as it should be",)}
    registry.record(new.model_copy(update=figures))
    rejected = {"version": PREFIX + "bad", "status": "rejected", "reasons": ("accuracy 40.0% is below the gate",)}
    registry.record(new.model_copy(update=rejected))
    for name in (MODEL_FILE, "tokenizer.json", "classifier.json"):
        data.write(keys.serving(w.TASK, PREFIX + "bad", name), data.read(keys.serving(w.TASK, PREFIX + "new", name)))
    registry.record(
        ModelRow(
            task=w.TASK,
            version=PREFIX + "crashed",
            status="failed",
            decided_at=MADE,
            reasons=("AlgorithmError (exit code 137)",),
        )
    )
    return registry


def serving(registry: AwsModelRegistry) -> str:
    current = registry.current(w.TASK)
    assert current is not None
    return current.version.removeprefix(PREFIX)


def test_the_list_says_which_serves_and_why_the_others_do_not(
    stack: Stack, registry: AwsModelRegistry, console: Console
) -> None:
    assert models.list_models(stack, None, console, as_json=False) == 0
    text = console.export_text()
    lines = {line.replace("●", " ").split()[0]: line for line in text.splitlines() if line.strip(" ●─")}
    assert lines["new"].startswith("●")
    assert "90.0% (80–95)" in lines["new"]  # noqa: RUF001 - a dash between the ends
    assert "0.90" in lines["new"]
    assert "4f2a91c0d7e3" in lines["new"]
    assert not lines["old"].startswith("●")
    assert "crashed failed: AlgorithmError (exit code 137)" in text
    assert "bad rejected: accuracy 40.0% is below the gate" in text
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("width", [60, 100])
def test_list_and_card_fit_the_screen(stack: Stack, registry: AwsModelRegistry, home: Path, width: int) -> None:
    console = Console(width=width, record=True, file=io.StringIO(), highlight=False)
    models.list_models(stack, None, console, as_json=False)
    text = console.export_text(clear=False)
    lines = {line.replace("●", " ").split()[0]: line for line in text.splitlines() if line.strip(" ●─")}
    for part in ("promoted", "90.0% (80–95)", "0.90", "2 Mar 2026"):  # noqa: RUF001 - a dash between the ends
        assert part in lines["new"], part
    assert ("4f2a91c0d7e3" in lines["new"]) == (width == 100)
    models.show(stack, None, "new", console, as_json=False)
    assert max(map(len, console.export_text().splitlines())) <= width


def test_a_dataset_trained_again_keeps_its_name_in_one_line(stack: Stack, registry: AwsModelRegistry) -> None:
    [row] = [row for row in registry.rows(w.TASK) if row.version == PREFIX + "new"]
    registry.record(row.model_copy(update={"version": PREFIX + "b2dc320ce17e-2"}))
    console = Console(width=60, record=True, file=io.StringIO(), highlight=False)
    models.list_models(stack, None, console, as_json=False)
    assert "b2dc320ce17e-2 " in console.export_text()


def test_a_long_name_takes_no_room_from_the_figures(stack: Stack, registry: AwsModelRegistry) -> None:
    [row] = [row for row in registry.rows(w.TASK) if row.version == PREFIX + "new"]
    registry.record(row.model_copy(update={"version": "pipelines-4f2a91c0d7e3-TrainTheClassifier-a1B2c3D4"}))
    console = Console(width=60, record=True, file=io.StringIO(), highlight=False)
    models.list_models(stack, None, console, as_json=False)
    text = console.export_text()
    assert text.count("90.0% (80–95)") == 2  # noqa: RUF001 - a dash between the ends
    assert max(map(len, text.splitlines())) <= 60


def test_a_failed_jobs_reason_stands_with_the_place_of_its_log(
    stack: Stack, registry: AwsModelRegistry, console: Console, home: Path
) -> None:
    models.list_models(stack, None, console, as_json=False)
    assert f"Log group /aws/sagemaker/TrainingJobs Stream {PREFIX}crashed/…" in words(console)
    info = LocalInfo(endpoint="e", bedrock_endpoint="b", stack_name="demo", region="us-east-1", pid=1)
    here = replace(stack, local=info)
    for show in (partial(models.list_models, here, None), partial(models.show, here, None, "crashed")):
        show(console, as_json=False)
        assert f"{home}/logs/{PREFIX}crashed.log" in console.export_text()


def test_few_test_cases_are_said_once(stack: Stack, registry: AwsModelRegistry, data: S3ObjectStore) -> None:
    [row] = [row for row in registry.rows(w.TASK) if row.version == PREFIX + "new"]
    card = ModelCard.model_validate_json(data.read(keys.serving(w.TASK, row.version, CARD_FILE)))
    said = ("60 test cases only: the true accuracy lies between 0.80 and 0.95", "it is slow")
    assert warnings_of((*said, "it is slow"), row) == said
    told = row.model_copy(update={"reasons": ("measured on only 60 test cases: the figures are rough",)})
    assert warnings_of(said, told) == ("it is slow",)
    shown = Console(width=60, record=True, file=io.StringIO(), highlight=False)
    for part in card_of(row.version, told, card.model_copy(update={"warnings": said}), None, "x.log"):
        shown.print(part)
    assert words(shown).count("60 test cases") == 1


@pytest.mark.parametrize(
    "command", [["list"], ["show"], ["promote", "new"], ["rollback"]], ids=lambda command: command[0]
)
def test_an_unknown_task_is_refused_with_the_tasks_that_there_are(
    stack: Stack, registry: AwsModelRegistry, data: S3ObjectStore, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.setattr(stacks, "find", lambda _: stack)
    data.write("datasets/of_the_stack/d1/manifest.json", b"{}")
    done = CliRunner().invoke(app, ["models", *command, "--task", "root_case"])
    assert isinstance(done.exception, UsageProblem)
    assert str(done.exception) == "There is no task 'root_case'."
    assert done.exception.hint == "Did you mean root_cause? Tasks: npm_issue, of_the_stack, root_cause."
    assert serving(registry) == "new"


def test_a_task_that_only_the_stack_has_is_known(stack: Stack, data: S3ObjectStore, console: Console) -> None:
    data.write("datasets/of_the_stack/d1/manifest.json", b"{}")
    models.list_models(stack, "of_the_stack", console, as_json=False)
    assert "No models of of_the_stack yet" in console.export_text()


def words(console: Console) -> str:
    return " ".join(console.export_text().split())


@pytest.fixture
def trains(stack: Stack) -> str:
    """The name of a job that trains now; another task's trains as well."""
    for name, task in ((PREFIX + "d20261122-1f3a", "root_cause"), ("plumbline-npm-issue-1", "npm_issue")):
        create(name, stack.data_bucket, task=task)
        sagemaker_backends["123456789012"]["us-east-1"].training_jobs[name].training_job_status = "InProgress"
    return PREFIX + "d20261122-1f3a"


@pytest.mark.parametrize("width", [60, 100])
def test_a_job_that_still_trains_stands_in_the_list(
    stack: Stack, registry: AwsModelRegistry, trains: str, width: int
) -> None:
    console = Console(width=width, record=True, file=io.StringIO(), highlight=False)
    models.list_models(stack, None, console, as_json=False)
    text = console.export_text()
    assert re.search(rf"◌ training since \d+ \w+ \d{{4}}, \d\d:\d\d UTC:\s+{trains}\n", text)
    assert re.search(rf"Follow it:\s+plumbline train --follow {trains} --stack demo\n", text)
    assert "npm" not in text


def test_the_first_model_is_not_asked_for_while_it_trains(
    stack: Stack, trains: str, console: Console, capsys: pytest.CaptureFixture[str]
) -> None:
    models.list_models(stack, None, console, as_json=False)
    text = console.export_text()
    assert "No models of root_cause yet." in text
    assert "Train one" not in text
    assert f"--follow {trains}" in text
    models.list_models(stack, None, console, as_json=True)
    [training] = json.loads(capsys.readouterr().out.partition("{")[2].join(["{", ""]))["training"]
    assert (training["job"], training["status"]) == (trains, "InProgress")


def test_without_the_right_to_see_jobs_the_models_are_listed_all_the_same(
    stack: Stack, registry: AwsModelRegistry, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(_: Stack) -> list[Job]:
        raise refused("AccessDeniedException")

    monkeypatch.setattr(models, "still_training", denied)
    assert models.list_models(stack, None, console, as_json=False) == 0
    text = words(console)
    assert "● in service since" in text
    assert "may not see what is training now (sagemaker:ListTrainingJobs)" in text


def test_the_list_as_json_is_the_rows_and_the_pointer(
    stack: Stack, registry: AwsModelRegistry, console: Console, capsys: pytest.CaptureFixture[str]
) -> None:
    models.list_models(stack, None, console, as_json=True)
    said = json.loads(capsys.readouterr().out)
    assert said["current"]["version"] == PREFIX + "new"
    assert {row["version"].removeprefix(PREFIX) for row in said["models"]} == {"gone", "old", "new", "bad", "crashed"}


def test_without_models_the_list_says_how_to_get_one(stack: Stack, console: Console) -> None:
    models.list_models(stack, "npm_issue", console, as_json=False)
    assert "No models of npm_issue yet" in console.export_text()


@pytest.mark.parametrize("name", ["current", "new", PREFIX + "new", "ne"])
def test_a_card_is_shown(name: str, stack: Stack, registry: AwsModelRegistry, console: Console) -> None:
    assert models.show(stack, None, name, console, as_json=False) == 0
    text = console.export_text()
    flat = " ".join(text.split())
    for words in (
        "in service since",
        "90.0% of 60 cases",
        "right alone on 9, the other on 2",
        "accuracy +0.050, 95% interval +0.010 to +0.090",
        "Security Awareness",
        "precision",
        "Confusion",
        "majority class",
        "Export fp32",
        "4f2a91c0d7e3",
        "sha256",
    ):
        assert words in flat, words
    assert max(map(len, text.splitlines())) <= 80


def test_a_model_without_a_card_is_shown_with_what_is_known(
    stack: Stack, registry: AwsModelRegistry, console: Console
) -> None:
    models.show(stack, None, "crashed", console, as_json=False)
    text = console.export_text()
    assert "AlgorithmError (exit code 137)" in text
    assert "Its card is not in the data bucket" in text


def test_a_card_of_another_version_is_an_error_in_words(
    stack: Stack, registry: AwsModelRegistry, data: S3ObjectStore, console: Console
) -> None:
    data.write(keys.serving(w.TASK, PREFIX + "new", CARD_FILE), b'{"task": "root_cause"}')
    with pytest.raises(CliError, match="does not fit this version"):
        models.show(stack, None, "new", console, as_json=False)


def test_show_as_json(
    stack: Stack, registry: AwsModelRegistry, console: Console, capsys: pytest.CaptureFixture[str]
) -> None:
    models.show(stack, None, "new", console, as_json=True)
    said = json.loads(capsys.readouterr().out)
    assert said["card"]["dataset"]["version"] == "4f2a91c0d7e3"
    assert said["pointer"]["version"] == said["model"]["version"] == PREFIX + "new"


def test_promoting_by_hand_says_what_it_replaces_and_what_the_gate_said(
    stack: Stack, registry: AwsModelRegistry, console: Console
) -> None:
    assert models.promote(stack, None, "bad", console) == 0
    assert serving(registry) == "bad"
    text = " ".join(console.export_text().split())
    assert f"{PREFIX}bad serves within 30 seconds instead of {PREFIX}new." in text
    assert "The gate had rejected it: accuracy 40.0%" in text
    current = registry.current(w.TASK)
    assert current is not None
    assert (current.why, current.previous) == ("by_hand", PREFIX + "new")


def test_promoting_what_serves_already_changes_nothing(
    stack: Stack, registry: AwsModelRegistry, console: Console
) -> None:
    models.promote(stack, None, "new", console)
    assert "in service already" in console.export_text()
    assert len(registry.history(w.TASK)) == 4


def test_a_model_whose_file_is_another_one_is_not_promoted(
    stack: Stack, registry: AwsModelRegistry, data: S3ObjectStore, console: Console
) -> None:
    data.write(keys.serving(w.TASK, PREFIX + "old", MODEL_FILE), b"cut short")
    with pytest.raises(CliError, match=r"model\.onnx is not the file that was promoted"):
        models.promote(stack, None, "old", console)
    assert serving(registry) == "new"


def test_a_job_that_failed_has_nothing_to_promote(stack: Stack, registry: AwsModelRegistry, console: Console) -> None:
    with pytest.raises(CliError, match="no files to serve, its job failed: AlgorithmError"):
        models.promote(stack, None, "crashed", console)
    assert serving(registry) == "new"


@pytest.mark.parametrize("wanted", ["unheard-of", "", "../x"])
def test_an_unknown_version_is_refused_with_the_list(
    wanted: str, stack: Stack, registry: AwsModelRegistry, console: Console
) -> None:
    with pytest.raises(UsageProblem) as raised:
        models.promote(stack, None, wanted, console)
    assert "crashed" in str(raised.value) + raised.value.hint
    assert serving(registry) == "new"


def test_where_there_is_no_model_there_is_none_to_promote(stack: Stack, console: Console) -> None:
    with pytest.raises(CliError, match="no models of root_cause yet"):
        models.promote(stack, None, "x", console)


def test_a_rollback_goes_one_back_and_says_how_to_undo_it(
    stack: Stack, registry: AwsModelRegistry, console: Console
) -> None:
    assert models.rollback(stack, None, console) == 0
    assert serving(registry) == "old"
    text = " ".join(console.export_text().split())
    assert f"{PREFIX}old serves within 30 seconds instead of {PREFIX}new." in text
    assert "models promote new --stack demo" in text


def test_a_rollback_skips_what_is_gone_and_says_so(
    stack: Stack, registry: AwsModelRegistry, data: S3ObjectStore, console: Console
) -> None:
    boto3.client("s3").delete_object(Bucket="data", Key=keys.serving(w.TASK, PREFIX + "old", MODEL_FILE))
    models.rollback(stack, None, console)
    assert serving(registry) == "gone"
    assert f"Skipped  {PREFIX}old" in console.export_text()


def test_a_rollback_without_an_earlier_model_changes_nothing(
    stack: Stack, registry: AwsModelRegistry, console: Console
) -> None:
    for _ in range(2):
        models.rollback(stack, None, console)
    with pytest.raises(CliError, match="no earlier model"):
        models.rollback(stack, None, console)
    assert serving(registry) == "gone"


def test_a_damaged_pointer_is_told_of_and_can_be_replaced(
    stack: Stack, registry: AwsModelRegistry, console: Console
) -> None:
    boto3.client("ssm").put_parameter(Name="/demo/models/root_cause", Value="v2", Type="String", Overwrite=True)
    models.list_models(stack, None, console, as_json=False)
    assert "holds no model pointer" in console.export_text()
    with pytest.raises(CliError, match="holds no model pointer"):
        models.show(stack, None, "current", console, as_json=False)
    models.promote(stack, None, "new", console)
    assert serving(registry) == "new"


def test_the_commands_are_wired(stack: Stack, registry: AwsModelRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stacks, "find", lambda _: stack)
    runner = CliRunner()
    for words, said in (
        (["list"], "Why not"),
        (["show"], "Confusion"),
        (["show", "old", "--json"], '"card"'),
        (["rollback", "--stack", "demo"], "Rolled back"),
        (["promote", "new"], "Promoted"),
        (["list", "--task", "npm_issue"], "--task npm_issue"),
    ):
        done = runner.invoke(app, ["models", *words])
        assert done.exit_code == 0, done.output
        assert said in done.output

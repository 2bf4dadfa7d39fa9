"""Parameters of the template for the local stack."""

import re
import tomllib
from pathlib import Path

import boto3
import pytest

from cli import parameter_values, parameters
from cli.errors import CliError, UsageProblem
from cli.parameters import check_running_parameters, chosen, parameters_of
from cli.paths import ROOT
from cli.remembered import REMEMBERED, remember
from cli.stack import Stack


def test_pairs_of_the_templates_own_parameters_are_taken() -> None:
    assert parameters_of([]) == {}
    assert parameters_of(["TargetPerClass=40", "TrainingImage=a=b", "TargetPerClass=41"]) == {
        "TargetPerClass": "41",
        "TrainingImage": "a=b",
    }


@pytest.mark.parametrize(
    ("pair", "said"),
    [
        ("TargetPerClass", "no NAME=VALUE"),
        ("=3", "no NAME=VALUE"),
        ("TargetPerClas=3", "no parameter 'TargetPerClas'"),
        ("ModelApi=rest", "ModelApi=rest cannot be used: it has to be one of converse, messages"),
        ("ModelId=x", "cannot be set for the local stack"),
        ("TargetPerClass=many", "TargetPerClass=many cannot be used: it has to be a number"),
        ("TargetPerClass=2.5", "TargetPerClass=2.5 cannot be used: .*integer"),
        ("TargetPerClass=0", "it has to be at least 1"),
        ("BudgetUsd=nan", "it has to be a number"),
        ("AbstainBelow=1.5", "it has to be at most 1"),
        ("TrainingPipeline=-my-", "TrainingPipeline=-my- cannot be used: it has to match"),
        ("TrainingEncoder=" + "x" * 257, "it has to have 1 to 256 characters"),
        ("PredictSchedule=daily", "no cron"),
        ("Task=root-cause", "Task=root-cause, .*no task 'root-cause'"),
        ("PromptVersion=3", "PromptVersion=3: .*no version '3'"),
        ("TrainingHyperparameters=notjson", "TrainingHyperparameters has to be a JSON object"),
        ("TrainingHyperparameters=[1]", "has to be a JSON object"),
        ('TrainingHyperparameters={"encoder": "x"}', "'encoder' cannot be used"),
        ('TrainingHyperparameters={"epochs": [3]}', "'epochs' cannot be used"),
        ('TrainingHyperparameters={"epoch": 3}', "unrecognized arguments: --epoch=3"),
        ('TrainingHyperparameters={"epochs": 0}', "epochs: Input should be greater than or equal to 1"),
    ],
)
def test_others_are_refused_before_anything_starts(pair: str, said: str) -> None:
    with pytest.raises(UsageProblem, match=said):
        parameters_of([pair])


@pytest.mark.parametrize(
    "pair",
    [
        'TrainingHyperparameters={"epochs": 2, "max_tokens": 96, "pooling": "cls"}',
        "TrainingHyperparameters={}",
        "PredictSchedule=cron(0 5 ? * MON-FRI *)",
        "PredictSchedule=rate(12 hours)",
        "PromotionMinAccuracy=.3",
        "PromptVersion=v2",
        "LogRetentionDays=7",
        "TrainingPipeline=my-pipeline",
        "BudgetUsd=2.5",
        "PredictWithLlm=true",
    ],
)
def test_what_fits_is_taken(pair: str) -> None:
    assert list(parameters_of([pair]).values()) == [pair.partition("=")[2]]


def test_every_default_of_the_template_fits() -> None:
    for name, about in parameters._declared().items():
        if about["Default"] != "":
            parameter_values.check_value(name, str(about["Default"]), about)


def test_the_commands_import_no_package_of_ours_that_is_not_installed() -> None:
    """`training` is the training environment's; in the repository's folder Python finds it all the same."""
    installed = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]["packages"]
    ours = {path.parent.name for path in ROOT.glob("*/__init__.py")} - set(installed)
    assert "training" in ours
    for path in sorted((ROOT / "cli").glob("*.py")):
        assert not re.search(rf"^\s*(from|import) ({'|'.join(ours)})\b", path.read_text("utf-8"), re.MULTILINE), path


def test_a_refusal_says_what_the_parameter_is() -> None:
    with pytest.raises(UsageProblem) as caught:
        parameters_of(["TargetPerClass=many"])
    assert caught.value.hint == "TargetPerClass: Labels wanted of every class. Default: 3000."


def test_a_task_and_its_prompt_are_checked_together() -> None:
    assert parameters_of(["Task=npm_issue", "PromptVersion=v1"])
    with pytest.raises(UsageProblem, match="npm_issue has no version 'v3'"):  # v3 is the template's default
        parameters_of(["Task=npm_issue"])


def test_parameters_are_kept_and_an_empty_value_takes_one_back(home: Path) -> None:
    home.mkdir()
    assert chosen({}) == {}
    remember(chosen({"TargetPerClass": "40", "BudgetUsd": "2"}))
    assert chosen({}) == {"TargetPerClass": "40", "BudgetUsd": "2"}
    remember(chosen(parameters_of(["TargetPerClass=", "BudgetUsd=3"])))
    assert chosen({}) == {"BudgetUsd": "3"}
    remember({"Gone": "1"})  # by a template of another version
    with pytest.raises(UsageProblem, match="no parameter 'Gone'") as caught:
        chosen({})
    assert "plumbline up --parameter Gone=" in caught.value.hint
    assert chosen(parameters_of(["Gone="])) == {}


def test_a_damaged_note_of_parameters_is_said(home: Path) -> None:
    home.mkdir()
    (home / REMEMBERED).write_text("{")
    with pytest.raises(CliError, match=REMEMBERED):
        chosen({})


def test_a_near_miss_is_named() -> None:
    with pytest.raises(UsageProblem) as caught:
        parameters_of(["TargetPerClas=3"])
    assert "Did you mean TargetPerClass?" in caught.value.hint


def test_a_running_stack_with_other_values_says_to_stop_it(stack: Stack, home: Path) -> None:
    boto3.client("cloudformation").create_stack(
        StackName="demo",
        TemplateBody='{"Parameters": {"A": {"Type": "String"}}, "Resources": {"Q": {"Type": "AWS::SQS::Queue"}}}',
        Parameters=[{"ParameterKey": "A", "ParameterValue": "1"}],
    )
    check_running_parameters(stack, {})
    check_running_parameters(stack, {"A": "1"})
    with pytest.raises(UsageProblem, match="has another A"):
        check_running_parameters(stack, {"A": "2"})
    check_running_parameters(stack, {"A": ""})
    home.mkdir()
    remember({"A": "1"})
    with pytest.raises(UsageProblem, match="has another A"):
        check_running_parameters(stack, {"A": ""})

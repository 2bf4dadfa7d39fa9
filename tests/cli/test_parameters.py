"""Parameters of the template for the local stack."""

import boto3
import pytest

from cli.errors import UsageProblem
from cli.parameters import check_running_parameters, parameters_of
from cli.stack import Stack


def test_pairs_of_the_templates_own_parameters_are_taken() -> None:
    assert parameters_of([]) == {}
    assert parameters_of(["TargetPerClass=40", "Task=a=b", "TargetPerClass=41"]) == {
        "TargetPerClass": "41",
        "Task": "a=b",
    }


@pytest.mark.parametrize(
    ("pair", "said"),
    [
        ("TargetPerClass", "no NAME=VALUE"),
        ("=3", "no NAME=VALUE"),
        ("TargetPerClas=3", "no parameter 'TargetPerClas'"),
        ("ModelApi=rest", "ModelApi=rest is not allowed"),
        ("ModelId=x", "cannot be set for the local stack"),
    ],
)
def test_others_are_refused_before_anything_starts(pair: str, said: str) -> None:
    with pytest.raises(UsageProblem, match=said):
        parameters_of([pair])


def test_a_near_miss_is_named() -> None:
    with pytest.raises(UsageProblem) as caught:
        parameters_of(["TargetPerClas=3"])
    assert "Did you mean TargetPerClass?" in caught.value.hint


def test_a_running_stack_with_other_values_says_to_stop_it(stack: Stack) -> None:
    boto3.client("cloudformation").create_stack(
        StackName="demo",
        TemplateBody='{"Parameters": {"A": {"Type": "String"}}, "Resources": {"Q": {"Type": "AWS::SQS::Queue"}}}',
        Parameters=[{"ParameterKey": "A", "ParameterValue": "1"}],
    )
    check_running_parameters(stack, {})
    check_running_parameters(stack, {"A": "1"})
    with pytest.raises(UsageProblem, match="has another A"):
        check_running_parameters(stack, {"A": "2"})

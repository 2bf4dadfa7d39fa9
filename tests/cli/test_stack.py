"""Which stack a command means, and how errors of AWS read."""

import json
import os

import boto3
import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    ProfileNotFound,
)

from cli import local_stack, stack
from cli.errors import CliError, explained
from local.info import LocalInfo

NOTE = LocalInfo(
    endpoint="http://127.0.0.1:1", bedrock_endpoint="http://127.0.0.1:2", stack_name="here", region="eu-west-1", pid=1
)
NAMES = ("RawBucketName", "DataBucketName", "LedgerTableName", "StateMachineArn", "TaskName")


def deploy(name: str, outputs: tuple[str, ...] = NAMES) -> None:
    body = {
        "Parameters": {"ModelId": {"Type": "String", "Default": "some.model"}},
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
        "Outputs": {output: {"Value": f"the-{output}"} for output in outputs},
    }
    boto3.client("cloudformation").create_stack(StackName=name, TemplateBody=json.dumps(body))


def test_a_stack_s_names_are_its_outputs(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_stack, "running", lambda: None)
    deploy("demo")
    found = stack.find("demo")
    assert (found.raw_bucket, found.data_bucket, found.task) == (
        "the-RawBucketName",
        "the-DataBucketName",
        "the-TaskName",
    )
    assert (found.region, found.local, found.option) == ("us-east-1", None, " --stack demo")
    assert found.model_id == "some.model"


def test_a_stack_that_is_not_there_is_said_with_its_region(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_stack, "running", lambda: None)
    with pytest.raises(CliError, match="no stack 'absent' in us-east-1"):
        stack.find("absent")


def test_a_stack_of_something_else_is_said(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_stack, "running", lambda: None)
    deploy("demo", ("RawBucketName",))
    with pytest.raises(CliError, match="has no output 'DataBucketName'"):
        stack.find("demo")


def test_without_a_name_and_without_a_local_stack_both_ways_out_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_stack, "running", lambda: None)
    with pytest.raises(CliError) as caught:
        stack.find(None)
    assert "plumbline up" in caught.value.hint
    assert "--stack NAME" in caught.value.hint


@pytest.mark.parametrize("name", [None, "here"])
def test_the_local_stack_is_talked_to_by_the_variables_of_every_sdk(
    monkeypatch: pytest.MonkeyPatch, name: str | None
) -> None:
    monkeypatch.setattr(os, "environ", {"AWS_PROFILE": "work", "AWS_ENDPOINT_URL_S3": "http://else", "PATH": "p"})
    monkeypatch.setattr(local_stack, "running", lambda: NOTE)
    asked: list[tuple[str, LocalInfo | None]] = []
    monkeypatch.setattr(stack, "read", lambda name, local=None: asked.append((name, local)))
    stack.find(name)
    assert asked == [("here", NOTE)]
    assert os.environ["AWS_ENDPOINT_URL"] == NOTE.endpoint
    assert os.environ["AWS_REGION"] == "eu-west-1"
    assert os.environ["AWS_ACCESS_KEY_ID"] == "local"
    assert not {"AWS_PROFILE", "AWS_ENDPOINT_URL_S3"} & set(os.environ)


def test_a_named_stack_leaves_the_surroundings_alone(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_stack, "running", lambda: NOTE)
    deploy("demo")
    before = dict(os.environ)
    assert stack.find("demo").local is None
    assert dict(os.environ) == before


def client_error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "said so"}}, "DescribeStacks")


@pytest.mark.parametrize(
    ("error", "message", "hint"),
    [
        (NoCredentialsError(), "No AWS credentials", "aws sso login"),
        (NoRegionError(), "No AWS region", "AWS_REGION"),
        (ProfileNotFound(profile="x"), "x", "AWS_PROFILE"),
        (EndpointConnectionError(endpoint_url="http://x"), "could not be reached", "plumbline up"),
        (client_error("AccessDenied"), "AWS denies DescribeStacks", "permission"),
        (client_error("ExpiredToken"), "does not accept the credentials", "Sign in again"),
        (client_error("Throttling"), "AWS is busy", "again"),
        (client_error("Odd"), "DescribeStacks failed: Odd. said so", ""),
        (BotoCoreError(), "AWS's client refused", ""),
    ],
)
def test_errors_say_what_happened_and_what_to_do(error: BotoCoreError | ClientError, message: str, hint: str) -> None:
    said = explained(error)
    assert message in str(said)
    assert hint in said.hint


def test_a_functions_name_is_found_by_its_logical_id(aws: None) -> None:
    deploy("demo")
    where = stack.read("demo")
    assert stack.function_of(where, "Topic").startswith("arn:aws:sns:")
    with pytest.raises(CliError, match="has no StartTrainingFunction"):
        stack.function_of(where, "StartTrainingFunction")

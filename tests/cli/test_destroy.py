"""Removing a stack: buckets with every version, the stack, and the proof that nothing is left."""

import json
from collections.abc import Callable

import boto3
import pytest

from cli import destroy as destroying
from cli.destroy import Target, destroy, empty_bucket, leftovers, target
from cli.errors import CliError


def template(*, outputs: bool = True) -> str:
    body = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Resources": {
            "RawBucket": {
                "Type": "AWS::S3::Bucket",
                "Properties": {"VersioningConfiguration": {"Status": "Enabled"}},
            },
            "DataBucket": {"Type": "AWS::S3::Bucket"},
            "IngestLogGroup": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "/plumbline/demo/ingest"}},
        },
    }
    if outputs:
        body["Outputs"] = {"LedgerTableName": {"Value": "ledger"}, "RawBucketName": {"Value": {"Ref": "RawBucket"}}}
    return json.dumps(body)


def deployed(body: str | None = None) -> Target:
    boto3.client("cloudformation").create_stack(StackName="demo", TemplateBody=body or template())
    return target("demo")


def fill(bucket: str) -> None:
    s3 = boto3.client("s3")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for _ in range(3):
        s3.put_object(Bucket=bucket, Key="a", Body=b"x")
    s3.delete_object(Bucket=bucket, Key="a")  # leaves a marker
    s3.create_multipart_upload(Bucket=bucket, Key="half")


@pytest.fixture
def said(aws: None) -> list[str]:
    return []


def say(said: list[str]) -> Callable[[str], None]:
    return said.append


def test_everything_goes_and_nothing_is_left(said: list[str]) -> None:
    stack = deployed()
    other = boto3.client("s3")
    other.create_bucket(Bucket="somebody-elses")
    boto3.client("logs").create_log_group(logGroupName="/plumbline/demo2/ingest")
    for bucket in stack.buckets:
        fill(bucket)
    destroy(stack, say(said))
    assert [bucket["Name"] for bucket in other.list_buckets()["Buckets"]] == ["somebody-elses"]
    groups = boto3.client("logs").describe_log_groups()["logGroups"]
    assert [group["logGroupName"] for group in groups] == ["/plumbline/demo2/ingest"]
    with pytest.raises(CliError, match="no stack 'demo' in us-east-1"):
        target("demo")
    assert any("4 objects and versions deleted" in line for line in said)


def test_a_log_group_that_a_late_function_made_again_goes_too(said: list[str]) -> None:
    stack = deployed()
    boto3.client("logs").create_log_group(logGroupName="/plumbline/demo/late")
    destroy(stack, say(said))
    assert boto3.client("logs").describe_log_groups()["logGroups"] == []
    assert any("/plumbline/demo/late" in line for line in said)


def test_the_pointers_to_the_models_in_service_go_too(said: list[str]) -> None:
    ssm = boto3.client("ssm")
    for name in (*(f"/demo/models/task{n}" for n in range(12)), "/demo2/models/task", "/demo/other"):
        ssm.put_parameter(Name=name, Value="{}", Type="String")
    stack = deployed()
    assert "parameter /demo/models/task0" in leftovers(stack)
    destroy(stack, say(said))
    assert sorted(p["Name"] for p in ssm.describe_parameters()["Parameters"]) == ["/demo/other", "/demo2/models/task"]
    assert "deleted 12 model pointers under /demo/models/" in said


def test_a_bucket_of_more_versions_than_one_page_is_emptied(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(destroying, "_DELETE_AT_ONCE", 20)
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="full")
    s3.put_bucket_versioning(Bucket="full", VersioningConfiguration={"Status": "Enabled"})
    for number in range(50):
        s3.put_object(Bucket="full", Key=f"k{number:05}", Body=b"")
    assert empty_bucket("full") == 50
    listed = s3.list_object_versions(Bucket="full")
    assert "Versions" not in listed
    assert "DeleteMarkers" not in listed


def test_a_bucket_that_is_gone_is_empty(aws: None) -> None:
    assert empty_bucket("never-there") == 0


def test_running_executions_are_stopped_first(said: list[str]) -> None:
    states = boto3.client("stepfunctions")
    machine = states.create_state_machine(
        name="demo-LabelCases",
        definition='{"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}',
        roleArn="arn:aws:iam::123456789012:role/demo",
    )["stateMachineArn"]
    run = states.start_execution(stateMachineArn=machine, name="run-1", input="{}")["executionArn"]
    stack = deployed()
    destroy(Target(**{**vars(stack), "state_machines": (machine,)}), say(said))
    assert states.describe_execution(executionArn=run)["status"] == "ABORTED"
    assert said[0] == "stopped 1 running execution"


def test_another_kind_of_stack_is_not_touched(aws: None) -> None:
    body = json.loads(template())
    body["Outputs"] = {"Something": {"Value": "else"}}
    with pytest.raises(CliError, match="not a Plumbline stack; nothing was touched"):
        deployed(json.dumps(body))


def test_a_stack_whose_creation_failed_can_be_removed(said: list[str]) -> None:
    destroy(deployed(template(outputs=False)), say(said))
    assert boto3.client("s3").list_buckets()["Buckets"] == []


def test_what_is_left_is_named(said: list[str]) -> None:
    stack = deployed()
    left = leftovers(stack)
    assert f"bucket {stack.buckets[0]}" in left
    assert "log group /plumbline/demo/ingest" in left

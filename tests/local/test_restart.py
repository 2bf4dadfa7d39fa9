"""What survives a restart, and that a start that fails leaves nothing behind."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from local import info
from local.deploy import DeploymentFailed
from local.stack import LocalStack
from tests.local.conftest import FIXTURE, Driver, NoModel, until


def stack_of(tmp_path: Path, **options: Any) -> LocalStack:
    return LocalStack(FIXTURE, state_dir=tmp_path, model_server=NoModel(), time_scale=0.01, **options)


def versions(driver: Driver, bucket: str) -> dict[str, tuple[str, datetime]]:
    found = driver["s3"].list_object_versions(Bucket=bucket)["Versions"]
    return {entry["Key"]: (entry["VersionId"], entry["LastModified"]) for entry in found}


def test_objects_and_items_survive_a_restart_and_start_nothing(tmp_path: Path) -> None:
    item = {"pk": {"S": "x"}, "b": {"B": b"\x00\xff"}, "m": {"M": {"B": {"S": "text"}}}, "n": {"N": "1.5"}}
    bodies = {"incoming/a.json": b"[]", "odd/": b"", "/lead": b"x" * 3_000_000, "grüße/" + "long" * 90: b"y"}
    with stack_of(tmp_path, parameters={"Greeting": "hi"}) as stack:
        driver = Driver(stack)
        names = dict(stack.resources)
        assert driver.invoke({"do": "describe"})[1]["greeting"] == "hi"
        for key, body in bodies.items():
            driver["s3"].put_object(
                Bucket=names["Inbox"], Key=key, Body=body, ContentType="text/x", Metadata={"who": "me"}
            )
        driver["dynamodb"].put_item(TableName=names["Counts"], Item=item)
        for number in range(60):
            driver["dynamodb"].put_item(TableName=names["Counts"], Item={"pk": {"S": str(number)}})
        for value in ("old", "new"):
            stack.client("ssm").put_parameter(Name="/x/models/t", Value=value, Type="String", Overwrite=True)
        until(driver.executions)
        before = versions(driver, names["Inbox"])
    assert info.read(tmp_path) is None
    with stack_of(tmp_path) as stack:
        driver = Driver(stack)
        assert dict(stack.resources) == names, "physical names are the same as before"
        for key, body in bodies.items():
            stored = driver["s3"].get_object(Bucket=names["Inbox"], Key=key)
            assert (stored["Body"].read(), stored["ContentType"], stored["Metadata"]) == (body, "text/x", {"who": "me"})
        assert driver["dynamodb"].get_item(TableName=names["Counts"], Key={"pk": {"S": "x"}})["Item"] == item
        assert driver["dynamodb"].scan(TableName=names["Counts"])["Count"] == 61
        assert versions(driver, names["Inbox"]) == before, "the uploads that they were, not new ones"
        history = stack.client("ssm").get_parameter_history(Name="/x/models/t")["Parameters"]
        assert [version["Value"] for version in history] == ["old", "new"]
        assert driver.executions() == [], "an object that comes back is no upload"
        version = driver["s3"].put_object(Bucket=names["Inbox"], Key="incoming/b", Body=b"[]")["VersionId"]
        assert version not in {e["name"] for e in driver.executions()}
        assert driver.ended(until(driver.executions)[0]["executionArn"])["status"] == "SUCCEEDED"


def test_a_start_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "template.yaml"
    permission = {"Action": "lambda:InvokeFunction", "FunctionName": "nobody", "Principal": "events.amazonaws.com"}
    resources = {"P": {"Type": "AWS::Lambda::Permission", "Properties": permission}}
    path.write_text(json.dumps({"Resources": resources}))
    broken = LocalStack(path, state_dir=tmp_path, model_server=NoModel())
    with pytest.raises(DeploymentFailed, match="refused the template"):
        broken.start()
    assert not (tmp_path / "local.json").exists()
    with stack_of(tmp_path, keep_state=False) as stack:
        assert stack.resources["Inbox"]

"""Deployment: the template as CloudFormation, and what moto leaves out."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import moto
import pytest
from moto.awslambda.models import LambdaFunction

from local import info
from local.deploy import TemplateNotSupported, supported_part, translate
from local.moto_patches import Wiring, applied
from local.sagemaker.runner import TrainingRunner
from local.stack import AlreadyRunning, LocalStack
from local.workers import Answer, FunctionConfig
from tests.local.conftest import FIXTURE, Driver, NoModel


def write(folder: Path, resources: dict[str, Any]) -> Path:
    template = {"Transform": "AWS::Serverless-2016-10-31", "Resources": resources}
    path = folder / "template.yaml"
    path.write_text(json.dumps(template))
    return path


ROLE = "arn:aws:iam::123456789012:role/r"


def test_a_stack_is_described_by_cloudformation_and_complete(driver: Driver) -> None:
    stack = driver["cloudformation"].describe_stacks(StackName=driver.stack.stack_name)["Stacks"][0]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    assert outputs == {"InboxName": driver.physical("Inbox"), "MachineArn": driver.physical("Machine")}
    inbox, store = driver.physical("Inbox"), driver.physical("Store")
    assert driver["s3"].get_bucket_versioning(Bucket=inbox)["Status"] == "Enabled"
    assert "Status" not in driver["s3"].get_bucket_versioning(Bucket=store)
    live = driver["dynamodb"].describe_time_to_live(TableName=driver.physical("Counts"))["TimeToLiveDescription"]
    assert (live["TimeToLiveStatus"], live["AttributeName"]) == ("ENABLED", "expires")
    definition = driver["stepfunctions"].describe_state_machine(stateMachineArn=driver.physical("Machine"))[
        "definition"
    ]
    assert f":function:{driver.physical('WorkFunction')}" in definition
    assert "$$.Execution.Name" in definition
    assert "${" not in definition


def test_the_commands_find_a_running_stack_and_only_one_runs(driver: Driver, tmp_path: Path) -> None:
    folder = driver.stack._folder
    note = info.read(folder)
    assert note is not None
    assert (note.endpoint, note.stack_name) == (driver.stack.endpoint, driver.stack.stack_name)
    with pytest.raises(AlreadyRunning, match="runs already at"):
        LocalStack(FIXTURE, state_dir=folder).start()
    with pytest.raises(AlreadyRunning, match="in this process"):
        LocalStack(FIXTURE, state_dir=tmp_path, model_server=NoModel()).start()


def test_a_note_of_a_process_that_is_gone_counts_for_nothing(tmp_path: Path) -> None:
    gone = info.LocalInfo(endpoint="http://x", bedrock_endpoint="http://y", stack_name="s", region="r", pid=2**22 + 1)
    info.write(tmp_path, gone)
    assert info.read(tmp_path) is None
    (tmp_path / "local.json").write_text("{half")
    assert info.read(tmp_path) is None
    assert info.read(tmp_path / "nowhere") is None


def test_a_template_that_is_missing_or_refused_says_so(tmp_path: Path) -> None:
    with pytest.raises(TemplateNotSupported, match="There is no template at"):
        translate(tmp_path / "template.yaml", {}, "us-east-1")
    path = tmp_path / "template.yaml"
    path.write_text("just text")
    with pytest.raises(TemplateNotSupported, match="has no Resources"):
        translate(path, {}, "us-east-1")
    function = {"Type": "AWS::Serverless::Function", "Properties": {"CodeUri": "nowhere", "Handler": "h.h"}}
    with pytest.raises(TemplateNotSupported, match="nowhere, which does not exist"):
        translate(write(tmp_path, {"F": function}), {}, "us-east-1")
    function = {"Type": "AWS::Serverless::Function", "Properties": {"CodeUri": ".", "Role": ROLE}}
    with pytest.raises(TemplateNotSupported, match="translator refuses it"):
        translate(write(tmp_path, {"F": function}), {}, "us-east-1")


def test_a_definition_with_an_unknown_substitution_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m.json").write_text('{"Resource": "${Unknown}"}')
    machine = {"Type": "AWS::Serverless::StateMachine", "Properties": {"DefinitionUri": "m.json", "Role": ROLE}}
    with pytest.raises(TemplateNotSupported, match="Unknown"):
        translate(write(tmp_path, {"M": machine}), {}, "us-east-1")


def test_the_import_path_begins_above_the_parent_packages(tmp_path: Path) -> None:
    (tmp_path / "functions" / "work").mkdir(parents=True)
    function = {
        "Type": "AWS::Serverless::Function",
        "Metadata": {"BuildProperties": {"ParentPackageMode": "explicit", "ParentPackages": "functions.work"}},
        "Properties": {
            "CodeUri": "functions/work",
            "Handler": "functions.work.h.h",
            "Runtime": "python3.12",
            "Role": ROLE,
        },
    }
    template = translate(write(tmp_path, {"F": function}), {}, "us-east-1")
    key = template["Resources"]["F"]["Properties"]["Code"]["S3Key"]
    assert key.startswith("code/")
    assert key.endswith(tmp_path.name)


def test_what_moto_does_not_make_is_left_out() -> None:
    template = {
        "Resources": {"A": {"Type": "T::A", "DependsOn": ["B", "C"]}, "B": {"Type": "T::B"}, "C": {"Type": "T::A"}}
    }
    assert supported_part(template, {"T::A"})["Resources"] == {
        "A": {"Type": "T::A", "DependsOn": ["C"]},
        "C": {"Type": "T::A"},
    }


def nowhere() -> Wiring:
    def nobody(_config: FunctionConfig, _event: bytes, _unless: threading.Event | None = None, /) -> Answer:
        raise AssertionError("nothing is to be invoked")

    training = TrainingRunner(lambda _: None, Path("nowhere"), Path("nowhere"), Path("nowhere"))
    return Wiring(endpoint="", invoke=nobody, background=ThreadPoolExecutor(1), training=training)


def test_another_moto_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moto, "__version__", "6.0.0")
    with pytest.raises(RuntimeError, match=r"moto 6\.0\.0 is installed"), applied(nowhere()):
        pass


def test_patches_are_taken_back() -> None:
    before = LambdaFunction.invoke
    with applied(nowhere()):
        assert LambdaFunction.invoke is not before
    assert LambdaFunction.invoke is before

"""A stop in the middle of a run, a crash, and two stacks on one state folder."""

import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest

from local import info, state
from local.saving import Saver
from local.stack import AlreadyRunning, LocalStack
from tests.local.conftest import FIXTURE, Driver, NoModel, until
from tests.local.test_process import ENVIRONMENT, ROOT, first_line, python


def stack_of(folder: Path, template: Path = FIXTURE) -> LocalStack:
    return LocalStack(template, state_dir=folder, model_server=NoModel(), time_scale=0.01)


def endless_map(function: str, mode: dict[str, str]) -> dict[str, Any]:
    """Thousands of items, each of which hangs and is tried again: nothing ends this by itself."""
    again = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 60, "MaxAttempts": 9}]
    task = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Retry": again, "End": True}
    task |= {"Parameters": {"FunctionName": function, "Payload.$": "$"}, "TimeoutSeconds": 3000}
    caught = [{"ErrorEquals": ["States.ALL"], "Next": "Work"}]
    processor = {"ProcessorConfig": mode, "StartAt": "Work", "States": {"Work": task}}
    each = {"Type": "Map", "MaxConcurrency": 20, "ItemProcessor": processor, "Catch": caught, "End": True}
    return {"StartAt": "Each", "States": {"Each": each, "Work": task}}


def watched(folder: Path) -> Path:
    """The fixture's template, in which a function hears of executions that ended badly."""
    text = FIXTURE.read_text().replace("  DirectRule:\n", WATCHED + "  DirectRule:\n")
    text = text.replace("CodeUri: .", f"CodeUri: {FIXTURE.parent}").replace(
        "layers/shared", f"{FIXTURE.parent}/layers/shared"
    )
    text = text.replace("ContentUri: texts", f"ContentUri: {FIXTURE.parent}/texts")
    text = text.replace("DefinitionUri: ", f"DefinitionUri: {FIXTURE.parent}/")
    path = folder / "template.yaml"
    path.write_text(text)
    return path


WATCHED = """  StoppedRule:
    Type: AWS::Events::Rule
    Properties:
      EventPattern:
        source: [aws.states]
        detail-type: [Step Functions Execution Status Change]
        detail: {status: [ABORTED, FAILED, TIMED_OUT], stateMachineArn: [!Ref Machine]}
      Targets:
        - Arn: !GetAtt WorkFunction.Arn
          Id: Work
          InputTransformer:
            InputPathsMap: {status: $.detail.status}
            InputTemplate: '{"do": "count", "key": "<status>"}'

  StoppedPermission:
    Type: AWS::Lambda::Permission
    Properties:
      Action: lambda:InvokeFunction
      FunctionName: !Ref WorkFunction
      Principal: events.amazonaws.com

"""
MODES = ({"Mode": "INLINE"}, {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"})


@pytest.mark.parametrize("mode", MODES, ids=["inline", "distributed"])
def test_a_stop_aborts_a_run_at_once_its_rules_hear_of_it_and_all_is_saved(
    tmp_path: Path, mode: dict[str, str]
) -> None:
    template = watched(tmp_path)
    with stack_of(tmp_path / "home", template) as stack:
        driver = Driver(stack)
        machine = driver.physical("Machine")
        definition = json.dumps(endless_map(driver.physical("WorkFunction"), mode))
        driver["stepfunctions"].update_state_machine(stateMachineArn=machine, definition=definition)
        items = json.dumps([{"do": "hang"}] * 3000)
        driver["stepfunctions"].start_execution(stateMachineArn=machine, input=items)
        until(lambda: stack.pools.pids(driver.physical("WorkFunction")))
        driver["s3"].put_object(Bucket=driver.physical("Store"), Key="k", Body=b"kept")
    assert info.read(tmp_path / "home") is None
    with stack_of(tmp_path / "home", template) as stack:
        driver = Driver(stack)
        assert driver["s3"].get_object(Bucket=driver.physical("Store"), Key="k")["Body"].read() == b"kept"
        key = {"pk": {"S": "ABORTED"}}
        heard = driver["dynamodb"].get_item(TableName=driver.physical("Counts"), Key=key)
        assert heard["Item"]["n"] == {"N": "1"}


def test_an_execution_that_fails_is_told_to_the_rules(tmp_path: Path) -> None:
    with stack_of(tmp_path / "home", watched(tmp_path)) as stack:
        driver = Driver(stack)
        machine = driver.physical("Machine")
        failing = {"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "E"}}}
        driver["stepfunctions"].update_state_machine(stateMachineArn=machine, definition=json.dumps(failing))
        assert driver.run(machine)["status"] == "FAILED"
        table = {"TableName": driver.physical("Counts"), "Key": {"pk": {"S": "FAILED"}}}
        assert until(lambda: driver["dynamodb"].get_item(**table).get("Item"))["n"] == {"N": "1"}


def serve(folder: Path) -> "subprocess.Popen[str]":
    return python("-m", "local", "--template", str(FIXTURE), "--model", "scripted", "--state-dir", str(folder))


def client(service: str, note: info.LocalInfo) -> Any:
    keys = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
    return boto3.client(service, endpoint_url=note.endpoint, region_name=note.region, **keys)  # type: ignore[call-overload]  # any service


def test_a_finished_run_survives_kill_9_and_a_second_stack_is_refused(tmp_path: Path) -> None:
    with serve(tmp_path) as process:
        first_line(process)
        note = info.read(tmp_path)
        assert note is not None
        arguments = ("-m", "local", "--template", str(FIXTURE), "--model", "scripted", "--state-dir", str(tmp_path))
        second = subprocess.run(
            [sys.executable, *arguments], env=ENVIRONMENT, cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert second.returncode == 1
        assert f"runs already at {note.endpoint}" in second.stderr
        assert info.read(tmp_path) == note
        stack = client("cloudformation", note).describe_stack_resources(StackName=note.stack_name)["StackResources"]
        names = {one["LogicalResourceId"]: one.get("PhysicalResourceId") for one in stack}
        client("dynamodb", note).put_item(TableName=names["Counts"], Item={"pk": {"S": "paid"}})
        empty = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
        states = client("stepfunctions", note)
        states.update_state_machine(stateMachineArn=names["Machine"], definition=json.dumps(empty))
        states.start_execution(stateMachineArn=names["Machine"], input="{}")
        saved = tmp_path / "state" / "Counts.jsonl"
        until(lambda: saved.exists() and "paid" in saved.read_text())
        process.send_signal(signal.SIGKILL)
        process.wait()
    for path in (tmp_path, *tmp_path.rglob("*")):
        if path.name != info.NAME:
            assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    with stack_of(tmp_path) as again:  # the lock went with the process
        assert Driver(again)["dynamodb"].scan(TableName=again.resources["Counts"])["Count"] == 1


def test_a_stack_that_is_stopping_still_holds_its_folder(tmp_path: Path) -> None:
    with stack_of(tmp_path):
        info.remove(tmp_path)
        with pytest.raises(AlreadyRunning, match="starting or stopping"):
            stack_of(tmp_path).start()


def test_a_stack_deleted_from_outside_keeps_what_was_saved_and_stops(tmp_path: Path) -> None:
    with stack_of(tmp_path) as stack:
        Driver(stack)["s3"].put_object(Bucket=stack.resources["Store"], Key="k", Body=b"kept")
    with stack_of(tmp_path) as stack:
        driver = Driver(stack)
        driver["s3"].delete_object(Bucket=stack.resources["Store"], Key="k")
        driver["cloudformation"].delete_stack(StackName=stack.stack_name)
    with stack_of(tmp_path) as stack:
        assert Driver(stack)["s3"].get_object(Bucket=stack.resources["Store"], Key="k")["Body"].read() == b"kept"


def test_a_save_that_was_cut_off_between_its_renames_is_finished(tmp_path: Path) -> None:
    for name in ("before", "whole"):
        (tmp_path / "state.new" / name).mkdir(parents=True)
        (tmp_path / "state.new" / name / "Counts.jsonl").write_text(name)
    state.recover(tmp_path / "state")
    assert (tmp_path / "state" / "Counts.jsonl").read_text() == "whole"


def test_the_saver_saves_what_changed_and_nothing_else() -> None:
    saves: list[int] = []
    saver = Saver(lambda: saves.append(1), seconds=0.001)
    saver.start()
    until(lambda: len(saves) == 1)
    saver.changed()
    until(lambda: len(saves) == 2)
    saver.hurry()
    saver.close()
    assert len(saves) == 2


def test_a_save_that_fails_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    tries: list[int] = []

    def save() -> None:
        tries.append(1)
        if len(tries) == 1:
            raise OSError(os.strerror(28))

    saver = Saver(save, seconds=0.001)
    saver.start()
    until(lambda: len(tries) == 2)
    saver.close()
    assert len(tries) == 2
    assert "could not be saved" in caplog.text


SIGNALLED = """
import signal, sys, threading
from local.__main__ import main

said = sys.stdout

class Ready:
    def write(self, line):
        threading.Thread(target=lambda: signal.pthread_kill(threading.get_ident(), signal.SIGTERM)).start()
    def flush(self):
        pass

sys.stdout = Ready()
code = main(sys.argv[1:])
said.write(f"ended {code}")
"""


def test_a_signal_that_another_thread_gets_ends_it_too(tmp_path: Path) -> None:
    arguments = ("--template", str(FIXTURE), "--model", "scripted", "--state-dir", str(tmp_path))
    with python("-c", SIGNALLED, *arguments) as process:
        try:
            assert process.communicate(timeout=60)[0] == "ended 0"
        finally:
            process.kill()

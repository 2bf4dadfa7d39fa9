"""EventBridge and Step Functions: an upload starts the state machine, and the state machine does what AWS's would."""

import json
import logging
import threading
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.conftest import Driver, Execution, until


def upload(driver: Driver, items: list[Any], key: str = "incoming/a b.json") -> tuple[dict[str, Any], Execution]:
    stored = driver["s3"].put_object(Bucket=driver.physical("Inbox"), Key=key, Body=json.dumps(items))
    execution = driver.physical("Machine").replace(":stateMachine:", ":execution:") + ":" + stored["VersionId"]
    until(lambda: any(e["executionArn"] == execution for e in driver.executions()))
    return stored, driver.ended(execution)


def test_an_upload_starts_the_machine_which_maps_retries_and_catches(driver: Driver) -> None:
    items = [{"do": "echo", "i": 1}, {"do": "throttle", "key": "t", "until": 3}, {"do": "refuse"}]
    stored, ended = upload(driver, items)
    assert ended["status"] == "SUCCEEDED", ended
    output = json.loads(ended["output"])
    echo, throttled, refused = output["results"]
    assert echo == {"do": "echo", "i": 1}
    assert throttled == {"tries": 3}
    assert refused["forgiven"] == "Forgivable"
    assert refused["cause"]["errorMessage"] == "not this one"
    # The event, as Amazon's guide to S3 events shows it.
    event, detail = json.loads(ended["input"]), json.loads(ended["input"])["detail"]
    assert (event["source"], event["detail-type"], event["region"]) == ("aws.s3", "Object Created", "us-east-1")
    assert len(event["time"]) == len("2021-11-12T00:00:00Z")
    assert detail["bucket"] == {"name": driver.physical("Inbox")}
    assert detail["object"]["key"] == "incoming/a b.json"
    assert detail["object"]["etag"] == stored["ETag"].strip('"')
    assert detail["object"]["version-id"] == stored["VersionId"]
    assert detail["object"]["size"] == len(json.dumps(items))
    assert detail["reason"] == "PutObject"


def test_a_map_run_counts_its_items(driver: Driver) -> None:
    _, ended = upload(driver, [{"do": "echo", "i": i} for i in range(9)])
    client = driver["stepfunctions"]
    run = client.list_map_runs(executionArn=ended["executionArn"])["mapRuns"][0]
    counts = client.describe_map_run(mapRunArn=run["mapRunArn"])["itemCounts"]
    assert (counts["total"], counts["succeeded"], counts["pending"], counts["running"]) == (9, 9, 0, 0)


def test_an_upload_elsewhere_starts_nothing(driver: Driver) -> None:
    before = len(driver.executions())
    driver["s3"].put_object(Bucket=driver.physical("Inbox"), Key="elsewhere/x", Body=b"[]")
    driver["s3"].put_object(Bucket=driver.physical("Store"), Key="incoming/x", Body=b"[]")
    upload(driver, [], key="incoming/marker.json")
    assert len(driver.executions()) == before + 1


def test_a_multipart_upload_is_one_event(driver: Driver, tmp_path: Path) -> None:
    before = {e["executionArn"] for e in driver.executions()}
    big = tmp_path / "big.json"
    big.write_text(json.dumps([{"do": "echo", "text": "x"}]) + " " * 9_000_000)
    driver["s3"].upload_file(str(big), driver.physical("Inbox"), "incoming/big.json")
    new = until(lambda: {e["executionArn"] for e in driver.executions()} - before)
    ended = driver.ended(new.pop())
    assert ended["status"] == "SUCCEEDED"
    assert json.loads(ended["input"])["detail"]["reason"] == "CompleteMultipartUpload"
    assert not new


def test_a_rule_can_start_the_machine_itself(driver: Driver) -> None:
    before = {e["executionArn"] for e in driver.executions()}
    detail = {"items": [{"do": "echo"}]}
    entry = {"Source": "test.direct", "DetailType": "test", "Detail": json.dumps(detail)}
    driver["events"].put_events(Entries=[entry])
    new = until(lambda: {e["executionArn"] for e in driver.executions()} - before)
    ended = driver.ended(new.pop())
    assert json.loads(ended["output"])["results"] == [{"do": "echo"}]


def test_a_rule_without_permission_reaches_no_function(driver: Driver, caplog: pytest.LogCaptureFixture) -> None:
    arn = driver["lambda"].get_function(FunctionName=driver.physical("WorkFunction"))["Configuration"]["FunctionArn"]
    driver["events"].put_rule(Name="forbidden", EventPattern=json.dumps({"source": ["test.forbidden"]}))
    driver["events"].put_targets(Rule="forbidden", Targets=[{"Id": "x", "Arn": arn}])
    with caplog.at_level(logging.ERROR):
        driver["events"].put_events(
            Entries=[{"Source": "test.forbidden", "DetailType": "t", "Detail": '{"do":"count"}'}]
        )
        until(lambda: "no AWS::Lambda::Permission" in caplog.text)


def test_the_name_of_an_execution_is_taken_once(driver: Driver) -> None:
    machine = driver.machine({"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 1, "End": True}}})
    taken: list[str] = []

    def start(number: int) -> None:
        try:
            driver["stepfunctions"].start_execution(stateMachineArn=machine, name="one", input=f'{{"n": {number}}}')
        except ClientError as error:
            taken.append(error.response["Error"]["Code"])

    threads = [threading.Thread(target=start, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert taken == ["ExecutionAlreadyExists"] * 5
    assert len(driver.executions(machine)) == 1


def test_an_execution_gets_a_name_and_can_be_looked_at_at_once(driver: Driver) -> None:
    machine = driver.machine({"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 1, "End": True}}})
    arn = driver["stepfunctions"].start_execution(stateMachineArn=machine, input="{}")["executionArn"]
    assert driver["stepfunctions"].get_execution_history(executionArn=arn)["events"] is not None
    assert driver["stepfunctions"].list_map_runs(executionArn=arn)["mapRuns"] == []
    assert driver.ended(arn)["name"]


def item_map(mode: str, states: dict[str, Any], **extra: Any) -> dict[str, Any]:
    processor: dict[str, Any] = {"ProcessorConfig": {"Mode": mode}, "StartAt": next(iter(states)), "States": states}
    if mode == "DISTRIBUTED":
        processor["ProcessorConfig"]["ExecutionType"] = "STANDARD"
    state = {"Type": "Map", "ItemsPath": "$.items", "ItemProcessor": processor, "End": True, **extra}
    return {"StartAt": "M", "States": {"M": state}}


@pytest.mark.parametrize("mode", ["INLINE", "DISTRIBUTED"])
def test_a_map_worker_can_do_more_items_than_python_recurses(driver: Driver, mode: str) -> None:
    machine = driver.machine(item_map(mode, {"P": {"Type": "Pass", "End": True}}, MaxConcurrency=1))
    ended = driver.run(machine, items=list(range(1100)))
    assert ended["status"] == "SUCCEEDED"
    assert json.loads(ended["output"]) == list(range(1100))


FAILING = {
    "C": {"Type": "Choice", "Choices": [{"Variable": "$", "NumericEquals": 0, "Next": "F"}], "Default": "P"},
    "F": {"Type": "Fail", "Error": "Broken"},
    "P": {"Type": "Pass", "End": True},
}


def test_a_distributed_map_fails_with_its_children(driver: Driver) -> None:
    ended = driver.run(driver.machine(item_map("DISTRIBUTED", FAILING)), items=[0, 1, 2])
    assert (ended["status"], ended["error"]) == ("FAILED", "States.ExceedToleratedFailureThreshold")


def test_failures_can_be_tolerated_and_too_many_can_be_caught(driver: Driver) -> None:
    tolerant = driver.machine(item_map("DISTRIBUTED", FAILING, ToleratedFailureCount=1))
    assert driver.run(tolerant, items=[0, 1])["status"] == "SUCCEEDED"
    definition = item_map("DISTRIBUTED", FAILING)
    definition["States"]["M"]["Catch"] = [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}]
    definition["States"]["Caught"] = {"Type": "Pass", "End": True}
    caught = driver.run(driver.machine(definition), items=[0])
    assert caught["status"] == "SUCCEEDED"
    assert json.loads(caught["output"])["Error"] == "States.ExceedToleratedFailureThreshold"


def test_an_inline_map_fails_with_its_first_child(driver: Driver) -> None:
    ended = driver.run(driver.machine(item_map("INLINE", FAILING)), items=[1, 0])
    assert (ended["status"], ended["error"]) == ("FAILED", "Broken")


def test_a_task_fails_with_the_name_of_the_functions_exception(driver: Driver) -> None:
    task: dict[str, Any] = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": driver.physical("WorkFunction"), "Payload.$": "$"},
        "End": True,
    }
    machine = driver.machine({"StartAt": "T", "States": {"T": task}})
    ended = driver.run(machine, do="fail")
    assert (ended["status"], ended["error"]) == ("FAILED", "KeyError")
    assert json.loads(ended["cause"])["errorMessage"] == "'nobody catches this'"
    assert driver.run(machine, do="die")["error"] == "Runtime.ExitError"
    task["Parameters"]["FunctionName"] = "there-is-none"
    ended = driver.run(driver.machine({"StartAt": "T", "States": {"T": task}}))
    assert ended["error"] == "Lambda.ResourceNotFoundException"

"""Lambda: what a function sees, what it answers, and how it fails, in AWS's own shapes."""

import os
import signal
import threading
from typing import Any

from tests.local.conftest import Driver, until


def test_a_function_sees_its_context_its_environment_and_its_layers(driver: Driver) -> None:
    failed, seen = driver.invoke({"do": "describe"})
    assert failed is None
    assert seen["name"] == driver.physical("WorkFunction")
    assert seen["arn"].endswith(f":function:{seen['name']}")
    assert seen["memory"] == "256"
    assert 0 < seen["left"] <= 2000
    assert len(seen["request"]) == 36
    assert seen["greeting"] == "hello"
    assert seen["text"] == "a text of the layer", "a layer that is shipped as it is stands at /opt"
    assert seen["shared"] == "from the layer", "a built layer is importable"
    assert seen["bedrock"] == driver.stack.bedrock_endpoint
    assert seen["path"] == [], "the runtime's own folder is not importable"


def test_a_worker_is_used_again(driver: Driver) -> None:
    pids = {driver.invoke({"do": "describe"})[1]["pid"] for _ in range(3)}
    assert len(pids) == 1


def test_results_and_errors_come_in_lambdas_shape(driver: Driver) -> None:
    assert driver.invoke({"do": "echo", "text": "Grüße\n\u2028"}) == (None, {"do": "echo", "text": "Grüße\n\u2028"})
    assert driver.invoke({"do": "number"}) == (None, {"n": 1.5})
    failed, error = driver.invoke({"do": "fail"})
    assert failed == "Unhandled"
    assert (error["errorType"], error["errorMessage"]) == ("KeyError", "'nobody catches this'")
    assert "in fail" in error["stackTrace"][-1]
    assert "worker.py" not in "".join(error["stackTrace"])
    assert driver.invoke({"do": "bytes"})[1]["errorType"] == "Runtime.MarshalError"
    assert driver.invoke({"do": "huge"})[1]["errorType"] == "Function.ResponseSizeTooLarge"
    missing = driver.invoke({}, function="BrokenFunction")[1]
    assert missing["errorType"] == "Runtime.ImportModuleError"
    assert "functions.work.nothing" in missing["errorMessage"]


def test_a_function_over_its_time_is_killed(driver: Driver) -> None:
    failed, error = driver.invoke({"do": "hang"})
    assert (failed, error["errorType"]) == ("Unhandled", "Sandbox.Timedout")
    assert "Task timed out after 2.00 seconds" in error["errorMessage"]
    assert driver.stack.pools.pids(driver.physical("WorkFunction")) == []
    assert driver.invoke({"do": "echo"})[0] is None, "the next invocation gets a new worker"


def test_a_worker_that_ends_is_an_exit_error(driver: Driver) -> None:
    assert driver.invoke({"do": "exit"})[1]["errorMessage"].endswith("Runtime exited with error: exit status 3")
    failed, error = driver.invoke({"do": "die"})
    assert (failed, error["errorType"]) == ("Unhandled", "Runtime.ExitError")
    assert error["errorMessage"].endswith("signal: killed")


def test_a_worker_killed_while_idle_costs_no_invocation(driver: Driver) -> None:
    pid = driver.invoke({"do": "describe"})[1]["pid"]
    os.kill(pid, signal.SIGKILL)
    until(lambda: pid not in driver.stack.pools.pids(driver.physical("WorkFunction")))
    assert driver.invoke({"do": "echo"})[0] is None


def test_a_worker_killed_in_the_middle_fails_that_invocation(driver: Driver) -> None:
    answers: list[tuple[str | None, Any]] = []
    hanging = threading.Thread(target=lambda: answers.append(driver.invoke({"do": "hang"})))
    before = driver.log("WorkFunction").count("about to hang")
    hanging.start()
    until(lambda: driver.log("WorkFunction").count("about to hang") > before)
    for pid in driver.stack.pools.pids(driver.physical("WorkFunction")):
        os.kill(pid, signal.SIGKILL)
    hanging.join()
    assert answers[0][1]["errorType"] == "Runtime.ExitError"


def test_at_most_so_many_workers_of_a_function_run_at_once(driver: Driver) -> None:
    threads = [threading.Thread(target=driver.invoke, args=({"do": "describe"},)) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(driver.stack.pools.pids(driver.physical("WorkFunction"))) <= driver.stack._parallel


def test_idle_workers_go(driver: Driver) -> None:
    driver.invoke({"do": "echo"})
    driver.stack.pools.close_idle(0.0)
    assert driver.stack.pools.pids(driver.physical("WorkFunction")) == []


def test_an_asynchronous_invocation_answers_before_the_function_ends(driver: Driver) -> None:
    failed, payload = driver.invoke({"do": "count", "key": "asynchronous"}, InvocationType="Event")
    assert (failed, payload) == (None, None)
    table = driver.physical("Counts")

    def it_counted() -> Any:
        return driver["dynamodb"].get_item(TableName=table, Key={"pk": {"S": "asynchronous"}}).get("Item")

    assert until(it_counted)["n"] == {"N": "1"}


def test_what_a_function_prints_is_in_its_log_and_the_event_is_not(driver: Driver) -> None:
    driver.invoke({"do": "print", "secret": "case text"})
    log = driver.log("WorkFunction")
    assert "a line for the log" in log
    assert "REPORT RequestId" in log
    assert "Max Memory Used" in log
    assert "case text" not in log


def test_concurrent_updates_of_an_item_lose_none(driver: Driver) -> None:
    table, client = driver.physical("Counts"), driver["dynamodb"]

    def add() -> None:
        for _ in range(50):
            client.update_item(
                TableName=table,
                Key={"pk": {"S": "added"}},
                UpdateExpression="ADD n :one",
                ExpressionAttributeValues={":one": {"N": "1"}},
            )

    threads = [threading.Thread(target=add) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert client.get_item(TableName=table, Key={"pk": {"S": "added"}})["Item"]["n"] == {"N": "400"}

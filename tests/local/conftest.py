"""A small stack of its own (fixture_stack/), deployed to the embedded AWS once a module."""

import json
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from local.stack import LocalStack

T = TypeVar("T")
Execution = dict[str, Any]
FIXTURE = Path(__file__).parent / "fixture_stack" / "template.yaml"


class NoModel:
    """Stands where the stand-in for Bedrock would: nothing here calls a model."""

    endpoint = "http://127.0.0.1:9"

    def stop(self) -> None:
        pass


def until(condition: Callable[[], T | None], seconds: float = 60.0) -> T:
    """The condition's first true value; fails the test when there is none by the deadline."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.02)
    pytest.fail(f"nothing came of {condition!r} in {seconds} s")


class Driver:
    """What the tests do with a running stack."""

    def __init__(self, stack: LocalStack) -> None:
        self.stack = stack
        self.aws: dict[str, Any] = {}

    def __getitem__(self, service: str) -> Any:
        if service not in self.aws:
            self.aws[service] = self.stack.client(service)
        return self.aws[service]

    def physical(self, logical: str) -> str:
        return self.stack.resources[logical]

    def invoke(self, event: Any, function: str = "WorkFunction", **extra: str) -> tuple[str | None, Any]:
        answer = self["lambda"].invoke(FunctionName=self.physical(function), Payload=json.dumps(event), **extra)
        payload = answer["Payload"].read()
        return answer.get("FunctionError"), json.loads(payload) if payload else None

    def log(self, function: str) -> str:
        return (self.stack._folder / "logs" / f"{function}.log").read_text()

    def machine(self, definition: dict[str, Any]) -> str:
        name = f"m{uuid.uuid4().hex[:8]}"
        made = self["stepfunctions"].create_state_machine(
            name=name, definition=json.dumps(definition), roleArn=self.role()
        )
        return str(made["stateMachineArn"])

    def role(self) -> str:
        return f"arn:aws:iam::123456789012:role/{self.physical('FunctionRole')}"

    def run(self, machine: str, **sent: Any) -> Execution:
        started = self["stepfunctions"].start_execution(stateMachineArn=machine, input=json.dumps(sent))
        return self.ended(started["executionArn"])

    def ended(self, execution: str) -> Execution:
        def it_ended() -> Execution | None:
            described: Execution = self["stepfunctions"].describe_execution(executionArn=execution)
            return described if described["status"] != "RUNNING" else None

        return until(it_ended)

    def executions(self, machine: str | None = None) -> list[Execution]:
        arn = machine or self.physical("Machine")
        return list(self["stepfunctions"].list_executions(stateMachineArn=arn)["executions"])


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driver]:
    """The fixture stack, running; waits of its state machines take a hundredth of their time."""
    stack = LocalStack(
        FIXTURE,
        state_dir=tmp_path_factory.mktemp("state"),
        model_server=NoModel(),
        time_scale=0.01,
        keep_state=False,
    )
    with stack:
        yield Driver(stack)

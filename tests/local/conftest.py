"""A small stack of its own (fixture_stack/), deployed to the embedded AWS once a module."""

import json
import time
import uuid
from pathlib import Path

import pytest

from local.stack import LocalStack

FIXTURE = Path(__file__).parent / "fixture_stack" / "template.yaml"


class NoModel:
    """Stands where the stand-in for Bedrock would: nothing here calls a model."""

    endpoint = "http://127.0.0.1:9"

    def stop(self):
        pass


def until(condition, seconds=30.0):
    """The condition's first true value; fails the test when there is none by the deadline."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.02)
    pytest.fail(f"nothing came of {condition.__qualname__} in {seconds} s")


class Driver:
    """What the tests do with a running stack."""

    def __init__(self, stack):
        self.stack = stack
        self.aws = {}

    def __getitem__(self, service):
        if service not in self.aws:
            self.aws[service] = self.stack.client(service)
        return self.aws[service]

    def physical(self, logical):
        return self.stack.resources[logical]

    def invoke(self, event, function="WorkFunction", **extra):
        answer = self["lambda"].invoke(FunctionName=self.physical(function), Payload=json.dumps(event), **extra)
        payload = answer["Payload"].read()
        return answer.get("FunctionError"), json.loads(payload) if payload else None

    def log(self, function):
        return (self.stack._folder / "logs" / f"{function}.log").read_text()

    def machine(self, definition):
        name = f"m{uuid.uuid4().hex[:8]}"
        made = self["stepfunctions"].create_state_machine(
            name=name, definition=json.dumps(definition), roleArn=self.role()
        )
        return made["stateMachineArn"]

    def role(self):
        return f"arn:aws:iam::123456789012:role/{self.physical('FunctionRole')}"

    def run(self, machine, name=None, **sent):
        extra = {"name": name} if name else {}
        started = self["stepfunctions"].start_execution(stateMachineArn=machine, input=json.dumps(sent), **extra)
        return self.ended(started["executionArn"])

    def ended(self, execution):
        def it_ended():
            described = self["stepfunctions"].describe_execution(executionArn=execution)
            return described if described["status"] != "RUNNING" else None

        return until(it_ended)

    def executions(self, machine=None):
        arn = machine or self.physical("Machine")
        return self["stepfunctions"].list_executions(stateMachineArn=arn)["executions"]


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
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

"""template.yaml and the state machine, read once for every template test."""

import functools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).parents[2]


@functools.cache
def template() -> dict[str, Any]:
    """The SAM template, with intrinsics in their long form."""
    loaded: dict[str, Any] = yaml_parse((ROOT / "template.yaml").read_text("utf-8"))
    return loaded


MACHINES = ("LabelCases", "PredictCases")


@functools.cache
def definition(machine: str = "LabelCases") -> dict[str, Any]:
    """A state machine as it stands in its file."""
    path = ROOT / "statemachine" / f"{snake(machine)}.asl.json"
    loaded: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return loaded


def resources(kind: str) -> dict[str, dict[str, Any]]:
    """Logical id → resource, of one CloudFormation type."""
    return {name: body for name, body in template()["Resources"].items() if body["Type"] == kind}


def functions() -> dict[str, dict[str, Any]]:
    """Stage name (snake case) → the function's properties."""
    return {
        snake(name.removesuffix("Function")): body["Properties"]
        for name, body in resources("AWS::Serverless::Function").items()
    }


# A function that a second state invokes, to go on elsewhere.
SECOND_STATES = {"RecordUnanswered": "RecordShardFailure"}


def snake(name: str) -> str:
    """CheckBalance → check_balance."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def states(machine: str = "LabelCases") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every state of a machine, with those inside its maps."""
    pending = [definition(machine)["States"]]
    while pending:
        for name, state in pending.pop().items():
            yield name, state
            if state["Type"] == "Map":
                pending.append(state["ItemProcessor"]["States"])


def every_state() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every state of every machine, as `LabelCases.Ingest`."""
    for machine in MACHINES:
        for name, state in states(machine):
            yield f"{machine}.{name}", state


def statements(stage: str) -> list[dict[str, Any]]:
    """The IAM statements of a stage's role."""
    role = template()["Resources"]["".join(part.title() for part in stage.split("_")) + "Role"]
    return [
        statement for policy in role["Properties"]["Policies"] for statement in policy["PolicyDocument"]["Statement"]
    ]


def listed(value: Any) -> list[Any]:
    """CloudFormation allows one thing where a list may stand."""
    return value if isinstance(value, list) else [value]


def bucket_grants(stage: str, bucket: str) -> set[str]:
    """'s3:GetObject runs/*/cases/*' for each action and key pattern that a stage may use on a bucket."""
    grants = set()
    for statement in statements(stage):
        for resource in listed(statement["Resource"]):
            text = resource.get("Fn::Sub", "") if isinstance(resource, dict) else str(resource)
            if isinstance(text, str) and text.startswith("${" + bucket + ".Arn}/"):
                pattern = text.split("/", 1)[1]
                grants |= {f"{action} {pattern}" for action in listed(statement["Action"])}
    return grants

"""What a template's roles allow, read without mercy: what cannot be resolved here counts as everything."""

import json
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from tests.template.reading import listed

Template = dict[str, Any]
_PSEUDO = {"AWS::Partition": "aws", "AWS::Region": "region", "AWS::AccountId": "account", "AWS::StackName": "stack"}


class Grant(NamedTuple):
    """An Allow: who, which actions, on which resources (patterns of full ARNs)."""

    role: str
    actions: frozenset[str]
    resources: frozenset[str]

    def allows(self, action: str, arn: str) -> bool:
        """Whether the action may be done to what has that ARN."""
        return any(fnmatchcase(action.lower(), one.lower()) for one in self.actions) and any(
            fnmatchcase(arn, one) for one in self.resources
        )


def grants(template: Template) -> Iterator[Grant]:
    """Every Allow of every role, whatever resource holds it. A policy of AWS's own allows everything here."""
    for name, resource in template["Resources"].items():
        properties = resource.get("Properties", {})
        match resource["Type"]:
            case "AWS::IAM::Role":
                policies = [policy["PolicyDocument"] for policy in properties.get("Policies", ())]
                yield from _allowed(template, [name], policies)
                yield from _foreign(name, properties.get("ManagedPolicyArns", ()))
            case "AWS::IAM::Policy" | "AWS::IAM::ManagedPolicy":
                roles = [role.get("Ref", json.dumps(role)) for role in properties["Roles"]]
                yield from _allowed(template, roles, [properties["PolicyDocument"]])
            case "AWS::Serverless::Function":  # SAM would make a role of these, or add them to the given one
                yield from _foreign(name, listed(properties.get("Policies", [])))


def role_of(function: dict[str, Any]) -> str:
    """The logical id of a function's role; empty where SAM makes one."""
    role = function["Properties"].get("Role", {})
    return str(role["Fn::GetAtt"][0]) if isinstance(role, dict) and "Fn::GetAtt" in role else ""


def arns(template: Template, value: Any) -> Iterator[str]:
    """The texts that a value can have, `*` standing for what is not known here; both branches of an If."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for one in value:
            yield from arns(template, one)
    elif "Fn::If" in value:
        yield from arns(template, value["Fn::If"][1:])
    elif value == {"Ref": "AWS::NoValue"}:
        return
    elif "Fn::Sub" in value:
        text = value["Fn::Sub"] if isinstance(value["Fn::Sub"], str) else value["Fn::Sub"][0]
        yield re.sub(r"\$\{([^}]+)\}", lambda found: _known(template, found[1]), text)
    elif "Fn::GetAtt" in value:
        yield _known(template, ".".join(listed(value["Fn::GetAtt"])))
    elif "Ref" in value:
        yield _known(template, value["Ref"])
    else:
        yield "*"


def _known(template: Template, name: str) -> str:
    resource, _, attribute = name.partition(".")
    if resource not in template["Resources"]:
        return _PSEUDO.get(name, "*")
    is_bucket = template["Resources"][resource]["Type"] == "AWS::S3::Bucket"
    return f"arn:aws:s3:::{resource}" if is_bucket and attribute == "Arn" else resource


def _allowed(template: Template, roles: list[str], documents: list[dict[str, Any]]) -> Iterator[Grant]:
    for document in documents:
        for statement in _branches(document["Statement"]):
            if statement["Effect"] != "Allow":
                continue
            actions = listed(statement.get("Action", "*"))  # a NotAction allows nearly everything
            resources = arns(template, statement.get("Resource", "*"))
            grant = frozenset(actions), frozenset(resources)
            yield from (Grant(role, *grant) for role in roles)


def _branches(value: Any) -> Iterator[dict[str, Any]]:
    for one in listed(value):
        if "Fn::If" in one:
            yield from _branches([branch for branch in one["Fn::If"][1:] if branch != {"Ref": "AWS::NoValue"}])
        else:
            yield one


def _foreign(name: str, policies: Any) -> Iterator[Grant]:
    if policies:
        yield Grant(name, frozenset({"*"}), frozenset({"*"}))

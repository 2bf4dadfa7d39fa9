"""A function's environment as template.yaml declares it, with this test's buckets, tables and machine for its Refs."""

from collections.abc import Mapping
from typing import Any

from tests.template.reading import ROOT, functions, template
from tools import world

RESOURCES = {
    "RawBucket": "plumbline-raw",
    "DataBucket": "plumbline-data",
    "LedgerTable": "plumbline-ledger",
    "IdempotencyTable": "plumbline-idempotency",
}
ACCOUNT, REGION, STACK = "123456789012", "us-east-1", "plumbline"
_PSEUDO = {"AWS::Partition": "aws", "AWS::Region": REGION, "AWS::AccountId": ACCOUNT, "AWS::StackName": STACK}


def declared(stage: str) -> dict[str, str]:
    """Name → value of every variable that the template gives the function; nothing else may be needed."""
    own = functions()[stage].get("Environment", {}).get("Variables", {})
    common = template()["Globals"]["Function"]["Environment"]["Variables"]
    return {name: _opt(stage) if value == "/opt" else _resolved(value) for name, value in (common | own).items()}


def _opt(stage: str) -> str:
    """What lies under /opt on AWS as it stands in the repository: the folder of the function's one unbuilt layer."""
    layers = [template()["Resources"][layer["Ref"]] for layer in functions()[stage]["Layers"]]
    [folder] = [layer["Properties"]["ContentUri"] for layer in layers if "BuildMethod" not in layer.get("Metadata", {})]
    return str(ROOT / folder)


def _resolved(value: Any) -> str:
    if not isinstance(value, Mapping):
        return str(value)
    if "Ref" in value:
        name = value["Ref"]
        known = RESOURCES | _PSEUDO | world.PARAMETERS
        return known[name] if name in known else str(template()["Parameters"][name]["Default"])
    if "Fn::Sub" in value:
        text = str(value["Fn::Sub"])
        for name, replacement in _PSEUDO.items():
            text = text.replace(f"${{{name}}}", replacement)
        return text
    logical, attribute = value["Fn::GetAtt"]
    assert attribute == "Arn", f"no value for {logical}.{attribute}"
    return f"arn:aws:iam::{ACCOUNT}:role/{logical}"

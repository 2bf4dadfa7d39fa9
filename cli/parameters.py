"""Parameters of the template for the stack on this machine: `--parameter NAME=VALUE`."""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, Final

import boto3
import yaml

from cli.errors import UsageProblem
from cli.paths import ROOT, plumbline
from cli.stack import Stack

_OURS: Final = {"ModelId": "--model"}  # has an option of its own, which also chooses who answers


class _Template(yaml.SafeLoader):
    """Reads a template's plain parts; CloudFormation's own tags are left empty."""


_Template.add_multi_constructor("!", lambda *_: None)


def parameters_of(pairs: Iterable[str]) -> dict[str, str]:
    """`NAME=VALUE` texts as a mapping; the last one of a name counts.

    Raises UsageProblem for one that is no pair, that the template does not have, or whose value it does not allow.
    """
    given: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name.strip():
            raise UsageProblem(f"--parameter {pair!r} is no NAME=VALUE.", "For example: --parameter TargetPerClass=40")
        given[name.strip()] = value
    if given:
        known = _declared()
        for name, value in given.items():
            _check(name, value, known)
    return given


def check_running_parameters(where: Stack, wanted: Mapping[str, str]) -> None:
    """Raise UsageProblem when the running local stack has other values: they are set when it starts."""
    if not wanted:
        return
    described = boto3.client("cloudformation").describe_stacks(StackName=where.name)["Stacks"][0]
    known = {p["ParameterKey"]: p.get("ParameterValue", "") for p in described.get("Parameters", [])}
    other = [name for name, value in wanted.items() if known.get(name) != value]
    if other:
        message = f"The running local stack has another {', '.join(other)}."
        raise UsageProblem(message, f"Stop it first ({plumbline('down')}); what it holds is kept.")


def _declared() -> dict[str, dict[str, Any]]:
    text = (ROOT / "template.yaml").read_text(encoding="utf-8")
    found: dict[str, dict[str, Any]] = yaml.load(text, Loader=_Template)["Parameters"]  # noqa: S506 - a SafeLoader
    return found


def _check(name: str, value: str, known: Mapping[str, Mapping[str, Any]]) -> None:
    if name in _OURS:
        raise UsageProblem(f"--parameter {name} cannot be set for the local stack.", f"Use {_OURS[name]}.")
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        meant = f"Did you mean {close[0]}? " if close else ""
        raise UsageProblem(f"The template has no parameter {name!r}.", f"{meant}There are: {', '.join(known)}.")
    allowed = [str(one) for one in known[name].get("AllowedValues", [])]
    if allowed and value not in allowed:
        raise UsageProblem(f"--parameter {name}={value} is not allowed.", f"Allowed: {', '.join(allowed)}.")

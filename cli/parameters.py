"""Parameters of the template for the stack on this machine: `--parameter NAME=VALUE`, kept from start to start."""

import difflib
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, Final

import boto3
import yaml

from cli.errors import UsageProblem
from cli.parameter_values import check_together, check_value
from cli.paths import ROOT, plumbline
from cli.remembered import remembered, with_remembered
from cli.stack import Stack

_OURS: Final = {"ModelId": "--model"}  # has an option of its own, which also chooses who answers


class _Template(yaml.SafeLoader):
    """Reads a template's plain parts; CloudFormation's own tags are left empty."""


_Template.add_multi_constructor("!", lambda *_: None)


def parameters_of(pairs: Iterable[str]) -> dict[str, str]:
    """`NAME=VALUE` texts as a mapping; the last one of a name counts, and an empty value takes a parameter back.

    Raises UsageProblem for one that is no pair, that the template does not have, or whose value does not fit.
    """
    given: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name.strip():
            raise UsageProblem(f"--parameter {pair!r} is no NAME=VALUE.", "For example: --parameter TargetPerClass=40")
        given[name.strip()] = value.strip()
    if given:
        declared = _declared()
        for name, value in given.items():
            if value or name not in remembered():
                _check_name(name, declared)
            if value:
                check_value(name, value, declared[name])
        check_together(with_remembered(given), declared)
    return given


def chosen(given: Mapping[str, str]) -> dict[str, str]:
    """What the stack starts with: what is given, and what it was last started with.

    Raises UsageProblem for a remembered one that does not fit the template any more.
    """
    wanted = with_remembered(given)
    declared = _declared() if wanted else {}
    for name, value in wanted.items():
        try:
            _check_name(name, declared)
            check_value(name, value, declared[name])
        except UsageProblem as problem:
            hint = f"It is kept from an earlier start. Take it back: {plumbline('up')} --parameter {name}="
            raise UsageProblem(str(problem), hint) from None
    return wanted


def check_running_parameters(where: Stack, given: Mapping[str, str]) -> None:
    """Raise UsageProblem when the running local stack has other values: they are set when it starts."""
    if not given:
        return
    described = boto3.client("cloudformation").describe_stacks(StackName=where.name)["Stacks"][0]
    known = {p["ParameterKey"]: p.get("ParameterValue", "") for p in described.get("Parameters", [])}
    kept = remembered()
    other = [name for name, value in given.items() if (known.get(name) != value if value else name in kept)]
    if other:
        message = f"The running local stack has another {', '.join(other)}."
        raise UsageProblem(message, f"Stop it first ({plumbline('down')}); what it holds is kept.")


@cache
def _declared() -> dict[str, dict[str, Any]]:
    text = (ROOT / "template.yaml").read_text(encoding="utf-8")
    found: dict[str, dict[str, Any]] = yaml.load(text, Loader=_Template)["Parameters"]  # noqa: S506 - a SafeLoader
    return found


def default(name: str) -> str:
    """The parameter's default in template.yaml, as a deployment that names no other would have it."""
    return str(_declared()[name].get("Default", ""))


def _check_name(name: str, declared: Mapping[str, object]) -> None:
    if name in _OURS:
        raise UsageProblem(f"--parameter {name} cannot be set for the local stack.", f"Use {_OURS[name]}.")
    if name not in declared:
        close = difflib.get_close_matches(name, declared, n=1)
        meant = f"Did you mean {close[0]}? " if close else ""
        raise UsageProblem(f"The template has no parameter {name!r}.", f"{meant}There are: {', '.join(declared)}.")

"""Whether a value fits a parameter of the template: what CloudFormation would refuse, and what the functions would."""

import importlib.util
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from pydantic import BaseModel, TypeAdapter, ValidationError

from cli.errors import UsageProblem
from cli.paths import ROOT
from cli.precheck import check_prompt
from plumbline import settings
from plumbline.contracts.errors import InvalidRecipe
from plumbline.settings import Hyperparameter

_SCHEDULE: Final = re.compile(r"cron\(\S+( \S+){5}\)|rate\([1-9]\d* (minute|hour|day)s?\)")
_HYPERPARAMETERS: Final = "TrainingHyperparameters"
_GIVEN: Final = TypeAdapter(dict[Hyperparameter, str | int | float | bool])
_EXAMPLE: Final = """--parameter 'TrainingHyperparameters={"epochs": 6, "max_tokens": 256}'"""


def check_value(name: str, value: str, declared: Mapping[str, Any]) -> None:
    """Raise UsageProblem, which names the parameter and says what fits, for a value that does not fit its declaration.

    `declared` is the parameter's entry in the template.
    """
    fault = _fault(value, declared) or _setting_fault(name, value)
    if fault:
        raise UsageProblem(f"--parameter {name}={value} cannot be used: {fault}.", _hint(name, declared))
    if name == "PredictSchedule" and not _SCHEDULE.fullmatch(value):
        hint = "For example: --parameter 'PredictSchedule=cron(0 5 * * ? *)', or rate(1 day)."
        raise UsageProblem(f"--parameter {name}={value} is no cron(…) of six fields and no rate(…).", hint)
    if name == _HYPERPARAMETERS:
        _check_hyperparameters(value)


def check_together(values: Mapping[str, str], declared: Mapping[str, Mapping[str, Any]]) -> None:
    """Raise UsageProblem when there is no prompt for the task and version that the values and the defaults make."""
    if not {"Task", "PromptVersion"} & values.keys():
        return
    task, version = (str(values.get(name) or declared[name]["Default"]) for name in ("Task", "PromptVersion"))
    try:
        check_prompt(task, version)
    except UsageProblem as problem:
        raise UsageProblem(f"--parameter Task={task}, PromptVersion={version}: {problem}", problem.hint) from None


def _fault(value: str, declared: Mapping[str, Any]) -> str:
    """What CloudFormation would say of the value; empty where nothing."""
    allowed = [str(one) for one in declared.get("AllowedValues", [])]
    if allowed and value not in allowed:
        return f"it has to be one of {', '.join(allowed)}"
    if declared.get("Type") == "Number":
        return _number_fault(value, declared)
    if not declared.get("MinLength", 0) <= len(value) <= declared.get("MaxLength", len(value)):
        return f"it has to have {declared.get('MinLength', 0)} to {declared.get('MaxLength', 'any')} characters"
    pattern = declared.get("AllowedPattern")
    return f"it has to match {pattern}" if pattern and not re.fullmatch(pattern, value) else ""


def _number_fault(value: str, declared: Mapping[str, Any]) -> str:
    try:
        number = float(value)
    except ValueError:
        return "it has to be a number"
    if not math.isfinite(number):
        return "it has to be a number"
    least, most = declared.get("MinValue"), declared.get("MaxValue")
    if least is not None and number < least:
        return f"it has to be at least {least:,}"
    return f"it has to be at most {most:,}" if most is not None and number > most else ""


def _setting_fault(name: str, value: str) -> str:
    """What a function that reads the parameter would say of it: a setting's name is the parameter's in small letters.

    A template says `Number` also where only a whole number will do.
    """
    field = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
    for kind in vars(settings).values():
        if name != _HYPERPARAMETERS and isinstance(kind, type) and issubclass(kind, BaseModel):
            if field not in kind.model_fields:
                continue
            try:
                kind.model_validate({field: value})
            except ValidationError as error:
                said = [fault["msg"] for fault in error.errors(include_input=False) if fault["loc"] == (field,)]
                if said:
                    return f"{said[0][:1].lower()}{said[0][1:]}"
    return ""


def _check_hyperparameters(value: str) -> None:
    """They go to training/train.py, which would refuse them only after labeling, when the training job has started."""
    try:
        found = json.loads(value)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise UsageProblem(
            f"--parameter {_HYPERPARAMETERS} has to be a JSON object.", f"For example: {_EXAMPLE} (mind the quotes)"
        )
    try:
        _GIVEN.validate_python(found)
    except ValidationError as error:
        fault = error.errors(include_input=False)[0]
        said = fault["msg"].removeprefix("Value error, ")
        message = f"--parameter {_HYPERPARAMETERS}: {fault['loc'][0]!r} cannot be used ({said})."
        raise UsageProblem(message, f"For example: {_EXAMPLE}. The encoder is --parameter TrainingEncoder.") from None
    try:
        _recipe_reader()(["--task", "any", *(f"--{name}={_word(given)}" for name, given in found.items())])
    except InvalidRecipe as error:
        hint = f"For example: {_EXAMPLE}. docs/training.md lists them."
        raise UsageProblem(f"--parameter {_HYPERPARAMETERS}: {error}.", hint) from None


def _recipe_reader() -> Callable[[Sequence[str]], object]:
    """training/'s own reader of hyperparameters, from its file: the package is the training environment's alone."""
    spec = importlib.util.spec_from_file_location("training.recipe", ROOT / "training" / "recipe.py")
    if spec is None or spec.loader is None:
        raise FileNotFoundError("training/recipe.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    read: Callable[[Sequence[str]], object] = module.read_recipe
    return read


def _word(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _hint(name: str, declared: Mapping[str, Any]) -> str:
    about = " ".join(str(declared.get("Description", "")).split())
    default = declared.get("Default", "")
    return f"{name}: {about} Default: {default}." if about else f"{name}'s default is {default}."

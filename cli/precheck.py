"""What can be seen to be wrong before anything is uploaded."""

import difflib
import os
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from cli.errors import UsageProblem
from cli.paths import ROOT, plumbline, prompts_dir, shown
from cli.upload import MAX_MAPPING_BYTES, checked
from local.sagemaker.runner import PYTHON_VARIABLE, training_python
from plumbline.contracts.errors import InvalidMapping, InvalidPrompt
from plumbline.ingest.mapping import FieldMapping, parse_mapping
from plumbline.prompting import load_prompt, tasks, versions

_READ: Final = "CSV, JSON Lines, JSON (each also as .gz) and Ground Truth manifests can be read."
_SHEET: Final = "If it is a workbook, save the sheet as CSV; if it is an archive, unpack it."
# How a file begins that can be no export, what it is, and what to do about it.
_FOREIGN: Final = (
    (b"\x89PNG\r\n", "a picture (PNG)", _READ),
    (b"\xff\xd8\xff", "a picture (JPEG)", _READ),
    (b"GIF8", "a picture (GIF)", _READ),
    (b"%PDF-", "a PDF", _READ),
    (b"PK\x03\x04", "a zip archive or an Excel workbook", _SHEET),
    (b"\xd0\xcf\x11\xe0", "an old Office file", "Save the sheet as CSV."),
    (b"PAR1", "a Parquet file", f"Convert it first. {_READ}"),
    (b"SQLite format 3", "an SQLite database", f"Export the table first. {_READ}"),
    (b"7z\xbc\xaf", "a 7z archive", "Unpack it first."),
    (b"BZh", "a bzip2 file", "Unpack it first, or pack it with gzip."),
    (b"\xfd7zXZ", "an xz file", "Unpack it first, or pack it with gzip."),
    (b"\x28\xb5\x2f\xfd", "a zstd file", "Unpack it first, or pack it with gzip."),
)


def check_export(path: Path) -> None:
    """Raise UsageProblem for what cannot be an export: no file, empty, or plainly of another kind."""
    checked(path)
    with path.open("rb") as stream:
        begin = stream.read(16)
    for magic, what, hint in _FOREIGN:
        if begin.startswith(magic):
            raise UsageProblem(f"{path} is {what}, no export of cases; nothing was uploaded.", hint)


def check_mapping(path: Path) -> None:
    """Raise UsageProblem, naming the user's own file and the fields, for a mapping file that ingest would refuse."""
    if path.is_dir():
        raise UsageProblem(f"--map {path} is a folder.", "Name the mapping file in it (YAML).")
    checked(path, limit=MAX_MAPPING_BYTES)
    try:
        parse_mapping(path.read_bytes(), str(path))
    except InvalidMapping as error:
        # parse_mapping has the fields' faults as the cause.
        cause = error.__context__
        message = f"mapping file {path}: {_faults(cause)}" if isinstance(cause, ValidationError) else str(error)
        hint = f"Known keys: {', '.join(FieldMapping.model_fields)}. Nothing was uploaded."
        raise UsageProblem(message[:1].upper() + message[1:].rstrip(".") + ".", hint) from None


def _faults(error: ValidationError) -> str:
    words = []
    for fault in error.errors(include_input=False, include_url=False):
        name = ".".join(str(part) for part in fault["loc"])
        match fault["type"]:
            case "extra_forbidden":
                words.append(f"unknown key {name}")
            case "missing":
                words.append(f"{name} is missing")
            case _:
                message = fault["msg"].removeprefix("Value error, ")
                words.append(f"{name}: {message}" if name else message)
    return "; ".join(words)


def check_task(task: str) -> None:
    """Raise UsageProblem for a task that the repository has no prompt of."""
    known = tasks(prompts_dir())
    if task not in known:
        raise UsageProblem(f"There is no task {task!r}.", f"{_meant(task, known)}Tasks: {', '.join(known)}.")


def check_prompt(task: str, version: str) -> None:
    """Raise UsageProblem for a prompt version that is not there or is broken."""
    check_task(task)
    known = versions(prompts_dir(), task)
    if version not in known:
        close = f"Did you mean v{version}? " if f"v{version}" in known else _meant(version, known)
        raise UsageProblem(f"The task {task} has no version {version!r}.", f"{close}Versions: {', '.join(known)}.")
    try:
        load_prompt(prompts_dir(), task, version)
    except InvalidPrompt as error:
        where = shown(prompts_dir() / task / f"{version}.yaml")
        raise UsageProblem(str(error), f"Mend {where}, then: {plumbline('prompts check')} {task}/{version}") from None


def check_training_environment() -> None:
    """Raise UsageProblem where there is no Python for training: the local stack could only fail the job."""
    python = training_python(ROOT)
    if os.access(python, os.X_OK):
        return
    hint = "Install it once with `make training-env` (2 to 3 minutes, 2.4 GB)"
    if PYTHON_VARIABLE in os.environ:
        hint = f"{PYTHON_VARIABLE} names no interpreter. {hint}, and unset the variable"
    raise UsageProblem(f"There is no environment for training at {shown(python)}.", f"{hint}.")


def _meant(said: str, known: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(said.lower().removesuffix(".yaml"), known, n=1)
    return f"Did you mean {close[0]}? " if close else ""

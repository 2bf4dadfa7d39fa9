"""Prompt files on this machine: which cases their examples were drafted from, and writing a new version."""

import re
from pathlib import Path

from cli.errors import CliError, UsageProblem
from cli.paths import prompts_dir, shown
from plumbline.contracts.prompts import PromptRef
from plumbline.drafting.prompt_text import DRAFTED
from plumbline.prompting import versions

_DRAFTED = re.compile(rf"^ *{re.escape(DRAFTED)}(.+?) *$", re.MULTILINE)
_VERSION = re.compile(r"v[1-9][0-9]*")


def prompt_path(task: str, version: str) -> Path:
    """Where a version's file is, or would be."""
    return prompts_dir() / task / f"{version}.yaml"


def drafted_from(prompt: PromptRef) -> frozenset[str]:
    """The ids of the cases from which examples of the prompt were drafted, as comments in its file say."""
    return frozenset(_DRAFTED.findall(prompt_path(prompt.task, prompt.version).read_text(encoding="utf-8")))


def new_version(task: str, wanted: str | None) -> str:
    """The version to write: the one wanted, or the number after the newest. Raises UsageProblem for one there is."""
    known = versions(prompts_dir(), task)
    following = f"v{max((int(version[1:]) for version in known), default=0) + 1}"
    if wanted is None:
        return following
    if not _VERSION.fullmatch(wanted):
        raise UsageProblem(f"--out {wanted} is no version.", f"A version is v1, v2 and so on; the next is {following}.")
    if wanted in known or prompt_path(task, wanted).exists():
        hint = f"A version is never written over. The next one is {following}."
        raise UsageProblem(f"The task {task} has a version {wanted} already.", hint)
    return wanted


def write_version(task: str, version: str, text: str) -> Path:
    """Write a new version's file. Raises CliError where it cannot be written or is there already."""
    path = prompt_path(task, version)
    try:
        with path.open("x", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
    except FileExistsError:
        raise CliError(f"{shown(path)} has just been made by somebody else.", "Nothing was written over.") from None
    except OSError as error:
        raise CliError(f"{shown(path)} cannot be written: {error.strerror}.") from None
    return path

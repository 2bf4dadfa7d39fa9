"""Prompt files on this machine: which cases their examples were drafted from."""

import re

from cli.paths import prompts_dir
from plumbline.contracts.prompts import PromptRef

DRAFTED: str = "# drafted from case "
_DRAFTED = re.compile(rf"^ *{re.escape(DRAFTED)}(.+?) *$", re.MULTILINE)


def drafted_from(prompt: PromptRef) -> frozenset[str]:
    """The ids of the cases from which examples of the prompt were drafted, as comments in its file say."""
    text = (prompts_dir() / prompt.task / f"{prompt.version}.yaml").read_text(encoding="utf-8")
    return frozenset(_DRAFTED.findall(text))

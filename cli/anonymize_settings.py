"""What a stack is told about personal data, for `plumbline anonymize` on this machine."""

from dataclasses import replace
from typing import Final

from cli import local_stack, stack
from cli.errors import CliError
from cli.stack_model import stack_parameters
from plumbline.adapters.privacy import privacy
from plumbline.anonymize import Privacy
from plumbline.contracts.errors import InvalidSettings
from plumbline.ports import PiiDetector
from plumbline.settings import PrivacySettings, from_env

# By variable of the functions, the template's parameter. Who looks is this machine's detector whatever the stack says:
# nothing is sent to Amazon Comprehend, and no key is read.
_PARAMETERS: Final = {"PII_POLICY": "PiiPolicy", "PII_PATTERNS": "PiiPatterns", "PII_ALLOW": "PiiAllow"}
_NOTHING: Final = ("", "{}", "[]")
_ELSEWHERE: Final = {"PiiDetector": ("", "local"), "PseudonymKeyArn": ("",)}  # what they are where nothing is lost


def privacy_of(name: str | None, detector: PiiDetector) -> tuple[Privacy, str]:
    """How the named stack anonymizes, or the one that runs here, else the defaults; and a sentence that says which.

    Raises CliError when there is no stack of that name, or its settings cannot be used.
    """
    if name is None and local_stack.running() is None:
        return Privacy(detector), "Settings: the defaults, as no stack runs here (--stack NAME names one)."
    where = stack.find(name)
    given = stack_parameters(where)
    try:
        settings = from_env(PrivacySettings, {key: given.get(own, "") for key, own in _PARAMETERS.items()})
        made = replace(privacy(settings), detector=detector)
    except InvalidSettings as error:
        raise CliError(f"The settings of the stack {where.name!r} cannot be used: {error}.") from None
    chosen = [own for own in _PARAMETERS.values() if given.get(own, "") not in _NOTHING]
    left_out = [own for own, usual in _ELSEWHERE.items() if given.get(own, "") not in usual]
    about = f"Settings: the stack {where.name}'s ({', '.join(chosen) or 'all at their defaults'})."
    return made, about + (f" Not used here: {', '.join(left_out)}." if left_out else "")

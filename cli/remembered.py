"""The local stack's parameters from one start to the next."""

from collections.abc import Mapping
from typing import Final

from pydantic import TypeAdapter, ValidationError

from cli.errors import CliError
from cli.paths import home, shown

REMEMBERED: Final = "parameters.json"
_VALUES: Final = TypeAdapter(dict[str, str])


def remembered() -> dict[str, str]:
    """What the stack was last started with, by parameter. Raises CliError for a file that cannot be read."""
    path = home() / REMEMBERED
    try:
        return _VALUES.validate_json(path.read_bytes())
    except FileNotFoundError:
        return {}
    except ValidationError:
        message = f"{shown(path)} no longer says which parameters the local stack had."
        raise CliError(message, "Remove that file, and give each --parameter again.") from None


def with_remembered(given: Mapping[str, str]) -> dict[str, str]:
    """What is given, then what is remembered; an empty value takes a parameter back to its default."""
    return {name: value for name, value in (remembered() | dict(given)).items() if value}


def remember(parameters: Mapping[str, str]) -> None:
    """Keep what the stack has been started with; readers see the whole of it or the former."""
    fresh = home() / f"{REMEMBERED}.new"
    fresh.write_bytes(_VALUES.dump_json(dict(parameters), indent=2) + b"\n")
    fresh.replace(home() / REMEMBERED)

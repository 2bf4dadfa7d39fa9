"""The note that a running local stack leaves for the commands: where it listens."""

import contextlib
import os
from pathlib import Path

from pydantic import ValidationError

from plumbline.contracts.base import Model

NAME = "local.json"


class LocalInfo(Model):
    """Where a running local stack is. `endpoint` serves every AWS API but the model's.

    `api_endpoint` is the stage of the template's REST API; empty where the template has none.
    """

    endpoint: str
    bedrock_endpoint: str
    stack_name: str
    region: str
    pid: int
    api_endpoint: str = ""

    @property
    def alive(self) -> bool:
        """Whether the process that wrote the note still runs."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True


def read(folder: Path) -> LocalInfo | None:
    """The note of the stack that runs with this state folder; None when none does."""
    try:
        info = LocalInfo.model_validate_json((folder / NAME).read_bytes())
    except (FileNotFoundError, ValidationError):
        return None
    return info if info.alive else None


def write(folder: Path, info: LocalInfo) -> None:
    """Leave the note; readers see the whole of it or nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    fresh = folder / f"{NAME}.new"
    fresh.write_text(info.model_dump_json(indent=2) + "\n", encoding="utf-8")
    fresh.replace(folder / NAME)


def remove(folder: Path) -> None:
    """Take the note away."""
    with contextlib.suppress(FileNotFoundError):
        (folder / NAME).unlink()

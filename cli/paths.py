"""Where the commands find and keep things on this machine."""

import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
DEFAULT_HOME: Final = ROOT / ".plumbline"


def home() -> Path:
    """The folder of the local stack and of downloaded reports: .plumbline in the repository, or $PLUMBLINE_HOME."""
    return Path(os.environ.get("PLUMBLINE_HOME") or DEFAULT_HOME).absolute()


def prompts_dir() -> Path:
    """The repository's prompt files."""
    return ROOT / "prompts"


def shown(path: Path) -> str:
    """The path as a person would type it here: relative where it lies below the working folder."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def plumbline(words: str = "") -> str:
    """The command as it can be pasted here: `plumbline down`, with the script's path where PATH does not have it.

    PLUMBLINE_HOME stands before it where that is set, as by `make demo`: without, it would mean another stack.
    """
    script = Path(sys.argv[0]).absolute()
    known = shutil.which("plumbline")
    elsewhere = script.name == "plumbline" and script.is_file() and not (known and script.samefile(known))
    there = f"PLUMBLINE_HOME={shlex.quote(shown(home()))} " if os.environ.get("PLUMBLINE_HOME") else ""
    return f"{there}{shown(script) if elsewhere else 'plumbline'} {words}".rstrip()

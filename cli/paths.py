"""Where the commands find and keep things on this machine."""

import os
import shutil
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent


def home() -> Path:
    """The folder of the local stack and of downloaded reports: .plumbline in the repository, or $PLUMBLINE_HOME."""
    return Path(os.environ.get("PLUMBLINE_HOME") or ROOT / ".plumbline").absolute()


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
    """The command as it can be typed here: `plumbline down`, or with the script's path where PATH does not have it."""
    script = Path(sys.argv[0]).absolute()
    known = shutil.which("plumbline")
    elsewhere = script.name == "plumbline" and script.is_file() and not (known and script.samefile(known))
    return f"{shown(script) if elsewhere else 'plumbline'} {words}".rstrip()

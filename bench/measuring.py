"""What the benchmarks share: peak memory, fresh processes, and the look of their tables."""

import json
import os
import platform
import resource
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
MB = 1_000_000
_WIDTH = 118  # wide enough for every table here, also where output goes to a file


class ProcessFailed(Exception):
    """A measured process broke off."""


def peak_mb() -> float:
    """This process's peak resident memory in MB (10^6 bytes).

    From /proc where there is one: Linux's getrusage counts in what the parent had when it started this process.
    """
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except FileNotFoundError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MB  # macOS counts bytes
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024 / MB


def in_fresh_process(module: str, *arguments: str) -> dict[str, Any]:
    """Run `python -m module arguments` and read the JSON object on its last line. Its standard error shows.

    Raises ProcessFailed when it ends with another code than 0.
    """
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments], cwd=ROOT, env=environment(), stdout=subprocess.PIPE, check=False
    )
    if done.returncode:
        raise ProcessFailed(f"{module} {' '.join(arguments)} ended with {done.returncode}; its errors stand above")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def environment() -> dict[str, str]:
    """This environment, with the repository importable also where it is not installed."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "layers" / "core")))}


def machine() -> str:
    """What the figures were taken on, without naming the machine."""
    load = "/".join(f"{value:.1f}" for value in os.getloadavg())
    return f"Python {platform.python_version()}, {os.cpu_count()} cores, load {load} (1/5/15 minutes)"


def show(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], caption: str = "") -> None:
    """Print a table: the first column is text, the others are figures."""
    table = Table(
        title=title, caption=caption or None, title_justify="left", caption_justify="left", min_width=len(title) + 2
    )
    for position, column in enumerate(columns):
        table.add_column(column, justify="right" if position else "left", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    console = Console(width=None if sys.stdout.isatty() else _WIDTH, highlight=False)
    console.print(table)
    console.print()


def ratio(value: float, base: float) -> str:
    """How many times the base, as text."""
    return f"x{value / base:.2f}" if base else "-"

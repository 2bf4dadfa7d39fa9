"""Cold import of every function's handler: the time that `import functions.<stage>.handler` takes in a new interpreter.

Each import runs in processes of its own, all of them in turns, so that a busy machine slows all alike; the median
counts. The interpreter's own start is not in it. Beside it, as a yardstick taken in the same run: boto3, pydantic and
Powertools, which nearly every function needs. Only what the dependencies layer holds can be imported: what else is
installed here (botocore takes up awscrt and pyOpenSSL where it finds them) is hidden. With --uncompiled also without
any .pyc file, as on Lambda when a layer ships none: every module is compiled at each cold start there.
"""

import argparse
import functools
import os
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from importlib import metadata

from bench.measuring import ROOT, environment, machine, ratio, show

TARGET_MS = 400
_YARDSTICKS = {
    "(nothing)": "pass",
    "boto3": "import boto3",
    "pydantic": "import pydantic.main",
    "powertools": "from aws_lambda_powertools import Logger, Metrics",
    "all three": "import boto3, pydantic.main; from aws_lambda_powertools import Logger, Metrics",
}
# CPU time stands beside the clock's and is what is held against the target: on a calm machine the two are nearly the
# same, on a shared one the clock counts mostly waiting for others.
_CHILD = """
import sys, time
sys.modules.update(dict.fromkeys({hidden}))
clock, cpu = time.perf_counter(), time.process_time()
{statement}
clock, cpu = time.perf_counter() - clock, time.process_time() - cpu
print(clock, cpu, sum(module is not None for module in sys.modules.values()))
"""


def statements() -> dict[str, str]:
    """What is imported, by the name it has in the table: the yardsticks, then every function in alphabetical order."""
    stages = sorted(path.parent.name for path in (ROOT / "functions").glob("*/handler.py"))
    return _YARDSTICKS | {stage: f"import functions.{stage}.handler" for stage in stages}


@functools.cache
def hidden_modules() -> list[str]:
    """Top-level modules that are installed here and in no layer that every function has."""
    pinned = (ROOT / "layers" / "dependencies" / "requirements.txt").read_text(encoding="utf-8")
    held = _closure(re.findall(r"^[\w.-]+", pinned, re.MULTILINE))
    own = {"plumbline"}  # this repository, where it is installed in place
    owners = metadata.packages_distributions()
    return sorted(module for module, names in owners.items() if not (held | own) & {_normal(name) for name in names})


def _closure(names: Iterable[str]) -> set[str]:
    """The distributions of those names and all that they need, extras left out."""
    held: set[str] = set()
    waiting = [_normal(name) for name in names]
    while waiting:
        name = waiting.pop()
        if name not in held:
            held.add(name)
            needed = (line for line in metadata.requires(name) or [] if "extra ==" not in line)
            waiting.extend(_normal(re.split(r"[^\w.-]", line, maxsplit=1)[0]) for line in needed)
    return held


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def cold_import(statement: str, *, compiled: bool = True) -> tuple[float, float, int]:
    """Milliseconds by the clock, milliseconds of CPU, and how many modules are loaded afterwards."""
    with tempfile.TemporaryDirectory() as empty:
        fresh = {} if compiled else {"PYTHONPYCACHEPREFIX": empty, "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(
            # -P: the working folder is not on Lambda's path either.
            [sys.executable, "-P", "-c", _CHILD.format(statement=statement, hidden=hidden_modules())],
            env=environment() | {"AWS_DEFAULT_REGION": "us-east-1", "POWERTOOLS_TRACE_DISABLED": "true"} | fresh,
            cwd=os.sep,
            stdout=subprocess.PIPE,
            check=True,
            text=True,
        )
    clock, cpu, modules = done.stdout.split()[-3:]
    return float(clock) * 1000, float(cpu) * 1000, int(modules)


def measure(rounds: int, *, compiled: bool) -> dict[str, tuple[float, float, int]]:
    """Medians over the rounds, by name."""
    todo = statements()
    taken: dict[str, list[tuple[float, float, int]]] = {name: [] for name in todo}
    for name, statement in todo.items():
        if compiled:
            cold_import(statement)  # writes the .pyc files that are still missing
        taken[name].clear()
    for _ in range(rounds):
        for name, statement in todo.items():
            taken[name].append(cold_import(statement, compiled=compiled))
    return {
        name: (statistics.median(t[0] for t in times), statistics.median(t[1] for t in times), times[0][2])
        for name, times in taken.items()
    }


def _table(title: str, medians: dict[str, tuple[float, float, int]]) -> None:
    base = medians["all three"][1]
    rows = [
        [
            name,
            f"{clock:.0f}",
            f"{cpu:.0f}",
            ratio(cpu, base),
            str(modules),
            "" if name in _YARDSTICKS else "yes" if cpu < TARGET_MS else "no",
        ]
        for name, (clock, cpu, modules) in medians.items()
    ]
    columns = ["import", "ms", "CPU ms", "CPU to 'all three'", "modules", f"CPU under {TARGET_MS}"]
    show(title, columns, rows)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.cold_import", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--uncompiled", action="store_true", help="also without .pyc files (slow)")
    options = parser.parse_args()
    print(machine())
    _table(f"Cold import, median of {options.rounds}", measure(options.rounds, compiled=True))
    if options.uncompiled:
        _table(f"Cold import without .pyc files, median of {options.rounds}", measure(options.rounds, compiled=False))
    print(machine())


if __name__ == "__main__":
    main()

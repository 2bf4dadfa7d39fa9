"""Cold import of every function's handler: the time that `import functions.<stage>.handler` takes in a new interpreter.

Each import runs in processes of its own, all of them in turns, so that a busy machine slows all alike: medians by the
clock and of CPU time, and the fastest by the clock, which comes nearest to what a calm machine takes. The
interpreter's own start is not in it. Beside it, as a yardstick taken in the same run: boto3, pydantic and Powertools,
which nearly every function needs. Only what the dependencies layer holds can be imported: what else is installed here
(botocore takes up awscrt and pyOpenSSL where it finds them) is hidden. With --uncompiled also without any .pyc file,
as on Lambda when a layer ships none: every module is compiled at each cold start there.
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
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Import:
    """One import: seconds by the clock and of CPU, and how many modules are loaded afterwards."""

    clock: float
    cpu: float
    modules: int


def cold_import(statement: str, *, compiled: bool = True) -> Import:
    """Run the statement in a new interpreter; `compiled` is off for one that finds no .pyc file."""
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
    return Import(float(clock), float(cpu), int(modules))


def measure(rounds: int, *, compiled: bool) -> dict[str, list[Import]]:
    """Each import as many times as there are rounds, by name."""
    todo = statements()
    if compiled:
        for statement in todo.values():
            cold_import(statement)  # writes the .pyc files that are still missing
    taken: dict[str, list[Import]] = {name: [] for name in todo}
    for _ in range(rounds):
        for name, statement in todo.items():
            taken[name].append(cold_import(statement, compiled=compiled))
    return taken


def _table(title: str, taken: dict[str, list[Import]]) -> None:
    cpu = {name: statistics.median(one.cpu for one in imports) for name, imports in taken.items()}
    rows = [
        [
            name,
            f"{1000 * statistics.median(one.clock for one in imports):.0f}",
            f"{1000 * min(one.clock for one in imports):.0f}",
            f"{1000 * cpu[name]:.0f}",
            ratio(cpu[name], cpu["all three"]),
            str(imports[0].modules),
            "" if name in _YARDSTICKS else "yes" if 1000 * cpu[name] < TARGET_MS else "no",
        ]
        for name, imports in taken.items()
    ]
    columns = ["import", "ms", "fastest", "CPU ms", "CPU to 'all three'", "modules", f"CPU under {TARGET_MS}"]
    show(title, columns, rows)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.cold_import", description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--uncompiled", action="store_true", help="also without .pyc files (slow)")
    options = parser.parse_args()
    print(machine())
    _table(f"Cold import, {options.rounds} rounds", measure(options.rounds, compiled=True))
    if options.uncompiled:
        _table(f"Cold import without .pyc files, {options.rounds} rounds", measure(options.rounds, compiled=False))
    print(machine())


if __name__ == "__main__":
    main()

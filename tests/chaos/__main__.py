"""`make chaos`: plays the scenarios on one local stack, one after the other, and prints what became of each."""

import argparse
import contextlib
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from plumbline.report.words import plural
from tests.chaos.found import Found
from tests.chaos.play import Played, arena, play
from tests.chaos.scenario import Scenario
from tests.chaos.scenarios import SCENARIOS
from tests.statemachine.pipeline import Pipeline
from tests.statemachine.running import running

_COLUMNS = ("cases", "labeled", "dropped", "failed", "review", "calls", "re-paid", "seconds")
_WIDTH = 140


def main() -> int:
    """Play what is asked for; 0 where every invariant held."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("only", nargs="*", metavar="NAME", help="only these scenarios, or those whose name begins so")
    parser.add_argument("--list", action="store_true", help="name the scenarios and play none")
    options = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else _WIDTH, highlight=False)
    if options.list:
        for scenario in SCENARIOS.values():
            console.print(f"{scenario.name:28}{scenario.fault}")
        return 0
    chosen = [scenario for name in options.only for scenario in _named(name)] or list(SCENARIOS.values())
    played: list[Played] = []
    # Ctrl-C: the table of what was played until then.
    with (
        contextlib.suppress(KeyboardInterrupt),
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder)) as pipeline,
        arena(pipeline),
    ):
        for scenario in chosen:
            played.append(_played(pipeline, scenario))
            _say(console, played[-1])
    return _sum_up(console, played) or int(len(played) < len(chosen))


def _played(pipeline: Pipeline, scenario: Scenario) -> Played:
    try:
        return play(pipeline, scenario)
    except Exception as error:  # noqa: BLE001 - a run that never ended, or what a scenario met; the others are played
        return Played(scenario, Found(problems=[f"{type(error).__name__}: {error}"]), 0, 0.0)


def _named(name: str) -> list[Scenario]:
    found = [SCENARIOS[name]] if name in SCENARIOS else [s for s in SCENARIOS.values() if s.name.startswith(name)]
    if not found:
        sys.exit(f"no scenario is called {name}; python -m tests.chaos --list names them")
    return found


def _figures(played: Played) -> list[str]:
    found, kept = played.found, played.found.outcomes
    labeled = kept["labeled"] + kept["unchanged"]
    figures = (found.cases, labeled, kept["dropped"], kept["failed"], kept["needs_review"], found.calls, found.repaid)
    return [*map(str, figures), f"{played.seconds:.0f}"]


def _say(console: Console, played: Played) -> None:
    said = ", ".join(f"{name} {figure}" for name, figure in zip(_COLUMNS, _figures(played), strict=True))
    console.print(f"{played.scenario.name:28}{'BROKEN' if played.found.problems else 'held'}: {said}")
    for problem in played.found.problems:
        console.print(f"    {problem}", markup=False)


def _sum_up(console: Console, played: Sequence[Played]) -> int:
    table = Table(title=plural(len(played), "scenario"), title_justify="left")
    for name in ("scenario", "fault"):
        table.add_column(name)
    for name in _COLUMNS:
        table.add_column(name, justify="right")
    for one in played:
        table.add_row(one.scenario.name, one.scenario.fault, *_figures(one))
    console.print(table)
    lost, doubled, wasted, calls, repaid = (
        sum(getattr(p.found, name) for p in played) for name in ("lost", "doubled", "wasted", "calls", "repaid")
    )
    broken = [p.scenario.name for p in played if p.found.problems]
    console.print(f"lost = {lost}, doubled = {doubled}, wasted = {wasted}")
    console.print(f"calls = {calls}, re-paid = {repaid}, wasted = {wasted}")
    if repaid:
        console.print(
            "re-paid: answered, and before that was stored the worker was killed, the store failed or "
            "forgot it; each is counted in the run's budget"
        )
    if broken:
        console.print(f"broken: {', '.join(broken)}. One alone: make chaos ONLY={broken[0]}")
    return 1 if broken or lost or doubled or wasted else 0


if __name__ == "__main__":
    sys.exit(main())

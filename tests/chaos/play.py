"""Plays a scenario on a running stack and judges how it ended."""

import contextlib
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from local.disturbing import CallFault
from plumbline import keys
from tests.chaos.invariant import Found, check_invariant
from tests.chaos.scenario import DEAR, Scenario
from tests.statemachine.pipeline import Pipeline, Row, Run, csv_file

# Small shards, so that a file of eight cases has more than one, and locks that open before the retries are over: in
# production a lock opens after minutes, and here the state machine's waits are a thousandth of what they are there.
_USUAL = {
    "IngestFunction": {"CASES_PER_SHARD": "6"},
    "ClassifyFunction": {"LOCK_SECONDS": "0.1"},
    "RepairFunction": {"LOCK_SECONDS": "0.1"},
}
_pilots: dict[str, float] = {}


@dataclass(frozen=True)
class Played:
    """How a scenario ended: well where there are no problems. `acted`: how often its faults did something."""

    scenario: Scenario
    found: Found
    acted: int
    seconds: float


@contextlib.contextmanager
def arena(pipeline: Pipeline) -> Iterator[Pipeline]:
    """The functions' settings for all scenarios. Each change of a function's environment starts its workers anew."""
    with contextlib.ExitStack() as settings:
        for function, variables in _USUAL.items():
            settings.enter_context(pipeline.environment(function, **variables))
        yield pipeline


def play(pipeline: Pipeline, scenario: Scenario) -> Played:
    """Run the scenario's file with its faults, and once more without where it asks for that."""
    began, body, name = time.monotonic(), csv_file(scenario.rows()), f"chaos-{scenario.name}.csv"
    options = _options(pipeline, scenario)
    before, unstored = pipeline.calls, Unstored(pipeline, scenario.evict)
    with contextlib.ExitStack() as settings:
        for function, variables in scenario.environment.items():
            settings.enter_context(pipeline.environment(function, **variables))
        with _faults(pipeline, scenario, unstored) as acted:
            if scenario.drive is None:
                runs = [pipeline.run(body, name, **options)]
            else:
                runs = [pipeline.ended(run_id) for run_id in scenario.drive(pipeline, body, name, options)]
        first = runs[-1]
        if scenario.again:
            runs.append(pipeline.run(body, name, **{**options, "budget_usd": "50"}))
    request = pipeline.request(first.run_id)
    found = check_invariant(
        pipeline, runs, before, unstored=unstored.ids, canary=scenario.canary, model_id=request["model_id"]
    )
    _check_end(scenario, first, runs[-1], found)
    found.outcomes = Counter(first.summary.outcomes) if pipeline.has(keys.summary(first.run_id)) else Counter()
    found.expect(sum(acted) > 0, "nothing went wrong: the scenario proves nothing")
    return Played(scenario, found, sum(acted), time.monotonic() - began)


def _options(pipeline: Pipeline, scenario: Scenario) -> dict[str, str]:
    options: dict[str, str] = {"mode": scenario.mode}
    if scenario.budget is not None:
        options["budget_usd"] = f"{scenario.budget * scenario.cases * _estimate(pipeline):.6f}"
    return options


def _estimate(pipeline: Pipeline) -> float:
    """What Ingest takes a case to cost, in USD."""
    place = str(pipeline.logs)
    if place not in _pilots:
        pipeline.script()
        pilot = pipeline.run(csv_file([Row("chaos-pilot")]), "chaos-pilot.csv", mode="on_demand")
        _pilots[place] = pilot.summary.ingest.estimated_usd or 0.0
    return _pilots[place]


@contextlib.contextmanager
def _faults(pipeline: Pipeline, scenario: Scenario, unstored: "Unstored") -> Iterator[list[int]]:
    """The scenario's faults while the block runs; how often something happened, once it has ended."""
    acted: list[int] = []
    before, disturbances = pipeline.calls, pipeline.stack.disturbances
    pipeline.script(*map(dict, DEAR if scenario.budget is not None else ()))
    pipeline.faults(*map(dict, scenario.jobs), rules=[dict(rule) for rule in scenario.rules], seed=scenario.seed)
    disturbances.follow(scenario.calls, scenario.invocations, seed=scenario.seed, told=unstored.told)
    try:
        yield acted
    finally:
        after = pipeline.calls
        acted.append(disturbances.happened.total() + bool(scenario.rules or scenario.jobs or scenario.budget))
        acted.append((Counter(after.faults) - Counter(before.faults)).total())
        disturbances.follow()
        pipeline.faults()
        pipeline.script()


class Unstored:
    """Replies that were not stored when something went wrong, and so may have to be paid for again.

    A worker that is killed takes the answers with it that it had not stored yet; so does a store that fails, or that
    forgets.
    """

    def __init__(self, pipeline: Pipeline, evict: str) -> None:
        self._pipeline, self._evict = pipeline, evict
        self._old = {item["id"]["S"] for item in pipeline.table("IdempotencyTable")}
        self.ids: Counter[str] = Counter()

    def told(self, fault: CallFault) -> None:
        """A call was disturbed."""
        under_way, stored = self._items("INPROGRESS"), self._items("COMPLETED")
        gone = {"": [], "stored": stored, "under way": under_way}[self._evict]
        for item_id in gone:
            key: Mapping[str, Mapping[str, str]] = {"id": {"S": item_id}}
            self._pipeline.aws["dynamodb"].delete_item(TableName=self._pipeline.physical("IdempotencyTable"), Key=key)
        self.ids.update(gone if self._evict == "stored" else ())
        if fault.do != "tell":
            self.ids.update(under_way)

    def _items(self, status: str) -> list[str]:
        items = self._pipeline.table("IdempotencyTable")
        return [i["id"]["S"] for i in items if i["status"]["S"] == status and i["id"]["S"] not in self._old]


def _check_end(scenario: Scenario, first: Run, last: Run, found: Found) -> None:
    """Whether the runs ended as the scenario says."""
    ended = first.execution.get("error") if first.execution["status"] != "SUCCEEDED" else ""
    found.expect(ended == scenario.fails_with, f"it ended with {ended or 'no error'}: {first.row.cause}")
    if not scenario.fails_with and not scenario.some_left:
        kept = first.summary.outcomes
        wanted = (scenario.cases - scenario.failed - scenario.dropped, scenario.failed, scenario.dropped)
        given = tuple(kept.get(name, 0) for name in ("labeled", "failed", "dropped"))
        found.expect(given == wanted, f"labeled, failed, dropped are {given} and not {wanted}: {_reasons(first)}")
    if scenario.budget is not None:
        found.expect(first.summary.budget_reached > 0, "the budget did not end")
    if scenario.again and last.execution["status"] == "SUCCEEDED":
        done = last.summary.outcomes["labeled"] + last.summary.outcomes["unchanged"]
        left = scenario.cases - scenario.stays - done
        found.expect(not left, f"{left} cases are not labeled after the second run: {_reasons(last)}")
        found.lost += max(0, left)


def _reasons(run: Run) -> str:
    return ", ".join(f"{reason} ({count})" for reason, count in run.summary.outcome_reasons.items())

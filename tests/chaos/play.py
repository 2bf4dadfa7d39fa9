"""Plays a scenario on a running stack and judges how it ended."""

import contextlib
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from local.disturbing import Call, CallFault
from tests.chaos.ending import Acted, check_acted, check_ending, ended
from tests.chaos.found import Found
from tests.chaos.invariant import check_invariant
from tests.chaos.scenario import DEAR, Scenario
from tests.chaos.watch import Watch
from tests.statemachine.pipeline import Pipeline, Row, csv_file

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
    before, watch = pipeline.calls, Watch(pipeline.physical("IdempotencyTable"), pipeline.physical("LedgerTable"))
    with contextlib.ExitStack() as settings:
        for function, variables in scenario.environment.items():
            settings.enter_context(pipeline.environment(function, **variables))
        with _faults(pipeline, scenario, watch) as acted:
            if scenario.drive is None:
                driven = [pipeline.run(body, name, **options)]
            else:
                driven = [pipeline.ended(run_id) for run_id in scenario.drive(pipeline, body, name, options)]
        again = [pipeline.run(body, name, **{**options, "budget_usd": "50"})] if scenario.again else []
    model_id = pipeline.request(driven[-1].run_id)["model_id"]
    found = check_invariant(pipeline, [*driven, *again], before, watch=watch, canary=scenario.canary, model_id=model_id)
    first, second = [ended(run) for run in driven], [ended(run) for run in again]
    check_ending(scenario, first, second[0] if second else None, found)
    check_acted(scenario, acted[0], found)
    found.outcomes = Counter(first[-1].outcomes)
    return Played(scenario, found, acted[0].total, time.monotonic() - began)


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
def _faults(pipeline: Pipeline, scenario: Scenario, watch: Watch) -> Iterator[list[Acted]]:
    """The scenario's faults while the block runs; how often each acted, once it has ended."""
    acted: list[Acted] = []
    disturbances, forgetting = pipeline.stack.disturbances, _Forgetting(pipeline, scenario.evict, watch)

    def told(fault: CallFault, call: Call) -> None:
        watch.told(fault, call)
        forgetting.forget()

    pipeline.script(*map(dict, DEAR if scenario.budget is not None else ()))
    pipeline.faults(*map(dict, scenario.jobs), rules=[dict(rule) for rule in scenario.rules], seed=scenario.seed)
    disturbances.follow(scenario.calls, scenario.invocations, seed=scenario.seed, told=told, heard=watch.heard)
    try:
        yield acted
    finally:
        acted.append(Acted(pipeline.calls.acted, *disturbances.acted(), forgetting.count))
        disturbances.follow(heard=watch.heard)  # to the end of the run that comes after them
        pipeline.faults()
        pipeline.script()


class _Forgetting:
    """The store of replies, as it forgets those of this scenario that are `evict`."""

    def __init__(self, pipeline: Pipeline, evict: str, watch: Watch) -> None:
        self._pipeline, self._evict, self._watch = pipeline, evict, watch
        self._old = {item["id"]["S"] for item in pipeline.table("IdempotencyTable")} if evict else set()
        self.count = 0

    def forget(self) -> None:
        """Take them away."""
        if not self._evict:
            return
        status = "COMPLETED" if self._evict == "stored" else "INPROGRESS"
        table = self._pipeline.physical("IdempotencyTable")
        items = [i for i in self._pipeline.table("IdempotencyTable") if i["status"]["S"] == status]
        for item_id in {item["id"]["S"] for item in items} - self._old:
            key: Mapping[str, Mapping[str, str]] = {"id": {"S": item_id}}
            self._pipeline.aws["dynamodb"].delete_item(TableName=table, Key=key)
            self.count += 1
            if self._evict == "stored":
                self._watch.forgot(item_id)

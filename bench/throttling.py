"""Throttling: time and calls until every case is answered, against a service that never throttles.

The asking is Classify's own (`ask_each`), the waits are those of Classify's Retry in the state machine, and time is
counted, not waited for: a call takes --call-seconds, a throttled one a tenth of a second. Each call is throttled by
chance, however few there are; a real service throttles less the fewer come, and botocore's adaptive mode, which slows
down for it, is not counted. The store of replies is a dict.
"""

import argparse
import heapq
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bench.measuring import ROOT, machine, show
from plumbline.adapters.bedrock import ATTEMPTS
from plumbline.asking import ask_each
from plumbline.contracts.errors import ModelThrottled
from plumbline.contracts.prompts import PromptRef
from plumbline.contracts.replies import ModelReply, ModelRequest, Turn, Usage
from plumbline.ticket import ticket

_SHARD = 50
_REFUSED_SECONDS = 0.1
_REF = PromptRef(task="made_up", version="v1", sha256="0" * 64)
Chance = Callable[[float], float]
"""The share of calls that is throttled, by the second of the run."""


@dataclass
class Service:
    """A model that throttles by chance and counts time: each of its callers goes on where its last call ended."""

    chance: Chance
    call_seconds: float
    seed: int
    callers: list[float] = field(default_factory=list)
    calls: int = 0
    stored: dict[ModelRequest, ModelReply] = field(default_factory=dict)
    answered: Counter[str] = field(default_factory=Counter)
    _tries: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def ask(self, request: ModelRequest) -> ModelReply:
        """The stored reply, or the service's answer after botocore's tries. Raises ModelThrottled."""
        with self._lock:
            if request in self.stored:
                return self.stored[request]
            now = heapq.heappop(self.callers)
            for _ in range(ATTEMPTS):
                self.calls += 1
                if self._drawn(request) >= self.chance(now):
                    heapq.heappush(self.callers, now + self.call_seconds)
                    self.answered[request.turns[0].text] += 1
                    self.stored[request] = ModelReply(text="yes", stop_reason="end_turn", usage=Usage())
                    return self.stored[request]
                now += _REFUSED_SECONDS + self._drawn(request)  # botocore waits up to a second before its second try
            heapq.heappush(self.callers, now)
        raise ModelThrottled("throttled")

    def _drawn(self, request: ModelRequest) -> float:
        text = request.turns[0].text
        self._tries[text] += 1
        return ticket(self.seed, f"{text}/{self._tries[text]}") / 2**64


@dataclass(frozen=True)
class Outcome:
    """What became of a run. `retries` of the shard that needed most."""

    name: str
    seconds: float
    calls: int
    retries: int
    lost: int
    twice: int


def retry_of_classify() -> dict[str, Any]:
    """Classify's Retry of ModelThrottled, as the shipped state machine has it."""
    machine_file = json.loads((ROOT / "statemachine" / "label_cases.asl.json").read_text("utf-8"))
    classify = machine_file["States"]["LabelShards"]["ItemProcessor"]["States"]["Classify"]
    [found] = [retry for retry in classify["Retry"] if retry["ErrorEquals"] == ["ModelThrottled"]]
    return dict(found)


def simulated(name: str, service: Service, cases: int, shards_at_once: int, cases_at_once: int) -> Outcome:
    """A run over made-up cases, shard by shard as the Distributed Map takes them."""
    retry, lanes, most, lost = retry_of_classify(), [0.0] * shards_at_once, 0, 0
    waiting = random.Random(service.seed)
    for first in range(0, cases, _SHARD):
        now, retries = heapq.heappop(lanes), 0
        requests = [(f"c{n}", _request(n)) for n in range(first, min(first + _SHARD, cases))]
        while True:
            service.callers = [now] * cases_at_once
            asked = ask_each(requests, model=service, prompt=_REF, attempt=0, concurrency=cases_at_once)
            now = max(service.callers)
            if asked.error is None or retries == retry["MaxAttempts"]:
                break
            delay = min(retry["IntervalSeconds"] * retry["BackoffRate"] ** retries, retry["MaxDelaySeconds"])
            now, retries = now + waiting.uniform(0, delay), retries + 1
        lost += len(requests) - len(asked.replies)
        most = max(most, retries)
        heapq.heappush(lanes, now)
    twice = sum(times - 1 for times in service.answered.values())
    return Outcome(name, max(lanes), service.calls, most, lost, twice)


def _request(number: int) -> ModelRequest:
    return ModelRequest(model_id="made-up", system="s", turns=(Turn(role="user", text=f"case {number}"),), max_tokens=9)


def scenarios(outage_hours: float) -> dict[str, Chance]:
    """What is measured: name and chance."""
    found = {f"{share:.0%}": _always(share) for share in (0.0, 0.3, 0.6, 0.9)}
    return {**found, f"all, for {outage_hours:g} h": lambda now: float(now < outage_hours * 3600)}


def _always(share: float) -> Chance:
    return lambda _: share


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=5000)
    parser.add_argument("--shards-at-once", type=int, default=10, help="MapConcurrency")
    parser.add_argument("--cases-at-once", type=int, default=8, help="CaseConcurrency")
    parser.add_argument("--call-seconds", type=float, default=2.0)
    parser.add_argument("--outage-hours", type=float, default=4.0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    started, rows = time.process_time(), []
    ideal = options.cases * options.call_seconds / (options.shards_at_once * options.cases_at_once)
    for name, chance in scenarios(options.outage_hours).items():
        service = Service(chance, options.call_seconds, options.seed)
        run = simulated(name, service, options.cases, options.shards_at_once, options.cases_at_once)
        rows.append(
            (run.name, f"{run.seconds:,.0f} s", f"{run.seconds / ideal:,.1f}", f"{run.calls:,}",
             f"{run.calls / options.cases:.2f}", str(run.retries), str(run.lost), str(run.twice))
        )  # fmt: skip
    show(
        f"{options.cases:,} cases, {options.shards_at_once} shards of {_SHARD} at once, {options.cases_at_once} calls "
        f"each; ideal: {ideal:,.0f} s and {options.cases:,} calls",
        ("throttled", "time", "to the ideal", "calls", "a case", "retries of a shard", "lost", "answered twice"),
        rows,
    )
    print(f"{time.process_time() - started:.0f} s of CPU; {machine()}")


if __name__ == "__main__":
    main()

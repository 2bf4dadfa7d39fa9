"""What has to hold after every scenario, whatever went wrong in it."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from local.bedrock.calls import Calls
from plumbline import keys
from plumbline.adapters.idempotency import stored_id
from plumbline.contracts.cases import IngestedCase
from plumbline.contracts.labels import Label, Outcome
from plumbline.contracts.replies import Usage
from plumbline.contracts.runs import RunSummary, ShardEntry
from plumbline.prices import price_table
from tests.statemachine.pipeline import Pipeline, Run

_CENT_OF_A_MICRO_DOLLAR = 1e-8


@dataclass
class Found:
    """What became of a scenario. `repaid` answers were made once more; `wasted` are those of them for which nothing
    can be said: their first answer was stored. The rest were answered, and before that was stored the worker was
    killed, the store failed or the test took it away: nobody could know of it."""

    cases: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    calls: int = 0
    repaid: int = 0
    lost: int = 0
    doubled: int = 0
    wasted: int = 0
    problems: list[str] = field(default_factory=list)

    def expect(self, holds: bool, otherwise: str) -> None:
        """Note what does not hold."""
        if not holds:
            self.problems.append(otherwise)


def check_invariant(
    pipeline: Pipeline, runs: list[Run], before: Calls, *, unstored: Counter[str], canary: str, model_id: str
) -> Found:
    """Check the runs of one file: every ingested case has exactly one outcome in each of them; nothing else has a
    label; rows, summaries and outcomes say the same; the summaries' spend is what the stand-in was asked; no answered
    call was made twice; no log, ledger or execution holds the canary.

    `unstored` counts, by the id in the store, the replies that were not stored when something went wrong.
    """
    found = Found()
    for run in runs:
        _check_run(run, found)
    after = pipeline.calls
    _check_calls(after, before, unstored, found)
    _check_spend(pipeline, runs, after, before, model_id, found)
    _check_silence(pipeline, runs, canary, found)
    return found


def _check_run(run: Run, found: Found) -> None:
    pipeline, run_id = run.pipeline, run.run_id
    status = run.execution["status"]
    found.expect(run.row.status == status, f"{run_id}: the execution says {status}, the ledger {run.row.status}")
    if not pipeline.has(keys.outcomes(run_id)):
        found.expect(status == "FAILED", f"{run_id} has ended {status} without outcomes")
        return
    ingested = [case.case_id for case in pipeline.lines(keys.case_index(run_id), IngestedCase)]
    outcomes = pipeline.lines(keys.outcomes(run_id), Outcome)
    given = Counter(outcome.case_id for outcome in outcomes)
    lost, more = set(ingested) - given.keys(), sum(given.values()) - len(given)
    strangers = given.keys() - set(ingested)
    found.expect(not lost, f"{run_id}: {len(lost)} ingested cases have no outcome")
    found.expect(not more, f"{run_id}: {more} outcomes are about a case that has one already")
    found.expect(not strangers, f"{run_id}: {len(strangers)} outcomes are about cases that were not ingested")
    found.cases = max(found.cases, len(ingested))
    found.lost += len(lost)
    found.doubled += more + len(strangers)
    found.outcomes = Counter(outcome.outcome for outcome in outcomes)
    _check_labels(run, set(ingested), outcomes, found)
    _check_summary(run, found)


def _check_labels(run: Run, ingested: set[str], outcomes: Iterable[Outcome], found: Found) -> None:
    shards = [ShardEntry.model_validate(entry) for entry in json.loads(run.pipeline.read(keys.shards(run.run_id)))]
    written = [keys.labels(run.run_id, entry.shard) for entry in shards]
    labels = Counter(
        label.case_id for key in written if run.pipeline.has(key) for label in run.pipeline.lines(key, Label)
    )
    twice, strangers = sum(labels.values()) - len(labels), labels.keys() - ingested
    labeled = {outcome.case_id for outcome in outcomes if outcome.outcome == "labeled"}
    found.expect(not twice, f"{run.run_id}: {twice} labels are about a case that has one already")
    found.expect(not strangers, f"{run.run_id}: {len(strangers)} labels are about cases that were not ingested")
    found.expect(labeled <= labels.keys(), f"{run.run_id}: cases count as labeled that have no label")
    found.doubled += twice + len(strangers)


def _check_summary(run: Run, found: Found) -> None:
    summary, row = run.summary, run.row
    counted = {str(name): count for name, count in found.outcomes.items()}
    said = {str(name): count for name, count in summary.outcomes.items() if count}
    found.expect(said == counted, f"{run.run_id}: the summary counts {said}, the outcomes are {counted}")
    found.expect(summary.ingest.cases == sum(counted.values()), f"{run.run_id}: Ingest counts {summary.ingest.cases}")
    if row.status != "SUCCEEDED":
        return
    of_row = {name: count for name, count in row.outcomes.items() if count}
    found.expect(of_row == said, f"{run.run_id}: its row says {of_row}, its summary {said}")
    found.expect(row.cost_usd == summary.cost.usd, f"{run.run_id}: its row says ${row.cost_usd}, its summary otherwise")
    batch = summary.batch
    if batch is not None:
        accounted = batch.answered + sum(batch.errors.values()) + batch.missing
        found.expect(batch.records == accounted, f"{run.run_id}: {batch.records} records, {accounted} accounted for")


def _check_calls(after: Calls, before: Calls, unstored: Counter[str], found: Found) -> None:
    answers = Counter(after.requests) + Counter(after.batch_requests)
    answers.subtract(Counter(before.requests) + Counter(before.batch_requests))
    found.calls = answers.total()
    for digest, times in answers.items():
        more = max(0, times - 1)
        found.repaid += more
        found.wasted += max(0, more - unstored[stored_id(after.keys[digest])])
    found.expect(not found.wasted, f"{found.wasted} calls were made again though their answer was stored")


def _check_spend(pipeline: Pipeline, runs: list[Run], after: Calls, before: Calls, model_id: str, found: Found) -> None:
    on_demand, batch = _more(after.usage, before.usage), _more(after.batch_usage, before.batch_usage)
    prices = price_table()
    counted = (prices.usd(model_id, on_demand) or 0.0) + (prices.usd(model_id, batch, batch=True) or 0.0)
    summaries = [_summary(run) for run in runs]
    paid = sum(summary.cost.usd or 0.0 for summary in summaries if summary)
    if not found.repaid:
        near = abs(counted - paid) < _CENT_OF_A_MICRO_DOLLAR
        found.expect(near, f"the stand-in was asked for ${counted:.6f}, the summaries say ${paid:.6f}")
        return
    # What was answered and lost with its worker is in no summary; the run's cap has counted it.
    spends = {f"spend#{run.run_id}" for run in runs}
    items = [item for item in pipeline.table("LedgerTable") if item["pk"]["S"] in spends]
    committed = sum(int(item["committed"]["N"]) for item in items) / 1e6
    between = paid < counted <= committed + _CENT_OF_A_MICRO_DOLLAR
    found.expect(
        between, f"asked for ${counted:.6f}: not between the summaries' ${paid:.6f} and the cap's ${committed:.6f}"
    )


def _summary(run: Run) -> RunSummary | None:
    return run.summary if run.pipeline.has(keys.summary(run.run_id)) else None


def _more(after: Usage, before: Usage) -> Usage:
    earlier = before.model_dump()
    return Usage(**{name: tokens - earlier[name] for name, tokens in after.model_dump().items()})


def _check_silence(pipeline: Pipeline, runs: list[Run], canary: str, found: Found) -> None:
    places = {"a log": pipeline.logged(), "a table": json.dumps(pipeline.table("LedgerTable"))}
    places |= {f"the execution {run.run_id}": json.dumps(run.execution, default=str) for run in runs}
    for place, text in places.items():
        found.expect(canary not in text, f"{place} holds the text of a case")

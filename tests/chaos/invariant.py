"""What has to hold after every scenario, whatever went wrong in it."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping

from local.bedrock.calls import Calls
from plumbline import keys
from plumbline.adapters.idempotency import stored_id
from plumbline.contracts.cases import IngestedCase
from plumbline.contracts.labels import Label, Outcome
from plumbline.contracts.replies import Usage
from plumbline.contracts.runs import ShardEntry
from plumbline.prices import price_table
from tests.chaos.found import Found
from tests.chaos.money import Asked, account, check_money
from tests.chaos.watch import Watch
from tests.statemachine.pipeline import Pipeline, Run


def check_invariant(
    pipeline: Pipeline, runs: list[Run], before: Calls, *, watch: Watch, canary: str, model_id: str
) -> Found:
    """Check the runs of one file: every ingested case has exactly one outcome in each of them; nothing else has a
    label; rows, summaries and outcomes say the same; the summaries' spend is what the stand-in was asked, and the cap
    has counted it; no answered call was made twice; no log, ledger or execution holds the canary.

    `watch` followed the runs' calls.
    """
    found = Found()
    for run in runs:
        _check_run(run, found)
    after = pipeline.calls
    check_calls(after, before, watch.unstored, found)
    # An answer that nobody took may have been paid for: what was set aside for it stays. Of killed workers' calls the
    # watch knows already.
    untaken = max(0, after.abandoned - before.abandoned - watch.cut_off) * watch.dearest
    unsettled = {run.run_id: watch.unsettled[run.run_id] + untaken for run in runs}
    asked = Asked(_asked_usd(after, before, model_id), repaid_usd(after, before, model_id))
    check_money([account(run) for run in runs], asked, unsettled=unsettled, found=found)
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


def check_calls(after: Calls, before: Calls, unstored: Mapping[str, int], found: Found) -> None:
    """Count the answers, and those that were paid for again. `unstored` counts, by the id in the store, the requests
    that were begun anew because the answer that they had was lost. A batch's answer never is: its file keeps it."""
    in_batch = _more(after.batch_requests, before.batch_requests)
    answers = _more(after.requests, before.requests) + in_batch
    found.calls = answers.total()
    for digest, times in answers.items():
        excused = 0 if digest in before.batch_requests or in_batch[digest] else unstored.get(_id(after, digest), 0)
        more = _again(before, digest, times)
        found.repaid += more
        found.wasted += max(0, more - excused)
    found.expect(not found.wasted, f"{found.wasted} calls were made again though their answer was stored")


def _id(calls: Calls, digest: str) -> str:
    return stored_id(calls.keys[digest])


def _again(before: Calls, digest: str, times: int) -> int:
    known = digest in before.requests or digest in before.batch_requests
    return times if known else times - 1


def repaid_usd(after: Calls, before: Calls, model_id: str) -> float:
    """What the answers cost that requests were given again on demand. All answers to a request are taken to cost the
    same: where answers get lost, no scenario has a rule that answers a request in two ways."""
    total = 0.0
    for digest, times in _more(after.requests, before.requests).items():
        tokens = _more(after.tokens[digest].model_dump(), before.tokens.get(digest, Usage()).model_dump())
        usd = price_table().usd(model_id, Usage(**tokens)) or 0.0
        total += usd / times * _again(before, digest, times)
    return total


def _more(after: Mapping[str, int], before: Mapping[str, int]) -> Counter[str]:
    return Counter(after) - Counter(before)


def _asked_usd(after: Calls, before: Calls, model_id: str) -> float:
    """What the stand-in's answers cost at the table's prices."""
    on_demand = Usage(**_more(after.usage.model_dump(), before.usage.model_dump()))
    batch = Usage(**_more(after.batch_usage.model_dump(), before.batch_usage.model_dump()))
    prices = price_table()
    return (prices.usd(model_id, on_demand) or 0.0) + (prices.usd(model_id, batch, batch=True) or 0.0)


def _check_silence(pipeline: Pipeline, runs: list[Run], canary: str, found: Found) -> None:
    places = {"a log": pipeline.logged(), "a table": json.dumps(pipeline.table("LedgerTable"))}
    places |= {f"the execution {run.run_id}": json.dumps(run.execution, default=str) for run in runs}
    for place, text in places.items():
        found.expect(canary not in text, f"{place} holds the text of a case")

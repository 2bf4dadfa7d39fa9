"""Collate: give every ingested case its one outcome, prove that none is missing, and sum the run up."""

from contextlib import closing
from datetime import UTC, datetime
from itertools import islice

from plumbline import keys
from plumbline.collate.again import keep_before, remember_again, replay_summary
from plumbline.collate.shard import ShardRecords, read_ahead
from plumbline.collate.tally import Tally
from plumbline.confidence import read_calibration
from plumbline.contracts.batch import BatchSubmission
from plumbline.contracts.batch_summary import BatchSummary
from plumbline.contracts.cases import IngestedCase
from plumbline.contracts.errors import BrokenInvariant, NothingLabeled
from plumbline.contracts.labels import Outcome
from plumbline.contracts.runs import CollateResult, CollateTask
from plumbline.contracts.selection import Selection
from plumbline.contracts.summary import RunSummary
from plumbline.jsonl import read_if_there, read_models, write_line
from plumbline.metrics import count_run
from plumbline.ports import Ledger, ObjectStore, SpendLedger
from plumbline.prompting import LoadedPrompt
from plumbline.remedies import remedy

_LEDGER_BATCH = 1000


def collate(
    task: CollateTask,
    *,
    data: ObjectStore,
    ledger: Ledger,
    spend: SpendLedger,
    prompt: LoadedPrompt,
    minutes_per_case: float,
) -> CollateResult:
    """Write outcomes.jsonl and summary.json, and remember in the ledger which cases are labeled.

    Of a run that is gone over again, the summary also says what changed, and the ledger forgets labels that are gone.
    Streams shard by shard: memory does not grow with the run. Raises BrokenInvariant when a case has no outcome or
    two, or a label belongs to no ingested case; NothingLabeled when every new case failed but those
    that a person has to see first.
    """
    run = task.run
    if run.replay:
        keep_before(run, run.replay, data)
    tally = _outcomes(task, prompt, data)
    calibration = read_calibration(prompt.ref, run.model_id, data)
    summary = tally.summary(
        task,
        prompt.ref,
        minutes_per_case,
        datetime.now(UTC),
        calibration,
        # No call is under way any more: what is still set aside is for calls whose answer never came back.
        perhaps_spent_usd=spend.held(run.run_id),
    )
    summary = summary.model_copy(update=_of_batch(run.run_id, data))
    if run.replay:
        before = next(read_if_there(data, keys.summary(run.run_id), RunSummary), None)
        summary = summary.model_copy(update={"replay": replay_summary(run, run.replay, before, data)})
    data.write(keys.summary(run.run_id), summary.model_dump_json().encode())
    _remember(task, data, ledger)
    if run.replay is None or run.replay.stage in ("ingest", "label"):
        count_run(summary)  # the same cases again are no further ones
    _refuse_total_failure(summary)
    return CollateResult(outcomes=summary.outcomes, usd=summary.cost.usd)


def _outcomes(task: CollateTask, prompt: LoadedPrompt, data: ObjectStore) -> Tally:
    """Every case's outcome, written and counted."""
    run = task.run
    none = prompt.prompt.none_of_these
    selection = _selection(task, data)
    tally = Tally(prompt.prompt.category_names, selection, prompt.prompt.answer_names)
    records = ShardRecords.none()
    with data.writer(keys.outcomes(run.run_id)) as stream, closing(read_ahead(run.run_id, data, selection)) as shards:
        # Ingest writes the index in shard order, so that one shard's records are held at a time; cases that are
        # unchanged have no shard and may stand anywhere.
        for case in read_models(data, keys.case_index(run.run_id), IngestedCase):
            if case.shard is not None and case.shard != records.shard:
                _close(records, task, tally)
                records = next(shards, ShardRecords.none())
                if records.shard != case.shard:
                    raise BrokenInvariant(f"run {run.run_id}: the index and the list of shards part at {case.shard}")
            outcome = records.outcome_of(case, run, none.name if none else None)
            tally.add(outcome, records)
            write_line(stream, outcome)
        _close(records, task, tally)
        if tally.cases != task.ingest.cases:
            raise BrokenInvariant(
                f"run {run.run_id}: {task.ingest.cases} cases were ingested but {tally.cases} have an outcome"
            )
    return tally


def _selection(task: CollateTask, data: ObjectStore) -> Selection | None:
    """What SelectNext chose; None where the budget afforded every case."""
    if task.ingest.affordable is None:
        return None
    return Selection.model_validate_json(data.read(keys.selection(task.run.run_id)))


def _of_batch(run_id: str, data: ObjectStore) -> dict[str, BatchSummary | str | None]:
    """What became of the run's batch, and why not all of it went into one; nothing for a run on demand."""
    submission = next(read_if_there(data, keys.batch(run_id), BatchSubmission), None)
    summary = next(read_if_there(data, keys.batch_summary(run_id), BatchSummary), None)
    return {"batch": summary, "batch_reason": submission.reason if submission else None}


def _close(records: ShardRecords, task: CollateTask, tally: Tally) -> None:
    records.check_all_used(task.run.run_id, replayed=task.run.replay is not None)
    tally.add_replies(records)


def _remember(task: CollateTask, data: ObjectStore, ledger: Ledger) -> None:
    """Tell the ledger what is labeled, once the outcomes that say so are safely written."""
    run = task.run
    if run.replay:
        remember_again(run, run.replay, data, ledger)
        return
    outcomes = read_models(data, keys.outcomes(run.run_id), Outcome)
    labeled = ((o.case_id, o.content_hash) for o in outcomes if o.outcome == "labeled")
    while batch := dict(islice(labeled, _LEDGER_BATCH)):
        ledger.record_labeled(run.task, run.run_id, batch)


def _refuse_total_failure(summary: RunSummary) -> None:
    tried = summary.ingest.new - summary.outcomes["needs_review"] - summary.left_for_later - summary.budget_reached
    if tried and summary.outcomes["failed"] == tried:
        found = summary.outcome_reasons
        reasons = ", ".join(f"{reason.removeprefix('failed: ')} ({n})" for reason, n in found.items())
        raise NothingLabeled(
            f"all {tried} new cases failed: {reasons}. Nothing is lost: {remedy(found)}, then `plumbline resume "
            f"{summary.run_id}`; answers that were already paid for are reused."
        )

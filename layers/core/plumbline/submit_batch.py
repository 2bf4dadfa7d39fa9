"""SubmitBatch: the anonymized cases of a run become record files and jobs of batch inference."""

import json
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from pydantic import TypeAdapter

from plumbline import keys
from plumbline.batch.plan import MostUsd, Planner
from plumbline.contracts.batch import BatchJob, BatchLimits, BatchSubmission, SubmitBatchResult, SubmitBatchTask
from plumbline.contracts.errors import BatchRefused, BudgetExceeded, MissingObject
from plumbline.contracts.runs import RunRequest, ShardEntry
from plumbline.ports import BatchModel, ObjectStore, ReplyStore, SpendLedger
from plumbline.prompting import LoadedPrompt

_LOOKERS: Final = 16
_SHARDS: Final = TypeAdapter(list[ShardEntry])


def submit_batch(
    task: SubmitBatchTask,
    *,
    data: ObjectStore,
    model: BatchModel,
    replies: ReplyStore,
    spend: SpendLedger,
    prompt: LoadedPrompt,
    limits: BatchLimits,
    most_usd: MostUsd,
) -> SubmitBatchResult:
    """Write the run's record files, set aside what they can cost at most, and submit a job for each.

    Left out are cases for a person, those whose request has a stored reply, repeats of a request, and what the budget
    does not let in; `reason` says so, or why there is no job at all. What was planned is written before anything is
    submitted, and what was submitted right after: doing it again goes on from there, and submits nothing twice.

    Raises ModelThrottled, ModelUnavailable and ModelAccessDenied of the service; a BatchRefused is a reason instead.
    """
    run = task.run
    shards = _SHARDS.validate_json(data.read(keys.shards(run.run_id)))
    found = _submission(run, data)
    if found is None:
        room = run.budget_usd - spend.spent(run.run_id) - spend.held(run.run_id)
        planner = Planner(run, data, model, replies, prompt, limits, most_usd, room)
        found = planner.plan(shards)
        _write_masked(run, planner.masked, data)
        _write(run, found, data)
    else:
        # Shards that could not be masked at first may be there now: the list is of what is there.
        _write_masked(run, _masked_now(run, shards, data), data)
    found = _reserve(run, found, data, spend)
    found = _submit(run, found, data, model, spend)
    taken = found.submitted
    return SubmitBatchResult(jobs=len(taken), records=sum(job.records for job in taken), reason=found.reason)


def _reserve(run: RunRequest, found: BatchSubmission, data: ObjectStore, spend: SpendLedger) -> BatchSubmission:
    most = sum(job.most_usd for job in found.jobs)
    if not most or found.reserved_usd:
        return found
    # No worker of the run asks the model now: what is held already was set aside by an attempt that broke off here.
    lacking = most - spend.held(run.run_id)
    if lacking > 0:
        try:
            spend.reserve(run.run_id, lacking, run.budget_usd)
        except BudgetExceeded:
            dropped = sum(job.records for job in found.jobs)
            return _write(
                run, _without(found, found.jobs, "the budget does not let its records into a job", dropped), data
            )
    return _write(run, found.model_copy(update={"reserved_usd": most}), data)


def _submit(
    run: RunRequest, found: BatchSubmission, data: ObjectStore, model: BatchModel, spend: SpendLedger
) -> BatchSubmission:
    for number, job in enumerate(found.jobs):
        if job.job_arn:
            continue
        try:
            arn = model.submit(job, run.model_id)
        except BatchRefused as refused:
            # For good: their cases are asked on demand now, and a job that is taken later would pay for them again.
            rest = found.jobs[number:]
            kept = _without(found, rest, str(refused))
            given_back = found.reserved_usd - kept.reserved_usd
            found = _write(run, kept, data)
            if given_back:
                spend.settle(run.run_id, given_back, 0.0)
            return found
        jobs = (*found.jobs[:number], job.model_copy(update={"job_arn": arn}), *found.jobs[number + 1 :])
        found = _write(run, found.model_copy(update={"jobs": jobs}), data)
    return found


def _without(found: BatchSubmission, jobs: Iterable[BatchJob], why: str, over_budget: int = 0) -> BatchSubmission:
    gone = {job.name for job in jobs}
    reserved = sum(job.most_usd for job in found.jobs if job.name not in gone) if found.reserved_usd else 0.0
    return found.model_copy(
        update={
            "jobs": tuple(job for job in found.jobs if job.name not in gone),
            "reserved_usd": reserved,
            "over_budget": found.over_budget + over_budget,
            "reason": "; ".join(part for part in (found.reason, why) if part),
        }
    )


def _submission(run: RunRequest, data: ObjectStore) -> BatchSubmission | None:
    try:
        return BatchSubmission.model_validate_json(data.read(keys.batch(run.run_id)))
    except MissingObject:
        return None


def _write(run: RunRequest, found: BatchSubmission, data: ObjectStore) -> BatchSubmission:
    data.write(keys.batch(run.run_id), found.model_dump_json().encode())
    return found


def _write_masked(run: RunRequest, shards: list[ShardEntry], data: ObjectStore) -> None:
    data.write(keys.masked_shards(run.run_id), json.dumps([shard.model_dump() for shard in shards]).encode())


def _masked_now(run: RunRequest, shards: list[ShardEntry], data: ObjectStore) -> list[ShardEntry]:
    with ThreadPoolExecutor(_LOOKERS) as pool:
        there = pool.map(_is_there(run, data), shards)
        return [shard for shard, found in zip(shards, there, strict=True) if found]


def _is_there(run: RunRequest, data: ObjectStore) -> Callable[[ShardEntry], bool]:
    def look(shard: ShardEntry) -> bool:
        try:
            data.size(keys.anonymized(run.run_id, shard.shard))
        except MissingObject:
            return False
        return True

    return look

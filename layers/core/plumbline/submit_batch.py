"""SubmitBatch: the anonymized cases of a run become record files and jobs of batch inference."""

import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from pydantic import TypeAdapter

from plumbline import keys
from plumbline.batch.plan import MostUsd, Planner
from plumbline.contracts.batch import BatchJob, BatchLimits, BatchSubmission, SubmitBatchResult, SubmitBatchTask
from plumbline.contracts.errors import BatchRefused, BudgetExceeded, ModelThrottled
from plumbline.contracts.runs import RunRequest, ShardEntry
from plumbline.jsonl import is_there, read_if_there
from plumbline.ports import BatchModel, ClaimingStore, ObjectStore, ReplyStore, SpendLedger
from plumbline.prompting import LoadedPrompt

_LOOKERS: Final = 16
_SHARDS: Final = TypeAdapter(list[ShardEntry])


def submit_batch(
    task: SubmitBatchTask,
    *,
    data: ClaimingStore,
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

    Of attempts that overlap the first plan stands. Raises ModelThrottled, ModelUnavailable and ModelAccessDenied of the
    service; a BatchRefused is a reason instead, and so is throttling where the run is to fail fast.
    """
    run = task.run
    # Asked before the plan is looked for: what is set aside for a plan is set aside after it was written.
    room = run.budget_usd - spend.spent(run.run_id) - spend.held(run.run_id)
    shards = _SHARDS.validate_json(data.read(keys.shards(run.run_id)))
    found = _planned(run, data)
    if found is None:
        planner = Planner(run, data, model, replies, prompt, limits, most_usd, room)
        found = planner.plan(shards)
        _write_masked(run, planner.masked, data)
        if not data.write_if_absent(keys.batch(run.run_id), found.model_dump_json().encode()):
            # Another attempt was still at work and has perhaps submitted: its plan stands.
            found = _planned(run, data) or found
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
    try:
        spend.reserve_batch(run.run_id, most, run.budget_usd)
    except BudgetExceeded:
        dropped = sum(job.records for job in found.jobs)
        return _write(run, _without(found, found.jobs, "the budget does not let its records into a job", dropped), data)
    return _write(run, found.model_copy(update={"reserved_usd": most}), data)


def _submit(
    run: RunRequest, found: BatchSubmission, data: ObjectStore, model: BatchModel, spend: SpendLedger
) -> BatchSubmission:
    for number, job in enumerate(found.jobs):
        if job.job_arn:
            continue
        try:
            arn = _submit_one(job, run, model)
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


def _submit_one(job: BatchJob, run: RunRequest, model: BatchModel) -> str:
    try:
        return model.submit(job, run.model_id)
    except ModelThrottled as error:
        if run.fail_fast:
            raise BatchRefused(f"{error}; this run is not to wait for that (fail fast)") from None
        raise


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


def _planned(run: RunRequest, data: ObjectStore) -> BatchSubmission | None:
    return next(read_if_there(data, keys.batch(run.run_id), BatchSubmission), None)


def _write(run: RunRequest, found: BatchSubmission, data: ObjectStore) -> BatchSubmission:
    data.write(keys.batch(run.run_id), found.model_dump_json().encode())
    return found


def _write_masked(run: RunRequest, shards: list[ShardEntry], data: ObjectStore) -> None:
    data.write(keys.masked_shards(run.run_id), json.dumps([shard.model_dump() for shard in shards]).encode())


def _masked_now(run: RunRequest, shards: list[ShardEntry], data: ObjectStore) -> list[ShardEntry]:
    with ThreadPoolExecutor(_LOOKERS) as pool:
        there = pool.map(lambda shard: is_there(data, keys.anonymized(run.run_id, shard.shard)), shards)
        return [shard for shard, found in zip(shards, there, strict=True) if found]

"""ImportBatch: what a run's batch jobs answered, sorted by shard, and an account of every record."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Final

from plumbline import keys
from plumbline.batch.joined import Joined
from plumbline.batch.records import output_key
from plumbline.contracts.batch import (
    BatchAnswer,
    BatchJob,
    BatchRecord,
    BatchSubmission,
    ImportBatchResult,
    ImportBatchTask,
)
from plumbline.contracts.batch_summary import BatchSummary
from plumbline.contracts.errors import BrokenInvariant, MissingObject
from plumbline.contracts.replies import Usage
from plumbline.jsonl import read_models, write_models
from plumbline.metrics import count_usage
from plumbline.ports import BatchModel, ObjectStore, SpendLedger

BatchUsd = Callable[[Usage], float | None]
"""What tokens cost in a batch; None where no price is known."""
_WRITERS: Final = 16
_PAID: Final = {"new", "better"}


def import_batch(
    task: ImportBatchTask, *, data: ObjectStore, model: BatchModel, spend: SpendLedger, usd: BatchUsd
) -> ImportBatchResult:
    """Read each job's output once, as a stream, write each shard's answers, and settle what was set aside.

    Whatever output there is counts, however its job ended. Joined by record id, in whatever order it comes; of a record
    that is answered twice the first answer counts, and any answer before an error; a line about no record of the run is
    left out. What no job answered is asked on demand when the shard is labeled. Doing it again writes the same and
    settles and counts nothing twice.

    Raises BrokenInvariant where the account of the records does not add up.
    """
    run_id = task.run.run_id
    submission = BatchSubmission.model_validate_json(data.read(keys.batch(run_id)))
    index = read_models(data, keys.batch_index(run_id), BatchRecord)
    with Joined(index, range(len(submission.jobs))) as joined:
        lines: Counter[str] = Counter()
        usage = Usage()
        for job in submission.submitted:
            usage += _take(job, joined, lines, data, model)
        summary = BatchSummary(
            jobs=_ended(submission, model),
            records=joined.records,
            answered=joined.answered,
            errors=joined.errors,
            missing=joined.records - joined.answered - sum(joined.errors.values()),
            repeated=lines["repeated"] + lines["better"],
            strangers=lines["stranger"],
            usage=usage,
        )
        _check(run_id, submission, summary)
        _write_shards(run_id, joined.by_shard(), data)
    data.write(keys.batch_summary(run_id), summary.model_dump_json().encode())
    if spend.settle_batch(run_id, submission.reserved_usd, usd(usage) or 0.0):
        count_usage(task.run.model_id, usage, batch=True)
    return ImportBatchResult(answered=summary.answered, to_ask=summary.records - summary.answered)


def _take(job: BatchJob, joined: Joined, lines: Counter[str], data: ObjectStore, model: BatchModel) -> Usage:
    """Take a job's output in; the tokens of what it brought new."""
    total = Usage()
    for line in _output(job, data):
        if not line.strip():
            continue
        said = model.answer(line)
        taken = joined.take(*said) if said else "stranger"
        lines[taken] += 1
        if said and taken in _PAID:
            total += said[1].usage
    return total


def _output(job: BatchJob, data: ObjectStore) -> Iterator[bytes]:
    """The lines of a job's output; none of a job that wrote nothing, as one that failed."""
    try:
        stream = data.open(output_key(job))
    except MissingObject:
        return
    with stream:
        yield from stream


def _ended(submission: BatchSubmission, model: BatchModel) -> dict[str, int]:
    return dict(Counter(model.state(job.job_arn).status for job in submission.submitted if job.job_arn))


def _check(run_id: str, submission: BatchSubmission, summary: BatchSummary) -> None:
    submitted = sum(job.records for job in submission.submitted)
    if summary.records != submitted or summary.missing < 0:
        raise BrokenInvariant(
            f"batch of run {run_id}: {submitted} records were submitted; the account has {summary.records}, of them "
            f"{summary.answered} answered, {sum(summary.errors.values())} errors and {summary.missing} missing"
        )


def _write_shards(run_id: str, shards: Iterator[tuple[str, list[BatchAnswer]]], data: ObjectStore) -> None:
    def write(shard: tuple[str, list[BatchAnswer]]) -> None:
        name, answers = shard
        write_models(data, keys.batch_answers(run_id, name), answers)

    with ThreadPoolExecutor(_WRITERS) as pool:
        while some := list(islice(shards, 2 * _WRITERS)):
            _all(pool.map(write, some))


def _all(results: Iterable[None]) -> None:
    """Wait for each, and raise what it raised."""
    for _ in results:
        pass

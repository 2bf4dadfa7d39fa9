"""How far a run is, worked out from what it has written. Pure: observed objects in, figures out."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Literal

from cli.batch_jobs import BatchWait
from plumbline.contracts.errors import BudgetExceeded
from plumbline.contracts.labels import Label, Unparsed
from plumbline.contracts.replies import Reply, Usage, summed
from plumbline.contracts.runs import RunRequest, RunRow, ShardEntry
from plumbline.prices import price_table

State = Literal["RUNNING", "SUCCEEDED", "FAILED", "STOPPED"]
_DEFAULT_REPAIRS = 2


class Stage(IntEnum):
    """Where a run is. Balance covers CheckBalance, StartTraining and Report, which leave no objects in between."""

    START = 0
    INGEST = 1
    LABEL = 2
    COLLATE = 3
    BALANCE = 4
    DONE = 5


@dataclass(frozen=True)
class Execution:
    """The run's execution as Step Functions describes it."""

    status: str
    run: RunRequest | None = None
    error: str = ""
    cause: str = ""
    started: datetime | None = None


@dataclass(frozen=True)
class LabelFacts:
    """What one shard's labels hold."""

    labeled: int
    repaired: int
    classes: Mapping[str, int]

    @classmethod
    def of(cls, labels: list[Label]) -> "LabelFacts":
        """Counted from the labels themselves."""
        classes = Counter(label.category for label in labels)
        return cls(len(labels), sum(1 for label in labels if label.repairs), classes)


@dataclass(frozen=True)
class ReplyFacts:
    """What one shard's replies, or its votes, cost: the usage of the paid ones, and how many were looked up instead."""

    paid: Usage
    reused: int

    @classmethod
    def of(cls, replies: list[Reply]) -> "ReplyFacts":
        """Counted from the replies themselves."""
        paid = summed(reply.usage for reply in replies if not reply.from_cache and not reply.error)
        return cls(paid, sum(1 for reply in replies if reply.from_cache))


@dataclass(frozen=True)
class Observed:
    """What can be seen of a run from outside. Sets hold shard names; facts are there for the shards read so far."""

    execution: Execution | None = None
    row: RunRow | None = None
    shards: tuple[ShardEntry, ...] | None = None
    anonymized: frozenset[str] = frozenset()
    classified: frozenset[str] = frozenset()
    parsed: frozenset[str] = frozenset()
    broken: frozenset[str] = frozenset()
    labels: Mapping[str, LabelFacts] = field(default_factory=dict)
    unparsed: Mapping[str, tuple[Unparsed, ...]] = field(default_factory=dict)
    replies: Mapping[str, ReplyFacts] = field(default_factory=dict)
    voted: frozenset[str] = frozenset()
    votes: Mapping[str, ReplyFacts] = field(default_factory=dict)
    has_summary: bool = False
    batch: BatchWait | None = None


@dataclass(frozen=True)
class Progress:
    """How far a run is; of one that failed, `stage` is where.

    `usd` is None where the model has no price. `partial` says that some shards are not read yet, so that counts and
    cost are at least what stands here. `batch` is there while the answers of batch jobs are not imported.
    """

    state: State
    stage: Stage
    cases: int = 0
    shards: int = 0
    shards_done: int = 0
    anonymized: int = 0
    classified: int = 0
    labeled: int = 0
    repaired: int = 0
    asking_again: int = 0
    dropped: int = 0
    failed: int = 0
    reused: int = 0
    usd: float | None = None
    classes: Mapping[str, int] = field(default_factory=dict)
    batch: BatchWait | None = None
    partial: bool = False
    error: str = ""
    cause: str = ""


def progress_of(seen: Observed) -> Progress:
    """The run's progress. A shard is done when it broke off, or when nothing in it waits for another ask."""
    state, error, cause = _state(seen)
    if seen.shards is None:
        stage = Stage.DONE if state == "SUCCEEDED" else Stage.INGEST if seen.execution else Stage.START
        return Progress(state=state, stage=stage, error=error, cause=cause)
    counts: Counter[str] = Counter()
    classes: Counter[str] = Counter()
    for entry in seen.shards:
        counts.update(_shard_counts(entry, seen))
        if entry.shard in seen.labels:
            classes.update(seen.labels[entry.shard].classes)
    answered = (*seen.replies.values(), *seen.votes.values())
    paid = summed(facts.paid for facts in answered)
    run = seen.execution.run if seen.execution else None
    progress = Progress(
        state=state,
        stage=Stage.LABEL,
        cases=sum(entry.cases for entry in seen.shards),
        shards=len(seen.shards),
        shards_done=counts["done"],
        anonymized=len(seen.anonymized),
        classified=len(seen.classified),
        labeled=counts["labeled"],
        repaired=counts["repaired"],
        asking_again=counts["asking_again"],
        dropped=counts["dropped"],
        failed=counts["failed"],
        reused=sum(facts.reused for facts in answered),
        usd=price_table().usd(run.model_id, paid) if run else None,
        classes=classes,
        batch=seen.batch,
        partial=_unread(seen),
        error=error,
        cause=cause,
    )
    return _with_stage(progress, seen)


def _unread(seen: Observed) -> bool:
    """Whether something that is there has not been read yet."""
    pairs = ((seen.parsed, seen.labels), (seen.classified, seen.replies), (seen.voted, seen.votes))
    return not all(there <= read.keys() for there, read in pairs)


def _with_stage(progress: Progress, seen: Observed) -> Progress:
    if progress.state == "SUCCEEDED":
        stage = Stage.DONE
    elif seen.has_summary:
        stage = Stage.BALANCE
    elif progress.shards_done == progress.shards:
        stage = Stage.COLLATE
    else:
        stage = Stage.LABEL
    return Progress(**{**vars(progress), "stage": stage})


def _shard_counts(entry: ShardEntry, seen: Observed) -> Counter[str]:
    """The shard's cases by what became of them; the same rules by which Collate gives outcomes."""
    run = seen.execution.run if seen.execution else None
    last = run.max_repairs if run else _DEFAULT_REPAIRS
    facts = seen.labels.get(entry.shard)
    counts = Counter(labeled=facts.labeled if facts else 0, repaired=facts.repaired if facts else 0)
    unparsed = seen.unparsed.get(entry.shard)
    for case in unparsed or ():
        for_money = case.reason == BudgetExceeded.__name__
        given_up = "dropped" if for_money else "failed" if case.final else None
        counts[given_up or ("dropped" if case.attempt >= last else "asking_again")] += 1
    counts["done"] = int(entry.shard in seen.parsed and unparsed is not None and not counts["asking_again"])
    if entry.shard in seen.broken:
        # Its other cases may still be read and asked again: what broke may be one case's answer alone.
        counts["failed"] += entry.cases - counts["labeled"] - len(unparsed or ())
        counts["done"] = int(counts["done"] or entry.shard not in seen.parsed)
    return counts


def _state(seen: Observed) -> tuple[State, str, str]:
    """The state, the error and its readable cause. The execution leads: it alone knows of a run that was cut off."""
    row, execution = seen.row, seen.execution
    status = execution.status if execution else row.status if row else "RUNNING"
    if status == "SUCCEEDED":
        return "SUCCEEDED", "", ""
    if status in ("ABORTED", "TIMED_OUT"):
        how = "was stopped before its end" if status == "ABORTED" else "ran over the state machine's time limit"
        return "STOPPED", status, f"The execution {how}."
    if status != "FAILED":
        return "RUNNING", "", ""
    if row is not None and row.status == "FAILED":
        return "FAILED", row.error or "RunFailed", row.cause or ""
    return "FAILED", execution.error if execution else "RunFailed", execution.cause if execution else ""

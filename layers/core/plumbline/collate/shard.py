"""What the stages left behind about one shard, joined by case id."""

from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from pydantic import TypeAdapter

from plumbline import keys
from plumbline.contracts.cases import AnonymizedCase, IngestedCase
from plumbline.contracts.errors import BrokenInvariant, BudgetExceeded, MissingObject
from plumbline.contracts.labels import BUDGET_REACHED, FITS_NO_CATEGORY, LOW_CONFIDENCE, Label, Outcome, Unparsed
from plumbline.contracts.replies import Reply
from plumbline.contracts.runs import RunRequest, ShardEntry, ShardFailure
from plumbline.contracts.selection import LEFT_FOR_LATER, ChosenCase, Selection
from plumbline.jsonl import read_if_there
from plumbline.ports import ObjectStore

R = TypeVar("R", AnonymizedCase, Label, Unparsed)
_SHARDS = TypeAdapter(list[ShardEntry])
_AHEAD = 8
LOST = "ShardLost"  # the shard left neither labels nor an error behind


class ShardRecords:
    """One shard's cases, replies, votes, labels and unparsed cases; `error` where the shard ended early."""

    def __init__(
        self,
        shard: str | None,
        cases: Iterable[AnonymizedCase],
        replies: Iterable[Reply],
        labels: Iterable[Label],
        unparsed: Iterable[Unparsed],
        error: str | None,
        votes: Iterable[Reply] = (),
        chosen: Iterable[ChosenCase] | None = None,
    ) -> None:
        """`chosen`: which of the shard's cases SelectNext sent to the model; None where all of them went."""
        self.shard = shard
        self.chosen = None if chosen is None else {case.case_id: case for case in chosen}
        self.cases = _by_id(cases)
        self.replies = list(replies)
        self.votes = list(votes)
        self.labels = _by_id(labels)
        self.unparsed = _by_id(unparsed)
        self.error = error
        self._used: set[str] = set()

    @classmethod
    def none(cls) -> "ShardRecords":
        """The records before the first shard."""
        return cls(None, (), (), (), (), None)

    @classmethod
    def read(cls, run_id: str, shard: str, data: ObjectStore, selection: Selection | None = None) -> "ShardRecords":
        """Whatever the shard's stages have written; a stage that was never reached left nothing."""
        try:
            error = ShardFailure.model_validate_json(data.read(keys.shard_failure(run_id, shard))).error
        except MissingObject:
            error = None
        return cls(
            shard,
            read_if_there(data, keys.anonymized(run_id, shard), AnonymizedCase),
            read_if_there(data, keys.replies(run_id, shard), Reply),
            read_if_there(data, keys.labels(run_id, shard), Label),
            read_if_there(data, keys.unparsed(run_id, shard), Unparsed),
            error,
            read_if_there(data, keys.votes(run_id, shard), Reply),
            _chosen(run_id, shard, data, selection),
        )

    def outcome_of(self, case: IngestedCase, run: RunRequest, none_of_these: str | None = None) -> Outcome:
        """The one outcome of an ingested case. A calibrated label below `run.review_below` goes to a person, and so
        does the answer `none_of_these`."""
        base = Outcome(
            case_id=case.case_id,
            outcome="unchanged",
            shard=case.shard,
            content_hash=case.content_hash,
            gold_category=case.gold_category,
            cut=case.cut,
        )
        if case.status == "unchanged":
            return base
        if case.case_id in self._used:
            raise BrokenInvariant(f"shard {self.shard}: case {case.case_id} came out of ingest twice")
        self._used.add(case.case_id)
        anonymized, label = self.cases.get(case.case_id), self.labels.get(case.case_id)
        if anonymized is not None and anonymized.review:
            end = "failed" if anonymized.error else "needs_review"
            return base.model_copy(update={"outcome": end, "reason": anonymized.error or anonymized.review_reason})
        if label is None:
            return base.model_copy(update=self._why_not(case.case_id, run.max_repairs))
        found = base.model_copy(
            update={
                "outcome": "labeled",
                "category": label.category,
                "runner_up": label.runner_up,
                "confidence": label.confidence,
                "calibrated": label.calibrated,
                "close_call": label.close_call,
                "repairs": label.repairs,
                "fingerprint": anonymized.fingerprint if anonymized else None,
            }
        )
        if label.category == none_of_these:
            return found.model_copy(
                update={"outcome": "needs_review", "reason": FITS_NO_CATEGORY, "category": None, "close_call": False}
            )
        if label.calibrated and label.confidence < run.review_below:
            return found.model_copy(update={"outcome": "needs_review", "reason": LOW_CONFIDENCE})
        return found

    def check_all_used(self, run_id: str, *, replayed: bool = False) -> None:
        """Raise BrokenInvariant when the shard holds a label or a reply for a case that was not ingested in it, or
        one case twice as labeled and unparsed."""
        asked = {reply.case_id for reply in (*self.replies, *self.votes)}
        strangers = (self.labels.keys() | self.unparsed.keys() | asked) - self._used
        if strangers:
            raise BrokenInvariant(
                f"run {run_id}, shard {self.shard}: {len(strangers)} labels or replies belong to no ingested case"
            )
        # A shard that broke off in a later round has votes of an earlier one, whose labels are read anew each round; a
        # replay reads them anew, too, perhaps with another prompt's categories.
        if self.error is None and not replayed and {vote.case_id for vote in self.votes} - self.labels.keys():
            raise BrokenInvariant(f"run {run_id}, shard {self.shard}: a vote is about a case that has no label")
        both = self.labels.keys() & self.unparsed.keys()
        if both:
            raise BrokenInvariant(
                f"run {run_id}, shard {self.shard}: {len(both)} cases are labeled and unparsed at once"
            )

    def _why_not(self, case_id: str, max_repairs: int) -> dict[str, str]:
        if self.chosen is not None and case_id not in self.chosen:
            return {"outcome": "dropped", "reason": LEFT_FOR_LATER}
        unparsed = self.unparsed.get(case_id)
        if unparsed is not None and unparsed.reason == BudgetExceeded.__name__:
            return {"outcome": "dropped", "reason": BUDGET_REACHED}
        if unparsed is not None and unparsed.final:
            return {"outcome": "failed", "reason": unparsed.reason}
        # A shard that broke off while it was still re-asking did not fail at reading: it may be read another time. One
        # that broke off in an earlier round only, and was asked to the end in a later one, still holds its error.
        if unparsed is not None and (self.error is None or unparsed.attempt >= max_repairs):
            return {"outcome": "dropped", "reason": unparsed.reason}
        return {"outcome": "failed", "reason": self.error or LOST}


def _chosen(run_id: str, shard: str, data: ObjectStore, selection: Selection | None) -> list[ChosenCase] | None:
    """What SelectNext chose of the shard; None without a selection, and for a shard that broke off before it."""
    if selection is None or shard in selection.unread:
        return None
    return list(read_if_there(data, keys.chosen(run_id, shard), ChosenCase)) if shard in selection.shards else []


def read_ahead(
    run_id: str, data: ObjectStore, selection: Selection | None = None
) -> Generator[ShardRecords, None, None]:
    """The records of every shard of the run in order, with a few shards' objects being fetched ahead.

    A shard is six small objects; fetched one after the other they would take most of Collate's time.
    """
    entries = _SHARDS.validate_json(data.read(keys.shards(run_id)))
    waiting: deque[Future[ShardRecords]] = deque()
    with ThreadPoolExecutor(_AHEAD) as pool:
        for entry in entries:
            waiting.append(pool.submit(ShardRecords.read, run_id, entry.shard, data, selection))
            if len(waiting) > _AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _by_id(records: Iterable[R]) -> dict[str, R]:
    found: dict[str, R] = {}
    for record in records:
        if record.case_id in found:
            raise BrokenInvariant(f"case {record.case_id} has two {type(record).__name__} records in one shard")
        found[record.case_id] = record
    return found

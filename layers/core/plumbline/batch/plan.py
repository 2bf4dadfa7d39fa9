"""Which cases of a run go into which job: read shard by shard, written file by file, nothing held but what must be."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import IO, Final, NamedTuple

from plumbline import keys
from plumbline.batch.records import new_job, record_id
from plumbline.contracts.batch import BatchJob, BatchLimits, BatchRecord, BatchSubmission
from plumbline.contracts.cases import AnonymizedCase
from plumbline.contracts.errors import MissingObject
from plumbline.contracts.replies import ModelRequest
from plumbline.contracts.runs import RunRequest, ShardEntry
from plumbline.jsonl import read_models, write_line
from plumbline.ports import BatchModel, ObjectStore, ReplyStore
from plumbline.prompting import LoadedPrompt, build_request

_READERS: Final = 16
MostUsd = Callable[[ModelRequest], float | None]
"""What a request can cost at most in a batch; None where no price is known."""


class _Ask(NamedTuple):
    """A case, its request, and under which record id it would be submitted."""

    record_id: str
    case_id: str
    request: ModelRequest
    key: str
    stored: bool


class _Record(NamedTuple):
    """A line of a record file, and what its answer can cost at most."""

    record_id: str
    case_id: str
    key: str
    line: bytes
    most_usd: float


class _Masked(NamedTuple):
    """A shard as it was read: its requests, and how many of its cases a person sees first."""

    entry: ShardEntry
    asks: list[_Ask]
    review: int


@dataclass
class Planner:
    """Plans the batch of one run. `room_usd` is what of the run's budget is neither spent nor set aside."""

    run: RunRequest
    data: ObjectStore
    model: BatchModel
    replies: ReplyStore
    prompt: LoadedPrompt
    limits: BatchLimits
    most_usd: MostUsd
    room_usd: float
    masked: list[ShardEntry] = field(default_factory=list)
    _seen: dict[int, str] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("same", "reused", "review"), 0))
    _over_budget: int = 0
    _too_large: int = 0
    _too_few: int = 0
    _job: int = 0

    def plan(self, shards: Sequence[ShardEntry]) -> BatchSubmission:
        """Write the record files and the index of their records; which jobs they make, none of them submitted.

        Nothing is written of a job with fewer records than the service takes: those cases are asked on demand.
        """
        with self.data.writer(keys.batch_index(self.run.run_id)) as index:
            jobs = self._write_jobs(self._records(shards, index), index)
        return BatchSubmission(
            jobs=tuple(jobs),
            over_budget=self._over_budget,
            reason=self._reason(bool(jobs)),
            **self._counts,
        )

    def _records(self, shards: Sequence[ShardEntry], index: IO[bytes]) -> Iterator[_Record]:
        for shard in self._read_all(shards):
            self.masked.append(shard.entry)
            self._counts["review"] += shard.review
            for ask in shard.asks:
                record = self._record(ask, index)
                if record is not None:
                    yield record

    def _record(self, ask: _Ask, index: IO[bytes]) -> _Record | None:
        if ask.stored:
            self._counts["reused"] += 1
            return None
        digest = int(ask.key[:32], 16)
        if first := self._seen.get(digest):
            write_line(index, BatchRecord(record_id=ask.record_id, case_id=ask.case_id, request=ask.key, first=first))
            self._counts["same"] += 1
            return None
        most = self.most_usd(ask.request) or 0.0
        # The first that does not fit ends it: a later, shorter case would get in by its length alone.
        if self._over_budget or most > self.room_usd:
            self._over_budget += 1
            return None
        line = self.model.record(ask.record_id, ask.request) + b"\n"
        if len(line) > self.limits.max_bytes:
            self._too_large += 1
            return None
        self._seen[digest] = ask.record_id
        self.room_usd -= most
        return _Record(ask.record_id, ask.case_id, ask.key, line, most)

    def _write_jobs(self, records: Iterator[_Record], index: IO[bytes]) -> list[BatchJob]:
        jobs: list[BatchJob] = []
        held: list[_Record] = []
        while True:
            self._job = len(jobs)
            head, held = self._head(held, records)
            if len(head) < self.limits.min_records:
                self._too_few += len(head)
                self.room_usd += sum(record.most_usd for record in head)
                if not held:
                    return jobs
                continue
            job = new_job(self.run.run_id, self._job)
            with self.data.writer(job.records_key) as stream:
                job, held = self._fill(job, head, records, stream, index)
            jobs.append(job)

    def _head(self, held: list[_Record], records: Iterator[_Record]) -> tuple[list[_Record], list[_Record]]:
        """The job's first records, no more than it must have, and the record that its bytes have no room for."""
        head: list[_Record] = []
        size = 0
        while len(head) < min(self.limits.min_records, self.limits.max_records):
            record = held.pop() if held else next(records, None)
            if record is None:
                break
            if size + len(record.line) > self.limits.max_bytes:
                return head, [record]
            head.append(record)
            size += len(record.line)
        return head, []

    def _fill(
        self, job: BatchJob, head: list[_Record], records: Iterator[_Record], stream: IO[bytes], index: IO[bytes]
    ) -> tuple[BatchJob, list[_Record]]:
        count = size = 0
        most = 0.0
        for record in chain(head, records):
            if count == self.limits.max_records or size + len(record.line) > self.limits.max_bytes:
                held = [record]
                break
            stream.write(record.line)
            line = BatchRecord(record_id=record.record_id, case_id=record.case_id, request=record.key, job=self._job)
            write_line(index, line)
            count, size, most = count + 1, size + len(record.line), most + record.most_usd
        else:
            held = []
        return job.model_copy(update={"records": count, "bytes": size, "most_usd": most}), held

    def _read_all(self, shards: Sequence[ShardEntry]) -> Iterator[_Masked]:
        """Shard by shard, some being read ahead; those without anonymized cases are left out."""
        entries = iter(shards)
        with ThreadPoolExecutor(_READERS) as pool:
            while ahead := list(islice(entries, 2 * _READERS)):
                yield from (shard for shard in pool.map(self._read, ahead) if shard is not None)

    def _read(self, entry: ShardEntry) -> _Masked | None:
        key = keys.anonymized(self.run.run_id, entry.shard)
        try:
            cases = list(read_models(self.data, key, AnonymizedCase))
        except MissingObject:
            return None
        requests = [
            (position, case, build_request(self.prompt, case, self.run.model_id))
            for position, case in enumerate(cases)
            if not case.review
        ]
        keyed = [(position, case, request, request.key) for position, case, request in requests]
        stored = self.replies.answered({key for *_, key in keyed}) if keyed else set()
        asks = [
            _Ask(record_id(entry.shard, position), case.case_id, request, key, key in stored)
            for position, case, request, key in keyed
        ]
        return _Masked(entry, asks, len(cases) - len(asks))

    def _reason(self, any_job: bool) -> str | None:
        told = [
            (self._over_budget, f"what is left of the budget does not let {self._over_budget:,} cases into a job"),
            (self._too_large, f"{self._too_large:,} records are larger than the service takes"),
            (
                self._too_few,
                f"{self._too_few:,} records are fewer than the {self.limits.min_records:,} that a job must have",
            ),
        ]
        parts = [words for count, words in told if count]
        if not parts and not any_job:
            return "no case is left to submit: each has an answer already, or a person sees it first"
        return "; ".join(parts) or None

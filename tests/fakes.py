"""In-memory ports that record what was asked of them."""

import hashlib
import io
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import IO, Any

from plumbline.contracts.datasets import DatasetManifest
from plumbline.contracts.errors import BudgetExceeded, MissingObject
from plumbline.contracts.models import ModelPointer, ModelRow
from plumbline.contracts.replies import ModelReply, ModelRequest, Usage
from plumbline.contracts.runs import RunRequest, RunRow
from plumbline.ports import StoredObject


class MemoryStore:
    """An ObjectStore in a dict."""

    def __init__(self, objects: dict[str, bytes] | None = None) -> None:
        self.objects = objects or {}
        self.modified: dict[str, datetime] = {}

    def open(self, key: str, version_id: str | None = None) -> IO[bytes]:
        return io.BytesIO(self.read(key))

    def size(self, key: str, version_id: str | None = None) -> int:
        return len(self.read(key))

    def read(self, key: str) -> bytes:
        if key not in self.objects:
            raise MissingObject(f"memory://{key} is not there")
        return self.objects[key]

    def write(self, key: str, data: bytes, content_type: str = "application/json") -> None:
        self.objects[key] = data

    def write_if_absent(self, key: str, data: bytes, content_type: str = "application/json") -> bool:
        if key in self.objects:
            return False
        self.write(key, data, content_type)
        return True

    @contextmanager
    def writer(self, key: str, content_type: str = "application/x-ndjson") -> Iterator[IO[bytes]]:
        stream = io.BytesIO()
        yield stream
        self.objects[key] = stream.getvalue()

    def objects_under(self, prefix: str) -> Iterator[StoredObject]:
        for key in sorted(self.objects):
            if key.startswith(prefix):
                data = self.objects[key]
                etag = hashlib.md5(data, usedforsecurity=False).hexdigest()
                modified = self.modified.get(key, datetime(2026, 3, 4, tzinfo=UTC))
                yield StoredObject(key=key, version_id=None, etag=etag, bytes=len(data), modified=modified)

    def exists(self, key: str) -> bool:
        return key in self.objects


class MemoryLedger:
    """A Ledger in two dicts."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], RunRow] = {}
        self.hashes: dict[tuple[str, str], str] = {}
        self.recorded: dict[tuple[str, str], str] = {}

    def put_run(self, row: RunRow) -> None:
        self.rows[row.task, row.run_id] = row

    def get_run(self, task: str, run_id: str) -> RunRow | None:
        return self.rows.get((task, run_id))

    def runs(self, task: str) -> list[RunRow]:
        rows = [row for (row_task, _), row in self.rows.items() if row_task == task]
        return sorted(rows, key=lambda row: (row.started_at, row.run_id), reverse=True)

    def known_hashes(self, task: str, case_ids: Iterable[str], *, but_by: str | None = None) -> Mapping[str, str]:
        places = {case_id: (task, case_id) for case_id in case_ids}
        return {
            case_id: self.hashes[place]
            for case_id, place in places.items()
            if place in self.hashes and (but_by is None or self.recorded.get(place) != but_by)
        }

    def record_labeled(self, task: str, run_id: str, hashes: Mapping[str, str]) -> None:
        self.hashes.update({(task, case_id): value for case_id, value in hashes.items()})
        self.recorded.update({(task, case_id): run_id for case_id in hashes})

    def recorded_by(self, task: str, case_ids: Iterable[str]) -> Mapping[str, str]:
        return {case_id: self.recorded[task, case_id] for case_id in case_ids if (task, case_id) in self.recorded}

    def forget(self, task: str, run_id: str, case_ids: Iterable[str]) -> None:
        for place in [(task, case_id) for case_id in case_ids]:
            if self.recorded.get(place) == run_id:
                del self.recorded[place], self.hashes[place]


class MemorySpend:
    """A SpendLedger in two dicts, safe for threads."""

    def __init__(self) -> None:
        self.committed: dict[str, float] = defaultdict(float)
        self.settled: dict[str, float] = defaultdict(float)
        self.batch_reserved: set[str] = set()
        self.batch_settled: set[str] = set()
        self._lock = threading.Lock()

    def reserve(self, run_id: str, usd: float, cap: float) -> None:
        with self._lock:
            if self.committed[run_id] + usd > cap + 1e-9:
                raise BudgetExceeded(f"run {run_id}: no room")
            self.committed[run_id] += usd

    def settle(self, run_id: str, reserved: float, spent: float) -> None:
        with self._lock:
            self.committed[run_id] += spent - reserved
            self.settled[run_id] += spent

    def reserve_batch(self, run_id: str, usd: float, cap: float) -> None:
        if run_id not in self.batch_reserved:
            self.reserve(run_id, usd, cap)
            self.batch_reserved.add(run_id)

    def settle_batch(self, run_id: str, reserved: float, spent: float) -> bool:
        if run_id in self.batch_settled:
            return False
        self.batch_settled.add(run_id)
        self.settle(run_id, reserved, spent)
        return True

    def spent(self, run_id: str) -> float:
        return self.settled[run_id]

    def held(self, run_id: str) -> float:
        return max(0.0, self.committed[run_id] - self.settled[run_id])


class FakeModel:
    """A LanguageModel that answers what `answer` says, each time for `usage`, and remembers every request."""

    def __init__(self, answer: Callable[[ModelRequest], str | Exception], usage: Usage | None = None) -> None:
        self.answer = answer
        self.usage = usage or Usage(input_tokens=100, output_tokens=20)
        self.requests: list[ModelRequest] = []

    def ask(self, request: ModelRequest) -> ModelReply:
        self.requests.append(request)
        answer = self.answer(request)
        if isinstance(answer, Exception):
            raise answer
        return ModelReply(text=answer, stop_reason="end_turn", usage=self.usage)


class MemoryWorkflow:
    """A Workflow that remembers the runs it started."""

    def __init__(self) -> None:
        self.started: dict[str, RunRequest] = {}

    def start(self, run: RunRequest) -> bool:
        if run.run_id in self.started:
            return False
        self.started[run.run_id] = run
        return True


class MemoryTrainingJobs:
    """TrainingJobs that remember the jobs they started."""

    def __init__(self) -> None:
        self.started: dict[str, str] = {}

    def start(
        self, job_name: str, manifest: DatasetManifest, manifest_key: str, *, force: bool = False
    ) -> tuple[str, bool]:
        if job_name in self.started and not force:
            return job_name, False
        self.started[job_name] = manifest_key
        return job_name, True


class MemoryEventBus:
    """An EventBus that remembers what was sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Mapping[str, Any]]] = []

    def send(self, detail_type: str, detail: Mapping[str, Any]) -> None:
        self.sent.append((detail_type, detail))


class MemoryModelRegistry:
    """A ModelRegistry in two lists."""

    def __init__(self) -> None:
        self.pointers: list[ModelPointer] = []
        self.recorded: dict[tuple[str, str], ModelRow] = {}

    def current(self, task: str) -> ModelPointer | None:
        return next(iter(self.history(task)), None)

    def history(self, task: str) -> list[ModelPointer]:
        return [pointer for pointer in reversed(self.pointers) if pointer.task == task]

    def point_to(self, pointer: ModelPointer) -> None:
        self.pointers.append(pointer)

    def record(self, row: ModelRow) -> None:
        self.recorded[row.task, row.version] = row

    def record_if_none(self, row: ModelRow) -> ModelRow:
        return self.recorded.setdefault((row.task, row.version), row)

    def rows(self, task: str) -> list[ModelRow]:
        rows = [row for row in self.recorded.values() if row.task == task]
        return sorted(rows, key=lambda row: (row.decided_at, row.version), reverse=True)

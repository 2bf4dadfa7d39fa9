"""ImportBatch alone: peak memory and megabytes a second as a job's output grows, without any service.

The output is made while it is read, in another order than the records', so that it takes no disk; what is written is a
few dozen megabytes. Each size runs in a fresh process.
"""

import argparse
import io
import json
import math
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING

from bench.ingest import DiskStore
from bench.measuring import MB, in_fresh_process, machine, peak_mb, ratio, show
from plumbline import keys
from plumbline.adapters.bedrock_batch import BedrockBatch
from plumbline.batch.records import new_job, output_key, record_id
from plumbline.contracts.batch import BatchRecord, BatchSubmission, ImportBatchTask, JobState
from plumbline.contracts.runs import RunRequest
from plumbline.import_batch import import_batch
from plumbline.jsonl import write_models

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_RUN = "bench"
_PER_SHARD = 50
_PROMPT = "Classify the case. " * 900  # 17 KB: the system text that each line of output repeats
_ANSWER = "<reasoning>" + "It says so. " * 40 + "</reasoning><category>Billing Inquiry</category>"
_ARN = "arn:aws:bedrock:us-east-1:123456789012:model-invocation-job/abcdefghijkl"


@dataclass(frozen=True)
class Imported:
    """What one import took. `before_mb` is the peak memory before it began; the interpreter and imports."""

    records: int
    answered: int
    read_mb: float
    seconds: float
    cpu_seconds: float
    before_mb: float
    peak_mb: float


class _Output(io.RawIOBase):
    """A job's output of so many records, made as it is read. One line in fifty is an error, one is missing."""

    def __init__(self, records: int) -> None:
        self._lines = _lines(records)
        self._left = b""
        self.bytes = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        """The next bytes."""
        view = memoryview(buffer)
        self._left = self._left or next(self._lines, b"")
        some, self._left = self._left[: len(view)], self._left[len(view) :]
        view[: len(some)] = some
        self.bytes += len(some)
        return len(some)


def _lines(records: int) -> Iterator[bytes]:
    message = [{"role": "user", "content": [{"text": "A case of some length. " * 60}]}]
    asked = json.dumps({"system": [{"text": _PROMPT}], "messages": message})
    said = json.dumps(
        {
            "output": {"message": {"role": "assistant", "content": [{"text": _ANSWER}]}},
            "stopReason": "end_turn",
            "usage": {"inputTokens": 4500, "outputTokens": 120, "totalTokens": 4620},
        }
    )
    step = next(step for step in range(7919, 8919) if math.gcd(step, records) == 1)
    for position in range(records):
        number = position * step % records
        if number % _PER_SHARD == 1:
            continue
        error = (
            '"error":{"errorCode":400,"errorMessage":"bad"}' if number % _PER_SHARD == 0 else f'"modelOutput":{said}'
        )
        yield f'{{"modelInput":{asked},{error},"recordId":"{_id(number)}"}}\n'.encode()


class _Store(DiskStore):
    """Files, and the one output that is none."""

    def __init__(self, folder: Path, key: str, output: _Output) -> None:
        super().__init__(folder)
        self._key, self._output = key, output

    def open(self, key: str, version_id: str | None = None) -> IO[bytes]:
        """A stream of the file, or of the output."""
        if key != self._key:
            return super().open(key, version_id)
        return io.BufferedReader(self._output, buffer_size=256 * 1024)


class _Ended(BedrockBatch):
    """Jobs that have all ended well."""

    def state(self, job_arn: str) -> JobState:
        """Completed."""
        return JobState(job_arn=job_arn, status="Completed")


class _NoMoney:
    """A SpendLedger of a model without a price."""

    def reserve(self, run_id: str, usd: float, cap: float) -> None:
        """Forget it."""

    def settle(self, run_id: str, reserved: float, spent: float) -> None:
        """Forget it."""

    def reserve_batch(self, run_id: str, usd: float, cap: float) -> None:
        """Forget it."""

    def settle_batch(self, run_id: str, reserved: float, spent: float) -> bool:  # noqa: ARG002 - the port's
        """Forget it."""
        return True

    def spent(self, run_id: str) -> float:  # noqa: ARG002 - the port's
        """Nothing."""
        return 0.0

    def held(self, run_id: str) -> float:  # noqa: ARG002 - the port's
        """Nothing."""
        return 0.0


def _id(number: int) -> str:
    return record_id(f"{number // _PER_SHARD:05d}", number % _PER_SHARD)


def import_here(megabytes: int) -> Imported:
    """Import an output of about that size in this process."""
    size = len(next(line for line in _lines(101) if b"modelOutput" in line))
    records = megabytes * MB // size
    with tempfile.TemporaryDirectory() as name:
        job = new_job(_RUN, 0).model_copy(update={"records": records, "job_arn": _ARN})
        output = _Output(records)
        store = _Store(Path(name), output_key(job), output)
        index = (BatchRecord(record_id=_id(n), case_id=f"case-{n}", request=f"{n:064x}") for n in range(records))
        write_models(store, keys.batch_index(_RUN), index)
        store.write(keys.batch(_RUN), BatchSubmission(jobs=(job,)).model_dump_json().encode())
        run = RunRequest(
            run_id=_RUN,
            task="root_cause",
            prompt_version="v1",
            model_id="local.none",
            key="incoming/none",
            target_per_class=1,
            budget_usd=1.0,
            started_at=datetime.now(UTC),
        )
        before, started, cpu = peak_mb(), time.perf_counter(), time.process_time()
        result = import_batch(
            ImportBatchTask(run=run), data=store, model=_Ended("none", ""), spend=_NoMoney(), usd=lambda _: None
        )
        seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    return Imported(records, result.answered, output.bytes / MB, seconds, cpu, before, peak_mb())


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.batch", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 1000], metavar="MB")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(vars(import_here(options.one))))
        return
    print(machine())
    done = [Imported(**in_fresh_process("bench.batch", "--one", str(size))) for size in options.sizes]
    rows = [
        [
            f"{one.read_mb:,.0f}",
            f"{one.records:,}",
            f"{one.answered:,}",
            f"{one.seconds:.1f}",
            f"{one.read_mb / one.cpu_seconds:.0f}",
            f"{one.peak_mb:.0f}",
            f"{one.peak_mb - one.before_mb:.0f}",
            ratio(one.read_mb, done[0].read_mb),
            ratio(one.peak_mb, done[0].peak_mb),
        ]
        for one in done
    ]
    show(
        "ImportBatch alone, over output that is made while it is read",
        ["MB", "records", "answered", "seconds", "MB/CPU s", "peak MB", "of it import", "size", "memory"],
        rows,
        "Both times hold the making of the output. The last two columns are growth over the first row.",
    )
    print(machine())


if __name__ == "__main__":
    main()

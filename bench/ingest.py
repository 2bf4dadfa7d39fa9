"""Ingest alone: megabytes a second and peak memory as files grow, from and to files on disk, without any service.

Each file is ingested in a fresh process. A run through AWS also waits for S3 and DynamoDB; this is our own part.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from bench.generate import SUFFIXES, generate
from bench.measuring import MB, in_fresh_process, machine, peak_mb, ratio, show
from plumbline.contracts.errors import MissingObject
from plumbline.contracts.runs import RunRequest, RunRow
from plumbline.ingest import IngestSettings, ingest

_CELL = 50 * MB
_KEY = "incoming/export"


class DiskStore:
    """An ObjectStore in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def open(self, key: str, version_id: str | None = None) -> IO[bytes]:  # noqa: ARG002 - the port's
        """A stream of the file."""
        try:
            return (self._folder / key).open("rb")
        except FileNotFoundError:
            raise MissingObject(f"{key} is not there") from None

    def size(self, key: str, version_id: str | None = None) -> int:  # noqa: ARG002 - the port's
        """The file's size."""
        return (self._folder / key).stat().st_size

    def read(self, key: str) -> bytes:
        """The whole file."""
        with self.open(key) as stream:
            return stream.read()

    def write(self, key: str, data: bytes, content_type: str = "application/json") -> None:  # noqa: ARG002 - the port's
        """Put a file."""
        self._place(key).write_bytes(data)

    @contextmanager
    def writer(self, key: str, content_type: str = "application/x-ndjson") -> Iterator[IO[bytes]]:  # noqa: ARG002
        """A stream into a file."""
        with self._place(key).open("wb") as stream:
            yield stream

    def exists(self, key: str) -> bool:
        """Whether the file is there."""
        return (self._folder / key).exists()

    def _place(self, key: str) -> Path:
        path = self._folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


class EmptyLedger:
    """A Ledger that has never seen a case."""

    def put_run(self, row: RunRow) -> None:
        """Forget it."""

    def get_run(self, task: str, run_id: str) -> RunRow | None:  # noqa: ARG002 - the port's
        """None."""
        return None

    def runs(self, task: str) -> list[RunRow]:  # noqa: ARG002 - the port's
        """None."""
        return []

    def known_hashes(
        self,
        task: str,  # noqa: ARG002 - the port's
        case_ids: Iterable[str],  # noqa: ARG002
        *,
        but_by: str | None = None,  # noqa: ARG002
    ) -> Mapping[str, str]:
        """None."""
        return {}

    def record_labeled(self, task: str, run_id: str, hashes: Mapping[str, str]) -> None:
        """Forget it."""

    def recorded_by(self, task: str, case_ids: Iterable[str]) -> Mapping[str, str]:  # noqa: ARG002 - the port's
        """None."""
        return {}

    def forget(self, task: str, run_id: str, case_ids: Iterable[str]) -> None:
        """There is nothing to forget."""


@dataclass(frozen=True)
class Ingested:
    """What one ingest took. `before_mb` is the peak memory before it began; the interpreter and imports."""

    cases: int
    rejected: int
    seconds: float
    cpu_seconds: float
    before_mb: float
    peak_mb: float


def ingest_here(folder: Path, file: str) -> Ingested:
    """Ingest `folder/file` in this process; what it writes goes into the folder as well."""
    run = RunRequest(
        run_id="bench",
        task="root_cause",
        prompt_version="v1",
        model_id="local.none",
        key=file,
        target_per_class=1,
        budget_usd=1.0,
        started_at=datetime.now(UTC),
    )
    store, before = DiskStore(folder), peak_mb()
    started, cpu = time.perf_counter(), time.process_time()
    result = ingest(
        run, raw=store, data=store, ledger=EmptyLedger(), settings=IngestSettings(), estimate_usd=lambda *_: None
    )
    return Ingested(
        cases=result.cases,
        rejected=result.rejected,
        seconds=time.perf_counter() - started,
        cpu_seconds=time.process_time() - cpu,
        before_mb=before,
        peak_mb=peak_mb(),
    )


def _measured(folder: Path, file: str) -> Ingested:
    return Ingested(**in_fresh_process("bench.ingest", "--one", str(folder), file))


def _growth(suffix: str, sizes: list[int]) -> list[list[str]]:
    rows: list[list[str]] = []
    first: tuple[int, Ingested] | None = None
    for size in sizes:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            file = f"{_KEY}{suffix}"
            (folder / file).parent.mkdir()
            generate(folder / file, size=size * MB)
            done = _measured(folder, file)
        first = first or (size, done)
        rows.append(
            [
                suffix,
                f"{size:,}",
                f"{done.cases:,}",
                f"{done.seconds:.1f}",
                f"{size / done.seconds:.1f}",
                f"{size / done.cpu_seconds:.1f}",
                f"{done.peak_mb:.0f}",
                f"{done.peak_mb - done.before_mb:.0f}",
                ratio(size, first[0]),
                ratio(done.cpu_seconds, first[1].cpu_seconds),
                ratio(done.peak_mb, first[1].peak_mb),
            ]
        )
    return rows


def _one_huge_cell(suffix: str) -> list[str]:
    """Ten good rows with a cell of 50 MB among them: the row is rejected, the others are cases, memory stays."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = f"{_KEY}{suffix}"
        path = folder / file
        path.parent.mkdir()
        generate(path, cases=5, seed=1)
        small = folder / f"more{suffix}"
        generate(small, cases=5, seed=2)
        more = small.read_bytes()
        with path.open("ab") as stream:
            text = b"all work and no play " * (_CELL // 21)
            row = (
                b'"huge","","","","' + text + b'"\n'
                if suffix == ".csv"
                else b'{"case_id": "huge", "text": "' + text + b'"}\n'
            )
            stream.write(row)
            stream.write(more.partition(b"\n")[2] if suffix == ".csv" else more)
        done = _measured(folder, file)
    return [
        suffix,
        f"{done.cases}",
        f"{done.rejected}",
        f"{done.seconds:.2f}",
        f"{_CELL / MB / done.cpu_seconds:.0f}",
        f"{done.peak_mb:.0f}",
        f"{done.peak_mb - done.before_mb:.0f}",
    ]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.ingest", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[2, 20, 200], metavar="MB", help="before compression")
    parser.add_argument("--one", nargs=2, metavar=("FOLDER", "FILE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(vars(ingest_here(Path(options.one[0]), options.one[1]))))
        return
    print(machine())
    rows = [row for suffix in SUFFIXES for row in _growth(suffix, options.sizes)]
    show(
        "Ingest alone, from and to disk",
        ["file", "MB", "cases", "seconds", "MB/s", "MB/CPU s", "peak MB", "of it ingest", "size", "CPU", "memory"],
        rows,
        "MB of text, before compression. The last three columns are growth over the format's first row.",
    )
    show(
        "A cell of 50 MB among ten good rows",
        ["file", "cases", "rejected", "seconds", "MB/CPU s", "peak MB", "of it ingest"],
        [_one_huge_cell(suffix) for suffix in (".jsonl", ".csv")],
    )
    print(machine())


if __name__ == "__main__":
    main()

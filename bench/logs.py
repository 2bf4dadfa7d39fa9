"""What a run's own logs say: each stage's seconds, each worker's peak memory."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# The worker's line for every invocation; the peak is its process's VmHWM in MB of 2^20 bytes, as Lambda counts.
_REPORT = re.compile(r"REPORT RequestId: \S+\tDuration: [\d.]+ ms\tMax Memory Used: (\d+) MB")


@dataclass(frozen=True)
class StageFigures:
    """One function over one run. `seconds` is the sum over its invocations, several of which run at a time."""

    stage: str
    invocations: int
    seconds: float
    failures: int
    peak_mb: int


def stage_figures(folder: Path) -> Iterator[StageFigures]:
    """The figures of every function that has a log in the folder, in the order in which the functions began."""
    files = sorted(folder.glob("*.log"), key=_first_timestamp)
    return (figures for path in files if (figures := _read(path)))


def _read(path: Path) -> StageFigures | None:
    stage, seconds, invocations, failures, peak = "", 0.0, 0, 0, 0
    with path.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if found := _REPORT.match(line):
                peak = max(peak, int(found[1]))
            elif '"message":"stage ' in line:
                entry = json.loads(line)
                stage = entry["stage"]
                invocations += 1
                failures += entry["message"] == "stage failed"
                seconds += entry.get("seconds", 0.0)
    return StageFigures(stage, invocations, seconds, failures, peak) if invocations else None


def _first_timestamp(path: Path) -> str:
    with path.open(encoding="utf-8", errors="replace") as lines:
        return next((json.loads(line)["timestamp"] for line in lines if '"message":"stage ' in line), "~")

"""Stage figures out of the workers' logs."""

import json
from pathlib import Path

from bench.logs import StageFigures, stage_figures


def _line(message: str, stage: str, at: str, **more: float) -> str:
    # As Powertools writes it: no spaces.
    return json.dumps({"message": message, "timestamp": at, "stage": stage} | more, separators=(",", ":"))


def _report(peak: int) -> str:
    return f"REPORT RequestId: 6269f500\tDuration: 9027.77 ms\tMax Memory Used: {peak} MB"


def test_sums_peaks_and_order(tmp_path: Path) -> None:
    (tmp_path / "AFunction.log").write_text(
        "\n".join(
            [
                "something that the function printed",
                _line("stage done", "second", "2026-01-01 00:00:05", seconds=1.5),
                _report(80),
                _line("stage failed", "second", "2026-01-01 00:00:09"),
                _report(91),
                _line("stage done", "second", "2026-01-01 00:00:12", seconds=0.25),
                _report(85),
            ]
        )
    )
    (tmp_path / "BFunction.log").write_text(
        _line("stage done", "first", "2026-01-01 00:00:01", seconds=0.5) + "\n" + _report(70) + "\n"
    )
    (tmp_path / "CFunction.log").write_text("")
    assert list(stage_figures(tmp_path)) == [
        StageFigures("first", invocations=1, seconds=0.5, failures=0, peak_mb=70),
        StageFigures("second", invocations=3, seconds=1.75, failures=1, peak_mb=91),
    ]

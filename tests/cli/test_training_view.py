"""A training job on the screen."""

import io
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from rich.console import Console

from cli.training_job import Seen, describe
from cli.training_log import Line
from cli.training_view import block, log_line, training_view
from plumbline.contracts.models import ModelRow
from tests.cli import training as t


def seen(
    status: str,
    *secondary: str,
    lines: tuple[str, ...] = (),
    minute: float = 0,
    row: ModelRow | None = None,
    **more: Any,
) -> Seen:
    written = tuple(Line(t.BEGAN + timedelta(minutes=minute), text) for text in lines)
    return Seen(describe(t.FakeSageMaker(t.job(status, *secondary, **more)), t.JOB), written, row)


def test_plain_lines_say_each_phase_once_and_every_line_of_the_log(console: Console) -> None:
    looks = [
        seen("InProgress", "Starting"),
        seen("InProgress", "Starting"),
        seen("InProgress", "Starting", "Downloading", "Training", lines=("epoch 1", "[x] not markup [/y]"), minute=2.5),
        seen("InProgress", "Starting", "Downloading", "Training", lines=("epoch 2",), minute=2.8),
        seen("InProgress", "Starting", "Downloading", "Training", "Uploading", lines=("done",), minute=2.9),
        seen("Completed", "Starting", "Downloading", "Training", "Uploading", "Completed"),
    ]
    with training_view(console, lambda: t.BEGAN + timedelta(days=1)) as view:
        for look in looks:
            view.update(look)
    assert [tuple(line.strip().split("  ", 1)) for line in console.export_text().splitlines()] == [
        ("0:00", "waiting for a machine"),
        ("1:00", "fetching the dataset and the code"),
        ("2:00", "training"),
        ("2:30", "  epoch 1"),
        ("2:30", "  [x] not markup [/y]"),
        ("2:48", "  epoch 2"),
        ("2:54", "  done"),
        ("3:00", "storing the model"),
        ("4:00", "comparing with what serves now"),
    ]


def test_a_job_that_ended_long_ago_is_told_with_the_times_of_its_own(console: Console) -> None:
    look = seen("Completed", "Starting", "Downloading", "Training", "Uploading", "Completed", row=t.row())
    with training_view(console, lambda: t.BEGAN + timedelta(days=1)) as view:
        view.update(look)
    text = console.export_text()
    assert "comparing" not in text
    assert text.splitlines()[-1].strip() == "3:00  storing the model"


@pytest.mark.parametrize("status", ["Completed", "Failed"])
def test_the_blocks_time_is_the_jobs_own_once_it_has_ended(status: str) -> None:
    look = seen(status, "Starting", "Downloading", "Training", status, row=t.row() if status == "Completed" else None)
    text = drawn(look, now=t.BEGAN + timedelta(days=1))
    assert "time 3:00" in text
    assert "24:" not in text
    assert ("6:00" in text) == (status == "Completed")  # from the end of the job to the decision


def test_a_pipelines_state_is_shown_and_told_when_it_changes(console: Console) -> None:
    first = seen("InProgress", "Starting")
    assert first.job
    looks = [Seen(replace(first.job, pipeline=words)) for words in ("pipeline Executing: Train executing",) * 2]
    with training_view(console, lambda: t.BEGAN) as view:
        for look in looks:
            view.update(look)
    assert console.export_text().count("pipeline Executing") == 1
    assert "pipeline Executing: Train executing" in drawn(looks[0])


def test_a_long_line_of_the_log_goes_on_below_its_text() -> None:
    console = Console(width=60, file=io.StringIO(), record=True, highlight=False)
    words = "test, int8 at temperature 0.66: accuracy 0.667 (0.391 to 0.862), macro-F1 0.689, calibration error 0.215"
    console.print(log_line(Line(t.BEGAN + timedelta(seconds=65), words), seen("InProgress", "Starting").job))
    first, *others = console.export_text().splitlines()
    assert first.startswith(" 1:05  test, int8")
    assert others
    assert all(line.startswith(" " * 7) and len(line) <= 60 for line in others)


def test_a_notice_is_printed_once_in_plain_lines(console: Console) -> None:
    with training_view(console) as view:
        view.notice("wait")
        view.notice("wait")
    assert console.export_text().count("wait") == 1


def drawn(look: Seen, width: int = 80, now: datetime = t.BEGAN + timedelta(minutes=5)) -> str:
    console = Console(width=width, file=io.StringIO(), record=True, highlight=False)
    console.print(block(look, now, "Nothing is decided yet."))
    return console.export_text()


def test_the_block_shows_what_is_done_what_goes_on_and_what_comes() -> None:
    text = drawn(seen("InProgress", "Starting", "Downloading", "Training"))
    start, download, train, upload, _ = text.splitlines()[:5]
    assert "✓" in start
    assert "1:00" in start
    assert "✓" in download
    assert "3:00" in train  # from its beginning until now
    assert "training" in train
    assert "·" in upload
    assert "time 5:00" in text
    assert "Nothing is decided yet." in text


def test_a_job_that_failed_is_marked_in_its_phase() -> None:
    train = drawn(seen("Failed", "Starting", "Downloading", "Training", "Failed")).splitlines()[2]
    assert "✗" in train
    assert "failed" in train


@pytest.mark.parametrize("width", [60, 100])
def test_it_fits_the_screen(width: int) -> None:
    look = seen("Completed", "Starting", "Downloading", "Training", "Uploading", "Completed")
    assert "comparing with what serves now" in drawn(look, width)
    assert max(map(len, drawn(look, width).splitlines())) <= width

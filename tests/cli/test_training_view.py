"""A training job on the screen."""

import io
from datetime import timedelta
from typing import Any

import pytest
from rich.console import Console

from cli.training_job import Seen, describe
from cli.training_view import block, training_view
from tests.cli import training as t


def seen(status: str, *secondary: str, lines: tuple[str, ...] = (), **more: Any) -> Seen:
    return Seen(describe(t.FakeSageMaker(t.job(status, *secondary, **more)), t.JOB), lines)


def test_plain_lines_say_each_phase_once_and_every_line_of_the_log(console: Console) -> None:
    looks = [
        seen("InProgress", "Starting"),
        seen("InProgress", "Starting"),
        seen("InProgress", "Starting", "Downloading", "Training", lines=("epoch 1 of 2", "", "[x] not markup [/y]")),
        seen("InProgress", "Starting", "Downloading", "Training", lines=("epoch 2 of 2",)),
        seen("InProgress", "Starting", "Downloading", "Training", "Uploading", lines=("done",)),
        seen("Completed", "Starting", "Downloading", "Training", "Uploading", "Completed"),
    ]
    with training_view(console, lambda: t.BEGAN + timedelta(seconds=75)) as view:
        for look in looks:
            view.update(look)
    assert [line.split("  ", 1)[1].strip() for line in console.export_text().splitlines()] == [
        "waiting for a machine",
        "training",
        "epoch 1 of 2",
        "[x] not markup [/y]",
        "epoch 2 of 2",
        "done",
        "storing the model",
        "comparing with the model in service",
    ]


def test_a_notice_is_printed_once_in_plain_lines(console: Console) -> None:
    with training_view(console) as view:
        view.notice("wait")
        view.notice("wait")
    assert console.export_text().count("wait") == 1


def drawn(look: Seen, width: int = 80) -> str:
    console = Console(width=width, file=io.StringIO(), record=True, highlight=False)
    console.print(block(look, t.BEGAN + timedelta(minutes=5), "Nothing is decided yet."))
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


@pytest.mark.parametrize("width", [80, 120])
def test_it_fits_the_screen(width: int) -> None:
    look = seen("InProgress", "Starting", "Downloading", "Training")
    assert max(map(len, drawn(look, width).splitlines())) <= width

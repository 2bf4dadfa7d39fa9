"""A training job on the screen: its phases and its own log as it comes."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from types import TracebackType
from typing import Final, Protocol

from rich.console import Console, Group, RenderableType
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from cli.training_job import PHASES, Job, Phase, Seen
from cli.view import LiveBlock, clock_text, indented
from plumbline.report.words import clipped

_NAMES: Final[dict[Phase, tuple[str, str]]] = {
    "start": ("Start", "waiting for a machine"),
    "download": ("Download", "fetching the dataset and the code"),
    "train": ("Train", "training"),
    "upload": ("Upload", "storing the model"),
    "decide": ("Promote?", "comparing with the model in service"),
}
_LINE_CHARS = 300
_DENIED = "These credentials may not read the job's log; its phases are shown all the same."


class TrainingView(AbstractContextManager["TrainingView"], Protocol):
    """On the screen while its block runs."""

    def update(self, seen: Seen) -> None:
        """Take the newest look."""

    def notice(self, text: str) -> None:
        """Say something beside the progress; an empty text takes the last one back."""


def training_view(console: Console, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> TrainingView:
    """The phases drawn in place below the log where the console is a terminal, else plain lines."""
    live = console.is_terminal and not console.is_dumb_terminal
    return LiveTraining(console, now) if live else PlainTraining(console, now)


class LiveTraining(LiveBlock):
    """The log scrolls by; the phases stay below it."""

    def __init__(self, console: Console, now: Callable[[], datetime]) -> None:
        self._now = now
        self._console = console
        self._seen = Seen(None)
        super().__init__(console)

    def update(self, seen: Seen) -> None:
        """Print the new lines above the phases."""
        for line in seen.lines:
            if line.strip():
                self._console.print(Text(clipped(line, _LINE_CHARS), style="dim"), soft_wrap=True)
        self._seen = seen

    def _draw(self) -> RenderableType:
        words = self._notice or (_DENIED if self._seen.log_denied else "")
        return block(self._seen, self._now(), words, self._spinner)


def block(seen: Seen, now: datetime, notice: str = "", spinner: Spinner | None = None) -> RenderableType:
    """One line a phase, with how long it took or has taken so far."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    for column in ({"width": 2}, {"width": 10}, {"width": 8, "justify": "right"}):
        grid.add_column(no_wrap=True, **column)
    grid.add_column(overflow="fold")
    job = seen.job
    for phase in PHASES:
        grid.add_row(*_row(phase, seen, now, spinner))
    total = clock_text((now - job.created).total_seconds()) if job else "-"
    parts: list[RenderableType] = [grid, Text.assemble(("  time ", "dim"), (total, "bold"))]
    if notice:
        parts.append(Text(notice, style="yellow"))
    return Group(*parts)


def _row(phase: Phase, seen: Seen, now: datetime, spinner: Spinner | None) -> list[RenderableType]:
    name, doing = _NAMES[phase]
    job = seen.job
    at = PHASES.index(job.phase) if job else 0
    position = PHASES.index(phase)
    if position > at:
        return [Text(" ·", style="dim"), Text(name, style="dim"), "", ""]
    took = _took(phase, job, now) if job else ""
    if position < at or seen.row is not None:
        return [Text(" ✓", style="green"), Text(name), Text(took, style="dim"), ""]
    if job and job.ended_badly:
        return [Text(" ✗", style="red"), Text(name, style="bold red"), Text(took, style="dim"), job.status.lower()]
    words = (job.message if job and phase in ("start", "download") else "") or doing
    return [
        indented(spinner) if spinner else Text(" >", style="cyan"),
        Text(name, style="bold"),
        Text(took),
        Text(words, style="dim"),
    ]


def _took(phase: Phase, job: Job, now: datetime) -> str:
    """From the beginning of the phase to that of the next one, or until now."""
    began = job.created if phase == "start" else job.began.get(phase)
    if began is None:
        return ""
    later = [job.began[p] for p in PHASES[PHASES.index(phase) + 1 :] if p in job.began]
    return clock_text(max(0.0, ((later[0] if later else now) - began).total_seconds()))


class PlainTraining(AbstractContextManager["PlainTraining"]):
    """A line for every phase and every line of the log, each with the time since the job was asked for."""

    def __init__(self, console: Console, now: Callable[[], datetime]) -> None:
        self._console = console
        self._now = now
        self._phase: tuple[Phase, str] | None = None
        self._last_notice = ""
        self._created: datetime | None = None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        return None

    def update(self, seen: Seen) -> None:
        """Print what is new."""
        job = seen.job
        if job is None:
            return
        self._created = job.created
        # The lines were written before the job went on to its next phase, unless it has just begun to train.
        began = job.phase == "train" and (self._phase is None or self._phase[0] != "train")
        if began:
            self._enter(job)
        for line in seen.lines:
            if line.strip():
                self._say(f"  {clipped(line, _LINE_CHARS)}")
        if not began:
            self._enter(job)
        if seen.log_denied:
            self.notice(_DENIED)

    def notice(self, text: str) -> None:
        """Print the text, once."""
        if text and text != self._last_notice:
            self._say(text)
        self._last_notice = text

    def _enter(self, job: Job) -> None:
        if self._phase != (job.phase, job.status):
            self._phase = (job.phase, job.status)
            self._say(job.status.lower() if job.ended_badly else _NAMES[job.phase][1])

    def _say(self, text: str) -> None:
        since = (self._now() - self._created).total_seconds() if self._created else 0.0
        self._console.print(f"{clock_text(max(0.0, since))}  {text}", markup=False, highlight=False, soft_wrap=True)

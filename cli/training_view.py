"""A training job on the screen: its phases and its own log as it comes."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from types import TracebackType
from typing import Final, Protocol

from rich.console import Console, Group, RenderableType
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from cli.training_job import PHASES, Job, Phase, Seen
from cli.training_log import Line
from cli.view import LiveBlock, clock_text, indented
from plumbline.report.words import clipped

_NAMES: Final[dict[Phase, tuple[str, str]]] = {
    "start": ("Start", "waiting for a machine"),
    "download": ("Download", "fetching the dataset and the code"),
    "train": ("Train", "training"),
    "upload": ("Upload", "storing the model"),
    "decide": ("Promote?", "comparing with what serves now"),
}
_LINE_CHARS = 300
_CLOCK_CHARS = 5
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
            self._console.print(log_line(line, seen.job))
        self._seen = seen

    def _draw(self) -> RenderableType:
        words = self._notice or (_DENIED if self._seen.log_denied else "")
        return block(self._seen, self._now(), words, self._spinner)


def log_line(line: Line, job: Job | None) -> RenderableType:
    """A line of the log behind the time since the job was asked for; what does not fit goes on below its text."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True, min_width=_CLOCK_CHARS, justify="right", style="dim")
    grid.add_column(overflow="fold", style="dim")
    grid.add_row(clock_text(_since(job, line.at)), Text(clipped(line.text, _LINE_CHARS)))
    return grid


def _since(job: Job | None, at: datetime) -> float:
    return max(0.0, (at - job.created).total_seconds()) if job else 0.0


def block(seen: Seen, now: datetime, notice: str = "", spinner: Spinner | None = None) -> RenderableType:
    """One line a phase, with how long it took or has taken so far."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    for column in ({"width": 2}, {"width": 8}, {"width": 7, "justify": "right"}):
        grid.add_column(no_wrap=True, **column)
    grid.add_column(overflow="fold")
    job = seen.job
    for phase in PHASES:
        grid.add_row(*_row(phase, seen, now, spinner))
    total = clock_text(_since(job, job.ended or now)) if job else "-"
    parts: list[RenderableType] = [grid, Text.assemble(("  time ", "dim"), (total, "bold"))]
    if job and job.pipeline:
        parts.append(Text(f"  {job.pipeline}", style="dim"))
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
    decided = seen.row.decided_at if seen.row else None
    took = _took(phase, job, decided or now) if job else ""
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
    """From the beginning of the phase to that of the next one; of the last one until the job's end, or until now."""
    began = job.created if phase == "start" else job.began.get(phase)
    if began is None:
        return ""
    later = [job.began[p] for p in PHASES[PHASES.index(phase) + 1 :] if p in job.began]
    last = job.ended if job.ended and job.ended_badly else now
    return clock_text(max(0.0, ((later[0] if later else last) - began).total_seconds()))


class PlainTraining(AbstractContextManager["PlainTraining"]):
    """A line for every phase and every line of the log, each with its time since the job was asked for."""

    def __init__(self, console: Console, now: Callable[[], datetime]) -> None:
        self._console = console
        self._now = now
        self._told: set[str] = set()
        self._last_notice = ""
        self._job: Job | None = None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        return None

    def update(self, seen: Seen) -> None:
        """Print what is new, in the order in which it happened."""
        if seen.job is None:
            return
        self._job = seen.job
        new = [*self._phases(seen.job, decided=seen.row is not None)]
        new += [(line.at, f"  {clipped(line.text, _LINE_CHARS)}") for line in seen.lines]
        for at, text in sorted(new, key=lambda event: event[0]):
            self._say(text, at)
        if seen.log_denied:
            self.notice(_DENIED)

    def notice(self, text: str) -> None:
        """Print the text, once."""
        if text and text != self._last_notice:
            self._say(text, self._now())
        self._last_notice = text

    def _phases(self, job: Job, *, decided: bool) -> Iterator[tuple[datetime, str]]:
        """What has begun or ended and was not told yet, and when that was."""
        began = {"start": job.created, **job.began}
        for phase in PHASES[: PHASES.index(job.phase) + 1]:
            if phase in began and not (phase == "decide" and decided):
                yield from self._once(began[phase], _NAMES[phase][1])
        if job.pipeline:
            yield from self._once(self._now(), job.pipeline)
        if job.ended_badly:
            yield from self._once(job.ended or self._now(), job.status.lower())

    def _once(self, at: datetime, text: str) -> Iterator[tuple[datetime, str]]:
        if text not in self._told:
            self._told.add(text)
            yield at, text

    def _say(self, text: str, at: datetime) -> None:
        clock = clock_text(_since(self._job, at)).rjust(_CLOCK_CHARS)
        self._console.print(f"{clock}  {text}", markup=False, highlight=False, soft_wrap=True)

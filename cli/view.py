"""Progress on the screen: a live block on a terminal, plain lines anywhere else."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from cli.batch_jobs import BatchWait
from cli.progress import Progress, Stage
from plumbline.report.words import count, money, plural

_STEPS = (
    (Stage.START, "Start"),
    (Stage.INGEST, "Ingest"),
    (Stage.LABEL, "Label"),
    (Stage.COLLATE, "Collate"),
    (Stage.BALANCE, "Balance and report"),
)
_NAME_WIDTH = 20
_CLASS_WIDTH = 30
_CLASSES = 8  # more of them would push the steps off a small screen
_TENTHS = 10


class RunView(AbstractContextManager["RunView"], Protocol):
    """A View that is on the screen while its block runs."""

    def update(self, progress: Progress) -> None:
        """Take the newest progress."""

    def notice(self, text: str) -> None:
        """Say something beside the progress."""


def view_for(console: Console, clock: Callable[[], float] = time.monotonic) -> RunView:
    """The live block where the console is a terminal, else plain lines."""
    return (
        LiveView(console, clock) if console.is_terminal and not console.is_dumb_terminal else PlainView(console, clock)
    )


def clock_text(seconds: float) -> str:
    """`4:05` or `1:04:05`."""
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


class LiveBlock(ABC):
    """A block that is drawn in place while its `with` runs. Its first drawing is made here: call this __init__ last."""

    def __init__(self, console: Console) -> None:
        self._notice = ""
        self._spinner = Spinner("dots", style="cyan")
        self._live = Live(console=console, get_renderable=self._draw, refresh_per_second=8, transient=False)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._live.stop()

    def notice(self, text: str) -> None:
        """Show the text below the block until it is taken back."""
        self._notice = text

    @abstractmethod
    def _draw(self) -> RenderableType:
        """The block as it stands now."""


class LiveView(LiveBlock):
    """Redraws one block in place."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began = clock()
        self._progress = Progress(state="RUNNING", stage=Stage.START)
        self._pace = Pace()
        super().__init__(console)

    def update(self, progress: Progress) -> None:
        """Take the newest progress; it is drawn with the next refresh."""
        self._pace.see(progress, self._clock() - self._began)
        self._progress = progress

    def _draw(self) -> RenderableType:
        elapsed = self._clock() - self._began
        return block(self._progress, elapsed, self._pace.left(elapsed), self._notice, self._spinner)


class Pace:
    """How fast shards get done, for a word on how long it will take."""

    def __init__(self) -> None:
        self._first: tuple[float, int] | None = None
        self._last: tuple[float, Progress] | None = None

    def see(self, progress: Progress, at: float) -> None:
        """Note the progress at a time (seconds)."""
        if progress.stage is not Stage.LABEL:
            self._last = None
            return
        if self._first is None:
            self._first = (at, progress.shards_done)
        if self._last is None or progress.shards_done != self._last[1].shards_done:
            self._last = (at, progress)

    def left(self, now: float) -> float | None:
        """Seconds until the last shard is done at the pace seen so far; None while that is anyone's guess."""
        if self._first is None or self._last is None:
            return None
        (began, base), (at, progress) = self._first, self._last
        done = progress.shards_done - base
        if done < 2:  # one shard tells little: the workers were still warming up
            return None
        return max(0.0, (at - began) / done * (progress.shards - progress.shards_done) - (now - at))


def block(
    progress: Progress, elapsed: float, left: float | None = None, notice: str = "", spinner: Spinner | None = None
) -> RenderableType:
    """The whole block: one line a step, the figures so far, and a notice where there is one."""
    steps = Table.grid(padding=(0, 2, 0, 0))
    steps.add_column(width=2)
    steps.add_column(width=_NAME_WIDTH, no_wrap=True)
    steps.add_column(overflow="fold")
    for stage, name in _STEPS:
        mark, style = _mark(progress, stage, spinner)
        steps.add_row(mark, Text(name, style=style), _detail(progress, stage))
    parts: list[RenderableType] = [steps, Text(), figures(progress, elapsed, left)]
    if progress.state == "RUNNING" and progress.batch:
        parts += [Text(), _batch(progress.batch)]
    if progress.state == "RUNNING" and progress.classes:
        parts += [Text(), _classes(progress)]
    if notice:
        parts.append(Text(notice, style="yellow"))
    return Group(*parts)


def _mark(progress: Progress, stage: Stage, spinner: Spinner | None) -> tuple[RenderableType, str]:
    if stage < progress.stage:
        return Text(" ✓", style="green"), ""
    if stage > progress.stage:
        return Text(" ·", style="dim"), "dim"
    if progress.state != "RUNNING":
        return Text(" ✗", style="red"), "bold red"
    return indented(spinner) if spinner else Text(" >", style="cyan"), "bold"


def indented(spinner: Spinner) -> RenderableType:
    """The spinner where the marks of other lines stand."""
    grid = Table.grid(padding=0)
    grid.add_row(" ", spinner)
    return grid


def _detail(progress: Progress, stage: Stage) -> RenderableType:
    if stage is Stage.INGEST and progress.shards:
        return Text(f"{plural(progress.cases, 'new case')} in {plural(progress.shards, 'shard')}")
    if stage is Stage.INGEST and progress.stage > Stage.INGEST:
        return Text("nothing new")
    if stage is not Stage.LABEL or not progress.shards:
        return Text()
    if progress.stage > Stage.LABEL:
        return Text(f"{count(progress.shards_done)} of {plural(progress.shards, 'shard')}")
    line = Table.grid(padding=(0, 2, 0, 0))
    line.add_column(width=24)
    line.add_column(no_wrap=True)
    line.add_row(
        ProgressBar(total=1.0, completed=reached(progress), width=24),
        f"{count(progress.shards_done)} of {plural(progress.shards, 'shard')}",
    )
    under_way = f"{count(progress.anonymized)} anonymized, {count(progress.classified)} answered"
    return Group(line, Text(under_way, style="dim"))


def _batch(batch: BatchWait) -> RenderableType:
    """How the run's batch jobs stand, the jobs by state first."""
    first, *more = batch.lines(datetime.now(UTC))
    return Padding(Group(Text(first), *(Text(line, style="dim") for line in more)), (0, 0, 0, 2))


def _classes(progress: Progress) -> RenderableType:
    """The labels so far by class, in the order of their names, so that no line jumps."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(width=2)
    grid.add_column(max_width=_CLASS_WIDTH, no_wrap=True, overflow="ellipsis", style="dim")
    grid.add_column(justify="right")
    grid.add_column()
    most = max(progress.classes.values())
    shown = sorted(progress.classes)[:_CLASSES]
    for name in shown:
        number = progress.classes[name]
        grid.add_row(
            "", name, count(number), ProgressBar(total=most, completed=number, width=24, finished_style="bar.complete")
        )
    if len(progress.classes) > len(shown):
        grid.add_row("", f"and {count(len(progress.classes) - len(shown))} more classes", "", "")
    return grid


def reached(progress: Progress) -> float:
    """The share of labeling that is done. A shard counts in thirds, so that it moves with the first answers already."""
    if not progress.shards:
        return 0.0
    done = progress.shards_done
    return (done + max(0, progress.anonymized - done) / 3 + max(0, progress.classified - done) / 3) / progress.shards


def figures(progress: Progress, elapsed: float, left: float | None = None) -> RenderableType:
    """One line of counts, then cost and time."""
    counts = [
        ("labeled", progress.labeled, "green"),
        ("repaired", progress.repaired, "cyan"),
        ("asked again", progress.asking_again, "cyan"),
        ("dropped", progress.dropped, "yellow"),
        ("failed", progress.failed, "red"),
    ]
    line = Text("  ")
    for name, number, style in counts:
        line.append(f"{name} ", style="dim")
        line.append(count(number), style=f"bold {style}" if number else "dim")
        line.append("   ")
    tail = Text("  ")
    if progress.stage >= Stage.LABEL:
        tail.append("cost ", style="dim").append(cost_text(progress), style="bold").append("   ")
    if progress.reused:
        tail.append(f"{plural(progress.reused, 'reply')} reused   ", style="dim")
    tail.append("time ", style="dim").append(clock_text(elapsed), style="bold")
    if left is not None:
        tail.append(f"   about {clock_text(left)} left", style="dim")
    return Group(line, tail)


def cost_text(progress: Progress) -> str:
    """What the run has cost so far; `at least` where not every reply has been read yet."""
    if progress.usd is None:
        return "no price known" if progress.classified else "-"
    return f"at least {money(progress.usd)}" if progress.partial else money(progress.usd)


class PlainView(AbstractContextManager["PlainView"]):
    """One line for every change that is worth a line: a step done, each tenth of the shards, new failures."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._clock = clock
        self._began = clock()
        self._last: tuple[object, ...] | None = None
        self._last_notice = ""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        return None

    def update(self, progress: Progress) -> None:
        """Print a line when something changed."""
        tenth = int(reached(progress) * _TENTHS)
        batch = progress.batch.milestone(_TENTHS) if progress.batch else None
        now = (progress.stage, tenth, bool(progress.failed), bool(progress.dropped), progress.state, batch)
        if now != self._last:
            self._last = now
            self._say(plain_line(progress))

    def notice(self, text: str) -> None:
        """Print the text, once."""
        if text and text != self._last_notice:
            self._say(text)
        self._last_notice = text

    def _say(self, text: str) -> None:
        self._console.print(
            f"{clock_text(self._clock() - self._began)}  {text}", markup=False, highlight=False, soft_wrap=True
        )


def plain_line(progress: Progress) -> str:
    """The progress in one line without colors."""
    if progress.state != "RUNNING":
        return f"ended: {progress.state.lower()}"
    if progress.stage is Stage.START:
        return "waiting for the run to start"
    if progress.stage is Stage.INGEST:
        return "reading the file"
    if progress.batch:
        return f"waiting for {'; '.join(progress.batch.lines(datetime.now(UTC)))}"
    on_the_way = f"{count(progress.anonymized)} anonymized, {count(progress.classified)} answered"
    under_way = f" ({on_the_way})" if progress.shards_done < progress.shards else ""
    words = [
        f"{count(progress.shards_done)} of {plural(progress.shards, 'shard')}{under_way}",
        f"labeled {count(progress.labeled)} of {count(progress.cases)}",
        f"repaired {count(progress.repaired)}",
        f"asked again {count(progress.asking_again)}",
        f"dropped {count(progress.dropped)}",
        f"failed {count(progress.failed)}",
        f"cost {cost_text(progress)}",
    ]
    names = {Stage.LABEL: "labeling", Stage.COLLATE: "collating", Stage.BALANCE: "checking the balance and reporting"}
    return f"{names[progress.stage]}: {', '.join(words) if progress.shards else 'nothing new in the file'}"

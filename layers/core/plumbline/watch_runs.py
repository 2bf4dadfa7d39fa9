"""WatchRuns: how long the oldest execution under way has run. Step Functions tells it only of those that have ended."""

from collections.abc import Iterable
from datetime import datetime

from pydantic import Field

from plumbline.contracts.base import Model


class WatchTask(Model):
    """WatchRuns' event: nothing to say."""


class RunsUnderWay(Model):
    """WatchRuns' answer. `oldest_seconds` is 0 where nothing runs."""

    running: int = Field(ge=0)
    oldest_seconds: float = Field(ge=0)


def watch_runs(started: Iterable[datetime], now: datetime) -> RunsUnderWay:
    """The age of the oldest of the executions under way, from when each of them started."""
    ages = [max(0.0, (now - at).total_seconds()) for at in started]
    return RunsUnderWay(running=len(ages), oldest_seconds=max(ages, default=0.0))

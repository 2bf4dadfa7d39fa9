"""Going over a run again: an execution of its own for the same run id, which begins at a later stage."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from plumbline.contracts.base import Model
from plumbline.contracts.prompts import PromptRef

ReplayStage = Literal["ingest", "label", "parse", "collate", "balance", "report"]
"""Where it begins. `ingest`: with the file, where it was never read to its end; `label`: with every shard, and what was
answered is looked up; `parse`: stored replies are read anew; the others: that stage and what follows it."""


class Replay(Model):
    """Which time the run is gone over again, from which stage, and when that was asked for."""

    number: int = Field(ge=1)
    stage: ReplayStage
    at: datetime


class ReplaySummary(Model):
    """What going over a run again changed of its labels. A label is lost where the case has none any more."""

    number: int
    replayed_from: ReplayStage
    at: datetime
    prompt_before: PromptRef | None = Field(default=None, description="with which the replies were read before")
    compared: bool = Field(default=True, description="False where the run had no outcomes yet: nothing to compare with")
    changed: int = 0
    gained: int = 0
    lost: int = 0


def execution_name(run_id: str, replays: int) -> str:
    """The name of a run's execution: the run's id, and behind it the number of the replay where it is one."""
    return f"{run_id}-replay-{replays}" if replays else run_id


def run_of(execution: str) -> str:
    """The id of the run that an execution of that name goes over."""
    return execution.partition("-replay-")[0]

"""What `plumbline prompts improve` tried, round by round."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from plumbline.contracts.accuracy import Interval
from plumbline.contracts.base import Model
from plumbline.contracts.comparisons import VersionStep
from plumbline.contracts.prompts import BadExample

Stopped = Literal["target", "budget", "rounds", "nothing_left"]


class ImproveRound(Model):
    """One round: what was drafted from which cases of the development part, and what it did on the held-back part."""

    number: int
    cases: tuple[str, ...] = Field(description="ids of the cases that examples were drafted from")
    drafts: tuple[BadExample, ...]
    unusable: int = Field(description="answers of the model that were no example, or too like another one")
    held_back: Interval | None = Field(description="accuracy with the drafts; None where there was none to try")
    step: VersionStep | None
    kept: bool
    cut_short: bool = Field(default=False, description="the budget ended it: figures are of the cases answered by then")
    usd: float | None


class Improvement(Model):
    """The whole loop. Accuracy counts a case without a label as wrong, and one that the budget left unasked not at all:
    an interval of no case (n is 0) says nothing.

    `final` compares the best draft with the base on a part that no round looked at; None where no draft was kept, and
    then `final_base` is the base's accuracy on it; also None where the budget allowed no such look. `version` is the
    file that was written, where one was.
    """

    task: str
    base: str
    version: str | None
    model_id: str
    source: str
    seed: int
    finished_at: datetime
    parts: dict[str, int] = Field(description="cases of the parts development, held_back and final")
    near_duplicates: int
    target: float | None
    budget_usd: float
    alpha: float
    development: Interval = Field(description="the base's accuracy on the development part")
    held_back: Interval = Field(description="the base's accuracy on the held-back part")
    rounds: tuple[ImproveRound, ...]
    best_held_back: Interval
    final_base: Interval
    final_best: Interval
    final: VersionStep | None
    stopped: Stopped
    calls: int
    reused: int
    usd: float | None

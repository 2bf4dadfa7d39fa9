"""Prompt versions beside each other, on the same cases."""

from pydantic import Field

from plumbline.contracts.accuracy import Interval
from plumbline.contracts.base import Model
from plumbline.contracts.models import Difference
from plumbline.contracts.replies import Usage


class VersionFigures(Model):
    """How one prompt version did. A case without a label counts as wrong in `accuracy` and is a miss in `macro_f1`.

    `usd` is what the calls would cost if none had been answered before, `paid_usd` what they did cost now; None where
    no price is known.
    """

    version: str
    sha256: str
    accuracy: Interval
    labeled: Interval = Field(description="the share of cases with a label, after re-asks: the parse rate")
    first_try: Interval = Field(description="the share whose first reply was in the very form that was asked for")
    macro_f1: float
    usage: Usage
    calls: int
    reused: int
    usd: float | None
    paid_usd: float | None


class ChangedLabel(Model):
    """A case that two versions judge differently, by its id. None is no label."""

    case_id: str
    gold: str
    before: str | None
    after: str | None


class VersionStep(Model):
    """One version against another on the same cases; differences are `version` minus `against`."""

    version: str
    against: str
    fixed: tuple[ChangedLabel, ...]
    broke: tuple[ChangedLabel, ...]
    p_value: float = Field(description="McNemar's exact test, two-sided")
    differences: tuple[Difference, ...]


class PromptComparison(Model):
    """What `plumbline prompts compare` found. `cases` are those that had an answer with each of `versions`."""

    task: str
    model_id: str
    source: str
    seed: int
    cases: int
    versions: tuple[VersionFigures, ...]
    steps: tuple[VersionStep, ...]
    paid_usd: float | None = Field(default=None, description="what the whole comparison did cost now")
    cut_short: str = Field(default="", description="what the budget left unasked, in words; empty where nothing")

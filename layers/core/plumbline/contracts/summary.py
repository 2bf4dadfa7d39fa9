"""What a run came to: the summary that Collate writes and the report and the CLI show."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from plumbline.contracts.accuracy import AccuracyBlock, Interval
from plumbline.contracts.base import Model
from plumbline.contracts.batch_summary import BatchSummary
from plumbline.contracts.confidence import ConfidenceBlock
from plumbline.contracts.labels import BUDGET_REACHED, OutcomeName
from plumbline.contracts.prompts import PromptRef
from plumbline.contracts.replay import ReplaySummary
from plumbline.contracts.replies import Usage
from plumbline.contracts.runs import BalanceResult, IngestResult, RunStatus


class Cost(Model):
    """What the model calls of a run cost. None where no price is known for the model."""

    usd: float | None
    saved_by_reuse_usd: float | None
    prices_as_of: str | None
    human_hours: float
    minutes_per_case: float
    saved_by_cache_usd: float | None = Field(default=None, description="against calls on demand without prompt cache")
    saved_by_batch_usd: float | None = Field(default=None, description="against the same calls on demand")
    perhaps_spent_usd: float = Field(
        default=0.0, description="beside usd: set aside for calls whose answer never came back, at its most"
    )


class Sample(Model):
    """One case shown in the report, in anonymized form (only ever stored in the data bucket)."""

    case_id: str
    kind: Literal["repaired", "dropped", "failed", "needs_review", "close_call", "disagrees_with_gold"]
    category: str | None
    gold_category: str | None
    reason: str
    excerpt: str


class ClassGain(Model):
    """A class that was short before a selection, and what it gained. `prevalence` is its share of the explored cases,
    which are a fair sample of the backlog."""

    category: str
    short_before: int
    gained: int
    prevalence: Interval | None


class SelectionSummary(Model):
    """How SelectNext spent a budget that did not afford the whole backlog."""

    rounds: int
    backlog: int
    affordable: int
    chosen: int
    explored: int
    near_duplicates: int
    labeled: int
    gains: tuple[ClassGain, ...]


class RunSummary(Model):
    """Everything that the report and the CLI show of a run; they only render it."""

    run_id: str
    task: str
    status: RunStatus
    prompt: PromptRef
    model_id: str
    source: str
    started_at: datetime
    finished_at: datetime
    ingest: IngestResult
    outcomes: dict[OutcomeName, int]
    outcome_reasons: dict[str, int] = Field(default_factory=dict, description="'failed: ModelThrottled' → count")
    repairs: dict[str, int]
    close_calls: int
    model_calls: int
    reused_calls: int
    usage: Usage
    batch_calls: int = Field(default=0, description="of model_calls, those that a batch job answered")
    batch_usage: Usage = Field(default=Usage(), description="of usage, theirs; at the price of a batch")
    cost: Cost
    budget_usd: float
    classes: dict[str, int]
    entities: dict[str, int]
    accuracy: AccuracyBlock | None = None
    confidence: ConfidenceBlock | None = None
    vote_calls: int = Field(default=0, description="of the calls paid for and reused, those for votes")
    batch: BatchSummary | None = Field(default=None, description="None where no batch job answered")
    batch_reason: str | None = Field(default=None, description="why not every case went into a batch, in words")
    balance: BalanceResult | None = None
    training_job: str | None = None
    training_error: str | None = None
    selection: SelectionSummary | None = None
    samples: tuple[Sample, ...] = ()
    replay: ReplaySummary | None = Field(default=None, description="the last time that the run was gone over again")

    @property
    def left_for_later(self) -> int:
        """Cases of a backlog that the budget did not afford; they stay new."""
        return self.outcome_reasons.get("dropped: left_for_later", 0)

    @property
    def budget_reached(self) -> int:
        """Cases for which the budget had no room any more; they stay new."""
        return self.outcome_reasons.get(f"dropped: {BUDGET_REACHED}", 0)

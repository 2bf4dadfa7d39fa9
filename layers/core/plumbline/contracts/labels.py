"""What became of a case: its label, or why it has none."""

from typing import Literal

from pydantic import Field

from plumbline.contracts.base import Model
from plumbline.contracts.confidence import Signals
from plumbline.contracts.prompts import PromptRef

LOW_CONFIDENCE = "low_confidence"
FITS_NO_CATEGORY = "fits_no_category"
BUDGET_REACHED = "budget_reached"
"""Why a case was dropped: its next call could have brought the run above its budget."""
OutcomeName = Literal["labeled", "needs_review", "dropped", "failed", "unchanged"]


class Lineage(Model):
    """Where a label comes from."""

    prompt: PromptRef
    model_id: str
    run_id: str


class Label(Model):
    """A root cause read from a model's reply.

    `confidence` ranks labels within a run; it is not a probability while `calibrated` is false.
    `repairs` names each mend the parser or a re-ask made, in order. `signals` is what confidence was made of.
    """

    case_id: str
    category: str
    runner_up: str | None = None
    reasoning: str = ""
    confidence: float = Field(ge=0.0, le=1.0)
    calibrated: bool = False
    close_call: bool = False
    repairs: tuple[str, ...] = ()
    signals: Signals | None = None
    lineage: Lineage


class Unparsed(Model):
    """A case whose last reply gave no label. `final` means that asking again is of no use."""

    case_id: str
    attempt: int
    reason: str
    final: bool = False


class Outcome(Model):
    """The one outcome of one ingested case in one run, without its text.

    A case that needs review for its low confidence keeps the category as the model's proposal; only `labeled` accepts.
    """

    case_id: str
    outcome: OutcomeName
    reason: str | None = None
    shard: str | None = None
    content_hash: str
    category: str | None = None
    runner_up: str | None = None
    confidence: float | None = None
    calibrated: bool = False
    close_call: bool = False
    repairs: tuple[str, ...] = ()
    gold_category: str | None = None
    fingerprint: str | None = None
    cut: bool = False

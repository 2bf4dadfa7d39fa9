"""Labeling the right cases next: what the stages tell each other where a backlog is larger than the budget."""

from pydantic import Field

from plumbline.contracts.base import Model
from plumbline.contracts.labels import BUDGET_REACHED
from plumbline.contracts.runs import IngestResult, RunRequest

LEFT_FOR_LATER = "left_for_later"
"""Why a case of a backlog was dropped: the budget went to cases that were of more use."""
UNPAID = frozenset({LEFT_FOR_LATER, BUDGET_REACHED})
"""Why a case was dropped for want of money, so that nothing is said about it; it stays new."""


class CaseVector(Model):
    """A case as SelectNext sees it: no text. `vector` is int8 in base64; plumbline.select_next.vectors packs it."""

    case_id: str
    content_hash: str
    fingerprint: str
    tokens: int = Field(ge=0, description="about how many asking about it takes, without the prompt's static part")
    vector: str


class ChosenCase(Model):
    """A case that goes to the model. `explored`: drawn at random, and so a fair sample of the backlog."""

    case_id: str
    round: int = Field(ge=1)
    explored: bool = False


class SelectTask(Model):
    """SelectNext's event. `round` counts from 1."""

    run: RunRequest
    ingest: IngestResult
    round: int = Field(ge=1)


class SelectResult(Model):
    """What SelectNext chose in this round, and in all rounds so far."""

    round: int
    chosen: int
    chosen_so_far: int
    shards: int
    more: bool = Field(description="whether another round may follow this one's labels")


class Selection(Model):
    """One run's selection so far: what SelectNext knew when it chose last."""

    rounds: int
    backlog: int = Field(description="cases that could be chosen")
    affordable: int
    chosen: int
    explored: int
    near_duplicates: int = Field(
        description="how often a case was passed over, being near to one that is labeled or chosen, over all rounds"
    )
    passed_over: tuple[int, ...] = Field(default=(), description="the same round by round")
    short_before: dict[str, int] = Field(description="labels that each short class missed before this run")
    shards: tuple[str, ...] = Field(default=(), description="shards of which cases were chosen")
    unread: tuple[str, ...] = Field(default=(), description="shards without vectors: they failed before")

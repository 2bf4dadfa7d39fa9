"""How good a run's labels are, by whichever checks could be made of it."""

from typing import Literal

from pydantic import Field

from plumbline.contracts.accuracy import AccuracyBlock, Interval
from plumbline.contracts.base import Model
from plumbline.contracts.gold import GoldOrigin
from plumbline.contracts.prompts import PromptRef
from plumbline.contracts.replies import Usage

Check = Literal["gold", "references", "judge", "review_sheet"]
MIN_SCORE, MAX_SCORE = 1, 5
RIGHT_FROM = 4  # a judge that scores this or more says that the label is right


class Choice(Model):
    """A check that can be made of a run: whether it was made, and why or why not."""

    check: Check
    made: bool
    why: str


class Mean(Model):
    """A mean over cases with its 95% bootstrap interval."""

    value: float
    low: float
    high: float
    n: int


class LeftOut(Model):
    """Reviewed rows that say nothing of a run's accuracy: picked because their label is likely wrong, or imported when
    it was not yet kept how a row was drawn."""

    picked: int = 0
    unknown: int = 0


class GoldCheck(Model):
    """The labels beside what people say. `origins` counts whose word it is; `held` counts gold cases whose label waits
    for a person, which have no accepted label and so lower the coverage. Both count what the figures are over."""

    figures: AccuracyBlock
    origins: dict[GoldOrigin, int]
    held: int = 0
    left_out: LeftOut = LeftOut()


class Reference(Model):
    """A reasoning that a person wrote, to compare the model's with."""

    case_id: str
    reasoning: str


class ReferenceCheck(Model):
    """The model's reasonings beside people's. `unmatched` counts references to cases without a label in the run."""

    rouge_l: Mean = Field(description="F-measure of the longest common subsequence of words, stemmed")
    cosine: Mean = Field(description="of the two texts' sentence embeddings")
    unmatched: int = 0


class Judged(Model):
    """One line of `runs/<run>/judged.jsonl`: what a judge says of a label. It is an opinion, not gold."""

    case_id: str
    content_hash: str
    category: str
    score: int = Field(ge=MIN_SCORE, le=MAX_SCORE)
    explanation: str
    judge_model_id: str
    judge: PromptRef

    @property
    def share(self) -> float:
        """The score from 0 to 1, as the signal `judged` of confidence takes it."""
        return (self.score - MIN_SCORE) / (MAX_SCORE - MIN_SCORE)


class JudgeAgreement(Model):
    """A judge beside people, on labels that both have judged."""

    cases: int
    auroc: float | None = Field(description="that a wrong label is scored lower; None where all are right, or wrong")
    kappa: float | None = Field(description="of a score of 4 or 5 with right; None where chance alone explains all")
    agreed: Interval = Field(description="the share of which judge and people say the same: right, or wrong")
    right_when_high: Interval | None = Field(description="of the labels scored 4 or 5, the share that is right")
    right_when_low: Interval | None


class JudgeCheck(Model):
    """What another model says of a sample of the labels: judge scores, never accuracy.

    `score` and `scores` are over the `sampled` labels that were drawn at random; `extra` others with gold were judged
    as well, for the agreement alone. `unread` counts those of both whose replies gave no score, `unasked` others for
    which the budget allowed no call.
    """

    model_id: str
    prompt: PromptRef
    sampled: int
    extra: int = 0
    unread: int = 0
    unasked: int = 0
    score: Mean | None
    scores: dict[int, int]
    agreement: JudgeAgreement | None
    lowest: tuple[Judged, ...] = ()
    usage: Usage
    calls: int
    reused: int
    paid_usd: float | None


class Evaluation(Model):
    """What `plumbline evaluate` found of a run."""

    run_id: str
    task: str
    prompt: PromptRef
    model_id: str
    choices: tuple[Choice, ...]
    gold: GoldCheck | None = None
    references: ReferenceCheck | None = None
    judge: JudgeCheck | None = None
    review_sheet: str | None = Field(default=None, description="where the sheet for people was written")

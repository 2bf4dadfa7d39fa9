"""What is known of a label besides the label, and what makes a probability of it."""

from datetime import datetime

from pydantic import Field

from plumbline.contracts.accuracy import Interval
from plumbline.contracts.base import Model
from plumbline.contracts.prompts import PromptRef


class Signals(Model):
    """Signs that a label may be wrong. None is a signal that was not taken."""

    runner_up: bool = Field(description="the model named a runner-up")
    mended: int = Field(default=0, description="repairs of the parser")
    re_asked: int = Field(default=0, description="asks after the first")
    category: str = Field(default="", description="the label: some classes are easier to get wrong than others")
    others_named: int = Field(default=0, description="other categories that the reasoning names")
    reasoning_words: int = 0
    votes_for: float | None = Field(default=None, ge=0, le=1, description="share of further answers of the same label")
    neighbours_for: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="share of the nearest labels of the run that are the same; known after it, where it has vectors",
    )
    judged: float | None = Field(default=None, ge=0, le=1, description="a judge's score; known after the run")


class Weights(Model):
    """A logistic regression: the chance of a right label is 1 / (1 + exp(-(intercept + sum of weight x feature)))."""

    intercept: float
    by_feature: dict[str, float] = Field(description="see plumbline.confidence.features; a feature that is absent is 0")


class Bin(Model):
    """Labels of about the same confidence: how many, what was said of them on average, and how many were right."""

    cases: int
    confidence: float
    accuracy: float


class ReviewPoint(Model):
    """What sending the least confident share of labels to people does."""

    reviewed: float = Field(description="share of the labels")
    errors_caught: float = Field(description="share of the wrong labels that are among them")
    accuracy: float | None = Field(description="of the labels that are kept; None where none is")


class Figures(Model):
    """How well confidences tell right labels from wrong ones, on cases that they were not fitted on."""

    auroc: float | None = Field(description="of telling wrong labels from right ones; None where there is but one kind")
    calibration_error: float
    bins: tuple[Bin, ...] = ()
    review: tuple[ReviewPoint, ...] = ()


class Later(Model):
    """What a judge's scores and the nearest labels add, which are known only after a run: weights of their own, that
    order a review queue. No confidence of a run has them.

    The figures are over the labels among `cases` that stand for the run; None where none does.
    """

    weights: Weights
    cases: int
    figures: Figures | None = None
    without: Figures | None = Field(default=None, description="the same labels, by what was known at once")


class Calibration(Model):
    """Logistic regression over signals, fitted on gold: of one prompt and one model, and of nothing else.

    `with_votes` is for labels that have votes; those are cases that were uncertain before, so they have weights of
    their own. None where too few had votes. It is fitted on all `cases`; what it is worth is measured on those that
    stand for the run, so without the rows of a review queue that were picked as likely wrong.
    """

    task: str
    prompt: PromptRef
    model_id: str
    fitted_at: datetime
    cases: int
    weights: dict[str, float] = Field(description="by feature; see plumbline.confidence.features")
    intercept: float
    with_votes: Weights | None = None
    auroc: float | None = Field(description="of telling wrong labels from right ones, on cases it was not fitted on")
    calibration_error: float
    accuracy: Interval
    voted: int = Field(default=0, description="how many of the cases had votes")
    measured: int | None = Field(default=None, description="cases that the figures are over; None: all of them")
    figures: Figures | None = Field(default=None, description="on cases it was not fitted on")
    rank: Figures | None = Field(default=None, description="the same of the uncalibrated rank, to compare")
    later: Later | None = Field(default=None, description="None where too little was known of too few labels")


class ConfidenceBlock(Model):
    """What a run's confidences are worth. `calibrated` and `uncalibrated` count labels."""

    calibrated: int
    uncalibrated: int
    voted: int = 0
    review_below: float
    auroc: float | None = Field(default=None, description="of the calibration, where there was one")
    calibration_error: float | None = None
    fitted_on: int | None = Field(default=None, description="gold cases")
    unlikely: dict[str, int] = Field(default_factory=dict, description="labels below review_below, by class")

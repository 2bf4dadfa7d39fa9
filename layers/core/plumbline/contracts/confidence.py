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
    votes_for: float | None = Field(default=None, ge=0, le=1, description="share of further answers of the same label")
    neighbours_for: float | None = Field(
        default=None, ge=0, le=1, description="share of the nearest gold or labeled cases that have the same label"
    )
    judged: float | None = Field(default=None, ge=0, le=1, description="a judge's score")


class Calibration(Model):
    """Logistic regression over signals, fitted on gold: of one prompt and one model, and of nothing else."""

    task: str
    prompt: PromptRef
    model_id: str
    fitted_at: datetime
    cases: int
    weights: dict[str, float] = Field(description="by feature; see plumbline.confidence.features")
    intercept: float
    auroc: float | None = Field(description="of telling wrong labels from right ones, on cases it was not fitted on")
    calibration_error: float
    accuracy: Interval

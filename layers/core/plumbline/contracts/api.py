"""What the REST API takes and answers."""

from typing import Literal

from pydantic import Field

from plumbline.contracts.base import Model


class Alternative(Model):
    """Another category that the case may belong to."""

    category: str
    confidence: float = Field(ge=0.0, le=1.0)


class Prediction(Model):
    """The answer of `POST /predictions`.

    `category` is null when the model abstains: its best guess is then the first of `alternatives`. `confidence` is a
    calibrated probability of the best guess; from a language model (`model_version` begins with `llm:`) only a rank.
    """

    category: str | None
    confidence: float = Field(ge=0.0, le=1.0)
    alternatives: tuple[Alternative, ...]
    abstained: bool
    model_version: str
    anonymized_entities: dict[str, int] = Field(description="how many different values were masked, by type")
    request_id: str


class Health(Model):
    """The answer of `GET /health`."""

    status: Literal["ok", "no_model", "model_unavailable"]
    model_version: str | None


class Problem(Model):
    """What went wrong, in every answer that is no success."""

    code: str = Field(description="a fixed word to branch on, such as `invalid_request`")
    message: str = Field(description="what happened and what to do next; never quotes the case")
    request_id: str


class ErrorAnswer(Model):
    """The body of every answer that is no success."""

    error: Problem

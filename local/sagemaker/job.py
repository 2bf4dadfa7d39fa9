"""A training job as the runner sees it, and what it tells whoever asked for the job."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

Status = Literal["InProgress", "Stopping", "Completed", "Failed", "Stopped"]
_FAILURE_CHARS = 1024  # as much as DescribeTrainingJob gives of a failure's reason


@dataclass(frozen=True)
class TrainingJob:
    """What CreateTrainingJob asked for; `channels` and `resources` in the API's own shape."""

    name: str
    arn: str
    region: str
    hyperparameters: Mapping[str, str]
    channels: tuple[Mapping[str, Any], ...]
    resources: Mapping[str, Any]
    output: str
    max_seconds: float

    def decoded(self) -> dict[str, Any]:
        """The hyperparameters by name; a value that is no JSON stays the text it is (as the training toolkit does)."""
        return {name: _decoded(value) for name, value in self.hyperparameters.items()}


def _decoded(value: str) -> object:
    try:
        return json.loads(value)
    except ValueError:
        return value


@dataclass(frozen=True)
class Change:
    """A job's new state. `secondary` and `message` are in SageMaker's own words."""

    status: Status
    secondary: str
    message: str
    failure: str | None = None
    artifacts: str | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more becomes of the job."""
        return self.status in {"Completed", "Failed", "Stopped"}


class Recorder(Protocol):
    """Hears what becomes of one job, in order; called from the runner's threads."""

    def __call__(self, change: Change, /) -> None:
        """Take the change down."""


class JobFailed(Exception):
    """A job cannot go on; the message is the failure's reason as DescribeTrainingJob gives it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason[:_FAILURE_CHARS])

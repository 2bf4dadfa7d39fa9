"""What became of the records that a run gave to batch jobs."""

from typing import Literal

from pydantic import Field

from plumbline.contracts.base import Model
from plumbline.contracts.replies import Usage

JobStatus = Literal[
    "Submitted", "Validating", "Scheduled", "InProgress", "Completed", "PartiallyCompleted", "Failed", "Stopping",
    "Stopped", "Expired",
]  # fmt: skip


class BatchSummary(Model):
    """What became of the records of a run: records = answered + errors + missing."""

    jobs: dict[JobStatus, int]
    records: int
    answered: int
    errors: dict[str, int] = Field(default_factory=dict, description="error code to records; asked again on demand")
    missing: int = Field(default=0, description="records without a line of output; asked again on demand")
    repeated: int = Field(default=0, description="lines about a record that had one; the first counts")
    strangers: int = Field(default=0, description="lines about no record of this run; left out")
    usage: Usage = Usage()

"""Gold labels: what people say a case's root cause is."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from plumbline.contracts.base import Model
from plumbline.contracts.review import Part

GoldSource = Literal["review", "ground_truth"]
GoldOrigin = Literal["file", "review", "ground_truth", "export"]


class GoldLabel(Model):
    """One case as a person labeled it. `content_hash` says which content of the case was judged."""

    case_id: str
    category: str
    source: GoldSource
    labeled_at: datetime
    run_id: str
    content_hash: str
    close_call: bool = False
    note: str = ""
    part: Part | None = Field(default=None, description="how the row was drawn; None where that was not kept")

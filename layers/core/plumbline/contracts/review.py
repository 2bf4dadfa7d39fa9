"""A sheet of cases for people to label: which cases are on it, why, and where they come from."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from plumbline.contracts.base import Model
from plumbline.contracts.prompts import PromptRef

Part = Literal["random", "useful"]
"""Why a case is on a sheet: drawn at random from the accepted labels, so that it counts for the accuracy, or picked
because a person's label of it is worth most."""


class AskedCase(Model):
    """One case of a sheet, without its text."""

    key: str = Field(description="the row's own name on the sheet")
    case_id: str
    content_hash: str
    model_label: str
    part: Part


class SheetLineage(Model):
    """What a sheet was made of. `sheet_id` is the same for the same run, choice of cases and content of them."""

    sheet_id: str = Field(pattern=r"^[0-9a-f]{12}$")
    run_id: str
    task: str
    prompt: PromptRef
    model_id: str
    exported_at: datetime
    seed: int
    queue: bool
    population: int = Field(description="accepted labels of the run, which the random part was drawn from")
    answers: tuple[str, ...] = Field(description="what a person may answer: categories, none-of-these where there is")

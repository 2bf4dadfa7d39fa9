"""The balanced dataset that CheckBalance writes and training reads."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from plumbline.contracts.base import Model
from plumbline.contracts.prompts import PromptRef
from plumbline.contracts.runs import Verdict

Split = Literal["train", "validation", "test"]


class DatasetRow(Model):
    """One line of a split file: an anonymized case as one text, with its label."""

    case_id: str
    text: str
    category: str


class SplitFile(Model):
    """One file of a dataset."""

    split: Split
    key: str
    sha256: str
    bytes: int
    rows: int
    per_class: dict[str, int]


class DatasetManifest(Model):
    """What a dataset holds and where it comes from."""

    task: str
    version: str
    created_at: datetime
    verdict: Verdict
    target_per_class: int
    categories: tuple[str, ...]
    per_class: dict[str, int]
    files: tuple[SplitFile, ...]
    prompts: tuple[PromptRef, ...]
    model_ids: tuple[str, ...]
    run_ids: tuple[str, ...]
    near_duplicates_left_out: int
    human_labels: int = Field(default=0, description="rows whose category a person gave, in place of the model's")
    pool_per_class: dict[str, int] = Field(
        default_factory=dict,
        description="accepted labels per class before balancing; what comes in, not what was picked",
    )


class TrainingStarted(Model):
    """StartTraining's answer. `already_started` means that this manifest was being or had been trained.

    `job_name` is a training job's name, or the ARN of a pipeline's execution where the stack names a pipeline.
    """

    job_name: str
    already_started: bool
    manifest_key: str

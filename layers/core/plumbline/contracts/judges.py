"""The strict shape of a judge's prompt file."""

from pydantic import Field

from plumbline.contracts.base import Model
from plumbline.contracts.prompts import ModelDefaults, PromptRef, Text

Step = str


class JudgePrompt(Model):
    """One version of what a judge is told. It knows no task: the categories come from the prompt that labeled."""

    version: str = Field(pattern=r"^v[1-9][0-9]*$")
    summary: str = Field(min_length=1, description="one line: what this version changes")
    persona: Text = ""
    instructions: Text = Field(min_length=1)
    scale: tuple[Step, ...] = Field(min_length=5, max_length=5, description="what the scores 1 to 5 mean, in order")
    output_format: Text = Field(min_length=1)
    model: ModelDefaults


class LoadedJudge(Model):
    """A judge's prompt together with what identifies its file; `ref.task` is the folder's name."""

    prompt: JudgePrompt
    ref: PromptRef

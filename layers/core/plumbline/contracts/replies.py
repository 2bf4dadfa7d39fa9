"""What is asked of a language model and what it answers."""

import hashlib
import json
from collections.abc import Iterable
from functools import reduce
from operator import add
from typing import Literal, Self

from pydantic import Field

from plumbline.contracts.base import Model
from plumbline.contracts.prompts import PromptRef


class Turn(Model):
    """One turn of the conversation with the model."""

    role: Literal["user", "assistant"]
    text: str


class ModelRequest(Model):
    """One call of a model. `system` is the same for every case of a run, so that a prompt cache can hold it."""

    model_id: str
    system: str
    turns: tuple[Turn, ...]
    max_tokens: int
    temperature: float = 0.0
    sample: int = Field(default=0, ge=0, description="tells further answers to one request apart; not sent")

    @property
    def key(self) -> str:
        """sha256 (hex) of everything that an answer depends on: model, system text, turns, max_tokens, temperature.

        Fields at their default are left out, so that a field added later does not make every stored reply unknown.
        """
        return hashlib.sha256(json.dumps(self.model_dump(exclude_defaults=True), sort_keys=True).encode()).hexdigest()


class Usage(Model):
    """Tokens of one or many calls. `input_tokens` leaves out those read from or written to the prompt cache."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0

    def __add__(self, other: Self) -> "Usage":
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cache_read_tokens=self.cache_read_tokens + other.cache_read_tokens,
            cache_write_tokens=self.cache_write_tokens + other.cache_write_tokens,
        )


def summed(usages: Iterable[Usage]) -> Usage:
    """The tokens of all of them together."""
    return reduce(add, usages, Usage())


class ModelReply(Model):
    """A model's answer. `from_cache` means that another run paid for it (`paid_by`) and it was only looked up now."""

    text: str
    stop_reason: str
    usage: Usage
    from_cache: bool = False
    paid_by: str = ""
    batch: bool = Field(default=False, description="answered by a batch job, at its price")


class Reply(Model):
    """A model's answer about one case. `error` names why there is none (the text is then empty)."""

    case_id: str
    text: str
    stop_reason: str
    usage: Usage
    model_id: str
    prompt: PromptRef
    attempt: int = Field(ge=0, description="0 is the first ask, 1 the first repair")
    sample: int = Field(default=0, ge=0, description="1 and up: a further answer, a vote")
    from_cache: bool = False
    batch: bool = Field(default=False, description="answered by a batch job, at its price")
    error: str | None = None

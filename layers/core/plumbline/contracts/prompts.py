"""The strict shape of a prompt file."""

import re
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from plumbline.contracts.base import Model

Text = str


def name_key(name: str) -> str:
    """A category's name without what writers vary: capitals, spaces, punctuation, quotes, a leading number."""
    return re.sub(r"^\d+", "", re.sub(r"[\W_]+", "", name.casefold()))


class Category(Model):
    """One root cause: its name, what it means, and what a case of it looks like."""

    name: str = Field(min_length=1, max_length=80)
    description: Text = Field(min_length=1)
    output: Text = Field(default="", description="what the outcome of such a case looks like")
    aliases: tuple[str, ...] = ()


class GoodExample(Model):
    """A case with its right category and the reasoning that leads there."""

    case: Text = Field(min_length=1)
    category: str
    reasoning: Text = Field(min_length=1)


class BadExample(Model):
    """A case with a wrong classification that is easily made, why it is wrong, and the right category."""

    case: Text = Field(min_length=1)
    wrong_category: str
    why_wrong: Text = Field(min_length=1)
    category: str


class NoneOfThese(Model):
    """The answer for a case that fits no category: such a case goes to a person and never into a dataset."""

    name: str = Field(min_length=1, max_length=80)
    description: Text = Field(min_length=1)
    aliases: tuple[str, ...] = Field(default=(), description="other ways to say so: none, other, fits no category")


class ModelDefaults(Model):
    """How the model is called. max_tokens is small on purpose: Bedrock reserves it against the token quota."""

    max_tokens: int = Field(ge=16, le=8192)
    temperature: float = Field(default=0.0, ge=0.0, le=1.0)


class Prompt(Model):
    """One version of one task's prompt. Categories are ordered from most deterministic to least specific."""

    task: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    version: str = Field(pattern=r"^v[1-9][0-9]*$")
    summary: str = Field(min_length=1, description="one line: what this version changes")
    style: Literal["plain", "xml"] = "xml"
    persona: Text = ""
    background: Text = ""
    categories: tuple[Category, ...] = Field(min_length=2)
    none_of_these: NoneOfThese | None = None
    good_examples: tuple[GoodExample, ...] = ()
    bad_examples: tuple[BadExample, ...] = ()
    instructions: Text = Field(min_length=1)
    output_format: Text = Field(min_length=1)
    model: ModelDefaults

    @field_validator("categories")
    @classmethod
    def _names_are_unique(cls, categories: tuple[Category, ...]) -> tuple[Category, ...]:
        owner: dict[str, int] = {}  # an alias may differ from its own category's name by form only
        for position, category in enumerate(categories):
            for name in (category.name, *category.aliases):
                if owner.setdefault(name_key(name) or name, position) != position:
                    raise ValueError(f"the name or alias {name!r} is used twice")
        return categories

    @model_validator(mode="after")
    def _none_of_these_is_no_category(self) -> Self:
        if self.none_of_these:
            taken = {name_key(name) for category in self.categories for name in (category.name, *category.aliases)}
            for name in (self.none_of_these.name, *self.none_of_these.aliases):
                if name_key(name) in taken:
                    raise ValueError(f"none_of_these: {name!r} is the name or an alias of a category")
        return self

    @model_validator(mode="after")
    def _examples_name_known_categories(self) -> Self:
        known = {answer.name for answer in self.answers}
        groups: tuple[tuple[str, tuple[GoodExample | BadExample, ...]], ...] = (
            ("good_examples", self.good_examples),
            ("bad_examples", self.bad_examples),
        )
        for kind, examples in groups:
            for position, example in enumerate(examples):
                named = [example.category]
                if isinstance(example, BadExample):
                    named.append(example.wrong_category)
                    if example.category == example.wrong_category:
                        raise ValueError(f"{kind}[{position}]: the wrong category is the right one")
                for name in named:
                    if name not in known:
                        raise ValueError(f"{kind}[{position}]: {name!r} is not one of the categories")
        return self

    @property
    def answers(self) -> tuple[Category, ...]:
        """What the model may answer: the categories, then none-of-these where the task has it."""
        none = self.none_of_these
        return (*self.categories, Category(**none.model_dump())) if none else self.categories

    @property
    def answer_names(self) -> tuple[str, ...]:
        """The names of the answers: what gold labels may say."""
        return tuple(answer.name for answer in self.answers)

    @property
    def category_names(self) -> tuple[str, ...]:
        """The categories' names, in the prompt's order."""
        return tuple(category.name for category in self.categories)


class PromptRef(Model):
    """Which prompt made a reply: enough to find the file and to prove that it has not changed."""

    task: str
    version: str
    sha256: str

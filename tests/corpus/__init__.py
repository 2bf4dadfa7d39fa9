"""Replies of models as they come, damaged in every way that is known, and cases that try to give orders."""

from functools import cache
from pathlib import Path

import yaml

from plumbline.contracts.base import Model
from plumbline.contracts.prompts import Category, NoneOfThese, Prompt
from plumbline.prompting import load_prompt

HERE = Path(__file__).parent
UNPARSEABLE = "unparseable"
NONE = NoneOfThese(name="None of these", description="No case of a customer at all.")


class DamagedReply(Model):
    """A reply and what a careful person reads from it: a category, or that nothing certain can be read.

    The runner-up is judged only where it is given; "none" means that there is none.
    """

    text: str
    category: str
    runner_up: str | None = None
    truncated: bool = False
    why: str = ""


class Family(Model):
    """Replies of one kind of damage, of a task with or without none-of-these."""

    name: str
    about: str
    none_of_these: bool = False
    replies: tuple[DamagedReply, ...]


@cache
def families() -> tuple[Family, ...]:
    """The corpus, family by family."""
    files = sorted((HERE / "replies").glob("*.yaml"))
    return tuple(Family.model_validate({"name": f.stem, **yaml.safe_load(f.read_text("utf-8"))}) for f in files)


@cache
def prompt(*, none_of_these: bool = False) -> Prompt:
    """The prompt that the replies answer: a published one, so that neither names nor aliases change."""
    loaded = load_prompt(HERE.parents[1] / "prompts", "root_cause", "v3").prompt
    return loaded.model_copy(update={"none_of_these": NONE}) if none_of_these else loaded


def answers(family: Family) -> tuple[Category, ...]:
    """What the family's task allows."""
    return prompt(none_of_these=family.none_of_these).answers

"""Replies of models as they come, damaged in every way that is known, and cases that try to give orders."""

from functools import cache
from pathlib import Path
from typing import Literal

import yaml

from plumbline.contracts.base import Model
from plumbline.contracts.cases import AnonymizedCase, Message
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


class Injection(Model):
    """A text in a support case that tries to get the category `wished`, and how and where it is set in."""

    case: str
    wished: str
    text: str
    at: Literal["end", "start", "subject", "last"] = "end"
    padding: str = ""
    repeat: int = 0

    @property
    def said(self) -> str:
        """The text with its padding."""
        return self.padding * self.repeat + self.text


class SupportCase(Model):
    """A case of our own words, and its category."""

    category: str
    subject: str
    messages: tuple[Message, ...]

    def told(self, case_id: str, injection: Injection | None = None) -> AnonymizedCase:
        """The case as a model is asked about it, with the injection where there is one."""
        subject, messages = self.subject, self.messages
        if injection and injection.at == "subject":
            subject = f"{subject} {injection.said}"
        elif injection and injection.at == "last":
            messages = (*messages, Message(role="customer", text=injection.said))
        elif injection:
            first, said = messages[0], injection.said
            text = f"{first.text} {said}" if injection.at == "end" else f"{said} {first.text}"
            messages = (first.model_copy(update={"text": text}), *messages[1:])
        return AnonymizedCase(case_id=case_id, subject=subject, messages=messages, fingerprint="0" * 16)


class Injections(Model):
    """The cases by name, and the injections by family."""

    cases: dict[str, SupportCase]
    injections: dict[str, tuple[Injection, ...]]

    def each(self) -> list[tuple[str, Injection]]:
        """Every injection with its family, the first of each family first: a few of them are of many kinds."""
        longest = max(map(len, self.injections.values()))
        return [
            (family, those[number])
            for number in range(longest)
            for family, those in self.injections.items()
            if number < len(those)
        ]


@cache
def injections() -> Injections:
    """The corpus of injections."""
    return Injections.model_validate(yaml.safe_load((HERE / "injections.yaml").read_text("utf-8")))

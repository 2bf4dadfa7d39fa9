"""Support cases before and after anonymization."""

import hashlib
from datetime import datetime
from typing import Literal

from pydantic import Field

from plumbline.contracts.base import Model

Role = Literal["customer", "agent", "other"]
UNKNOWN_GOLD = "(not a category of this task)"  # stands for a gold label that no prompt of the task lists


class Message(Model):
    """One turn of a conversation."""

    role: Role
    text: str
    at: datetime | None = None


class Cut(Model):
    """What was taken out of an overlong conversation (sizes in characters, over subject and messages).

    `content_hash` is that of the whole conversation, so that a cut case is known again.
    """

    original_chars: int
    kept_chars: int
    rule: str
    content_hash: str | None = None


class CaseBase(Model):
    """The fields that a case has on either side of anonymization."""

    case_id: str = Field(min_length=1, max_length=256)
    subject: str = ""
    messages: tuple[Message, ...] = ()
    created_at: datetime | None = None
    updated_at: datetime | None = None
    product: str | None = None
    cut: Cut | None = None

    @property
    def chars(self) -> int:
        """The length of the case's text in characters."""
        return len(self.subject) + sum(len(message.text) for message in self.messages)


class Case(CaseBase):
    """A support case as it came out of the helpdesk: raw text, only ever in the raw bucket."""

    gold_category: str | None = None

    def content_hash(self) -> str:
        """sha256 of what a label depends on: subject, product, and every message's role and text, before any cut."""
        if self.cut and self.cut.content_hash:
            return self.cut.content_hash
        digest = hashlib.sha256()
        for part in (self.subject, self.product or "", *(f"{m.role}\x1f{m.text}" for m in self.messages)):
            digest.update(part.encode("utf-8", "surrogatepass"))
            digest.update(b"\x1e")
        return digest.hexdigest()


class AnonymizedCase(CaseBase):
    """A case whose personal data stands as placeholders such as `[NAME_1]`.

    `entities` counts what was masked by type, never values. `fingerprint` is a 64-bit SimHash (16 hex digits) of the
    anonymized text; two near-duplicates differ in few bits. `content_hash` is the raw case's. The gold label stays
    behind: a model must not see it.

    `review` says in fixed phrases why a person has to look at the case before any model does (`policy: PASSPORT`,
    `leftover: EMAIL`); never values. The texts of a stored case that needs review are empty. `error` is the class name
    of what anonymizing the case broke with; such a case also has a `review`, so that no model is asked.
    """

    entities: dict[str, int] = Field(default_factory=dict)
    fingerprint: str = Field(pattern=r"^[0-9a-f]{16}$")
    content_hash: str | None = None
    review: tuple[str, ...] = ()
    error: str | None = None

    @property
    def review_reason(self) -> str | None:
        """Why a person has to look first, in words; None where nobody has to."""
        return f"Anonymization: {', '.join(why.replace(':', '') for why in self.review)}" if self.review else None


class IngestedCase(Model):
    """One line of the run's case index: what ingest decided about a case, without its text."""

    case_id: str
    content_hash: str
    status: Literal["new", "unchanged"]
    shard: str | None = None
    gold_category: str | None = None
    cut: bool = False


class Reject(Model):
    """A row that could not become a case. `reason` is one of a few fixed phrases, never the row's text."""

    line: int
    reason: str
    detail: str = ""
    case_id: str | None = None

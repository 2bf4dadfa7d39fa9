"""Where personal data stands in a text, and how overlapping finds become one."""

import re
from collections.abc import Iterable
from typing import NamedTuple

# From most to least specific: the first type of this list wins where finds overlap. A detector that knows further
# types adds them here; NAME stays last.
ENTITY_TYPES = (
    "ARN",
    "TOKEN",
    "KEY",
    "IBAN",
    "BANK_ACCOUNT",
    "AWS_ACCOUNT",
    "CARD",
    "CVV",
    "CARD_EXPIRY",
    "EMAIL",
    "SSN",
    "NATIONAL_ID",
    "PASSPORT",
    "LICENCE",
    "PLATE",
    "IP",
    "MAC",
    "PHONE",
    "BIRTH_DATE",
    "PASSWORD",
    "USERNAME",
    "HOST",
    "ADDRESS",
    "REFERENCE",
    "NAME",
)
_RANK = {name: rank for rank, name in enumerate(ENTITY_TYPES)}
_OWN_RANK = _RANK["REFERENCE"] - 0.5  # of a company's own types: they say more than that it is some reference
# Of any type, since companies configure their own: a number, or a pseudonym (see `pseudonyms`).
PLACEHOLDER = re.compile(r"\[[A-Z][A-Z0-9_]{1,30}_(?:[1-9]\d{0,5}|[a-z][a-z2-7]{7})\]")


class Span(NamedTuple):
    """Characters start…end (exclusive) of a text hold an entity of this type."""

    start: int
    end: int
    type: str


def merge(spans: Iterable[Span]) -> list[Span]:
    """Spans that do not overlap, in order, covering every character that the given ones cover.

    Overlapping spans become one, from the first's start to the last's end, with the most specific type among them:
    nothing of either stays readable. A NAME gives way instead: only what lies outside the others stays a NAME, so
    that a name that was found together with the e-mail address behind it keeps its own placeholder.
    """
    everything = sorted(spans)
    firm = _merge_overlapping([span for span in everything if span.type != "NAME"])
    names = _merge_overlapping([span for span in everything if span.type == "NAME"])
    return sorted([*firm, *(rest for name in names for rest in subtract(name, firm))])


def subtract(span: Span, holes: Iterable[Span]) -> list[Span]:
    """What is left of the span outside the holes (in order, without overlaps)."""
    left, start = [], span.start
    for hole in holes:
        if hole.end <= start or hole.start >= span.end:
            continue
        if hole.start > start:
            left.append(Span(start, hole.start, span.type))
        start = hole.end
    if start < span.end:
        left.append(Span(start, span.end, span.type))
    return left


def trim(text: str, span: Span) -> Span | None:
    """The span without space and punctuation around it; None when nothing is left."""
    start, end = span.start, span.end
    while start < end and not text[start].isalnum():
        start += 1
    while end > start and not text[end - 1].isalnum():
        end -= 1
    return Span(start, end, span.type) if start < end else None


def line_around(text: str, start: int, end: int) -> tuple[int, int]:
    """Where the line or lines that hold start…end begin and end."""
    stop = text.find("\n", end)
    return text.rfind("\n", 0, start) + 1, len(text) if stop < 0 else stop


def _merge_overlapping(spans: list[Span]) -> list[Span]:
    merged: list[Span] = []
    for span in spans:
        if merged and span.start < merged[-1].end:
            last = merged[-1]
            entity = min(last.type, span.type, key=lambda name: _RANK.get(name, _OWN_RANK))
            merged[-1] = Span(last.start, max(last.end, span.end), entity)
        else:
            merged.append(span)
    return merged

"""One case's placeholders: which values are the same, which number each gets, and where each occurs."""

import functools
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from plumbline.anonymize.case_names import CaseNames
from plumbline.anonymize.introductions import introductions
from plumbline.anonymize.persons import Persons
from plumbline.anonymize.reading import Reading
from plumbline.anonymize.repeats import NUMBERS, Repeats
from plumbline.anonymize.spans import PLACEHOLDER, Span, merge, subtract, trim
from plumbline.contracts.cases import Role

Found = Sequence[tuple[int, int, str]]

_SEPARATORS = re.compile(r"[\W_]+")


class Replacement(NamedTuple):
    """Characters start…end (exclusive) of a text give way to this placeholder."""

    start: int
    end: int
    type: str
    placeholder: str


def replacements(
    texts: Sequence[str], found: Sequence[Found], roles: Sequence[Role | None] | None = None
) -> list[list[Replacement]]:
    """Per text of one case, in order and without overlaps: what is replaced, and by which placeholder.

    `found` holds, per text, spans (start, end, type) that do not overlap. A value found in one place is masked
    wherever it occurs in the case. `roles` says who wrote each text (None: nobody in particular, such as a subject), so
    that a customer and an agent who share a first name are two persons.

    Numbers follow first appearance. Those of placeholders that the texts hold already are not given out: what
    somebody typed never reads as one of ours, and a text that was masked before stays as it is.
    """
    readings = [Reading(text) for text in texts]
    found = [
        [(reading.find(start), reading.find(end), kind) for start, end, kind in row]
        for reading, row in zip(readings, found, strict=True)
    ]
    rows = _replacements([reading.text for reading in readings], found, roles)
    return [
        [Replacement(*reading.place(one.start, one.end), one.type, one.placeholder) for one in row]
        for reading, row in zip(readings, rows, strict=True)
    ]


def _replacements(
    texts: Sequence[str], found: Sequence[Found], roles: Sequence[Role | None] | None
) -> list[list[Replacement]]:
    """The same of texts as they read."""
    typed = [[Span(*match.span(), "") for match in PLACEHOLDER.finditer(text)] for text in texts]
    spans = [
        list(_outside(text, (Span(*span) for span in row), holes))
        for text, row, holes in zip(texts, found, typed, strict=True)
    ]
    values = [(span.type, text[span.start : span.end]) for text, row in zip(texts, spans, strict=True) for span in row]
    introduced = functools.cache(lambda text: tuple(introductions(text)))  # for as long as this case takes
    names = CaseNames(texts, spans, introduced)
    repeats = Repeats((kind, value) for kind, value in values if kind != "NAME")
    spans = [
        list(
            _outside(
                text,
                merge([*(span for span in row if names.believes(text, span)), *repeats.find(text), *names.find(text)]),
                holes,
            )
        )
        for text, row, holes in zip(texts, spans, typed, strict=True)
    ]
    numbering = _Numbering(texts)
    persons = Persons(texts, spans, roles, introduced)
    return [
        [
            Replacement(
                *span,
                numbering.placeholder(
                    ("NAME", persons.key(i, span.start))
                    if span.type == "NAME"
                    else _key(span.type, text[span.start : span.end])
                ),
            )
            for span in row
        ]
        for i, (text, row) in enumerate(zip(texts, spans, strict=True))
    ]


def replaced(text: str, row: Sequence[Replacement]) -> str:
    """The text with its placeholders."""
    parts, end = [], 0
    for replacement in row:
        parts += [text[end : replacement.start], replacement.placeholder]
        end = replacement.end
    return "".join([*parts, text[end:]])


def unmasked(place: int, row: Sequence[Replacement]) -> int:
    """Where in a text stands what stands at this place, outside of placeholders, once it is `replaced`."""
    for replacement in row:
        if place <= replacement.start:
            break
        place += replacement.end - replacement.start - len(replacement.placeholder)
    return place


def entities(rows: Sequence[Sequence[Replacement]]) -> dict[str, int]:
    """By type, how many different values of a case gave way."""
    given = {(replacement.type, replacement.placeholder) for row in rows for replacement in row}
    return dict(sorted(Counter(kind for kind, _ in given).items()))


class _Numbering:
    """Gives the values of a case their placeholders."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._given: dict[tuple[str, str], str] = {}
        self._taken = {match[0] for text in texts for match in PLACEHOLDER.finditer(text)}
        self._last: dict[str, int] = defaultdict(int)

    def placeholder(self, key: tuple[str, str]) -> str:
        """That of the value or person (type, key); the next number of its type where it has none yet."""
        if key not in self._given:
            self._given[key] = self._next(key[0])
        return self._given[key]

    def _next(self, kind: str) -> str:
        while True:
            self._last[kind] += 1
            placeholder = f"[{kind}_{self._last[kind]}]"
            if placeholder not in self._taken:
                return placeholder


def _outside(text: str, spans: Iterator[Span] | list[Span], holes: list[Span]) -> Iterator[Span]:
    """The spans outside of typed placeholders; remainders without a letter or digit stay in the text."""
    for span in spans:
        for rest in subtract(span, holes):
            kept = rest if rest == span else trim(text, rest)
            if kept and kept.start < kept.end:
                yield kept


def _key(kind: str, value: str) -> tuple[str, str]:
    """What makes two values the same: type, letters without case, spacing (and grouping of numbers) aside."""
    folded = value.casefold()
    return kind, _SEPARATORS.sub("", folded) if kind in NUMBERS else " ".join(folded.split())

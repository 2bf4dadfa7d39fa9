"""One case's placeholders: which values are the same, which number each gets, and where each occurs."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

from plumbline.anonymize.case_names import CaseNames
from plumbline.anonymize.spans import PLACEHOLDER, Span, merge, subtract, trim

Found = Sequence[tuple[int, int, str]]

# Separators do not tell two of these apart.
_NUMBERS = frozenset({"CARD", "IBAN", "PHONE", "SSN", "AWS_ACCOUNT"})
_SEPARATORS = re.compile(r"[\s().-]+")
_LONG = 8  # a value of this length is masked inside longer tokens, too
_PLAIN_SHORT_WORD = re.compile(r"[A-Za-z]{1,5}|\W*|\d{1,4}")


def mask(texts: Sequence[str], found: Sequence[Found]) -> tuple[list[str], dict[str, int]]:
    """Replace the personal data in one case's texts by placeholders `[TYPE_n]`.

    `found` holds, per text, spans (start, end, type) that do not overlap. A value found in one place is masked
    wherever it occurs in the case. Returns the new texts and, by type, how many different values were masked.

    Numbers follow first appearance. Those of placeholders that the texts hold already are not given out: what
    somebody typed never reads as one of ours, and a text that was masked before stays as it is.
    """
    typed = [[Span(*match.span(), "") for match in PLACEHOLDER.finditer(text)] for text in texts]
    spans = [
        list(_outside(text, (Span(*span) for span in row), holes))
        for text, row, holes in zip(texts, found, typed, strict=True)
    ]
    values = [(span.type, text[span.start : span.end]) for text, row in zip(texts, spans, strict=True) for span in row]
    names = CaseNames([value for kind, value in values if kind == "NAME"])
    repeats = _Repeats({_key(kind, value): value for kind, value in values if kind != "NAME"})
    spans = [
        list(_outside(text, merge([*row, *repeats.find(text), *names.find(text)]), holes))
        for text, row, holes in zip(texts, spans, typed, strict=True)
    ]
    return _Numbering(texts, names).replace_all(texts, spans)


class _Repeats:
    """Finds further occurrences of values that are not names, in whatever case, spacing or grouping."""

    def __init__(self, values: dict[tuple[str, str], str]) -> None:
        self._patterns = [
            (kind, _probe(value), _anywhere(kind, value))
            for (kind, _), value in values.items()
            # "test" as a password or "1234" as a PIN is masked where it was found; elsewhere it is a word or a count.
            if not _PLAIN_SHORT_WORD.fullmatch(value)
        ]

    def find(self, text: str) -> Iterator[Span]:
        folded = text.casefold()
        for kind, probe, pattern in self._patterns:
            if probe in folded or kind in _NUMBERS:
                for match in pattern.finditer(text):
                    yield Span(*match.span(), kind)


class _Numbering:
    """Gives the values of a case their placeholders."""

    def __init__(self, texts: Sequence[str], names: CaseNames) -> None:
        self._names = names
        self._given: dict[tuple[str, str], str] = {}
        self._entities: dict[str, int] = defaultdict(int)
        self._taken = {match[0] for text in texts for match in PLACEHOLDER.finditer(text)}
        self._last: dict[str, int] = defaultdict(int)

    def replace_all(self, texts: Sequence[str], spans: Sequence[Sequence[Span]]) -> tuple[list[str], dict[str, int]]:
        masked = [self._replace(text, row) for text, row in zip(texts, spans, strict=True)]
        return masked, dict(sorted(self._entities.items()))

    def _replace(self, text: str, spans: Sequence[Span]) -> str:
        parts, end = [], 0
        for span in spans:
            parts += [text[end : span.start], self._placeholder(span.type, text[span.start : span.end])]
            end = span.end
        return "".join([*parts, text[end:]])

    def _placeholder(self, kind: str, value: str) -> str:
        key = (kind, self._names.person(value)) if kind == "NAME" else _key(kind, value)
        if key not in self._given:
            self._given[key] = self._next(kind)
            self._entities[kind] += 1
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
    return kind, _SEPARATORS.sub("", folded) if kind in _NUMBERS else " ".join(folded.split())


def _probe(value: str) -> str:
    return value.casefold().split()[0]


def _anywhere(kind: str, value: str) -> re.Pattern[str]:
    """Any spelling of the value: other case, spacing and, for numbers, grouping. Short ones only as whole words."""
    if kind in _NUMBERS:
        body = r"[\s().-]{0,3}".join(map(re.escape, _SEPARATORS.sub("", value)))
    else:
        body = r"\s+".join(map(re.escape, value.split()))
    if len(value) < _LONG or kind in _NUMBERS:
        body = rf"(?<![^\W_]){body}(?![^\W_])"
    return re.compile(body, re.IGNORECASE)

"""The sets that bench.anonymize measures on: texts with gold spans, in one form and under one naming of types."""

import gzip
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from bench.measuring import ROOT

DATA = ROOT.parent / "shared" / "data"

# One name for what sets and detectors name differently. What is not listed keeps its name.
NAMES = {
    "NAME": "PERSON",
    "PERSON_NAME": "PERSON",
    "EMAIL_ADDRESS": "EMAIL",
    "PHONE_NUMBER": "PHONE",
    "CREDIT_CARD": "CARD",
    "IBAN_CODE": "IBAN",
    "US_SSN": "SSN",
    "US_ITIN": "SSN",
    "SOCIAL_SECURITY_NUMBER": "SSN",
    "IP_ADDRESS": "IP",
    "STREET_ADDRESS": "ADDRESS",
    "GPE": "PLACE",
    "LOCATION": "PLACE",
    "ZIP_CODE": "ZIP",
    "DATE_TIME": "DATE",
    "TIMESTAMP": "DATE",
    "DATE_OF_BIRTH": "DATE",
    "ORGANIZATION_NAME": "ORGANIZATION",
    "DOMAIN_NAME": "DOMAIN",
    "URL": "DOMAIN",
    "HOST": "DOMAIN",
    "HOSTNAME": "DOMAIN",
    "API_KEY": "KEY",
    "TOKEN": "KEY",
    "MAC_ADDRESS": "MAC",
    "BANK_ACCOUNT_NUMBER": "BANK_ACCOUNT",
    "US_BANK_NUMBER": "BANK_ACCOUNT",
    "US_DRIVER_LICENSE": "LICENSE",
    "DRIVER_LICENSE": "LICENSE",
}
# Which finds name a gold type rightly, besides those of the type's own name.
_ALSO_RIGHT = {
    "ADDRESS": {"PLACE"},
    "PLACE": {"ADDRESS"},
    "ZIP": {"ADDRESS", "PLACE"},
    "TITLE": {"PERSON"},
    "AGE": {"DATE"},
    "PASSWORD": {"KEY"},
    "KEY": {"PASSWORD"},
    "BANK_ACCOUNT": {"IBAN"},
}
_PERSONAL = frozenset({"PERSON", "EMAIL", "PHONE", "CARD", "IBAN", "SSN", "IP", "ADDRESS"})


class Span(NamedTuple):
    """Characters start…end (exclusive); the type under this module's names."""

    start: int
    end: int
    type: str


@dataclass(frozen=True)
class PiiCase:
    """One case: its texts (the first is the subject), who wrote the others, gold spans per text, persons by role."""

    id: str
    texts: tuple[str, ...]
    roles: tuple[str, ...]
    gold: tuple[tuple[Span, ...], ...]
    persons: dict[str, str]

    @property
    def chars(self) -> int:
        """The length of all texts."""
        return sum(map(len, self.texts))


@dataclass(frozen=True)
class PiiSet:
    """A set and what may be said about it.

    `core`: the gold types that count as personal data or secrets. `judged`: the types whose finds are false where no
    gold span is, because the set labels every such value; None: all types; empty: recall only.
    """

    name: str
    cases: tuple[PiiCase, ...]
    core: frozenset[str]
    judged: frozenset[str] | None

    @property
    def chars(self) -> int:
        """The length of all texts."""
        return sum(case.chars for case in self.cases)

    def sample(self, count: int) -> "PiiSet":
        """At most so many cases, evenly spread over the set; 0: all."""
        if not count or count >= len(self.cases):
            return self
        return replace(self, cases=tuple(self.cases[i * len(self.cases) // count] for i in range(count)))


def right_types(gold: str) -> frozenset[str]:
    """The types of finds that name this gold type rightly."""
    return frozenset({gold} | _ALSO_RIGHT.get(gold, set()))


def common_name(kind: str) -> str:
    """A set's or a detector's type under the common name."""
    return NAMES.get(kind, kind)


def available(name: str) -> bool:
    """Whether the set's file is there."""
    return (DATA / _SETS[name][0]).is_file()


def load(name: str) -> PiiSet:
    """One of SETS, whole. Raises FileNotFoundError without its file."""
    file, cases, core, judged = _SETS[name]
    return PiiSet(name, tuple(cases(DATA / file)), core, judged)


def _injected(path: Path) -> Iterator[PiiCase]:
    for row in _lines(path):
        yield _threaded(row["id"], row["title"], row["turns"], row["persons"])


def _cases6(path: Path) -> Iterator[PiiCase]:
    for row in _lines(path):
        yield _threaded(row["case_id"], (row["title"] or "").strip(), row["turns"], {})


def _threaded(name: str, title: str, turns: Sequence[dict[str, Any]], persons: dict[str, str]) -> PiiCase:
    spans = [_spans(turn.get("spans", ()), "type", "start", "end") for turn in turns]
    texts = (title, *(turn["text"] for turn in turns))
    return PiiCase(name, texts, tuple(turn["role"] for turn in turns), ((), *spans), persons)


def _synth(path: Path) -> Iterator[PiiCase]:
    for number, row in enumerate(json.loads(path.read_text(encoding="utf-8"))):
        spans = _spans(row["spans"], "entity_type", "start_position", "end_position")
        yield PiiCase(str(number), ("", row["full_text"]), ("customer",), ((), spans), {})


def _technology(path: Path) -> Iterator[PiiCase]:
    for row in _lines(path):
        spans = _spans(row["annotations"], "entity_type", "start", "end")
        yield PiiCase(row["record_id"], ("", row["text"]), ("customer",), ((), spans), {})


def _spans(rows: Sequence[dict[str, Any]], kind: str, start: str, end: str) -> tuple[Span, ...]:
    return tuple(sorted(Span(row[start], row[end], common_name(row[kind])) for row in rows))


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    content = path.read_bytes()
    if path.suffix == ".gz":
        content = gzip.decompress(content)
    yield from map(json.loads, content.splitlines())


_Loader = Callable[[Path], Iterator[PiiCase]]
# The technology set leaves many phone numbers, MAC addresses and short API keys unlabeled: such finds prove nothing.
_SETS: dict[str, tuple[str, _Loader, frozenset[str], frozenset[str] | None]] = {
    "injected": ("pii_injected_dev.jsonl.gz", _injected, _PERSONAL | {"USERNAME"}, frozenset()),
    "synth": ("presidio_synth_v2.json", _synth, _PERSONAL | {"LICENSE"}, None),
    "technology": (
        "pii_anon_technology.jsonl.gz",
        _technology,
        _PERSONAL | {"USERNAME", "PASSWORD", "KEY", "MAC", "BANK_ACCOUNT"},
        frozenset({"PERSON", "EMAIL", "IP", "SSN", "ADDRESS", "PLACE", "USERNAME", "PASSWORD"}),
    ),
    "cases6": ("cases6_dev.jsonl", _cases6, frozenset(), frozenset()),
}
SETS = tuple(_SETS)

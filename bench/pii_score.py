"""How a detector's finds compare with gold spans. Pure functions: no files, no detectors.

A gold span is found when at least 80% of its characters are covered by finds, whatever their type; rightly typed when
finds of a right type cover as much. A find is right when at least half of it lies in gold spans (or the same text is
a gold value of the case elsewhere: some sets label a value once only).
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from bench.pii_sets import PiiCase, PiiSet, Span, common_name, right_types

FOUND_SHARE = 0.8
RIGHT_SHARE = 0.5
PER_CHARS = 10_000
Verdict = Literal["right", "false", "unjudged"]


class Find(NamedTuple):
    """What a detector replaces: characters start…end (exclusive), its type under the common names, by which text."""

    start: int
    end: int
    type: str
    placeholder: str


CaseFinds = Sequence[Sequence[Find]]  # per text of a case, without overlaps


@dataclass
class Tally:
    """Counts over a set; shares are None where there is nothing to count."""

    gold: int = 0
    found: int = 0
    typed: int = 0
    right: int = 0
    false: int = 0

    @property
    def recall(self) -> float | None:
        """Found gold spans per gold span."""
        return self.found / self.gold if self.gold else None

    @property
    def typed_recall(self) -> float | None:
        """Gold spans found under a right type per gold span."""
        return self.typed / self.gold if self.gold else None

    @property
    def precision(self) -> float | None:
        """Right finds per judged find."""
        return self.right / (self.right + self.false) if self.right + self.false else None

    @property
    def f2(self) -> float | None:
        """F-measure that weighs recall twice: (1 + 4) P R / (4 P + R), van Rijsbergen 1979."""
        p, r = self.precision, self.recall
        if p is None or r is None:
            return None
        return 5 * p * r / (4 * p + r) if p + r else 0.0


@dataclass
class SetScore:
    """One detector on one set: all gold types, the core ones, and each type by itself (recall only)."""

    everything: Tally = field(default_factory=Tally)
    core: Tally = field(default_factory=Tally)
    by_type: dict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    false_names: int = 0
    chars: int = 0

    @property
    def false_names_rate(self) -> float:
        """Finds of persons that touch no gold span, per 10,000 characters."""
        return PER_CHARS * self.false_names / self.chars if self.chars else 0.0


@dataclass
class Consistency:
    """One person, one placeholder (formulas at `consistency`)."""

    persons: int = 0
    persons_kept: int = 0
    mentions: int = 0
    mentions_kept: int = 0


def as_finds(rows: Sequence[Sequence[object]]) -> list[Find]:
    """A detector's [start, end, type, placeholder] under the common names of types."""
    return [Find(int(str(s)), int(str(e)), common_name(str(kind)), str(by)) for s, e, kind, by in rows]


def score(pii_set: PiiSet, finds: Sequence[CaseFinds]) -> SetScore:
    """The figures of one set; `finds` holds its cases in order."""
    total = SetScore(chars=pii_set.chars)
    all_types = frozenset(gold.type for case in pii_set.cases for row in case.gold for gold in row)
    for case, rows in zip(pii_set.cases, finds, strict=True):
        values = gold_values(case)
        for text, gold, row in zip(case.texts, case.gold, rows, strict=True):
            for span in gold:
                _count_gold(total, span, row, core=span.type in pii_set.core)
            for find in row:
                _count_find(total.everything, verdict(text, find, gold, values, all_types, pii_set.judged))
                core = frozenset(kind for name in pii_set.core for kind in right_types(name))
                judged = core if pii_set.judged is None else core & pii_set.judged
                _count_find(total.core, verdict(text, find, gold, values, pii_set.core, judged))
                total.false_names += is_false_name(find, gold)
    return total


def gold_values(case: PiiCase) -> dict[str, str]:
    """What the case's gold spans say, with the type."""
    return {
        text[span.start : span.end]: span.type for text, row in zip(case.texts, case.gold, strict=True) for span in row
    }


def is_found(span: Span, finds: Sequence[Find], types: frozenset[str] | None = None) -> bool:
    """Whether finds (of these types) cover enough of a gold span."""
    covered = sum(_overlap(span, find) for find in finds if types is None or find.type in types)
    return covered >= FOUND_SHARE * (span.end - span.start)


def verdict(
    text: str,
    find: Find,
    gold: Sequence[Span],
    values: dict[str, str],
    wanted: frozenset[str],
    judged: frozenset[str] | None,
) -> Verdict:
    """Whether a find is right about gold of the `wanted` types.

    Unjudged: finds of types outside `judged` (None: all are judged), and finds that rightly name gold of a type that
    is not wanted (a country when only addresses are asked for).
    """
    size = find.end - find.start
    if 2 * sum(_overlap(span, find) for span in gold if span.type in wanted) >= size:
        return "right"
    if values.get(text[find.start : find.end]) in wanted:
        return "right"
    others = (span for span in gold if span.type not in wanted and find.type in right_types(span.type))
    if 2 * sum(_overlap(span, find) for span in others) >= size:
        return "unjudged"
    return "false" if judged is None or find.type in judged else "unjudged"


def is_false_name(find: Find, gold: Sequence[Span]) -> bool:
    """Whether it is a person's name where no gold span is."""
    return find.type == "PERSON" and not any(_overlap(span, find) for span in gold)


def consistency(case: PiiCase, finds: CaseFinds, total: Consistency) -> None:
    """Add one case's persons to the total.

    Every found mention of a person (gold PERSON span whose words all belong to that person's name and to no other
    person's of the case) shows the set of placeholders that touch it. A person's own placeholder is the one that
    most mentions show. A mention is kept when it shows exactly its person's own placeholder and no mention of another
    person of the case shows that one; a person is kept when all of its found mentions are. Persons without a found
    mention are not counted: recall counts those.
    """
    shown: dict[str, list[frozenset[str]]] = defaultdict(list)
    for role, mention in _mentions(case, finds):
        shown[role].append(mention)
    for role, mentions in shown.items():
        own = Counter(name for mention in mentions for name in mention).most_common(1)[0][0]
        others = {name for other, rows in shown.items() if other != role for row in rows for name in row}
        kept = sum(mention == {own} and own not in others for mention in mentions)
        total.persons += 1
        total.persons_kept += kept == len(mentions)
        total.mentions += len(mentions)
        total.mentions_kept += kept


def _mentions(case: PiiCase, finds: CaseFinds) -> Iterator[tuple[str, frozenset[str]]]:
    words = {role: frozenset(name.casefold().split()) for role, name in case.persons.items()}
    for text, gold, row in zip(case.texts, case.gold, finds, strict=True):
        for span in gold:
            if span.type != "PERSON" or not is_found(span, row):
                continue
            said = frozenset(text[span.start : span.end].casefold().split())
            meant = [role for role, name in words.items() if said <= name]
            if len(meant) == 1:
                yield meant[0], frozenset(find.placeholder for find in row if _overlap(span, find))


def _count_gold(total: SetScore, span: Span, row: Sequence[Find], *, core: bool) -> None:
    found, typed = is_found(span, row), is_found(span, row, right_types(span.type))
    tallies = [total.everything, total.by_type[span.type], *([total.core] if core else [])]
    for tally in tallies:
        tally.gold += 1
        tally.found += found
        tally.typed += typed


def _count_find(tally: Tally, judged: Verdict) -> None:
    tally.right += judged == "right"
    tally.false += judged == "false"


def _overlap(span: Span, find: Find) -> int:
    return max(0, min(span.end, find.end) - max(span.start, find.start))

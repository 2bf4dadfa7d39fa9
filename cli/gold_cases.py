"""Cases of a file that has gold labels: read by ingest's readers, anonymized on this machine as a run would do it."""

import heapq
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cli.case_files import cases_in
from cli.errors import CliError, UsageProblem
from cli.precheck import check_export, check_mapping
from plumbline.anonymize import Privacy, anonymize
from plumbline.anonymize.detector import SpacyDetector
from plumbline.contracts.base import Model
from plumbline.contracts.cases import AnonymizedCase, Case
from plumbline.contracts.errors import InvalidCaseFile
from plumbline.ingest.cases import ReadCase
from plumbline.ingest.cut import cut_case
from plumbline.ingest.mapping import parse_mapping
from plumbline.ingest.options import IngestSettings
from plumbline.report.words import count, plural
from plumbline.ticket import ticket

SAMPLE: Final = 150
_SPARE: Final = 20  # cases read beyond a sample at least, to take the place of those that are held back
_MAX_TOKENS: Final = IngestSettings().max_case_tokens
_SHOWN_NAMES: Final = 5
_SHOWN_CHARS: Final = 40  # a wrong --map may take a case's text for its category


class GoldCase(Model):
    """An anonymized case, and the category that a person gave it."""

    case: AnonymizedCase
    gold: str


@dataclass
class GoldCases:
    """A sample of a file's cases that have a gold label, in an order that chance gave, and what was left out.

    `eligible` counts the file's cases with a gold label of the task. `held` are those of the sample that a person
    would have to look at first, by type of what was found; no model sees them, and others took their places.
    """

    cases: list[GoldCase] = field(default_factory=list)
    eligible: int = 0
    without_gold: int = 0
    unknown_gold: Counter[str] = field(default_factory=Counter)
    unread: int = 0
    held: int = 0

    @property
    def left_out(self) -> str:
        """What was left out and why, in words; empty where nothing was."""
        parts = [
            f"{count(self.without_gold)} without a gold label" if self.without_gold else "",
            f"{count(self.unknown_gold.total())} whose gold label is no category of the task "
            f"({_named(self.unknown_gold)})"
            if self.unknown_gold
            else "",
            f"{count(self.held)} in which personal data may be left" if self.held else "",
            f"{plural(self.unread, 'row')} that could not be read" if self.unread else "",
        ]
        return ", ".join(part for part in parts if part)


def gold_cases(
    file: Path,
    mapping: Path | None,
    categories: Sequence[str],
    *,
    sample: int | None = SAMPLE,
    seed: int = 0,
    privacy: Privacy | None = None,
    without: frozenset[str] = frozenset(),
    on_done: Callable[[int, int], None] = lambda _done, _of: None,
) -> GoldCases:
    """A seeded random sample of the file's cases that have a gold label among `categories`; None takes all of them.

    Which cases are drawn depends on the seed and their ids alone, not on their order in the file. Cases whose id is in
    `without` are passed over. Memory holds the sample, not the file. `on_done` is told how many are anonymized, of how
    many.

    Raises UsageProblem for a file without a usable gold label, CliError for one that cannot be read.
    """
    check_export(file)
    if mapping:
        check_mapping(mapping)
    found = GoldCases()
    drawn = _drawn(file, mapping, frozenset(categories), found, sample, seed, without)
    if not drawn:
        raise _nothing(file, found, categories)
    wanted = min(sample or len(drawn), len(drawn))
    try:
        for kept, gold in _anonymized(drawn, privacy or Privacy(SpacyDetector())):
            if kept.review:
                found.held += 1
            else:
                found.cases.append(GoldCase(case=kept, gold=gold))
                on_done(len(found.cases), wanted)
            if len(found.cases) == wanted:
                break
    except ImportError:
        raise CliError("The model that finds names is not installed.", "`make setup` installs it.") from None
    if not found.cases:
        raise CliError(f"{file}: personal data may be left in every case, so no model may see one.")
    return found


def _anonymized(drawn: Sequence[tuple[Case, str]], privacy: Privacy) -> Iterator[tuple[AnonymizedCase, str]]:
    for case, gold in drawn:
        [kept] = anonymize([cut_case(case, _MAX_TOKENS)], privacy)
        yield kept, gold


def _drawn(
    file: Path,
    mapping: Path | None,
    categories: frozenset[str],
    found: GoldCases,
    sample: int | None,
    seed: int,
    without: frozenset[str],
) -> list[tuple[Case, str]]:
    """The cases whose hash with the seed is smallest, the smallest first, some more than the sample asks for."""
    room = None if sample is None else sample + max(_SPARE, sample // 5)
    heap: list[tuple[int, str]] = []  # the largest hash first, as a heap of negatives
    held: dict[str, tuple[Case, str]] = {}
    for case in _with_gold(file, mapping, categories, found):
        if case.case_id in without or case.case_id in held:
            continue
        gold = case.gold_category or ""
        heapq.heappush(heap, (-ticket(seed, case.case_id), case.case_id))
        held[case.case_id] = (case, gold)
        if room is not None and len(heap) > room:
            del held[heapq.heappop(heap)[1]]
    return [held[case_id] for _, case_id in sorted(heap, reverse=True)]


def _with_gold(file: Path, mapping: Path | None, categories: frozenset[str], found: GoldCases) -> Iterator[Case]:
    mapped = parse_mapping(mapping.read_bytes(), str(mapping)).profile() if mapping else None
    try:
        with file.open("rb") as stream:
            for item in cases_in(stream, file.name, mapped):
                if not isinstance(item, ReadCase):
                    found.unread += 1
                elif item.case.gold_category is None:
                    found.without_gold += 1
                elif item.case.gold_category not in categories:
                    found.unknown_gold[item.case.gold_category] += 1
                else:
                    found.eligible += 1
                    yield item.case
    except InvalidCaseFile as error:
        raise CliError(f"{file.name}: {error}.", "docs/case-files.md says what can be read.") from None


def _nothing(file: Path, found: GoldCases, categories: Sequence[str]) -> UsageProblem:
    if found.unknown_gold:
        return UsageProblem(
            f"{file}: its gold labels are no categories of the task: {_named(found.unknown_gold)}.",
            f"The task's categories: {', '.join(categories)}.",
        )
    if found.eligible:
        return UsageProblem(f"{file}: every case with a gold label is left out on purpose.", "Name another file.")
    hint = "They stand in a column such as gold_category; for another one, --map FILE with `gold_category: COLUMN`."
    return UsageProblem(f"{file} has no gold labels: none of its {plural(found.without_gold, 'case')} has one.", hint)


def _named(names: Counter[str]) -> str:
    listed = [f"{name[:_SHOWN_CHARS]!r} {count(number)}" for name, number in names.most_common(_SHOWN_NAMES)]
    more = len(names) - len(listed)
    return ", ".join([*listed, *([f"{count(more)} more"] if more else [])])


def gold_by_id(file: Path, mapping: Path | None, categories: Sequence[str]) -> dict[str, str]:
    """The gold categories of a file by case id, without the texts. Raises as `gold_cases` does."""
    check_export(file)
    if mapping:
        check_mapping(mapping)
    found = GoldCases()
    labels = {
        case.case_id: case.gold_category or "" for case in _with_gold(file, mapping, frozenset(categories), found)
    }
    if not labels:
        raise _nothing(file, found, categories)
    return labels

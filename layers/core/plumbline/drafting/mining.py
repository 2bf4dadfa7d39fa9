"""Recurring confusions: which category is taken for which, in which cases, and what the model said for it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Set
from itertools import zip_longest

from plumbline.contracts.base import Model
from plumbline.contracts.cases import AnonymizedCase


class Miss(Model):
    """A case that got another label than people gave it. `case` is None where its text is not at hand."""

    case_id: str
    gold: str
    label: str
    reasoning: str = ""
    case: AnonymizedCase | None = None


class Confusion(Model):
    """All misses of one gold category that got one and the same label."""

    gold: str
    label: str
    misses: tuple[Miss, ...]


def confusions(misses: Iterable[Miss]) -> list[Confusion]:
    """The confusions, the most frequent first; of equal ones in the order of their names. Misses keep their order."""
    found: dict[tuple[str, str], list[Miss]] = defaultdict(list)
    for miss in misses:
        found[miss.gold, miss.label].append(miss)
    listed = [Confusion(gold=gold, label=label, misses=tuple(cases)) for (gold, label), cases in found.items()]
    return sorted(listed, key=lambda confusion: (-len(confusion.misses), confusion.gold, confusion.label))


def worth_drafting(
    found: Iterable[Confusion], *, most: int, least: int = 2, used: Set[str] = frozenset()
) -> Iterator[Miss]:
    """At most `most` misses to make examples of: one of each confusion of `least` misses or more, the most frequent
    first, then a second of each, and so on. Cases in `used` and those without a text are passed over."""
    rows = [
        [miss for miss in confusion.misses if miss.case is not None and miss.case_id not in used]
        for confusion in found
        if len(confusion.misses) >= least
    ]
    in_turn = (miss for turn in zip_longest(*rows) for miss in turn if miss is not None)
    yield from (miss for miss, _ in zip(in_turn, range(most), strict=False))

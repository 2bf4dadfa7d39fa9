"""The measured figures as a table of a documentation page, between its two marks."""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench.pii_score import SetScore

BEGIN, END = "<!-- python -m bench.anonymize --docs: begin -->", "<!-- end -->"
_OURS = "plumbline"


class NoMarks(Exception):
    """The page has no place for the table."""


def fill(page: Path, scores: Mapping[str, Mapping[str, SetScore]], cores: Mapping[str, frozenset[str]]) -> None:
    """Put the table of these scores (by set, then detector) between the page's marks.

    `cores` are each set's core types. Raises NoMarks where the page has none.
    """
    text = page.read_text("utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise NoMarks(f"{page} has no {BEGIN} … {END}")
    page.write_text(f"{before}{BEGIN}\n{table(scores, cores)}\n{END}{after}", "utf-8")


def table(scores: Mapping[str, Mapping[str, SetScore]], cores: Mapping[str, frozenset[str]]) -> str:
    """Markdown: ours by type and set with the number of values, then everybody's totals."""
    sets = [name for name in scores if cores[name] and _OURS in scores[name]]
    kinds = sorted({kind for name in sets for kind in cores[name] & scores[name][_OURS].by_type.keys()})
    rows = [
        ("found of", *sets),
        *((kind, *(_of_kind(scores[name][_OURS], kind, cores[name]) for name in sets)) for kind in kinds),
    ]
    others = [name for name in dict.fromkeys(d for found in scores.values() for d in found) if name != _OURS]
    totals: list[Sequence[str]] = [("all core types", *(_total(scores[name].get(_OURS)) for name in sets))]
    totals += [(f"*{other}*, all core types", *(_total(scores[name].get(other)) for name in sets)) for other in others]
    head, *body = rows
    lines = [head, ["---"] * len(head), *body, *totals]
    day = datetime.now(UTC).strftime("%-d %B %Y")
    return "\n".join([f"Measured on {day}.", "", *(f"| {' | '.join(line)} |" for line in lines)])


def _of_kind(found: SetScore, kind: str, core: frozenset[str]) -> str:
    tally = found.by_type.get(kind) if kind in core else None
    return f"{_share(tally.recall)} ({tally.gold:,})" if tally and tally.gold else ""


def _total(found: SetScore | None) -> str:
    return f"{_share(found.core.recall)} ({found.core.gold:,})" if found and found.core.gold else ""


def _share(value: float | None) -> str:
    return "-" if value is None else f"{math.floor(1000 * value) / 1000:.3f}"  # 1.000 is all of them

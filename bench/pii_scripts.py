"""Recall of persons by the letters that their names are written in, since no set with gold spans is in another language
than English."""

import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence

from bench.measuring import show
from bench.pii_score import CaseFinds, Tally, is_found
from bench.pii_sets import PiiSet

ACCENTED = "Latin, beyond A to Z"


def script_of(name: str) -> str:
    """The writing of a name's first letter that is none of A to Z, by Unicode's name of the letter."""
    for letter in name:
        if letter.isalpha() and not letter.isascii():
            script = unicodedata.name(letter, "unknown").split()[0].capitalize()
            return ACCENTED if script == "Latin" else script
    return "Latin, A to Z"


def by_script(pii_set: PiiSet, finds: Sequence[CaseFinds]) -> dict[str, Tally]:
    """Gold persons and how many of them were found, by script, the most frequent first."""
    tallies: dict[str, Tally] = defaultdict(Tally)
    for case, rows in zip(pii_set.cases, finds, strict=True):
        for text, gold, row in zip(case.texts, case.gold, rows, strict=True):
            for span in gold:
                if span.type == "PERSON":
                    tally = tallies[script_of(text[span.start : span.end])]
                    tally.gold += 1
                    tally.found += is_found(span, row)
    return dict(sorted(tallies.items(), key=lambda item: -item[1].gold))


def show_scripts(sets: Sequence[PiiSet], finds: Mapping[str, Mapping[str, Sequence[CaseFinds]]]) -> None:
    """Print a table of the detectors' finds (by detector, then set)."""
    rows = []
    for pii_set in sets:
        tallies = [by_script(pii_set, found[pii_set.name]) for found in finds.values()]
        for script, tally in tallies[0].items() if "PERSON" in pii_set.core else ():
            shares = (f"{found[script].recall or 0:.3f}" for found in tallies)
            rows.append((f"{pii_set.name}: {script}", *shares, str(tally.gold)))
    if rows:
        show("Persons by the letters of their names: recall", ("names in", *finds, "gold spans"), rows)

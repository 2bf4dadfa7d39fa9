"""Anonymization beside its peers: recall, precision and F2 on three sets with gold spans, one placeholder a person,
false names, speed, memory, growth, and whether masked text can still be labeled.

Detectors: this one (what `anonymize` really replaces in the whole case), regexes alone, and Presidio with everything at
its default but the language model (its en_core_web_lg is not on PyPI): spaCy's small model, and the
middle one, which is also ours. Presidio runs where `make presidio-env` was done. Each detector has a process of its
own, on one thread.
`--misses N` prints what was missed or wrongly found, for a terminal: do not keep it in the repository.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.measuring import ROOT, ProcessFailed, environment, machine, show
from bench.pii_docs import fill
from bench.pii_score import (
    CaseFinds,
    Consistency,
    Find,
    SetScore,
    as_finds,
    consistency,
    gold_values,
    is_false_name,
    is_found,
    score,
    verdict,
)
from bench.pii_scripts import show_scripts
from bench.pii_sets import SETS, PiiCase, PiiSet, Span, available, load
from bench.pii_utility import show_utility

DETECTORS = ("plumbline", "regexes", "presidio", "presidio-md")
PARTS = ("sets", "growth", "utility")
_CHILD = Path(__file__).with_name("pii_child.py")
_CASES6_SAMPLE = 400  # enough for a rate of false names; all of it takes the peers a quarter of an hour
_SIZES = (10_000, 100_000, 1_000_000)
_CONTEXT = 30
_ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "BLIS", "NUMEXPR")}


@dataclass(frozen=True)
class Measured:
    """One detector's run over the sets."""

    about: str
    load: float
    peak_mb: float
    seconds: dict[str, float]
    withheld: dict[str, int]
    finds: dict[str, list[CaseFinds]]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.anonymize", description=__doc__)
    parser.add_argument("--set", action="append", choices=SETS, help="may be given several times; default: all")
    parser.add_argument("--detector", action="append", choices=DETECTORS, help="as --set")
    parser.add_argument("--part", action="append", choices=PARTS, help="as --set")
    parser.add_argument("--sample", type=int, default=0, metavar="N", help="at most N cases of a set; default: all")
    parser.add_argument("--limit", type=float, default=60, help="CPU seconds that one text of --part growth may take")
    parser.add_argument("--misses", type=int, default=0, metavar="N", help="print up to N of each type and kind")
    parser.add_argument("--docs", action="store_true", help="write the recall into docs/privacy.md, too")
    options = parser.parse_args()
    parts = options.part or PARTS
    pythons = dict(_pythons(options.detector or DETECTORS))
    print(machine(), flush=True)
    if "sets" in parts:
        sets = list(_sets(options.set or SETS, options.sample))
        scores = _measure_sets(pythons, sets, options.misses)
        if options.docs and scores:
            fill(ROOT / "docs" / "privacy.md", scores, {pii_set.name: pii_set.core for pii_set in sets})
    if "growth" in parts:
        _measure_growth(pythons, options.limit)
    if "utility" in parts and available("cases6"):
        show_utility()
    print(machine())


def _pythons(detectors: Sequence[str]) -> Iterator[tuple[str, Path]]:
    """The Python that runs each detector."""
    presidio = ROOT / ".venv-presidio" / "bin" / "python"
    for detector in detectors:
        if not detector.startswith("presidio"):
            yield detector, Path(sys.executable)
        elif presidio.is_file():
            yield detector, presidio
        else:
            print(f"{detector} is left out: `make presidio-env` makes the environment that it needs")


def _sets(names: Sequence[str], sample: int) -> Iterator[PiiSet]:
    for name in names:
        if available(name):
            yield load(name).sample(sample or (_CASES6_SAMPLE if name == "cases6" else 0))
        else:
            print(f"{name} is left out: its file is not beside the checkout; it is not part of the repository")


def _measure_sets(pythons: dict[str, Path], sets: Sequence[PiiSet], misses: int) -> dict[str, dict[str, SetScore]]:
    """Measure, print, and give the scores by set and detector."""
    if not sets:
        return {}
    measured = {name: _run(name, python, sets) for name, python in pythons.items()}
    scores = {
        pii_set.name: {name: score(pii_set, run.finds[pii_set.name]) for name, run in measured.items()}
        for pii_set in sets
    }
    for pii_set in sets:
        if pii_set.core:
            _show_recall(pii_set, scores[pii_set.name])
    _show_precision([pii_set for pii_set in sets if pii_set.judged != frozenset()], scores)
    show_scripts(sets, {name: run.finds for name, run in measured.items()})
    _show_people(sets, measured, scores)
    _show_speed(sets, measured)
    for name, run in measured.items():
        for pii_set in sets if misses else ():
            _print_misses(f"{name} on {pii_set.name}", pii_set, run.finds[pii_set.name], misses)
    return scores


def _run(name: str, python: Path, sets: Sequence[PiiSet]) -> Measured:
    """Find in all sets, in a fresh process. Raises ProcessFailed when it breaks off."""
    work = {s.name: [{"texts": case.texts, "roles": _roles(case)} for case in s.cases] for s in sets}
    with tempfile.TemporaryDirectory() as folder:
        asked, answer = Path(folder) / "work.json", Path(folder) / "result.json"
        asked.write_text(json.dumps(work), encoding="utf-8")
        _child(python, name, "find", str(asked), str(answer))
        result: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
    finds: dict[str, list[CaseFinds]] = {
        part: [[as_finds(row) for row in case] for case in found["finds"]] for part, found in result["sets"].items()
    }
    seconds = {part: found["seconds"] for part, found in result["sets"].items()}
    withheld = {part: found["withheld"] for part, found in result["sets"].items()}
    return Measured(result["about"], result["load"], result["peak_mb"], seconds, withheld, finds)


def _roles(case: PiiCase) -> list[str]:
    return [role if role in {"customer", "agent"} else "other" for role in case.roles]


def _child(python: Path, *arguments: str) -> str:
    done = subprocess.run(
        [python, _CHILD, *arguments],
        cwd=ROOT,
        env={**environment(), **_ONE_THREAD, "PYTHONWARNINGS": "ignore"},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ProcessFailed(f"{arguments[0]} ended with {done.returncode}; its errors stand above")
    return done.stdout


def _show_recall(pii_set: PiiSet, scores: dict[str, SetScore]) -> None:
    first = next(iter(scores.values()))
    rows = [("all types", *(_recall(s.everything) for s in scores.values()), str(first.everything.gold))]
    rows.append(("core types", *(_recall(s.core) for s in scores.values()), str(first.core.gold)))
    for kind, tally in sorted(first.by_type.items(), key=lambda item: (item[0] not in pii_set.core, -item[1].gold)):
        label = kind if kind in pii_set.core else f"({kind})"
        rows.append((label, *(_recall(s.by_type[kind]) for s in scores.values()), str(tally.gold)))
    show(
        f"{pii_set.name}: recall, and in brackets under a right type",
        ("type", *scores, "gold spans"),
        rows,
        f"{len(pii_set.cases):,} cases, {pii_set.chars:,} characters. Found: 80% of the characters covered. "
        "In brackets: types that are not core.",
    )


def _show_precision(sets: Sequence[PiiSet], scores: dict[str, dict[str, SetScore]]) -> None:
    rows = []
    for pii_set in sets:
        for name, found in scores[pii_set.name].items():
            tallies = (found.core, found.everything)
            figures = [_share(value) for t in tallies for value in (t.recall, t.precision, t.f2)]
            rows.append((f"{pii_set.name}: {name}", *figures, str(found.core.false)))
    if rows:
        show(
            "Precision where the labels allow it",
            ("set", "core recall", "precision", "F2", "all recall", "precision", "F2", "core false"),
            rows,
            "Right: half of a find lies in gold spans. Core: gold and finds of core types; "
            + "; ".join(f"{s.name}: {' '.join(sorted(s.core))}" for s in sets),
        )


def _show_people(sets: Sequence[PiiSet], measured: dict[str, Measured], scores: dict[str, dict[str, SetScore]]) -> None:
    real = [s for s in sets if s.name in {"injected", "cases6"}]
    rows = []
    for name, run in measured.items():
        kept = Consistency()
        for pii_set in real:
            for case, finds in zip(pii_set.cases, run.finds[pii_set.name], strict=True):
                consistency(case, finds, kept)
        persons = _share(kept.persons_kept / kept.persons if kept.persons else None)
        mentions = _share(kept.mentions_kept / kept.mentions if kept.mentions else None)
        rates = [f"{scores[s.name][name].false_names_rate:.2f}" for s in real]
        held = [_share(run.withheld[s.name] / len(s.cases)) for s in real]
        rows.append((name, persons, mentions, str(kept.persons), *rates, *held))
    if real:
        show(
            "Persons, and cases held for review",
            (
                "detector",
                "kept",
                "mentions",
                "persons",
                *(f"false, {s.name}" for s in real),
                *(f"held, {s.name}" for s in real),
            ),
            rows,
            "Kept: all found mentions of a person in a case show one placeholder, that no other person shows. "
            "False: finds of persons that touch no gold span, per 10,000 characters (names that people really wrote "
            "count as false). Detectors without cases: a value is its own placeholder. Held: share of cases that wait "
            "for a person.",
        )


def _show_speed(sets: Sequence[PiiSet], measured: dict[str, Measured]) -> None:
    rows = [
        (
            name,
            *(f"{s.chars / run.seconds[s.name]:,.0f}" for s in sets),
            f"{run.load:.1f}",
            f"{run.peak_mb:,.0f}",
        )
        for name, run in measured.items()
    ]
    about = "; ".join(f"{name}: {run.about}" for name, run in measured.items())
    show(
        "Characters per CPU second, model loaded, one thread; peak memory",
        ("detector", *(s.name for s in sets), "load CPU s", "MB"),
        rows,
        about,
    )


def _measure_growth(pythons: dict[str, Path], limit: float) -> None:
    rows = []
    for name, python in pythons.items():
        sizes = _SIZES if not name.startswith("presidio") else _SIZES[:2]
        done = _child(python, name, "growth", str(limit), *map(str, sizes))
        for shape, taken in json.loads(done.splitlines()[-1]).items():
            each = [seconds and 1e6 * seconds / size for seconds, size in zip(taken, sizes, strict=True)]
            figures = [f"{value:.1f}" if value is not None else f">{limit:.0f} s" for value in each]
            whole = each[0] and each[-1]
            ratio = f"x{each[-1] / each[0]:.1f}" if whole else "-"
            rows.append((f"{name}: {shape}", *figures, *[""] * (len(_SIZES) - len(sizes)), ratio))
    show(
        "Growth: CPU microseconds per character",
        ("text", *(f"{size:,}" for size in _SIZES), "last/first"),
        rows,
        "Flat is linear time. Presidio's largest texts are left out: minutes each.",
    )


def _print_misses(title: str, pii_set: PiiSet, finds: Sequence[CaseFinds], count: int) -> None:
    shown = Counter[tuple[str, str]]()
    print(f"\n{title}")
    for case, rows in zip(pii_set.cases, finds, strict=True):
        for text, span, what in _errors(pii_set, case, rows):
            shown[what, span.type] += 1
            if shown[what, span.type] <= count:
                before, after = text[max(0, span.start - _CONTEXT) : span.start], text[span.end : span.end + _CONTEXT]
                print(f"{what} {span.type}: {before!r} [[{text[span.start : span.end]!r}]] {after!r}")
    for (what, kind), number in sorted(shown.items()):
        print(f"{what} {kind}: {number}")


def _errors(pii_set: PiiSet, case: PiiCase, rows: CaseFinds) -> Iterator[tuple[str, Span | Find, str]]:
    """Missed gold spans; false finds where they can be judged, and names that touch no gold span."""
    values = gold_values(case)
    types = frozenset(span.type for row in case.gold for span in row)
    for text, gold, row in zip(case.texts, case.gold, rows, strict=True):
        for span in gold:
            if not is_found(span, row):
                yield text, span, "missed"
        for find in row:
            if verdict(text, find, gold, values, types, pii_set.judged) == "false":
                yield text, find, "false"
            elif pii_set.judged == frozenset() and is_false_name(find, gold):
                yield text, find, "unlabeled"


def _recall(tally: Any) -> str:
    return f"{_share(tally.recall)} ({_share(tally.typed_recall)})"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


if __name__ == "__main__":
    main()

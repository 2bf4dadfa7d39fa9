"""A file of reference reasonings: CSV or JSON Lines with the columns case_id and reasoning."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from cli.errors import UsageProblem
from plumbline.contracts.evaluation import Reference

_COLUMNS: Final = ("case_id", "reasoning")
_HINT: Final = "It is CSV or JSON Lines with the columns case_id and reasoning."


def read_references(path: Path) -> list[Reference]:
    """The file's references, in its order. Raises UsageProblem, naming the line, for one that cannot be read.

    Other columns are passed over, as are rows without a reasoning. A case named twice is an error.
    """
    if not path.is_file():
        raise UsageProblem(f"There is no file {path}.", _HINT)
    found: dict[str, Reference] = {}
    rows = _csv(path) if path.suffix.lower() == ".csv" else _json_lines(path)
    for line, row in rows:
        case_id, reasoning = (str(row.get(column) or "").strip() for column in _COLUMNS)
        if not case_id:
            raise UsageProblem(f"{path.name}, line {line}: there is no case_id.", _HINT)
        if case_id in found:
            raise UsageProblem(f"{path.name}, line {line}: the case {case_id!r} has a reference already.")
        if reasoning:
            found[case_id] = Reference(case_id=case_id, reasoning=reasoning)
    if not found:
        raise UsageProblem(f"{path.name} has no reference: no row has a reasoning.", _HINT)
    return list(found.values())


def _csv(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            if missing := [name for name in _COLUMNS if name not in (reader.fieldnames or ())]:
                raise UsageProblem(f"{path.name} has no column {' and no column '.join(missing)}.", _HINT)
            yield from ((reader.line_num, row) for row in reader)
    except UnicodeDecodeError:
        raise UsageProblem(f"{path.name} is not UTF-8.", "Save it as CSV UTF-8.") from None
    except csv.Error as error:
        raise UsageProblem(f"{path.name} is not CSV: {error}.", _HINT) from None


def _json_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    with path.open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError:
                raise UsageProblem(f"{path.name}, line {number}: not JSON.", _HINT) from None
            if not isinstance(row, dict):
                raise UsageProblem(f"{path.name}, line {number}: not an object with fields.", _HINT)
            yield number, row

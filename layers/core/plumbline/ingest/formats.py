"""Which format a file is in, told by its content; its name only breaks a tie."""

import json

from plumbline.contracts.errors import InvalidCaseFile
from plumbline.ingest import csv_rows, json_rows
from plumbline.ingest.rows import Rows
from plumbline.ingest.source import Source

EXPECTED = (
    "expected cases as CSV with a header row, JSON Lines, a JSON array, or a Ground Truth output manifest, "
    "in UTF-8, plain or packed with gzip"
)
_JSON_NAMES = (".jsonl", ".ndjson", ".json", ".manifest")


def open_rows(source: Source, name: str, known: frozenset[str], max_bytes: int) -> tuple[str, Rows]:
    """The format's name (`csv`, `jsonl`, `json`; `.gz` added when packed) and the file's rows.

    `known` are normalised column names that help to find a CSV's delimiter. Raises InvalidCaseFile for an empty file
    and for an unreadable header.
    """
    if not source.head.strip():
        if source.whole:
            raise InvalidCaseFile(f"the file is empty; {EXPECTED}")
        raise InvalidCaseFile(f"the file begins with nothing but white space; {EXPECTED}")
    suffix = ".gz" if source.packed else ""
    if _is_array(source):
        return "json" + suffix, json_rows.array_rows(source.text, max_bytes)
    if _is_lines(source.head, name):
        return "jsonl" + suffix, json_rows.line_rows(source.text, max_bytes)
    return "csv" + suffix, csv_rows.csv_rows(source.text, source.head, known, max_bytes)


def _is_array(source: Source) -> bool:
    """One JSON document. An object counts when it has a list of cases, or spans lines and is no row of JSON Lines."""
    head = source.head.lstrip()
    if head.startswith("["):
        return True
    if not head.startswith("{"):
        return False
    first, _, rest = head.partition("\n")
    if _is_object(first):
        return not rest.strip() and source.whole and json_rows.names_a_list(head)
    return json_rows.names_a_list(head) or (first.strip() == "{" and not _starts_object(rest))


def _is_lines(head: str, name: str) -> bool:
    if head.lstrip().startswith("{"):
        return True
    lines = head.splitlines()[:20]
    return name.lower().removesuffix(".gz").endswith(_JSON_NAMES) or any(_is_object(line) for line in lines)


def _starts_object(text: str) -> bool:
    return text.lstrip().startswith("{")


def _is_object(line: str) -> bool:
    try:
        return line.lstrip().startswith("{") and isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False

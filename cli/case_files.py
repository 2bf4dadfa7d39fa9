"""Cases out of a file on this machine, read by ingest's own readers, for asking about them one by one."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import IO

from cli.errors import UsageProblem
from cli.paths import plumbline
from plumbline.contracts.errors import InvalidCaseFile
from plumbline.ingest.cases import ReadCase, read_cases
from plumbline.ingest.formats import open_rows
from plumbline.ingest.ground_truth import is_manifest, unwrap
from plumbline.ingest.json_rows import names_a_list
from plumbline.ingest.options import IngestSettings
from plumbline.ingest.profiles import GENERIC, Profile, known_names, recognise
from plumbline.ingest.rows import BadRow, Row, Rows
from plumbline.ingest.source import Source, open_source
from plumbline.ingest.values import find, normal_fields, scalar

_SAMPLE_ROWS = 20
_MAX_ROW_BYTES = IngestSettings().max_row_bytes


def cases_in(stream: IO[bytes], name: str, mapped: Profile | None = None) -> Iterator[ReadCase | BadRow]:
    """Every case and bad row of the file, in its order. A row without an id is called by its line: nothing is kept of
    it, so it needs no name.

    Raises InvalidCaseFile for what cannot be read at all.
    """
    rows = _rows(open_source(stream), name)
    sample = list(islice(rows, _SAMPLE_ROWS))
    rows = chain(sample, rows)
    if mapped is None and any(isinstance(row, Row) and is_manifest(row.fields) for row in sample):
        rows = (row if isinstance(row, BadRow) else unwrap(row, lambda _: None) for row in rows)
        first = next(rows, None)
        sample = [first] if first else []
        rows = chain(sample, rows)
    profile = mapped or _profile(sample)
    return read_cases(_with_ids(rows, profile), profile, _MAX_ROW_BYTES)


def refuse_one_case(path: Path) -> None:
    """Raise UsageProblem for one case as a JSON object over several lines, which ingest takes for no export."""
    try:
        with path.open("rb") as stream:
            source = open_source(stream)
            one = _one_case(source)
            if one is None or "\n" not in source.head.strip():
                return
            stream.seek(0)
            case = next(cases_in(stream, path.name), None)
    except InvalidCaseFile:
        return  # ingest says what is wrong with it
    if not isinstance(case, ReadCase):
        return
    raise UsageProblem(
        f"{path} is one case as a JSON object, not an export of cases; nothing was uploaded.",
        f"Put [ and ] around it, or write it on one line. To ask about one case: {plumbline('predict')} {path}",
    )


def _rows(source: Source, name: str) -> Rows:
    if one := _one_case(source):
        return iter([one])
    return open_rows(source, name, known_names(), _MAX_ROW_BYTES)[1]


def _one_case(source: Source) -> Row | None:
    """The file as one JSON object over several lines; an export never is that, a file made for one question is."""
    if not source.whole or not source.head.lstrip().startswith("{") or names_a_list(source.head.lstrip()):
        return None
    try:
        value = json.loads(source.head)
    except (ValueError, RecursionError):
        return None
    return Row(1, value, len(source.head)) if isinstance(value, dict) else None


def _profile(sample: Iterable[Row | BadRow]) -> Profile:
    columns = list(dict.fromkeys(name for row in sample if isinstance(row, Row) for name in row.fields))
    if not columns:
        return GENERIC
    try:
        return recognise(columns)
    except InvalidCaseFile:
        return recognise(columns, assumed=("case_id",))  # as if it had an id, which only a run needs


def _with_ids(rows: Rows, profile: Profile) -> Rows:
    for row in rows:
        if isinstance(row, BadRow) or profile.row_per_message:
            yield row
            continue
        fields = row.fields if profile.exact else normal_fields(row.fields)
        if any(scalar(find(fields, path)) for path in profile.case_id):
            yield row
        else:
            yield replace(row, fields={**row.fields, profile.case_id[0]: f"line {row.line}"})

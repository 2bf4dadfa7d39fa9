"""Wild input: any cases survive any format, and any bytes end in an honest account or in InvalidCaseFile."""

import contextlib
import csv
import gzip
import io
import json

from hypothesis import example, given, settings
from hypothesis import strategies as st

from plumbline.contracts.errors import InvalidCaseFile
from plumbline.ingest import IngestSettings, csv_rows
from plumbline.ingest.json_rows import array_rows
from plumbline.ingest.rows import Row
from plumbline.ingest.texts import clean
from tests.unit.ingest.helpers import Ingested, run_ingest

# Every character that a text can hold; a text that is nothing but white space and control characters is no text.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
FILLED = TEXT.filter(clean)
IDS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"]), min_size=1, max_size=20)
CASES = st.lists(st.tuples(IDS, TEXT, FILLED), min_size=1, max_size=8, unique_by=lambda case: case[0].strip())
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def _check(done: Ingested, cases: list[tuple[str, str, str]]) -> None:
    assert done.reasons == []
    assert [line.case_id for line in done.index] == [case_id for case_id, _, _ in cases]
    for case_id, subject, text in cases:
        case = done.cases[case_id]
        assert case.subject == " ".join(clean(subject).split())
        assert [message.text for message in case.messages] == [clean(text)]


@settings(deadline=None)
@given(CASES, st.sampled_from([",", ";", "\t", "|"]), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_any_cases_round_trip_through_csv(
    cases: list[tuple[str, str, str]], delimiter: str, newline: str, packed: bool
) -> None:
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=delimiter, lineterminator=newline, quoting=csv.QUOTE_ALL)
    writer.writerow(("case_id", "subject", "text"))
    writer.writerows(cases)
    data = stream.getvalue().encode()
    if "\x00" in stream.getvalue():
        return  # a NUL makes the file binary; the reader says so
    _check(run_ingest(gzip.compress(data, mtime=0) if packed else data), cases)


@settings(deadline=None)
@given(CASES, st.booleans(), st.sampled_from(["lines", "array", "indented", "document"]))
def test_any_cases_round_trip_through_json(cases: list[tuple[str, str, str]], ascii_only: bool, shape: str) -> None:
    rows = [{"case_id": case_id, "subject": subject, "text": text} for case_id, subject, text in cases]
    if shape == "lines":
        content = "\n".join(json.dumps(row, ensure_ascii=ascii_only) for row in rows)
    elif shape == "document":
        content = json.dumps({"next": None, "cases": rows, "count": len(rows)}, ensure_ascii=ascii_only)
    else:
        content = json.dumps(rows, ensure_ascii=ascii_only, indent=1 if shape == "indented" else None)
    _check(run_ingest(content), cases)


def _survives(content: bytes, name: str = "incoming/x") -> None:
    with contextlib.suppress(InvalidCaseFile):
        done = run_ingest(content, name=name, settings=IngestSettings(max_row_bytes=1024))
        # read_back has checked that the index, the shards and the rejects say what the result says
        assert done.result.cases > 0


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300), st.sampled_from(["x", "x.jsonl", "x.csv", "x.json", "x.gz"]))
def test_any_bytes(content: bytes, name: str) -> None:
    _survives(content, name)


HEADERS = [b"id,text\n", b"ticket_id;role;text\n", b"issue_key,summary,comment,comment\n", b"\xef\xbb\xbfid\ttext\n"]
PIECES = [b"1", b"2", b",", b";", b"\t", b'"', b'""', b"\n", b"\r", b"\r\n", b" ", b"x", b"\xff", b"\xc3\xbc"]


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(HEADERS),
    st.lists(st.sampled_from(PIECES) | st.binary(max_size=6) | st.just(b"long " * 300), max_size=40),
)
def test_any_rows_under_a_header(header: bytes, parts: list[bytes]) -> None:
    _survives(header + b"".join(parts))


_KEYS = st.sampled_from(
    [
        *("id", "case_id", "key", "number", "text", "description", "subject", "fields", "comments", "messages"),
        *("conversations", "recentCommunications", "displayId", "source", "source-ref", "a", "a-metadata"),
        *("class-name", "role", "author", "created_at", "short_description", "body"),
    ]
)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.dictionaries(_KEYS, JSON | st.dictionaries(_KEYS, JSON, max_size=4), max_size=7) | JSON, max_size=5),
    st.booleans(),
    st.integers(0, 400),
)
def test_any_json_rows(rows: list[object], lines: bool, cut: int) -> None:
    content = "\n".join(json.dumps(row) for row in rows) if lines else json.dumps(rows)
    _survives(content.encode())
    _survives(content[: len(content) - cut].encode())


@settings(deadline=None)
@given(st.lists(JSON, max_size=6), st.integers(0, 3), st.booleans())
def test_the_array_reader_finds_the_items_that_json_finds(items: list[object], indent: int, ascii_only: bool) -> None:
    text = json.dumps([{"item": item} for item in items], indent=indent or None, ensure_ascii=ascii_only)
    data = io.BytesIO(text.encode("utf-8", "surrogatepass"))
    wrapped = io.TextIOWrapper(data, "utf-8", "surrogateescape", newline="")
    rows = list(array_rows(wrapped, 1_000_000))
    assert len(rows) == len(items)
    found = [row.fields["item"] for row in rows if isinstance(row, Row)]
    expected = [i["item"] for i, row in zip(json.loads(text), rows, strict=True) if isinstance(row, Row)]
    assert json.dumps(found) == json.dumps(expected)


@settings(deadline=None)
@given(st.text(st.sampled_from('"", \nx'), max_size=12))
@example('"""')
def test_quotes_are_followed_across_pieces(record: str) -> None:
    def follow(*pieces: str) -> tuple[bool, bool]:
        scan = csv_rows._Quotes(",")
        ended = any(scan.ends_record(piece) for piece in pieces)  # stops at the piece that ends it
        return ended, scan.quoted

    assert {follow(record[:at], record[at:]) for at in range(len(record) + 1)} == {follow(record)}

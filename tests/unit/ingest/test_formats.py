"""Every accepted format, told by content."""

import gzip
import json

import pytest

from plumbline.ingest import IngestSettings
from tests.unit.ingest.helpers import run_ingest, said

CSV = 'Ticket ID,Subject,Description,Category\n1,Login,"Cannot, really,\nlog ""in""",Defect\n2,Bill,Too high,Billing\n'
ROWS = [
    {"id": 1, "subject": "Login", "text": "Cannot log in", "category": "Defect"},
    {"id": 2, "subject": "Bill", "text": "Too high"},
]


def test_csv_with_quoted_line_breaks_and_gold() -> None:
    done = run_ingest(CSV)
    assert done.result.file_format == "csv/generic"
    assert done.result.file_bytes == len(CSV)
    case = done.cases["1"]
    assert (case.subject, case.gold_category) == ("Login", "Defect")
    assert said(case) == [("customer", 'Cannot, really,\nlog "in"')]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_csv_delimiters_and_newlines(delimiter: str, newline: str) -> None:
    text = newline.join(delimiter.join(row) for row in (("case_id", "title", "body"), ("7", "T", "some text; or, so")))
    text = text.replace("some text; or, so", '"some text; or, so\t|"')
    done = run_ingest(text)
    assert said(done.only) == [("customer", "some text; or, so\t|")]


def test_csv_that_declares_its_delimiter_for_excel() -> None:
    done = run_ingest("sep=;\r\nid;text\r\n1;hello, world\r\n")
    assert said(done.only) == [("customer", "hello, world")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize(
    "content", [CSV.replace("really", "überhaupt 😀"), json.dumps([{"id": "1", "text": "überhaupt 😀"}])]
)
def test_byte_order_marks(encoding: str, content: str) -> None:
    done = run_ingest(content.encode(encoding))
    assert "überhaupt 😀" in done.cases["1"].messages[0].text


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("\n".join(json.dumps(row) for row in ROWS), "jsonl"),
        (json.dumps(ROWS), "json"),
        (json.dumps(ROWS, indent=2), "json"),
        (json.dumps({"count": 2, "next": {"a": [1, "]}"]}, "tickets": ROWS, "end": None}), "json"),
        (json.dumps({"issues": ROWS}, indent=1), "json"),
        (json.dumps({"result": ROWS}), "json"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_json_shapes(content: str, found: str, packed: bool) -> None:
    data = gzip.compress(content.encode(), mtime=0) if packed else content.encode()
    done = run_ingest(data, name="incoming/no-helpful-name")
    assert done.result.file_format == f"{found}{'.gz' if packed else ''}/generic"
    assert done.result.file_bytes == len(data)
    assert list(done.cases) == ["1", "2"]
    assert done.cases["1"].gold_category == "Defect"


def test_one_line_of_json_is_a_case_even_with_a_list_of_its_own() -> None:
    done = run_ingest(json.dumps({"id": "1", "text": "hello", "items": [{"id": "x", "text": "y"}]}))
    assert list(done.cases) == ["1"]


def test_large_json_array_is_read_across_chunks() -> None:
    rows = [{"id": f"c{n}", "text": 'ü\\"]}' * 300 + str(n)} for n in range(1500)]
    done = run_ingest(json.dumps(rows))
    assert {case.case_id: case.messages[0].text for case in done.cases.values()} == {r["id"]: r["text"] for r in rows}


def _labeled(source: str, **more: object) -> dict[str, object]:
    metadata = {"class-name": "Billing", "job-name": "labeling-job/x", "type": "groundtruth/text-classification"}
    return {"source": source, "cause": 1, "cause-metadata": metadata, **more}


def test_ground_truth_manifest() -> None:
    inner = json.dumps({"case_id": "c1", "subject": "S", "turns": [{"role": "customer", "text": "Hi"}]})
    lines = [_labeled("plain text"), _labeled(inner), _labeled("with id", id=5)]
    done = run_ingest("\n".join(json.dumps(line) for line in lines), name="incoming/output.manifest")
    assert done.result.file_format == "jsonl/ground-truth/generic"
    assert {case.gold_category for case in done.cases.values()} == {"Billing"}
    assert said(done.cases["c1"]) == [("customer", "Hi")]
    assert said(done.cases["5"]) == [("customer", "with id")]
    (made,) = set(done.cases) - {"c1", "5"}
    assert made.startswith("gt-")


def test_ground_truth_takes_the_last_label_and_a_single_class_map() -> None:
    chained = _labeled("a") | {"check": 0, "check-metadata": {"class-name": "Defect"}}
    several = {"source": "b", "x": [0], "x-metadata": {"class-map": {"0": "Only"}}}
    two = {"source": "c", "x": [0, 1], "x-metadata": {"class-map": {"0": "One", "1": "Two"}}}
    done = run_ingest("\n".join(json.dumps(line) for line in (chained, several, two)))
    gold = {case.messages[0].text: case.gold_category for case in done.cases.values()}
    assert gold == {"a": "Defect", "b": "Only", "c": None}


def test_ground_truth_source_ref_is_read_only_under_incoming_of_the_raw_bucket() -> None:
    names = ("s3://raw/sources/t/1.txt", "s3://raw/runs/r/cases/0.jsonl", "s3://other/sources/t/1.txt")
    lines = [{"source-ref": name, "x": 0, "x-metadata": {"class-name": "A"}} for name in names]
    objects = {"sources/t/1.txt": b"a text of its own", "runs/r/cases/0.jsonl": b"secret"}
    content = "\n".join(json.dumps(line) for line in lines)
    done = run_ingest(content, objects=objects, settings=IngestSettings(raw_bucket="raw"))
    assert said(done.only) == [("customer", "a text of its own")]
    assert done.reasons == [(2, "no text"), (3, "no text")]

"""Cases out of files of every kind, without an upload."""

import io
import json
from pathlib import Path

import pytest

from cli.case_files import cases_in, refuse_one_case
from cli.errors import UsageProblem
from plumbline.contracts.errors import InvalidCaseFile
from plumbline.ingest.cases import ReadCase
from plumbline.ingest.formats import open_rows
from plumbline.ingest.mapping import parse_mapping
from plumbline.ingest.rows import Row
from plumbline.ingest.source import open_source

SAMPLES = Path(__file__).parents[2] / "samples" / "cases.jsonl"


def read(data: bytes, name: str = "f", mapping: str = "") -> list[tuple[str, str]]:
    """Id and text (or the reason why there is none) of each case."""
    mapped = parse_mapping(mapping.encode(), "m").profile() if mapping else None
    return [
        (item.case.case_id, "|".join([item.case.subject, *(m.text for m in item.case.messages)]))
        if isinstance(item, ReadCase)
        else (f"line {item.line}", item.reason.value)
        for item in cases_in(io.BytesIO(data), name, mapped)
    ]


def test_the_samples_are_all_read() -> None:
    with SAMPLES.open("rb") as stream:
        found = list(cases_in(stream, SAMPLES.name))
    assert len(found) == 234
    assert all(isinstance(item, ReadCase) for item in found)


@pytest.mark.parametrize("indent", [None, 2])
def test_one_case_as_one_json_object(indent: int | None) -> None:
    case = {"subject": "s", "messages": [{"role": "customer", "text": "t"}]}
    assert read(json.dumps(case, indent=indent).encode()) == [("line 1", "s|t")]


@pytest.mark.parametrize("data", ['{\n"id": 1,\n"text": "t"\n}\n', '{"id": 1,\n"text": "t"}'])
def test_one_case_over_several_lines_is_no_export(data: str, tmp_path: Path) -> None:
    (tmp_path / "case.json").write_text(data)
    with pytest.raises(UsageProblem, match="one case as a JSON object") as caught:
        refuse_one_case(tmp_path / "case.json")
    assert "plumbline predict" in caught.value.hint
    # What the hint says to do can be read as an export.
    for mended in (f"[{data}]", json.dumps(json.loads(data))):
        name, rows = open_rows(open_source(io.BytesIO(mended.encode())), "case.json", frozenset(), 10**6)
        assert [row.fields for row in rows if isinstance(row, Row)] == [{"id": 1, "text": "t"}], name


@pytest.mark.parametrize(
    "data",
    [
        b'{"id": 1, "text": "t"}\n',
        b'{"id": 1, "text": "t"}\n{"id": 2, "text": "t"}\n',
        b'{\n"tickets": [{"id": 1, "text": "t"}]\n}',
        b'[\n{"id": 1, "text": "t"}\n]',
        b'{\n"total": 1,\n"rows": [{"id": 1, "text": "t"}]\n}',
        b"id,text\n1,t\n",
        b"\x1f\x8bdamaged",
    ],
)
def test_an_export_is_let_through(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "export").write_bytes(data)
    refuse_one_case(tmp_path / "export")


def test_a_row_without_an_id_is_called_by_its_line_and_one_with_an_id_keeps_it() -> None:
    assert read(b'{"text": "a"}\n{"text": "b", "id": 7}\n') == [("line 1", "|a"), ("7", "|b")]


def test_a_list_of_cases_a_broken_row_and_a_csv() -> None:
    assert read(b'{"tickets": [{"id": 1, "text": "a"}, {"id": 2, "text": ""}]}') == [("1", "|a"), ("line 1", "no text")]
    assert read(b'{"id": 1, "text": "a"}\nnonsense\n') == [("1", "|a"), ("line 2", "malformed row")]
    assert read(b"id;text\n1;a\n2;b\n") == [("1", "|a"), ("2", "|b")]


def test_a_message_a_row_makes_one_case() -> None:
    assert read(b"ticket_id,role,text\n1,customer,a\n1,agent,b\n2,customer,c\n") == [("1", "|a|b"), ("2", "|c")]


def test_a_mapping_says_what_is_what() -> None:
    assert read(b"nr,words\n5,a\n", mapping="case_id: nr\ntext: words\n") == [("5", "|a")]


def test_a_ground_truth_manifest() -> None:
    row = {"source": "It says expired.", "cause": 1, "cause-metadata": {"class-name": "Billing", "type": "x"}}
    [(_, text)] = read(json.dumps(row).encode() + b"\n")
    assert text == "|It says expired."


@pytest.mark.parametrize("data", [b"   ", b"colour,size\nred,3\n", b"PK\x03\x04zip"])
def test_what_cannot_be_read_is_an_error_that_says_so(data: bytes) -> None:
    with pytest.raises(InvalidCaseFile):
        read(data)

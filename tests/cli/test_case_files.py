"""Cases out of files of every kind, without an upload."""

import io
import json
from pathlib import Path

import pytest

from cli.case_files import cases_in
from plumbline.contracts.errors import InvalidCaseFile
from plumbline.ingest.cases import ReadCase
from plumbline.ingest.mapping import parse_mapping

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

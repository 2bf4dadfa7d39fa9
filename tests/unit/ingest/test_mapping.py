"""Mapping files: strict, and enough for exports that nobody knows."""

import json

import pytest

from plumbline.contracts.errors import InvalidCaseFile, InvalidMapping
from plumbline.ingest.mapping import parse_mapping
from tests.unit.ingest.helpers import Ingested, run_ingest, said

MAPPING = """
case_id: ref.no
subject: head
text: first words
product: line
gold_category: truth.0
created_at: opened
messages:
  list: talk.entries
  text: words
  role: who
  at: when
  roles: {Kunde: customer, Berater: agent}
  default_role: other
"""
ROW = {
    "ref": {"no": 12},
    "head": "H",
    "first words": "Hello",
    "line": "Router",
    "truth": ["Billing"],
    "opened": 1735689600,
    "category": "not this one",
    "talk": {"entries": [{"words": "Guten Tag", "who": "berater"}, {"words": "Hi", "who": "Kunde"}, {"words": "?"}]},
}


def _mapped(content: str, mapping: str) -> Ingested:
    return run_ingest(content, objects={"mappings/m.yaml": mapping.encode()}, mapping_key="mappings/m.yaml")


@pytest.mark.parametrize("as_json", [False, True])
def test_every_field(as_json: bool) -> None:
    mapping = json.dumps(parse_mapping(MAPPING.encode(), "m").model_dump()) if as_json else MAPPING
    done = _mapped(json.dumps([ROW]), mapping)
    assert done.result.file_format == "json/mapping"
    case = done.only
    assert (case.case_id, case.subject, case.product, case.gold_category) == ("12", "H", "Router", "Billing")
    assert said(case) == [("customer", "Hello"), ("agent", "Guten Tag"), ("customer", "Hi"), ("other", "?")]
    assert case.created_at is not None
    assert case.created_at.year == 2025


def test_a_message_a_row_and_a_delimiter_found_by_the_mapped_names() -> None:
    mapping = "case_id: Vorgang\nmessages: {text: 'Text, frei', role: Von, roles: {K: customer}}\n"
    done = _mapped("Vorgang;Text, frei;Von\n1;Hallo;K\n1;Ja;X\n2;Ho;K\n", mapping)
    assert said(done.cases["1"]) == [("customer", "Hallo"), ("other", "Ja")]
    assert said(done.cases["2"]) == [("customer", "Ho")]


def test_a_key_with_dots_in_it() -> None:
    assert said(_mapped('{"a.b": 1, "t.t": "x"}', "case_id: a.b\ntext: t.t\n").only) == [("customer", "x")]


def test_a_mapping_that_does_not_fit_the_file() -> None:
    expected = r"mapping file: case_id: the file has no column 'nummer'; found the fields id, text"
    with pytest.raises(InvalidCaseFile, match=expected):
        _mapped('{"id": 1, "text": "x"}', "case_id: nummer\ntext: text\n")


@pytest.mark.parametrize("field", ["case_id", "subject", "text", "messages.list", "messages.text"])
def test_a_column_that_a_csv_does_not_have_is_named(field: str) -> None:
    names = {"case_id": "Nr", "subject": "Head", "text": "Words"}
    inner = {"messages.list": "\nmessages: {list: Nope, text: t}", "messages.text": "\nmessages: {text: Nope}"}
    if field == "messages.text":
        del names["text"]
    mapping = "\n".join(f"{name}: {'Nope' if name == field else path}" for name, path in names.items())
    expected = rf"mapping file: {field}: the file has no column 'Nope'; found the fields Nr, Head, Words\."
    with pytest.raises(InvalidCaseFile, match=expected):
        _mapped("Nr,Head,Words\n1,H,W\n", mapping + inner.get(field, "") + "\n")


def test_a_headerless_file_does_not_leak_through_the_message_about_a_mapping() -> None:
    with pytest.raises(InvalidCaseFile, match="no column 'Nope'") as caught:
        _mapped("4711,Jane Roe,jane@example.org\n4712,John Roe,john@example.org\n", "case_id: Nope\ntext: Words\n")
    assert "Roe" not in str(caught.value)
    assert "example" not in str(caught.value)


def test_an_empty_column_is_there_and_json_rows_may_leave_a_field_out() -> None:
    assert len(_mapped("Nr,Head,Words\n1,H,\n", "case_id: Nr\nsubject: Head\ntext: Words\n").cases) == 1
    assert len(_mapped('{"n": 1, "h": "x"}', "case_id: n\nsubject: h\ntext: t\n").cases) == 1


@pytest.mark.parametrize(
    ("mapping", "said"),
    [
        ("case_id: a\ntext: b\ncolour: c\n", "unknown key colour; known keys are case_id, subject, text, messages,"),
        (
            "case_id: a\nmessages: {text: b, speaker: c}\n",
            "unknown key messages.speaker; known keys are list, text,",
        ),
        ("text: b\n", "case_id: missing"),
        ("case_id: a\n", "one of subject, text or messages"),
        ("case_id: a\ntext: b\nmessages: {text: c}\n", "messages.text"),
        ("case_id: a\ntext: b\nmessages: {text: c, list: d, roles: {x: boss}}\n", "messages.roles.x"),
        ("case_id: 7\ntext: b\n", "case_id: expected text; put the value in quotes"),
        ("- a\n", "expected a mapping"),
        ("", "expected a mapping"),
        ("a: [", "not YAML"),
        ("case_id: a\ncase_id: b\ntext: c", "used twice"),
    ],
)
def test_a_wrong_mapping_names_the_field(mapping: str, said: str) -> None:
    with pytest.raises(InvalidMapping, match=r"mappings/m\.yaml") as caught:
        _mapped('{"id": 1}', mapping)
    assert said in str(caught.value)


def test_a_mapping_that_is_not_there() -> None:
    with pytest.raises(InvalidMapping, match="not in the raw bucket"):
        run_ingest('{"id": 1}', mapping_key="mappings/gone.yaml")


def test_a_giant_mapping() -> None:
    with pytest.raises(InvalidMapping, match="larger than"):
        _mapped('{"id": 1}', "#" * 100_000)

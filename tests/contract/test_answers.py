"""The comparison that decides whether an answer is the expected one."""

import json
from pathlib import Path

import pytest

from tools.answers import differences, examples


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ({}, {"a": 1}),
        ({"a": {"b": 1}}, {"a": {"b": 1, "c": 2}, "d": 3}),
        ({"a": [{"b": 1}]}, {"a": [{"b": 1, "c": 2}]}),
        ({"a": None}, {"a": None}),
        ({"a": 1}, {"a": 1.0}),
    ],
)
def test_what_is_asked_for_and_more_is_enough(expected: object, actual: object) -> None:
    assert differences(expected, actual) == []


@pytest.mark.parametrize(
    ("expected", "actual", "said"),
    [
        ({"a": 1}, {}, "answer.a is missing"),
        ({"a": {"b": 1}}, {"a": {"b": 2}}, "answer.a.b is 2, expected 1"),
        ({"a": {"b": 1}}, {"a": None}, "answer.a is None, expected an object"),
        ({"a": [1, 2]}, {"a": [1]}, "answer.a is [1], expected [1, 2]"),
        ({"a": [{"b": 1}]}, {"a": [{"b": 2}]}, "answer.a[0].b is 2, expected 1"),
        ({"a": True}, {"a": 1}, "answer.a is 1, expected True"),
        ({"a": None}, {}, "answer.a is missing"),
    ],
)
def test_what_differs_is_named_with_its_place(expected: object, actual: object, said: str) -> None:
    assert differences(expected, actual) == [said]


def test_an_event_without_an_answer_is_not_passed_over(tmp_path: Path) -> None:
    (tmp_path / "ingest").mkdir()
    (tmp_path / "ingest" / "typical.json").write_text("{}", "utf-8")
    with pytest.raises(FileNotFoundError, match=r"typical\.answer\.json"):
        examples(tmp_path)
    (tmp_path / "ingest" / "typical.answer.json").write_text(json.dumps({"errorType": "InvalidEvent"}), "utf-8")
    [example] = examples(tmp_path)
    assert (example.name, example.error) == ("ingest/typical", "InvalidEvent")

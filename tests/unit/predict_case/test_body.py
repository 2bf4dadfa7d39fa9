"""What a body may be: every other one is refused with a documented answer, and none keeps a core busy."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plumbline.anonymize import Privacy
from plumbline.anonymize.detector import PatternDetector
from plumbline.contracts.api import ErrorAnswer, Prediction
from plumbline.predict_case import CasePredictor
from plumbline.predict_case.api import respond
from plumbline.predict_case.current import CurrentModel
from plumbline.predict_case.request import MAX_MESSAGES, case_of
from tests.unit.predict_case.calling import (
    CONTEXT,
    MAX_BYTES,
    SECRET,
    ask,
    event,
    logged,
    message,
    post,
    problem,
)
from tests.unit.predict_case.models import World


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (None, 400, "empty_body"),
        ("", 400, "empty_body"),
        (SECRET, 400, "invalid_json"),
        ('{"subject": "zebrafish', 400, "invalid_json"),
        ('{"subject": "zebrafish\x01\x02"}', 400, "invalid_json"),
        ("[" * 50_000, 400, "invalid_json"),
        ('{"case_id": ' + "9" * 5000 + "}", 400, "invalid_json"),
        (f'["{SECRET}"]', 422, "invalid_request"),
        (f'"{SECRET}"', 422, "invalid_request"),
        ("null", 422, "invalid_request"),
        ("{}", 422, "invalid_case"),
        ('{"messages": []}', 422, "invalid_case"),
        ('{"messages": [{"role": "customer", "text": "  "}], "subject": ""}', 422, "invalid_case"),
        ('{"messages": [{"text": "\\u0000\\u0001\\u0002\\u001b"}]}', 422, "invalid_case"),
        ('{"messages": 5, "subject": "zebrafish"}', 422, "invalid_request"),
        ('{"messages": [{"text": ["zebrafish"]}]}', 422, "invalid_request"),
        ('{"subject": ["zebrafish"]}', 422, "invalid_request"),
        ('{"zebrafish": "zebrafish"}', 422, "invalid_case"),
        ('{"subject": "zebrafish", "x": NaN}', 400, "invalid_json"),
        ('{"subject": "zebrafish", "x": [-Infinity]}', 400, "invalid_json"),
        ('{"subject": "zebrafish", "subject": "crash"}', 400, "invalid_json"),
        ('{"subject": "crash", "messages": [{"zebrafish": 1, "zebrafish": 2}]}', 400, "invalid_json"),
        ('{"subject": "crash", "x": ' + "[" * 10_000 + "]" * 10_000 + "}", 400, "invalid_json"),
        ('{"subject": "crash", "x": ' + '{"a":' * 600 + "1" + "}" * 601, 400, "invalid_json"),
        ('{"subject": "zebrafish\x00"}', 400, "invalid_json"),
        ("\ufeff", 400, "invalid_json"),
        ('\ufeff\ufeff{"subject": "zebrafish"}', 400, "invalid_json"),
        (" \n", 400, "invalid_json"),
        ('{"messages": [{"text": "zebrafish \\udc00"}]}', 422, "invalid_case"),
        ('{"case_id": "\\ud800", "subject": "zebrafish"}', 422, "invalid_case"),
        ('{"case_id": "a\\u0000b", "subject": "zebrafish"}', 422, "invalid_case"),
        (json.dumps({"messages": ["a"] * 40_000}).replace(" ", ""), 413, "case_too_large"),
        (
            json.dumps({"subject": "crash"} | dict.fromkeys(map(str, range(40_000)))).replace(" ", ""),
            413,
            "case_too_large",
        ),
        ('{"subject": "\\ud800 zebrafish"}', 422, "invalid_case"),
        ('{"case_id": "' + "x" * 300 + '", "subject": "zebrafish"}', 422, "invalid_case"),
        (json.dumps({"subject": SECRET * 200_000}), 413, "case_too_large"),
    ],
)
def test_a_bad_body_is_refused_in_the_documented_shape_without_a_word_of_it(
    world: World, caplog: pytest.LogCaptureFixture, body: str | None, status: int, code: str
) -> None:
    assert problem(ask(world, "POST", "/predictions", body), status) == code
    assert SECRET not in logged(caplog)


@pytest.mark.parametrize("body", [base64.b64encode(b'{"subject": "\xff\xfe"}').decode(), "not base64!", "ä"])
def test_what_is_no_utf8_is_refused(world: World, body: str) -> None:
    answer = ask(world, "POST", "/predictions", body, isBase64Encoded=True)
    assert problem(answer, 400) == "invalid_encoding"


@pytest.mark.parametrize(
    ("case", "says"),
    [
        ({"subject": {}}, "`subject` is an object where a text is expected"),
        ({"subject": [SECRET]}, "`subject` is a list where a text is expected"),
        ({"subject": "crash", "case_id": {SECRET: 1}}, "`case_id` is an object where a text or a number is expected"),
        ({"messages": 5}, "`messages` is a single value where a list of {role, text, at} is expected"),
        ({"messages": {"text": SECRET}}, "`messages` is an object where a list"),
        ({"messages": ["crash", None]}, "`messages[1]` is null where an object {role, text, at} is expected"),
        ({"messages": [{"text": "a"}, {"text": [SECRET]}]}, "`messages[1].text` is a list where a text is expected"),
        ({"messages": [{"text": "a", "role": {SECRET: SECRET}}]}, "`messages[0].role` is an object where a text"),
        ({"messages": [{"text": "a", "at": [SECRET]}]}, "`messages[0].at` is a list where a time, such as"),
        ({"subject": {}, "messages": 7}, "`subject` is an object where a text is expected; `messages` is a single"),
        ({"Title": {SECRET: 1}, "Description": [7, {}]}, "(`title`, `description`: a text is expected there)"),
        ({"subject": SECRET, "case_id": "x" * 300}, "case's id cannot be read (longer than 256 characters)"),
        ({"subject": f"{SECRET}\ud800"}, "half of a surrogate pair"),
        ({f"{SECRET}\ud800": 1, "subject": "crash"}, "a field's name holds half of a surrogate pair"),
    ],
)
def test_a_wrong_type_is_answered_with_the_field_and_what_is_expected(world: World, case: Any, says: str) -> None:
    answer = post(world, case)
    problem(answer, 422)
    assert says in message(answer)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ('{"a": NaN}', "NaN"),
        ('{"a": 1, "a": 2}', "two fields of one name"),
        ("[" * 10_000 + "]" * 10_000, "levels deep"),
        ('{"x": ' + "[" * 700 + "]" * 700 + "}", "levels deep"),
    ],
)
def test_what_is_wrong_with_the_json_is_said(world: World, body: str, says: str) -> None:
    answer = ask(world, "POST", "/predictions", body)
    problem(answer, 400)
    assert says in message(answer)


@pytest.mark.parametrize("kind", [None, "", "text/plain", "application/xml", "multipart/form-data; boundary=x", "é"])
def test_the_content_type_does_not_matter(world: World, kind: str | None) -> None:
    headers = {} if kind is None else {"Content-Type": kind}
    assert post(world, {"subject": "crash"}, headers=headers, multiValueHeaders={})["statusCode"] == 200


def test_a_compressed_body_is_a_415(world: World) -> None:
    answer = post(world, {"subject": SECRET}, headers={"content-Encoding": "gzip"})
    assert problem(answer, 415) == "unsupported_encoding"
    assert post(world, {"subject": "crash"}, headers={"Content-Encoding": "identity"})["statusCode"] == 200


def test_half_a_surrogate_pair_or_a_null_in_a_field_that_nobody_reads_does_no_harm(world: World) -> None:
    body = r'{"subject": "crash", "x\u0000": "\u0000", "y": "\udfff", "messages": [{"text": "a", "at": "\ud800"}]}'
    assert ask(world, "POST", "/predictions", body)["statusCode"] == 200


class Counting(PatternDetector):
    """Remembers how many texts it was given."""

    texts = 0

    def find(self, texts: list[str]) -> Any:
        self.texts += len(texts)
        return super().find(texts)


@pytest.mark.parametrize(
    "row",
    [
        {"messages": ["a"] * 25_000},
        {"messages": [{"text": "a", "at": "2026-03-02T09:00:00Z"}] * 9_000},
        {"messages": json.dumps(["a"] * 100_000)},
        {
            "number": "INC1",
            "short_description": "crash",
            "comments": "2025-08-31 15:02:42 - A (Additional comments)\nx\n" * 15_000,
        },
    ],
)
def test_of_very_many_messages_the_first_and_the_last_thousand_are_masked(world: World, row: dict[str, Any]) -> None:
    models = CurrentModel("root_cause", registry=world.registry, data=world.data, cache=world.cache)
    detector = Counting()
    asked = CasePredictor(models, Privacy(detector), 0.6, 6000)
    answer = respond(event("POST", "/predictions", json.dumps(row, separators=(",", ":"))), CONTEXT, asked, MAX_BYTES)
    assert answer["statusCode"] == 200
    assert detector.texts <= MAX_MESSAGES + 2  # with the subject and the note of the gap


def test_the_gap_in_a_conversation_is_marked_and_both_ends_stay() -> None:
    texts = [f"m{number}" for number in range(MAX_MESSAGES + 5)]
    messages = [message.text for message in case_of({"messages": texts}, 6000).messages]
    half = MAX_MESSAGES // 2
    assert messages == [*texts[:half], "[… 5 messages left out …]", *texts[-half:]]
    assert len(case_of({"messages": texts[:MAX_MESSAGES]}, 6000).messages) == MAX_MESSAGES


def test_base64_and_a_byte_order_mark_are_read(world: World) -> None:
    body = base64.b64encode(b'\xef\xbb\xbf{"subject": "crash"}').decode()
    assert ask(world, "POST", "/predictions", body, isBase64Encoded=True)["statusCode"] == 200


def test_deep_nesting_in_a_field_that_nobody_reads_does_no_harm(world: World) -> None:
    body = '{"subject": "crash", "x": ' + '{"a":' * 400 + "1" + "}" * 401
    assert ask(world, "POST", "/predictions", body)["statusCode"] == 200


def test_a_flood_of_control_characters_among_text_is_left_out(world: World) -> None:
    case = {"subject": "crash", "messages": [{"text": "\x00\x1b" * 2000 + "crash"}]}
    assert Prediction.model_validate_json(post(world, case)["body"]).category == "Software Defect"


@pytest.mark.parametrize(
    ("body", "status"), [(None, 400), ("{", 400), ('{"subject": []}', 422), ("{}", 422), ('{"x": NaN}', 400)]
)
def test_without_a_model_a_bad_case_is_still_told_what_is_wrong_with_it(
    empty: World, body: str | None, status: int
) -> None:
    problem(ask(empty, "POST", "/predictions", body), status)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inside: (
        st.lists(inside, max_size=4)
        | st.dictionaries(st.sampled_from(["subject", "messages", "text", "id", "x"]), inside, max_size=4)
    ),
    max_leaves=15,
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> World:
    world = World(tmp_path_factory.mktemp("models"))
    world.promote("v1")
    return world


@given(value=_JSON)
def test_any_json_gets_an_answer_in_a_documented_shape(shared: World, value: Any) -> None:
    answer = post(shared, value)
    assert answer["statusCode"] in (200, 400, 422), answer
    kind = Prediction if answer["statusCode"] == 200 else ErrorAnswer
    kind.model_validate_json(answer["body"])

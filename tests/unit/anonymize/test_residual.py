"""What may have been overlooked sends a case to a person, and technical text does not."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plumbline.anonymize import Privacy, anonymize, anonymize_in_memory, marked
from plumbline.anonymize.configured import recognizers_of
from plumbline.anonymize.residual import leftovers
from plumbline.anonymize.spans import ENTITY_TYPES
from plumbline.contracts.cases import Case
from tests.unit.anonymize.scripted import Words

BLIND = Privacy(Words())


def types(text: str, privacy: Privacy = BLIND, *, changed: bool = True) -> set[str]:
    return {span.type for span in leftovers(text, privacy, changed=changed)}


def review(text: str, privacy: Privacy = BLIND) -> tuple[str, ...]:
    return anonymize_in_memory(Case(case_id="1", subject=text), privacy, check=True).review


@pytest.mark.parametrize(
    ("text", "entity"),
    [
        ("write to jane.doe@example.com please", "EMAIL"),
        ("jane@örtlich.example", "EMAIL"),
        ("my account is 7894561230123456", "NUMBER"),
        ("ssn:123456789", "NUMBER"),
        ("(123456789)", "NUMBER"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA", "KEY"),
    ],
)
def test_a_shape_that_no_masked_text_should_have(text: str, entity: str) -> None:
    assert review(text) == (f"leftover: {entity}",)


@pytest.mark.parametrize(
    "text",
    [
        "ExpnId(4294967295), i64 9223372036854775807, 2147483648",
        "at 1583920346 or 1614954151123; Build ID 20191202093317; 000000000409",
        "blob/a54f62f55e500644372fa342738483a6fd3dfaa3 and bp-9cc9b518-b314-4078-9918-5ad360191024",
        "images/46724952/106922537-7465da80 issuecomment-287779907 0x00007f0123456789 0.123456789",
        "git@github.com:a/b.git icon@2x.png react@17.0.2 @Override emit@moz-extension://a02c name@GOTPCREL(%rip)",
        "arn:aws:iam::123456789012:role/x, issue 1234567890, pid=123456789",
        "1,234,567,890 rows and 99999999 more",
        "[NAME_1] and [CARD_12] -----BEGIN PUBLIC KEY-----",
    ],
)
def test_technical_text_goes_on(text: str) -> None:
    assert review(text) == ()


def test_the_case_that_is_stored_has_no_text_then() -> None:
    [done] = anonymize([Case(case_id="1", subject="card 7894561230123456")], BLIND)
    assert (done.subject, done.review) == ("", ("leftover: NUMBER",))


def test_the_second_look_is_for_texts_of_which_something_was_masked() -> None:
    text = "from [IP_1]-198.51.100.7"
    assert types(text) == {"IP"}
    assert types(text, changed=False) == set()
    assert types("only [IP_1] here") == set()


def test_what_is_kept_or_allowed_is_no_leftover() -> None:
    text = "call 123456789 or write to help@example.com"
    kept = Privacy(Words(**{"123456789": "PHONE"}), policy={"PHONE": "keep"}, allow=frozenset({"help@example.com"}))
    done = anonymize_in_memory(Case(case_id="1", subject=text), kept, check=True)
    assert (done.subject, done.review) == (text, ())


def test_without_the_check_only_the_policy_counts() -> None:
    case = Case(case_id="1", subject="card 7894561230123456")
    assert anonymize_in_memory(case, BLIND, check=False).review == ()


def test_configured_patterns_look_again_too() -> None:
    orders = Privacy(Words(), configured=recognizers_of([("ORDER_NUMBER", ["ORD-[0-9]{4}"])]))
    assert types("[NAME_1]ORD-1234", orders) == {"ORDER_NUMBER"}


def test_where_something_was_left_is_told_in_the_raw_text() -> None:
    text = "Ann, Bo and a\u200bnn@example.com, Bo: 7894561230123456"
    found = marked(Case(case_id="1", subject=text), Privacy(Words(Ann="NAME", Bo="NAME")))
    assert [text[span.start : span.end] for span in found.left[0]] == ["a\u200bnn@example.com", "7894561230123456"]


def test_text_in_base64_is_looked_into_and_a_picture_is_not() -> None:
    mail = base64.encodebytes(b"Please send the report to jane.doe@example.com by Friday. " * 4).decode()
    assert review(f"see\n\n{mail}\n--") == ("leftover: EMAIL",)
    assert review(base64.b64encode(b"All of it is about nobody at all. " * 9).decode()) == ()
    assert review(base64.encodebytes(b"\xff\xd8\xff jane.doe@example.com " * 9).decode()) == ()


@given(st.text(max_size=300))
def test_any_text_is_checked(text: str) -> None:
    assert types(text) <= {*ENTITY_TYPES, "NUMBER"}


@pytest.mark.parametrize("unit", ["a", "a.", "@", "a@", "1", "1,", "a@b.", "-----BEGIN ", "a" * 76 + "\n", "YWFh"])
def test_a_megabyte_of_anything_is_read_in_linear_time(unit: str) -> None:
    types(unit * (1_000_000 // len(unit)), changed=False)

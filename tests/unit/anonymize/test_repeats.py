"""Values are found again in whatever form."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plumbline.anonymize.repeats import Repeats


def found(kind: str, value: str, text: str) -> list[str]:
    return [text[span.start : span.end] for span in Repeats([(kind, value)]).find(text)]


@pytest.mark.parametrize(
    ("kind", "value", "text", "again"),
    [
        (
            "EMAIL",
            "Jane@Example.com",
            "x JANE@EXAMPLE.COM, ajane@example.comb",
            ["JANE@EXAMPLE.COM", "jane@example.com"],
        ),
        ("ADDRESS", "12 Long Road", "at 12  long\n road \u0130 and 12 LONG ROAD", ["12  long\n road", "12 LONG ROAD"]),
        ("USERNAME", "ab12", "ab12 xab12 ab123 AB12.", ["ab12", "AB12"]),
        ("PIN", "a1", "a1, a12", ["a1"]),
        ("PASSWORD", "test", "I test a lot", []),
        ("CARD", "4111 1111 1111 1111", "4111-1111-1111-1111, 41111111111111112", ["4111-1111-1111-1111"]),
        (
            "PHONE",
            "+44 116 496 0837",
            "call +44 (116) 496-0837 now, 441164960837",
            ["+44 (116) 496-0837", "441164960837"],
        ),
        ("IBAN", "DE89370400440532013000", "de89 3704 0044 0532 0130 00", ["de89 3704 0044 0532 0130 00"]),
        ("SSN", "536-90-4399", "12 536 90 4399 5", ["536 90 4399"]),
        ("NATIONAL_ID", "943 476 5919", "9434765919 or 943-476-5919", ["9434765919", "943-476-5919"]),
        ("PASSPORT", "AB 1234567", "ab1234567 AB-1234567", ["ab1234567", "AB-1234567"]),
        ("LICENCE", "2270-66-1551", "2270 66 1551, 2270661551", ["2270 66 1551", "2270661551"]),
        ("PLATE", "AB12 CDE", "ab12cde, AB12-CDE, AB12CDEF", ["ab12cde", "AB12-CDE"]),
    ],
)
def test_finds_a_value_again(kind: str, value: str, text: str, again: list[str]) -> None:
    assert found(kind, value, text) == again


@given(st.text(max_size=30), st.text(max_size=30))
def test_what_stands_around_does_not_move_the_find(before: str, after: str) -> None:
    text = f"{before} s3cret-9value {after}"
    assert found("KEY", "S3CRET-9VALUE", text) == re.findall("s3cret-9value", text)


def test_all_of_many_values_are_found() -> None:
    values = [("EMAIL", f"person.{number}@example.org") for number in range(1_000)]
    text = " ".join(value for _, value in values)
    assert [text[span.start : span.end] for span in Repeats(values).find(text)] == text.split()

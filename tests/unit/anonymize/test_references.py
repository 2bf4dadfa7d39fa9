"""Numbers of orders, parcels and customers are found behind a word for them, and counts, dates and versions are not."""

import pytest

from plumbline.anonymize import Privacy, anonymize_in_memory
from plumbline.anonymize.detector import PatternDetector
from plumbline.anonymize.recognizers import references
from plumbline.contracts.cases import Case


def found(text: str) -> list[str]:
    [recognizer] = references.RECOGNIZERS
    return [text[span.start : span.end] for span in recognizer.find(text)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Parcel 00340434161094042557.", "00340434161094042557"),
        ("tracking 0034 0434 1610 9404 2557 is late", "0034 0434 1610 9404 2557"),
        ("tracking no. 1Z999AA10123456784", "1Z999AA10123456784"),
        ("Please put PO 4500078812 on the invoice", "4500078812"),
        ("order number: LM-884-20931", "LM-884-20931"),
        ("order #1002345", "1002345"),
        ("customer id is 882134", "882134"),
        ('{"order_id": "1002345"}', "1002345"),
        ("Kundennummer: 12345678", "12345678"),
        ("Invoice INV-2026-001234 is wrong", "INV-2026-001234"),
    ],
)
def test_finds(text: str, value: str) -> None:
    assert found(text) == [value]


@pytest.mark.parametrize(
    "text",
    [
        "in order 12345, order by 1234567, order of 1234567",
        "package com.foo 12345678, package 1.2.3 v1234567, package-lock 1234567",
        "invoice 2024-05-17, delivery 20240517",
        "ticket 1234567, case 1234567, issue #1234567",
        "member 0x7fff1234, the policy 1234567",
        "recorder 1234567, spo 1234567, po 1234567",
    ],
)
def test_leaves_alone(text: str) -> None:
    assert found(text) == []


def test_an_account_of_aws_documentation_stays() -> None:
    case = Case(case_id="1", subject="the March invoice 444455556666 paid")
    assert anonymize_in_memory(case, Privacy(PatternDetector()), check=True).subject == case.subject


def test_no_case_waits_for_a_person_because_of_a_parcel() -> None:
    case = Case(case_id="1", subject="Parcel 00340434161094042557. Put PO 4500078812 on it")
    done = anonymize_in_memory(case, Privacy(PatternDetector()), check=True)
    assert (done.subject, done.review) == ("Parcel [REFERENCE_1]. Put PO [REFERENCE_2] on it", ())

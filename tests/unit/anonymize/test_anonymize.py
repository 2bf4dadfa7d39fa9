"""Anonymize as a stage: cases in, anonymized cases out, with the real detectors."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from plumbline.anonymize import Privacy, anonymize
from plumbline.anonymize.detector import PatternDetector, SpacyDetector
from plumbline.contracts.cases import AnonymizedCase, Case, Cut, Message
from plumbline.fingerprint import simhash64

NOW = datetime(2026, 3, 4, tzinfo=UTC)
CASE = Case(
    case_id="jane@example.com/1",
    subject="Refund for Abbie Lewis",
    messages=(
        Message(
            role="customer",
            at=NOW,
            text="Hello, my name is Abbie Lewis. I paid with card 4111 1111 1111 1111 from 203.0.113.7.\n"
            "My phone number is +44 116 496 0837 and I log in at https://abbie:s3cret9@shop.example/x?page=2.\n\n"
            "Kind regards,\nAbbie Lewis\nabbie.lewis@example.com",
        ),
        Message(role="agent", text="Hi abbie,\nwe wrote to ABBIE.LEWIS@example.com.\n\nTom Hall\nSupport Team"),
        Message(role="customer", text="Thanks Tom! The password s3cret9 still works."),
    ),
    created_at=NOW,
    product="Shop",
    cut=Cut(original_chars=9, kept_chars=8, rule="ends"),
    gold_category="Billing Inquiry",
)
VALUES = ("abbie", "lewis", "hall", "4111", "203.0.113", "496", "s3cret9", "abbie.lewis@example.com")


class Scripted:
    """A detector that says what it is told, and remembers how it was asked."""

    def __init__(self, spans: list[tuple[int, int, str]]) -> None:
        self.spans = spans
        self.asked: list[list[str]] = []

    def find(self, texts: list[str]) -> Iterator[list[tuple[int, int, str]]]:
        self.asked.append(texts)
        return iter([self.spans if text else [] for text in texts])


@pytest.fixture(scope="module")
def spacy_detector() -> SpacyDetector:
    pytest.importorskip("spacy", reason="the nlp extra is not installed")
    return SpacyDetector()


def test_a_whole_case(spacy_detector: SpacyDetector) -> None:
    (case,) = anonymize([CASE], Privacy(spacy_detector))
    assert case.subject == "Refund for [NAME_1]"
    assert case.messages[0].text == (
        "Hello, my name is [NAME_1]. I paid with card [CARD_1] from [IP_1].\n"
        "My phone number is [PHONE_1] and I log in at https://[USERNAME_1]:[PASSWORD_1]@shop.example/x?page=2.\n\n"
        "Kind regards,\n[NAME_1]\n[EMAIL_1]"
    )
    assert case.messages[1].text == "Hi [NAME_1],\nwe wrote to [EMAIL_1].\n\n[NAME_2]\nSupport Team"
    assert case.messages[2].text == "Thanks [NAME_2]! The password [PASSWORD_1] still works."
    assert case.entities == {"CARD": 1, "EMAIL": 1, "IP": 1, "NAME": 2, "PASSWORD": 1, "PHONE": 1, "USERNAME": 1}
    assert (case.case_id, case.product, case.created_at, case.cut) == (CASE.case_id, "Shop", NOW, CASE.cut)
    assert [(m.role, m.at) for m in case.messages] == [(m.role, m.at) for m in CASE.messages]
    assert case.fingerprint == simhash64("\n".join([case.subject, *(m.text for m in case.messages)]))


def test_the_stored_line_holds_no_value_and_no_gold_label(spacy_detector: SpacyDetector) -> None:
    (case,) = anonymize([CASE], Privacy(spacy_detector))
    stored = case.model_copy(update={"case_id": "1"}).model_dump_json().lower()
    assert not [value for value in VALUES if value in stored]
    assert "billing" not in stored
    assert AnonymizedCase.model_validate_json(case.model_dump_json()) == case


def test_the_same_case_gives_the_same_result_alone_and_among_others(spacy_detector: SpacyDetector) -> None:
    other = CASE.model_copy(update={"case_id": "2", "subject": "Bob Ross asks", "messages": ()})
    (alone,) = anonymize([CASE], Privacy(spacy_detector))
    assert [
        case for case in anonymize([other, CASE, other], Privacy(spacy_detector)) if case.case_id == CASE.case_id
    ] == [alone]


def test_anonymizing_again_changes_nothing(spacy_detector: SpacyDetector) -> None:
    (once,) = anonymize([CASE], Privacy(spacy_detector))
    (twice,) = anonymize([Case(case_id="1", subject=once.subject, messages=once.messages)], Privacy(spacy_detector))
    assert (twice.subject, twice.messages, twice.entities) == (once.subject, once.messages, {})


def test_text_without_personal_data_stays(spacy_detector: SpacyDetector) -> None:
    text = "The export fails with error 0x80070005 on version 10.0.19045.\n\n    at foo.bar(Baz.java:42)\nPlease help!"
    (case,) = anonymize(
        [Case(case_id="1", subject="Export fails", messages=(Message(role="customer", text=text),))],
        Privacy(spacy_detector),
    )
    assert (case.subject, case.messages[0].text, case.entities) == ("Export fails", text, {})


def test_names_in_a_long_log_are_found_in_its_prose(spacy_detector: SpacyDetector) -> None:
    log = "2024-05-17T08:30:12Z [main] com.example.Foo=12 rc=0x1f {a:b}\n" * 200
    text = f"{log}Yesterday I called Margaret Thatcher about this problem.\n{log}"
    (case,) = anonymize([Case(case_id="1", messages=(Message(role="customer", text=text),))], Privacy(spacy_detector))
    assert case.messages[0].text == text.replace("Margaret Thatcher", "[NAME_1]")


def test_empty_cases_and_odd_characters(spacy_detector: SpacyDetector) -> None:
    cases = [
        Case(case_id="1"),
        Case(case_id="2", subject="\u202e\x00\U0001f600 \u00a0", messages=(Message(role="other", text=""),)),
    ]
    assert [(c.subject, c.entities) for c in anonymize(cases, Privacy(spacy_detector))] == [
        ("", {}),
        (cases[1].subject, {}),
    ]
    assert list(spacy_detector.find(["\ud800 broken", ""])) == [[], []]
    assert list(spacy_detector.find([])) == []


def test_cases_stream_through_in_batches() -> None:
    asked = Scripted([])
    taken = iter(anonymize((Case(case_id=str(i), subject="x") for i in range(120)), Privacy(asked)))
    assert next(taken).case_id == "0"
    assert [len(texts) for texts in asked.asked] == [50]
    assert [case.case_id for case in taken] == [str(i) for i in range(1, 120)]
    assert [len(texts) for texts in asked.asked] == [50, 50, 20]


def test_another_detector_fits_the_port() -> None:
    (case,) = anonymize([Case(case_id="1", subject="ask 12 Elm Street")], Privacy(Scripted([(4, 17, "ADDRESS")])))
    assert (case.subject, case.entities) == ("ask [ADDRESS_1]", {"ADDRESS": 1})


def test_the_pattern_detector_needs_no_model() -> None:
    (case,) = anonymize([CASE], Privacy(PatternDetector()))
    assert case.entities.keys() >= {"CARD", "EMAIL", "IP", "NAME", "PASSWORD", "USERNAME"}


def test_importing_loads_no_language_model() -> None:
    program = (
        "import sys; sys.modules.update(dict.fromkeys(['spacy', 'phonenumbers', 'numpy']))\n"
        "from plumbline.anonymize import Privacy, anonymize\n"
        "from plumbline.anonymize.detector import PatternDetector, SpacyDetector\n"
        "from plumbline.contracts.cases import Case\n"
        "SpacyDetector()\n"
        "print(next(anonymize([Case(case_id='1', subject='jane@example.com')], Privacy(PatternDetector()))).subject)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": ":".join(sys.path)},
    )
    assert ran.stdout == "[EMAIL_1]\n"

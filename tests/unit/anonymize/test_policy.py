"""What becomes of each type, what is allowed, and what a company configures itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plumbline.anonymize import Privacy, anonymize, anonymize_in_memory
from plumbline.anonymize.configured import LONGEST, recognizers_of
from plumbline.anonymize.detector import PatternDetector
from plumbline.anonymize.policy import Union
from plumbline.anonymize.spans import PLACEHOLDER
from plumbline.contracts.cases import AnonymizedCase, Case, Message
from plumbline.contracts.errors import InvalidSettings
from tests.unit.anonymize.scripted import Words

TEXT = "Write to jane@example.com about ORD-1234567, says Jane."
ORDERS = recognizers_of([("ORDER_NUMBER", ["ORD-[0-9]{6,10}"])])


def case(text: str, product: str | None = None) -> Case:
    return Case(case_id="1", subject="help", messages=(Message(role="customer", text=text),), product=product)


def masked(text: str, privacy: Privacy) -> str:
    [done] = anonymize([case(text)], privacy)
    return done.messages[0].text


def test_without_settings_everything_found_is_masked() -> None:
    assert masked(TEXT, Privacy(PatternDetector())) == "Write to [EMAIL_1] about ORD-1234567, says Jane."


def test_a_type_that_is_kept_stays_whole_even_where_a_name_is_found_in_it() -> None:
    privacy = Privacy(Union((Words(Jane="NAME"), PatternDetector())), policy={"EMAIL": "keep"})
    [done] = anonymize([case(TEXT)], privacy)
    assert done.messages[0].text == "Write to jane@example.com about ORD-1234567, says [NAME_1]."
    assert (done.entities, done.review) == ({"NAME": 1}, ())


def test_a_type_for_review_empties_the_case_and_names_no_value() -> None:
    privacy = Privacy(PatternDetector(), policy={"EMAIL": "review"})
    [done] = anonymize([case(TEXT, product="Shop")], privacy)
    assert (done.subject, [m.text for m in done.messages], done.product) == ("", [""], None)
    assert (done.review, done.entities, done.messages[0].role) == (("policy: EMAIL",), {"EMAIL": 1}, "customer")
    assert done.content_hash == case(TEXT, product="Shop").content_hash()
    assert "jane" not in done.model_dump_json()
    assert AnonymizedCase.model_validate_json(done.model_dump_json()) == done


def test_in_memory_the_texts_are_there_beside_the_reason() -> None:
    privacy = Privacy(PatternDetector(), policy={"EMAIL": "review"})
    done = anonymize_in_memory(case(TEXT), privacy, check=True)
    assert (done.subject, done.review) == ("help", ("policy: EMAIL",))
    assert "[EMAIL_1]" in done.messages[0].text


def test_an_allowed_value_stays_in_any_case_and_spacing() -> None:
    privacy = Privacy(PatternDetector(), allow=frozenset({"help@example.com"}))
    text = "From Help@Example.com and jane@example.com"
    assert masked(text, privacy) == "From Help@Example.com and [EMAIL_1]"


@pytest.mark.parametrize(
    ("text", "found", "kind"),
    [
        ("sha1 5551234567abcdef5551234567abcdef55512345 is it", "5551234567", "PHONE"),
        ("listens on port 5551234567", "5551234567", "PHONE"),
        ("crash in CVE-2021-44228 code", "CVE-2021-44228", "NAME"),
    ],
)
def test_what_machines_number_stays_whoever_takes_it_for_personal(text: str, found: str, kind: str) -> None:
    assert masked(text, Privacy(Words(**{found: kind}))) == text


@pytest.mark.parametrize("text", ["my direct line 2125550100", "work line 2125550100", "the office line: 2125550100"])
def test_a_line_that_somebody_answers_is_no_line_of_a_file(text: str) -> None:
    assert masked(text, Privacy(Words(**{"2125550100": "PHONE"}))) == text.replace("2125550100", "[PHONE_1]")


def test_a_companys_own_type_says_more_than_that_it_is_some_reference() -> None:
    privacy = Privacy(PatternDetector(), configured=ORDERS)
    assert masked("order ORD-1234567, parcel 00340434161094042557", privacy) == (
        "order [ORDER_NUMBER_1], parcel [REFERENCE_1]"
    )


def test_configured_patterns_find_whole_words_also_in_the_product_and_number_them() -> None:
    privacy = Privacy(PatternDetector(), configured=ORDERS)
    [done] = anonymize(
        [case("ORD-1234567, XORD-7654321, ord-1234567, ORD-98765432101", product="ORD-1234567")], privacy
    )
    # A value that was found is found again in other letter case, as with every type.
    assert done.messages[0].text == "[ORDER_NUMBER_1], XORD-7654321, [ORDER_NUMBER_1], ORD-98765432101"
    assert (done.product, done.entities) == ("[ORDER_NUMBER_1]", {"ORDER_NUMBER": 1})


def test_masking_again_changes_nothing() -> None:
    privacy = Privacy(PatternDetector(), configured=recognizers_of([("ORDER_2", ["[0-9]{1,8}"])]))
    once = masked("order 4711 and jane@example.com", privacy)
    assert once == "order [ORDER_2_1] and [EMAIL_1]"
    assert masked(once, privacy) == once


def test_a_group_called_value_is_what_is_masked() -> None:
    privacy = Privacy(
        PatternDetector(), configured=recognizers_of([("CUSTOMER", ["customer no (?P<value>[0-9]{4,8})"])])
    )
    assert masked("customer no 4711", privacy) == "customer no [CUSTOMER_1]"


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("[0-9", "no regular expression"),
        ("x" * (LONGEST + 1), "characters"),
        ("[0-9]+", "more than 200 characters"),
        ("(a*)*b", "more than 200 characters"),
        ("[0-9]{0,5}", "empty text"),
        (r"(\d{1,10}){1,10}", "ways"),
        (r"(?:a|a){1,100}", "ways"),
        (r"\d{1,20}\d{1,20}\d{1,20}x", "ways"),
        (r"x(?=(\d{1,30}){1,5}y)", "ways"),
        (r"(?:|){1000000000}x", "ways"),
    ],
)
def test_an_expression_that_could_take_long_or_is_none_is_refused_by_name(expression: str, said: str) -> None:
    with pytest.raises(InvalidSettings, match=said) as refused:
        recognizers_of([("ORDER_NUMBER", ["fine", expression])])
    assert "ORDER_NUMBER, expression 2" in str(refused.value)


@pytest.mark.parametrize("expression", ["ORD-[0-9]{6,10}", r"[A-Z]{2,4}-?\d{4,12}", r"(?i:kd)\s{0,2}(?P<value>\d{5})"])
def test_the_usual_ones_are_taken(expression: str) -> None:
    assert recognizers_of([("ORDER_NUMBER", [expression])])


def test_a_long_hostile_text_is_searched_once() -> None:
    [recognizer] = recognizers_of([("ORDER_NUMBER", [r"[a-z0-9]{1,16}-\d{1,16}x"])])
    assert list(recognizer.find("a1-1" * 50_000)) == []


@given(st.from_regex(PLACEHOLDER, fullmatch=True))
def test_what_reads_as_a_placeholder_is_never_changed(placeholder: str) -> None:
    assert (
        masked(f"see {placeholder} there", Privacy(PatternDetector(), configured=ORDERS)) == f"see {placeholder} there"
    )

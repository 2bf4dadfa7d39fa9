"""Texts as they should not be: whatever comes, the places are right, and what is in it is still masked."""

import base64
import re
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.pii_texts import SHAPES, made_up
from plumbline.anonymize import Marked, Privacy, anonymize_in_memory, marked, name_places
from plumbline.anonymize.detector import PatternDetector, SpacyDetector
from plumbline.anonymize.phones import find_phones
from plumbline.anonymize.placeholders import replaced
from plumbline.anonymize.policy import Union
from plumbline.anonymize.spans import ENTITY_TYPES, PLACEHOLDER
from plumbline.contracts.cases import Case, Message

PATTERNS = Privacy(Union((PatternDetector(), PatternDetector((find_phones,)))))


def case(*texts: str) -> Case:
    return Case(case_id="1", messages=tuple(Message(role="customer", text=text) for text in texts))


def check(found: Marked) -> None:
    """Spans lie in their text, in order and apart; outside them nothing changed; nothing given out was there before."""
    masked = [found.case.subject, *(message.text for message in found.case.messages), found.case.product or ""]
    typed = {match[0] for text in found.texts for match in PLACEHOLDER.finditer(text)}
    given: dict[str, str] = {}
    for text, row, done in zip(found.texts, found.replaced, masked, strict=True):
        end = 0
        for one in row:
            assert end <= one.start < one.end <= len(text)
            assert not PLACEHOLDER.search(text[one.start : one.end])
            assert one.placeholder not in typed
            assert given.setdefault(one.placeholder, one.type) == one.type
            end = one.end
        assert done == replaced(text, row)
    assert found.case.entities == {kind: list(given.values()).count(kind) for kind in sorted(set(given.values()))}
    assert set(given.values()) <= {*ENTITY_TYPES}


def mask(*texts: str, privacy: Privacy = PATTERNS) -> list[str]:
    found = marked(case(*texts), privacy)
    check(found)
    return [message.text for message in found.case.messages]


@pytest.fixture(scope="module")
def whole() -> Privacy:
    pytest.importorskip("spacy", reason="the nlp extra is not installed")
    return Privacy(SpacyDetector())


@pytest.mark.parametrize(
    "address",
    [
        "ja\u200bne.doe@exam\u200bple.com",
        "jane.doe@example.c\u200dom",
        "jane.doe\u2060@\ufeffexample.com",
        "jane\u00ad.doe@exam\u00adple.com",
        "jane.doe\u202e@\u202cexample.com",
        "jane\x00.doe@example\x00.com",
        "j\u0430ne.d\u043ee@example.com",
        "jane.doe@ex\u0430mple.c\u043em",
        "jane.doe@example.\u0441\u043e\u043c",
        "\uff4aane.doe@example\uff0ecom",
        "jane.doe&#64;example&#46;com",
        "jane.doe&#x40;example&period;com",
        "jane.d\u006f\u0308e@example.com",
        "jane.d\u00c3\u00b6e@example.com",
    ],
)
def test_a_disguised_mailbox_is_masked_whole(address: str) -> None:
    assert mask(f"write to {address}, please") == ["write to [EMAIL_1], please"]


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("card 4111\u200b1111\u200b1111\u200b1111", "card [CARD_1]"),
        ("card \uff14\uff11\uff11\uff11 1111 1111 1111", "card [CARD_1]"),
        ("IBAN DE89\u00a03704\u00a00044\u00a00532\u00a00130\u00a000", "IBAN [IBAN_1]"),
        ("ssn 078\u201105\u20111120", "ssn [SSN_1]"),
        ("call (212)\u00a0555\u20110100", "call [PHONE_1]"),
        ("call +44&nbsp;116&nbsp;496&nbsp;0837", "call [PHONE_1]"),
        ("\u202a+966 \u0665\u0660 \u0661\u0662\u0663 \u0664\u0665\u0666\u0667\u202c", "\u202a[PHONE_1]\u202c"),
        (
            "\u05d4\u05de\u05d9\u05d9\u05dc: dana@example.com, \u05d8\u05dc\u05e4\u05d5\u05df +972 52-123-4567",
            "\u05d4\u05de\u05d9\u05d9\u05dc: [EMAIL_1], \u05d8\u05dc\u05e4\u05d5\u05df [PHONE_1]",
        ),
        ("\u200fdana@example.com\u200f", "\u200f[EMAIL_1]\u200f"),
        (
            "\U0001f469\u200d\U0001f469\u200d\U0001f467jane@example.com\U0001f469\U0001f3fd\u200d\U0001f4bb",
            "\U0001f469\u200d\U0001f469\u200d\U0001f467[EMAIL_1]\U0001f469\U0001f3fd\u200d\U0001f4bb",
        ),
        ("\U0001f1e9\U0001f1ea+49 30 901820\U0001f1e9\U0001f1ea", "\U0001f1e9\U0001f1ea[PHONE_1]\U0001f1e9\U0001f1ea"),
        ("\ud800 jane@example.com \udfff", "\ud800 [EMAIL_1] \udfff"),
        ("\x00jane@example.com\x00", "\x00[EMAIL_1]\x00"),
    ],
)
def test_values_among_odd_characters_are_masked_and_the_rest_stays(text: str, masked: str) -> None:
    assert mask(text) == [masked]


def test_all_spellings_of_one_mailbox_have_one_placeholder() -> None:
    spellings = ["jane@example.com", "ja\u200bne@example.com", "j\u0430ne@example.com", "jane&#64;example.com"]
    assert mask(*spellings) == ["[EMAIL_1]"] * 4


def test_a_name_with_letters_of_another_script_is_the_same_persons(whole: Privacy) -> None:
    texts = ("My name is \u0410bbie Lewis.", "I spoke to Abbie L\u0435wis yesterday.", "Thanks, Ab\u200bbie")
    assert mask(*texts, privacy=whole) == ["My name is [NAME_1].", "I spoke to [NAME_1] yesterday.", "Thanks, [NAME_1]"]


def test_html_mail(whole: Privacy) -> None:
    mail = (
        "<html><body><p>Hi,</p><div>I am <b>Abbie</b> Lewis &lt;abbie@example.com&gt;<br>Phone:&nbsp;+44 116&nbsp;496"
        '&nbsp;0837</div><a href="mailto:abbie@example.com" title="Abbie Lewis">write</a>'
        "<style>p{color:#123456}</style>"
    )
    [done] = mask(mail, privacy=whole)
    assert not re.search(r"abbie|lewis|116|0837", done, re.IGNORECASE)
    assert done.startswith("<html><body><p>Hi,</p><div>I am ")
    assert done.endswith("<style>p{color:#123456}</style>")


def test_quoted_replies(whole: Privacy) -> None:
    chain = (
        "Please see below.\n\nOn Tue, 3 Mar 2026 at 10:00, Abbie Lewis <abbie@example.com> wrote:\n> Hi Tom,\n"
        "> my number is +44 116 496 0837\n> > On Mon, 2 Mar 2026 Tom Hall wrote:\n> > > Dear Abbie,\n> > > write to\n"
        "> > > tom.hall@example.com\n> > > Tom\n> Abbie"
    )
    [done] = mask(chain, privacy=whole)
    assert not re.search(r"abbie|lewis|tom|hall|0837", done, re.IGNORECASE)
    assert [line.count(">") for line in done.split("\n")] == [line.count(">") for line in chain.split("\n")]
    assert "[NAME_1] <[EMAIL_1]> wrote:\n> Hi [NAME_2],\n" in done
    assert done.endswith("\n> > > [NAME_2]\n> [NAME_1]")


def test_placeholders_that_were_typed_are_nobodys_number() -> None:
    first, second = mask(
        "Hi [NAME_1], I am Dr. Lewis, mail [EMAIL_1] or a@example.com or b@example.com", "[EMAIL_2] is c@example.com"
    )
    assert first == "Hi [NAME_1], I am [NAME_2], mail [EMAIL_1] or [EMAIL_3] or [EMAIL_4]"
    assert second == "[EMAIL_2] is [EMAIL_5]"


def test_typed_placeholders_count_as_no_entities_and_keep_their_neighbours_apart() -> None:
    found = marked(
        case("[EMAIL_1]a@example.com[EMAIL_1], [NAME_1]@example.com, jane[NAME_1]@example.com [KEY_01]"), PATTERNS
    )
    check(found)
    assert found.case.messages[0].text.startswith("[EMAIL_1][EMAIL_2][EMAIL_1], ")
    assert found.case.entities["EMAIL"] == len(
        {r.placeholder for row in found.replaced for r in row if r.type == "EMAIL"}
    )
    assert found.case.messages[0].text.endswith(" [KEY_01]")


def test_an_attachment_in_the_text_is_left_and_what_stands_around_it_is_masked() -> None:
    image = base64.encodebytes(bytes(range(256)) * 40).decode()
    text = f"From: jane@example.com\nContent-Transfer-Encoding: base64\n\n{image}\n--\njane@example.com"
    assert mask(text) == [text.replace("jane@example.com", "[EMAIL_1]")]


@pytest.mark.parametrize(("shape", "size"), [("stack trace", 1_000_000), *((shape, 50_000) for shape in SHAPES)])
def test_a_long_text_is_read_to_its_end(shape: str, size: int) -> None:
    """That time grows with the length alone: `python -m bench.anonymize --part growth`."""
    [done] = mask(f"jane@example.com\n{made_up(shape, size)}\njane@example.com")
    assert done.startswith("[EMAIL_1]\n")
    assert done.endswith("\n[EMAIL_1]")


@pytest.mark.parametrize("shape", ["stack trace", "base64"])
def test_machines_output_is_not_given_to_the_model(shape: str) -> None:
    assert list(name_places.pieces(made_up(shape, 100_000))) == []


# What recognisers look for and what could confuse them, in any order.
WORDS = """
    jane@example.com [NAME_1] [EMAIL_2] [IP_ +44 116 496 0837 Abbie Lewis Hi Dear @jane 203.0.113.7 password: is my name
    4111111111111111 https://a:b@c.example/?token= &nbsp; &#64; <b> <br> > wrote: . , - = ( ) " ' / : ; # 1 00 AKIA PO
    DE89370400440532013000
"""
ODD = ("\u200b", "\u202e", "\u0430", "\x00", "\ud800", "\U0001f469\u200d\U0001f4bb", "e\u0301", "\u00c3\u00a9", "\\")
PIECES = st.sampled_from([*WORDS.split(), *ODD, "\n", " ", "  ", "\r\n", "\t"])


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(PIECES | st.text(max_size=4), max_size=14).map("".join), min_size=1, max_size=3))
def test_whatever_comes_the_places_are_right(texts: Sequence[str]) -> None:
    mask(*texts)


@settings(max_examples=40, deadline=None)
@given(st.lists(PIECES | st.text(max_size=4), max_size=25).map(" ".join))
def test_the_same_with_the_model(whole: Privacy, text: str) -> None:
    mask(text, privacy=whole)


@settings(max_examples=80, deadline=None)
@given(st.text(st.characters(exclude_characters="\n\r"), max_size=30), st.text(max_size=30))
def test_a_mailbox_is_found_among_anything(before: str, after: str) -> None:
    assert "jane.doe@example.com" not in mask(f"{before} jane.doe@example.com {after}")[0]


@settings(max_examples=80, deadline=None)
@given(st.lists(PIECES, max_size=20).map(" ".join))
def test_what_was_masked_once_is_masked(text: str) -> None:
    once = anonymize_in_memory(case(text), PATTERNS, check=False).messages[0].text
    kept = set(PLACEHOLDER.findall(once))
    again = mask(once)[0]
    assert kept <= set(PLACEHOLDER.findall(again))

"""A text is read as a person sees it, and every place of the reading is known in the text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plumbline.anonymize.reading import Reading

# What makes a reading shorter than its text, among what does not.
ODD = [
    "\u200b",
    "\u202e",
    "\x00",
    "\ud800",
    "&nbsp;",
    "&#64;",
    "&lt;",
    "&bogus;",
    "<br>",
    "</b>",
    "Ã©",
    "e\u0301",
    "\U0001f600",
]
PLAIN = ["a", "\u0430", "1", "\u0661", "\uff21", "\u00a0", "@", " ", "\n", ".", "&", "<", ";"]


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("ja\u200bne@exa\u00admple.com", "jane@example.com"),
        ("\u202ajane\u202c \u2066x\u2069", "jane x"),
        ("j\u0430ne L\u0435wis", "jane Lewis"),
        ("\u0418\u0432\u0430\u043d", "\u0418\u0432\u0430\u043d"),  # a word of one script stays
        ("\uff14\uff11\uff11\uff11 \u0661\u0662", "4111 12"),
        ("\U0001d400bbie", "Abbie"),
        ("212\u2011555\u00a00100", "212-555 0100"),
        ("Jose\u0301 Garci\u0301a", "José García"),
        ("JosÃ© GarcÃ\u00ada", "José García"),
        ("Ã\u2030tienne", "Étienne"),
        ("ab&#64;c.example &lt;x&gt; &AMP; &x", "ab@c.example <x> & &x"),
        ("<b>Abbie</b> Lewis<br/>Leeds", "Abbie Lewis\nLeeds"),
        ('<a href="mailto:a@b.example">', '<a href="mailto:a@b.example">'),
        ("caf\u00e9 \u00c5ngstr\u00f6m S\u00e3o na\u00efve", "caf\u00e9 \u00c5ngstr\u00f6m S\u00e3o na\u00efve"),
        ("Vec<T> a && b", "Vec<T> a && b"),
        ("", ""),
        ("\u200b\u200b", ""),
    ],
)
def test_reads(text: str, read: str) -> None:
    assert Reading(text).text == read


def test_a_place_of_the_reading_is_that_of_what_is_read_there() -> None:
    text = "x <b>Ab\u200bbie</b>&nbsp;Lewis&#33; y"
    reading = Reading(text)
    start = reading.text.index("Abbie Lewis!")
    first, last = reading.place(start, start + len("Abbie Lewis!"))
    assert text[first:last] == "Ab\u200bbie</b>&nbsp;Lewis&#33;"
    assert (reading.find(first), reading.find(last)) == (start, start + len("Abbie Lewis!"))


@given(st.lists(st.sampled_from([*ODD, *PLAIN]) | st.text(max_size=3), max_size=30).map("".join))
def test_places_stand_in_order_and_lead_back(text: str) -> None:
    reading = Reading(text)
    end = 0
    for index in range(len(reading.text)):
        first, last = reading.place(index, index + 1)
        assert end <= first < last <= len(text)
        assert (reading.find(first), reading.find(last)) == (index, index + 1)
        assert reading.place(0, index + 1)[1] == last
        end = last
    assert reading.find(len(text)) == len(reading.text)


@given(st.text(st.characters(codec="ascii", exclude_characters="<&", exclude_categories=["Cc"])))
def test_plain_ascii_is_read_as_it_is(text: str) -> None:
    assert Reading(text).text == text


@given(st.text())
def test_a_reading_is_never_longer_than_its_text(text: str) -> None:
    assert len(Reading(text).text) <= len(text)

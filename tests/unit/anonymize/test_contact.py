"""E-mail addresses are found in the disguises that people use, and sites, versions and files are not taken for them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plumbline.anonymize.recognizers import contact
from plumbline.anonymize.spans import merge


def found(text: str) -> list[str]:
    spans = merge(span for recognizer in contact.RECOGNIZERS for span in recognizer.find(text))
    return [text[span.start : span.end] for span in spans]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("john dot smith at example dot com", "john dot smith at example dot com"),
        ("john AT example DOT co DOT uk thanks", "john AT example DOT co DOT uk"),
        ("mail me: john(at)example.com or", "john(at)example.com"),
        ("john [at] example [dot] com", "john [at] example [dot] com"),
        ("j.doe{at}mail{dot}example{dot}org", "j.doe{at}mail{dot}example{dot}org"),
        ("john@example . com", "john@example . com"),
        ("john @ example.com", "john @ example.com"),
        ("john99 @example.com", "john99 @example.com"),
        ("john@ example.com", "john@ example.com"),
        ("john@example,com", "john@example,com"),
        ("jo\u200bhn@exa\u200bmple.com", "jo\u200bhn@exa\u200bmple.com"),
        ("john\u200b@\u2060example.com", "john\u200b@\u2060example.com"),
        ("jürgen@müller-straße.de", "jürgen@müller-straße.de"),
        ("иван@почта.рф", "иван@почта.рф"),
        ("x@xn--mller-kva.de", "x@xn--mller-kva.de"),
        ("jane\uff20example.com", "jane\uff20example.com"),
        ("?to=jane.doe%40example.com", "jane.doe%40example.com"),
        ("mailto:jane@example.com?subject=x", "jane@example.com"),
        ("jane@[203.0.113.7]", "jane@[203.0.113.7]"),
    ],
)
def test_finds(text: str, address: str) -> None:
    assert found(text) == [address]


@pytest.mark.parametrize(
    "text",
    [
        "look at example dot com for info",
        "open a sheet at sheets.google.com",
        "my @yahoo.com account",
        "lodash@4.17.21, icon@2x.png, @types/node, user@host",
        "the list (at) position 5. is fine",
        "arr[at] x.y = 4",
        "ssh-rsa-cert-v01@openssh.com",
        "at this point in time",
        "a dot on the i",
        "thanks for your reply @cor-el. In that case",
        "working for @orfon, it is",
        "mails from @mail.mil addresses",
        "webcompat%40addons.example:6.4.0,dark%40addons.example:1.0",
    ],
)
def test_leaves_alone(text: str) -> None:
    assert found(text) == []


@given(st.text("a@.\uff20 (at)[dot]\u200b%40-", max_size=200))
def test_offsets_lie_in_the_text_whatever_it_is(text: str) -> None:
    for recognizer in contact.RECOGNIZERS:
        for span in recognizer.find(text):
            assert 0 <= span.start < span.end <= len(text)

"""What may have been overlooked: a second look at masked text, and shapes that no masked text should have.

The second look is the patterns' alone, at texts of which something was masked: what stood beside a value now stands
beside a placeholder, and may be seen for what it is. The name model's second look costs half the first one's time again
and finds next to nothing (docs/decisions.md).
"""

import base64
import re
from collections.abc import Iterator

from plumbline.anonymize.allow import allowed, is_example
from plumbline.anonymize.checks import is_email
from plumbline.anonymize.policy import Privacy
from plumbline.anonymize.reading import Reading
from plumbline.anonymize.spans import PLACEHOLDER, Span, merge, subtract, trim

# A mailbox: without a dot behind it an @ is code nine times in twelve (`f@https://…`, `react@17`, `name@GOTPCREL`).
_AT = re.compile(r"(?:(?<![\w.+%-])[\w.+%-]{0,64})?\w@[\w-]{1,63}(?:\.[\w-]{1,63}){0,6}\.[^\W\d_]{2,24}(?![\w-]|://)")
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY")
# A block of base64: a line of 80 signs, or lines of 60 to 76.
_BASE64 = re.compile(
    r"(?<![A-Za-z0-9+/=])(?:(?:[A-Za-z0-9+/]{60,76}\r?\n)++[A-Za-z0-9+/]{0,76}+|[A-Za-z0-9+/]{80,}+)={0,2}(?![A-Za-z0-9+/=])"
)
# Nine digits in a row or more that are a word of their own: not within a hash, a path, a version or an id with dashes.
_NUMBER = re.compile(r"(?<![\w./#-])(?<![\d,]\d{3},)\d{9,40}(?![\w-]|\.\d)")


def leftovers(text: str, privacy: Privacy, *, changed: bool) -> list[Span]:
    """Where in a masked text what may be personal data stands, in order; `changed`: something of it was masked."""
    found = [*_shapes(text), *(_second_look(text, privacy) if changed else ())]
    return merge(span for span in found if not privacy.is_allowed(text[span.start : span.end]))


def _second_look(text: str, privacy: Privacy) -> Iterator[Span]:
    holes = [Span(*match.span(), "") for match in PLACEHOLDER.finditer(text)]
    for span in privacy.find_patterns(text):
        for rest in subtract(Span(*span), holes):
            kept = rest if rest == span else trim(text, rest)
            if kept and kept.start < kept.end:
                yield kept


def _shapes(text: str) -> Iterator[Span]:
    reading = Reading(text)
    for found in (*_of_people(reading.text), *_encoded(reading.text), *_numbers(reading.text)):
        yield Span(*reading.place(found.start, found.end), found.type)


def _of_people(text: str) -> Iterator[Span]:
    for match in _AT.finditer(text):
        if is_email(match[0]):
            yield Span(*match.span(), "EMAIL")
    for match in _PRIVATE_KEY.finditer(text):
        yield Span(*match.span(), "KEY")


def _encoded(text: str) -> Iterator[Span]:
    """Text in base64 that holds such a thing: a model may read it. Pictures and programs are no text."""
    for match in _BASE64.finditer(text):
        signs = "".join(match[0].split())
        try:
            inside = base64.b64decode(signs[: len(signs) // 4 * 4], validate=True).decode("utf-8", "strict")
        except ValueError:
            continue
        if found := next(_of_people(inside), None):
            yield Span(*match.span(), found.type)


def _numbers(text: str) -> Iterator[Span]:
    for match in _NUMBER.finditer(text):
        number = Span(*match.span(), "NUMBER")
        # As a phone number it is judged by what stands around it, too: a port, an issue, a hash.
        if not (_is_technical(match[0]) or is_example(match[0]) or allowed(text, number._replace(type="PHONE"))):
            yield number


_INTEGER_LIMITS = frozenset(str(2**bits - less) for bits in (31, 32, 53, 63, 64) for less in (0, 1))
_TIMESTAMP = re.compile(r"1\d{9}(?:\d{3}){0,3}")  # Unix time of 2001 to 2033, in seconds to nanoseconds
_DATE = re.compile(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:[01]\d|2[0-3])?(?:[0-5]\d){0,2}\d{0,9}")
_FLAGS = re.compile(r"0{4,40}\d{0,40}|(\d)\1{8,40}")


def _is_technical(number: str) -> bool:
    """A limit of an integer type, a time, or padding: what machines write, and no person's number."""
    return number in _INTEGER_LIMITS or any(shape.fullmatch(number) for shape in (_TIMESTAMP, _DATE, _FLAGS))

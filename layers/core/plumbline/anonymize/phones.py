"""Phone numbers: candidates by one expression, judged with Google's numbering plans (phonenumberslite)."""

import re
from collections.abc import Iterator

import phonenumbers

from plumbline.anonymize.checks import digits
from plumbline.anonymize.spans import Span, line_around

# Numbers without a country code are judged by these plans.
REGIONS = ("US", "GB")

_CANDIDATE = re.compile(
    r"(?<![\w.,@#/=+&-])(?<!\d[ (])"
    r"(?:\+|\(\+|00)?[ ]?\(?\d(?:[ ().\-/]{0,3}\d){5,17}(?:,?[ ]?(?:x|ext\.?|extension)[ ]?\d{1,6})?"
    r"(?![\w%@]|[-.:,/]\d)",
    re.IGNORECASE,
)
_CONTEXT = re.compile(
    r"(?:phone|tel|telephone|call|mobile|cell|fax|whatsapp|sms|text|contact|reach (?:me|us)|ring)\b[^\d\n]{0,25}$",
    re.IGNORECASE,
)
# (212) 555-0100, 212.555.0100 x12: written as a North American number, even where the plan has no such area code.
_AMERICAN = re.compile(r"(?:1[ .-]?)?(?:\([2-9]\d\d\)[ .-]?\d{3}[ .-]?|[2-9]\d\d([ .-])\d{3}\1)\d{4}(?!\d)")
_CONTEXT_CHARS = 40
_LENGTHS = range(9, 16)  # digits of a number in a plan that we do not know (ITU-T E.164: at most 15)
# Dates and decimal fractions, which the plans would take for local numbers.
_OTHERWISE = re.compile(r"(?:19|20)\d\d([-./])\d\d?\1\d\d?(?!\d)|\d\d?([-./])\d\d?\2(?:19|20)\d\d(?!\d)|\d+\.\d+$")
_TRUNK = re.compile(r"\(0\d{2,5}\)")


def find_phones(text: str) -> Iterator[Span]:
    """Phone numbers with a country code, in a plan's usual grouping, or behind a word such as "phone".

    Bare runs of digits are order, case and account numbers far more often, and stay unless such a word stands
    before them or they are a valid number alone on their line.
    """
    for match in _CANDIDATE.finditer(text):
        value = match[0]
        if _OTHERWISE.match(value.strip()):
            continue
        told = _CONTEXT.search(text[max(0, match.start() - _CONTEXT_CHARS) : match.start()]) is not None
        if _is_phone(value.strip(), told) or (_alone(text, match) and _fits_a_plan(value, strict=True)):
            yield Span(match.start() + len(value) - len(value.lstrip()), match.end(), "PHONE")


def _is_phone(value: str, told: bool) -> bool:
    if value.startswith(("+", "(+", "00")) and _fits("+" + value.lstrip("(+0"), None, strict=False):
        return True
    if told and len(digits(value)) in _LENGTHS:
        return True
    if value.isdigit():
        return False
    if told or _AMERICAN.match(value) or _TRUNK.match(value):
        return _fits_a_plan(value, strict=False)
    return value[0] in "0(" and _fits_a_plan(value, strict=True)


def _alone(text: str, match: re.Match[str]) -> bool:
    """Whether the number has its line to itself, as in a signature."""
    start, end = line_around(text, match.start(), match.end())
    return start > 0 and text[start:end].strip(" \t\r.,") == match[0].strip()


def _fits_a_plan(value: str, strict: bool) -> bool:
    return any(_fits(value, region, strict) for region in REGIONS)


def _fits(value: str, region: str | None, strict: bool) -> bool:
    try:
        number = phonenumbers.parse(value, region)
    except phonenumbers.NumberParseException:
        return False
    if strict:
        return phonenumbers.is_valid_number(number)
    return phonenumbers.is_possible_number(number)

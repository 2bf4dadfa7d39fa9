"""Phone numbers: candidates by one expression, judged with Google's numbering plans (phonenumberslite)."""

import re
from collections.abc import Iterator

import phonenumbers

from plumbline.anonymize.checks import digits
from plumbline.anonymize.spans import Span, line_around

# Numbers without a country code are judged by these plans; in groups and with a leading 0, by the others, too.
REGIONS = ("US", "GB")
_OTHER_REGIONS = ("DE", "FR", "IT", "AU", "NL", "IE", "ZA", "NZ", "CH", "SE", "BE", "IN", "JP", "ES", "BR", "MX")

_CANDIDATE = re.compile(
    r"(?<![\w.@#/=+&-])(?<!\w,)(?<!\d[ (])"
    r"(?:\+|\(\+|00)?[ ]?\(?\d(?:[ ().\-/]{0,3}\d){5,17}(?P<ext>[,;]?[ ]{0,2}(?:x|ext(?:n|ension)?|poste|durchwahl"
    r"|ramal"
    r"|anexo)[.:]?[ ]{0,2}\#?[ ]?\d{1,6})?"
    r"(?![\w%@]|:\w|[-.,/]\d)",
    re.IGNORECASE,
)
_CONTEXT = re.compile(
    r"\b(?:phone|tel|telephone|call(?:ed|ing)?|mobile|cell(?:phone)?|fax|whatsapp|sms|text (?:me|us|to|at)|contact"
    r"|reach (?:me|us)|ring|hotline|helpline|dial(?:led|ed)?|ph|mob|desk|messages to|answering (?:at|on)"
    r"|(?:my|his|her|our|your|registered|home|work|office|contact|direct)[ ](?:number|line|no)"
    r"|telefone?|tel[eé]fono|t[eé]l|handy|m[oó]vil|celular|cellulare|portable|puhelin|telefoon)\b[^\d\n]{0,25}$",
    re.IGNORECASE,
)
# What is counted in the same shapes.
_COUNTED = re.compile(
    r"\b(?:order|ticket|case|invoice|serial|isbn|tracking|model|part|sku|version|build|bug|issue|account|reference|ref)"
    r"[ \t]{0,2}(?:no|nr|number|id|code)?[.:#]?[ \t]{0,2}#?$",
    re.IGNORECASE,
)
# (212) 555-0100, 212.555.0100 x12: written as a North American number, even where the plan has no such area code.
_AMERICAN = re.compile(r"(?:1[ .-]?)?(?:\([2-9]\d\d\)[ .-]?\d{3}[ .-]?|[2-9]\d\d([ .-])\d{3}\1)\d{4}(?!\d)")
_LABEL = re.compile(
    r"[ \t]{0,2}[-(,]?[ \t]{0,2}\(?(?:office|fax|mobile|cell|home|work|desk|phone|landline)\b", re.IGNORECASE
)
# 1-800-FLOWERS
_VANITY = re.compile(
    r"(?<![\w.+-])(?:\+?1[ .-])?\(?8(?:00|33|44|55|66|77"
    r"|88)\)?[ .-](?=[A-Z0-9-]*[A-Z]{3})[A-Z0-9]{2,4}-?[A-Z0-9]{3,7}(?![\w-])"
)
_CONTEXT_CHARS = 40
_NATIONAL_LENGTHS = range(9, 12)  # with the trunk 0
_LENGTHS = range(9, 16)  # digits of a number in a plan that we do not know (ITU-T E.164: at most 15)
# Dates and decimal fractions, which the plans would take for local numbers.
_OTHERWISE = re.compile(
    r"(?:19|20)\d\d([-./])\d\d?\1\d\d?(?!\d)|\d\d?([-./])\d\d?\2(?:19|20)\d\d(?!\d)|\+?\d+\.\d+$"
    r"|.*\b(?:19|20)\d\d-\d\d-\d\d\b|.*\b\d\d?([./])\d\d?\3(?:19|20)\d\d\b"
    r"|.*(?<!\d)\d{1,3}(?:\.\d{1,3}){3}\b(?!\.\d\d\b)(?<!\.\d\d)"
    r"|(?!0|\d{3}\.\d{3}\.\d{4}|1\.\d{3}\.\d{3}\.\d{4})\d{1,6}(?:\.\d{1,6}){2,}$|(\d\d)(?:[ .-]\4)+$",
    re.DOTALL,
)
_TRUNK = re.compile(r"\(0\d{2,5}\)")
_AREA = re.compile(r"\(?0\d{1,4}\D|\(")  # a trunk 0 with an area code, set off
_SURE_DIGITS = 10  # with a plus sign and nothing in between, where no plan has the number


def find_phones(text: str) -> Iterator[Span]:
    """Phone numbers with a country code, in a plan's usual grouping, or behind a word such as "phone".

    Bare runs of digits are order, case and account numbers far more often, and stay unless such a word stands
    before them or they are a valid number alone on their line.
    """
    for match in _CANDIDATE.finditer(text):
        value = match[0].removesuffix(match["ext"] or "").strip()
        if value.count("(") > value.count(")"):
            value = value.lstrip("(")  # "(123 456 789)" as a whole: the bracket is none of the number's
        before = text[max(0, match.start() - _CONTEXT_CHARS) : match.start()]
        if ("(" in value[1:] and ")" not in value) or _OTHERWISE.match(value) or _COUNTED.search(before):
            continue
        told = _LABEL.match(text, match.end()) is not None or _CONTEXT.search(before) is not None
        if _is_phone(value, told) or (_alone(text, match) and _is_alone(value)):
            yield Span(text.index(value, match.start()), match.end(), "PHONE")
    for match in _VANITY.finditer(text):
        yield Span(*match.span(), "PHONE")


def _is_phone(value: str, told: bool) -> bool:
    if value.startswith(("+", "(+", "00")) and _is_international(value):
        return True
    if told and len(digits(value)) in _LENGTHS:
        return True
    if value.isdigit():
        return False
    if told or _AMERICAN.match(value) or _TRUNK.match(value):
        return _fits_a_plan(value, strict=False)
    regions = (*REGIONS, *_OTHER_REGIONS) if len(digits(value)) in _NATIONAL_LENGTHS else REGIONS
    return _AREA.match(value) is not None and any(_fits(value, region, strict=True) for region in regions)


def _is_international(value: str) -> bool:
    """A number with its country's code. People mistype what follows the code: in groups it stays a number."""
    number = "+" + value.lstrip("(+0")
    if number[1:].isdigit() and len(number) <= _SURE_DIGITS:
        return _fits(number, None, strict=True)
    return _fits(number, None, strict=False) or (
        value[0] == "+" and value[1:2].isdigit() and len(digits(value)) in _LENGTHS and _has_country(value)
    )


def _is_alone(value: str) -> bool:
    """Whether what fills a line is a number: a valid one, or one with a trunk 0, a digit more or less aside."""
    return _fits_a_plan(value, strict=True) or (value[0] in "0(" and len(digits(value)) in _NATIONAL_LENGTHS)


def _has_country(value: str) -> bool:
    """Whether the number begins with a country's code. People mistype what follows, and it stays a number."""
    try:
        return bool(phonenumbers.parse(value).country_code)
    except phonenumbers.NumberParseException:
        return False


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

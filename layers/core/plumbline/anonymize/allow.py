"""What always stays, whoever takes it for personal data: documentation's example values, and what machines number.

The label depends on technical content. `allowed` judges a find of any detector by its value and its place. Values that
stand behind a word for a key or a password are never judged here by their place: their recognisers do that.
"""

import re
from collections.abc import Iterable, Iterator

from plumbline.anonymize.name_words import word_set
from plumbline.anonymize.spans import Span

# Example accounts and keys of AWS's own documentation. Example addresses of networks (RFC 5737, RFC 3849), cards for
# tests and mailboxes at example.com are masked nevertheless: people put them where their own would stand.
_AWS_ACCOUNTS = word_set(
    "123456789012 111122223333 444455556666 777788889999 111111111111 222222222222 333333333333 444444444444 "
    "555555555555 666666666666 777777777777 888888888888 999999999999 000000000000 012345678901 123456789123 "
    "210987654321 098765432109 987654321098 999988887777 121212121212"
)
_EXAMPLE_KEY = re.compile(
    r"(?:AKIA|ASIA|AROA|AIDA|AGPA)[A-Z0-9]{8,13}EXAMPLE|[A-Za-z0-9/+]{20,40}EXAMPLE(?:KEY|TOKEN)=*"
)
_MANAGED = re.compile(r"arn:aws[a-z-]{0,12}:[a-z0-9-]{1,40}:[a-z0-9-]{0,20}:aws:")  # AWS's own, the same for everybody
_BLANK = re.compile(r"[xX*#•_.\-\s0]+|<[^<>]{1,60}>|\[[A-Z_]{2,40}\]|\{\{?[^{}]{1,60}\}\}?")
# Types that machines' numbers and hashes are taken for. A secret is not among them: it may look like a hash.
_NUMBERS = word_set(
    "PHONE CARD SSN NATIONAL_ID PASSPORT LICENCE PLATE BANK_ACCOUNT AWS_ACCOUNT BIRTH_DATE ADDRESS REFERENCE NAME"
)
_FAR = 80  # how much of the token around a find is read
_UUID = re.compile(r"(?<![0-9A-Za-z])[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}(?![0-9A-Za-z])", re.IGNORECASE)
_HASH = re.compile(
    r"(?<![0-9A-Za-z])(?:(?=[0-9a-f]*[0-9])(?=[0-9a-f]*[a-f])(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{56}|[0-9a-f]{64}"
    r"|[0-9a-f]{96}|[0-9a-f]{128})|sha(?:1|256|384|512)[:-][0-9A-Za-z+/=]{20,100}|0x[0-9a-f]{2,16}|\+0x[0-9a-f]{1,8})"
    r"(?![0-9A-Za-z])",
    re.IGNORECASE,
)
_COMMIT = re.compile(
    r"\b(?:commit|rev(?:ision)?|sha|changeset|merge|cherry-pick|revert|HEAD|tree|blob)\b[ :@=(\[`#'\"]{1,4}$",
    re.IGNORECASE,
)
_HEX = re.compile(r"[0-9a-f]{7,64}", re.IGNORECASE)
_CODE = re.compile(
    r"(?:CVE-\d{4}-\d{4,7}|KB\d{6,7}|RFC ?\d{3,5}|(?:ORA|PLS|TNS|RMAN|SQL|DB2|MSB|CS|TS|E|LNK|VB|CA|BC|NU"
    r"|SP2)-?\d{4,6}|HTTP/\d(?:\.\d)?"
    r"|(?:ERR|STATUS|E|WSAE|SQLITE|DXGI|NS_ERROR)_[A-Z0-9_]{3,60}|0x[0-9A-F]{2,16}"
    r"|v\d{1,4}(?:\.\d{1,6}){1,4}[\w.+-]{0,20})(?!\w)",
    re.IGNORECASE,
)
# A number right behind these is a line, a port, a process or a time.
_NUMBERED = re.compile(
    r"\b(?:port|pid|tid|ppid|ln|col(?:umn)?|byte|bytes|offset|size|length|count|total|timestamp|ts|epoch|uptime"
    r"|duration|elapsed|took|after|error(?: code)?|errno|code|status|exit(?: code)?|build|issue|pull|pr|bug|ticket|rfc"
    r"|(?<!direct )(?<!phone )(?<!land )(?<!help )(?<!work )(?<!home )(?<!office )(?<!mobile )(?<!my )(?<!our )line)"
    r"[\"']?[ ]{0,2}[:=#]?[ ]{0,2}[\"'(]?$",
    re.IGNORECASE,
)


def allowed(text: str, span: Span) -> bool:
    """Whether a find is no personal data: an example of the documentation, a blank, a hash, an error's code.

    Constant time: at most 80 characters to either side are read.
    """
    value = text[span.start : span.end]
    if span.type in ("KEY", "TOKEN", "AWS_ACCOUNT", "BANK_ACCOUNT", "REFERENCE") and is_example(value):
        return True
    if span.type == "ARN":
        return bool(_MANAGED.match(value))
    if span.type not in _NUMBERS:
        return False
    if _BLANK.fullmatch(value):
        return True
    return any(map(str.isdigit, value)) and _is_technical(text, span)


def keep_personal(text: str, spans: Iterable[Span]) -> Iterator[Span]:
    """The finds that are not allowed to stay."""
    return (span for span in spans if not allowed(text, span))


def is_example(value: str) -> bool:
    """An account or a key of AWS's documentation, in whatever grouping."""
    return bool(_EXAMPLE_KEY.fullmatch(value)) or re.sub(r"[ -]", "", value) in _AWS_ACCOUNTS


def _is_technical(text: str, span: Span) -> bool:
    low, high = max(0, span.start - _FAR), span.end + _FAR
    around, start, end = text[low:high], span.start - low, span.end - low
    for shape in (_UUID, _HASH, _CODE):
        if any(found.start() <= start and end <= found.end() for found in shape.finditer(around)):
            return True
    before = around[:start]
    if _HEX.fullmatch(around[start:end]) and _COMMIT.search(before):
        return True
    return span.type == "PHONE" and around[start:end].isdigit() and bool(_NUMBERED.search(before))

"""What a reader makes of each row of a file: its fields, or why it has none."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Why a row was rejected. Fixed phrases: a reject never repeats the row's text."""

    MISSING_ID = "missing id"
    BAD_ID = "bad id"
    NO_TEXT = "no text"
    BAD_ENCODING = "bad encoding"
    OVERSIZE = "oversize"
    DUPLICATE = "duplicate id with other text"
    NOT_AN_OBJECT = "not an object"
    MALFORMED = "malformed row"


@dataclass(frozen=True, slots=True)
class Row:
    """A readable row. `line` is where it begins in the (unpacked) file, 1 being the first; `size` is in characters."""

    line: int
    fields: dict[str, object]
    size: int


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot become a case. `detail` is fixed wording plus numbers, never the row's text."""

    line: int
    reason: Reason
    detail: str = ""
    case_id: str | None = None


Rows = Iterator[Row | BadRow]


def encoding_fault(text: str) -> bool:
    """Whether the text holds what is no character: a byte that did not decode, or half of a surrogate pair."""
    if text.isascii():
        return False
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def too_big(text: str, max_bytes: int) -> bool:
    """Whether the text is above `max_bytes` in UTF-8."""
    if len(text) > max_bytes:
        return True
    if len(text) * 4 <= max_bytes or text.isascii():
        return False
    return len(text.encode("utf-8", "surrogatepass")) > max_bytes


def oversize(line: int, max_bytes: int) -> BadRow:
    """The reject for a row above the limit."""
    return BadRow(line, Reason.OVERSIZE, f"above {max_bytes:,} bytes")

"""JSON as rows: lines of objects, and the items of one large array, each read and lost alone.

An array is read item by item with the standard decoder instead of a streaming parser: memory stays under the row limit
even where one text is larger, rejects carry a line number, and bytes that do not decode cost their own item only.
"""

import io
import json
import re

from plumbline.contracts.errors import InvalidCaseFile
from plumbline.ingest.rows import BadRow, Reason, Row, Rows, encoding_fault, oversize, too_big
from plumbline.ingest.values import name_list

LIST_KEYS = ("cases", "tickets", "issues", "records", "result", "results", "data", "items")
_CASE_KEYS = ("id", "case_id", "ticket_id", "caseId", "key", "number", "source", "source-ref")
_CHUNK_CHARS = 256 * 1024
_SPACE = re.compile(r"[ \t\r\n]*")
_OUTSIDE = re.compile(r'["{}\[\],]')
_INSIDE = re.compile(r'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)
_DECODER = json.JSONDecoder()


def line_rows(text: io.TextIOWrapper, max_bytes: int) -> Rows:
    """Each line as a Row; blank lines are passed over."""
    number = 0
    while line := text.readline(max_bytes + 1):
        number += 1
        if len(line) > max_bytes:
            while line and not line.endswith(("\n", "\r")):
                line = text.readline(_CHUNK_CHARS)
            yield oversize(number, max_bytes)
        elif line.strip():
            yield _line_row(number, line, max_bytes)


def _line_row(number: int, line: str, max_bytes: int) -> Row | BadRow:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        if encoding_fault(line):
            return BadRow(number, Reason.BAD_ENCODING, "not UTF-8")
        return BadRow(number, Reason.MALFORMED, "not JSON")
    return _row(number, value, line, max_bytes)


def _row(number: int, value: object, raw: str, max_bytes: int) -> Row | BadRow:
    if too_big(raw, max_bytes):
        return oversize(number, max_bytes)
    if encoding_fault(raw):
        return BadRow(number, Reason.BAD_ENCODING, "not UTF-8")
    if not isinstance(value, dict):
        return BadRow(number, Reason.NOT_AN_OBJECT, "each case must be a JSON object")
    return Row(number, value, len(raw))


def array_rows(text: io.TextIOWrapper, max_bytes: int) -> Rows:
    """Each item of a JSON array, or of the arrays under LIST_KEYS of one object, as a Row.

    Raises InvalidCaseFile when the JSON is broken or cut off, or the object has no such key.
    """
    cursor = _Cursor(text)
    if cursor.peek() == "[":
        yield from _items(cursor, max_bytes)
    else:
        yield from _document(cursor, max_bytes)
    if cursor.peek():
        raise cursor.broken("there is more text after the end of the JSON")


def names_a_list(head: str) -> bool:
    """Whether the text begins an object that has an array under one of LIST_KEYS, as far as `head` shows."""
    cursor = _Cursor(io.StringIO(head))
    try:
        cursor.take("{")
        while True:
            key = cursor.value(len(head))
            cursor.take(":")
            if key in _CASE_KEYS:
                return False  # a case with a list of its own, not a list of cases
            if key in LIST_KEYS and cursor.peek() == "[":
                return True
            cursor.skip()
            cursor.take(",")
    except (InvalidCaseFile, ValueError, RecursionError):
        return False


def _document(cursor: "_Cursor", max_bytes: int) -> Rows:
    keys: list[str] = []
    found = False
    cursor.take("{")
    while cursor.peek() != "}":
        try:
            key = cursor.value(max_bytes)
        except (ValueError, RecursionError):
            raise cursor.broken("a key is not a string") from None
        cursor.take(":")
        if key in LIST_KEYS and cursor.peek() == "[":
            found = True
            yield from _items(cursor, max_bytes)
        else:
            keys.append(str(key))
            cursor.skip()
        if cursor.peek() != "}":
            cursor.take(",")
    cursor.take("}")
    if not found:
        raise InvalidCaseFile(
            f"the file is one JSON object with {name_list(keys)}, none of them a list of cases; expected an array, "
            f"JSON Lines, or a list under one of: {', '.join(LIST_KEYS)}"
        )


def _items(cursor: "_Cursor", max_bytes: int) -> Rows:
    cursor.take("[")
    if cursor.peek() == "]":
        cursor.take("]")
        return
    while True:
        cursor.peek()
        yield _item(cursor, max_bytes)
        if cursor.peek() == "]":
            cursor.take("]")
            return
        cursor.take(",")


def _item(cursor: "_Cursor", max_bytes: int) -> Row | BadRow:
    line = cursor.line()
    start = cursor.taken()
    try:
        value = cursor.value(max_bytes)
    except (ValueError, RecursionError):
        # Either larger than the limit, or what Python's decoder refuses in sound JSON: too deep, a giant number.
        cursor.skip()
        size = cursor.taken() - start
        return oversize(line, max_bytes) if size > max_bytes else BadRow(line, Reason.MALFORMED, "not JSON")
    return _row(line, value, cursor.last, max_bytes)


class _Cursor:
    """A place in a JSON text that is read on as needed; what lies behind it is forgotten."""

    def __init__(self, text: io.TextIOBase) -> None:
        self._text = text
        self._buffer = ""
        self._at = 0
        self._line = 1
        self._counted = 0
        self._dropped = 0
        self._ended = False
        self.last = ""

    def line(self) -> int:
        """The line that the cursor stands on."""
        self._line += self._buffer.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line

    def taken(self) -> int:
        """How many characters lie behind the cursor."""
        return self._dropped + self._at

    def peek(self) -> str:
        """Step over white space; the character that follows, or an empty string at the end."""
        while True:
            match = _SPACE.match(self._buffer, self._at)
            self._at = match.end() if match else self._at
            if self._at < len(self._buffer):
                return self._buffer[self._at]
            if not self._more():
                return ""

    def take(self, character: str) -> None:
        """Step over the character. Raises InvalidCaseFile where another stands."""
        found = self.peek()
        if found != character:
            raise self.broken(f"expected {character!r}")
        self._at += 1

    def value(self, limit: int) -> object:
        """Step over one value and return it; `last` is then its text.

        Raises ValueError or RecursionError, the cursor staying put, when it is larger than `limit` characters or
        cannot be decoded.
        """
        self.peek()
        while True:
            try:
                value, end = _DECODER.raw_decode(self._buffer, self._at)
            except json.JSONDecodeError:
                if len(self._buffer) - self._at > limit or not self._more():
                    raise
                continue
            if end == len(self._buffer) and not self._ended and self._more():
                continue  # a number may go on in what was not read yet
            self.last = self._buffer[self._at : end]
            self._at = end
            return value

    def skip(self) -> None:
        """Step over one value without keeping it. Raises InvalidCaseFile when the text ends inside it."""
        if self.peek() == '"':
            self._at += 1
            self._skip_string()
            return
        start, depth = self.taken(), 0
        while True:
            mark = self._next_mark(_OUTSIDE)
            if mark == '"':
                self._skip_string()
            elif mark in "{[":
                depth += 1
            elif depth == 0:  # a comma or bracket after a bare number or word
                self._at -= 1
                if self.taken() == start:
                    raise self.broken("a value is missing")
                return
            elif mark in "}]":
                depth -= 1
                if depth == 0:
                    return

    def _skip_string(self) -> None:
        while True:
            inside = _INSIDE.match(self._buffer, self._at)
            self._at = inside.end() if inside else self._at
            if self._buffer.startswith('"', self._at):
                self._at += 1
                return
            if not self._more():  # a lone backslash at the buffer's end is looked at again with what follows
                raise self.broken("it ends in the middle of a text")

    def _next_mark(self, pattern: re.Pattern[str]) -> str:
        """Step behind the next match; what matched."""
        while True:
            if match := pattern.search(self._buffer, self._at):
                self._at = match.end()
                return match.group()
            self._at = len(self._buffer)
            if not self._more():
                raise self.broken("it ends in the middle of a value")

    def broken(self, how: str) -> InvalidCaseFile:
        """The error for JSON that cannot be read on from here."""
        return InvalidCaseFile(f"the JSON is broken or cut off near line {self.line():,}: {how}")

    def _more(self) -> bool:
        """Read on, at least doubling what is held, so that a long value is tried a few times only."""
        self.line()
        chunk = self._text.read(max(_CHUNK_CHARS, len(self._buffer) - self._at))
        if not chunk:
            self._ended = True
            return False
        self._dropped += self._at
        self._buffer = self._buffer[self._at :] + chunk
        self._at = self._counted = 0
        return True

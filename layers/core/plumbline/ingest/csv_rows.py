"""CSV as rows: dialect by content, quoted line breaks, and a bad or giant row lost alone."""

import csv
import io
import re
from collections.abc import Iterator
from itertools import zip_longest

from plumbline.contracts.errors import InvalidCaseFile
from plumbline.ingest.rows import BadRow, Reason, Row, Rows, encoding_fault, oversize, too_big
from plumbline.ingest.values import normal_name

DELIMITERS = (",", ";", "\t", "|")
_SKIP_CHARS = 64 * 1024
_QUOTE = '"'
_QUOTED = re.compile(r'[^"]*+(?:""[^"]*+)*+')


class _TooLong(Exception):
    """The record being read has passed the limit."""


class _Feed(Iterator[str]):
    """Hands physical lines to csv.reader, remembering those of the record in progress; stops at `limit` characters."""

    def __init__(self, text: io.TextIOWrapper, limit: int) -> None:
        self._text = text
        self._limit = limit
        self.lines_read = 0
        self.record: list[str] = []
        self.size = 0
        self.ended = False

    def __next__(self) -> str:
        line = self._text.readline(self._limit + 1 - self.size)
        if not line:
            self.ended = True
            raise StopIteration
        self.record.append(line)
        self.size += len(line)
        if self.size > self._limit:
            raise _TooLong
        self.lines_read += 1
        return line

    def begin(self) -> int:
        """Forget the record before; the line number on which the next one begins."""
        self.record.clear()
        self.size = 0
        return self.lines_read + 1

    def skip(self, delimiter: str) -> bool:
        """Pass over the rest of a record that was too long. False when the file ends inside its quotes."""
        scan = _Quotes(delimiter)
        piece = "".join(self.record)
        self.record.clear()
        breaks = 0
        while piece:
            ended = scan.ends_record(piece)
            breaks += piece.endswith(("\n", "\r"))
            if ended:
                break
            piece = self._text.readline(_SKIP_CHARS)
        self.lines_read += max(breaks, 1)
        return not scan.quoted


class _Quotes:
    """Follows only the quoting of a record, for records that are passed over; the same rules as csv.reader's."""

    def __init__(self, delimiter: str) -> None:
        self._field_end = re.compile(f"[{re.escape(delimiter)}\r\n]")
        self._start = True
        self._closed = False
        self.quoted = False

    def ends_record(self, piece: str) -> bool:
        """Take in one more piece of text; whether the record ended with it."""
        at = 0
        while at < len(piece):
            if self.quoted:
                inside = _QUOTED.match(piece, at)
                at = inside.end() if inside else at
                if at == len(piece):
                    return False
                self.quoted, self._closed, at = False, True, at + 1
                continue
            closed, self._closed = self._closed, False
            # A quote opens a field at its start; right after a closing one it is a doubled one, and the field goes on.
            if piece[at] == _QUOTE and (self._start or closed):
                self.quoted, self._start, at = True, False, at + 1
                continue
            if self._start and piece[at] == " ":
                at += 1
                continue
            end = self._field_end.search(piece, at)
            if end is None:
                self._start = False
                return False
            if end.group() in "\r\n":
                return True
            self._start, at = True, end.end()
        return False


def csv_rows(text: io.TextIOWrapper, head: str, known: frozenset[str], max_bytes: int) -> Rows:
    """Each record under the header as a Row of name → value; a name that repeats gets a list of its values.

    `known` are normalised column names by which the delimiter is recognised. Records of empty cells are passed over.
    Raises InvalidCaseFile for a header that is unreadable and for a quote that is never closed.
    """
    delimiter, declared = _delimiter(head, known)
    # Process-wide in the csv module; ours is a ceiling that _Feed keeps anyway.
    csv.field_size_limit(max(csv.field_size_limit(), max_bytes + 1))
    feed = _Feed(text, max_bytes)
    reader = csv.reader(feed, delimiter=delimiter, skipinitialspace=True, strict=True)
    if declared:
        next(reader, None)
    names = _header(feed, reader, delimiter)
    return _records(feed, reader, names, delimiter, max_bytes)


def header_of(head: str, delimiter: str) -> list[str]:
    """The first record of the text; empty when it cannot be read so."""
    try:
        rows = csv.reader(io.StringIO(head, newline=""), delimiter=delimiter, skipinitialspace=True)
        return next((row for row in rows if row), [])
    except csv.Error:
        return []


def _delimiter(head: str, known: frozenset[str]) -> tuple[str, bool]:
    """The delimiter under which most column names are known, then the one with most columns. Obeys Excel's `sep=`."""
    first = head.split("\n", 1)[0].strip("\r")
    if first.lower().startswith("sep=") and first[4:] in DELIMITERS:
        return first[4], True
    headers = {delimiter: header_of(head, delimiter) for delimiter in DELIMITERS}
    best = max(DELIMITERS, key=lambda d: (sum(normal_name(name) in known for name in headers[d]), len(headers[d])))
    return best, False


def _header(feed: _Feed, reader: Iterator[list[str]], delimiter: str) -> list[str]:
    try:
        names = next((row for row in reader if any(row)), [])
    except (csv.Error, _TooLong):
        raise InvalidCaseFile("the header row cannot be read: a quote is not closed or the row is too long") from None
    if encoding_fault("".join(names)):
        raise InvalidCaseFile("the header row is not UTF-8; save the file as UTF-8 and upload it again")
    _refuse_open_quote(feed, delimiter, 1)
    return [name.strip() for name in names]


def _records(feed: _Feed, reader: Iterator[list[str]], names: list[str], delimiter: str, max_bytes: int) -> Rows:
    while True:
        line = feed.begin()
        try:
            values = next(reader)
        except StopIteration:
            return
        except _TooLong:
            if not feed.skip(delimiter):
                raise InvalidCaseFile(f"the quote opened in the row on line {line:,} is never closed") from None
            yield oversize(line, max_bytes)
            continue
        except csv.Error:
            _refuse_open_quote(feed, delimiter, line)
            yield BadRow(line, Reason.MALFORMED, f"a quote is not closed or not doubled, up to line {feed.lines_read}")
            continue
        if any(values):
            yield _row(line, "".join(feed.record), names, values, max_bytes)


def _refuse_open_quote(feed: _Feed, delimiter: str, line: int) -> None:
    """csv.reader reports a quote open at the end of the file like any bad row; it has swallowed the rest, though."""
    if not feed.ended:
        return
    scan = _Quotes(delimiter)
    scan.ends_record("".join(feed.record))
    if scan.quoted:
        raise InvalidCaseFile(
            f"the quote opened in the row on line {line:,} is never closed, so the rows after it cannot be told apart"
        )


def _row(line: int, raw: str, names: list[str], values: list[str], max_bytes: int) -> Row | BadRow:
    if too_big(raw, max_bytes):
        return oversize(line, max_bytes)
    if encoding_fault(raw):
        return BadRow(line, Reason.BAD_ENCODING, "not UTF-8")
    if any(values[len(names) :]):
        return BadRow(line, Reason.MALFORMED, f"{len(values)} fields under a header of {len(names)}")
    fields: dict[str, object] = {}
    for name, value in zip_longest(names, values[: len(names)], fillvalue=""):
        if not name:
            continue
        earlier = fields.get(name)
        if earlier is None:
            fields[name] = value
        elif isinstance(earlier, list):
            earlier.append(value)
        else:
            fields[name] = [earlier, value]
    return Row(line, fields, len(raw))

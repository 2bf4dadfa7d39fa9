"""A request's body as API Gateway reads it: of a stated length or chunked, and never above its limit."""

from collections.abc import Iterator
from email.message import Message
from io import BufferedIOBase
from typing import Final

MAX_BODY_BYTES: Final = 10 * 1024 * 1024  # API Gateway's own limit
_PIECE = 1 << 20
_LONGEST_LINE = 4096
_MOST_TRAILERS = 100
_HEX = frozenset(b"0123456789abcdefABCDEF")
_MOST_HEX = 8


class BadBody(Exception):
    """A body whose end cannot be told, or that ended early. The message says what is wrong."""


class BodyTooLarge(Exception):
    """A body above the limit. What was sent of it has been read: a client listens only when it has sent."""


def read_body(headers: Message, stream: BufferedIOBase) -> bytes:
    """The body that follows the headers; empty without one. Raises BadBody, BodyTooLarge."""
    body, size = bytearray(), 0
    for piece in _pieces(headers, stream):
        size += len(piece)
        if size > 10 * MAX_BODY_BYTES:
            break
        if size <= MAX_BODY_BYTES:
            body += piece
    if size > MAX_BODY_BYTES:
        raise BodyTooLarge
    return bytes(body)


def _pieces(headers: Message, stream: BufferedIOBase) -> Iterator[bytes]:
    codings, lengths = headers.get_all("Transfer-Encoding", []), headers.get_all("Content-Length", [])
    if codings:
        # With a length as well, two readers see two bodies: that is how a request is smuggled past one of them.
        if lengths or [text.strip().lower() for text in codings] != ["chunked"]:
            raise BadBody("Transfer-Encoding may only be chunked, without a Content-Length")
        return _chunks(stream)
    length = lengths[0] if lengths else "0"
    if len(set(lengths)) > 1 or not (length.isascii() and length.isdecimal()):
        raise BadBody("Content-Length is no number of bytes")
    return _plain(stream, int(length))


def _plain(stream: BufferedIOBase, left: int) -> Iterator[bytes]:
    while left:
        piece = stream.read(min(_PIECE, left))
        if not piece:
            raise BadBody("the body ended early")
        left -= len(piece)
        yield piece


def _chunks(stream: BufferedIOBase) -> Iterator[bytes]:
    """RFC 9112, section 7.1; extensions and trailers are passed over."""
    while True:
        line = stream.readline(_LONGEST_LINE)
        digits = line.partition(b";")[0].strip()
        if not line.endswith(b"\n") or not 0 < len(digits) <= _MOST_HEX or not _HEX.issuperset(digits):
            raise BadBody("a chunk does not begin with its size")
        size = int(digits, 16)
        if not size:
            break
        yield from _plain(stream, size)
        if stream.read(2) != b"\r\n":
            raise BadBody("a chunk is not as long as it says")
    for _ in range(_MOST_TRAILERS):
        if stream.readline(_LONGEST_LINE) in (b"\r\n", b"\n", b""):
            return
    raise BadBody("the body has too many trailers")

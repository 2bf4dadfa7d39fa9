"""An uploaded object as a stream of text: unpacked and decoded, never held whole."""

import codecs
import gzip
import io
import zlib
from dataclasses import dataclass
from typing import IO

from plumbline.contracts.errors import InvalidCaseFile

HEAD_BYTES = 256 * 1024
_BUFFER_BYTES = 256 * 1024
_NOT_TEXT = {
    b"PK\x03\x04": "a zip archive or an Excel workbook; export it as CSV, or pack the file with gzip",
    b"\xd0\xcf\x11\xe0": "an old Excel or Word file; export it as CSV",
    b"%PDF": "a PDF; export the cases as CSV or JSON",
    b"\xff\xfe\x00\x00": "in UTF-32; save it as UTF-8",
    b"\x00\x00\xfe\xff": "in UTF-32; save it as UTF-8",
    b"PAR1": "a Parquet file; export the cases as CSV or JSON",
}
_MARK = "plumbline.mark"


def _mark_undecodable(error: UnicodeError) -> tuple[str, int]:
    """Stand a lone surrogate in for bytes that do not decode, so that only their row is lost."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "\udcff", error.end


codecs.register_error(_MARK, _mark_undecodable)


@dataclass(frozen=True, slots=True)
class Source:
    """A file as text. `head` is its beginning, which `text` will read again; `whole` says that it is all there is."""

    text: io.TextIOWrapper
    head: str
    whole: bool
    packed: bool
    meter: "Rewound"


class Rewound(io.RawIOBase):
    """A forward-only stream with its first bytes put back; counts what was read from it."""

    def __init__(self, head: bytes, rest: IO[bytes] | gzip.GzipFile) -> None:
        super().__init__()
        self._head = head
        self._rest = rest
        self.bytes_read = len(head)

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # typeshed: WriteableBuffer has no len()
        """Fill the buffer from what was put back, then from the stream."""
        if self._head:
            chunk, self._head = self._head[: len(buffer)], self._head[len(buffer) :]
        else:
            chunk = _read(self._rest, len(buffer))
            self.bytes_read += len(chunk)
        buffer[: len(chunk)] = chunk
        return len(chunk)


def open_source(stream: IO[bytes]) -> Source:
    """The stream as text, gzip undone (told by its first bytes) and a byte order mark obeyed.

    Bytes that do not decode become lone surrogates, which `rows.encoding_fault` finds. Raises InvalidCaseFile for what
    cannot be text, and, while it is read, for damaged gzip data.
    """
    head = _read_head(stream)
    meter = Rewound(head, stream)
    plain, packed = meter, head.startswith(b"\x1f\x8b")
    if packed:
        unpacked = gzip.GzipFile(fileobj=io.BufferedReader(meter, _BUFFER_BYTES), mode="rb")
        head = _read_head(unpacked)
        plain = Rewound(head, unpacked)
    encoding, errors = _encoding(head)
    text = io.TextIOWrapper(io.BufferedReader(plain, _BUFFER_BYTES), encoding=encoding, errors=errors, newline="")
    decoded = codecs.getincrementaldecoder(encoding)(errors).decode(head)
    return Source(text=text, head=decoded, whole=len(head) < HEAD_BYTES, packed=packed, meter=meter)


def _read(stream: IO[bytes] | gzip.GzipFile, size: int) -> bytes:
    try:
        return stream.read(size)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise InvalidCaseFile("the gzip data is damaged or cut off; pack and upload the file again") from None


def _read_head(stream: IO[bytes] | gzip.GzipFile) -> bytes:
    parts: list[bytes] = []
    missing = HEAD_BYTES
    while missing and (part := _read(stream, missing)):
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


def _encoding(head: bytes) -> tuple[str, str]:
    for start, what in _NOT_TEXT.items():
        if head.startswith(start):
            raise InvalidCaseFile(f"the file is {what}")
    if head.startswith(b"\x1f\x8b"):
        raise InvalidCaseFile("the file is packed with gzip twice; pack it once")
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16", _MARK
    if b"\x00" in head:
        raise InvalidCaseFile(
            "the file is binary, or UTF-16 without a byte order mark; expected CSV or JSON text: save it as UTF-8"
        )
    return "utf-8-sig", "surrogateescape"

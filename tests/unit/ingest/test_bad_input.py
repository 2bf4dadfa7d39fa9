"""Bad input: a clear error, or the bad row alone is lost and stands in the rejects."""

import gzip
import io
import json
import tracemalloc
from collections.abc import Iterator
from itertools import chain
from typing import IO, cast

import pytest

from plumbline.contracts.errors import InvalidCaseFile
from plumbline.contracts.runs import IngestResult
from plumbline.ingest import IngestSettings, ingest
from plumbline.ports import ObjectStore
from tests.fakes import MemoryLedger, MemoryStore
from tests.unit.ingest.helpers import read_back, request, run_ingest

GOOD = '{"id": "1", "text": "hello"}'


def _refused(content: bytes | str, name: str = "incoming/file") -> str:
    with pytest.raises(InvalidCaseFile) as caught:
        run_ingest(content, name=name)
    message = str(caught.value)
    assert message.startswith(f"{name}: ")
    return message


@pytest.mark.parametrize("content", [b"", b"  \n\n", "﻿".encode(), gzip.compress(b"", mtime=0)])
def test_empty_file(content: bytes) -> None:
    message = _refused(content)
    assert "is empty" in message
    assert "CSV with a header row" in message


@pytest.mark.parametrize("content", ["id,text\n", "id,text\n,\n\n", "[]", '{"tickets": []}'])
def test_nothing_but_a_header(content: str) -> None:
    assert "holds no cases" in _refused(content)


def test_a_file_that_was_deleted_before_ingest() -> None:
    with pytest.raises(InvalidCaseFile, match="not in the raw bucket any more"):
        ingest(
            request("incoming/gone.csv"),
            raw=MemoryStore(),
            data=MemoryStore(),
            ledger=MemoryLedger(),
            settings=IngestSettings(),
            estimate_usd=lambda _load, _road: 0.0,
        )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"PK\x03\x04\x14\x00rest", "Excel workbook"),
        (b"%PDF-1.7 rest", "PDF"),
        (b"id,text\x00\n1,\x00\n", "save it as UTF-8"),
        ("id,text\n1,x".encode("utf-32"), "UTF-32"),
        ("идентификатор,text\n1,x".encode("cp1251"), "save the file as UTF-8"),
        ("id,text\n1,grün\n2,blöd\n".encode("latin-1"), "save the file as UTF-8"),
        (gzip.compress(gzip.compress(b"id,text\n1,x", mtime=0), mtime=0), "twice"),
    ],
)
def test_not_utf8_text_at_all(content: bytes, said: str) -> None:
    assert said in _refused(content)


def test_one_line_in_another_encoding_is_lost_alone() -> None:
    done = run_ingest(b"id,text\n1,good\n2,gr\xfcn\n3,gut\n")
    assert list(done.cases) == ["1", "3"]
    assert done.reasons == [(3, "bad encoding")]
    done = run_ingest(b'{"id":"1","text":"good"}\n{"id":"2","text":"gr\xfcn"}\n')
    assert done.reasons == [(2, "bad encoding")]
    done = run_ingest(b'[{"id":"1","text":"good"},\n{"id":"2","text":"gr\xfcn"}]')
    assert done.reasons == [(2, "bad encoding")]
    done = run_ingest(
        "\ufeffid,text\n1,good\n2,x".encode("utf-16-le") + b"\x00\xd8\n\x00" + "3,y\n".encode("utf-16-le")
    )
    assert done.reasons == [(3, "bad encoding")]


def test_half_of_a_surrogate_pair() -> None:
    done = run_ingest(
        '{"id": "1", "text": "\\ud83d"}\n{"id": "\\udc00", "text": "x"}\n{"id": "3", "text": "\\ud83d\\ude00"}'
    )
    assert done.reasons == [(1, "bad encoding"), (2, "bad encoding")]
    assert done.only.messages[0].text == "😀"


def test_cut_off_or_damaged_gzip() -> None:
    packed = gzip.compress(b"id,text\n" + b"".join(b"%d,%d\n" % (n, n**60) for n in range(2000)))
    assert "gzip data is damaged or cut off" in _refused(packed[: len(packed) * 2 // 3])
    assert "gzip data is damaged or cut off" in _refused(packed[:-1])
    assert "gzip data is damaged or cut off" in _refused(packed[:200] + b"\x00\xff\x00" + packed[203:])


@pytest.mark.parametrize(
    "content",
    [
        f"[{GOOD}",
        f"[{GOOD},",
        f"[{GOOD} {GOOD}]",
        f"[{GOOD}]]",
        f"[{GOOD}, {GOOD[:-5]}",
        '{"tickets": [' + GOOD,
        '{"tickets": [' + GOOD + "]",
        '{"a" "b"}\n',
        "[" * 5000,
    ],
)
def test_broken_json(content: str) -> None:
    message = _refused(content, "incoming/x.json")
    assert "broken or cut off" in message or "none of its" in message


def test_an_object_without_a_list_of_cases() -> None:
    message = _refused('{\n "kind": "export",\n "entries": []\n}')
    assert "kind, entries" in message
    assert "tickets" in message


def test_an_unknown_shape_names_the_columns_and_the_way_out() -> None:
    message = _refused("colour,Subject,Ünits\nred,4,kg\n")
    assert "colour, Subject, Ünits" in message
    assert "a case id (such as case_id" in message
    assert "mapping file" in message
    message = _refused("ticket_id,priority\n1,high\n")
    assert "could not find a text" in message


def test_a_missing_header_does_not_leak_data() -> None:
    message = _refused("12345,ann@example.com,My card 4111 1111 1111 1111 was charged\n2,bob@example.com,Help\n")
    assert "example.com" not in message
    assert "4111" not in message
    message = _refused("c-1,Refund for Ann,Printer\nc-2,Refund for Bob,Printer\n")
    assert "3 fields, none with a name that is known here" in message
    assert "Ann" not in message


def test_prose_is_no_case_file() -> None:
    assert "could not find" in _refused("Dear support,\nI cannot log in.\nRegards")


def test_every_reason_with_its_line() -> None:
    done = run_ingest(
        "\n".join(
            [
                GOOD,
                '{"text": "no id"}',
                '{"id": "3"}',
                '{"id": "4", "text": "  ", "subject": null}',
                '{"id": "1", "text": "other words"}',
                GOOD,
                "[1, 2]",
                '"text"',
                '{"id": "9", "text":',
                '{"id": "a\\u0007b", "text": "x"}',
                json.dumps({"id": "x" * 257, "text": "x"}),
                json.dumps({"id": True, "text": "x"}),
                "{" * 3000,
            ]
        )
    )
    assert list(done.cases) == ["1"]
    assert done.result.repeated == 1
    assert done.reasons == [
        (2, "missing id"),
        (3, "no text"),
        (4, "no text"),
        (5, "duplicate id with other text"),
        (7, "not an object"),
        (8, "not an object"),
        (9, "malformed row"),
        (10, "bad id"),
        (11, "bad id"),
        (12, "missing id"),
        (13, "malformed row"),
    ]
    assert done.result.reject_reasons["missing id"] == 2
    assert "other words" not in done.raw.objects["runs/run-1/rejects.jsonl"].decode()


def test_malformed_csv_rows_are_lost_alone() -> None:
    done = run_ingest('id,text\n1,fine\n2,too,many\n3,"he said "hi" to me"\n4,5" disk\n5\n6,last')
    assert {case_id: case.messages[0].text for case_id, case in done.cases.items()} == {
        "1": "fine",
        "4": '5" disk',
        "6": "last",
    }
    assert done.reasons == [(3, "malformed row"), (4, "malformed row"), (6, "no text")]


def test_a_malformed_item_in_an_array_is_lost_alone() -> None:
    done = run_ingest(f'[{GOOD},\n{{"id": "2", "text": nope}},\n7,\n{{"id": "3", "text": "yes"}}]')
    assert list(done.cases) == ["1", "3"]
    assert done.reasons == [(2, "malformed row"), (3, "not an object")]


def test_a_quote_that_is_never_closed() -> None:
    message = _refused('id,text\n1,fine\n2,"open\n3,x\n4,y\n')
    assert "line 3" in message
    assert "never closed" in message


def test_a_runaway_quote_is_reported_with_its_span() -> None:
    done = run_ingest('id,text\n1,fine\n2,"open\n3,x\n4,"y"\n5,fine too\n')
    assert list(done.cases) == ["1", "5"]
    assert [(r.line, r.reason) for r in done.rejects] == [(3, "malformed row")]
    assert "up to line 5" in done.rejects[0].detail


def test_every_row_rejected_fails_with_counts_and_keeps_the_rejects() -> None:
    raw, data = MemoryStore({"incoming/f": b"id,text\n,a\n,b\n3,\n"}), MemoryStore()
    with pytest.raises(InvalidCaseFile, match=r"none of its 3 rows is a usable case \(2 missing id, 1 no text"):
        ingest(
            request("incoming/f"),
            raw=raw,
            data=data,
            ledger=MemoryLedger(),
            settings=IngestSettings(),
            estimate_usd=lambda _load, _road: 0.0,
        )
    assert raw.objects["runs/run-1/rejects.jsonl"].count(b"\n") == 3
    assert "runs/run-1/shards.json" not in data.objects


def test_a_gold_category_that_no_task_knows_is_kept_and_a_text_in_its_place_is_not() -> None:
    done = run_ingest(f"id,text,category\n1,a,Quantum Flux\n2,b,{'long ' * 30}\n")
    assert [line.gold_category for line in done.index] == ["Quantum Flux", None]


class _Made(io.RawIOBase):
    """A stream that is made while it is read, so that only the reader's memory counts."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts = parts
        self._left = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        while not self._left:
            part = next(self._parts, None)
            if part is None:
                return b""
            self._left = part
        out, self._left = self._left[:size], self._left[size:]
        return out


class _MadeStore(MemoryStore):
    def __init__(self, parts: Iterator[bytes]) -> None:
        super().__init__()
        self._parts = parts

    def open(self, key: str, version_id: str | None = None) -> IO[bytes]:
        return cast("IO[bytes]", _Made(self._parts))


BLOCK = b'it said ""no"", then, and\\nthen; ' * 2000  # CSV and JSON each read their own quoting in it
JSON_BLOCK = BLOCK.replace(b'""', b'\\"')


def _csv(quote: bytes, blocks: int) -> Iterator[bytes]:
    yield b"id,text\n1,before\n2," + quote
    for _ in range(blocks):
        yield BLOCK if quote else BLOCK.replace(b'"', b"").replace(b",", b"")
    yield quote + b"\n3,after\n"


def _jsonl(blocks: int) -> Iterator[bytes]:
    yield b'{"id":1,"text":"before"}\n{"id":2,"text":"'
    yield from (JSON_BLOCK for _ in range(blocks))
    yield b'"}\n{"id":3,"text":"after"}\n'


def _array(blocks: int) -> Iterator[bytes]:
    yield b'[{"id":1,"text":"before"},\n{"id":2,"text":"'
    yield from (JSON_BLOCK for _ in range(blocks))
    yield b'"},\n{"id":3,"text":"after"}]'


def _measured(raw: ObjectStore, data: MemoryStore, settings: IngestSettings) -> tuple[IngestResult, int]:
    """An ingest's result, and the most memory that Python's objects held meanwhile (bytes)."""
    tracemalloc.start()
    try:
        result = ingest(
            request("incoming/large"),
            raw=raw,
            data=data,
            ledger=MemoryLedger(),
            settings=settings,
            estimate_usd=lambda _load, _road: 0.0,
        )
        return result, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("shape", ["csv quoted", "csv bare", "jsonl", "array"])
def test_fifty_megabytes_in_one_cell_cost_that_row_only(shape: str) -> None:
    blocks = 50_000_000 // len(BLOCK)
    parts = {
        "csv quoted": lambda: _csv(b'"', blocks),
        "csv bare": lambda: _csv(b"", blocks),
        "jsonl": lambda: _jsonl(blocks),
        "array": lambda: _array(blocks),
    }[shape]()
    raw, data = _MadeStore(parts), MemoryStore()
    result, peak = _measured(raw, data, IngestSettings(max_row_bytes=1_000_000))
    done = read_back(result, raw, data)
    assert list(done.cases) == ["1", "3"]
    assert done.reasons == [(2 if shape in ("jsonl", "array") else 3, "oversize")]
    assert result.file_bytes > 40_000_000
    assert peak < 15_000_000


@pytest.mark.parametrize("head", [b"id,text\n", b""])
def test_a_file_of_two_hundred_megabytes_is_read_in_flat_memory(head: bytes) -> None:
    rows = 400
    row, end = (b"%d,", b"\n") if head else (b'{"id": %d, "text": "', b'"}\n')
    words = b"a long log line of words " * 20_000
    raw, data = _MadeStore(chain([head], *([row % n, words, end] for n in range(rows)))), MemoryStore()
    result, peak = _measured(raw, data, IngestSettings(max_case_tokens=200))
    assert result.file_bytes > 200_000_000
    assert (result.new, result.cut, result.rejected, result.shards) == (rows, rows, 0, 8)
    assert peak < 15_000_000


def test_the_line_after_an_oversize_row_is_right() -> None:
    big = '"' + "x\n" * 2000 + '"'
    done = run_ingest(f"id,text\n1,{big}\n,lost\n3,kept\n", settings=IngestSettings(max_row_bytes=1024))
    assert done.reasons == [(2, "oversize"), (2003, "missing id")]


def test_an_oversize_row_whose_quote_is_never_closed() -> None:
    with pytest.raises(InvalidCaseFile, match="line 2 is never closed"):
        run_ingest('id,text\n1,"' + "x\n" * 2000, settings=IngestSettings(max_row_bytes=1024))


def test_a_conversation_over_many_rows_is_bounded_too() -> None:
    rows = "".join(f"1,customer,{n} and some words\n" for n in range(200))
    done = run_ingest(f"ticket_id,role,text\n{rows}2,agent,Hi\n", settings=IngestSettings(max_row_bytes=1024))
    assert list(done.cases) == ["2"]
    assert done.reasons == [(2, "oversize")]


def test_bytes_count_not_characters() -> None:
    limit = IngestSettings(max_row_bytes=1024)
    assert run_ingest(f"id,text\n1,{'ü' * 400}\n", settings=limit).result.new == 1
    done = run_ingest(f"id,text\n1,{'ü' * 600}\n2,x\n", settings=limit)
    assert done.reasons == [(2, "oversize")]

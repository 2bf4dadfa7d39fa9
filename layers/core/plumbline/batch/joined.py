"""The join of answers to records, on disk, so that memory stays flat however large the jobs' output is."""

import sqlite3
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from itertools import groupby
from types import TracebackType
from typing import Final, Literal, Self

from plumbline.batch.records import shard_of
from plumbline.contracts.batch import BatchAnswer, BatchRecord, RecordError
from plumbline.contracts.replies import ModelReply

Taken = Literal["new", "better", "repeated", "stranger"]
_TABLES: Final = """
PRAGMA journal_mode = OFF;
CREATE TABLE records (id INTEGER PRIMARY KEY, case_id TEXT NOT NULL, request TEXT NOT NULL, first INTEGER);
CREATE TABLE answers (id INTEGER PRIMARY KEY, reply BLOB, error TEXT);
"""
# A case whose request another record asked has what became of that record.
_ANSWERED: Final = """
SELECT records.id, case_id, request, reply, error
FROM records JOIN answers ON answers.id = COALESCE(first, records.id)
ORDER BY records.id
"""


class Joined:
    """Records and what was answered to them, in SQLite's private temporary database, which is gone when it is closed.

    `jobs` are the numbers of those that the service took; records of others are not known here.
    """

    def __init__(self, records: Iterable[BatchRecord], jobs: Collection[int]) -> None:
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.executescript(_TABLES)
        self._db.execute("BEGIN")
        rows = (_row(record) for record in records if record.first is not None or record.job in jobs)
        self._db.executemany("INSERT INTO records VALUES (?, ?, ?, ?)", rows)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()

    @property
    def records(self) -> int:
        """How many were submitted."""
        return self._count("SELECT COUNT(*) FROM records WHERE first IS NULL")

    @property
    def answered(self) -> int:
        """How many of them were answered."""
        return self._count("SELECT COUNT(*) FROM answers WHERE error IS NULL")

    @property
    def errors(self) -> dict[str, int]:
        """How many of them ended in an error, by its code."""
        found = self._db.execute("SELECT error, COUNT(*) FROM answers WHERE error IS NOT NULL GROUP BY error")
        return dict(Counter(dict(found)).most_common())

    def take(self, record_id: str, said: ModelReply | RecordError) -> Taken:
        """Keep the reply or the error of one line of output. The first about a record counts, and a reply is better
        than an error, in whatever order they come."""
        number = int(record_id) if record_id.isascii() and record_id.isdigit() and len(record_id) < 18 else -1  # noqa: PLR2004 - SQLite's integers
        known = self._db.execute("SELECT first FROM records WHERE id = ?", (number,)).fetchone()
        if known != (None,):  # a repeat was not submitted, so that nothing can be answered to it
            return "stranger"
        if isinstance(said, RecordError):
            return (
                "new"
                if self._change("INSERT OR IGNORE INTO answers VALUES (?, NULL, ?)", number, said.code)
                else "repeated"
            )
        reply = said.model_dump_json().encode()
        if self._change("INSERT OR IGNORE INTO answers VALUES (?, ?, NULL)", number, reply):
            return "new"
        better = "UPDATE answers SET reply = ?, error = NULL WHERE id = ? AND reply IS NULL"
        return "better" if self._change(better, reply, number) else "repeated"

    def by_shard(self) -> Iterator[tuple[str, list[BatchAnswer]]]:
        """The answers and errors of each shard that has any, in order."""
        rows = self._db.execute(_ANSWERED)
        for shard, group in groupby(rows, lambda row: shard_of(row[0])):
            yield shard, [_answer(*row[1:]) for row in group]

    def _change(self, statement: str, *values: int | str | bytes) -> bool:
        return self._db.execute(statement, values).rowcount > 0

    def _count(self, question: str) -> int:
        (number,) = self._db.execute(question).fetchone()
        return int(number)


def _row(record: BatchRecord) -> tuple[int, str, str, int | None]:
    return int(record.record_id), record.case_id, record.request, int(record.first) if record.first else None


def _answer(case_id: str, request: str, reply: bytes | None, error: str | None) -> BatchAnswer:
    if reply is None:
        return BatchAnswer(case_id=case_id, request=request, error=error)
    said = ModelReply.model_validate_json(reply)
    return BatchAnswer(case_id=case_id, request=request, text=said.text, stop_reason=said.stop_reason, usage=said.usage)

"""Which cases a file has already brought, kept on disk so that memory stays flat."""

import sqlite3
from types import TracebackType
from typing import Literal, Self

Sighting = Literal["new", "repeated", "differs"]


class Seen:
    """Case ids with their content hashes in SQLite's private temporary database, which is gone when it is closed."""

    def __enter__(self) -> Self:
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.execute("PRAGMA journal_mode = OFF")
        self._db.execute("CREATE TABLE seen (case_id TEXT PRIMARY KEY, hash BLOB NOT NULL) WITHOUT ROWID")
        self._db.execute("BEGIN")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()

    def note(self, case_id: str, content_hash: str) -> Sighting:
        """Remember the case; `repeated` when it came before with this content, `differs` with another."""
        digest = bytes.fromhex(content_hash)
        if self._db.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (case_id, digest)).rowcount:
            return "new"
        (known,) = self._db.execute("SELECT hash FROM seen WHERE case_id = ?", (case_id,)).fetchone()
        return "repeated" if known == digest else "differs"

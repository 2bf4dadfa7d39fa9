"""Rows into cases."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from plumbline.contracts.cases import Case, Message
from plumbline.ingest.conversation import messages_of, row_message, text_at
from plumbline.ingest.profiles import Paths, Profile
from plumbline.ingest.rows import BadRow, Reason, Row, Rows, encoding_fault, oversize
from plumbline.ingest.values import find, moment, normal_fields, scalar

MAX_ID_CHARS = 256
MAX_CATEGORY_CHARS = 80  # as in a prompt's Category: anything longer is no category name
_MAX_PRODUCT_CHARS = 200
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class ReadCase:
    """A case, and the line on which it begins."""

    line: int
    case: Case


CaseStream = Iterator[ReadCase | BadRow]


def read_cases(rows: Rows, profile: Profile, max_bytes: int) -> CaseStream:
    """The file's cases and bad rows. Each row is one or the other; with a message a row, each run of rows of one id."""
    if profile.row_per_message:
        return _grouped(rows, profile, max_bytes)
    return (row if isinstance(row, BadRow) else _case(row, profile) for row in rows)


def _case(row: Row, profile: Profile) -> ReadCase | BadRow:
    fields = _fields(row, profile)
    case_id = _case_id(row, fields, profile)
    if isinstance(case_id, BadRow):
        return case_id
    return _made(row.line, case_id, fields, messages_of(fields, profile), profile)


def _made(
    line: int, case_id: str, fields: dict[str, object], messages: tuple[Message, ...], profile: Profile
) -> ReadCase | BadRow:
    subject = " ".join(text_at(fields, profile.subject, ()).split())
    product = _first(fields, profile.product)
    gold = _first(fields, profile.gold)
    if not messages and not subject:
        return BadRow(line, Reason.NO_TEXT, case_id=case_id)
    texts = (subject, product or "", gold or "", *(message.text for message in messages))
    if any(encoding_fault(text) for text in texts):
        return BadRow(line, Reason.BAD_ENCODING, "half of a surrogate pair", case_id)
    case = Case(
        case_id=case_id,
        subject=subject,
        messages=messages,
        created_at=_moment(fields, profile.created_at),
        updated_at=_moment(fields, profile.updated_at),
        product=product[:_MAX_PRODUCT_CHARS] if product else None,
        gold_category=gold if gold and len(gold) <= MAX_CATEGORY_CHARS else None,
    )
    return ReadCase(line, case)


def _fields(row: Row, profile: Profile) -> dict[str, object]:
    return row.fields if profile.exact else normal_fields(row.fields)


def _case_id(row: Row, fields: dict[str, object], profile: Profile) -> str | BadRow:
    case_id = _first(fields, profile.case_id)
    if case_id is None:
        return BadRow(row.line, Reason.MISSING_ID)
    if len(case_id) > MAX_ID_CHARS:
        return BadRow(row.line, Reason.BAD_ID, f"longer than {MAX_ID_CHARS} characters")
    if _CONTROL.search(case_id):
        return BadRow(row.line, Reason.BAD_ID, "holds a control character")
    if encoding_fault(case_id):
        return BadRow(row.line, Reason.BAD_ENCODING, "half of a surrogate pair")
    return case_id


def _first(fields: dict[str, object], paths: Paths) -> str | None:
    for path in paths:
        if text := scalar(find(fields, path)):
            return text.strip()
    return None


def _moment(fields: dict[str, object], paths: Paths) -> datetime | None:
    return next((found for path in paths if (found := moment(find(fields, path)))), None)


@dataclass(slots=True)
class _Group:
    """Rows of one case that stand together, a message each."""

    case_id: str
    line: int
    fields: dict[str, object]
    messages: list[Message] = field(default_factory=list)
    size: int = 0

    def add(self, row: Row, fields: dict[str, object], profile: Profile, max_bytes: int) -> None:
        self.size += row.size
        if self.size > max_bytes:
            self.messages.clear()
        elif message := row_message(fields, profile):
            self.messages.append(message)

    def finish(self, profile: Profile, max_bytes: int) -> ReadCase | BadRow:
        if self.size > max_bytes:
            return oversize(self.line, max_bytes)
        return _made(self.line, self.case_id, self.fields, tuple(self.messages), profile)


def _grouped(rows: Rows, profile: Profile, max_bytes: int) -> CaseStream:
    group: _Group | None = None
    for row in rows:
        if isinstance(row, BadRow):
            yield row
            continue
        fields = _fields(row, profile)
        case_id = _case_id(row, fields, profile)
        if isinstance(case_id, BadRow):
            yield case_id
            continue
        if group is None or group.case_id != case_id:
            if group is not None:
                yield group.finish(profile, max_bytes)
            group = _Group(case_id, row.line, fields)
        group.add(row, fields, profile, max_bytes)
    if group is not None:
        yield group.finish(profile, max_bytes)

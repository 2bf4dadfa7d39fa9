"""One case as a caller of the API sends it: the canonical shape, or a row of a helpdesk's export."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, WithJsonSchema
from pydantic.config import JsonDict

from plumbline.contracts.cases import Case
from plumbline.contracts.errors import InvalidCaseFile, InvalidPredictionRequest
from plumbline.ingest.cases import read_cases
from plumbline.ingest.cut import cut_case
from plumbline.ingest.profiles import Profile, recognise
from plumbline.ingest.rows import BadRow, Reason, Row

NO_ID = "(no id)"  # what a case without an id is called; no answer shows it
_EXAMPLE: JsonDict = {
    "subject": "Invoice charged twice",
    "messages": [
        {"role": "customer", "text": "Our card was charged twice for March.", "at": "2026-03-02T09:00:00Z"},
        {"role": "agent", "text": "I see two invoices and have refunded one.", "at": "2026-03-02T09:20:00Z"},
    ],
}
_EXPORT_ROW: JsonDict = {
    "Ticket ID": 4711,
    "Title": "Login fails",
    "Description": "Since the update I cannot log in.",
    "VIP": 1,
}

# A cell of an export: a number or a time that stands where a text is expected is read as its text, as ingest does.
_Cell = str | int | float | bool | None
_TEXT: dict[str, Any] = {"type": "string"}
_MESSAGES: dict[str, Any] = {
    "type": "array",
    "items": {
        "type": "object",
        "title": "Message",
        "properties": {
            "role": {"type": "string", "description": "customer or agent, or the helpdesk's own word for them"},
            "text": {"type": "string"},
            "at": {"type": "string", "format": "date-time", "description": "where all have it, messages are sorted"},
        },
    },
    "description": "the conversation, oldest first",
}


class MessageBody(BaseModel):
    """One turn of the conversation. Exports call these fields by other names too; what nothing knows is ignored."""

    model_config = ConfigDict(extra="allow", frozen=True, hide_input_in_errors=True)

    role: _Cell | dict[str, Any] = None
    text: _Cell | dict[str, Any] = None
    at: _Cell = None


class CaseBody(BaseModel):
    """One case. `subject` and `messages` are enough; at least one of them must hold text.

    A row of an export goes as it is, too (a JSON object with the export's own columns, such as `Ticket ID` and
    `Description`): columns are found as in an export file, see docs/case-files.md. Unknown fields are ignored.
    """

    model_config = ConfigDict(
        extra="allow",
        frozen=True,
        hide_input_in_errors=True,
        title="Case",
        json_schema_extra={"examples": [_EXAMPLE, _EXPORT_ROW]},
    )

    case_id: Annotated[_Cell, WithJsonSchema(_TEXT | {"description": "optional; the answer does not need it"})] = None
    subject: Annotated[_Cell | dict[str, Any], WithJsonSchema(_TEXT)] = None
    messages: Annotated[list[MessageBody | str] | str | None, WithJsonSchema(_MESSAGES)] = None


def case_of(row: Mapping[str, Any], max_tokens: int) -> Case:
    """The row as a case, read and cut as ingest reads and cuts a row of a file. It needs no id.

    Raises InvalidPredictionRequest, which says what to send and quotes nothing.
    """
    fields = dict(row)
    profile = _profile(fields)
    read = _read(fields, profile)
    if isinstance(read, BadRow) and read.reason is Reason.MISSING_ID:
        read = _read({**fields, profile.case_id[0]: NO_ID}, profile)
    if isinstance(read, BadRow):
        raise InvalidPredictionRequest(_refusal(read))
    return cut_case(read, max_tokens)


def _profile(fields: dict[str, Any]) -> Profile:
    # As a file's columns; then as if there were the id, and the texts beside a subject, which only a file needs.
    for assumed in ((), ("case_id",)):
        try:
            return recognise([*fields, *assumed])
        except InvalidCaseFile:
            continue
    return recognise([*fields, "case_id", "messages"])


def _read(fields: dict[str, Any], profile: Profile) -> Case | BadRow:
    # The size of the body is checked before it is parsed: no row is too large here.
    [read] = read_cases(iter([Row(line=1, fields=fields, size=0)]), profile, max_bytes=1 << 30)
    return read if isinstance(read, BadRow) else read.case


def _refusal(row: BadRow) -> str:
    if row.reason is Reason.NO_TEXT:
        return (
            "no text was found: send `subject` and `messages` (a list of {role, text, at}), or a row of an export with "
            "its columns' names; docs/case-files.md says which names are known"
        )
    if row.reason is Reason.BAD_ENCODING:
        return "a text holds half of a surrogate pair, which is no character; send UTF-8 text"
    return f"the case cannot be read: {row.reason.value}{f' ({row.detail})' if row.detail else ''}"

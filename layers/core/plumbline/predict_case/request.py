"""One case as a caller of the API sends it: the canonical shape, or a row of a helpdesk's export."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, WithJsonSchema
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

from plumbline.contracts.cases import Case, Message
from plumbline.contracts.errors import InvalidCaseFile, InvalidPredictionRequest
from plumbline.ingest.cases import read_cases
from plumbline.ingest.cut import cut_case
from plumbline.ingest.profiles import Profile, recognise
from plumbline.ingest.rows import BadRow, Reason, Row
from plumbline.ingest.values import find, normal_fields, scalar

NO_ID = "(no id)"  # what a case without an id is called; no answer shows it
WRONG_SHAPE = "wrong_shape"  # the type of the errors below; their messages hold places and kinds, no values
# Far more than any model here reads; masking costs half a millisecond a message, however short it is.
MAX_MESSAGES = 1_000
CONVERSATION: JsonDict = {
    "subject": "Invoice charged twice",
    "messages": [
        {"role": "customer", "text": "Our card was charged twice for March.", "at": "2026-03-02T09:00:00Z"},
        {"role": "agent", "text": "I see two invoices and have refunded one.", "at": "2026-03-02T09:20:00Z"},
    ],
}
EXPORT_ROW: JsonDict = {
    "Ticket ID": 4711,
    "Title": "Login fails",
    "Description": "Since the update I cannot log in.",
    "VIP": 1,
}

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


def _kind(value: object) -> str:
    if value is None:
        return "null"
    return "an object" if isinstance(value, dict) else "a list" if isinstance(value, list) else "a single value"


def _wrong(place: str, value: object, expected: str) -> PydanticCustomError:
    details = {"place": place, "kind": _kind(value), "expected": expected}
    return PydanticCustomError(WRONG_SHAPE, "`{place}` is {kind} where {expected} is expected", details)


def _is_text(value: object) -> bool:
    """Whether ingest reads a cell as a text or as nothing said; a number or a time is read as its text."""
    if isinstance(value, dict):  # a record with a display value (ServiceNow, Jira), or an Atlassian document
        return value.get("type") == "doc" or not value.keys().isdisjoint(("display_value", "value", "name"))
    return not isinstance(value, list)


def _checked_id(value: object) -> object:
    if isinstance(value, dict | list):
        raise _wrong("case_id", value, "a text or a number")
    return value


def _checked_subject(value: object) -> object:
    if not _is_text(value):
        raise _wrong("subject", value, "a text")
    return value


def _checked_messages(value: object) -> object:
    if value is None or isinstance(value, str):  # a cell of an export may hold the list as JSON
        return value
    if not isinstance(value, list):
        raise _wrong("messages", value, "a list of {role, text, at}")
    for index, message in enumerate(value):
        place = f"messages[{index}]"
        if isinstance(message, str):
            continue
        if not isinstance(message, dict):
            raise _wrong(place, message, "an object {role, text, at}")
        for name in ("role", "text"):
            if not _is_text(message.get(name)):
                raise _wrong(f"{place}.{name}", message[name], "a text")
        if isinstance(message.get("at"), dict | list):
            raise _wrong(f"{place}.at", message["at"], "a time, such as 2026-03-02T09:00:00Z,")
    return value


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
        json_schema_extra={"examples": [CONVERSATION, EXPORT_ROW]},
    )

    case_id: Annotated[
        Any, AfterValidator(_checked_id), WithJsonSchema(_TEXT | {"description": "Optional; no answer needs it."})
    ] = None
    subject: Annotated[
        Any, AfterValidator(_checked_subject), WithJsonSchema(_TEXT | {"description": "The case's title."})
    ] = None
    messages: Annotated[Any, AfterValidator(_checked_messages), WithJsonSchema(_MESSAGES)] = None


def case_of(row: Mapping[str, Any], max_tokens: int) -> Case:
    """The row as a case, read and cut as ingest reads and cuts a row of a file. It needs no id.

    Of more than MAX_MESSAGES messages the first and the last ones stay. Raises InvalidPredictionRequest, which
    says what to send and quotes nothing.
    """
    fields = dict(row)
    profile = _profile(fields)
    read = _read(fields, profile)
    if isinstance(read, BadRow) and read.reason is Reason.MISSING_ID:
        read = _read({**fields, profile.case_id[0]: NO_ID}, profile)
    if isinstance(read, BadRow):
        raise InvalidPredictionRequest(_refusal(read, fields, profile))
    return _bounded(cut_case(read, max_tokens))


def _bounded(case: Case) -> Case:
    left_out = len(case.messages) - MAX_MESSAGES
    if left_out <= 0:
        return case
    half = MAX_MESSAGES // 2
    gap = Message(role="other", text=f"[… {left_out:,} messages left out …]")
    return case.model_copy(update={"messages": (*case.messages[:half], gap, *case.messages[-half:])})


def _profile(fields: dict[str, Any]) -> Profile:
    # As a file's columns; then as if there were the id, and the texts beside a subject, which only a file needs.
    for assumed in ((), ("case_id",)):
        try:
            return recognise(fields, assumed)
        except InvalidCaseFile:
            continue
    return recognise(fields, ("case_id", "messages"))


def _read(fields: dict[str, Any], profile: Profile) -> Case | BadRow:
    # The size of the body is checked before it is parsed: no row is too large here.
    [read] = read_cases(iter([Row(line=1, fields=fields, size=0)]), profile, max_bytes=1 << 30)
    return read if isinstance(read, BadRow) else read.case


def _refusal(row: BadRow, fields: dict[str, Any], profile: Profile) -> str:
    if row.reason is Reason.NO_TEXT:
        names = ", ".join(f"`{name}`" for name in _unread(fields, profile))
        return (
            f"no text was found{f' ({names}: a text is expected there)' if names else ''}: send `subject` and "
            "`messages` (a list of {role, text, at}), or a row of an export with its columns' names; "
            "docs/case-files.md says which names are known"
        )
    if row.reason is Reason.BAD_ENCODING:
        return "a text holds half of a surrogate pair (such as \\ud800 alone), which is no character; send UTF-8 text"
    if row.reason is Reason.BAD_ID:
        return f"the case's id cannot be read ({row.detail}); leave it out or send another"
    return f"the case cannot be read: {row.reason.value}{f' ({row.detail})' if row.detail else ''}"


def _unread(fields: dict[str, Any], profile: Profile) -> list[str]:
    """The known names, normalised, under which a text was looked for and something else was found."""
    row = normal_fields(fields, depth=1)
    found = ((name, find(row, name)) for name in (*profile.subject, *profile.text, *profile.html))
    return [name for name, value in found if isinstance(value, dict | list) and scalar(value) is None]

"""The messages of one row: found, taken apart, given a role, and put in order."""

import json
import re
from collections.abc import Iterator

from plumbline.contracts.cases import Message, Role
from plumbline.ingest.profiles import MessageFields, Paths, Profile
from plumbline.ingest.texts import clean
from plumbline.ingest.values import find, moment, normal_fields, role_of, scalar

_JIRA_COMMENT = re.compile(r"([^;\n]{6,40});([^;\n]{0,200});(.*)", re.DOTALL)
_JOURNAL_HEAD = re.compile(
    r"^(\d{2,4}[-/.]\d{2}[-/.]\d{2,4} \d{1,2}:\d{2}:\d{2}(?: [AP]M)?) - (.{1,200}?) \(([^()\n]{1,60})\)[ \t]*$",
    re.MULTILINE,
)


def messages_of(row: dict[str, object], profile: Profile) -> tuple[Message, ...]:
    """The row's conversation: its opening text, its messages, its closing texts; empty ones left out.

    Messages that all have a time are put in its order (AWS Support and ServiceNow list the newest first). An opening
    that the first message repeats word for word (Zendesk) is said once.
    """
    listed = list(_listed(row, profile))
    if listed and all(message.at for message in listed):
        listed.sort(key=lambda message: message.at.timestamp() if message.at else 0.0)
    opening = text_at(row, profile.text, profile.html)
    closing = (Message(role=role, text=text) for path, role in profile.closing if (text := text_at(row, (path,), ())))
    start = [] if not opening or (listed and listed[0].text == opening) else [Message(role="customer", text=opening)]
    return (*start, *listed, *closing)


def row_message(row: dict[str, object], profile: Profile) -> Message | None:
    """The one message of a row in a file with a message a row; None when it has no text."""
    return _message(row, row, profile)


def text_at(value: object, plain: Paths, markup: Paths) -> str:
    """The first text that is filled, cleaned; of paths known to hold HTML only when no plain one is."""
    for paths, is_html in ((plain, False), (markup, True)):
        for path in paths:
            text = scalar(find(value, path))
            if text is not None and (cleaned := clean(text, is_html=is_html)):
                return cleaned
    return ""


def _listed(row: dict[str, object], profile: Profile) -> Iterator[Message]:
    fields = profile.messages
    for path in fields.lists:
        entries = list(_entries(find(row, path), profile))
        for entry in entries:
            if isinstance(entry, str):
                if text := clean(entry):
                    yield Message(role=fields.default_role, text=text)
            elif isinstance(entry, dict) and (message := _message(entry, row, profile)):
                yield message
        # ServiceNow's combined journal repeats the two others; elsewhere the paths are other names for one thing.
        if entries and not (fields.form == "servicenow" and path != fields.lists[0]):
            return


def _entries(value: object, profile: Profile) -> Iterator[object]:
    """The single messages of a messages field: a list, a JSON list in a cell, or what the export makes of them."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            decoded = json.loads(value)
        except (ValueError, RecursionError):
            decoded = None
        value = _named_alike(decoded, profile) if isinstance(decoded, list) else value
    form = profile.messages.form
    if isinstance(value, dict) and form == "servicenow":
        value = scalar(value)
    for entry in value if isinstance(value, list) else [value]:
        if isinstance(entry, str) and not entry.strip():
            continue
        if isinstance(entry, str) and form == "jira-csv":
            yield _jira_comment(entry)
        elif isinstance(entry, str) and form == "servicenow":
            yield from _journal(entry)
        elif isinstance(entry, dict | str):
            yield entry


def _named_alike(entries: list[object], profile: Profile) -> list[object]:
    return [normal_fields(e) if isinstance(e, dict) and not profile.exact else e for e in entries]


def _jira_comment(text: str) -> dict[str, object] | str:
    """Jira writes a comment cell as `31/Aug/25 3:02 PM;author;text`."""
    match = _JIRA_COMMENT.fullmatch(text)
    if match is None or moment(match.group(1)) is None:
        return {"text": text}
    return {"at": match.group(1), "author": match.group(2), "text": match.group(3)}


def _journal(text: str) -> Iterator[dict[str, object]]:
    """ServiceNow writes a journal as entries headed `2025-08-31 15:02:42 - Author (Additional comments)`."""
    heads = list(_JOURNAL_HEAD.finditer(text))
    before = text[: heads[0].start()] if heads else text
    if before.strip():
        yield {"text": before}
    for head, following in zip(heads, [*heads, None][1:], strict=True):
        body = text[head.end() : following.start() if following else len(text)]
        yield {"at": head.group(1), "author": head.group(2), "kind": head.group(3), "text": body}


def _message(entry: dict[str, object], row: dict[str, object], profile: Profile) -> Message | None:
    fields = profile.messages
    text = text_at(entry, fields.text, fields.html)
    if not text:
        return None
    at = next((found for path in fields.at if (found := moment(find(entry, path)))), None)
    return Message(role=_role(entry, row, fields), text=text, at=at)


def _role(entry: dict[str, object], row: dict[str, object], fields: MessageFields) -> Role:
    """Who wrote it: the customer themself, else what the role says, else somebody who is not the customer."""
    somebody_else = False
    for in_message, in_row in fields.same_person:
        author, customer = scalar(find(entry, in_message)), scalar(find(row, in_row))
        if author and customer:
            if author.strip() == customer.strip():
                return "customer"
            somebody_else = True
    for path in fields.role:
        if role := role_of(find(entry, path), fields.roles):
            return role
    return "agent" if somebody_else else fields.default_role

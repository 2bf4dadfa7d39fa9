"""Values as exports write them: names, paths, texts, times and roles brought to one form."""

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache

from plumbline.contracts.cases import Role

_CAMEL = re.compile(r"([a-z0-9])([A-Z])")
_NOT_WORD = re.compile(r"[\W_]+")
_NAME = re.compile(r"(?!.*\d{4})(?=.{1,40}$)[^\W\d][\w./:()\[\]#-]*(?: [\w./:()\[\]#-]+){0,3}")
_NAMES_SHOWN = 25
_TIME_FORMATS = ("%d/%b/%y %I:%M %p", "%d/%b/%Y %I:%M %p")
_LONGEST_NAME = 100
_DEPTH = 6
_LONGEST_TIME = 40
_EPOCH_DIGITS = (10, 13)  # seconds and milliseconds since 1970, from 2001 to 2286
_MILLISECONDS_FROM = 1e11  # seconds that large lie beyond the year 5000
_LONGEST_INT_BITS = 1024
_LONGEST_INDEX = 5
_CUSTOMER_WORDS = (
    *("customer", "user", "end_user", "enduser", "requester", "reporter", "client", "contact", "caller", "buyer"),
    *("incoming", "inbound", "visitor", "member", "human", "true", "yes", "1"),
)
_AGENT_WORDS = (
    *("agent", "admin", "staff", "support", "assistant", "operator", "employee", "owner", "teammate", "bot"),
    *("outgoing", "outbound", "system", "amazon_web_services", "seller", "false", "no", "0"),
)
ROLES: Mapping[str, Role] = {**dict.fromkeys(_CUSTOMER_WORDS, "customer"), **dict.fromkeys(_AGENT_WORDS, "agent")}


def normal_name(name: str) -> str:
    """A column's name in snake case: `Ticket ID`, `ticket-id` and `ticketId` are all `ticket_id`."""
    return _normal_name(name) if len(name) <= _LONGEST_NAME else name


def name_list(names: Iterable[str], known: Collection[str] = ()) -> str:
    """Field names for a message, 25 at most; only their number when they look like data, as where a header is missing.

    A name has at most four words, no `@` and no run of four digits. Where `known` normalised names are given, one of
    them must be among the names: the short cells of a first case look like names, too.
    """
    listed = [name for name in dict.fromkeys(names) if name]
    if listed and known and not any(normal_name(name) in known for name in listed):
        return f"{len(listed)} fields, none with a name that is known here (is the header row missing?)"
    shown = [name for name in listed if _NAME.fullmatch(name)]
    if not shown or len(shown) * 4 < len(listed) * 3:
        return (
            f"{len(listed)} fields whose names look like data (is the header row missing?)" if listed else "no fields"
        )
    rest = len(listed) - len(shown[:_NAMES_SHOWN])
    return f"the fields {', '.join(shown[:_NAMES_SHOWN])}{f' and {rest} more' if rest else ''}"


@lru_cache(maxsize=4096)
def _normal_name(name: str) -> str:
    return _NOT_WORD.sub("_", _CAMEL.sub(r"\1_\2", name.strip()).casefold()).strip("_")


def normal_fields(fields: Mapping[str, object], depth: int = _DEPTH) -> dict[str, object]:
    """The fields under normalised names, those of records inside too (six levels); of two alike the first stays."""
    found: dict[str, object] = {}
    for name, value in fields.items():
        found.setdefault(normal_name(name), _normal_value(value, depth - 1))
    return found


def _normal_value(value: object, depth: int) -> object:
    if depth > 0 and isinstance(value, dict):
        return normal_fields(value, depth)
    if depth > 0 and isinstance(value, list):
        return [_normal_value(item, depth - 1) for item in value]
    return value


def find(value: object, path: str) -> object:
    """What lies at a dotted path, or None. A segment is a key or a list's index; a key may itself contain dots."""
    if isinstance(value, dict) and path in value:
        return value[path]
    if "." not in path:
        return None
    for segment in path.split("."):
        value = _child(value, segment)
        if value is None:
            return None
    return value


def _child(value: object, segment: str) -> object:
    if isinstance(value, dict):
        return value.get(segment)
    if not isinstance(value, list):
        return None
    index = int(segment) if segment.isdecimal() and len(segment) <= _LONGEST_INDEX else len(value)
    return value[index] if index < len(value) else None


def scalar(value: object) -> str | None:
    """A value as one text, or None for what says nothing.

    Numbers lose a fraction of zero; of a record with a display value, a value or a name (ServiceNow, Jira) that one is
    taken; of several columns of one name the first that is filled; Atlassian documents are flattened.
    """
    if value is None:
        return None
    if isinstance(value, str):
        return value if value.strip() else None
    if isinstance(value, list):
        return next((text for item in value if isinstance(item, str) and (text := scalar(item))), None)
    if isinstance(value, dict):
        if value.get("type") == "doc":
            return _document_text(value)
        return next((text for key in ("display_value", "value", "name") if (text := scalar(value.get(key)))), None)
    return _number_text(value)


def _number_text(value: object) -> str | None:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return None if isinstance(value, int) and value.bit_length() > _LONGEST_INT_BITS else str(value)


def _document_text(document: dict[str, object]) -> str | None:
    """The text of an Atlassian Document Format tree, a line a block."""
    parts: list[str] = []
    waiting: list[object] = [document]
    while waiting:
        node = waiting.pop()
        if isinstance(node, str):
            parts.append(node)
        elif isinstance(node, dict):
            if isinstance(text := node.get("text"), str):
                parts.append(text)
            elif node.get("type") == "hardBreak":
                parts.append("\n")
            if node.get("type") in ("paragraph", "heading", "listItem", "codeBlock", "blockquote", "tableRow"):
                waiting.append("\n")
            content = node.get("content")
            if isinstance(content, list):
                waiting.extend(reversed(content))
    return "".join(parts).strip() or None


def moment(value: object) -> datetime | None:
    """A time in UTC, or None for one that cannot be read without guessing. A time without a zone counts as UTC.

    Reads ISO 8601, seconds or milliseconds since 1970, and the forms of Jira's and of forum exports. Day-first and
    month-first dates look alike and are not read.
    """
    if isinstance(value, dict):
        value = value.get("value") or value.get("display_value")
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        if isinstance(value, str):
            found = _parsed(value.strip())
        else:
            found = datetime.fromtimestamp(value / 1000 if abs(value) > _MILLISECONDS_FROM else value, UTC)
        if found is None:
            return None
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _parsed(text: str) -> datetime | None:
    if len(text) > _LONGEST_TIME:
        return None
    if text.isascii() and text.isdecimal() and len(text) in _EPOCH_DIGITS:
        return datetime.fromtimestamp(int(text) / (1 if len(text) == min(_EPOCH_DIGITS) else 1000), UTC)
    try:
        # "2025-08-31 15:02:42 -0800" and "… UTC", as Ruby and Rails write them
        return datetime.fromisoformat(text.replace(" UTC", "Z").replace(" -", "-").replace(" +", "+"))
    except ValueError:
        pass
    for form in _TIME_FORMATS:
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    return None


def role_of(value: object, own: Mapping[str, Role]) -> Role | None:
    """The role that a value names, by the mapping's own words first; None when it names none."""
    if isinstance(value, bool):
        value = "true" if value else "false"
    text = scalar(value)
    if text is None or len(text) > _LONGEST_NAME:
        return None
    return own.get(text.strip().casefold()) or ROLES.get(normal_name(text))

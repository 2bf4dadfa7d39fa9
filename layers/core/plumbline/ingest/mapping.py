"""The mapping file: where the fields of a case lie in an export that is not recognised by itself."""

from collections.abc import Sequence
from typing import Self

from pydantic import Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from plumbline.contracts.base import Model
from plumbline.contracts.cases import Role
from plumbline.contracts.errors import InvalidMapping, MissingObject
from plumbline.ingest.profiles import MessageFields, Profile
from plumbline.ingest.rows import Row
from plumbline.ingest.values import find
from plumbline.ports import ObjectStore
from plumbline.strict_yaml import read_yaml

_MAX_BYTES = 64 * 1024
_PATH = Field(default=None, min_length=1)


class MessageMapping(Model):
    """Where a conversation lies.

    `list` is the path of the messages list in a row; the other paths start at a message. Without `list`, each row is
    one message of its case, rows of one case standing together. `roles` says what the export's role words mean;
    common words are known without it.
    """

    list: str | None = _PATH
    text: str = Field(min_length=1)
    role: str | None = _PATH
    at: str | None = _PATH
    roles: dict[str, Role] = Field(default_factory=dict)
    default_role: Role = "other"


class FieldMapping(Model):
    """Where each field of a case lies in a row, as a dotted path of keys as they stand in the file (`ticket.id`)."""

    case_id: str = Field(min_length=1)
    subject: str | None = _PATH
    text: str | None = _PATH
    messages: MessageMapping | None = None
    created_at: str | None = _PATH
    updated_at: str | None = _PATH
    product: str | None = _PATH
    gold_category: str | None = _PATH

    @model_validator(mode="after")
    def _there_is_text(self) -> Self:
        if not (self.text or self.subject or self.messages):
            raise ValueError("one of subject, text or messages is needed")
        if self.text and self.messages and not self.messages.list:
            raise ValueError("with a message a row (no messages.list) the text lies in messages.text; leave text out")
        return self

    def profile(self) -> Profile:
        """The same as a profile."""
        return Profile(
            name="mapping",
            case_id=(self.case_id,),
            subject=_paths(self.subject),
            text=_paths(self.text),
            created_at=_paths(self.created_at),
            updated_at=_paths(self.updated_at),
            product=_paths(self.product),
            gold=_paths(self.gold_category),
            messages=_message_fields(self.messages) if self.messages else MessageFields(),
            row_per_message=self.messages is not None and self.messages.list is None,
            exact=True,
        )


def load_mapping(raw: ObjectStore, key: str) -> FieldMapping:
    """The mapping file under `key`, YAML or JSON. Raises InvalidMapping, which names the file and the field."""
    try:
        if raw.size(key) > _MAX_BYTES:
            raise InvalidMapping(f"mapping file {key}: larger than {_MAX_BYTES:,} bytes")
        return parse_mapping(raw.read(key), key)
    except MissingObject:
        raise InvalidMapping(
            f"mapping file {key} is not in the raw bucket; upload it first, or start the run without a mapping"
        ) from None


def parse_mapping(data: bytes, name: str) -> FieldMapping:
    """The bytes of a mapping file as a FieldMapping. Raises InvalidMapping."""
    try:
        document = read_yaml(data)
    except ValueError as error:
        raise InvalidMapping(f"mapping file {name}: {error}") from None
    if not isinstance(document, dict):
        raise InvalidMapping(f"mapping file {name}: expected a mapping of field names to paths")
    try:
        return FieldMapping.model_validate(document)
    except ValidationError as error:
        faults = "; ".join(_fault(fault) for fault in error.errors(include_input=False, include_url=False))
        raise InvalidMapping(f"mapping file {name}: {faults}") from None


def unfound(profile: Profile, rows: Sequence[Row]) -> tuple[str, str] | None:
    """The first field of a mapping whose path is in none of these rows, with the path; None where there is none.

    Looks only at what a case needs (case_id, subject, text, messages): the rest may be missing from a whole export.
    """
    needed = [
        ("case_id", profile.case_id),
        ("subject", profile.subject),
        ("text", profile.text),
        ("messages.list", profile.messages.lists),
        ("messages.text", profile.messages.text if profile.row_per_message else ()),
    ]
    paths = [(field, path) for field, listed in needed for path in listed]
    return next(((field, path) for field, path in paths if not any(_holds(row, path) for row in rows)), None)


def _holds(row: Row, path: str) -> bool:
    return path in row.fields or find(row.fields, path) is not None


def _fault(fault: ErrorDetails) -> str:
    path = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "extra_forbidden":
        known = MessageMapping if path.startswith("messages.") else FieldMapping
        return f"unknown key {path}; known keys are {', '.join(known.model_fields)}"
    fixed = {"missing": "missing", "string_type": "expected text; put the value in quotes"}
    message = fixed.get(fault["type"], fault["msg"].removeprefix("Value error, "))
    return f"{path}: {message}" if path else message


def _paths(path: str | None) -> tuple[str, ...]:
    return (path,) if path else ()


def _message_fields(mapping: MessageMapping) -> MessageFields:
    return MessageFields(
        lists=_paths(mapping.list),
        text=(mapping.text,),
        role=_paths(mapping.role),
        at=_paths(mapping.at),
        roles={word.strip().casefold(): role for word, role in mapping.roles.items()},
        default_role=mapping.default_role,
    )

"""Where the fields of a case lie in the exports of common helpdesks, and which export a file is."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from plumbline.contracts.cases import Role
from plumbline.contracts.errors import InvalidCaseFile
from plumbline.ingest.values import name_list, normal_name

Paths = tuple[str, ...]


@dataclass(frozen=True)
class MessageFields:
    """Where a conversation lies in a row, and its parts in a message. Paths are tried in order.

    `same_person` pairs a path in the message with one in the row: equal values mean that the customer wrote it,
    different ones that somebody else did. `form` says how a message that is one text is taken apart.
    """

    lists: Paths = ()
    text: Paths = ()
    html: Paths = ()
    role: Paths = ()
    at: Paths = ()
    same_person: tuple[tuple[str, str], ...] = ()
    roles: Mapping[str, Role] = field(default_factory=dict)
    default_role: Role = "other"
    form: str = "plain"


@dataclass(frozen=True)
class Profile:
    """Where each field lies, as dotted paths tried in order; `exact` paths are keys as they stand, others normalised.

    `signatures` are sets of first-level names; a file that has all of one is this export. `closing` are texts that
    come after the conversation, with their role.
    """

    name: str
    signatures: tuple[frozenset[str], ...] = ()
    case_id: Paths = ()
    subject: Paths = ()
    text: Paths = ()
    html: Paths = ()
    created_at: Paths = ()
    updated_at: Paths = ()
    product: Paths = ()
    gold: Paths = ()
    messages: MessageFields = MessageFields()
    closing: tuple[tuple[str, Role], ...] = ()
    row_per_message: bool = False
    exact: bool = False


_GOLD = ("gold_category", "gold_label", "gold", "root_cause", "true_category")
_CREATED = ("created_at", "created", "created_time", "created_date", "creation_date", "date", "opened_at", "timestamp")
_UPDATED = ("updated_at", "updated", "updated_time", "last_updated", "modified_at", "last_modified")
_PRODUCT = ("product", "product_name", "product_purchased", "service")


def _has(*names: str) -> frozenset[str]:
    return frozenset(names)


ZENDESK = Profile(
    name="zendesk",
    signatures=(
        _has("id", "subject", "description", "requester_id"),
        _has("id", "subject", "comments", "via"),
        _has("id", "raw_subject"),
        _has("id", "subject", "requester", "requester_id", "via"),
    ),
    case_id=("id",),
    subject=("subject", "raw_subject"),
    text=("description",),
    created_at=("created_at",),
    updated_at=("updated_at",),
    product=("product",),
    gold=_GOLD,
    messages=MessageFields(
        lists=("comments",),
        text=("plain_body", "body"),
        html=("html_body",),
        role=("author.role", "author_role", "role"),
        at=("created_at",),
        same_person=(("author_id", "requester_id"),),
    ),
)
JIRA = Profile(
    name="jira",
    signatures=(_has("key", "fields"),),
    case_id=("key",),
    subject=("fields.summary",),
    text=("fields.description",),
    created_at=("fields.created",),
    updated_at=("fields.updated",),
    product=("fields.components.0", "fields.project"),
    gold=tuple(f"{prefix}{name}" for prefix in ("", "fields.") for name in _GOLD),
    messages=MessageFields(
        lists=("fields.comment.comments",),
        text=("body",),
        role=("author.account_type",),
        at=("created",),
        same_person=(
            ("author.account_id", "fields.reporter.account_id"),
            ("author.name", "fields.reporter.name"),
            ("author.display_name", "fields.reporter.display_name"),
        ),
        roles={"atlassian": "agent", "app": "agent"},
    ),
)
JIRA_CSV = Profile(
    name="jira-csv",
    signatures=(_has("issue_key", "summary"), _has("issue_key", "description")),
    case_id=("issue_key",),
    subject=("summary",),
    text=("description",),
    created_at=("created",),
    updated_at=("updated",),
    product=("component_s", "component", "components", "project_name"),
    gold=(*_GOLD, "custom_field_root_cause"),
    messages=MessageFields(
        lists=("comment", "comments"),
        text=("text",),
        at=("at",),
        same_person=(("author", "reporter_id"), ("author", "reporter")),
        form="jira-csv",
    ),
)
SERVICENOW = Profile(
    name="servicenow",
    signatures=(_has("number", "short_description"),),
    case_id=("number",),
    subject=("short_description",),
    text=("description",),
    created_at=("opened_at", "opened", "sys_created_on", "created"),
    updated_at=("sys_updated_on", "updated"),
    product=("cmdb_ci", "configuration_item", "business_service", "product"),
    gold=_GOLD,
    messages=MessageFields(
        lists=("comments_and_work_notes", "comments", "additional_comments", "work_notes"),
        text=("text",),
        role=("kind",),
        at=("at",),
        same_person=(("author", "caller_id"), ("author", "caller"), ("author", "opened_by")),
        roles={"work notes": "agent"},
        form="servicenow",
    ),
    closing=(("close_notes", "agent"), ("resolution_notes", "agent")),
)
FRESHDESK = Profile(
    name="freshdesk",
    signatures=(
        _has("id", "subject", "conversations"),
        _has("id", "subject", "description_text"),
        _has("ticket_id", "subject", "description", "created_time"),
    ),
    case_id=("id", "ticket_id"),
    subject=("subject",),
    text=("description_text",),
    html=("description",),
    created_at=("created_at", "created_time"),
    updated_at=("updated_at", "last_update_time"),
    product=("product_name", "product"),
    gold=_GOLD,
    messages=MessageFields(
        lists=("conversations",),
        text=("body_text",),
        html=("body",),
        role=("incoming",),
        at=("created_at",),
        same_person=(("user_id", "requester_id"),),
    ),
)
AWS_SUPPORT = Profile(
    name="aws-support",
    signatures=(_has("case_id", "recent_communications"), _has("display_id", "subject", "service_code")),
    case_id=("display_id", "case_id"),
    subject=("subject",),
    created_at=("time_created",),
    product=("service_code",),
    gold=_GOLD,
    messages=MessageFields(
        lists=("recent_communications.communications", "communications"),
        text=("body",),
        role=("submitted_by",),
        at=("time_created",),
        default_role="customer",
    ),
)
GENERIC = Profile(
    name="generic",
    case_id=(
        *("case_id", "ticket_id", "issue_id", "conversation_id", "thread_id", "incident_id", "request_id", "issue_key"),
        *("case_number", "ticket_number", "incident_number", "number", "key", "id", "ticket", "case", "uuid"),
    ),
    subject=("subject", "title", "summary", "short_description", "ticket_subject", "headline"),
    text=(
        *("text", "body", "description", "message", "content", "question", "ticket_description", "description_text"),
        *("plain_body", "body_text", "case_text", "ticket_text", "complaint", "details", "comment"),
    ),
    html=("html_body", "body_html", "description_html"),
    created_at=_CREATED,
    updated_at=_UPDATED,
    product=_PRODUCT,
    gold=(*_GOLD, "category", "label"),
    messages=MessageFields(
        lists=("messages", "turns", "conversation", "conversations", "comments", "thread", "replies", "dialogue"),
        text=("text", "body", "content", "message", "plain_body", "body_text", "utterance"),
        html=("html_body", "body_html"),
        role=(
            *(
                "role",
                "author_role",
                "sender_role",
                "speaker",
                "sender_type",
                "author_type",
                "from",
                "author",
                "sender",
            ),
            *("direction", "incoming"),
        ),
        at=("at", "created_at", "sent_at", "timestamp", "created", "date", "time"),
        same_person=(("author_id", "requester_id"),),
    ),
    closing=(("resolution", "agent"), ("answer", "agent"), ("agent_reply", "agent")),
)
_ROW_ROLES = (
    *("role", "author_role", "sender_role", "message_role", "speaker", "sender_type", "author_type"),
    *("direction", "incoming"),
)
# A row that has one of these is a message, not a case.
PER_MESSAGE = frozenset(
    (
        *("message_id", "comment_id", "turn", "turn_index", "turn_number", "message_index", *_ROW_ROLES),
        *("message_at", "message_created_at", "sent_at"),
    )
)
VENDORS = (AWS_SUPPORT, JIRA, JIRA_CSV, SERVICENOW, FRESHDESK, ZENDESK)
PER_MESSAGE_PROFILE = replace(
    GENERIC,
    name="generic-messages",
    row_per_message=True,
    messages=MessageFields(
        text=(*GENERIC.text, "message_text", "message_body"),
        html=GENERIC.html,
        role=_ROW_ROLES,
        at=("message_at", "message_created_at", "sent_at", *_CREATED),
        same_person=(("author_id", "requester_id"),),
    ),
    closing=(),
)
HOW_TO_MAP = (
    "rename the columns (see docs/case-files.md for the names that are known), or write a mapping file that says "
    "where case_id, subject, text or messages lie, and name it with --map (in an upload's metadata: mapping_key)"
)


def known_names() -> frozenset[str]:
    """Every normalised first-level name that any profile reads."""
    names = set(PER_MESSAGE)
    for profile in (*VENDORS, GENERIC):
        paths = (*profile.case_id, *profile.subject, *profile.text, *profile.html, *profile.created_at, *profile.gold)
        names.update(path.split(".")[0] for path in (*paths, *profile.product, *profile.messages.lists))
    return frozenset(names)


def recognise(columns: Iterable[str], assumed: Iterable[str] = ()) -> Profile:
    """The profile of a file with these first-level names. Raises InvalidCaseFile when it has no id or no text.

    `assumed` are names that the file need not have: they are not said to have been found.
    """
    listed = list(columns)
    names = {normal_name(name) for name in (*listed, *assumed)}
    for profile in VENDORS:
        if any(signature <= names for signature in profile.signatures):
            return profile
    has_list = bool(names.intersection(GENERIC.messages.lists))
    profile = PER_MESSAGE_PROFILE if names & PER_MESSAGE and not has_list else GENERIC
    texts = {*profile.text, *profile.html, *profile.messages.text, *profile.messages.html}
    missing = [
        what
        for what, there in (
            (f"a case id (such as {', '.join(GENERIC.case_id[:3])} or id)", names.intersection(GENERIC.case_id)),
            (f"a text (such as {', '.join(GENERIC.text[:4])}) or a messages list", has_list or names & texts),
        )
        if not there
    ]
    if missing:
        raise InvalidCaseFile(
            f"found {name_list(listed, known_names())}; could not find {' nor '.join(missing)}: {HOW_TO_MAP}"
        )
    return profile

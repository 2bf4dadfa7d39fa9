"""SageMaker Ground Truth output manifests: the labeled text and its gold label."""

import hashlib
import json
from collections.abc import Callable

from plumbline.contracts.errors import MissingObject
from plumbline.ingest.rows import BadRow, Reason, Row, encoding_fault
from plumbline.keys import SOURCES
from plumbline.ports import ObjectStore

_METADATA = "-metadata"
Fetch = Callable[[str], str | None]


def is_manifest(fields: dict[str, object]) -> bool:
    """Whether the row has a source and a label with metadata, as a labeling job writes them."""
    return bool("source" in fields or "source-ref" in fields) and any(
        name.endswith(_METADATA) and name.removesuffix(_METADATA) in fields for name in fields
    )


def unwrap(row: Row, fetch: Fetch) -> Row | BadRow:
    """The labeled case as a plain row.

    A source that is a JSON object is the case itself; any other is its text. A row without an id gets one from its
    source (`gt-` and 16 hex digits of its sha256). The gold label is the `class-name` of the row's last label
    attribute, or the one name in its `class-map`.
    """
    source, reference = row.fields.get("source"), row.fields.get("source-ref")
    if not isinstance(source, str) and isinstance(reference, str):
        source = fetch(reference)
        if source is None:
            return BadRow(row.line, Reason.NO_TEXT, "source-ref names no readable text under sources/ of this bucket")
        if encoding_fault(source):
            return BadRow(row.line, Reason.BAD_ENCODING, "the text that source-ref names is not UTF-8")
    if not isinstance(source, str) or not source.strip():
        return BadRow(row.line, Reason.NO_TEXT, "source is empty")
    case = _as_object(source)
    fields: dict[str, object] = case if case is not None else {"text": source}
    identity = reference if isinstance(reference, str) else source
    made = "gt-" + hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    own = next((row.fields[name] for name in ("case_id", "id") if row.fields.get(name)), None)
    if own is not None or not any(name in fields for name in ("case_id", "id", "ticket_id", "key", "number")):
        fields = {**fields, "case_id": own or made}
    label = gold_label(row.fields)
    if label is not None:
        fields = {**fields, "gold_category": label}
    return Row(row.line, fields, row.size)


def gold_label(fields: dict[str, object]) -> str | None:
    """The row's label: of several attributes (chained jobs) the last one that names a class."""
    found: str | None = None
    for name, metadata in fields.items():
        if not name.endswith(_METADATA) or not isinstance(metadata, dict):
            continue
        class_name, class_map = metadata.get("class-name"), metadata.get("class-map")
        if isinstance(class_name, str):
            found = class_name
        elif isinstance(class_map, dict) and len(class_map) == 1:
            (only,) = class_map.values()
            found = only if isinstance(only, str) else found
    return found


def fetcher(raw: ObjectStore, raw_bucket: str | None, max_bytes: int) -> Fetch:
    """Reads what `source-ref` names, as long as it lies under sources/ of the raw bucket; None otherwise."""
    prefix = f"s3://{raw_bucket}/"

    def fetch(uri: str) -> str | None:
        key = uri.removeprefix(prefix)
        if raw_bucket is None or key == uri or not key.startswith(SOURCES):
            return None
        try:
            with raw.open(key) as stream:
                data = stream.read(max_bytes + 1)
        except MissingObject:
            return None
        return None if len(data) > max_bytes else data.decode("utf-8-sig", "surrogateescape")

    return fetch


def _as_object(source: str) -> dict[str, object] | None:
    if not source.lstrip().startswith("{"):
        return None
    try:
        value = json.loads(source)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None

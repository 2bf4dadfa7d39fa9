"""What is said of a file that gives no case."""

from collections import Counter

from plumbline.contracts.errors import InvalidCaseFile
from plumbline.ingest.formats import EXPECTED
from plumbline.ingest.profiles import HOW_TO_MAP
from plumbline.ingest.rows import Reason

_LONGEST_PATH = 80


def no_column(field: str, path: str, found: str) -> InvalidCaseFile:
    """The mapping's `field` lies at a `path` that the file does not have; `found` says what it has (`name_list`)."""
    return InvalidCaseFile(
        f"mapping file: {field}: the file has no column {path[:_LONGEST_PATH]!r}; found {found}. "
        "Write the column's name as it stands in the file, capitals and spaces too"
    )


def nothing_usable(
    records: int, reasons: Counter[Reason], found: str, unfound: tuple[str, str] | None, rejects_key: str
) -> InvalidCaseFile:
    """None of the file's records became a case; `unfound` is the mapping's field and path that its rows lack."""
    if not records:
        return InvalidCaseFile(f"the file holds no cases (a header or an empty list at most); {EXPECTED}")
    mapping_helps = reasons.keys() & {Reason.MISSING_ID, Reason.NO_TEXT}
    if unfound and mapping_helps:
        return no_column(*unfound, found)
    counts = ", ".join(f"{count:,} {reason.value}" for reason, count in reasons.most_common())
    advice = HOW_TO_MAP if mapping_helps else EXPECTED
    if Reason.BAD_ENCODING in reasons:
        advice = "save the file as UTF-8 and upload it again"
    return InvalidCaseFile(
        f"none of its {records:,} rows is a usable case ({counts}; found {found}); "
        f"{advice}. Each row's reason stands in {rejects_key}"
    )

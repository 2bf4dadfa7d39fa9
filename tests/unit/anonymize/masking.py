"""A case's texts with their placeholders, from spans that a test wrote down."""

from collections.abc import Sequence

from plumbline.anonymize.placeholders import Found, entities, replaced, replacements
from plumbline.contracts.cases import Role


def mask(
    texts: Sequence[str], found: Sequence[Found], roles: Sequence[Role | None] | None = None
) -> tuple[list[str], dict[str, int]]:
    """The new texts and, by type, how many different values were masked."""
    rows = replacements(texts, found, roles)
    return [replaced(text, row) for text, row in zip(texts, rows, strict=True)], entities(rows)

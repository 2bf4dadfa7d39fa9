"""Pseudonyms that are the same in every case: placeholders made from the value under a secret key.

HMAC-SHA256 (RFC 2104) of the type and the value, cut to 40 bits and written in base 32: eight letters and digits. Who
has the key can tell whether a value he knows is the one behind a pseudonym; nobody can read the value from it. Nothing
is stored.
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field

from plumbline.anonymize.case_names import name_words
from plumbline.anonymize.placeholders import Replacement
from plumbline.anonymize.reading import Reading
from plumbline.anonymize.repeats import NUMBERS
from plumbline.contracts.errors import InvalidSettings

SHORTEST_KEY = 32  # bytes; RFC 2104 advises against keys shorter than the hash
_SIGNS = 8


@dataclass(frozen=True)
class Pseudonyms:
    """Gives the values of every case the placeholders that follow from them. Raises InvalidSettings for a short key."""

    key: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.key) < SHORTEST_KEY:
            raise InvalidSettings(
                f"the key for pseudonyms has {len(self.key)} bytes, and at least {SHORTEST_KEY} are needed; "
                "PseudonymKeyArn names its secret"
            )

    def renamed(self, texts: Sequence[str], rows: Sequence[Sequence[Replacement]]) -> list[list[Replacement]]:
        """The same replacements of one case, with a pseudonym in the place of each number.

        The forms of one person's name share the pseudonym of the fullest one (the most words, then the first).
        """
        values: dict[str, str] = {}
        for text, row in zip(texts, rows, strict=True):
            for found in row:
                value = _normal(found.type, text[found.start : found.end])
                held = values.setdefault(found.placeholder, value)
                if len(value.split()) > len(held.split()):
                    values[found.placeholder] = value
        return [
            [r._replace(placeholder=f"[{r.type}_{self._sign(r.type, values[r.placeholder])}]") for r in row]
            for row in rows
        ]

    def _sign(self, entity: str, value: str) -> str:
        """Eight letters and digits, the first a letter: never a number, and never what `placeholders` counts."""
        digest = hmac.digest(self.key, f"{entity}\x1f{value}".encode("utf-8", "surrogatepass"), hashlib.sha256)
        return base64.b32encode(digest).decode("ascii").lower().lstrip("234567")[:_SIGNS]


def _normal(entity: str, value: str) -> str:
    """What makes two values the same: not case, grouping or look-alikes; of a name neither title nor order."""
    read = Reading(value).text
    folded = read.casefold()
    if entity == "NAME":
        last, comma, first = read.partition(",")
        return " ".join(name_words(f"{first} {last}" if comma else read)) or folded
    if entity == "ADDRESS":
        return " ".join(folded.split())
    return "".join(c for c in folded if c.isalnum() or (entity not in NUMBERS and c in "@._/:+"))

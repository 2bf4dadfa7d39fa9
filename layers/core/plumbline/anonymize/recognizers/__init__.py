"""Recognisers that are one regular expression each, with a check where the value has one; and postal addresses.

Nothing here needs more than the standard library. A module a kind of thing: a new recogniser goes into its module's
`RECOGNIZERS`, its type into `spans.ENTITY_TYPES`.
"""

import re
from collections.abc import Iterator

from plumbline.anonymize import allow
from plumbline.anonymize.addresses import find_addresses
from plumbline.anonymize.recognizers import (
    accounts,
    aws,
    contact,
    handles,
    hosts,
    identity,
    network,
    passwords,
    payment,
    references,
    secrets,
    tokens,
    urls,
)
from plumbline.anonymize.recognizers.base import Recognizer
from plumbline.anonymize.spans import Span

RECOGNIZERS: tuple[Recognizer, ...] = tuple(
    recognizer
    for module in (
        *(
            contact,
            handles,
            network,
            hosts,
            payment,
            identity,
            aws,
            tokens,
            urls,
            secrets,
            passwords,
            accounts,
            references,
        ),
    )
    for recognizer in module.RECOGNIZERS
)


_PROBE = 3  # a hint of more characters is looked for only where so many first ones of it are in the text
_DIGIT = re.compile(r"\d")


def find_patterns(text: str) -> Iterator[Span]:
    """Every recogniser's spans, and addresses; they may overlap and stand in any order."""
    hints = _hints_of(text)
    for recognizer, wanted in _WANTED:
        if not wanted or not hints.isdisjoint(wanted):
            yield from allow.keep_personal(text, recognizer.find(text))
    yield from find_addresses(text)


def _hints_of(text: str) -> set[str]:
    """The hints that the text holds. There are hundreds of them: the first characters rule most of them out."""
    folded = _DIGIT.sub("0", text.lower())
    begun = {folded[start : start + _PROBE] for start in range(len(folded))}
    return {hint for hint in _HINTS if (len(hint) < _PROBE or hint[:_PROBE] in begun) and hint in folded}


_WANTED = tuple((r, frozenset(_DIGIT.sub("0", hint) for hint in r.hints)) for r in RECOGNIZERS)
_HINTS = frozenset(hint for _, wanted in _WANTED for hint in wanted)

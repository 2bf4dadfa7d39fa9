"""Recognisers that are one regular expression each, with a check where the value has one; and postal addresses.

Nothing here needs more than the standard library. A module a kind of thing: a new recogniser goes into its module's
`RECOGNIZERS`, its type into `spans.ENTITY_TYPES`.
"""

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


def find_patterns(text: str) -> Iterator[Span]:
    """Every recogniser's spans, and addresses; they may overlap and stand in any order."""
    lower = text.lower()
    for recognizer in RECOGNIZERS:
        if not recognizer.hints or any(hint in lower for hint in recognizer.hints):
            yield from allow.keep_personal(text, recognizer.find(text))
    yield from find_addresses(text)

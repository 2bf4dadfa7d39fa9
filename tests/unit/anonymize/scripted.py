"""A detector that finds the words it is told."""

import re
from collections.abc import Iterator

from plumbline.anonymize.spans import Span


class Words:
    """Finds each word wherever it stands, with its type."""

    def __init__(self, **types: str) -> None:
        self._types = types

    def find(self, texts: list[str]) -> Iterator[list[tuple[int, int, str]]]:
        for text in texts:
            yield sorted(
                Span(*match.span(), kind)
                for word, kind in self._types.items()
                for match in re.finditer(re.escape(word), text)
            )

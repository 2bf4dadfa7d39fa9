"""Regular expressions that are compiled when they are first needed.

Python compiles at import what stands in a module as `re.compile`, and the expressions here would take two tenths of a
second of every cold start. Most texts need less than half of them (see `Recognizer.hints`).
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property


class Expression:
    """In the place of a `re.Pattern`: the same methods, compiled at the first use of one. May be shared by threads."""

    def __init__(self, pattern: str, flags: int = 0) -> None:
        self.pattern = pattern
        self._flags = flags

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self.pattern, self._flags)

    # The pattern's own methods, so that a call costs no more than there.

    @cached_property
    def finditer(self) -> Callable[..., Iterator[re.Match[str]]]:
        """As of `re.Pattern`."""
        return self._compiled.finditer

    @cached_property
    def search(self) -> Callable[..., re.Match[str] | None]:
        """As of `re.Pattern`."""
        return self._compiled.search

    @cached_property
    def match(self) -> Callable[..., re.Match[str] | None]:
        """As of `re.Pattern`."""
        return self._compiled.match

    @cached_property
    def fullmatch(self) -> Callable[..., re.Match[str] | None]:
        """As of `re.Pattern`."""
        return self._compiled.fullmatch

    @property
    def groupindex(self) -> Mapping[str, int]:
        """As of `re.Pattern`."""
        return self._compiled.groupindex

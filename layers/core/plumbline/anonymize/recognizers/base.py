"""What a recogniser is, and the pieces that several expressions share."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from plumbline.anonymize.expressions import Expression
from plumbline.anonymize.spans import Span

ANY_CASE = re.IGNORECASE
START = r"(?<![A-Za-z0-9_])"
END = r"(?![A-Za-z0-9_])"
# What joins a key and its value in JSON, environment files, code and prose.
IS = r"""["'\]]?[ \t]{0,3}(?:[:=]{1,2}>?|\b(?:is|was)\b)[ \t]{0,3}"""
QUOTE = r"""["'`]?"""


@dataclass(frozen=True)
class Recognizer:
    """Finds one type of entity by one regular expression.

    Its value is the expression's group `value`, else the whole match; a match in which `value` took no part only steps
    over text that must not be searched. `hints`: the text must hold one of them (in lower case; a digit stands for
    any), else it is not searched. `around` judges the value by its place: it is given the whole text and where in it
    the value starts and ends.
    """

    type: str
    pattern: Expression | re.Pattern[str]
    check: Callable[[str], bool] | None = None
    hints: tuple[str, ...] = ()
    around: Callable[[str, int, int], bool] | None = None

    def find(self, text: str) -> Iterator[Span]:
        """The spans of this recogniser's values in the text."""
        group: str | int = "value" if "value" in self.pattern.groupindex else 0
        for match in self.pattern.finditer(text):
            value = match[group]
            if not value or (self.check and not self.check(value)):
                continue
            if self.around is None or self.around(text, *match.span(group)):
                yield Span(*match.span(group), self.type)

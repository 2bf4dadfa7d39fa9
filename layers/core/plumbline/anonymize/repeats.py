"""Where one case's values stand again, in time that grows with the text, however many values there are."""

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator

from plumbline.anonymize.name_words import word_set
from plumbline.anonymize.spans import Span

# Separators do not tell two of these apart.
NUMBERS = word_set("CARD IBAN BANK_ACCOUNT PHONE SSN NATIONAL_ID PASSPORT LICENCE PLATE AWS_ACCOUNT REFERENCE")
_LONG = 8  # a value of this length is masked inside longer tokens, too
_PLAIN_SHORT_WORD = re.compile(r"[A-Za-z]{1,5}|\W*|\d{1,4}")
_SPACE = re.compile(r"\s+")
_BLOCK = re.compile(r"[^\W_]+")
_BETWEEN = re.compile(r"[\s()./+-]{0,4}")  # between two groups of a number
_PROBE = 4  # values are looked up by so many first characters

_Bucket = dict[int, dict[str, str]]  # by length: value, type


class Repeats:
    """Finds values again, in whatever letter case, spacing or (numbers) grouping.

    A short value is found as a whole word only. "test" as a password or "1234" as a PIN is not looked for: elsewhere
    it is a word or a count.
    """

    def __init__(self, values: Iterable[tuple[str, str]]) -> None:
        """`values` are (type, value), none of them a name."""
        self._numbers: dict[str, str] = {}
        self._buckets: dict[str, _Bucket] = defaultdict(lambda: defaultdict(dict))
        for kind, value in values:
            folded = " ".join(_lower(value).split())
            if _PLAIN_SHORT_WORD.fullmatch(value):
                continue
            if kind in NUMBERS:
                self._numbers["".join(_BLOCK.findall(folded))] = kind
            else:
                self._buckets[folded[:_PROBE]][len(folded)][folded] = kind
        self._begun = {number[:end] for number in self._numbers for end in range(1, len(number))}
        self._probes = {len(probe) for probe in self._buckets}

    def find(self, text: str) -> Iterator[Span]:
        """Where the values stand in a text; what is found may overlap."""
        if self._numbers:
            yield from self._grouped(text)
        if self._buckets:
            yield from self._spelled(text)

    def _grouped(self, text: str) -> Iterator[Span]:
        """Numbers, in any grouping."""
        for first in _BLOCK.finditer(text):
            said, block = _lower(first[0]), first
            while said in self._begun:
                gap = _BETWEEN.match(text, block.end())
                following = _BLOCK.match(text, gap.end()) if gap else None
                if not following:
                    break
                said, block = said + _lower(following[0]), following
            if said in self._numbers:
                plus = text[first.start() - 1 : first.start()] == "+"
                yield Span(first.start() - plus, block.end(), self._numbers[said])

    def _spelled(self, text: str) -> Iterator[Span]:
        """Other values, in any letter case and spacing."""
        folded = _Folded(text)
        for size in self._probes:
            for start in range(len(folded.text) - size + 1):
                bucket = self._buckets.get(folded.text[start : start + size])
                for length, values in bucket.items() if bucket else ():
                    kind = values.get(folded.text[start : start + length])
                    if kind and (length >= _LONG or folded.is_word(start, start + length)):
                        yield Span(folded.place(start), folded.place(start + length - 1) + 1, kind)


class _Folded:
    """A text in small letters with single spaces, and where its characters stood."""

    def __init__(self, text: str) -> None:
        low = _lower(text)
        parts: list[str] = []
        end = length = 0
        self._ours, self._theirs = [0], [0]
        for space in _SPACE.finditer(low):
            parts += [low[end : space.start()], " "]
            length += space.start() - end + 1
            end = space.end()
            if end - space.start() > 1:
                self._ours.append(length)
                self._theirs.append(end)
        self.text = "".join([*parts, low[end:]])

    def place(self, index: int) -> int:
        """Where the character of this index stands in the original."""
        before = bisect_right(self._ours, index) - 1
        return self._theirs[before] + index - self._ours[before]

    def is_word(self, start: int, end: int) -> bool:
        """Whether neither a letter nor a digit touches these characters."""
        return not (self.text[max(0, start - 1) : start].isalnum() or self.text[end : end + 1].isalnum())


def _lower(text: str) -> str:
    """In small letters, every character in its place (one capital's small form has two)."""
    low = text.lower()
    return low if len(low) == len(text) else "".join(c.lower() if len(c.lower()) == 1 else c for c in text)

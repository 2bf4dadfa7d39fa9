"""The persons of one case: which mentions mean the same one, and where else they are named."""

import re
from collections.abc import Iterator, Sequence

from plumbline.anonymize.name_words import EVERYDAY_WORDS, PARTICLES, means_something_else
from plumbline.anonymize.spans import Span

_PART = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*")
_GREETED = re.compile(
    r"\b(?:hi|hello|hey|dear|hallo|thanks|thank you|cheers|regards|sincerely|best|name is|this is|i am|i'm)[,:!.]?\s+$",
    re.IGNORECASE,
)
_SENTENCE_START = re.compile(r"(?:^|[.!?:\n\r>*-])\s*$")
_SHORT = 3  # shorter parts are treated like everyday words
_UNMISTAKABLE = 4  # from here on a part counts in another letter case, too


class CaseNames:
    """Groups the names found in a case into persons, and finds those names wherever the case says them again.

    A name whose words all belong to a longer one means the same person ("Abbie", "Lewis", "Abbie Lewis"); where two
    persons share it, the one named first.
    """

    def __init__(self, mentions: Sequence[str]) -> None:
        self._persons: list[tuple[int, frozenset[str]]] = []  # (first mention, words), longest names first
        mentions = [mention for mention in mentions if _words(mention)]
        words_of = [frozenset(_words(mention)) for mention in mentions]
        for index in sorted(range(len(mentions)), key=lambda i: (-len(words_of[i]), i)):
            owner = next((p for p in self._persons if words_of[index] <= p[1]), None)
            if owner is None:
                self._persons.append((index, words_of[index]))
            elif index < owner[0]:
                self._persons[self._persons.index(owner)] = (index, owner[1])
        self._written = {part for mention in mentions for part in _PART.findall(mention)}
        self._of_full_names = {word for mention in mentions if len(words := _words(mention)) > 1 for word in words}
        self._pattern = self._compile(mentions)

    def person(self, value: str) -> str:
        """A key that is the same for every mention of a person."""
        words = frozenset(_words(value))
        if not words:
            return value.casefold()
        # The first mention is unique to a person, so the words are never compared.
        _, owner = min((person for person in self._persons if words <= person[1]), default=(0, words))
        return " ".join(sorted(owner))

    def find(self, text: str) -> Iterator[Span]:
        """Where the case's names and their parts stand in a text."""
        if self._pattern is None:
            return
        for match in self._pattern.finditer(text):
            if len(_words(match[0])) > 1 or self._is_meant(text, match):
                yield Span(*match.span(), "NAME")

    def _compile(self, mentions: Sequence[str]) -> re.Pattern[str] | None:
        forms = {r"[\s,]+".join(map(re.escape, mention.split())) for mention in mentions}
        forms |= {re.escape(part) for part in self._written if _may_stand_alone(part)}
        if not forms:
            return None
        return re.compile(
            rf"(?<![^\W_])(?:{'|'.join(sorted(forms, key=lambda form: (-len(form), form)))})(?![^\W_])", re.IGNORECASE
        )

    def _is_meant(self, text: str, match: re.Match[str]) -> bool:
        """Whether a single word that is (a part of) a name means the person here, and not the everyday word."""
        value, before = match[0], text[max(0, match.start() - 24) : match.start()]
        if _GREETED.search(before):
            return True
        everyday = value.casefold() in EVERYDAY_WORDS or len(value) < _SHORT
        if value in self._written:
            return not everyday or not _SENTENCE_START.search(before)
        if everyday:
            return False
        if len(value) >= _UNMISTAKABLE and (value.isupper() or value.casefold() in self._of_full_names):
            return True
        return value.istitle()


def _words(name: str) -> list[str]:
    return [part.casefold() for part in _PART.findall(name)]


def _may_stand_alone(part: str) -> bool:
    word = part.casefold()
    return len(word) > 1 and word not in PARTICLES and (word in EVERYDAY_WORDS or not means_something_else(word))

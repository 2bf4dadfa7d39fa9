"""Which words name somebody in one case, and where else the case says them."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

from plumbline.anonymize.introductions import Introductions, introductions, is_introduced
from plumbline.anonymize.name_words import COMMON_WORDS, EVERYDAY_WORDS, PARTICLES, TITLES, means_something_else
from plumbline.anonymize.names import with_title
from plumbline.anonymize.spans import Span, line_around

_TOKEN = re.compile(r"[^\W_]+")
_POSSESSIVE = re.compile(r"['\u2019]s\b")
_SENTENCE_START = re.compile(r"(?:^|[.!?:\n\r>*-])\s*$")
_BETWEEN = re.compile(r"[\s,.'\u2019-]{1,4}")
_LOOK_BACK = 24
# A plain word in small letters, no part of a path, address or call; the word before it, where that makes it a thing.
_SMALL_WORD = re.compile(
    r"(?:(?<!\S)(the|an?|this|that|my|your|our|any|no|every|each|some)[ ])?"
    r"(?<![^\s(\"'])([^\W\d_A-Z]{3,})(?![^\s.,;:!?)\"'\u2019])"
)
_SHORT = 3  # shorter parts are treated like everyday words
_UNMISTAKABLE = 4  # from here on a part counts in another letter case, too
_LOCAL_PART = re.compile(r"[^\W\d_]+(?:[._-][^\W\d_]+){1,2}(?=\d{0,4}@)")


def name_words(value: str) -> tuple[str, ...]:
    """The words of a name, without titles and letter case."""
    words = (token.casefold() for token in _TOKEN.findall(_POSSESSIVE.sub("", value)))
    return tuple(word for word in words if word not in TITLES)


class CaseNames:
    """The names found in a case, and where else it names the same people.

    A full name ("Abbie Lewis"), one that a phrase introduces ("Hi Abbie,"), and one that an e-mail address of the case
    spells out (abbie.lewis@…) are sure: their words count in other letter cases, too. A single word that was found
    somewhere else counts only as it was written, and not at all where the case also says it in small letters.
    """

    def __init__(
        self, texts: Sequence[str], found: Sequence[Sequence[Span]], introduced: Introductions = introductions
    ) -> None:
        names = [(i, span) for i, row in enumerate(found) for span in row if span.type == "NAME"]
        self._forms: set[tuple[str, ...]] = set()  # names of several words
        self._written: dict[str, set[str]] = defaultdict(set)  # words that may stand alone, as written
        self._sure: set[str] = set()
        singles: set[str] = set()
        begun = {i: _begun(texts[i], introduced) for i in {i for i, _ in names}}
        for i, span in names:
            value = texts[i][span.start : span.end]
            words = name_words(value)
            self._learn(words, value)
            if len(words) > 1 or span.start in begun[i] or is_introduced(texts[i], span.start):
                self._sure.update(words)
            singles.update(words)
        self._of_addresses(texts, found)
        self._begun = {form[:end] for form in self._forms for end in range(1, len(form))}
        self._things, small = _said_small(texts, found, singles) if singles else (set(), set())
        self._doubtful = (singles & small) - self._sure

    def believes(self, text: str, span: Span) -> bool:
        """False of a found name that the rest of the case shows to be a word."""
        words = name_words(text[span.start : span.end]) if span.type == "NAME" else ()
        return len(words) != 1 or words[0] not in self._doubtful

    def find(self, text: str) -> Iterator[Span]:
        """Where the case's names and their parts stand in a text."""
        if not self._written and not self._forms:
            return
        end = 0
        for match in _TOKEN.finditer(text):
            if match.start() < end:
                continue
            word = match[0].casefold()
            end = self._end_of_form(text, word, match) or (match.end() if self._is_meant(text, word, match) else end)
            if end > match.start():
                yield with_title(text, Span(match.start(), end, "NAME"))

    def _learn(self, words: tuple[str, ...], value: str) -> None:
        if len(words) > 1:
            self._forms.add(words)
            if "," in value:
                self._forms.add((*words[1:], words[0]))
        for token in _TOKEN.findall(value):
            if _may_stand_alone(token):
                self._written[token.casefold()].add(token)

    def _of_addresses(self, texts: Sequence[str], found: Sequence[Sequence[Span]]) -> None:
        """Names from the first part of e-mail addresses: first.last@… makes "First Last" a name, and "First"."""
        for text, row in zip(texts, found, strict=True):
            for span in row:
                local = _LOCAL_PART.match(text, span.start, span.end) if span.type == "EMAIL" else None
                words = tuple(re.split(r"[._-]", local[0].casefold())) if local else ()
                if words and not any(means_something_else(w) or w in COMMON_WORDS for w in words if len(w) > 1):
                    self._forms.add(words)
                    self._forms.add(words[::-1])
                    for word in words:
                        if len(word) >= _SHORT and _may_stand_alone(word):
                            self._written[word].add(word.title())

    def _end_of_form(self, text: str, word: str, first: re.Match[str]) -> int:
        """Where a name of several words ends that begins here; 0 when none does."""
        best, end = 0, first.end()
        said: tuple[str, ...] = (word,)
        while said in self._begun:
            gap = _BETWEEN.match(text, end)
            token = _TOKEN.match(text, gap.end()) if gap else None
            if not token:
                break
            end, said = token.end(), (*said, token[0].casefold())
            if said in self._forms:
                best = end
        return best

    def _is_meant(self, text: str, word: str, match: re.Match[str]) -> bool:
        """Whether a single word that is (a part of) a name means the person here, and not the everyday word."""
        if word not in self._written or word in self._doubtful:
            return False
        value, start = match[0], match.start()
        as_written = value in self._written[word]
        if word in EVERYDAY_WORDS or len(word) < _SHORT:
            starts = _SENTENCE_START.search(text[max(0, start - _LOOK_BACK) : start])
            return is_introduced(text, start) or (as_written and (not starts or _alone(text, match)))
        if value.islower() or (value.isupper() and not as_written):
            return self._counts_small(text, word, start)
        return as_written or value.istitle()

    def _counts_small(self, text: str, word: str, start: int) -> bool:
        """Whether a word means the person in any letter case."""
        if word in COMMON_WORDS:
            return False
        sure = word in self._sure and word not in self._things and len(word) >= _UNMISTAKABLE
        return sure or is_introduced(text, start)


def _alone(text: str, match: re.Match[str]) -> bool:
    """Whether the word has a line to itself, as in a signature, quoted or not."""
    start, end = line_around(text, *match.span())
    return text[start:end].strip(" \t\r>-,.") == match[0]


def _begun(text: str, introduced: Introductions) -> set[int]:
    """Where names begin that the text's phrases introduce, with and without their titles."""
    starts: set[int] = set()
    for found in introduced(text):
        starts.add(found.start)
        starts.update(match.start() + found.start for match in _TOKEN.finditer(text[found.start : found.end]))
    return starts


def _said_small(texts: Sequence[str], found: Sequence[Sequence[Span]], words: set[str]) -> tuple[set[str], set[str]]:
    """Which of the words the case writes in small letters: as a thing ("the crash"), and at all, where no name is."""
    things, small = set[str](), set[str]()
    for text, row in zip(texts, found, strict=True):
        taken = {span.start for span in row}
        for match in _SMALL_WORD.finditer(text):
            word = match[2].casefold()
            if word not in words or match.start(2) in taken or is_introduced(text, match.start(2)):
                continue
            small.add(word)
            if match[1]:
                things.add(word)
    return things, small


def _may_stand_alone(part: str) -> bool:
    word = part.casefold()
    if len(word) < 2 or word in PARTICLES or word in TITLES or not word.isalpha():  # noqa: PLR2004 - one letter is no name
        return False
    return word in EVERYDAY_WORDS or not means_something_else(word)

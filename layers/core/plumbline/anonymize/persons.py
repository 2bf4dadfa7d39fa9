"""Who is who in one case: which mentions mean the same person, and on which side of the conversation that one is."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from plumbline.anonymize.case_names import name_words
from plumbline.anonymize.introductions import Introductions, Naming, introductions
from plumbline.anonymize.spans import Span
from plumbline.contracts.cases import Role

_OTHER_SIDE: Mapping[Role | None, Role] = {"customer": "agent", "agent": "customer"}
_WORD = re.compile(r"[^\W_]+")
_LOOK_BACK = 200  # characters in which a line with a name begins
_QUOTED = re.compile(r"[ \t]*[>|]")


@dataclass
class _Person:
    words: frozenset[str]
    side: Role | None
    first: int  # the first mention


class Persons:
    """Tells the persons of a case apart.

    A name whose words all belong to a longer one means the same person ("Abbie", "Lewis", "J. Lewis", "Abbie Lewis");
    where several could be meant, the one named first. Unless the case says otherwise: a greeting ("Hi Abbie") names the
    other side, a signature and "this is Abbie" the writer. So an agent and a customer who share a first name are two.
    """

    def __init__(
        self,
        texts: Sequence[str],
        found: Sequence[Sequence[Span]],
        roles: Sequence[Role | None] | None,
        introduced: Introductions = introductions,
    ) -> None:
        self._by_word: dict[str, list[_Person]] = defaultdict(list)
        mentions: dict[tuple[frozenset[str], Role | None], int] = {}
        self._mention: dict[tuple[int, int], tuple[frozenset[str], Role | None]] = {}
        for i, row in enumerate(found):
            namings = (
                _namings(texts[i], introduced) if roles and roles[i] and any(s.type == "NAME" for s in row) else {}
            )
            for span in row:
                if span.type == "NAME":
                    side = _side(texts[i], namings, span, roles[i] if roles else None)
                    mention = (_words(texts[i][span.start : span.end]), side)
                    mentions.setdefault(mention, len(mentions))
                    self._mention[i, span.start] = mention
        self._persons = dict(self._assign(mentions))

    def key(self, text: int, start: int) -> str:
        """The same for every mention of a person: of the name that begins here, in the text of this index."""
        return str(self._persons[self._mention[text, start]].first)

    def _assign(
        self, mentions: Mapping[tuple[frozenset[str], Role | None], int]
    ) -> Iterator[tuple[tuple[frozenset[str], Role | None], _Person]]:
        # Full names first, the longest before its parts; of single words those whose side is known before the others.
        for mention, index in sorted(
            mentions.items(), key=lambda item: (-len(item[0][0]), len(item[0][0]) == 1 and item[0][1] is None, item[1])
        ):
            words, side = mention
            fitting = self._fitting(words)
            if len(words) == 1 and side:
                fitting = [p for p in fitting if p.side == side] or [p for p in fitting if p.side is None]
            person = min(fitting, key=lambda p: p.first, default=None)
            if person is None:
                person = _Person(words, side, index)
                for word in words:
                    self._by_word[word].append(person)
            person.side = person.side or side
            person.first = min(person.first, index)
            yield mention, person

    def _fitting(self, words: frozenset[str]) -> list[_Person]:
        """The persons so far that have all of these words; an initial stands for any word that it begins."""
        whole = [word for word in words if len(word) > 1] or list(words)
        rarest = min(whole, key=lambda word: len(self._by_word.get(word, ())))
        return [person for person in self._by_word.get(rarest, ()) if _fits(words, person.words)]


def _fits(words: frozenset[str], name: frozenset[str]) -> bool:
    return all(word in name or (len(word) == 1 and any(full.startswith(word) for full in name)) for word in words)


def _words(value: str) -> frozenset[str]:
    return frozenset(name_words(value) or (value.casefold(),))


def _namings(text: str, introduced: Introductions) -> dict[int, Naming]:
    """Whose the introduced names are, by where each of their words begins.

    Of several phrases about one the first counts, and quotations say nothing.
    """
    known: dict[int, Naming] = {}
    for found in introduced(text):
        line = text.rfind("\n", max(0, found.start - _LOOK_BACK), found.start) + 1
        if found.naming != "mention" and not _QUOTED.match(text, line):
            for word in _WORD.finditer(text, found.start, found.end):
                known.setdefault(word.start(), found.naming)
    return known


def _side(text: str, namings: Mapping[int, Naming], span: Span, role: Role | None) -> Role | None:
    for word in _WORD.finditer(text, span.start, span.end) if namings else ():
        if naming := namings.get(word.start()):
            return role if naming == "self" else _OTHER_SIDE.get(role)
    return None

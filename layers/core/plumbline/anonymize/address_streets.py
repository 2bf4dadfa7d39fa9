"""Streets by their words: how much of the words beside a number is a street, and how sure that is."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from plumbline.anonymize import address_parts as parts
from plumbline.anonymize import address_words as words

LEFT_CHARS = 80  # how far to the left of a number or a postcode anything is looked for
# A word, without the bracket or the quotation mark before it.
WORD = re.compile(r"[^\s(\[\"\u201c\u201e][^\s]{0,39}")
_WORDISH = re.compile(r"[^\W\d_]")
_NAME_WORDS = 5
_LOWER_WORDS = 3
_SURE, _MAYBE, _WEAK = 2, 1, 0
_STREET_WORDS = words.STREETS | words.MAYBE_STREETS
_NO_NAMES = words.NO_NAMES | words.UNIT_WORDS
# Too short to tell a street in small letters.
_SHORT_WORDS = frozenset({"st", "ave", "av"})


class Street(NamedTuple):
    """Characters start…end (exclusive) may be a street with its number; `typed`: all in small letters."""

    start: int
    end: int
    points: int
    typed: bool


def streets(text: str, number: re.Match[str]) -> list[Street]:
    """What may be a street with this number, the surest first."""
    return sorted([*_behind(text, number), *_before(text, number)], key=lambda street: -street.points)


def name_length(run: list[str], lower_too: bool) -> int:
    """How many words from the first on can be a name: capitals, numerals, and small words between them."""
    length = 0
    for place, word in enumerate(run[:_NAME_WORDS], start=1):
        low = plain(word)
        elided = low.startswith(("d'", "l'"))
        if elided or (low in words.INSIDE and word[0].islower()):
            length = place if lower_too and elided else length
        elif low in _NO_NAMES or low.isdigit() or (word[0].islower() and not (lower_too and place <= _LOWER_WORDS)):
            break
        else:
            length = place
        if word.endswith((",", ";", ":")):
            break
    return length


def plain(word: str) -> str:
    """The word as it stands in the lists."""
    return word.strip(".,'\u2019").lower()


def _behind(text: str, number: re.Match[str]) -> Iterator[Street]:
    """12 Main Street, 12 rue de la Paix, 25 Kungsgatan: the street behind its number."""
    run = parts.RIGHT.match(text, number.end())
    if run is None:
        return
    row = list(WORD.finditer(text, run.start(1), run.end(1)))
    length, points = _street_behind([word[0] for word in row])
    if not length:
        return
    end = row[length - 1].end()
    if text[end - 1] in ",'":
        end -= 1
    twice = parts.BEHIND.match(text, end) if points < _SURE else None  # 6750 Koskikatu 25
    typed = not any(word[0][0].isupper() for word in row[:length])
    yield Street(number.start(), twice.end() if twice else end, points, typed)


def _street_behind(run: list[str]) -> tuple[int, int]:
    """How many words of the run are the street, and its points; (0, 0) when none."""
    first = plain(run[0])
    if first in words.STREETS_FIRST or first in words.MAYBE_STREETS_FIRST:
        length = name_length(run[1:], lower_too=first in words.STREETS_FIRST)
        if length:
            return length + 1, _SURE if first in words.STREETS_FIRST or first in words.NUMBERED_FIRST else _MAYBE
    if first in words.NO_NAMES:
        return _new_street(run) if first in words.NEW_STREETS else (0, _WEAK)
    if first.endswith(words.SURE_ENDINGS) or (run[0][0].isupper() and first.endswith(words.ENDINGS)):
        return 1, _MAYBE
    return _capital_street(run) or _small_street(run) or (name_length(run, lower_too=False), _WEAK)


def _capital_street(run: list[str]) -> tuple[int, int] | None:
    """Main Street: capitals up to a word that says what it is."""
    low = [plain(word) for word in run]
    for length in range(min(name_length(run, lower_too=False), _NAME_WORDS + 1), 1, -1):
        if low[length - 1] in words.STREETS:
            return length, _SURE
        if low[length - 1] in words.MAYBE_STREETS and len(low[length - 2]) > 1:
            return length, _MAYBE
    return None


def _new_street(run: list[str]) -> tuple[int, int]:
    """New Road, First Avenue: a word that begins no other name, and right behind it the word for a street."""
    if len(run) > 1 and run[0].istitle() and run[1].istitle() and plain(run[1]) in words.STREETS:
        return 2, _SURE
    return 0, _WEAK


def _small_street(run: list[str]) -> tuple[int, int] | None:
    """main street: small letters, and therefore sure words only."""
    low = [plain(word) for word in run]
    for length in range(2, min(len(run), _NAME_WORDS) + 1):
        name, kind = low[length - 2], low[length - 1]
        if name in words.NO_NAMES:
            return None
        if kind in _STREET_WORDS and name not in _STREET_WORDS:  # 2 way street, 3 lane road
            return length, _SURE if kind in words.STREETS and kind not in _SHORT_WORDS else _WEAK
    return None


def _before(text: str, number: re.Match[str]) -> Iterator[Street]:
    """Hauptstraße 5, Via Roma, 10, Váci utca 12: the street before its number."""
    floor = max(0, number.start() - LEFT_CHARS)
    floor = max(floor, text.rfind("\n", floor, number.start()) + 1)
    row = list(WORD.finditer(text, floor, number.start()))[-_NAME_WORDS - 2 :]
    if row and plain(row[-1][0]).rstrip(":") in words.NUMBER_SIGNS:
        row.pop()
    if not row or not _WORDISH.match(row[-1][0]) or row[-1][0].endswith((")", ":", ";")):
        return
    run = [word[0] for word in row]
    first, points = _street_before(run)
    if first is None:
        return
    typed = not any(word[0].isupper() for word in run[first:])
    dotted = parts.DOTTED.match(text, number.end())
    yield Street(row[first].start(), dotted.end() if dotted else number.end(), points, typed)


def _street_before(run: list[str]) -> tuple[int | None, int]:
    """Where in the run the street begins, and its points; (None, 0) when there is none."""
    low = [plain(word) for word in run]
    # A comma ends the words before it.
    begin = max((place + 1 for place, word in enumerate(run[:-1]) if word.endswith((",", ";", ":", ")"))), default=0)
    for place in range(len(run) - 2, begin - 1, -1):
        if low[place] in words.STREETS_FIRST:
            return place, _SURE
        if low[place] in words.MAYBE_STREETS_FIRST and run[place][0].isupper() and low[place + 1] not in words.NO_NAMES:
            return place, _SURE if run[place].endswith(".") and low[place] in words.SHORT_FIRST else _MAYBE
        if low[place] in words.NO_NAMES:
            begin = place + 1
            break
    if begin >= len(run) or low[-1] in words.NO_NAMES:
        return None, _WEAK
    first = max(begin, len(run) - 1 - name_length(run[begin:-1][::-1], lower_too=False))
    points = _last_word(run[-1], named=first < len(run) - 1)
    return (first, points) if points is not None else (None, _WEAK)


def _last_word(word: str, named: bool) -> int | None:
    """The points of a street that ends with this word, before its number; None when no street does."""
    low = plain(word)
    ending = low + ("." if word.endswith(".") else "")
    if low.endswith(words.SURE_ENDINGS) and low not in words.SURE_ENDINGS:
        return _SURE
    if word[0].isupper() and ending.endswith(words.ENDINGS) and low not in words.ENDINGS:
        return _SURE
    if named and low in words.STREETS_LAST:
        return _MAYBE if low in _STREET_WORDS else _SURE
    if word[0].isupper():
        return _MAYBE if ending.endswith((*words.ENDINGS, *words.MAYBE_ENDINGS)) else _WEAK
    return None

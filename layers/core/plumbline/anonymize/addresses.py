"""Postal addresses: a street with its number, or a postcode with its town, and what belongs to it on both sides.

Nothing of it is one expression. Numbers and postcodes are the anchors. Around each, the words tell how sure a street
is (2, 1 or 0; see address_streets); then the parts that may follow (unit, town, region, postcode, country; on the same
line or the next ones) are taken in one by one, and each kind gives points. Two points make an address. Everything that
is looked at is bounded, and what was taken in is not looked at again: time grows with the length of the text only.
"""

import re
from collections.abc import Iterator

from plumbline.anonymize import address_parts as parts
from plumbline.anonymize import address_words as words
from plumbline.anonymize.address_streets import LEFT_CHARS, WORD, name_length, plain, streets
from plumbline.anonymize.spans import Span

_ENOUGH = 2
_PARTS = 9
_SEGMENTS = 4
_HEAD_CHARS = 40
_BEFORE_STREETS = words.UNIT_WORDS | words.NUMBER_SIGNS
_WORD_CHARS = 16
_SEGMENT = re.compile(r"[^,;|\r\n]{1,80}")


def find_addresses(text: str) -> Iterator[Span]:
    """Postal addresses, each to its end: street and number, unit, town, region, postcode and country."""
    done = 0
    for match in parts.NUMBER.finditer(text):
        if match.start() < done:
            continue
        for street in streets(text, match):
            last, more = _tail(text, street.end, street.typed)
            points = street.points + more
            head = _head(text, street.start)
            if points >= _ENOUGH or points + _introduced(text, head) >= _ENOUGH:
                yield Span(head, last, "ADDRESS")
                done = last
                break
    yield from _boxes(text)
    yield from _postcodes(text)


def _boxes(text: str) -> Iterator[Span]:
    """Addresses without a street's number: boxes, forces' post offices, corners, and scripts without spaces."""
    for match in parts.BOX.finditer(text):
        yield Span(match.start(), _tail(text, match.end(), typed=match[0].islower())[0], "ADDRESS")
    for match in parts.FORCES.finditer(text):
        yield Span(_line_before(text, match.start()), match.end(), "ADDRESS")
    for pattern in (parts.CORNER, parts.SCRIPTS):
        for match in pattern.finditer(text):
            yield Span(*match.span(), "ADDRESS")


def _postcodes(text: str) -> Iterator[Span]:
    """Postcodes with the town before them, or behind the word that says so."""
    for match in parts.US_END.finditer(text):
        start = _segments_before(text, match.start(), 1)
        if start < match.start() and words.ZIP_DIGITS[match["state"]] == int(match["zip"][0]):
            yield Span(start, _tail(text, match.end(), typed=False)[0], "ADDRESS")
    for match in parts.POSTED.finditer(text):
        if match["area"] is not None and match["area"] not in words.POSTCODE_AREAS:
            continue
        start = _segments_before(text, match.start(), _SEGMENTS)
        if start < match.start() or _introduced(text, start):
            yield Span(start, _tail(text, match.end(), typed=False)[0], "ADDRESS")
    for match in parts.NAMED_CODE.finditer(text):
        yield Span(*match.span("value"), "ADDRESS")


def _tail(text: str, end: int, typed: bool) -> tuple[int, int]:
    """Where the address ends that goes on here, and the points of what it goes on with."""
    points, waiting = {"": 0}, end
    for _ in range(_PARTS):
        found = _next_part(text, waiting, parts.TYPED if typed else parts.WRITTEN)
        if found is not None:
            end = waiting = found[0]
            points[found[1].kind] = found[1].points
            continue
        town = None if typed else parts.LONE_TOWN.match(text, waiting)
        if town is None or plain(town["town"].split()[0]) in words.NO_NAMES:
            break
        # A town alone counts when it ends its clause on the same line, or when more of an address follows.
        waiting = town.end()
        if "\n" not in text[town.start() : town.start("town")] and parts.CLAUSE_ENDS.match(text, waiting):
            end = waiting
    return end, sum(points.values())


def _next_part(text: str, start: int, grammar: tuple[parts.Part, ...]) -> tuple[int, parts.Part] | None:
    """The part of an address that stands here, and where it ends."""
    for part in grammar:
        match = part.pattern.match(text, start)
        if match:
            return match.end(), part
    return None


def _head(text: str, start: int) -> int:
    """Where an address begins: with the unit, the box or the postcode and town that stand before the street."""
    word = _last_word(text, start)
    low = plain(word)
    if not (word.endswith((",", "#")) or low in _BEFORE_STREETS or any(map(str.isdigit, word))):
        return start
    before = parts.HEAD.search(text, max(0, start - _HEAD_CHARS), start)
    return before.start() if before else start


def _introduced(text: str, start: int) -> int:
    """The points that the words before an address give."""
    word = _last_word(text, start)
    if not word.endswith((":", "=", "-")) and word.lower() not in words.INTRODUCE:
        return 0
    before = parts.INTRODUCED.search(text[max(0, start - LEFT_CHARS) : start])
    if before is None:
        return 0
    return 2 if before["sure"] else 1


def _last_word(text: str, end: int) -> str:
    """The word before this place; cheap, so that the expressions that look back are asked for few places only."""
    row = text[max(0, end - _WORD_CHARS) : end].split()
    return row[-1] if row else ""


def _segments_before(text: str, start: int, most: int) -> int:
    """Where the town, street and house in front of a postcode begin, at most so many parts back."""
    floor = max(0, start - 2 * LEFT_CHARS)
    first, taken = start, 0
    for part in reversed(list(_SEGMENT.finditer(text, floor, start))):
        if text[part.end() : first].strip(" \t,;|>*\r\n-") or taken >= most:
            break
        run = list(WORD.finditer(text, part.start(), part.end()))
        if not run:
            continue
        length = name_length([word[0] for word in reversed(run)], lower_too=False)
        if not length:
            break
        first, taken = run[-length].start(), taken + 1
        if length < len(run):
            break
    return first


def _line_before(text: str, start: int) -> int:
    """Where the ship, unit or box before a forces' post office begins: at most three words, on this line or the "
    "last."""
    before = list(WORD.finditer(text, max(0, start - LEFT_CHARS), start))
    if not before:
        return start
    edge = text.rfind("\n", 0, before[-1].end()) + 1
    return max(edge, before[-3:][0].start())

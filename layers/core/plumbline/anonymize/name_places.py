"""Where a language model is to look for names: around the words that may be one, and not in logs. Pure Python.

The model is nearly all of the time that masking takes, and most of what people write holds no name. What it finds
elsewhere would not be believed (see `names`), so that nothing is lost by not asking.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator

from plumbline.anonymize.introductions import introduced_in_small
from plumbline.anonymize.name_words import COMMON_WORDS, means_something_else

# Texts up to this many characters are looked through whole; of longer ones (logs, stack traces, dumps) only the lines
# that read like prose. No piece is longer, so that time and memory stay bounded.
WHOLE_TEXT_CHARS = 4_000
# A piece begins this far inside the one before it, so that no name is lost at the cut.
_OVERLAP_CHARS = 100
# Blocks of text on either side of a word that may be (a part of) a name: the model's encoder sees four tokens to each
# side of a token, and a name has four words at most.
_AROUND = 8

_PLAIN_WORD = re.compile(r"[^\W\d_]+(?:['\u2019.-][^\W\d_]+)*[.,;:!?)\"'\u2019*]*")
_LINE = re.compile(r"[^\r\n]+")
_BLOCK = re.compile(r"\S+")
# A capitalised word that no technical token has glued to it; in capitals only before another word that begins so.
_CAPITALISED = re.compile(
    r"(?<![\w@#/\\.=$&<`:|+\[{-])(?:(?:Mc|Mac|De|Di|La|Le|Van)?[^\W\d_a-z][^\W\d_A-Z]+(?!\w)"
    r"|[A-Z]{2,}(?=,?[ ][^\W\d_a-z]))(?![/\\=<>`(@#|{\[]|::|\.[a-z_])"
)
# Two or three words in small letters that fill their line, as people type their names in a chat.
_SMALL_LINE = re.compile(r"^[ \t]{0,9}[^\W\d_A-Z]+(?:[ ][^\W\d_A-Z]+){1,2}[ \t\r.,!]{0,9}$", re.MULTILINE)


def pieces(text: str) -> Iterator[tuple[int, str]]:
    """What the language model is to read of a text, as (offset, piece)."""
    for start, end in _readable(text):
        for first, last in _windows(text, start, end):
            for offset in range(first, max(first + 1, last - _OVERLAP_CHARS), WHOLE_TEXT_CHARS - _OVERLAP_CHARS):
                yield offset, text[offset : min(offset + WHOLE_TEXT_CHARS, last)]


def reads_like_prose(line: str) -> bool:
    """Whether more than half of the line's blocks are plain words: of a stack trace's line half may be ("at …")."""
    blocks = line.split()
    return 2 * sum(1 for block in blocks if _PLAIN_WORD.fullmatch(block)) > len(blocks)


def _readable(text: str) -> Iterator[tuple[int, int]]:
    if len(text) <= WHOLE_TEXT_CHARS:
        yield 0, len(text)
        return
    for line in _LINE.finditer(text):
        if reads_like_prose(line[0]):
            yield line.span()


def _windows(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The surroundings of the words that may be names, in order and without overlaps."""
    places = sorted(_may_be_names(text, start, end))
    if not places:
        return
    blocks = [block.start() for block in _BLOCK.finditer(text, start, end)]
    low = high = start
    for place in places:
        block = bisect_right(blocks, place) - 1
        begin = blocks[max(0, block - _AROUND)]
        if begin > high:
            if high > low:
                yield low, high
            low = begin
        elif high == low:
            low = begin
        high = blocks[block + _AROUND + 1] if block + _AROUND + 1 < len(blocks) else end
    yield low, high


def _may_be_names(text: str, start: int, end: int) -> Iterator[int]:
    """Where the words begin of which `names.believable` could believe a find."""
    for word in _CAPITALISED.finditer(text, start, end):
        if word[0][0].isupper() and not (word[0].casefold() in COMMON_WORDS or means_something_else(word[0])):
            yield word.start()
    yield from introduced_in_small(text, start, end)
    for line in _SMALL_LINE.finditer(text, start, end):
        yield line.start() + len(line[0]) - len(line[0].lstrip())

"""Names of persons: which finds of a language model to believe.

Pure Python; the detector brings the language model.
"""

import re
from collections.abc import Iterator

from plumbline.anonymize.introductions import is_introduced
from plumbline.anonymize.name_words import COMMON_WORDS, PARTICLES, TITLES, known_otherwise, word_set
from plumbline.anonymize.spans import Span, line_around, trim

_MAX_WORDS = 4

_LINE = re.compile(r"[^\r\n]+")
_JOINT = re.compile(r"[ ](?:and|or|&)[ ]")
# A word of a name: a capital, then small letters (a further capital only after ' - Mc Mac …); or all of one case.
_NAME_WORD = re.compile(
    r"(?:Mc|Mac|De|Di|La|Le|Van|O['\u2019])?[^\W\d_a-z][^\W\d_A-Z]*(?:['\u2019-][^\W\d_]+)*\.?"
    r"|[^\W\d_A-Z]+|[A-Z]{2,}|(?:[^\W\d_a-z]\.){1,3}"
)
_LAST_FIRST = re.compile(r"[^\W\d_][\w'\u2019-]*,[ ][^\W\d_][\w'\u2019-]*")
_BEFORE_NAMES = TITLES | word_set(
    "hi hello hey dear hallo thanks thank regards best cheers sincerely greetings welcome"
)
_TITLE_BEFORE = re.compile(rf"(?<!\w)(?:{'|'.join(sorted(TITLES))})\.?[ ]\Z", re.IGNORECASE)
_LONGEST_TITLE = 12
_GLUE_BEFORE = frozenset("@#/\\_.=$&<`:|+-[{")
_GLUED_AFTER = re.compile(r"[/\\_=<>`(@#|{\[]|::|\.[a-z_]")


def believable(text: str, span: Span) -> Iterator[Span]:
    """The parts of a model's find, line by line, that may be a person's name, with the title before it.

    One to four words of letters, none known to be something else, and no part of a path, call, mention or markup;
    capitalised, or introduced ("I spoke to jennifer"), or two or three that fill their line, as people type their
    names in a chat.
    """
    for line in _LINE.finditer(text, span.start, span.end):
        start = line.start()
        for joint in (*_JOINT.finditer(text, *line.span()), None):
            part = _without_edges(text, Span(start, joint.start() if joint else line.end(), "NAME"))
            if part and _is_name(text, part):
                yield with_title(text, part)
            start = joint.end() if joint else line.end()


def with_title(text: str, span: Span) -> Span:
    """The span with the title before it, which says what sex or rank somebody has."""
    before = _TITLE_BEFORE.search(text, max(0, span.start - _LONGEST_TITLE), span.start)
    return span._replace(start=before.start()) if before else span


def _without_edges(text: str, span: Span) -> Span | None:
    """Without greetings and titles before the name and without a possessive s behind it."""
    start, end = span.start, span.end
    for word in re.finditer(r"\S+", text[start:end]):
        if word[0].strip(".,").casefold() not in _BEFORE_NAMES:
            start = span.start + word.start()
            break
    else:
        return None
    if text[start:end].endswith(("'s", "\u2019s")):
        end -= 2
    return trim(text, Span(start, end, "NAME"))


def _is_name(text: str, span: Span) -> bool:
    value = text[span.start : span.end]
    parts = (value.replace(",", "") if _LAST_FIRST.fullmatch(value) else value).split()
    if len(value.strip(".")) == 1 or len(parts) > _MAX_WORDS or not all(_NAME_WORD.fullmatch(part) for part in parts):
        return False
    if known_otherwise(parts) or _glued(text, span):
        return False
    if all(part[0].isupper() or part in PARTICLES for part in parts):
        return len(parts) > 1 or _is_single_name(text, span.start, value)
    if not value.islower():
        return False
    if is_introduced(text, span.start):
        return not any(part in COMMON_WORDS for part in parts)
    return 1 < len(parts) < _MAX_WORDS and _fills_its_line(text, span)


def _is_single_name(text: str, start: int, value: str) -> bool:
    """What the text also says in lower case is a word that began a sentence or a column; capitals may be anything."""
    if value.casefold() in COMMON_WORDS:
        return False
    if is_introduced(text, start):
        return True
    return not value.isupper() and not re.search(rf"\b{re.escape(value.lower())}\b", text)


def _glued(text: str, span: Span) -> bool:
    """Whether the find is part of a technical token."""
    return text[max(0, span.start - 1) : span.start] in _GLUE_BEFORE or bool(_GLUED_AFTER.match(text, span.end))


def _fills_its_line(text: str, span: Span) -> bool:
    start, end = line_around(text, span.start, span.end)
    return text[start:end].strip(" \t\r.,!") == text[span.start : span.end]

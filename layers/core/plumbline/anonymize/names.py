"""Names of persons: where to look for them, which finds to believe, and the phrases that introduce one.

Pure Python; the detector brings the language model.
"""

import re
from collections.abc import Iterator

from plumbline.anonymize.name_words import EVERYDAY_WORDS, PARTICLES, means_something_else, word_set
from plumbline.anonymize.spans import Span, line_around, trim

# Texts up to this many characters are searched for names whole; of longer ones (logs, stack traces, dumps) only the
# lines that read like prose, each in pieces of at most so many characters: time and memory stay bounded.
WHOLE_TEXT_CHARS = 4_000
# A piece begins this far inside the one before it, so that no name is lost at the cut.
_OVERLAP_CHARS = 100
_MAX_WORDS = 4
_SIGNATURE_LINES = 4

_PLAIN_WORD = re.compile(r"[^\W\d_]+(?:['\u2019.-][^\W\d_]+)*[.,;:!?)\"'\u2019*]*")
_LINE = re.compile(r"[^\r\n]+")
# A word of a name: a capital, then small letters (a further capital only after ' - Mc Mac …); or all of one case.
_NAME_WORD = re.compile(
    r"(?:Mc|Mac|De|Di|La|Le|Van|O['\u2019])?[^\W\d_a-z][^\W\d_A-Z]*(?:['\u2019-][^\W\d_]+)*\.?"
    r"|[^\W\d_A-Z]+|[A-Z]{2,}"
)
_TITLES = word_set("mr mrs ms miss dr prof sir madam mx herr frau")
_BEFORE_NAMES = _TITLES | word_set(
    "hi hello hey dear hallo thanks thank regards best cheers sincerely greetings welcome"
)
_GLUE_BEFORE = frozenset("@#/\\_.=$&<`:|+-[{")
_GLUED_AFTER = re.compile(r"[/\\_=<>`(@#|{\[]|::|\.[a-z_]")

_CAPITALISED = r"[^\W\d_a-z][^\W\d_]*(?:['\u2019-][^\W\d_]+)*\.?"
_UP_TO_THREE = rf"(?P<value>{_CAPITALISED}(?:[ ]{_CAPITALISED}){{0,2}}?)"
_TWO_OR_THREE = rf"(?P<value>{_CAPITALISED}(?:[ ]{_CAPITALISED}){{1,2}}?)"
_INTRODUCTIONS = (
    # "Hi Abbie," "Hello Ms. Lewis -": at the start of a line, up to a mark that ends a greeting.
    re.compile(
        r"^[ \t>*]*(?:[Hh]i|[Hh]ello|[Hh]ey|[Dd]ear|[Tt]hanks|[Tt]hank you|HI|HELLO)(?: there)?,?[ ]"
        rf"(?:(?:Mr|Mrs|Ms|Dr|Miss)\.?[ ])?{_UP_TO_THREE}[ ]?(?=[,!.:;\r\n-]|$)",
        re.MULTILINE,
    ),
    # "Kind regards,\nAbbie Lewis": the line after the closing.
    re.compile(
        r"^[ \t>*]*(?:(?:[Kk]ind|[Bb]est|[Ww]arm|[Mm]any)[ ])?(?:[Rr]egards|[Tt]hanks|[Cc]heers|[Ss]incerely|[Bb]est"
        r"|[Yy]ours(?:[ ]\w+)?|[Tt]hank you|[Ww]ishes|[Gg]reetings)[,.!]*[ \t]*\r?\n(?:[ \t]*\r?\n)?[ \t>*-]*"
        rf"{_UP_TO_THREE}[ \t,]*$",
        re.MULTILINE,
    ),
    re.compile(rf"\b(?:Mr|Mrs|Ms|Miss|Dr|Prof)\.?[ ](?P<value>{_CAPITALISED}(?:[ ]{_CAPITALISED}){{0,2}})"),
    re.compile(rf"\b(?:[Mm]y (?:full )?name is|[Nn]ame:)[ ]{_UP_TO_THREE}(?=[ ]?(?:[,.!;(\r\n-]|and\b|from\b|$))"),
    re.compile(
        rf"\b(?:[Tt]his is|I am|I'm|[Cc]ontact:|[Hh]ello,)[ ]{_TWO_OR_THREE}"
        r"(?=[ ]?(?:[,.!;(\r\n-]|and\b|from\b|here\b|$))"
    ),
)
_NAME_LINE = re.compile(rf"[ \t>*-]*{_TWO_OR_THREE}[ \t,]*")


def pieces(text: str) -> Iterator[tuple[int, str]]:
    """What the language model is to read of a text, as (offset, piece)."""
    if len(text) <= WHOLE_TEXT_CHARS:
        yield 0, text
        return
    for line in _LINE.finditer(text):
        if reads_like_prose(line[0]):
            for offset in range(line.start(), line.end(), WHOLE_TEXT_CHARS - _OVERLAP_CHARS):
                yield offset, text[offset : min(offset + WHOLE_TEXT_CHARS, line.end())]


def reads_like_prose(line: str) -> bool:
    """Whether at least half of the line's blocks are plain words."""
    blocks = line.split()
    return 2 * sum(1 for block in blocks if _PLAIN_WORD.fullmatch(block)) >= len(blocks) > 0


def believable(text: str, span: Span) -> Iterator[Span]:
    """The parts of a model's find, line by line, that may be a person's name.

    One to four words of letters, none known to be something else, capitalised (or two or three that fill their line,
    as people type their names in a chat), and no part of a path, call, mention or markup.
    """
    for line in _LINE.finditer(text, span.start, span.end):
        part = _without_edges(text, Span(line.start(), line.end(), "NAME"))
        if part and _is_name(text, part):
            yield part


def find_introduced(text: str) -> Iterator[Span]:
    """Names that a greeting, a closing or "my name is" introduces, or that stand alone among a text's last lines."""
    for pattern in _INTRODUCTIONS:
        for match in pattern.finditer(text):
            if len(match["value"].strip(".")) > 1 and not _known_otherwise(match["value"].split()):
                yield Span(*match.span("value"), "NAME")
    lines = list(_LINE.finditer(text))
    for line in lines[1:][-_SIGNATURE_LINES:]:
        alone = _NAME_LINE.fullmatch(line[0])
        if alone and not _known_otherwise(alone["value"].split()):
            yield Span(line.start() + alone.start("value"), line.start() + alone.end("value"), "NAME")


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
    parts = value.split()
    if len(value.strip(".")) == 1 or len(parts) > _MAX_WORDS or not all(_NAME_WORD.fullmatch(part) for part in parts):
        return False
    if _known_otherwise(parts) or _glued(text, span):
        return False
    if len(parts) == 1:
        # What the text also says in lower case is a word that began a sentence or a column.
        return value[0].isupper() and not value.isupper() and not re.search(rf"\b{value.lower()}\b", text)
    if all(part[0].isupper() or part in PARTICLES for part in parts):
        return True
    return len(parts) < _MAX_WORDS and value.islower() and _fills_its_line(text, span)


def _known_otherwise(parts: list[str]) -> bool:
    """Whether a word says that this is no name; as a last name behind another word, an everyday word may be one."""
    *first, last = parts
    if first and last.casefold() in EVERYDAY_WORDS:
        return any(map(means_something_else, first))
    return any(map(means_something_else, parts))


def _glued(text: str, span: Span) -> bool:
    """Whether the find is part of a technical token."""
    return text[max(0, span.start - 1) : span.start] in _GLUE_BEFORE or bool(_GLUED_AFTER.match(text, span.end))


def _fills_its_line(text: str, span: Span) -> bool:
    start, end = line_around(text, span.start, span.end)
    return text[start:end].strip(" \t\r.,!") == text[span.start : span.end]

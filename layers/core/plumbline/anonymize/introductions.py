"""Phrases that introduce a person's name: greetings, closings, "my name is", labels, mail headers, titles.

They find names without a language model, also in small letters; they tell which finds of a model to believe; and they
say who is meant: a greeting names the other side, a signature the writer. Pure Python.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Literal, NamedTuple

from plumbline.anonymize.expressions import Expression
from plumbline.anonymize.name_words import (
    COMMON_WORDS,
    EVERYDAY_WORDS,
    PARTICLES,
    TITLES,
    known_otherwise,
    means_something_else,
)
from plumbline.anonymize.spans import Span

Naming = Literal["greeting", "self", "mention"]
_SIGNATURE_LINES = 4
_LOOK_BACK = 40
_LINE = Expression(r"[^\r\n]+")

_INITIALS = r"(?:[^\W\d_a-z]\.){1,3}"
# Bounded, so that a run of letters and hyphens of any length is read once.
_CAPITALISED = rf"(?:[^\W\d_a-z][^\W\d_]{{0,30}}(?:['\u2019-][^\W\d_]{{1,30}}){{0,3}}\.?|{_INITIALS})"
_SMALL = r"[^\W\d_A-Z]{2,30}(?:['\u2019-][^\W\d_A-Z]{1,30}){0,3}"
_TITLE = r"(?:Mrs?|Ms|Miss|Mx|Dr|Prof|Sir|Madam|Herrn?|Frau|Señora?|Sra?|Monsieur|Madame|Mme|Signora?)\.?[ ]"
_SMALL_TITLE = r"(?:mrs?|ms|miss|mx|dr|prof|herrn?|frau)\.?[ ]"


def _value(word: str, least: int, most: int, title: str = "") -> str:
    """A name of so many words; the fewest that the phrase allows."""
    return rf"(?P<value>{title}{word}(?:[ ]{word}){{{least - 1},{most - 1}}}?)"


_ONE_TO_THREE = _value(_CAPITALISED, 1, 3, rf"(?:{_TITLE})?")
_TWO_OR_THREE = _value(_CAPITALISED, 2, 3, rf"(?:{_TITLE})?")
_SMALL_NAME = _value(_SMALL, 1, 2, rf"(?:{_SMALL_TITLE})?")
_LAST_FIRST = rf"(?P<value>{_CAPITALISED},[ ]{_CAPITALISED})"
_HEAD = r"^[ \t>*]{0,20}"
_HELLO = (
    r"(?:[Hh]i|[Hh]ello|[Hh]ey|[Hh]iya|[Dd]ear|[Hh]allo|[Hh]ola|[Cc]iao|[Ss]alut|[Bb]onjour|[Oo]l[áa]|[Hh]ej|[Mm]oin"
    r"|[Gg]ood (?:morning|afternoon|evening|day)|[Gg]uten (?:[Tt]ag|[Mm]orgen|[Aa]bend)|[Bb]uen(?:os|as) \w{3,6}"
    r"|[Ll]iebe[r]?|[Cc]h[eè]re?|[Cc]aro|[Cc]ara|[Ee]stimad[oa]|[Bb]este|[Gg]eachte|[Ss]ehr geehrte[r]?"
    r"|[Pp]rezad[oa]|HI|HELLO|DEAR|HEY)"
)
_THANKS = (
    r"(?:(?:[Oo][Kk](?:ay)?,?[ ])?(?:[Mm]any[ ])?(?:[Tt]hanks|[Tt]hank you|[Tt]hx|[Cc]heers)(?: (?:so|very) much| again"
    r"| a lot)?|[Mm]erci|[Dd]anke|[Gg]racias|[Gg]razie|[Oo]brigad[oa]|THANKS|THANK YOU)"
)
_CLOSING = (
    r"(?:(?:(?:(?:[Ww]ith )?(?:[Kk]ind|[Bb]est|[Ww]arm|[Mm]any|[Mm]y))[ ])?(?:[Rr]egards|[Tt]hanks|[Tt]hx|[Cc]heers"
    r"|[Ss]incerely|[Bb]est|[Yy]ours(?:[ ]\w+)?|[Tt]hank you|[Ww]ishes|[Gg]reetings|[Rr]espectfully|[Tt]ake care"
    r"|[Rr]gds|BR|KR|REGARDS|THANKS)"
    r"|[Mm]it freundlichen Gr(?:ü|ue)(?:ß|ss)en|(?:[Vv]iele|[Ll]iebe|[Bb]este) Gr(?:ü|ue)(?:ß|ss)e|MfG|[Cc]ordialement"
    r"|[Bb]ien à vous|(?:[Uu]n )?[Ss]aludos?(?: cordiales)?|[Aa]tentamente|[Aa]tenciosamente|[Aa]braços?"
    r"|[Cc]ordiali saluti|[Dd]istinti saluti|[Ss]aluti|[Mm]et vriendelijke groet(?:en)?|[Gg]roet(?:en|jes)?|[Mm]vh"
    r"|[Mm]ed vänliga? hälsning(?:ar)?|[Mm]ed venlig hilsen|[Pp]ozdrawiam)(?: again| in advance)?"
)
# From the closing to the name on the line below it.
_BELOW = r"[,.!]{0,3}[ \t]{0,9}\r?\n(?:[ \t>]{0,9}\r?\n)?[ \t>*~-]{0,20}"
_NAME_LABEL = (
    r"(?:(?:full|first|last|given|family|customer|client|contact|account|display|employee|patient|caller|user|your)"
    r"[ _]?name|name|surname)"
)
_LABEL = (
    rf"(?:{_NAME_LABEL}|contact(?:[ _]person)?|customer|client|caller|owner|author|maintainer|assignee|reporter"
    r"|requester|manager|supervisor|employee|signed-off-by|co-authored-by|reviewed-by|attn|attention|from|to|b?cc|agent"
    r"|patient|(?:requested|reported|submitted|approved|reviewed|created|opened|assigned)[ _](?:by|to))"
)
_IS = r"[\"']?(?:[ ]?[:=]|[ ]-)[ \t]{0,12}[\"']?"  # between a label and its value
_ENDS = r"(?=[ ]?(?:[,!.:;?\r\n\u2013-]|$))"
_I_AM = r"(?:[Tt]his is|I am|I'm|I\u2019m|[Ii]t's)"
_MY_NAME_IS = (
    r"(?:[Mm]y (?:full |first |last )?name(?: is|'s|\u2019s)|MY NAME IS|[Mm]ein Name ist|[Ii]ch hei(?:ß|ss)e"
    r"|[Mm]e llamo|[Mm]i nombre es|[Jj]e m'appelle|[Mm]i chiamo|[Mm]eu nome é)"
)
# A whole name in the middle of a sentence: no full stop but behind an initial, and particles between its words.
_PLAIN_NAME = r"(?:[^\W\d_a-z][^\W\d_]{1,30}(?:['\u2019-][^\W\d_]{1,30}){0,3}|[^\W\d_a-z]\.?(?=[ ]))"
_BETWEEN = rf"[ ](?:(?:{'|'.join(sorted(PARTICLES))})[ ]){{0,2}}"
_FULL_NAME = rf"(?P<value>(?:{_TITLE})?{_PLAIN_NAME}(?:{_BETWEEN}{_PLAIN_NAME}){{1,3}})(?![\w-])"
# What a whole name stands behind in a sentence.
_ABOUT = (
    r"(?:(?:sp(?:oke|oken|eak|eaking)|talk(?:ed|ing)?|chatt?(?:ed|ing)?)[ ](?:to|with)"
    r"|(?:signed|handled|approved|sent|written|ordered|reported|requested|submitted)(?:[ ]for)?[ ]by"
    r"|on behalf of|ask(?:ed)?"
    r"|(?:his|her|their|\w{2,20}['\u2019]s)[ ](?:(?:full|first|last)[ ])?name(?:[ ]is|['\u2019]s)?"
    r"|(?:[Mm]y|[Oo]ur|[Hh]is|[Hh]er|[Tt]heir)[ ](?:wife|husband|son|daughter|kid|child|partner|brother|sister|mother"
    r"|father|mom|mum|dad|boss|manager|colleague|co-?worker|assistant|accountant|tenant|neighbou?r|friend))"
)
_WROTE = r"(?:wrote|schrieb|a écrit|escribió|ha scritto|escreveu)"
_ADDRESS = r"[ ]<(?=[^<>@\s]{1,64}@)"
_CHATS_WITH = r"(?:(?:[Cc]hatting|[Tt]alking|[Ss]peaking|[Cc]onnected)[ ](?:to|with)|[Aa]gent|[Oo]perator|[Aa]dvisor)"
_GOES_ON = r"(?=[ ](?:thanks|thank|thx|sorry|i|my|we|can|could|please|it|the|any)\b)"
_CLAUSE_ENDS = r"(?=[ ]?(?:[,.;!?\r\n]|$)|[ ](?:on|about|and|yesterday|today|last|who|from|in|at|this)\b)"

_PHRASES: tuple[tuple[Naming, str], ...] = (
    ("greeting", rf"{_HEAD}(?:{_HELLO}(?: there)?,?|{_THANKS})[ ]{_ONE_TO_THREE}{_ENDS}"),
    ("self", rf"{_HEAD}{_CLOSING}{_BELOW}{_ONE_TO_THREE}[ \t,.]{{0,9}}$"),
    ("mention", rf"\b(?P<value>{_TITLE}{_CAPITALISED}(?:[ ]{_CAPITALISED}){{0,2}})"),
    ("self", rf"\b{_MY_NAME_IS}[ ]{_ONE_TO_THREE}(?=[ ]?(?:[,.!;(\r\n-]|(?:and|from|und|y|et)\b|$))"),
    ("self", rf"\b(?:{_I_AM}|[Hh]ello,)[ ]{_TWO_OR_THREE}(?=[ ]?(?:[,.!;(\r\n-]|(?:and|from|here|again)\b|$))"),
    ("self", rf"\b{_I_AM}[ ]{_ONE_TO_THREE}(?=[ ](?:from|here|again|with|at)\b)"),
    ("mention", rf"\b(?i:{_LABEL}){_IS}{_TWO_OR_THREE}(?=[ ]?(?:[,.;(<\[\"'\r\n-]|$))"),
    ("mention", rf"\b(?i:{_LABEL}){_IS}{_LAST_FIRST}(?=[ ]?(?:[.;(<\[\"'\r\n]|$))"),
    ("mention", rf"\b(?i:{_NAME_LABEL}){_IS}{_ONE_TO_THREE}(?=[ ]?(?:[,.;(<\"'\r\n-]|$))"),
    ("mention", rf"\b{_ABOUT}[ ]{_FULL_NAME}"),
    ("mention", rf"\b(?:[Aa]dd|[Rr]egister|[Ll]ist|[Aa]uthori[sz]e)[ ]{_FULL_NAME}(?=[ ]as\b)"),
    ("mention", rf"\b(?:full|first|last)[ ]name[ ]is[ ]{_ONE_TO_THREE}{_ENDS}"),
    # "First Last <first@example.com>", and the head of a quoted mail.
    ("mention", rf"(?:\b|(?<=\")){_TWO_OR_THREE}\"?{_ADDRESS}"),
    ("mention", rf"(?:\b|(?<=\")){_LAST_FIRST}\"?{_ADDRESS}"),
    ("mention", rf"\b{_TWO_OR_THREE}[ ]{_WROTE}[ ]?:"),
    ("mention", rf"\b{_CHATS_WITH}[ ]{_ONE_TO_THREE}(?=[ ]?(?:[,.!\r\n]|(?:has|is|from|in|here|joined|left)\b|$))"),
    # Two initials stand before a name only (_ABBREVIATIONS are left out).
    ("mention", r"(?<![\w.])(?P<value>(?:[^\W\d_a-z]\.[ ]?){2}[^\W\d_a-z][^\W\d_A-Z]{2,30})\b"),
)
# The same in small letters, in fewer places.
_SMALL_PHRASES: tuple[tuple[Naming, str], ...] = (
    ("greeting", rf"{_HEAD}(?:{_HELLO},?|{_THANKS})[ ]{_SMALL_NAME}(?=[ ]?(?:[,!.:;?\r\n]|[ ]-|$))"),
    ("greeting", rf"{_HEAD}{_HELLO}[ ]{_value(_SMALL, 1, 1)}{_GOES_ON}"),
    ("self", rf"{_HEAD}{_CLOSING}{_BELOW}{_SMALL_NAME}[ \t,.]{{0,9}}\s{{0,20}}\Z"),
    ("self", rf"\n[ \t]{{0,9}}(?:-{{1,2}}|[\u2013\u2014~])[ ]?{_value(_SMALL, 1, 2)}[ \t.]{{0,9}}\s{{0,20}}\Z"),
    ("self", rf"\b(?i:{_MY_NAME_IS})[ ]{_SMALL_NAME}(?=[ ]?(?:[,.!;(\r\n-]|(?:and|from|i)\b|$))"),
    ("self", rf"\b(?i:{_I_AM})[ ]{_value(_SMALL, 1, 2)}(?<!ing|.ed|.ly)(?=[ ](?:from|here)\b)"),
    ("mention", rf"\b(?i:{_NAME_LABEL}){_IS}{_value(_SMALL, 2, 3)}[ \t]{{0,9}}$"),
    ("mention", rf"\b(?P<value>(?i:mrs?)\.?[ ]{_SMALL})\b"),
    ("mention", rf"\b(?:spoke|spoken|talked|chatted)[ ](?:to|with)[ ]{_value(_SMALL, 2, 2)}{_CLAUSE_ENDS}"),
    # A name in small letters with the rest of a signature below it.
    ("self", rf"{_HEAD}{_CLOSING}{_BELOW}{_value(_SMALL, 2, 2)}(?=[ \t,.]{{0,9}}(?:\r?\n[^\r\n]{{0,60}}){{1,6}}\Z)"),
)
# A phrase with this piece in it is looked for only in a text that holds one of these.
_NEEDED: tuple[tuple[str, tuple[str, ...]], ...] = (
    (_IS, (":", "=", " -")),
    (_WROTE, ("wrote", "schrieb", "crit", "scri", "escreveu")),
    (_ADDRESS, ("@",)),
)


def _expressions(phrases: Iterable[tuple[Naming, str]]) -> tuple[tuple[Naming, Expression, tuple[str, ...]], ...]:
    """The phrases with what a text must hold; () for nothing."""
    return tuple(
        (naming, Expression(phrase, re.MULTILINE), next((needs for piece, needs in _NEEDED if piece in phrase), ()))
        for naming, phrase in phrases
    )


_CAPITALISED_PHRASES, _SMALL_LETTERS = _expressions(_PHRASES), _expressions(_SMALL_PHRASES)
_NAME_LINE = Expression(rf"[ \t>*-]{{0,20}}{_TWO_OR_THREE}[ \t,]{{0,9}}")
_MONTH = Expression(r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\w{0,6}[ ]")
_FULL_STOP = Expression(r"[^\W\d_]{3}\.\Z")
_ABBREVIATIONS = Expression(
    r"(?:U\.S|U\.K|U\.N|E\.U|P\.S|P\.O|N\.B|A\.M|P\.M|D\.C|I\.T|Q\.A|A\.I|N\.Y|L\.A|T\.V|R\.I|V\.P)\.", re.IGNORECASE
)
# Words right before a find of a language model that make it a person, whatever its letter case.
_INTRODUCES = (
    rf"(?:\b(?:{_HELLO}|{_THANKS}|(?i:thank you|regards|sincerely|best|welcome|name(?:'s| is)|this is|i am|i'm"
    r"|(?:spoke|spoken|speak|speaking|talk|talked|talking|chat|chatted|chatting) (?:to|with)|assigned to|contact person"
    r"|ask(?:ed|ing)?(?: for)?|wife|husband|son|daughter|brother|sister|mother|father|boss|colleague|coworker|agent))"
    rf"[,:!.]?\s{{1,3}}|\b(?i:{_LABEL})[\"']?[ ]?[:=][ ]?[\"']?)"
)
_BEFORE = Expression(rf"{_INTRODUCES}$")
_INTRODUCED_SMALL = Expression(rf"{_INTRODUCES}(?P<value>[^\W\d_A-Z]{{2,30}})")


class Introduction(NamedTuple):
    """Characters start…end of a text are a name; `naming` tells whose: of who is greeted, of the writer, of anybody."""

    start: int
    end: int
    naming: Naming


Introductions = Callable[[str], Iterable[Introduction]]  # `introductions`, or one that remembers


def introductions(text: str) -> Iterator[Introduction]:
    """The names that the text's own phrases introduce, and those alone in one of its last lines. They may overlap."""
    for naming, match in _found(text, _CAPITALISED_PHRASES):
        found = _name_of(text, match, naming)
        if _may_be_name(text[found.start : found.end]):
            yield found
    for naming, match in _found(text, _SMALL_LETTERS):
        words = _bare(match["value"])
        if not any(word.strip(".") in COMMON_WORDS for word in words) and _may_be_name(match["value"]):
            yield Introduction(*match.span("value"), naming)
    for line in _last_lines(text):
        alone = _NAME_LINE.fullmatch(text, *line)
        if alone and _may_be_name(alone["value"]):
            yield Introduction(*alone.span("value"), "self")


def _found(
    text: str, phrases: Iterable[tuple[Naming, Expression, tuple[str, ...]]]
) -> Iterator[tuple[Naming, re.Match[str]]]:
    for naming, expression, needs in phrases:
        if not needs or any(need in text for need in needs):
            for match in expression.finditer(text):
                yield naming, match


def _name_of(text: str, match: re.Match[str], naming: Naming) -> Introduction:
    """Without the month of a date before it ("On 3 May First Last wrote:") and the full stop of a sentence."""
    start, end = match.span("value")
    month = _MONTH.match(text, start, end)
    if month and text[max(0, start - 2) : start].strip(" .").isdigit():
        start = month.end()
    if _FULL_STOP.search(text, start, end):
        end -= 1
    return Introduction(start, end, naming)


def find_introduced(text: str) -> Iterator[Span]:
    """Names that a phrase of the text introduces."""
    for found in introductions(text):
        yield Span(found.start, found.end, "NAME")


def is_introduced(text: str, start: int) -> bool:
    """Whether the words before this place say that a person's name follows."""
    return bool(_BEFORE.search(text[max(0, start - _LOOK_BACK) : start]))


def introduced_in_small(text: str, start: int, end: int) -> Iterator[int]:
    """Where words in small letters begin of which `is_introduced` says so, and that may be names."""
    for match in _INTRODUCED_SMALL.finditer(text, start, end):
        if match["value"] not in COMMON_WORDS and not means_something_else(match["value"]):
            yield match.start("value")


def _may_be_name(value: str) -> bool:
    words = _bare(value)
    if not words or len("".join(words).strip(".")) < 2 or _ABBREVIATIONS.match(value):  # noqa: PLR2004 - one letter is no name
        return False
    if all(word.casefold().strip(".") in COMMON_WORDS | PARTICLES for word in words):
        return False
    if len(words) == 1 and value.split(maxsplit=1)[0] != words[0] and words[0].casefold() in EVERYDAY_WORDS:
        return words[0].istitle()  # Mr Page, Dr. Wells
    return not known_otherwise(words)


def _bare(value: str) -> list[str]:
    """The words without titles."""
    return [word for word in value.replace(",", " ").split() if word.strip(".").casefold() not in TITLES]


def _last_lines(text: str) -> Iterator[tuple[int, int]]:
    """Where the last lines with something in them stand, the text's first line left out."""
    lines = list(_LINE.finditer(text))
    for line in lines[1:][-_SIGNATURE_LINES:]:
        yield line.span()

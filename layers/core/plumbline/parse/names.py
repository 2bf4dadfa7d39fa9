"""Which category a written name means: exactly, in another form, by alias, misspelled, or not for certain."""

import html
import re
from collections.abc import Sequence

from rapidfuzz import fuzz

from plumbline.contracts.prompts import Category, name_key

_NEAR = 88.0  # rapidfuzz ratio of a misspelling: two wrong letters in fifteen
_NEAR_WORD = 84.0  # and of each of its words, so that `Nondefect` is no misspelled `Defect`
_MARGIN = 12.0  # by which the nearest name must beat the second nearest
_MAX_NAME = 120  # a longer "category" is prose
_LONG_NUMBER = re.compile(r"&#[0-9]{8,}+")  # no character has it, and Python refuses to read it from 4,300 digits on
_MARKUP = re.compile(r"<!\[CDATA\[|\]\]>|</?+[a-z_]++\s*+/?+>|</?+[a-z_]*+\s*+$")
_LABEL = re.compile(r"^category\s*+:\s*+", re.IGNORECASE)
# Aliases of none-of-these, say. In an explanation they are words like any: "none of the others fits".
_EVERYDAY = frozenset({"none", "other", "na"})
_EXPLAINED = re.compile(r"\n|:|\(|\s[-–—]\s")  # noqa: RUF001 - the dashes that models write


def unescaped(text: str) -> str:
    """The text with entities resolved, for any text."""
    return html.unescape(_LONG_NUMBER.sub("\N{REPLACEMENT CHARACTER}", text))


def resolve(value: str, categories: Sequence[Category]) -> tuple[str | None, str]:
    """The category that a written name means, and the mend that it took; None where that is not certain."""
    value = unescaped(value).strip()
    if any(value == category.name for category in categories):
        return value, ""
    bare = _LABEL.sub("", _MARKUP.sub("", value).strip())
    name, how = same_name(bare, categories)
    if name:
        return name, how or "name_form"
    name = _near(bare, categories)
    if name:
        return name, "near_match"
    name = _explained(bare, categories)
    return name, "explained" if name else ""


def same_name(value: str, categories: Sequence[Category]) -> tuple[str | None, str]:
    """The category of just this name, written in whatever form, or of this alias."""
    key = name_key(value) if len(value) <= _MAX_NAME else ""
    for category in categories:
        if key and key == name_key(category.name):
            return category.name, "" if value == category.name else "name_form"
    for category in categories:
        if key and key in {name_key(alias) for alias in category.aliases}:
            return category.name, "alias"
    return None, ""


def _near(value: str, categories: Sequence[Category]) -> str | None:
    """The one category of which this is a misspelling: as many words, and each of them near."""
    if len(value) > _MAX_NAME:
        return None
    key, words = name_key(value), _words(value)
    scores = sorted(((fuzz.ratio(key, name_key(c.name)), c.name) for c in categories), reverse=True)
    (best, name), (second, _) = scores[0], scores[1]
    meant = _words(name)
    if best < _NEAR or best - second < _MARGIN or len(words) != len(meant):
        return None
    return name if all(fuzz.ratio(*pair) >= _NEAR_WORD for pair in zip(words, meant, strict=True)) else None


def _explained(value: str, categories: Sequence[Category]) -> str | None:
    """The category whose name comes first, with an explanation after it that names no other."""
    head, *rest = _EXPLAINED.split(value, maxsplit=1)
    name, _ = same_name(head, categories)
    if name is None or not rest:
        return None
    said = f" {' '.join(_words(rest[0]))} "
    others = (c for c in categories if c.name != name)
    names = (n for c in others for n in (c.name, *(a for a in c.aliases if name_key(a) not in _EVERYDAY)))
    named = (f" {' '.join(_words(other))} " for other in names)
    return None if any(other in said for other in named) else name


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.casefold())

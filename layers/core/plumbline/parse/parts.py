"""A reply taken apart: reasoning, category and runner-up wherever they stand, and which of them are only quoted."""

import json
import re
from collections.abc import Iterator

from plumbline.contracts.base import Model
from plumbline.parse.names import unescaped

PARTS = ("reasoning", "category", "runner_up")

# Quantifiers are possessive where another part could take the same characters: a reply takes time linear in its length.
_NAME = r"(?:reasoning|category|runner[_ -]?up)"
_TAG = re.compile(
    rf"[<\uff1c]\s*+(?P<slash>[/\\]?)\s*+(?P<name>{_NAME})\b[^<>\uff1c\uff1e]*+[>\uff1e]"
    rf"|\[(?P<slash2>/?)(?P<name2>{_NAME})\]",
    re.IGNORECASE,
)
_CANONICAL_TAG = re.compile(r"</?(?:reasoning|category|runner_up)>")
_CATEGORY_TAG = re.compile(r"[<\uff1c\[]\s*+[/\\]?\s*+category\b", re.IGNORECASE)
_ANY_TAG = re.compile(r"<[^<>\n]{0,80}+>")
_FENCE = re.compile(r"```[a-zA-Z]*+[ \t]*+\n?|\n?```")
_COVERED = re.compile(r"\\u003[cC]|\\u003[eE]|\\[<>]")
_UNCOVERED = {"\\u003c": "<", "\\u003e": ">", "\\<": "<", "\\>": ">"}
# What is never the answer: sections of the prompt that come back, the case, a model's thinking.
_ASIDE = re.compile(
    r"^[ \t]*+<(case|examples?|good_examples|bad_examples|categories|think|thinking)\b[^<>]*+>",
    re.IGNORECASE | re.MULTILINE,
)
_JSON_BEGINS = re.compile(r"^[ \t]*+[\[{]", re.MULTILINE)
_JSON_PAIR = re.compile(
    rf"""["'](?P<name>{_NAME})["']\s*+:\s*+(?:"(?P<double>(?:[^"\\]|\\.)*+)"|'(?P<single>(?:[^'\\]|\\.)*+)')""",
    re.IGNORECASE | re.DOTALL,
)
_LINE = re.compile(
    rf"^[ \t*_#-]*+(?P<name>{_NAME})[ \t*_]*+[:\uff1a][ \t*_]*+(?P<value>\S[^\n]*+)", re.IGNORECASE | re.MULTILINE
)


class Part(Model):
    """One part of an answer. `quoted`: it stands within other text; `loose`: without tags."""

    name: str
    text: str
    closed: bool = True
    quoted: bool = False
    loose: bool = False


def take_apart(text: str, repairs: list[str], *, truncated: bool) -> tuple[list[Part], str]:
    """The parts in order, those without tags last, and the text outside the tagged ones. Adds what was mended."""
    text = _without_asides(text, repairs)
    if _FENCE.search(text):
        text = _FENCE.sub("", text)
        repairs.append("fence")
    text = _with_plain_tags(text, repairs)
    found = _Tagged(text)
    parts = [*found.parts_with_quotes(truncated=truncated)]
    outside = "\n".join(found.outside)
    return [*parts, *_loose(outside)], outside


def _without_asides(text: str, repairs: list[str]) -> str:
    """Each aside goes up to the last closing tag of its name, since a case may hold one too; an open one to the end."""
    while aside := _ASIDE.search(text):
        repairs.append("aside")
        closing = list(re.finditer(rf"</{aside[1]}\s*+>", text, re.IGNORECASE))
        end = closing[-1].end() if closing and closing[-1].start() >= aside.end() else len(text)
        text = f"{text[: aside.start()]}\n{text[end:]}"
    return text


def _with_plain_tags(text: str, repairs: list[str]) -> str:
    if not _CATEGORY_TAG.search(text):  # else the escaped ones are the case's, quoted as they should be
        uncovered = unescaped(unescaped(_COVERED.sub(lambda found: _UNCOVERED[found.group().lower()], text)))
        if _CATEGORY_TAG.search(uncovered):
            text = uncovered
            repairs.append("entities")
    mended = _TAG.sub(_canonical, text)
    if mended != text:
        repairs.append("tag_form")
    return mended


def _canonical(tag: re.Match[str]) -> str:
    return f"<{'/' if tag['slash'] or tag['slash2'] else ''}{_part_name(tag['name'] or tag['name2'])}>"


def _part_name(written: str) -> str:
    return re.sub(r"[ -]", "_", written.lower()).replace("runnerup", "runner_up")


class _Tagged:
    """The tagged parts of a text with canonical tags.

    A part is quoted where the reasoning goes on after it: it stands in a reasoning that is closed later (perhaps once
    more), or in one that is never closed while words follow or the reply was cut off; and without one, amid a sentence.
    """

    def __init__(self, text: str) -> None:
        self.outside: list[str] = []
        self._parts: list[Part] = []
        self._quoted: set[int] = set()
        self._all_quoted = 0  # so many of the first parts
        self._reasonings: list[list[int]] = []  # of each open reasoning, the parts in it
        self._words_at = -1  # how many parts there were when the last words outside came
        self._amid: int | None = None  # a part with words right before it
        self._opened: str | None = None
        position = 0
        for tag in _CANONICAL_TAG.finditer(text):
            self._take(tag.group(), text[position : tag.start()])
            position = tag.end()
        self._finish(text[position:])

    def parts_with_quotes(self, *, truncated: bool) -> Iterator[Part]:
        """The parts in order of appearance, each with whether it is quoted."""
        open_ones = {n for inside in self._reasonings for n in inside if truncated or n < self._words_at}
        for number, part in enumerate(self._parts):
            quoted = number < self._all_quoted or number in self._quoted or number in open_ones
            yield part.model_copy(update={"quoted": True}) if quoted else part

    def _take(self, tag: str, before: str) -> None:
        name, closing = tag.strip("</>"), tag.startswith("</")
        if self._opened is not None:
            self._add(self._opened, before, closed=closing and name == self._opened)
            self._opened = None if closing else name
        elif closing:  # alone: what stands right before it belongs to it
            if name == "reasoning" and not self._reasonings and _has_words(before):
                self._all_quoted = len(self._parts)
            self._add(name, before if name == "reasoning" else before.strip().rsplit("\n", 1)[-1], closed=False)
        else:
            self._pass(before)
            if name == "category" and _has_words(before.rsplit("\n", 1)[-1]):
                self._amid = len(self._parts)
            self._opened = name
        if name == "reasoning" and not closing:
            self._reasonings.append([])
        elif name == "reasoning" and self._reasonings:
            self._quoted.update(self._reasonings.pop())

    def _add(self, name: str, text: str, *, closed: bool) -> None:
        if closed or text.strip():
            if name != "reasoning" and self._reasonings:
                self._reasonings[-1].append(len(self._parts))
            self._parts.append(Part(name=name, text=text.strip(), closed=closed))

    def _pass(self, text: str) -> None:
        if text.strip():
            self.outside.append(text)
        if _has_words(text):
            self._words_at = len(self._parts)
            if self._amid == len(self._parts) - 1 and _has_words(text.split("\n", 1)[0]):
                self._quoted.add(self._amid)

    def _finish(self, rest: str) -> None:
        if self._opened is None:
            self._pass(rest)
        else:
            self._add(self._opened, rest, closed=False)


def _has_words(text: str) -> bool:
    return re.search(r"\w", _ANY_TAG.sub("", text)) is not None


def _loose(outside: str) -> Iterator[Part]:
    """Parts as JSON or as lines such as `Category: X`. JSON counts from a line that begins with it.

    Lines with words both before and after all of them are quoted, as from a message.
    """
    begins = _JSON_BEGINS.search(outside)
    for pair in _JSON_PAIR.finditer(outside, begins.start()) if begins else ():
        value = pair["single"] if pair["double"] is None else _json_text(pair["double"])
        yield Part(name=_part_name(pair["name"]), text=value.strip(), loose=True)
    lines = list(_LINE.finditer(outside))
    amid = bool(lines) and _has_words(outside[: lines[0].start()]) and _has_words(outside[lines[-1].end() :])
    for line in lines:
        yield Part(name=_part_name(line["name"]), text=line["value"].rstrip(" \t*_."), loose=True, quoted=amid)


def _json_text(escaped: str) -> str:
    try:
        return str(json.loads(f'"{escaped}"', strict=False))
    except ValueError:
        return escaped

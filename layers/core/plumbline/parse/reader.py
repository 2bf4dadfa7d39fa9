"""Reading one category from a model's reply: strict first, then mending known damage, never guessing.

The expected form is `<reasoning>…</reasoning><category>…</category><runner_up>…</runner_up>`. Each mend is named in
`Answer.repairs`:

fence            the answer stands inside a markdown code fence
entities         tags came as `&lt;category&gt;`
tag_form         capitals, spaces, hyphens or attributes in a tag
unclosed         a tag was opened and never closed, or closed and never opened
order            the parts came in another order
stray_text       text outside the tags
no_reasoning     the reasoning is missing
untagged         `Category: X` on a line of its own instead of a tag
repeated         the category came twice, the same both times
name_form        the category's capitals, spacing, punctuation or quotes differ
alias            one of the category's aliases from the prompt file
near_match       a misspelling that is near exactly one category
runner_up        the runner-up was no category of the task, and is left out
truncated        the reply ran out of tokens after the category
"""

import html
import re
from collections.abc import Sequence

from rapidfuzz import fuzz

from plumbline.contracts.base import Model
from plumbline.contracts.errors import UnparseableReply
from plumbline.contracts.prompts import Category, name_key

_NONE = {"", "none", "n/a", "na", "no", "-", "no runner-up", "no runner up", "not applicable"}
_NEAR = 88.0  # rapidfuzz ratio of a misspelling: two wrong letters in fifteen
_MARGIN = 12.0  # by which the nearest name must beat the second nearest
_MAX_NAME = 120  # a longer "category" is prose

_STRICT = re.compile(
    r"\s*<reasoning>(?P<reasoning>[^<]*)</reasoning>\s*<category>(?P<category>[^<]*)</category>"
    r"\s*<runner_up>(?P<runner_up>[^<]*)</runner_up>\s*",
)
_FENCE = re.compile(r"```[a-zA-Z]*[ \t]*\n?|\n?```")
_ESCAPED_TAG = re.compile(r"&lt;\s*/?\s*(?:reasoning|category|runner[_ -]?up)", re.IGNORECASE)
_TAG = re.compile(r"<\s*(?P<slash>/?)\s*(?P<name>reasoning|category|runner[_ -]?up)\b(?P<rest>[^<>]*)>", re.IGNORECASE)
_CANONICAL_TAG = re.compile(r"</?(?:reasoning|category|runner_up)>")
_UNTAGGED = re.compile(r"^[\s*_#>-]*category[\s*_]*:[\s*_]*(?P<value>[^\n]+?)[\s*_.]*$", re.IGNORECASE | re.MULTILINE)
_PARTS = ("reasoning", "category", "runner_up")


class Answer(Model):
    """What a reply says."""

    category: str
    runner_up: str | None
    reasoning: str
    repairs: tuple[str, ...]


class _Part(Model):
    name: str
    text: str
    closed: bool


def read_answer(text: str, categories: Sequence[Category], *, truncated: bool = False) -> Answer:
    """The one category that the reply names. Raises UnparseableReply: empty, none, two, outside the list, cut off.

    The error's message is one of a few fixed phrases, so that it can be counted, logged and shown to the model.
    """
    if not text.strip():
        raise UnparseableReply("the reply is empty")
    names = {category.name for category in categories}
    strict = _STRICT.fullmatch(text)
    if strict and strict["category"] in names and (strict["runner_up"] == "none" or strict["runner_up"] in names):
        runner_up = strict["runner_up"]
        other = None if runner_up in ("none", strict["category"]) else runner_up
        return Answer(
            category=strict["category"],
            runner_up=other,
            reasoning=html.unescape(strict["reasoning"]).strip(),
            repairs=(),
        )
    return _mend(text, categories, truncated=truncated)


def _mend(text: str, categories: Sequence[Category], *, truncated: bool) -> Answer:
    repairs: list[str] = []
    text = _normalise_tags(text, repairs)
    parts, stray = _split(text)
    if any(not part.closed for part in parts):
        repairs.append("unclosed")
    values = [part.text for part in parts if part.name == "category" and part.text]
    if not values:
        values = [match["value"] for match in _UNTAGGED.finditer(text)]
        if values:
            repairs.append("untagged")
    elif stray:
        repairs.append("stray_text")
    category = _one_category(values, categories, parts, repairs, truncated=truncated)
    order = [part.name for part in parts]
    if order != sorted(order, key=_PARTS.index):
        repairs.append("order")
    reasoning = " ".join(part.text for part in parts if part.name == "reasoning")
    if not reasoning:
        repairs.append("no_reasoning")
    runner_up = _runner_up(parts, categories, category, repairs)
    if truncated:
        repairs.append("truncated")
    return Answer(
        category=category,
        runner_up=runner_up,
        reasoning=html.unescape(reasoning).strip(),
        repairs=tuple(dict.fromkeys(repairs)),
    )


def _normalise_tags(text: str, repairs: list[str]) -> str:
    if _FENCE.search(text):
        text = _FENCE.sub("", text)
        repairs.append("fence")
    if _ESCAPED_TAG.search(text):
        text = html.unescape(text)
        repairs.append("entities")

    def canonical(match: re.Match[str]) -> str:
        name = re.sub(r"[ -]", "_", match["name"].lower()).replace("runnerup", "runner_up")
        return f"<{match['slash']}{name}>"

    mended = _TAG.sub(canonical, text)
    if mended != text:
        repairs.append("tag_form")
    return mended


def _split(text: str) -> tuple[list[_Part], bool]:
    """The tagged parts in order of appearance, and whether there is text outside them."""
    parts: list[_Part] = []
    stray = False
    opened: str | None = None
    position = 0
    for match in _CANONICAL_TAG.finditer(text):
        tag = match.group()
        between = text[position : match.start()].strip()
        position = match.end()
        name = tag.strip("</>")
        closing = tag.startswith("</")
        if opened is not None:
            parts.append(_Part(name=opened, text=_first_line(between, opened), closed=closing and name == opened))
            opened = None if closing else name
        elif closing:
            # A closing tag alone: what stands right before it belongs to it.
            if between:
                parts.append(_Part(name=name, text=_last_line(between, name), closed=False))
        else:
            stray = stray or bool(between)
            opened = name
    rest = text[position:].strip()
    if opened is not None:
        parts.append(_Part(name=opened, text=_first_line(rest, opened), closed=False))
    else:
        stray = stray or bool(rest)
    return parts, stray


def _first_line(text: str, name: str) -> str:
    return text if name == "reasoning" else text.split("\n", 1)[0].strip()


def _last_line(text: str, name: str) -> str:
    return text if name == "reasoning" else text.rsplit("\n", 1)[-1].strip()


def _one_category(
    values: list[str], categories: Sequence[Category], parts: list[_Part], repairs: list[str], *, truncated: bool
) -> str:
    if not values:
        raise UnparseableReply(
            "the reply was cut off before its category" if truncated else "the reply names no category"
        )
    found: set[str] = set()
    for value in values:
        name, how = _resolve(value, categories)
        if name is None:
            raise UnparseableReply("the category is not one of the list")
        found.add(name)
        if how:
            repairs.append(how)
    if len(found) > 1:
        raise UnparseableReply("the reply names two categories")
    if len(values) > 1:
        repairs.append("repeated")
    category = found.pop()
    cut_in_name = truncated and parts and parts[-1].name == "category" and not parts[-1].closed
    if cut_in_name and any(c.name != category and c.name.startswith(category) for c in categories):
        raise UnparseableReply("the reply was cut off within its category")
    return category


def _resolve(value: str, categories: Sequence[Category]) -> tuple[str | None, str | None]:
    """The category that a written name means, and the mend that it took; (None, None) where that is not certain."""
    value = html.unescape(value).strip()
    for category in categories:
        if value == category.name:
            return category.name, None
    key = name_key(value)
    if not key or len(value) > _MAX_NAME:
        return None, None
    for category in categories:
        if key == name_key(category.name):
            return category.name, "name_form"
    for category in categories:
        if key in {name_key(alias) for alias in category.aliases}:
            return category.name, "alias"
    scores = sorted(((fuzz.ratio(key, name_key(c.name)), c.name) for c in categories), reverse=True)
    (best, name), (second, _) = scores[0], scores[1]
    if best >= _NEAR and best - second >= _MARGIN:
        return name, "near_match"
    return None, None


def _runner_up(parts: list[_Part], categories: Sequence[Category], category: str, repairs: list[str]) -> str | None:
    values = [part.text for part in parts if part.name == "runner_up"]
    if not values or values[0].strip(" .").casefold() in _NONE:
        return None
    name, how = _resolve(values[0], categories)
    if name is None:
        repairs.append("runner_up")
        return None
    if how:
        repairs.append(how)
    return None if name == category else name

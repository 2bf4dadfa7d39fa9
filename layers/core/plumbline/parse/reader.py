"""Reading one category from a model's reply: strict first, then mending known damage, never guessing.

The expected form is `<reasoning>…</reasoning><category>…</category><runner_up>…</runner_up>`. Each mend is named in
`Answer.repairs`:

aside            a section of the prompt, the case or the model's thinking stands beside the answer
fence            the answer stands inside a markdown code fence
entities         tags came as `&lt;category&gt;` or with another escape
tag_form         capitals, spaces, hyphens, attributes or other brackets in a tag
unclosed         a tag was opened and never closed, or closed and never opened
order            the parts came in another order
stray_text       text outside the tags
quoted           tags within the reasoning, which are not the answer's
echo             the answer format's own words came back beside the answer
no_reasoning     the reasoning is missing
untagged         JSON, `Category: X` on a line of its own, or nothing but a name, instead of a tag
repeated         the category came twice, the same both times
name_form        the category's capitals, spacing, punctuation or quotes differ
alias            one of the category's aliases from the prompt file
near_match       a misspelling that is near exactly one category
explained        the category is followed by an explanation that names no other
runner_up        the runner-up was no category of the task, or two, and is left out
truncated        the reply ran out of tokens after the category

A category that stands only within the reasoning, or amid a sentence, may be quoted from the case: it is no answer.
"""

import functools
import re
from collections.abc import Sequence

from plumbline.contracts.base import Model
from plumbline.contracts.errors import UnparseableReply
from plumbline.contracts.prompts import Category, name_key
from plumbline.parse.names import resolve, same_name, unescaped
from plumbline.parse.parts import PARTS, Part, take_apart

_NO_RUNNER_UP = {"", "none", "na", "no", "norunnerup", "notapplicable"}
_SURROGATE = re.compile("[\ud800-\udfff]")
_STRICT = re.compile(
    r"\s*<reasoning>(?P<reasoning>[^<]*)</reasoning>\s*<category>(?P<category>[^<]*)</category>"
    r"\s*<runner_up>(?P<runner_up>[^<]*)</runner_up>\s*",
)


class Answer(Model):
    """What a reply says."""

    category: str
    runner_up: str | None
    reasoning: str
    repairs: tuple[str, ...]


def read_answer(
    text: str, categories: Sequence[Category], *, truncated: bool = False, output_format: str = ""
) -> Answer:
    """The one category that the reply names. Raises UnparseableReply: empty, none, two, outside the list, cut off.

    `output_format` is the prompt's: its own words between the tags are no answer. The error's message is one of a few
    fixed phrases, so that it can be counted, logged and shown to the model.
    """
    if not text.strip():
        raise UnparseableReply("the reply is empty")
    names = {category.name for category in categories}
    strict = _STRICT.fullmatch(text)
    if strict and strict["category"] in names and (strict["runner_up"] == "none" or strict["runner_up"] in names):
        runner_up = strict["runner_up"]
        other = None if runner_up in ("none", strict["category"]) else runner_up
        return Answer(category=strict["category"], runner_up=other, reasoning=_plain(strict["reasoning"]), repairs=())
    return _mend(text, categories, _format_words(output_format), truncated=truncated)


def _plain(text: str) -> str:
    return _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", unescaped(text).strip())


@functools.lru_cache(maxsize=16)
def _format_words(output_format: str) -> frozenset[str]:
    parts, _ = take_apart(output_format, [], truncated=False)
    return frozenset(part.text for part in parts)


def _mend(text: str, categories: Sequence[Category], echoed: frozenset[str], *, truncated: bool) -> Answer:
    repairs: list[str] = []
    parts, outside = take_apart(text, repairs, truncated=truncated)
    parts = _as_answer(parts, outside, categories)
    kept = [part for part in parts if part.text not in echoed or same_name(part.text, categories)[0]]
    category = _one_category(kept, categories, repairs, truncated=truncated)
    own = [part for part in kept if not part.quoted and not part.loose]
    order = [part.name for part in own]
    reasoning = " ".join(part.text for part in _first_kind(kept, "reasoning"))
    runner_up = _runner_up(kept, categories, category, repairs)
    mends = {
        "echo": len(kept) < len(parts),
        "quoted": any(part.quoted for part in parts),
        "unclosed": any(not part.closed for part in parts),
        "stray_text": bool(outside) and not _loose_category(parts),
        "untagged": _loose_category(parts),
        "order": order != sorted(order, key=PARTS.index),
        "no_reasoning": not reasoning,
        "truncated": truncated,
    }
    repairs += [mend for mend, done in mends.items() if done]
    return Answer(
        category=category, runner_up=runner_up, reasoning=_plain(reasoning), repairs=tuple(dict.fromkeys(repairs))
    )


def _as_answer(parts: list[Part], outside: str, categories: Sequence[Category]) -> list[Part]:
    """The parts; a reply with nothing but a name outside the tags has that for its category."""
    if any(part.name == "category" and part.text for part in parts) or not same_name(outside, categories)[0]:
        return parts
    return [*parts, Part(name="category", text=outside.strip(), loose=True)]


def _loose_category(parts: list[Part]) -> bool:
    """Whether the category stands nowhere in a tag."""
    return all(part.loose or part.quoted for part in parts if part.name == "category" and part.text)


def _first_kind(parts: list[Part], name: str) -> list[Part]:
    """The parts of a name: those in tags, or where there are none those without."""
    named = [part for part in parts if part.name == name and part.text and not part.quoted]
    return [part for part in named if not part.loose] or named


def _one_category(parts: list[Part], categories: Sequence[Category], repairs: list[str], *, truncated: bool) -> str:
    said: list[str] = []  # the answers
    quoted: set[str] = set()
    unknown = False
    for part in parts:
        if part.name != "category" or not name_key(part.text):
            continue
        name, how = resolve(part.text, categories)
        if name is None:
            unknown = unknown or not part.quoted
            if not (part.quoted or part.loose):
                raise UnparseableReply("the category is not one of the list")
        elif part.quoted:
            quoted.add(name)
        else:
            said.append(name)
            repairs += [how] if how else []
    if len({*said, *quoted}) > 1:
        raise UnparseableReply("the reply names two categories")
    if not said:
        raise UnparseableReply(_why_none(unknown=unknown, quoted=bool(quoted), truncated=truncated))
    if len(said) > 1:
        repairs.append("repeated")
    if truncated and _cut_in_name(parts[-1], said[0], categories):
        raise UnparseableReply("the reply was cut off within its category")
    return said[0]


def _why_none(*, unknown: bool, quoted: bool, truncated: bool) -> str:
    if unknown:
        return "the category is not one of the list"
    if truncated:
        return "the reply was cut off before its category"
    return "the reply names a category only within other text" if quoted else "the reply names no category"


def _cut_in_name(last: Part, category: str, categories: Sequence[Category]) -> bool:
    open_name = last.name == "category" and (last.loose or not last.closed) and "<" not in last.text
    return open_name and any(c.name != category and c.name.startswith(category) for c in categories)


def _runner_up(parts: list[Part], categories: Sequence[Category], category: str, repairs: list[str]) -> str | None:
    found: set[str | None] = set()
    for part in _first_kind(parts, "runner_up"):
        if name_key(part.text) in _NO_RUNNER_UP:
            continue
        name, how = resolve(part.text, categories)
        found.add(name)
        repairs += [how] if how else []
    if len(found) > 1 or None in found:
        repairs.append("runner_up")
        return None
    name = next(iter(found), None)
    return None if name == category else name

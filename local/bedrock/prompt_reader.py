"""Reads back what `plumbline.prompting` wrote: the categories and examples of a system text, the case of a user text.

Its docstring `system_text` is the format; a test renders prompts in both styles and reads them here.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import takewhile
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape, unescape

from plumbline.contracts.base import Model
from plumbline.contracts.replies import ModelRequest
from plumbline.prompting import NO_RUNNER_UP

_CATEGORIES = "The categories, in the order in which to try them:"
_EXAMPLES = ("Examples of right answers:", "Examples of wrong answers:")


class ReadCategory(Model):
    """A category as the prompt tells it. `examples` are the case texts that belong in it: those of good examples, and
    those of bad examples, whose right category it is."""

    name: str
    description: str
    examples: tuple[str, ...] = ()


def category_names(system: str) -> tuple[str, ...]:
    """The names that the closing lists, in order; empty for a text that does not end with such a list."""
    lines = system.rstrip().split("\n")
    listed = list(takewhile(lambda line: line.startswith("- "), reversed(lines)))
    return tuple(line.removeprefix("- ").strip() for line in reversed(listed))


def read_categories(system: str) -> tuple[ReadCategory, ...]:
    """The categories with their descriptions and examples, in the prompt's order; empty when there is no list."""
    names = category_names(system)
    read = _read_xml if _xml_section(system, "categories") else _read_plain
    descriptions, examples = read(system, names)
    return tuple(
        ReadCategory(
            name=name,
            description=descriptions.get(name, ""),
            examples=tuple(case for category, case in examples if category == name),
        )
        for name in names
    )


def case_text(request: ModelRequest) -> str:
    """Subject and messages of the case that the conversation is about, without tags; else the first turn as it is."""
    case = _case(request)
    return _first_turn(request) if case is None else _plain_text(case)


def last_agent_message(request: ModelRequest) -> str:
    """The last message of an agent in the case; empty when no agent wrote."""
    case = _case(request)
    messages = [] if case is None else case.findall("message[@role='agent']")
    return _plain_text(messages[-1]) if messages else ""


def _case(request: ModelRequest) -> ET.Element | None:
    found = re.search(r"<case>.*</case>", _first_turn(request), re.DOTALL)
    if found is None:
        return None
    try:
        return _parsed(found.group())
    except ET.ParseError:
        return None


def _first_turn(request: ModelRequest) -> str:
    return next((turn.text for turn in request.turns if turn.role == "user"), "")


def _plain_text(element: ET.Element) -> str:
    return "\n".join(text.strip() for text in element.itertext() if text.strip())


def answer_text(reasoning: str, category: str, runner_up: str | None = None) -> str:
    """An answer in the prompt's format."""
    return (
        f"<reasoning>{escape(reasoning)}</reasoning>\n"
        f"<category>{escape(category)}</category>\n"
        f"<runner_up>{escape(runner_up or NO_RUNNER_UP)}</runner_up>"
    )


_Read = tuple[dict[str, str], list[tuple[str, str]]]


def _read_xml(system: str, _names: Sequence[str]) -> _Read:
    descriptions = {
        category.get("name", ""): " ".join(_field(category, name) for name in ("description", "output")).strip()
        for category in _parsed(_xml_section(system, "categories"))
    }
    examples = [
        (_field(example, "category"), _field(example, "case"))
        for section in ("good_examples", "bad_examples")
        for example in _parsed(_xml_section(system, section) or "<none/>")
    ]
    return descriptions, examples


def _xml_section(system: str, tag: str) -> str:
    found = re.search(rf"^<{tag}>\n.*?\n</{tag}>$", system, re.DOTALL | re.MULTILINE)
    return found.group() if found else ""


def _parsed(fragment: str) -> ET.Element:
    # A fragment starts with an element, so it can hold no DTD: there is no entity that could be expanded.
    return ET.fromstring(fragment)  # noqa: S314


def _field(element: ET.Element, name: str) -> str:
    return (element.findtext(name) or "").strip()


def _read_plain(system: str, names: Sequence[str]) -> _Read:
    descriptions: dict[str, str] = {}
    firsts = [f"{number}. {name}: " for number, name in enumerate(names, start=1)]
    for item in _items(system, _CATEGORIES, lambda line: line.startswith(tuple(firsts))):
        for name, first in zip(names, firsts, strict=True):
            if item.startswith(first):
                described = re.sub(r"^Outcome: ", "", item.removeprefix(first), flags=re.MULTILINE)
                descriptions[name] = _dedented(described)
    examples = []
    for heading in _EXAMPLES:
        for item in _items(system, heading, lambda line: line.startswith("Case: ")):
            fields = dict(re.findall(r"^([A-Z][a-z ]+): (.*(?:\n(?:  .*|$))*)", item, re.MULTILINE))
            examples.append((fields.get("Category", "").strip(), unescape(_dedented(fields["Case"]))))
    return descriptions, examples


def _items(system: str, heading: str, is_first: Callable[[str], bool]) -> Iterator[str]:
    """The items under a heading: each starts with a line of the first label; an indented paragraph belongs to the item
    before it; anything else ends the list."""
    _, _, rest = f"\n\n{system}".partition(f"\n\n{heading}\n\n")
    item: list[str] = []
    for paragraph in rest.split("\n\n"):
        if not is_first(paragraph) and not paragraph.startswith("  "):
            break
        if is_first(paragraph) and item:
            yield "\n\n".join(item)
            item = []
        item.append(paragraph)
    if item:
        yield "\n\n".join(item)


def _dedented(text: str) -> str:
    return text.replace("\n  ", "\n").strip()

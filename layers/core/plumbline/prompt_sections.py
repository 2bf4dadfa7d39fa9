"""The sections of a prompt as text, tagged or plain, and the escaping of what strangers wrote."""

import re
from collections.abc import Iterable
from html import escape  # xml.sax.saxutils does the same and costs urllib's import

from plumbline.contracts.prompts import BadExample, Category, GoodExample, Prompt

# What no case needs: control characters (but not tab and newline), surrogates and non-characters, which XML cannot
# hold, and Unicode's invisible tag characters, with which an instruction can be hidden from a human reader.
UNWANTED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff\U000e0000-\U000e007f]")


def xml_sections(prompt: Prompt) -> Iterable[str]:
    """The sections, each in a tag of its name; an empty one is an empty text."""
    yield section("persona", prompt.persona.strip())
    yield section("background", prompt.background.strip())
    yield categories_section(prompt)
    yield section("good_examples", "\n".join(_xml_example(example) for example in prompt.good_examples))
    yield section("bad_examples", "\n".join(_xml_example(example) for example in prompt.bad_examples))
    yield section("instructions", prompt.instructions.strip())
    yield section("output_format", prompt.output_format.strip())


def categories_section(prompt: Prompt) -> str:
    """What can be answered, as style xml has it."""
    return section("categories", "\n".join(_xml_category(category) for category in prompt.answers))


def section(tag: str, content: str) -> str:
    """The content, as it stands, in a tag of lines of its own; empty where it is."""
    return f"<{tag}>\n{content}\n</{tag}>" if content else ""


def _xml_category(category: Category) -> str:
    fields = _fields({"description": category.description, "output": category.output})
    return f'<category name="{escape(category.name)}">\n{fields}\n</category>'


def _xml_example(example: GoodExample | BadExample) -> str:
    return f"<example>\n{_fields(_example_fields(example))}\n</example>"


def _example_fields(example: GoodExample | BadExample) -> dict[str, str]:
    """The fields in the order in which the answer format has them: why before what."""
    names = ("case", "wrong_category", "why_wrong", "reasoning", "category")
    return {name: getattr(example, name) for name in names if hasattr(example, name)}


def _fields(texts: dict[str, str]) -> str:
    return "\n".join(element(tag, text.strip()) for tag, text in texts.items() if text.strip())


def plain_sections(prompt: Prompt) -> Iterable[str]:
    """The sections under heading lines; an empty one is an empty text."""
    yield prompt.persona.strip()
    yield prompt.background.strip()
    yield _listed(
        "The categories, in the order in which to try them:",
        [
            {f"{number}. {category.name}": category.description, "Outcome": category.output}
            for number, category in enumerate(prompt.answers, start=1)
        ],
    )
    yield _listed("Examples of right answers:", [_plain_example(example) for example in prompt.good_examples])
    yield _listed("Examples of wrong answers:", [_plain_example(example) for example in prompt.bad_examples])
    yield prompt.instructions.strip()
    yield prompt.output_format.strip()


def _plain_example(example: GoodExample | BadExample) -> dict[str, str]:
    fields = {name.replace("_", " ").capitalize(): text for name, text in _example_fields(example).items()}
    return fields | {"Case": escaped(example.case)}


def _listed(heading: str, items: list[dict[str, str]]) -> str:
    if not items:
        return ""
    paragraphs = [
        "\n".join(f"{label}: {_indented(text)}" for label, text in item.items() if text.strip()) for item in items
    ]
    return "\n\n".join((heading, *paragraphs))


def _indented(text: str) -> str:
    first, *rest = clean(text).strip().split("\n")
    return "\n".join((first, *(f"  {line}" if line else "" for line in rest)))


def element(tag: str, text: str) -> str:
    """The text in a tag that it cannot close."""
    return f"<{tag}>{escaped(text)}</{tag}>"


def escaped(text: str) -> str:
    """The text, cleaned, without anything that XML takes for a tag."""
    return escape(clean(text), quote=False)


def clean(text: str) -> str:
    """The text with plain line breaks and without the characters that no case needs."""
    return UNWANTED.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))

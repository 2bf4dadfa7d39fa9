"""Anonymized cases on the screen: what is masked, by what, and where a person would have to look first."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from plumbline.anonymize import Marked
from plumbline.anonymize.placeholders import Replacement
from plumbline.anonymize.spans import Span
from plumbline.contracts.cases import AnonymizedCase
from plumbline.report.words import count, plural

# A terminal has six colours that everybody tells apart: kin types share one, and each placeholder names its type.
_COLOURS: Final = {
    "cyan": ("NAME", "USERNAME"),
    "green": ("EMAIL", "PHONE", "ADDRESS"),
    "magenta": ("SSN", "NATIONAL_ID", "PASSPORT", "LICENCE", "PLATE", "BIRTH_DATE"),
    "yellow": ("CARD", "CVV", "CARD_EXPIRY", "IBAN", "BANK_ACCOUNT", "REFERENCE"),
    "red": ("TOKEN", "KEY", "PASSWORD"),
    "blue": ("ARN", "AWS_ACCOUNT", "IP", "MAC", "HOST"),
}
_COLOUR_OF: Final = {entity: colour for colour, types in _COLOURS.items() for entity in types}
_LEFT: Final = "bold black on bright_yellow"  # may have been overlooked: no type has it
_CONFIGURED: Final = "bright_magenta"  # a company's own types
# What would steer a terminal or turn the order of its letters around is shown as a sign instead.
_STEERING: Final = {
    **{code: 0x2400 + code for code in range(32) if chr(code) not in "\n\t"},
    0x7F: 0x2421,
    **dict.fromkeys([*range(0x80, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)], 0xFFFD),
}


def colour_of(entity: str) -> str:
    """The colour of a type."""
    return _COLOUR_OF.get(entity, _CONFIGURED)


def shows_colours(console: Console) -> bool:
    """Whether a struck, coloured value can be told from what stays: a terminal, and nobody asked for none."""
    return console.is_terminal and console.color_system is not None and not console.no_color


def field_names(found: Marked) -> Iterator[str]:
    """What `Marked` has texts of, in its order."""
    yield "subject"
    yield from (f"messages.{number}" for number in range(len(found.case.messages)))
    yield "product"


class Screen:
    """A block for each case, and at the end the types with their counts in their colours. For 60 columns and up."""

    def __init__(self, console: Console, *, diff: bool) -> None:
        self._console = console
        self._diff = diff
        self._coloured = shows_colours(console)
        self._entities: Counter[str] = Counter()
        self._reviewed: list[AnonymizedCase] = []
        self.cases = self.faults = self._left = 0

    def case(self, found: Marked) -> None:
        """Show a case: a line about it, then its texts."""
        case = found.case
        self.cases += 1
        self._entities.update(case.entities)
        self._print(_head(case))
        if case.review:
            self._reviewed.append(case)
            self._print(Text(f"  would go to a person first: {', '.join(case.review)}", style="bold yellow"))
        self._left += sum(map(len, found.left))
        labels = ["Subject", *(f"{message.role.capitalize()}" for message in case.messages), "Product"]
        for label, text, row, left in zip(labels, found.texts, found.replaced, found.left, strict=True):
            if text:
                self._print(Text(label, style="dim"), indent=2)
                self._print(body(text, row, left, diff=self._diff, coloured=self._coloured), indent=2)
        self._print(Text())

    def fault(self, name: str, reason: str) -> None:
        """Show a row that is no case."""
        self.faults += 1
        self._print(Text.assemble(_shown(name), ("  no case: ", "red"), reason))
        self._print(Text())

    def finish(self, *, more: bool) -> None:
        """The sum of what was shown: by type, and which cases a person would see first."""
        if not (self.cases or self.faults):
            self._print(Text("The file holds no cases.", style="yellow"))
            return
        words = f"{plural(self.cases, 'case')}, {plural(self._entities.total(), 'value')} masked"
        faults = f", {plural(self.faults, 'row')} not read" if self.faults else ""
        self._print(Text.assemble((words, "bold"), (faults, "red"), (" (more: --limit 0)" if more else "", "dim")))
        if self._entities:
            self._print(legend(self._entities), indent=2)
        if self._diff or self._left:
            self._print(self._signs(), indent=2)
        if self._reviewed:
            self._print(Text(f"{plural(len(self._reviewed), 'case')} to a person first", style="bold yellow"))
            for case in self._reviewed:
                self._print(Text(f"{_shown(case.case_id)}  {', '.join(case.review)}"), indent=2)

    def _signs(self) -> Text:
        """What the marks in the texts mean."""
        parts: list[Text] = []
        if self._diff and self._entities:
            parts += [marked_value("value", "", coloured=self._coloured).append(" masked")]
        if self._left:
            parts += [left_value("value", coloured=self._coloured).append(" left over, for a person")]
        return Text("   ").join(parts)

    def _print(self, text: Text, indent: int = 0) -> None:
        if self._console.is_terminal:
            self._console.print(Padding(text, (0, 0, 0, indent)))
        else:  # whoever reads a pipe wraps lines himself
            lines = text.split("\n", allow_blank=True) if text.plain else [text]
            for line in lines:
                self._console.print(Text(" " * indent if line.plain else "").append_text(line), soft_wrap=True)


def body(text: str, row: Sequence[Replacement], left: Sequence[Span] = (), *, diff: bool, coloured: bool) -> Text:
    """A raw text with the placeholders in it; with `diff` each behind the value that it replaces.

    `left` is what may have been overlooked. Without colours a value and its placeholder stand as in
    `git diff --word-diff`: `[-value-]{+[NAME_1]+}`, and what was left over as `{?value?}`.
    """
    shown, end = Text(), 0
    marks: list[Replacement | Span] = [*row, *left]
    for one in sorted(marks, key=lambda mark: mark.start):
        value = _shown(text[max(one.start, end) : one.end])
        shown.append(_shown(text[end : one.start]))
        if isinstance(one, Replacement):
            colour = colour_of(one.type)
            if diff:
                shown.append_text(marked_value(value, colour, coloured=coloured))
            plain = f"{{+{one.placeholder}+}}" if diff and not coloured else one.placeholder
            shown.append(plain, style=f"bold {colour}")
        elif value:
            shown.append_text(left_value(value, coloured=coloured))
        end = max(end, one.end)
    return shown.append(_shown(text[end:]))


def marked_value(value: str, colour: str, *, coloured: bool) -> Text:
    """A value that is masked."""
    return Text().append(value if coloured else f"[-{value}-]", style=f"strike dim {colour}".strip())


def left_value(value: str, *, coloured: bool) -> Text:
    """A value that may have been overlooked."""
    return Text().append(value if coloured else f"{{?{value}?}}", style=_LEFT)


def legend(entities: Counter[str]) -> Text:
    """Each type with its count, the most frequent first, in the type's colour."""
    parts = [
        (f"{entity}\N{NO-BREAK SPACE}{count(number)}", colour_of(entity)) for entity, number in entities.most_common()
    ]
    return Text("  ").join(Text(words, style=colour) for words, colour in parts)


def _head(case: AnonymizedCase) -> Text:
    number = sum(case.entities.values())
    head = Text.assemble((_shown(case.case_id), "bold"), ("  nothing masked" if not number else "", "dim"))
    if number:
        head.append("  ").append_text(legend(Counter(case.entities)))
    return head.append("  cut: its opening and end were kept" if case.cut else "", style="yellow")


def _shown(text: str) -> str:
    return text.translate(_STEERING)

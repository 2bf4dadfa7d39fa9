"""A comparison of prompt versions on the screen."""

from collections.abc import Iterator, Sequence

from rich import box
from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from plumbline.contracts.comparisons import ChangedLabel, PromptComparison, VersionFigures, VersionStep
from plumbline.report.words import count, interval_span, model_note, money, percent, plural

_NO_LABEL = "no label"
_WIDE = 78
LIKELY_CHANCE = 0.05


def rendered(found: PromptComparison, width: int, limit: int) -> Iterator[RenderableType]:
    """The figures of each version, then what each step fixed and broke; `limit` bounds the cases shown of each."""
    yield Text()
    yield _figures(found.versions, width)
    if note := model_note(found.model_id):
        yield Text(f"{found.model_id} is {note}: its accuracy says nothing about a language model's.", style="yellow")
    if found.cut_short:
        yield Text(f"\n{found.cut_short}", style="yellow")
    for step in found.steps:
        yield Text()
        yield from _step(step, limit)
    if len(found.steps) > 1:
        yield Text(
            "\nEach p-value is for its own pair; among many pairs a small one comes by chance more easily.", "dim"
        )


def _figures(versions: Sequence[VersionFigures], width: int) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim", show_edge=False, padding=(0, 1, 0, 0))
    wide = width >= _WIDE
    heads = ["Version", "Accuracy", "95%", "F1", "Labeled", *(["First try"] if wide else []), "Tokens", "USD"]
    for head in heads:
        table.add_column(head, justify="left" if head == "Version" else "right", no_wrap=True)
    for row in versions:
        n = row.accuracy.n
        table.add_row(
            Text(row.version, style="bold"),
            percent(row.accuracy.value),
            Text(interval_span(row.accuracy), style="dim"),
            f"{row.macro_f1:.3f}",
            percent(row.labeled.value, 0),
            *([percent(row.first_try.value, 0)] if wide else []),
            count(round(_tokens(row) / n)),
            "-" if row.usd is None else money(row.usd / n),
        )
    table.caption = "Tokens and USD are per case, re-asks included. A case without a label counts as wrong."
    table.caption_justify = "left"
    return table


def _tokens(row: VersionFigures) -> int:
    used = row.usage
    return used.input_tokens + used.cache_read_tokens + used.cache_write_tokens + used.output_tokens


def _step(step: VersionStep, limit: int) -> Iterator[RenderableType]:
    head = Text.assemble((step.version, "bold"), (" against ", "dim"), (step.against, "bold"), ": ")
    head.append(f"{count(len(step.fixed))} fixed", style="green" if step.fixed else "")
    head.append(", ")
    head.append(f"{count(len(step.broke))} broke", style="red" if step.broke else "")
    yield head
    yield Padding(Text(verdict(step)), (0, 0, 0, 2), expand=False)
    for word, style, cases in (("fixed", "green", step.fixed), ("broke", "red", step.broke)):
        if cases:
            yield _cases(word, style, cases[:limit])
        if len(cases) > limit:
            yield Text(f"  and {count(len(cases) - limit)} more {word} (--cases shows more, --json all)", style="dim")


def verdict(step: VersionStep) -> str:
    """The difference with its interval, and whether it may be chance."""
    words = []
    for part in step.differences:
        name = {"accuracy": "accuracy", "macro_f1": "macro-F1"}[part.metric]
        scale, unit = (100, " points") if part.metric == "accuracy" else (1, "")
        digits = 1 if part.metric == "accuracy" else 3
        words.append(
            f"{name} {part.value * scale:+.{digits}f}{unit} "
            f"({part.low * scale:+.{digits}f} to {part.high * scale:+.{digits}f})"
        )
    chance = "may be chance" if step.p_value >= LIKELY_CHANCE else "unlikely to be chance"
    return f"{', '.join(words)}; McNemar p {step.p_value:.2g}: {chance}"


def _cases(word: str, style: str, cases: Sequence[ChangedLabel]) -> Table:
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(width=7)
    grid.add_column(overflow="fold", max_width=26)
    grid.add_column(overflow="fold")
    for case in cases:
        became = Text.assemble(_label(case.before, case.gold), (" → ", "dim"), _label(case.after, case.gold))
        grid.add_row(Text(f"  {word}", style=style), Text(case.case_id, style="bold"), became)
    return grid


def _label(name: str | None, gold: str) -> Text:
    """A label, with a mark where it is the gold label."""
    return Text(f"{name} ✓", style="green") if name == gold else Text(name or _NO_LABEL, style="red")


def reuse_line(found: PromptComparison) -> str:
    """How many answers were looked up instead of paid for, and what the whole comparison did cost now."""
    calls, reused = sum(row.calls for row in found.versions), sum(row.reused for row in found.versions)
    spent = "" if found.paid_usd is None else f"; paid {money(found.paid_usd)}"
    return f"{plural(calls, 'answer')}, {count(reused)} of them reused from earlier{spent}."

"""Confusions and drafts on the screen."""

from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.text import Text

from cli.errors import CliError
from cli.paths import plumbline
from cli.run_misses import RunMisses
from cli.wrapping import say
from plumbline.contracts.summary import RunSummary
from plumbline.drafting.mining import Confusion
from plumbline.drafting.writing import MOST_EXAMPLES, Drafted
from plumbline.report.words import clipped, count, percent, plural

_SHOWN: Final = 10
_SHOWN_CASES: Final = 3
_REASONING: Final = 220


def show_confusions(console: Console, summary: RunSummary, found: RunMisses, listed: Sequence[Confusion]) -> None:
    """Print the confusions, the most frequent first. Raises CliError where no label has gold to be held against."""
    if not found.judged:
        raise CliError(
            f"No label of {summary.run_id} has a gold label to be held against.",
            f"Name a file with --gold FILE, or review the run: {plumbline('review export')} {summary.run_id}",
        )
    share = percent(len(found.misses) / found.judged)
    head = f"{summary.run_id}, {summary.task} {summary.prompt.version}, {summary.model_id}"
    say(console, head, style="dim")
    say(console, f"{count(len(found.misses))} of {plural(found.judged, 'label')} with gold are wrong ({share}).")
    if found.gone:
        say(console, f"Of {plural(found.gone, 'case')} the text is not kept any more.", style="yellow")
    for confusion in listed[:_SHOWN]:
        _show_confusion(console, confusion)
    if len(listed) > _SHOWN:
        rest = sum(len(confusion.misses) for confusion in listed[_SHOWN:])
        say(console, f"\nand {plural(len(listed) - _SHOWN, 'rarer confusion')} of {plural(rest, 'case')}", style="dim")


def _show_confusion(console: Console, confusion: Confusion) -> None:
    console.print()
    console.print(
        Text.assemble(
            (f"{plural(len(confusion.misses), 'case')}: ", "bold"), (confusion.gold, "green"), (" taken for ", "dim"),
            (confusion.label, "red"),
        )
    )  # fmt: skip
    for miss in confusion.misses[:_SHOWN_CASES]:
        said = clipped(" ".join(miss.reasoning.split()), _REASONING) or "no reasoning"
        say(console, said, style="dim", mark=f"  {miss.case_id}  ", mark_style="bold", hang=2)
    if rest := confusion.misses[_SHOWN_CASES:]:
        ids = ", ".join(miss.case_id for miss in rest[:_SHOWN])
        more = f" and {count(len(rest) - _SHOWN)} more" if len(rest) > _SHOWN else ""
        say(console, f"  {ids}{more}", style="dim")


def show_drafts(console: Console, drafts: Sequence[Drafted], left_out: int) -> None:
    """Print the drafts, each with its reason."""
    for number, draft in enumerate(drafts, start=1):
        example = draft.example
        console.print()
        console.print(
            Text.assemble(
                (f"Draft {number}", "bold"), (f", from {draft.case_id}: ", "dim"), (example.category, "green"),
                (", not ", "dim"), (example.wrong_category, "red"),
            )
        )  # fmt: skip
        say(console, "\n".join(f"  {line}" for line in example.case.split("\n")), hang=2)
        mark, style = ("  To do: ", "yellow") if draft.unfinished else ("  Why: ", "green")
        say(console, example.why_wrong, mark=mark, mark_style=style, hang=2)
    if left_out:
        say(console, f"\n{plural(left_out, 'draft')} too much like another example, or beyond {MOST_EXAMPLES} in all, "
            "left out.", style="yellow")  # fmt: skip

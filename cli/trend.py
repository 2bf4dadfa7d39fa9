"""One day's predictions on the screen: categories with bars, what was abstained and failed, drift in words."""

from collections.abc import Iterator

from rich import box
from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from plumbline.contracts.predictions import Drift, TrendSummary
from plumbline.report.words import count, percent, plural, share

_BAR = 20
_OF = {"class_shares": "Class shares", "confidence": "Confidence"}


def rendered_trend(summary: TrendSummary) -> RenderableType:
    """The whole summary, for 80 columns and up."""
    parts: list[RenderableType] = [Text(), _title(summary)]
    if summary.cases:
        parts += [Text(), _categories(summary)]
    parts += [Text(f"  {line}", style="dim") for line in _beside(summary)]
    parts += [Text(), *map(_drift, summary.drift)] if summary.drift else []
    return Group(*parts)


def _predicted(summary: TrendSummary) -> int:
    return summary.cases - summary.failed


def _title(summary: TrendSummary) -> Text:
    text = Text.assemble((f"{summary.day.isoformat()}: ", "dim"), (plural(_predicted(summary), "case"), "bold"))
    text.append(" predicted", style="bold")
    text.append(f" of {plural(summary.exports, 'export')}", style="dim")
    if summary.failed:
        text.append(f"; {plural(summary.failed, 'case')} failed", style="bold red")
    if any(drift.drifted for drift in summary.drift):
        text.append("; drift", style="bold yellow")
    return text


def _categories(summary: TrendSummary) -> RenderableType:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim", padding=(0, 1, 0, 0), show_edge=False)
    for head, justify in (("Category", "left"), ("cases", "right"), ("share", "right"), ("", "left")):
        table.add_column(head, justify="right" if justify == "right" else "left", overflow="fold")
    total = _predicted(summary)
    rows = [(name, number, "green") for name, number in summary.categories.items()]
    for name, number, style in [*rows, ("abstained", summary.abstained, "yellow")]:
        bar = ProgressBar(total=max(total, 1), completed=number, width=_BAR, complete_style=style, finished_style=style)
        table.add_row(Text(name, style="" if style == "green" else style), count(number), _part(number, total), bar)
    return table


def _part(number: int, total: int) -> str:
    return percent(share(number, total)) if total else "-"


def _beside(summary: TrendSummary) -> Iterator[str]:
    if summary.unchanged:
        yield f"{plural(summary.unchanged, 'case')} unchanged since the last prediction"
    if summary.rejected:
        yield f"{plural(summary.rejected, 'row')} rejected"
    for error, number in summary.failures.items():
        yield f"failed: {error} {count(number)}; the next execution tries them again"
    for key, error in summary.export_errors.items():
        yield f"{key}: {error}"
    if summary.mean_confidence is not None:
        yield f"mean confidence {summary.mean_confidence:.2f}"
    for version, number in summary.model_versions.items():
        yield f"model {version}: {plural(number, 'case')}"


def _drift(drift: Drift) -> Text:
    text = Text.assemble((f"{_OF[drift.of]:<13}", "dim"))
    if drift.value is None:
        return text.append("nothing to compare")
    figures = f"(population stability index {drift.value:.2f}, threshold {drift.threshold:.2f})"
    if drift.drifted:
        text.append("differ" if drift.of == "class_shares" else "differs", style="bold yellow")
        text.append(f" from training by more than chance {figures}")
        return text
    return text.append(f"as in training {figures}")

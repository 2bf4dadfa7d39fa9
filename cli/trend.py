"""What PredictCases did, on the screen: what became of these exports' cases, the day beside it, drift in words."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from plumbline import keys
from plumbline.contracts.predictions import NO_DATE, Drift, ExportPredicted, TrendSummary
from plumbline.report.words import count, each, percent, plural, share
from plumbline.summarize_predictions.tally import Tally

_BAR = 16
_DAYS, _CATEGORIES_A_DAY = 7, 3
_TRAINED_ON: Final = {
    "class_shares": ("class shares", "those of the labels that it learned from"),
    "confidence": ("confidence", "that on its held-out cases"),
}


@dataclass(frozen=True)
class Figures:
    """What became of some exports' cases. Of those predicted, each has a category or is abstained."""

    exports: int
    predicted: int
    abstained: int
    failed: int
    unchanged: int
    rejected: int
    categories: Mapping[str, int]
    per_day: Mapping[str, Mapping[str, int]]
    model_versions: Mapping[str, int]
    failures: Mapping[str, int]
    mean_confidence: float | None
    needs_review: int = 0


def figures_of_day(summary: TrendSummary) -> Figures:
    """The figures of everything that was predicted on the summary's day."""
    return Figures(
        exports=summary.exports,
        predicted=summary.cases - summary.failed,
        abstained=summary.abstained,
        needs_review=summary.needs_review,
        failed=summary.failed,
        unchanged=summary.unchanged,
        rejected=summary.rejected,
        categories=summary.categories,
        per_day=summary.categories_per_day,
        model_versions=summary.model_versions,
        failures=summary.failures,
        mean_confidence=summary.mean_confidence,
    )


def figures_of(tally: Tally) -> Figures:
    """The figures of the exports that the tally counted."""
    return Figures(
        exports=tally.exports,
        predicted=tally.predicted,
        abstained=tally.abstained,
        needs_review=tally.needs_review,
        failed=tally.failures.total(),
        unchanged=tally.unchanged,
        rejected=tally.rejected,
        categories=dict(tally.categories.most_common()),
        per_day={day: dict(found.most_common()) for day, found in sorted(tally.per_day.items())},
        model_versions={version: found.classes.total() for version, found in sorted(tally.versions.items())},
        failures=dict(tally.failures.most_common()),
        mean_confidence=tally.mean_confidence,
    )


def rendered_trend(
    summary: TrendSummary, exports: Sequence[ExportPredicted] = (), own: Figures | None = None
) -> RenderableType:
    """What became of these exports, with the whole day's figures beside theirs where they differ.

    Without exports: the day alone. For 60 columns and up.
    """
    day = figures_of_day(summary)
    shown = own or day
    more = day if shown != day else None
    name = _name(exports) if own else summary.day.isoformat()
    parts: list[RenderableType] = [Text(), _title(name, shown)]
    if shown.predicted or shown.failed or (more and (shown.unchanged or shown.rejected)):
        parts += [Text(), _table(shown, more, "this file" if len(exports) == 1 else "these files")]
    parts += [Padding(Text(line, style="dim"), (0, 0, 0, 2)) for line in _beside(shown, exports)]
    parts += _days(shown.per_day)
    parts += [Text(), *(Text(line, style="dim") for line in _of_the_day(summary, exports, more))]
    return Group(*parts, *(_drift(summary) if shown.predicted else ()))


def _name(exports: Sequence[ExportPredicted]) -> str:
    return exports[0].run.key.removeprefix(keys.DAILY) if len(exports) == 1 else plural(len(exports), "export")


def _title(name: str, shown: Figures) -> Text:
    text = Text.assemble((f"{name}: ", "dim"), (f"{plural(shown.predicted, 'case')} predicted", "bold"))
    if shown.abstained:
        text.append(f", {count(shown.abstained)} of them abstained", style="yellow")
    if shown.failed:
        text.append(f"; {plural(shown.failed, 'case')} failed", style="bold red")
    if not shown.predicted and shown.unchanged:
        text.append(f"; {plural(shown.unchanged, 'case')} unchanged", style="dim")
    return text


def _table(shown: Figures, more: Figures | None, head: str) -> RenderableType:
    """Categories with their shares, then what else became of rows; bars where there is one column of figures only."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim", padding=(0, 1, 0, 0), show_edge=False)
    table.add_column("Category", overflow="fold")
    for title in (head, "share", "the day", "share") if more else ("cases", "share"):
        table.add_column(title, justify="right")
    if not more:
        table.add_column("")
    columns = (shown, more) if more else (shown,)
    names = dict.fromkeys(name for found in columns for name in found.categories)
    rows = [(name, "green", [found.categories.get(name, 0) for found in columns]) for name in names]
    for name, style, numbers in [*rows, ("abstained", "yellow", [found.abstained for found in columns])]:
        cells: list[RenderableType] = [Text(name, style="" if style == "green" else style)]
        for number, found in zip(numbers, columns, strict=True):
            cells += [count(number), _part(number, found.predicted)]
        table.add_row(*cells, *([] if more else [_bar(numbers[0], shown.predicted, style)]))
    for name, style, numbers in _totals(columns):
        if any(numbers):
            table.add_row(Text(name, style=style), *(cell for number in numbers for cell in (count(number), "")))
    return table


def _totals(columns: Sequence[Figures]) -> Iterator[tuple[str, str, list[int]]]:
    yield "predicted", "bold", [found.predicted for found in columns]
    yield "failed", "red", [found.failed for found in columns]
    yield "unchanged", "dim", [found.unchanged for found in columns]
    yield "rejected rows", "yellow", [found.rejected for found in columns]


def _bar(number: int, total: int, style: str) -> RenderableType:
    return ProgressBar(total=max(total, 1), completed=number, width=_BAR, complete_style=style, finished_style=style)


def _part(number: int, total: int) -> str:
    return percent(share(number, total)) if total else "-"


def _beside(shown: Figures, exports: Sequence[ExportPredicted]) -> Iterator[str]:
    """What the counts do not say: why rows were rejected and cases failed, which model, how sure it was."""
    ingests = [export.ingest for export in exports if export.ingest]
    reasons: Counter[str] = sum((Counter(ingest.reject_reasons) for ingest in ingests), Counter())
    if reasons:
        yield f"{plural(shown.rejected, 'row')} rejected: {each(dict(reasons.most_common()))}"
    if repeated := sum(ingest.repeated for ingest in ingests):
        yield f"{plural(repeated, 'row')} said again what an earlier row said"
    if cut := sum(ingest.cut for ingest in ingests):
        yield f"{plural(cut, 'overlong case')} cut: the opening and the end were kept"
    if shown.abstained > shown.needs_review:
        yield "abstained: not sure enough to name a category; a person should look"
    if shown.needs_review:
        kept = f"{plural(shown.needs_review, 'case')} kept from the model"
        yield f"abstained: {kept}, because personal data may be left in the text; a person should look"
    for error, number in shown.failures.items():
        yield f"failed: {error} {count(number)}; the next execution tries them again"
    if shown.mean_confidence is not None:
        yield f"mean confidence {shown.mean_confidence:.2f}"
    for version, number in shown.model_versions.items():
        yield f"model {version}: {plural(number, 'case')}"


def _days(per_day: Mapping[str, Mapping[str, int]]) -> list[RenderableType]:
    """A line a day on which cases were created, the newest first: how many, and their most frequent categories."""
    days = sorted(per_day, key=lambda day: "" if day == NO_DATE else day, reverse=True)
    if not days or days == [NO_DATE]:
        return []
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(justify="right", no_wrap=True)
    grid.add_column(style="dim")
    for day in days[:_DAYS]:
        found = Counter(per_day[day]).most_common()
        words = [f"{name} {count(number)}" for name, number in found[:_CATEGORIES_A_DAY]]
        rest = sum(number for _, number in found[_CATEGORIES_A_DAY:])
        grid.add_row(
            day, count(sum(per_day[day].values())), ", ".join([*words, *([f"others {count(rest)}"] * (rest > 0))])
        )
    head = "Cases with a category, by day of creation"
    if len(days) > _DAYS:
        head += f", the newest {_DAYS} of {count(len(days))} (all: --json)"
    return [Text(), Text(head, style="dim"), grid]


def _of_the_day(summary: TrendSummary, exports: Sequence[ExportPredicted], more: Figures | None) -> Iterator[str]:
    """What belongs to the day and not to these exports: how many there were, and others that could not be read."""
    if more:
        yield f"The day {summary.day.isoformat()} has {plural(summary.exports, 'export')} so far."
    if summary.exports > 1:
        yield "A case counts once for each export that it was predicted in."
    own = {export.run.key for export in exports}
    for key, error in summary.export_errors.items():
        if key not in own:
            yield f"Another export of the day, {key}, failed with {error}."


def _drift(summary: TrendSummary) -> Iterator[RenderableType]:
    if not summary.drift:
        return
    model = summary.drift_model or "the model that predicted most of them"
    yield Text.assemble(("The day against the training of ", "dim"), (model, ""))
    for drift in summary.drift:
        yield Padding(_drift_line(drift), (0, 0, 0, 2))


def _drift_line(drift: Drift) -> Text:
    name, trained_on = _TRAINED_ON[drift.of]
    text = Text.assemble((f"{name}: ", "dim"))
    if drift.value is None:
        return text.append("nothing to compare with")
    figures = f"(population stability index {drift.value:.2f}, threshold {drift.threshold:.2f})"
    if drift.drifted:
        text.append("drift", style="bold yellow")
        return text.append(f", more than chance away from {trained_on} {figures}")
    return text.append(f"like {trained_on} {figures}")

"""The end of a run on the screen: what came of the cases, the classes against the target, how good, what it cost."""

from collections.abc import Iterator, Mapping

from rich import box
from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from cli.hint import Hint
from cli.paths import plumbline
from cli.stack import Stack
from plumbline.contracts.accuracy import AccuracyBlock, ClassAccuracy, Interval
from plumbline.contracts.errors import TrainingNotConfigured
from plumbline.contracts.runs import BalanceResult
from plumbline.contracts.summary import RunSummary
from plumbline.report.advice import headline, next_steps
from plumbline.report.confidence import standing
from plumbline.report.costs import batch_note, cache_note, estimate_note, road_name
from plumbline.report.facts import run_time
from plumbline.report.names import log_tells_more, outcome_reason, repair_name, training_fault
from plumbline.report.words import (
    count,
    each,
    hours,
    interval_span,
    model_note,
    money,
    percent,
    plural,
    share,
)

_BAR, _CLASS_BAR = 20, 6
_OUTCOMES = (
    ("labeled", "green"),
    ("needs_review", "yellow"),
    ("dropped", "yellow"),
    ("failed", "red"),
    ("unchanged", "dim"),
)


def rendered(summary: RunSummary, stack: Stack, places: Mapping[str, str] | None = None) -> RenderableType:
    """The whole summary, for 80 columns and up. `places`: for a bucket key, what to call it on this machine."""
    parts: list[RenderableType] = [
        Text(), _title(summary), Text(), _funnel(summary), Text(), _classes(summary), *_repairs(summary),
        Text(), _facts(summary, stack), Text(), _steps(summary, stack, places or {}),
    ]  # fmt: skip
    return Group(*parts)


def _title(summary: RunSummary) -> RenderableType:
    labeled, balanced, cost = headline(summary)
    mood = "yellow" if summary.balance is None or summary.balance.verdict != "balanced" else "green"
    return Text.assemble((labeled, "bold"), "; ", (balanced, f"bold {mood}"), "; ", (cost, "bold"), ".")


def _table(*heads: tuple[str, bool]) -> Table:
    """A quiet table; each head with whether its column holds figures."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim", padding=(0, 1, 0, 0), show_edge=False)
    for head, is_figure in heads:
        table.add_column(head, justify="right" if is_figure else "left", overflow="fold")
    return table


def _funnel(summary: RunSummary) -> RenderableType:
    ingest = summary.ingest
    table = _table(("What came of the file", False), ("cases", True), ("share", True), ("", False))
    for name, style in _OUTCOMES:
        number = summary.outcomes.get(name, 0)  # type: ignore[call-overload]  # _OUTCOMES holds nothing but OutcomeNames
        if number or name == "labeled":
            part = share(number, ingest.cases)
            words = Text(name.replace("_", " "), style=style)
            table.add_row(words, count(number), percent(part), _bar(number, ingest.cases, style))
    table.add_row(Text("all cases", style="bold"), Text(count(ingest.cases), style="bold"), "", "")
    beside = list(_beside(summary))
    return Group(table, *(Text(f"  {line}", style="dim") for line in beside))


def _beside(summary: RunSummary) -> Iterator[str]:
    """What the counts do not say: rejected rows and why, repeats, cuts, and why cases have no label."""
    ingest = summary.ingest
    if ingest.rejected:
        yield f"{plural(ingest.rejected, 'row')} rejected: {each(ingest.reject_reasons)}"
    if ingest.repeated:
        yield f"{plural(ingest.repeated, 'row')} said again what an earlier row said"
    if ingest.cut:
        yield f"{plural(ingest.cut, 'overlong case')} cut: the opening and the end were kept"
    for reason, number in summary.outcome_reasons.items():
        yield outcome_reason(reason, count(number))


def _bar(number: int, total: int, style: str, width: int = _BAR) -> RenderableType:
    return ProgressBar(
        total=max(total, 1), completed=min(number, total), width=width, complete_style=style, finished_style=style
    )


def _classes(summary: RunSummary) -> RenderableType:
    accuracy = {block.category: block for block in summary.accuracy.per_class} if summary.accuracy else {}
    heads = [("Class", False), ("this run", True)]
    heads += [("accepted\nso far", True), ("target", True), ("", False)] if summary.balance else []
    heads += [("precision", True), ("recall", True)] if accuracy else []
    table = _table(*heads)
    if summary.balance is None:
        for name, number in summary.classes.items():
            table.add_row(name, count(number), *_quality(accuracy, name))
        return table
    for item in summary.balance.counts:
        style = "green" if item.accepted >= item.target else "yellow" if item.accepted else "red"
        table.add_row(
            Text(item.category),
            count(item.this_run),
            Text(count(item.accepted), style=style),
            count(item.target),
            _bar(item.accepted, item.target, style, _CLASS_BAR),
            *_quality(accuracy, item.category),
        )
    if not summary.balance.near_duplicates:
        return table
    left_out = f"  {plural(summary.balance.near_duplicates, 'near-duplicate')} left out of the dataset"
    return Group(table, Text(left_out, style="dim"))


def _quality(accuracy: dict[str, ClassAccuracy], name: str) -> list[str]:
    if not accuracy:
        return []
    block = accuracy.get(name)
    return [_short(block.precision), _short(block.recall)] if block else ["-", "-"]


def _short(figure: Interval | None) -> str:
    return percent(figure.value, 0) if figure else "-"


def _repairs(summary: RunSummary) -> list[RenderableType]:
    if not summary.repairs:
        return []
    named = ", ".join(f"{repair_name(name).lower()} {count(number)}" for name, number in summary.repairs.items())
    return [Text(f"  mended replies: {named}", style="dim")]


def _facts(summary: RunSummary, stack: Stack) -> RenderableType:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in _fact_rows(summary, stack):
        grid.add_row(name, value)
    return grid


def _fact_rows(summary: RunSummary, stack: Stack) -> Iterator[tuple[str, RenderableType]]:
    if summary.accuracy:
        yield "Accuracy", _accuracy(summary.accuracy)
    if summary.confidence:
        word, meaning = standing(summary.confidence)
        yield "Confidence", Text(f"{word.lower()}: {meaning}")
    yield "Cost", _cost(summary)
    yield from _beside_cost(summary)
    yield "Run", Text(f"{summary.run_id}, {run_time(summary)}, prompt {summary.task} {summary.prompt.version}")
    note = model_note(summary.model_id)
    yield "Model", Text(f"{summary.model_id} ({note})" if note else summary.model_id)
    if summary.balance and (short := _short_by(summary.balance)):
        yield "Short by", Text(short, style="yellow")
    if summary.balance and summary.balance.manifest_key:
        yield "Dataset", Text(f"{summary.balance.dataset_version}, {plural(summary.balance.selected, 'case')} selected")
    if summary.training_job or summary.training_error:
        yield "Training", _training(summary, stack)
    if stack.local is None:
        yield "Buckets", Text(f"{stack.raw_bucket}, {stack.data_bucket}", style="dim")


def _training(summary: RunSummary, stack: Stack) -> Text:
    if summary.training_job:
        return Text(f"job {summary.training_job}")
    error = summary.training_error or ""
    see = f" See {stack.log_of('start_training')}." if log_tells_more(error) else ""
    style = "" if error == TrainingNotConfigured.__name__ else "yellow"
    return Text(f"{training_fault(error)}{see}", style=style)


def _accuracy(block: AccuracyBlock) -> Text:
    text = Text.assemble(
        (percent(block.accuracy.value), "bold"), f" of {plural(block.accuracy.n, 'labeled gold case')}"
    )
    text.append(f" (95% interval {interval_span(block.accuracy)}), macro F1 {block.macro_f1:.2f}")
    if block.kappa is not None:
        text.append(f", kappa {block.kappa:.2f}")
    text.append(f"; {percent(block.coverage.value)} of {plural(block.coverage.n, 'gold case')} labeled")
    if block.unknown_gold:
        text.append(f"; {plural(block.unknown_gold, 'gold label')} unknown to the task", style="yellow")
    return text


def _cost(summary: RunSummary) -> Text:
    cost, new = summary.cost, summary.ingest.new
    text = Text(money(cost.usd) if cost.usd is not None else "no price known for this model", style="bold")
    text.append(f" for {plural(summary.model_calls, 'model call')}", style="not bold")
    if summary.reused_calls:
        text.append(f", {plural(summary.reused_calls, 'reply')} reused", style="not bold")
    if cost.perhaps_spent_usd:
        lost = f"; at most {money(cost.perhaps_spent_usd)} besides for calls whose answer never came back"
        text.append(lost, style="not bold")
    if new:
        baseline = f"; a person would take {hours(cost.human_hours)} at {cost.minutes_per_case:g} minutes a case"
        text.append(baseline, style="not bold")
    return text


def _beside_cost(summary: RunSummary) -> Iterator[tuple[str, Text]]:
    """The estimate against the cost, what the cache saved, and what became of a batch."""
    if note := estimate_note(summary):
        yield "Estimate", Text(f"{money(summary.ingest.estimated_usd)}, {note}")
    saved, read = cache_note(summary)
    if saved:
        yield "Cache", Text(f"saved {saved}: {read}")
    if note := batch_note(summary):
        saved_usd = summary.cost.saved_by_batch_usd
        yield road_name(summary), Text(f"{note}; saved {money(saved_usd)}" if saved_usd else note)
    elif summary.ingest.road_reason:
        yield "Asked", Text(f"{road_name(summary).lower()}: {summary.ingest.road_reason}")


def _short_by(balance: BalanceResult) -> str:
    """What each class lacks; the headline has said that something is lacking. Empty where nothing is."""
    return ", ".join(f"{name} {count(missing)}" for name, missing in balance.missing.items() if missing > 0)


def _here(code: str, stack: Stack) -> str:
    """A report's command as it can be pasted on this machine; anything else as it is."""
    words = code.removeprefix("plumbline ")
    return code if words == code else plumbline(f"{words}{stack.option}")


def _steps(summary: RunSummary, stack: Stack, places: Mapping[str, str]) -> RenderableType:
    lines: list[RenderableType] = [Text("Next", style="dim")]
    for step in next_steps(summary):
        code = places.get(step.code) or _here(step.code, stack)
        lines.append(Hint(step.text, code, " → "))
    return Group(*lines)

"""An evaluation on the screen: which checks were chosen and why, then what each of them found."""

from collections.abc import Iterator, Sequence

from rich import box
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from cli.wrapping import say
from plumbline.contracts.accuracy import AccuracyBlock, Interval
from plumbline.contracts.evaluation import (
    RIGHT_FROM,
    Check,
    Choice,
    Evaluation,
    GoldCheck,
    JudgeAgreement,
    JudgeCheck,
    LeftOut,
    Mean,
    ReferenceCheck,
)
from plumbline.contracts.gold import GoldOrigin
from plumbline.contracts.summary import RunSummary
from plumbline.report.words import clipped, count, interval_span, model_note, money, percent, plural

_NAMES: dict[Check, str] = {
    "gold": "Gold labels",
    "references": "Reference reasonings",
    "judge": "LLM as judge",
    "review_sheet": "Review by people",
}
_ORIGINS: dict[GoldOrigin, str] = {
    "file": "from the file",
    "review": "from reviews",
    "ground_truth": "from Ground Truth",
    "export": "from the export",
}
_WIDE = 78
_HARDLY = 0.6  # an AUROC below which a judge does not tell wrong labels from right ones
_EXPLANATION = 160


def show_choices(console: Console, summary: RunSummary, choices: Sequence[Choice]) -> None:
    """Each check that there is: made or not, and why."""
    prompt = f"{summary.prompt.task} {summary.prompt.version}"
    console.print(Text.assemble((f"\n{summary.run_id}", "bold"), f"  {prompt} with {summary.model_id}"))
    for choice in choices:
        mark, style = ("✓ ", "green") if choice.made else ("- ", "dim")
        say(console, f"{_NAMES[choice.check]}: {choice.why}.", mark=mark, mark_style=style, hang=2,
            style="" if choice.made else "dim")  # fmt: skip


def rendered(found: Evaluation, width: int) -> Iterator[RenderableType]:
    """What each check found, for 60 columns and up."""
    if found.gold:
        yield from _gold(found.gold, found.model_id, width)
    if found.references:
        yield from _references(found.references)
    if found.judge:
        yield from _judge(found.judge, width)


def _gold(found: GoldCheck, model_id: str, width: int) -> Iterator[RenderableType]:
    block = found.figures
    told = ", ".join(f"{count(number)} {_ORIGINS[origin]}" for origin, number in found.origins.items())
    yield Text(f"\nLabels beside gold ({told})", style="bold")
    grid = _grid()
    grid.add_row("Accuracy", _with_interval(block.accuracy), f"of {plural(block.accuracy.n, 'label')} with gold")
    held = f", {count(found.held)} wait for a person" if found.held else ""
    grid.add_row(
        "Coverage", _with_interval(block.coverage), f"of {plural(block.coverage.n, 'gold case')} have a label{held}"
    )
    for name, value in (
        ("Macro precision", block.macro_precision), ("Macro recall", block.macro_recall),
        ("Macro F1", block.macro_f1), ("Cohen's kappa", block.kappa),
    ):  # fmt: skip
        grid.add_row(name, "-" if value is None else f"{value:.2f}", "")
    yield grid
    if block.unknown_gold:
        words = f"{plural(block.unknown_gold, 'gold label')} left out: the task knows no such category."
        yield Text(words, style="yellow")
    yield from _left_out(found.left_out)
    if note := model_note(model_id):
        yield Text(f"{model_id} is {note}: its accuracy says nothing about a language model's.", style="yellow")
    yield Text()
    yield _classes(block, wide=width >= _WIDE)
    yield Text()
    yield from _confusion(block)


def _left_out(found: LeftOut) -> Iterator[Text]:
    """What people reviewed and no figure here counts."""
    if found.picked:
        words = f"Left out: {plural(found.picked, 'reviewed row')} picked as likely wrong, not drawn at random."
        yield Text(words, style="dim")
    if found.unknown:
        rows = plural(found.unknown, "reviewed row")
        words = f"Left out: {rows} of an earlier import, which did not keep how a row was drawn. Import the file again."
        yield Text(words, style="yellow")


def _classes(block: AccuracyBlock, *, wide: bool) -> Table:
    heads = ("Class", "Gold", "Precision", *(("95%",) if wide else ()), "Recall", *(("95%",) if wide else ()), "F1")
    table = _table(*heads)
    for item in block.per_class:
        cells = [
            cell
            for value in (item.precision, item.recall)
            for cell in (
                percent(value.value) if value else "-",
                *((Text(interval_span(value) if value else "", style="dim"),) if wide else ()),
            )
        ]
        table.add_row(Text(item.category), count(item.support), *cells, "-" if item.f1 is None else f"{item.f1:.2f}")
    return table


def _confusion(block: AccuracyBlock) -> Iterator[RenderableType]:
    """The matrix with numbers for names, so that it fits; a row is a gold label, a column the label given."""
    names = list(block.confusion)
    used = [n for n, name in enumerate(names) if sum(block.confusion[name].values()) or _given(block, name)]
    yield Text("Confusion: a row is gold, a column the label that was given", style="dim")
    table = _table("", *(str(place + 1) for place in used))
    for place in used:
        row = block.confusion[names[place]]
        cells = [
            Text(count(row[names[other]]) if row[names[other]] else "·", style=_tone(row[names[other]], other == place))
            for other in used
        ]
        table.add_row(Text(f"{place + 1} {clipped(names[place], 28)}"), *cells)
    yield table


def _given(block: AccuracyBlock, name: str) -> int:
    return sum(row.get(name, 0) for row in block.confusion.values())


def _tone(cases: int, right: bool) -> str:
    if not cases:
        return "dim"
    return "green" if right else "red"


def _references(found: ReferenceCheck) -> Iterator[RenderableType]:
    yield Text("\nReasonings beside people's", style="bold")
    grid = _grid()
    grid.add_row("ROUGE-L", _mean(found.rouge_l), "the same words in the same order")
    grid.add_row("Embedding cosine", _mean(found.cosine), "the same meaning, in other words or the same")
    yield grid
    yield Text(f"Means over {plural(found.rouge_l.n, 'case')} with 95% bootstrap intervals.", style="dim")
    if found.unmatched:
        yield Text(f"{plural(found.unmatched, 'reference')} of cases without a label in this run.", style="yellow")


def _unscored(found: JudgeCheck) -> Iterator[Text]:
    if found.unread:
        yield Text(f"{plural(found.unread, 'label')} without a score: no reply could be read.", style="yellow")
    if found.unasked:
        words = (
            f"The budget ended it: {plural(found.unasked, 'label')} of the sample not judged. With a larger --budget"
        )
        yield Text(f"{words} the same command goes on: what was answered is not paid for again.", style="yellow")


def _judge(found: JudgeCheck, width: int) -> Iterator[RenderableType]:
    yield Text.assemble(("\nJudge score", "bold"), f" by {found.model_id}: an opinion, not accuracy")
    if note := model_note(found.model_id):
        yield Text(f"{found.model_id} is {note}: its scores mean nothing.", style="yellow")
    grid = _grid()
    if found.score:
        grid.add_row("Judge score", _mean(found.score), f"of 5, mean over {plural(found.score.n, 'random label')}")
        listed = ", ".join(f"{score}: {count(cases)}" for score, cases in found.scores.items())
        grid.add_row("Scores", Text(listed), "")
    yield grid
    yield Text(_spent(found), style="dim")
    yield from _unscored(found)
    if found.agreement:
        yield from _agreement(found.agreement)
    elif found.score:
        yield Text("How far this judge agrees with people is not known: no judged label has gold.", style="yellow")
    if found.lowest and found.lowest[0].score < RIGHT_FROM:
        yield Text("\nLowest scores", style="dim")
        table = Table.grid(padding=(0, 1, 0, 0))
        for _ in range(3):
            table.add_column(overflow="fold")
        for one in found.lowest:
            if one.score < RIGHT_FROM:
                words = clipped(one.explanation, _EXPLANATION if width >= _WIDE else _EXPLANATION // 2)
                table.add_row(Text(f"  {one.score}", style="red"), Text(one.case_id, style="bold"),
                              Text.assemble((one.category, ""), (f": {words}", "dim")))  # fmt: skip
        yield table


def _agreement(found: JudgeAgreement) -> Iterator[RenderableType]:
    yield Text(f"\nThe judge beside people, on {plural(found.cases, 'label')} with gold", style="dim")
    grid = _grid()
    grid.add_row("Agreed", _with_interval(found.agreed), f"a score of {RIGHT_FROM} or 5 taken as right")
    grid.add_row("Kappa", "-" if found.kappa is None else f"{found.kappa:.2f}", "0: no better than chance")
    grid.add_row("AUROC", "-" if found.auroc is None else f"{found.auroc:.2f}", "of telling wrong labels from right")
    for name, share in (("Scored 4 or 5", found.right_when_high), ("Scored 1 to 3", found.right_when_low)):
        if share:
            grid.add_row(name, _with_interval(share), f"right, of {count(share.n)}")
    yield grid
    if found.auroc is not None and found.auroc < _HARDLY:
        yield Text("This judge hardly tells wrong labels from right ones: do not go by its scores.", style="yellow")


def _spent(found: JudgeCheck) -> str:
    extra = f"; {count(found.extra)} more with gold were judged for the agreement" if found.extra else ""
    paid = "" if found.paid_usd is None else f"; paid {money(found.paid_usd)}"
    prompt = f"prompt {found.prompt.task}/{found.prompt.version}"
    return f"{plural(found.calls, 'answer')}, {count(found.reused)} of them reused from earlier{paid}; {prompt}{extra}."


def _with_interval(value: Interval) -> Text:
    return Text.assemble((percent(value.value), "bold"), (f" ({interval_span(value)})", "dim"))


def _mean(value: Mean) -> Text:
    return Text.assemble((f"{value.value:.2f}", "bold"), (f" ({value.low:.2f}–{value.high:.2f})", "dim"))  # noqa: RUF001


def _grid() -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold", style="dim")
    return grid


def _table(*heads: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim", show_edge=False, padding=(0, 1, 0, 0))
    for number, head in enumerate(heads):
        table.add_column(head, justify="right" if number else "left", overflow="fold", no_wrap=bool(number))
    return table

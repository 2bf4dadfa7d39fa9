"""What a review found, on the screen."""

from collections.abc import Iterator

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from plumbline.contracts.summary import RunSummary
from plumbline.report.words import interval_span, model_note, percent, plural
from plumbline.review.verdict import Verdict

_MOST_ROWS = 12


def rendered(found: Verdict, summary: RunSummary) -> RenderableType:
    """The verdict for 80 columns: how many reviewed, the accuracy, what was corrected."""
    return Group(*_parts(found, summary))


def _parts(found: Verdict, summary: RunSummary) -> Iterator[RenderableType]:
    prompt = f"{summary.prompt.task} {summary.prompt.version}"
    yield Text.assemble((f"\n{summary.run_id}", "bold"), f"  {prompt} with {summary.model_id}")
    yield Text(f"Reviewed: {found.reviewed} of {plural(found.asked, 'case')}.")
    block = found.accuracy
    if block is not None:
        n = block.accuracy.n
        yield Text.assemble(
            "Accuracy: ", (percent(block.accuracy.value), "bold"),
            f" of {plural(n, 'random row')} (95% interval {interval_span(block.accuracy)})",
        )  # fmt: skip
        if block.kappa is not None:
            yield Text(f"Cohen's kappa: {block.kappa:.2f} (0 is chance, 1 is the same throughout)")
        if n < found.random_asked:
            left = plural(found.random_asked - n, "random row")
            yield Text(f"Not reviewed: {left}. Where the hard ones were skipped, the figure flatters.")
    elif found.random_asked:
        yield Text("No random row was reviewed: this says nothing about the accuracy of the run.")
    if found.useful is not None:
        share = percent(found.useful.value)
        yield Text(f"Of {plural(found.useful.n, 'row')} picked as useful {share} are right: no measure of the run.")
    if note := model_note(summary.model_id):
        yield Text(f"{summary.model_id} is {note}.", style="yellow")
    yield Text()
    if found.corrected:
        yield _corrected(found)
    else:
        yield Text("Nothing was corrected.")


def _corrected(found: Verdict) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim", show_edge=False, padding=(0, 1, 0, 0))
    for head in ("The model said", "People say"):
        table.add_column(head, overflow="fold")
    table.add_column("Cases", justify="right", no_wrap=True)
    rows = list(found.corrected.items())
    for (model, person), cases in rows[:_MOST_ROWS]:
        table.add_row(Text(model), Text(person), str(cases))
    if len(rows) > _MOST_ROWS:
        table.add_row(f"{len(rows) - _MOST_ROWS} other pairs", "", str(sum(n for _, n in rows[_MOST_ROWS:])))
    return table

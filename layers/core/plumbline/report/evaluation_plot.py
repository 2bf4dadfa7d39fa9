"""What an evaluation found, as an SVG file of its own."""

from collections.abc import Iterator

from plumbline.contracts.evaluation import Evaluation
from plumbline.report.interval_plot import PlotRow, interval_plot
from plumbline.report.words import plural


def evaluation_plot(found: Evaluation) -> str | None:
    """Every proportion that there is, with its interval; None where there is none. A judge's score is none."""
    rows = list(_rows(found))
    if not rows:
        return None
    n = found.gold.figures.accuracy.n if found.gold else 0
    beside = f"{plural(n, 'label')} with gold; " if found.gold else ""
    note = f"{beside}{found.model_id}; 95% Wilson intervals"
    return interval_plot(f"{found.task} {found.prompt.version}: {found.run_id}", note, rows)


def _rows(found: Evaluation) -> Iterator[PlotRow]:
    if found.gold:
        figures = found.gold.figures
        yield PlotRow("Accuracy", figures.accuracy)
        yield PlotRow("Coverage", figures.coverage)
        for item in figures.per_class:
            for name, value in (("precision", item.precision), ("recall", item.recall)):
                if value:
                    yield PlotRow(f"{item.category}: {name}", value)
    if found.judge and found.judge.agreement:
        yield PlotRow("Judge agrees with people", found.judge.agreement.agreed)

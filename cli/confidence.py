"""`plumbline confidence`: make a probability of labels' confidence from gold labels, and see what it is worth."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from cli import stack as stacks
from cli.downloads import run_folder
from cli.errors import CliError
from cli.gold_cases import gold_by_id
from cli.options import AsJson, StackName, examples
from cli.paths import plumbline, shown
from cli.run import console_for
from cli.stack import Stack
from cli.status import run_summary
from cli.wrapping import say
from plumbline import keys
from plumbline.adapters.s3 import S3ObjectStore
from plumbline.confidence import read_calibration
from plumbline.confidence.fit import FOLDS, MIN_VOTED, fit
from plumbline.confidence.rows import gold_of_run, rows_of_run
from plumbline.contracts.confidence import Calibration, Figures, Later
from plumbline.contracts.errors import CannotCalibrate, MissingObject
from plumbline.gold import Told
from plumbline.report.confidence_plot import confidence_plot
from plumbline.report.words import interval_span, model_note, moment, percent, plural

SHOWN_SHARES: Final = (0.0, 0.05, 0.11, 0.2, 0.3, 0.5)
_HARDLY: Final = 0.6  # an AUROC below which review by confidence is not much better than by lot
_WEAK: Final = 0.05  # a weight that moves nothing
confidence_app = typer.Typer(help="Make a probability of the labels' confidence, and see it.", no_args_is_help=True)
Run = Annotated[str, typer.Argument(metavar="RUN", help="A run's id, its beginning, or `last`.")]
Plot = Annotated[Path | None, typer.Option("--plot", metavar="FILE", help="Where the picture (SVG) goes.")]


@confidence_app.command(
    "fit", epilog=examples("plumbline confidence fit last", "plumbline confidence fit run-4f2a --gold gold.csv")
)
def fit_command(
    run: Run = "last",
    gold: Annotated[
        Path | None, typer.Option("--gold", metavar="FILE", help="Gold labels by case id, in place of the run's own.")
    ] = None,
    mapping: Annotated[
        Path | None, typer.Option("--map", metavar="FILE", help="Which column of FILE is which field (YAML).")
    ] = None,
    plot: Plot = None,
    stack: StackName = None,
    as_json: AsJson = False,
) -> None:
    """Fit on a run's labels that have gold: what came with the export, what was reviewed, or FILE.

    It holds for that prompt version and that model, and counts from the next run on.
    It takes 50 labels with gold, ten of them wrong; some 150 are better.
    """
    where = stacks.find(stack)
    raise typer.Exit(fit_run(where, run, gold, mapping, plot, console_for(as_json=as_json), as_json=as_json))


@confidence_app.command("show", epilog=examples("plumbline confidence show", "plumbline confidence show last --json"))
def show_command(run: Run = "last", plot: Plot = None, stack: StackName = None, as_json: AsJson = False) -> None:
    """What the confidence of a run's prompt and model is worth; 1 when it was never fitted."""
    where = stacks.find(stack)
    raise typer.Exit(show(where, run, plot, console_for(as_json=as_json), as_json=as_json))


def fit_run(
    where: Stack, wanted: str, file: Path | None, mapping: Path | None, plot: Path | None, console: Console,
    *, as_json: bool,
) -> int:  # fmt: skip
    """Fit, store the calibration beside the stack's data, show it; 0."""
    summary, data = run_summary(where, wanted), S3ObjectStore(where.data_bucket)
    try:
        classes = tuple(summary.classes)
        if file:
            gold = {case_id: Told(name, "file") for case_id, name in gold_by_id(file, mapping, classes).items()}
        else:
            gold = gold_of_run(summary.task, summary.run_id, data)
        rows = rows_of_run(summary.run_id, gold, classes, data)
        found = fit(rows, prompt=summary.prompt, model_id=summary.model_id, now=datetime.now(UTC))
    except CannotCalibrate as error:
        hint = f"{plumbline(f'review export {summary.run_id}{where.option}')} makes a sheet for people."
        raise CliError(f"{summary.run_id}: {error}.", hint) from None
    except MissingObject as error:
        raise CliError(f"The labels of {summary.run_id} are gone: {error}.") from None
    except ImportError:
        raise CliError("scikit-learn is not installed.", "`make setup` installs it.") from None
    key = keys.calibration(found.task, found.prompt.sha256, found.model_id)
    data.write(key, found.model_dump_json(indent=2).encode())
    if as_json:
        print(found.model_dump_json(indent=2))
        return 0
    console.print(rendered(found))
    _draw(found, plot or run_folder(summary.run_id) / "confidence.svg", console)
    say(console, f"Stored as s3://{where.data_bucket}/{key}; runs from now on use it.")
    return 0


def show(where: Stack, wanted: str, plot: Path | None, console: Console, *, as_json: bool) -> int:
    """Show the calibration that a run like this one would use; 1 where there is none."""
    summary = run_summary(where, wanted)
    found = read_calibration(summary.prompt, summary.model_id, S3ObjectStore(where.data_bucket))
    if found is None:
        prompt = f"{summary.prompt.task} {summary.prompt.version}"
        say(console, f"The confidence of {prompt} with {summary.model_id} is not calibrated: it ranks labels, no more.")
        say(console, f"Fit it on gold labels: {plumbline(f'confidence fit {summary.run_id}{where.option}')}")
        return 1
    if as_json:
        print(found.model_dump_json(indent=2))
        return 0
    console.print(rendered(found))
    if plot:
        _draw(found, plot, console)
    return 0


def rendered(found: Calibration) -> RenderableType:
    """The figures, beside those of the bare rank, for 80 columns."""
    return Group(*_parts(found))


def _parts(found: Calibration) -> Iterator[RenderableType]:
    accuracy = found.accuracy
    yield Text.assemble(
        (f"\n{found.prompt.task} {found.prompt.version}", "bold"),
        f" with {found.model_id}, fitted {moment(found.fitted_at)} on {plural(found.cases, 'label')} with gold",
    )
    measured = found.cases if found.measured is None else found.measured
    whose = "them" if measured == found.cases else f"the {plural(measured, 'label')} that stand for the run"
    yield Text(f"{percent(accuracy.value)} of {whose} are right ({interval_span(accuracy)}).")
    if left := found.cases - measured:
        words = f"{plural(left, 'other label')} taught it and {'is' if left == 1 else 'are'} in no figure here:"
        yield Text(f"{words} a queue picked them as likely wrong, or nobody kept how they were drawn.", style="dim")
    if note := model_note(found.model_id):
        yield Text(f"{found.model_id} is {note}.", style="yellow")
    yield Text()
    yield _figures(found)
    if found.figures:
        yield Text()
        yield _review(found.figures)
    yield Text(f"Measured on labels that each fit had not seen ({FOLDS}-fold; near-duplicates kept together).", "dim")
    yield Text()
    yield Text(f"Signals: {_weights(found.weights)}")
    if found.with_votes:
        yield Text(f"With votes ({plural(found.voted, 'label')}): {_weights(found.with_votes.by_feature)}")
    elif found.voted:
        yield Text(f"Only {plural(found.voted, 'label')} had votes; it takes {MIN_VOTED} to weigh them.", "yellow")
    if found.later:
        yield from _later(found.later)
    if found.auroc is not None and found.auroc < _HARDLY:
        words = "These signals hardly tell wrong labels from right ones. Votes tell more: deploy with VoteSamples=3"
        yield Text(f"{words} and a higher VoteBelow, run again, fit again.", "yellow")


def _later(found: Later) -> Iterator[Text]:
    yield Text(f"Known later ({plural(found.cases, 'label')}): {_weights(found.weights.by_feature)}")
    with_it, without = (figures.auroc if figures else None for figures in (found.figures, found.without))
    if with_it is not None and without is not None:
        yield Text(
            f"AUROC with a judge's scores and neighbours {with_it:.2f}, without {without:.2f} on the same labels. They "
            "order a review queue; a run's own confidence cannot have them.",
            "dim",
        )


def _figures(found: Calibration) -> Table:
    table = _table("", "Calibrated", "Rank alone")
    for name, words in (("auroc", "AUROC of errors"), ("calibration_error", "Calibration error")):
        values = [getattr(figures, name) if figures else None for figures in (found.figures, found.rank)]
        table.add_row(words, *("-" if v is None else f"{v:.2f}" if name == "auroc" else percent(v) for v in values))
    return table


def _review(figures: Figures) -> Table:
    table = _table("To people", "Errors caught", "Accuracy of the rest")
    for point in figures.review:
        if point.reviewed in SHOWN_SHARES:
            kept = "-" if point.accuracy is None else percent(point.accuracy)
            table.add_row(percent(point.reviewed, 0), percent(point.errors_caught, 0), kept)
    return table


def _table(*heads: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim", show_edge=False, padding=(0, 1, 0, 0))
    for number, head in enumerate(heads):
        table.add_column(head, justify="right" if number else "left", no_wrap=True)
    return table


def _weights(weights: dict[str, float]) -> str:
    """The weights that move something, the strongest first; + makes a label likelier to be right."""
    strong = sorted(weights.items(), key=lambda item: -abs(item[1]))
    return (
        ", ".join(f"{name} {weight:+.1f}" for name, weight in strong if abs(weight) >= _WEAK) or "none tells anything"
    )


def _draw(found: Calibration, path: Path, console: Console) -> None:
    if found.figures is None:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(confidence_plot(found, found.figures), "utf-8")
    say(console, f"The picture: {shown(path)}")

"""Models on the screen: the list, and one model's card. For 60 columns and up."""

from collections.abc import Callable, Iterable, Iterator

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from cli.hint import Hint
from cli.in_service import InService
from cli.training_job import Job
from plumbline.contracts.accuracy import AccuracyBlock, Interval
from plumbline.contracts.models import Metrics, ModelCard, ModelPointer, ModelRow
from plumbline.report.words import count, interval_span, moment, percent, plural

_STYLES = {"promoted": "green", "rejected": "yellow", "failed": "red", "stopped": "yellow"}
_WHY = {"gate": "it passed the gate", "by_hand": "promoted by hand", "rollback": "rolled back to"}
_LOGGED = ("failed", "stopped")  # what the job's own log may say more of
_WIDE = 80  # columns from which on a model's dataset is listed with it
_DASH = "\N{EN DASH}"


def short(task: str, version: str) -> str:
    """A version without what all versions of the task begin with; the commands take it as well."""
    return version.removeprefix(f"plumbline-{task.replace('_', '-')}-")


def listing(
    task: str, rows: list[ModelRow], serving: InService, log_of: Callable[[str], RenderableType], width: int
) -> Iterator[RenderableType]:
    """A line a model, then why those that do not serve were turned away. `log_of` shows where a job's log is."""
    if not rows:
        return
    wide = width >= _WIDE
    table = _table(("", False), ("Model", False), ("Status", False), ("Accuracy", True), ("F1", True),
                   *((("Dataset", False),) if wide else ()), ("Decided", True))  # fmt: skip
    if not wide:
        table.padding = 0  # the box leaves one column between two already
    for column in table.columns[2:]:  # the model's name alone may be longer than there is room
        column.no_wrap = column.header != "Dataset"
    for row in rows:
        serves = row.version == serving.version
        table.add_row(
            Text("●" if serves else "", style="green"),
            Text(short(task, row.version), style="bold" if serves else ""),
            Text(row.status, style=_STYLES[row.status]),
            _brief(row.accuracy),
            "-" if row.macro_f1 is None else f"{row.macro_f1:.2f}",
            *((Text(row.dataset_version or "-"),) if wide else ()),
            moment(row.decided_at).partition(",")[0],
        )
    yield table
    yield from _serving(rows, serving)
    turned_away = [row for row in rows if row.status != "promoted" and row.reasons]
    if turned_away:
        yield Text("\nWhy not", style="dim")
    for row in turned_away:
        words = Text.assemble((f"{row.status}: ", _STYLES[row.status]), row.reasons[0])
        yield _hanging(Text.assemble(f"{short(task, row.version)} ", words))
        if row.status in _LOGGED:
            yield log_of(row.version)


def training_lines(jobs: Iterable[Job], command: Callable[[str], str]) -> Iterator[RenderableType]:
    """What trains now and since when; `command` follows a job of that name."""
    for job in jobs:
        yield Text()
        word = "training" if job.status == "InProgress" else "stopping; was training"
        yield Hint(f"{word} since {moment(job.created)}:", job.name, "◌ ")
        yield Hint("Follow it:", command(job.name), "  ")


def _serving(rows: list[ModelRow], serving: InService) -> Iterator[Text]:
    current = serving.pointer
    if current is None:
        yield Text("No model is in service.", style="yellow")
        return
    yield Text.assemble(("● in service since ", "dim"), f"{moment(current.promoted_at)}: {_WHY[current.why]}")
    if all(row.version != current.version for row in rows):
        yield Text(f"  {current.version}, of which the list knows nothing", style="yellow")


def card_of(
    version: str, row: ModelRow | None, card: ModelCard | None, current: ModelPointer | None, log: RenderableType
) -> Iterator[RenderableType]:
    """Everything that is known of a model. `log` shows where its job's log is."""
    yield _title(version, row, current)
    for reason in row.reasons if row else ():
        yield _hanging(Text(reason))
    if row and row.status in _LOGGED:
        yield log
    if card is None:
        yield Text("\nIts card is not in the data bucket: nothing more is known of it.", style="yellow")
        return
    yield Text()
    yield _facts(row, card)
    yield Text("\nOn its test split, by training's own count", style="dim")
    yield _classes(card.test.accuracy)
    yield Text("\nConfusion: rows are the label, columns what the model said", style="dim")
    yield _confusion(card.test.accuracy)
    yield Text()
    yield _baselines(card)
    yield Text()
    yield _lineage(card)
    for warning in warnings_of(card.warnings, row):
        yield _hanging(Text(warning, style="yellow"), "! ")


def warnings_of(warnings: tuple[str, ...], row: ModelRow | None) -> tuple[str, ...]:
    """The warnings, without the one that the row's reasons give as well: that there are few test cases."""
    if row is None or row.accuracy is None:
        return tuple(dict.fromkeys(warnings))
    few = plural(row.accuracy.n, "test case")
    said = any(few in reason for reason in row.reasons)
    return tuple(warning for warning in dict.fromkeys(warnings) if not (said and warning.startswith(few)))


def _title(version: str, row: ModelRow | None, current: ModelPointer | None) -> Text:
    title = Text.assemble(("Model ", "dim"), (version, "bold"))
    if row:
        title.append(f"  {row.status} {moment(row.decided_at)}", style=_STYLES[row.status])
    if current is not None and current.version == version:
        title.append(f"\n● in service since {moment(current.promoted_at)}: {_WHY[current.why]}", style="green")
        if current.previous:
            title.append(f", instead of {current.previous}", style="green")
    return title


def _facts(row: ModelRow | None, card: ModelCard) -> Table:
    grid = _grid()
    if row and row.accuracy and row.macro_f1 is not None:
        grid.add_row("At promotion", f"{_said(row.accuracy)}, macro-F1 {row.macro_f1:.3f}")
    for name, metrics in (("Test", card.test), ("Validation", card.validation)):
        grid.add_row(name, _metrics(metrics))
    if row and row.comparison:
        found = row.comparison
        grid.add_row(
            "Compared",
            f"with {found.current} on {plural(found.cases, 'case')}: right alone on {count(found.only_candidate)}, "
            f"the other on {count(found.only_current)} (McNemar p {found.p_value:.2g})",
        )
        for part in found.differences:
            name = part.metric.replace("macro_f1", "macro-F1")
            grid.add_row("", f"{name} {part.value:+.3f}, 95% interval {part.low:+.3f} to {part.high:+.3f}")
    for parity in card.parity:
        mark = " (serves)" if parity.precision == card.precision else ""
        grid.add_row(
            f"Export {parity.precision}",
            f"{plural(parity.label_changes, 'label')} of {count(parity.cases)} changed, largest difference "
            f"{parity.max_difference:.4f}, {parity.bytes / 1e6:,.1f} MB{mark}",
        )
    return grid


def _metrics(metrics: Metrics) -> str:
    block = metrics.accuracy
    return f"{_said(block.accuracy)}, macro-F1 {block.macro_f1:.3f}, calibration error {metrics.calibration_error:.3f}"


def _classes(block: AccuracyBlock) -> Table:
    table = _table(("Class", False), ("cases", True), ("precision", True), ("recall", True))
    for item in block.per_class:
        table.add_row(item.category, count(item.support), _brief(item.precision), _brief(item.recall))
    return table


def _confusion(block: AccuracyBlock) -> Table:
    """Columns are numbered as the rows are: names of classes would not fit."""
    names = list(block.confusion)
    table = _table(("", True), ("Label", False), *((str(number), True) for number in range(1, len(names) + 1)))
    for number, gold in enumerate(names, start=1):
        cells = [block.confusion[gold].get(name, 0) for name in names]
        shown = [
            Text(count(cell) if cell else "·", style="bold" if name == gold else "" if cell else "dim")
            for name, cell in zip(names, cells, strict=True)
        ]
        table.add_row(str(number), gold, *shown)
    return table


def _baselines(card: ModelCard) -> Table:
    table = _table(("On the same split", False), ("accuracy", True), ("macro-F1", True))
    table.add_row(
        Text("this model", style="bold"), _brief(card.test.accuracy.accuracy), f"{card.test.accuracy.macro_f1:.3f}"
    )
    for baseline in card.baselines:
        table.add_row(baseline.name, _brief(baseline.accuracy), f"{baseline.macro_f1:.3f}")
    return table


def _lineage(card: ModelCard) -> Table:
    grid = _grid()
    rows = ", ".join(f"{split} {count(number)}" for split, number in card.dataset.rows.items())
    grid.add_row("Dataset", f"{card.dataset.version} ({rows})")
    if card.prompts:
        grid.add_row("Prompts", ", ".join(f"{ref.task} {ref.version}" for ref in card.prompts))
    grid.add_row("Labels by", ", ".join(card.label_model_ids) or "people")
    grid.add_row("Encoder", f"{card.encoder}, {card.precision}, temperature {card.temperature:.2f}")
    grid.add_row("Recipe", ", ".join(f"{name} {value}" for name, value in card.recipe.items()) or "-")
    grid.add_row("Trained", f"{moment(card.created_at)}, {card.train_seconds:,.0f} s, seed {card.seed}")
    grid.add_row("Software", ", ".join(f"{name} {value}" for name, value in card.software.items()))
    for file in card.files:
        grid.add_row("File", f"{file.name}, {count(file.bytes)} bytes, sha256 {file.sha256[:12]}…")
    return grid


def _brief(figure: Interval | None) -> str:
    """81.2% (78 to 84), with a dash between the ends."""
    return "-" if figure is None else f"{percent(figure.value)} ({figure.low * 100:.0f}{_DASH}{figure.high * 100:.0f})"


def _said(figure: Interval) -> str:
    return f"{percent(figure.value)} of {plural(figure.n, 'case')} ({interval_span(figure)})"


def _table(*heads: tuple[str, bool]) -> Table:
    """A quiet table; each head with whether its column holds figures."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim", padding=(0, 1, 0, 0), show_edge=False)
    for head, is_figure in heads:
        table.add_column(head, justify="right" if is_figure else "left", overflow="fold")
    return table


def _hanging(text: Text, mark: str = "") -> Table:
    """A paragraph whose every line is indented by two; the mark stands before the first one."""
    grid = Table.grid(padding=0)
    grid.add_column(width=2, style="yellow")
    grid.add_column(overflow="fold")
    grid.add_row(mark, text)
    return grid


def _grid() -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    return grid

"""`plumbline status`: one run, also while it goes on, or the list of runs."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from pydantic import TypeAdapter, ValidationError
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli import local_stack, stack
from cli.batch_jobs import BatchWait
from cli.downloads import report_path, run_folder
from cli.errors import CliError, UsageProblem
from cli.observe import Observer, describe
from cli.paths import home, plumbline, shown
from cli.progress import Observed, Progress, progress_of
from cli.results import conclude, summary_of
from cli.run import tasks_of, watch
from cli.stack import Stack
from cli.view import block, clock_text, plain_line
from cli.wrapping import say
from plumbline.adapters.dynamodb import DynamoLedger
from plumbline.contracts.runs import RunRow
from plumbline.contracts.summary import RunSummary
from plumbline.report.words import count, elapsed, money

_MARKS = {"SUCCEEDED": ("✓ ", "green"), "FAILED": ("✗ ", "red"), "RUNNING": ("• ", "cyan")}
_ROWS = TypeAdapter(list[RunRow])
# StartRun writes the row a moment before the execution; a row much older than that without one was cut off.
_ORPHAN_AGE = timedelta(minutes=2)
_ID_LENGTH = 12
_WIDE = 80  # columns from which on a run's time and cost are listed with it


class RunningRow(RunRow):
    """A run that goes on, as --json has it: its row, and its batch jobs while it waits for them."""

    batch: BatchWait | None = None


def runs_of(where: Stack) -> list[RunRow]:
    """Every run of every task, newest first."""
    ledger = DynamoLedger(where.ledger_table)
    rows = [row for task in tasks_of(where) for row in ledger.runs(task)]
    return sorted(rows, key=lambda row: (row.started_at, row.run_id), reverse=True)


def status(
    run_id: str | None, stack_name: str | None, console: Console, *, as_json: bool, follow: bool, limit: int
) -> int:
    """Show the run, or the newest runs; 1 when the run failed."""
    if stack_name is None and local_stack.running() is None and (kept := kept_runs()):
        return _show_kept(run_id, kept, console, as_json=as_json, limit=limit)
    where = stack.find(stack_name)
    rows = runs_of(where)
    if run_id is None:
        if as_json:
            print(_ROWS.dump_json(rows[:limit], indent=2).decode())
        else:
            if not rows:
                say(console, f"No runs yet. Start one: {plumbline('run')} FILE{where.option}")
            _list(console, rows, limit, lambda row: _as_it_is(where, row))
        return 0
    row = chosen(rows, run_id)
    observer = Observer(where, row.run_id, tasks_of(where, row.task), row.execution_name)
    if follow and row.status == "RUNNING":
        return watch(where, row.run_id, console, as_json=as_json, task=row.task, execution=row.execution_name)
    seen = observer.look()
    progress = without_orphan(progress_of(seen), row, datetime.now(UTC), gone=seen.execution is None)
    if progress.state != "RUNNING":
        return conclude(console, where, row.run_id, progress, as_json=as_json)
    if as_json:
        print(RunningRow(**row.model_dump(), batch=progress.batch).model_dump_json(indent=2))
        return 0
    _show_running(console, where, row, progress)
    return 0


def chosen(rows: list[RunRow], wanted: str) -> RunRow:
    """The run of that id, or of the one id that begins so; `last` is the newest. Raises UsageProblem."""
    if not rows:
        raise CliError("There are no runs yet.", f"Start one: {plumbline('run')} FILE")
    if wanted == "last":
        return rows[0]
    found = [row for row in rows if row.run_id.startswith((wanted, f"run-{wanted}"))]
    exact = [row for row in found if row.run_id == wanted]
    if len(exact or found) == 1:
        return (exact or found)[0]
    if found:
        raise UsageProblem(f"{len(found)} runs begin with {wanted!r}.", f"Give more of the id: {plumbline('status')}")
    raise UsageProblem(f"There is no run {wanted!r}.", f"See which there are: {plumbline('status')}")


def is_starting(row: RunRow, now: datetime) -> bool:
    """Whether a run without an execution may only not have one yet."""
    return row.status == "RUNNING" and now - row.started_at < _ORPHAN_AGE


def without_orphan(progress: Progress, row: RunRow, now: datetime, *, gone: bool) -> Progress:
    """A run whose execution is gone while its row still says RUNNING was cut off: say so instead of waiting for it."""
    if progress.state != "RUNNING" or not gone or now - row.started_at < _ORPHAN_AGE:
        return progress
    cause = "The run was cut off: its row says RUNNING, but it has no execution (any more)."
    return Progress(**{**vars(progress), "state": "STOPPED", "error": "ABORTED", "cause": cause})


def _show_running(console: Console, where: Stack, row: RunRow, progress: Progress) -> None:
    console.print(Text.assemble(("Run ", "dim"), (row.run_id, "bold"), (f"  {row.task}, {row.source}", "dim")))
    seconds = max(0.0, (datetime.now(UTC) - row.started_at).total_seconds())
    if console.is_terminal:
        console.print(block(progress, seconds))
    else:
        console.print(plain_line(progress), soft_wrap=True)
    say(console, f"Follow it: {plumbline('status')} {row.run_id} --follow{where.option}", style="dim")


def kept_runs() -> list[RunRow]:
    """The runs whose summaries were downloaded to this machine, newest first."""
    rows = []
    for path in (home() / "runs").glob("*/summary.json"):
        try:
            known = RunSummary.model_validate_json(path.read_bytes())
        except (OSError, ValidationError):
            continue  # another version's; its report can be read all the same
        row = known.model_dump(include=set(RunRow.model_fields) & set(RunSummary.model_fields))
        verdict = known.balance.verdict if known.balance else None
        rows.append(RunRow.model_validate({**row, "cost_usd": known.cost.usd, "verdict": verdict}))
    return sorted(rows, key=lambda row: (row.started_at, row.run_id), reverse=True)


def _show_kept(run_id: str | None, rows: list[RunRow], console: Console, *, as_json: bool, limit: int) -> int:
    """Without a stack: the runs that were followed to their end, from what lies on this machine."""
    row = chosen(rows, run_id) if run_id else None
    if as_json:
        print(row.model_dump_json(indent=2) if row else _ROWS.dump_json(rows[:limit], indent=2).decode())
        return 0
    words = f"No local stack is running (start it: {plumbline('up --detach')})."
    say(console, f"{words} From {shown(home() / 'runs')}/:", style="dim")
    _list(console, [row] if row else rows, limit)
    if row:
        console.print(Text.assemble(("Files   ", "dim"), f"{shown(run_folder(row.run_id))}/"), soft_wrap=True)
        console.print(Text.assemble(("Report  ", "dim"), (shown(report_path(row.run_id)), "bold cyan")), soft_wrap=True)
    return 0


def _list(console: Console, rows: list[RunRow], limit: int, now: Callable[[RunRow], RunRow] = lambda row: row) -> None:
    """A line a run; `now` says how a row stands now, asked only for those that are shown."""
    if not rows:
        return
    wide = console.width >= _WIDE
    space = (0, 1, 0, 0) if wide else 0  # the box leaves one column between two already
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim", show_edge=False, padding=space)
    for head in ("Run", "Started", *(("Took",) if wide else ())):
        table.add_column(head, no_wrap=True)
    table.add_column("File", overflow="ellipsis")
    for head in ("Labeled", *(("Cost",) if wide else ())):
        table.add_column(head, justify="right", no_wrap=True)
    table.add_column("Outcome", no_wrap=True)
    length = id_length([row.run_id for row in rows])
    for row in rows[:limit]:
        table.add_row(*_cells(now(row), length, wide=wide))
    console.print(table)
    if len(rows) > limit:
        console.print(f"{count(len(rows) - limit)} older ones: --limit {len(rows)}", style="dim")


def _as_it_is(where: Stack, row: RunRow) -> RunRow:
    """The row, corrected where its run was cut off: then nobody was left to write that into it."""
    if row.status != "RUNNING":
        return row
    execution = describe(where, row.execution_name)
    progress = without_orphan(progress_of(Observed(execution, row)), row, datetime.now(UTC), gone=execution is None)
    if progress.state in ("RUNNING", "SUCCEEDED"):
        return row
    return row.model_copy(
        update={"status": "FAILED", "error": "cut off" if progress.state == "STOPPED" else progress.error}
    )


def _when(at: datetime, now: datetime) -> str:
    """Day and time in this machine's zone; of another year the date."""
    local = at.astimezone()
    return local.strftime("%d %b %H:%M") if local.year == now.astimezone().year else local.strftime("%d %b %Y")


def id_length(ids: list[str]) -> int:
    """How many characters tell the ids apart; twelve at least. The commands take ids that are cut so."""
    return next((n for n in range(_ID_LENGTH, 81) if len({name[:n] for name in ids}) == len(set(ids))), 80)


def _cells(row: RunRow, length: int, *, wide: bool) -> list[str | Text]:
    took = clock_text(elapsed(row.started_at, row.finished_at).total_seconds()) if row.finished_at else ""
    mark = ("! ", "yellow") if row.verdict in ("short", "empty") else _MARKS[row.status]
    cost = money(row.cost_usd) if row.cost_usd is not None else ""
    return [
        row.run_id[:length],
        _when(row.started_at, datetime.now(UTC)),
        *((took,) if wide else ()),
        row.source.removeprefix("incoming/"),
        count(row.outcomes["labeled"]) if "labeled" in row.outcomes else "",
        *((cost,) if wide else ()),
        Text.assemble(mark, row.verdict or row.error or row.status.lower()),
    ]


def run_summary(where: Stack, wanted: str) -> RunSummary:
    """The summary of the run that is meant. Raises CliError where there is none."""
    row = chosen(runs_of(where), wanted)
    summary = summary_of(where, row.run_id)
    if summary is None:
        raise CliError(f"The run {row.run_id} has labeled nothing (yet).", f"See {plumbline('status')}.")
    return summary

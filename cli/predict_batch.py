"""`plumbline predict-batch`: predict the new cases of an export, or of all that wait, and show the day."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.status import Status
from rich.text import Text

from cli.batch import BatchObserver, BatchSeen, ExportProgress
from cli.batch_results import conclude_batch
from cli.case_files import refuse_one_case
from cli.errors import CliError, UsageProblem
from cli.follow import looks
from cli.options import AsJson, StackName, examples
from cli.paths import plumbline
from cli.precheck import check_export, check_mapping
from cli.run import INTERRUPTED, asked_stack, console_for
from cli.stack import Stack
from cli.upload import upload_cases, upload_mapping
from plumbline import keys
from plumbline.adapters import clients
from plumbline.contracts.errors import NoModelInService
from plumbline.contracts.predictions import FindExportsTask
from plumbline.contracts.runs import CaughtError
from plumbline.find_exports import PREFIX
from plumbline.report.words import count, plural

PREDICT_BATCH_EXAMPLES = examples(
    "plumbline predict-batch export.csv", "plumbline predict-batch --stack plumbline", "plumbline predict-batch --json"
)


@dataclass(frozen=True)
class BatchOptions:
    """What `plumbline predict-batch` was asked for. Without a file: everything that waits under daily/."""

    file: Path | None = None
    mapping: Path | None = None
    force: bool = False
    stack_name: str | None = None
    as_json: bool = False


def predict_batch_command(
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="An export in any format that `run` reads.")
    ] = None,
    mapping: Annotated[
        Path | None, typer.Option("--map", metavar="FILE", help="Which column is which field (YAML).")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Predict unchanged cases again.")] = False,
    stack: StackName = None,
    as_json: AsJson = False,
) -> None:
    """Predict the new and changed cases of a file; without FILE, of every export that waits under daily/.

    On AWS this also happens every day by itself. Ctrl-C ends the following,
    not the predicting. Exit code: 0 every case predicted, 1 some failed, 2
    wrong usage.
    """
    options = BatchOptions(file=file, mapping=mapping, force=force, stack_name=stack, as_json=as_json)
    raise typer.Exit(predict_batch(options, console_for(as_json=as_json)))


def predict_batch(options: BatchOptions, console: Console) -> int:
    """Upload, start, follow, show; 0 when every case was predicted, 1 when some were not, 130 after Ctrl-C."""
    _check(options)
    return predict_at(asked_stack(options.stack_name, console), options, console)


def predict_at(where: Stack, options: BatchOptions, console: Console) -> int:
    """The same at a stack that is known."""
    if not where.predict_cases_arn:
        raise CliError(f"The stack {where.name} predicts no batches yet.", "Deploy this version of it.")
    key = _upload(where, options.file, options.mapping, console) if options.file else None
    task = FindExportsTask(key=key, force=options.force)
    started = clients.stepfunctions().start_execution(
        stateMachineArn=where.predict_cases_arn, input=task.model_dump_json(exclude_defaults=True)
    )
    try:
        seen = _follow(where, started["executionArn"], console)
    except KeyboardInterrupt:
        again = plumbline(f"predict-batch{where.option}")
        console.print(f"\nNo longer following; the predicting goes on. Look at the day later: {again}", soft_wrap=True)
        if where.local:
            words = f"The local stack keeps running for it. Stop both: {plumbline('down')}"
            console.print(words, soft_wrap=True)
        return INTERRUPTED
    if seen.error is not None or seen.result is None:
        raise _failure(where, seen.error or CaughtError(Error=seen.status))
    return conclude_batch(where, seen.result, console, as_json=options.as_json)


def _check(options: BatchOptions) -> None:
    if options.mapping:
        if options.file is None:
            raise UsageProblem("--map goes with a FILE.")
        check_mapping(options.mapping)
    if options.file is None:
        return
    check_export(options.file)
    refuse_one_case(options.file)
    if options.file.name.startswith(("_", ".")):
        raise UsageProblem(f"{options.file.name} would be passed over: such names are those of markers.", "Rename it.")


def _upload(where: Stack, file: Path, mapping: Path | None, console: Console) -> str:
    metadata = {"mapping_key": upload_mapping(where, mapping)} if mapping else {}
    uploaded = upload_cases(where, file, metadata, folder=keys.DAILY, run_prefix=PREFIX)
    console.print(Text(f"Uploaded {file.name} to s3://{where.raw_bucket}/{uploaded.key}", style="dim"), soft_wrap=True)
    return uploaded.key


def _follow(where: Stack, execution_arn: str, console: Console) -> BatchSeen:
    observer, view = BatchObserver(where, execution_arn), _View(console)
    with view.status:
        for seen in looks(observer.look, view):
            view.update(seen)
            if seen.status != "RUNNING":
                return seen
    raise AssertionError("looks() ends by an error only")


class _View:
    """One line that changes where the console is a terminal, else a line whenever something is worth one."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = console.is_terminal and not console.is_dumb_terminal
        self._last = ""
        self.status = Status("Starting …", console=console)

    def update(self, seen: BatchSeen) -> None:
        self._show(_progress_line(seen))

    def notice(self, text: str) -> None:
        if text:
            self._show(text)

    def _show(self, text: str) -> None:
        if self._live:
            self.status.update(text)
        elif text != self._last:
            self._console.print(text, markup=False, soft_wrap=True)
        self._last = text


def _progress_line(seen: BatchSeen) -> str:
    if seen.exports is None:
        return "Looking for exports …"
    if not seen.exports:
        return "No export waits."
    number, export = _current(seen.exports)
    words = f"{export.run.key} ({number} of {len(seen.exports)})" if len(seen.exports) > 1 else export.run.key
    if export.shards is None:
        return f"Reading {words} …"
    if not export.shards:
        return f"{words}: nothing new in it"
    return (
        f"Predicting {plural(export.cases or 0, 'case')} of {words}: "
        f"{count(export.shards_done)} of {plural(export.shards, 'shard')}"
    )


def _current(exports: tuple[ExportProgress, ...]) -> tuple[int, ExportProgress]:
    """The first that is not done; they are predicted one after the other. One that cannot be read has no shards."""
    started = [n for n, export in enumerate(exports) if export.shards is not None]
    at = started[-1] if started else 0
    done = exports[at].shards is not None and exports[at].shards_done == exports[at].shards
    at = min(at + 1, len(exports) - 1) if done else at
    return at + 1, exports[at]


def _failure(where: Stack, error: CaughtError) -> CliError:
    if error.Error == NoModelInService.__name__:
        after = plumbline(f"predict-batch{where.option}")
        hint = f"Train one: {plumbline('train')}{where.option}. The export waits: then {after}."
        return CliError(f"{error.message[:1].upper()}{error.message[1:]}.", hint)
    hint = f"What was predicted is kept. Start it again: {plumbline('predict-batch')}{where.option}"
    return CliError(f"PredictCases ended with {error.Error}: {error.message}", hint)

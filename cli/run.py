"""`plumbline run`: upload an export, follow its run, show what came of it."""

import webbrowser
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from botocore.exceptions import BotoCoreError
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn
from rich.status import Status
from rich.text import Text

from cli import local_stack, stack
from cli.case_files import refuse_one_case
from cli.downloads import report_path
from cli.errors import CliError, UsageProblem
from cli.follow import Patience, follow
from cli.observe import Observer
from cli.open_jobs import refuse_open_jobs
from cli.parameters import chosen
from cli.paths import plumbline, prompts_dir
from cli.precheck import check_export, check_mapping, check_prompt, check_task
from cli.progress import Observed
from cli.results import conclude
from cli.stack import Stack
from cli.upload import Uploaded, metadata_of, upload_cases, upload_mapping
from cli.view import view_for
from cli.wrapping import say
from plumbline.prompting import tasks

INTERRUPTED = 130  # what a shell expects of a command that Ctrl-C ended
DEFAULT_MODEL = "embedding"


@dataclass(frozen=True)
class RunOptions:
    """What `plumbline run` was asked for."""

    file: Path
    settings: Mapping[str, object]
    mapping: Path | None = None
    stack_name: str | None = None
    model: str | None = None
    as_json: bool = False
    open_report: bool = False


def run(options: RunOptions, console: Console) -> int:
    """Run the file; 0 when the run succeeded, 1 when it failed, 130 when Ctrl-C ended the following."""
    check_export(options.file)
    refuse_one_case(options.file)
    if options.mapping:
        check_mapping(options.mapping)
    metadata = metadata_of(options.settings)
    # A deployed stack has its own prompts, which may be other ones than the repository's.
    if options.stack_name is None and "task" in metadata:
        check_task(metadata["task"])
        if "prompt_version" in metadata:
            check_prompt(metadata["task"], metadata["prompt_version"])
    where = _stack_for(options, console)
    if where.local and "prompt_version" in metadata:
        check_prompt(metadata.get("task", where.task), metadata["prompt_version"])
    refuse_open_jobs(where, options.file.name, tasks_of(where))
    if options.mapping:
        metadata["mapping_key"] = upload_mapping(where, options.mapping)
    uploaded = _upload(where, options.file, metadata, console)
    console.print(
        Text.assemble(("Run ", "dim"), (uploaded.run_id, "bold"), (f"  {_what(where, metadata)}", "dim")),
        soft_wrap=True,
    )
    if words := not_itself(where, metadata):
        say(console, words, style="yellow")
    code = watch(where, uploaded.run_id, console, as_json=options.as_json, task=metadata.get("task"))
    if options.open_report and code == 0:
        webbrowser.open(report_path(uploaded.run_id).as_uri())
    return code


def watch(
    where: Stack,
    run_id: str,
    console: Console,
    *,
    as_json: bool,
    task: str | None = None,
    execution: str | None = None,
) -> int:
    """Follow a run to its end and show it. Ctrl-C ends the following only. `execution`: as Observer's."""
    observer = Observer(where, run_id, tasks_of(where, task), execution)
    try:
        with view_for(console) as view:
            progress = follow(lambda: _look(where, observer, run_id), view, _patience(where))
    except KeyboardInterrupt:
        again = f"{plumbline('status')} {run_id}{where.option}"
        say(console, f"\nNo longer following; the run goes on. Look again: {again}")
        if where.local:
            words = f"The local stack keeps running for it. Stop both: {plumbline('down')}"
            say(console, words)
        return INTERRUPTED
    return conclude(console, where, run_id, progress, as_json=as_json)


def _look(where: Stack, observer: Observer, run_id: str) -> Observed:
    try:
        return observer.look()
    except BotoCoreError:
        # On AWS an outage is waited out; a stack on this machine that is gone does not come back by itself.
        if where.local is None or local_stack.running() is not None:
            raise
        hint = f"Start it again ({plumbline('up')}), then go on with the run: {plumbline(f'resume {run_id}')}"
        raise CliError("The local stack has stopped, and the run with it.", hint) from None


def tasks_of(where: Stack, task: str | None = None) -> tuple[str, ...]:
    """The tasks under which a run may stand in the ledger, the likeliest first."""
    return tuple(dict.fromkeys(name for name in (task, where.task, *tasks(prompts_dir())) if name))


def start_local(
    console: Console, model: str = DEFAULT_MODEL, port: int = 0, parameters: Mapping[str, str] | None = None
) -> Stack:
    """Start the local stack in the background, and say so."""
    local_stack.check_model(model)
    wanted = chosen(parameters or {})
    settings = "".join(f", {name}={value}" for name, value in wanted.items())
    say(console, f"Starting the local stack in the background ({model} model{settings}) …", style="dim")
    with Status("It takes some seconds", console=console):
        info = local_stack.start(model, port, wanted)
    say(console, f"Ready at {info.endpoint}; it goes on after this command. Stop it: {plumbline('down')}", style="dim")
    where = stack.at_local(info)
    check_running_model(where, model)  # another command may have been quicker to start one
    return where


def asked_stack(name: str | None, console: Console) -> Stack:
    """The stack to ask for predictions: a local one that is down is started, and that is said.

    Raises CliError where nothing is kept of a local one: it could have no model.
    """
    if name is not None or local_stack.running() is not None:
        return stack.find(name)
    if not local_stack.holds_something():
        raise CliError(
            "No local stack is running, and none has run here before: there is no model to ask.",
            f"Label cases and train on them: {plumbline('run FILE')}, then {plumbline('train')}. Or name a deployed "
            "stack with --stack NAME.",
        )
    say(console, "No local stack is running: this starts the one that ran here last.", style="dim")
    return start_local(console)


def check_running_model(where: Stack, model: str | None) -> None:
    """Raise UsageProblem when the running local stack has another stand-in model than the one asked for."""
    if model is None or where.model_id == local_stack.model_id(model):
        return
    local_stack.check_model(model)
    current = where.model_id.removeprefix("local.") or "another model"
    message = f"The running local stack answers with {current}, not {model}."
    raise UsageProblem(message, f"Stop it first ({plumbline('down')}); what it has labeled is kept.")


def _stack_for(options: RunOptions, console: Console) -> Stack:
    if options.stack_name is not None and options.model is not None:
        raise UsageProblem("--model chooses a stand-in of the local stack.", "For a deployed stack: --model-id.")
    if options.stack_name is None and local_stack.running() is None:
        return start_local(console, options.model or DEFAULT_MODEL)
    where = stack.find(options.stack_name)
    check_running_model(where, options.model)
    return where


def _what(where: Stack, metadata: Mapping[str, str]) -> str:
    task, version = metadata.get("task", where.task), metadata.get("prompt_version")
    place = "on this machine" if where.local else f"on {where.name} in {where.region}"
    return f"{task}{f' {version}' if version else ''}, {metadata.get('model_id', where.model_id)}, {place}"


def not_itself(where: Stack, metadata: Mapping[str, str]) -> str:
    """A warning where the stand-in is asked under another model's name; else empty."""
    named = metadata.get("model_id", where.model_id)
    if not where.local or named == where.model_id:
        return ""
    return f"{named} is not asked: {where.model_id} answers in its name. Prices are the one's, labels the other's."


def _upload(where: Stack, file: Path, metadata: Mapping[str, str], console: Console) -> Uploaded:
    columns = (TextColumn("Uploading"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        moving = bar.add_task("upload", total=file.stat().st_size)
        uploaded = upload_cases(where, file, metadata, lambda moved: bar.advance(moving, moved))
    console.print(
        Text(f"Uploaded {file.name} ({_size(uploaded.size)}) to s3://{where.raw_bucket}/{uploaded.key}", style="dim"),
        soft_wrap=True,
    )
    return uploaded


def _size(size: int) -> str:
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= factor:
            return f"{size / factor:,.1f} {unit}"
    return f"{size} bytes"


def _patience(where: Stack) -> Patience:
    if where.local:
        return Patience(15, 120, f"Look into {where.log_of('start_run')}.")
    advice = f"Look into {where.log_of('start_run')}, and whether the rule for incoming/ is enabled in EventBridge."
    return Patience(30, 300, advice)


def console_for(*, as_json: bool) -> Console:
    """Where to print: standard output belongs to the JSON when that is asked for."""
    return Console(stderr=as_json, highlight=False)

"""`plumbline models`: which models there are, which one serves, and putting another into service."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated

import typer
from botocore.exceptions import ClientError
from pydantic import ValidationError
from rich.console import Console, RenderableType
from rich.status import Status
from rich.text import Text

from cli import stack as stacks
from cli.errors import CliError, UsageProblem, is_denied
from cli.hint import Hint
from cli.in_service import InService, in_service, registry_of
from cli.judge import LAST, judge
from cli.models_view import card_of, listing, short, training_lines
from cli.options import AsJson, StackName, examples
from cli.paths import plumbline
from cli.run import console_for
from cli.stack import Stack
from cli.tasks import chosen_task
from cli.training_job import Job, following, still_training
from cli.training_log import log_place
from cli.wrapping import say
from plumbline import keys
from plumbline.adapters.s3 import S3ObjectStore
from plumbline.contracts.errors import MissingObject, ModelFileBroken, NoModelInService
from plumbline.contracts.models import CARD_FILE, SERVING_FILES, ModelCard, ModelRow
from plumbline.promote_model.by_hand import promote_by_hand, roll_back

CURRENT = "current"
models_app = typer.Typer(help="List trained models, put one into service, go back.", no_args_is_help=True)
Task = Annotated[str | None, typer.Option("--task", "-t", metavar="TASK", help="The stack's own task by default.")]
Version = Annotated[str, typer.Argument(metavar="VERSION", help="A model's version, as `models list` shows it.")]


@models_app.command("list", epilog=examples("plumbline models list", "plumbline models list --stack plumbline --json"))
def list_command(task: Task = None, stack: StackName = None, as_json: AsJson = False) -> None:
    """Every trained model, newest first: what became of it, how good it is, which one serves, what trains now."""
    raise typer.Exit(list_models(stacks.find(stack), task, console_for(as_json=as_json), as_json=as_json))


@models_app.command("show", epilog=examples("plumbline models show current", "plumbline models show 4f2a91c0d7e3"))
def show_command(
    version: Annotated[str, typer.Argument(metavar="VERSION", help="A version, or `current`.")] = CURRENT,
    task: Task = None,
    stack: StackName = None,
    as_json: AsJson = False,
) -> None:
    """A model's card: metrics by class, confusion, baselines, what the export lost, where its labels come from."""
    raise typer.Exit(show(stacks.find(stack), task, version, console_for(as_json=as_json), as_json=as_json))


@models_app.command("promote", epilog=examples("plumbline models promote 4f2a91c0d7e3"))
def promote_command(version: Version, task: Task = None, stack: StackName = None) -> None:
    """Put a version into service by hand, whatever the gate said of it. Its files are checked first."""
    raise typer.Exit(promote(stacks.find(stack), task, version, console_for(as_json=False)))


@models_app.command("judge", epilog=examples("plumbline models judge last", "plumbline models judge JOB --stack NAME"))
def judge_command(
    job: Annotated[str, typer.Argument(metavar="JOB", help="A training job's name, or `last`.")] = LAST,
    stack: StackName = None,
    as_json: AsJson = False,
) -> None:
    """Judge the model of a job that has ended and has no verdict: promotion was lost on its way, or failed.

    Exit code: 0 the model was promoted, 1 it was not.
    """
    raise typer.Exit(judge(stacks.find(stack), job, console_for(as_json=as_json), as_json=as_json))


@models_app.command("rollback", epilog=examples("plumbline models rollback", "plumbline models rollback --stack NAME"))
def rollback_command(task: Task = None, stack: StackName = None) -> None:
    """Go back to the model that served before, if its files are still whole; else to the one before that."""
    raise typer.Exit(rollback(stacks.find(stack), task, console_for(as_json=False)))


def list_models(where: Stack, task: str | None, console: Console, *, as_json: bool) -> int:
    """Print the task's models and what trains now; 0."""
    task = chosen_task(where, task)
    rows, serving = registry_of(where).rows(task), in_service(where, task)
    jobs = _training(where, task)
    if as_json:
        current = serving.pointer and serving.pointer.model_dump(mode="json")
        models = [row.model_dump(mode="json") for row in rows]
        training = None if jobs is None else [_now_training(job) for job in jobs]
        print(json.dumps({"current": current, "models": models, "training": training}, indent=2))
        return 0
    for part in listing(task, rows, serving, lambda job: log_place(where, job, "    "), console.width):
        console.print(part, crop=False)
    if not rows and jobs:
        console.print(f"No models of {task} yet.")
    elif not rows:
        console.print(Hint(f"No models of {task} yet. Train one:", _command(where, task, "train"), ""), crop=False)
    for part in training_lines(jobs or [], lambda job: following(job, where)):
        console.print(part, crop=False)
    if jobs is None:
        say(console, "These credentials may not see what is training now (sagemaker:ListTrainingJobs).", style="dim")
    if serving.trouble:
        console.print(Text(serving.trouble, style="red"))
    return 0


def _training(where: Stack, task: str) -> list[Job] | None:
    """What trains a model of the task now; None where the credentials may not see it."""
    try:
        return [job for job in still_training(where) if job.task == task]
    except ClientError as error:
        if is_denied(error):
            return None
        raise


def _now_training(job: Job) -> dict[str, str]:
    return {"job": job.name, "status": job.status, "since": job.created.isoformat()}


def show(where: Stack, task: str | None, version: str, console: Console, *, as_json: bool) -> int:
    """Print one model's card and what was decided about it; 0."""
    task = chosen_task(where, task)
    registry, serving = registry_of(where), in_service(where, task)
    current = serving.pointer
    if version == CURRENT and current is None:
        raise CliError(
            serving.trouble or f"No model of {task} is in service.", f"See all: {_command(where, task, 'models list')}"
        )
    rows = registry.rows(task)
    if version == CURRENT and current is not None:
        row = next((row for row in rows if row.version == current.version), None)
        name = current.version
    else:
        row = chosen(rows, task, version, where)
        name = row.version
    card = _card(where, task, name)
    if as_json:
        known = {"model": row, "card": card, "pointer": current if current and current.version == name else None}
        print(json.dumps({key: value and value.model_dump(mode="json") for key, value in known.items()}, indent=2))
        return 0
    for part in card_of(name, row, card, current, log_place(where, name, "  ")):
        console.print(part, crop=False)
    return 0


def promote(where: Stack, task: str | None, version: str, console: Console) -> int:
    """Put a version into service and say what it replaces; 0. Raises CliError where it cannot serve."""
    task = chosen_task(where, task)
    registry = registry_of(where)
    row = chosen(registry.rows(task), task, version, where)
    serving = in_service(where, task)
    before = serving.pointer
    if before is not None and before.version == row.version:
        console.print(f"{row.version} is in service already.", soft_wrap=True)
        return 0
    if {file.name for file in row.files} < set(SERVING_FILES):
        why = f": {row.reasons[0]}" if row.reasons else ""
        raise CliError(
            f"{row.version} has no files to serve, its job {row.status}{why}.", "Train it again, or promote another."
        )
    try:
        with Status(f"Checking the files of {row.version} …", console=console):
            promote_by_hand(
                row, data=S3ObjectStore(where.data_bucket), registry=registry, before=before, now=datetime.now(UTC)
            )
    except ModelFileBroken as error:
        raise CliError(f"{error}.", "The model in service has not changed.") from None
    for line in _said(row, serving, where):
        console.print(line, crop=False)
    return 0


def rollback(where: Stack, task: str | None, console: Console) -> int:
    """Go back one model and say to which; 0. Raises CliError where there is none to go back to."""
    task = chosen_task(where, task)
    try:
        with Status("Checking the files of the model before …", console=console):
            done = roll_back(
                task, data=S3ObjectStore(where.data_bucket), registry=registry_of(where), now=datetime.now(UTC)
            )
    except NoModelInService as error:
        hint = f"See which there are: {_command(where, task, 'models list')}"
        raise CliError(f"{str(error)[:1].upper()}{str(error)[1:]}.", hint) from None
    for version, why in done.skipped:
        console.print(Text.assemble(("Skipped  ", "yellow"), f"{version}: {why}"))
    instead = f" serves within 30 seconds instead of {done.before.version}."
    console.print(Text.assemble(("Rolled back  ", "green"), (done.now.version, "bold"), instead))
    again = _command(where, task, f"models promote {short(task, done.before.version)}")
    console.print(Hint("Undo it:", again), crop=False)
    return 0


def chosen(rows: list[ModelRow], task: str, wanted: str, where: Stack) -> ModelRow:
    """The model of that version, or of the one whose short name begins so. Raises UsageProblem."""
    if not rows:
        raise CliError(f"There are no models of {task} yet.", f"Train one: {_command(where, task, 'train')}")
    exact = [row for row in rows if wanted in (row.version, short(task, row.version))]
    found = exact or [row for row in rows if short(task, row.version).startswith(wanted)]
    if len(found) == 1:
        return found[0]
    known = ", ".join(short(task, row.version) for row in found or rows)
    if found:
        raise UsageProblem(f"{len(found)} models fit {wanted!r}: {known}.", "Give more of the version.")
    raise UsageProblem(f"There is no model {wanted!r} of {task}.", f"There are: {known}.")


def _said(row: ModelRow, serving: InService, where: Stack) -> Iterator[RenderableType]:
    before = serving.pointer
    instead = f" instead of {before.version}." if before else "; no model was in service."
    yield Text.assemble(("Promoted  ", "green"), (row.version, "bold"), f" serves within 30 seconds{instead}")
    if serving.trouble:
        yield Text(f"The pointer before was damaged: {serving.trouble}", style="yellow")
    if row.status == "rejected":
        yield Text("The gate had rejected it: " + "; ".join(row.reasons), style="yellow")
    if before:
        yield Hint("Go back:", _command(where, row.task, "models rollback"))


def _command(where: Stack, task: str, words: str) -> str:
    """The command as it can be typed to mean this task of this stack."""
    return plumbline(words) + ("" if task == where.task else f" --task {task}") + where.option


def _card(where: Stack, task: str, version: str) -> ModelCard | None:
    """The model's card; None where it has none. Raises CliError for a card of another version of Plumbline."""
    try:
        raw = S3ObjectStore(where.data_bucket).read(keys.serving(task, version, CARD_FILE))
        return ModelCard.model_validate_json(raw)
    except MissingObject:
        return None
    except ValidationError as error:
        message = f"The card of {version} does not fit this version of the commands ({error.error_count()} fields)."
        raise CliError(message, "Use the commands of the version that is deployed.") from None

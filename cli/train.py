"""`plumbline train`: start a training job on a dataset, follow it, and show whether its model serves."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Final

import typer
from rich.console import Console, RenderableType
from rich.text import Text

from cli import datasets, local_stack, stack
from cli.errors import CliError, UsageProblem
from cli.follow import looks
from cli.hint import Hint
from cli.invoke import FunctionFailed, invoke
from cli.options import AsJson, StackName, examples
from cli.paths import plumbline
from cli.precheck import check_task, check_training_environment
from cli.run import INTERRUPTED, console_for, start_local
from cli.stack import Stack
from cli.training_job import Job, Seen, TrainingObserver, following, newest, stop, training_again
from cli.training_verdict import conclude
from cli.training_view import TrainingView, training_view
from plumbline.contracts.datasets import TrainingStarted
from plumbline.contracts.errors import DatasetTooSmall, InvalidDataset, InvalidEvent

_NOTICE_SECONDS = 90.0  # promotion reads one model from S3 and runs two over a few hundred cases
_GIVE_UP_SECONDS = 20 * 60.0  # more than Lambda may take, EventBridge's second delivery included
_LAST = "last"
_HINTS: Final[Mapping[str, str]] = {
    DatasetTooSmall.__name__: "Label more cases of these classes; three of each are the least that can be split.",
    InvalidDataset.__name__: "Choose another dataset, or let a run write it again.",
    InvalidEvent.__name__: "",
}

TRAIN_EXAMPLES = examples(
    "plumbline train",
    "plumbline train --dataset d20261122-1f3a --stack plumbline",
    "plumbline train --follow last",
)


@dataclass(frozen=True)
class TrainOptions:
    """What `plumbline train` was asked for."""

    dataset: str = datasets.LATEST
    task: str | None = None
    force: bool = False
    follow: bool = True
    job: str | None = None
    stop: str | None = None
    stack_name: str | None = None
    as_json: bool = False


def train_command(
    dataset: Annotated[
        str | None,
        typer.Option(
            "--dataset",
            "-d",
            metavar="VERSION|FILE",
            show_default="latest",
            help="A dataset's version (or its beginning), a manifest file, or latest.",
        ),
    ] = None,
    task: Annotated[str | None, typer.Option("--task", "-t", metavar="TASK", help="Of which task.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Train a dataset again that was trained before.")] = False,
    no_follow: Annotated[bool, typer.Option("--no-follow", help="Start only.")] = False,
    job: Annotated[
        str | None, typer.Option("--follow", metavar="JOB", help="Start nothing: follow this job, or the `last`.")
    ] = None,
    stop: Annotated[
        str | None, typer.Option("--stop", metavar="JOB", help="Start nothing: stop this job, or the `last`.")
    ] = None,
    stack: StackName = None,
    as_json: AsJson = False,
) -> None:
    """Train a model on a dataset, follow it, and show whether it is promoted.

    A run whose dataset is balanced starts training by itself: follow it with
    --follow last. Ctrl-C ends the following, not the job. Exit code: 0 the
    model was promoted, 1 it was rejected or training failed, 2 wrong usage.
    A JOB is a training job's name or, where the stack starts a SageMaker
    Pipeline, the ARN of its execution.
    """
    if job and stop:
        raise UsageProblem("--follow and --stop are about one job each; give one of them.")
    for option, name in (("--follow", job), ("--stop", stop)):
        if name and (task or force or dataset or no_follow):
            message = f"{option} starts nothing: --task, --dataset, --force and --no-follow do not go with it."
            raise UsageProblem(message)
    options = TrainOptions(
        dataset=dataset or datasets.LATEST,
        task=task,
        force=force,
        follow=not no_follow,
        job=job,
        stop=stop,
        stack_name=stack,
        as_json=as_json,
    )
    raise typer.Exit(train(options, console_for(as_json=as_json)))


def train(options: TrainOptions, console: Console) -> int:
    """Start training and follow it; 0 when its model was promoted, 1 when it was not, 130 after Ctrl-C."""
    if options.stop:
        return _stop(options.stop, stack.find(options.stack_name), console)
    if options.job:
        where = stack.find(options.stack_name)
        name = newest(where) if options.job == _LAST else options.job
        return watch(where, name, console, as_json=options.as_json)
    file = datasets.as_file(options.dataset)
    if file:
        datasets.check_manifest(file)
    elif options.stack_name is None and options.task:
        check_task(options.task)
    if options.stack_name is None:
        check_training_environment()
    where = _stack_for(options, console)
    task = options.task or where.task
    dataset = datasets.drop(where, file) if file else datasets.choose(where, task, options.dataset)
    console.print(Text.assemble(("Dataset ", "dim"), (dataset.words, "bold")))
    started = _start(where, dataset, force=options.force)
    console.print(Hint("Training", started.job_name, ""), crop=False)
    if started.already_started:
        job = TrainingObserver(where, started.job_name).job()
        for part in _already(job, dataset.manifest.version, where):
            console.print(part, crop=False)
    if not options.follow:
        if options.as_json:
            print(json.dumps(started.model_dump(mode="json"), indent=2))
        _say_how_to_follow(started, where, console)
        return 0
    return watch(where, started.job_name, console, as_json=options.as_json)


def watch(where: Stack, name: str, console: Console, *, as_json: bool) -> int:
    """Follow a training job until its model serves or will not, and show that. Ctrl-C ends the following only."""
    observer = TrainingObserver(where, name)
    try:
        with training_view(console) as view:
            seen = followed(where, observer, view)
    except KeyboardInterrupt:
        hints = [
            Hint("Look again:", following(name, where)),
            Hint("Stop it:", plumbline(f"train --stop {name}{where.option}")),
        ]
        if where.local:
            hints.append(Hint("The local stack keeps running for it. Stop both:", plumbline("down")))
        console.print("\nNo longer following; the job goes on.")
        console.print(*hints, sep="\n", crop=False)
        return INTERRUPTED
    return conclude(console, where, seen, as_json=as_json)


def followed(
    where: Stack,
    observer: TrainingObserver,
    view: TrainingView,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Seen:
    """Look until the job has ended badly, promotion has decided or never will; the last look.

    Raises CliError as `looks` does. A completed job about which nothing is decided within twenty minutes is given up:
    its look has no row.
    """
    completed: float | None = None
    for seen in looks(observer.look, view, clock=clock, sleep=sleep):
        view.update(seen)
        if seen.job is None or seen.job.status == "InProgress":
            continue
        if seen.job.ended_badly or seen.row is not None or not seen.job.judged_by(where):
            return seen
        completed = completed if completed is not None else clock()
        if clock() - completed > _GIVE_UP_SECONDS:
            return seen
        if clock() - completed > _NOTICE_SECONDS:
            view.notice(f"Nothing is decided yet. Look into {where.log_of('promote_model')}.")
    raise AssertionError("looks() ends by an error only")


def _start(where: Stack, dataset: datasets.Dataset, *, force: bool) -> TrainingStarted:
    try:
        answer = invoke(where, "StartTrainingFunction", {"manifest_key": dataset.key, "force": force})
    except FunctionFailed as failed:
        hint = _HINTS.get(failed.error, f"Look into {where.log_of('start_training')}.")
        raise CliError(f"Training did not start: {failed}", hint) from None
    return TrainingStarted.model_validate(answer)


def _say_how_to_follow(started: TrainingStarted, where: Stack, console: Console) -> None:
    if not started.already_started:  # else its own hints stand there already
        console.print(Hint("Follow it:", following(started.job_name, where)), crop=False)


def _already(job: Job, dataset: str, where: Stack) -> Iterator[RenderableType]:
    """Why no job was started, and what to do about it."""
    if job.goes_on:
        yield Text("Nothing was started: this dataset is training now.", style="yellow")
        yield Hint("Stop it:", plumbline(f"train --stop {job.name}{where.option}"))
        yield Hint("Follow it:", following(job.name, where))
        return
    yield Text("Nothing was started: this dataset has its training job already.", style="yellow")
    yield Hint("Train it again:", training_again(dataset, where))


def _stack_for(options: TrainOptions, console: Console) -> Stack:
    if options.stack_name is None and local_stack.running() is None:
        return start_local(console)
    return stack.find(options.stack_name)


def _stop(name: str, where: Stack, console: Console) -> int:
    job = stop(newest(where) if name == _LAST else name)
    if job.status == "InProgress":
        console.print(f"Stopping {job.name}. The model in service stays.")
        return 0
    console.print(f"{job.name} does not run any more: {job.status.lower()}.")
    return 0

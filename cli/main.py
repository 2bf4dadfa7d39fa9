"""`plumbline`: the operator's commands, the same for the stack on this machine and for one on AWS."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from cli import destroy as destroying
from cli import fault_file, local_stack, prompts, status, up
from cli.anonymize import ANONYMIZE_EXAMPLES, anonymize_command
from cli.compare_prompts import COMPARE_EXAMPLES, compare_command
from cli.confidence import confidence_app
from cli.errors import CliError, UsageProblem, explained
from cli.evaluate import EVALUATE_EXAMPLES, evaluate_command
from cli.improve_prompts import IMPROVE_EXAMPLES, improve_command
from cli.mine_prompts import MINE_EXAMPLES, mine_command
from cli.models import models_app
from cli.options import AsJson, StackName, examples
from cli.parameters import parameters_of
from cli.paths import home, prompts_dir, shown
from cli.plan import PLAN_EXAMPLES, mode_of, plan_command
from cli.predict import PREDICT_EXAMPLES, predict_command
from cli.predict_batch import PREDICT_BATCH_EXAMPLES, predict_batch_command
from cli.replay import REPLAY_EXAMPLES, RESUME_EXAMPLES, replay_command, resume_command
from cli.review import review_app
from cli.review_ground_truth import ground_truth_app
from cli.run import RunOptions, console_for, run
from cli.train import TRAIN_EXAMPLES, train_command
from cli.wrapping import say
from plumbline.contracts.errors import PlumblineError

_HELP = """Turn support cases into balanced, trustworthy ground truth.

Every command means the stack on this machine, or with --stack NAME the
deployed one of that name (AWS_PROFILE and AWS_REGION say where).
"""


app = typer.Typer(
    help=_HELP, no_args_is_help=True, add_completion=False, rich_markup_mode="rich", pretty_exceptions_enable=False
)
prompts_app = typer.Typer(help="List, check, compare, draft and publish prompt versions.", no_args_is_help=True)
app.add_typer(prompts_app, name="prompts")
app.add_typer(models_app, name="models")
app.add_typer(confidence_app, name="confidence")
app.add_typer(review_app, name="review")
review_app.add_typer(ground_truth_app, name="ground-truth")

_MODEL_HELP = (
    "The local stand-in for Bedrock: embedding (needs nothing), llm and smollm2 (language models; make local-llm), "
    "openai (any compatible URL), scripted (tests)."
)
Model = Annotated[str | None, typer.Option("--model", metavar="NAME", help=_MODEL_HELP)]
Port = Annotated[int, typer.Option("--port", min=0, max=65535, help="The AWS endpoint's port; 0 takes a free one.")]


@app.command(
    "run",
    epilog=examples(
        "plumbline run export.csv",
        "plumbline run cases.jsonl --prompt v3 --target 40 --budget 2",
        "plumbline run cases.jsonl --model llm",
        "plumbline run tickets.csv --map columns.yaml --stack plumbline",
        "plumbline run backlog.jsonl.gz --mode batch --stack plumbline",
    ),
)
def run_command(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="CSV, JSON Lines (also .gz), JSON or a Ground Truth manifest.")
    ],
    task: Annotated[str | None, typer.Option("--task", "-t", metavar="TASK", help="A folder under prompts/.")] = None,
    prompt: Annotated[str | None, typer.Option("--prompt", "-p", metavar="VERSION", help="For example v3.")] = None,
    target: Annotated[int | None, typer.Option("--target", min=1, help="Labels wanted of every class.")] = None,
    mapping: Annotated[
        Path | None, typer.Option("--map", metavar="FILE", help="Which column is which field (YAML).")
    ] = None,
    budget: Annotated[
        float | None,
        typer.Option(
            "--budget", metavar="USD", help="The most to spend; of a dearer file the most useful cases are labeled."
        ),
    ] = None,
    model_id: Annotated[
        str | None, typer.Option("--model-id", metavar="ID", help="A Bedrock model or profile.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Label unchanged cases again.")] = False,
    mode: Annotated[
        str | None,
        typer.Option("--mode", metavar="MODE", help="auto, batch (half the price, up to a day) or on-demand."),
    ] = None,
    fail_fast: Annotated[
        bool, typer.Option("--fail-fast", help="Where the model's service is too busy: fail, do not wait for hours.")
    ] = False,
    stack: StackName = None,
    model: Model = None,
    open_report: Annotated[bool, typer.Option("--open", help="Open the report in the browser at the end.")] = False,
    as_json: AsJson = False,
) -> None:
    """Label a file of cases: upload it, follow the run, show what came of it.

    What is not given is the stack's own default. Where no local stack is
    running, one is started in the background. Ctrl-C ends the following, not
    the run. Exit code: 0 succeeded, 1 failed, 2 wrong usage.
    """
    if budget is not None and not budget > 0:
        raise UsageProblem("--budget must be above 0.")
    settings = {
        "task": task,
        "prompt_version": prompt,
        "target_per_class": target,
        "budget_usd": budget,
        "model_id": model_id,
        "force": force,
        "mode": mode_of(mode),
        "fail_fast": fail_fast,
    }
    options = RunOptions(
        file=file,
        settings=settings,
        mapping=mapping,
        stack_name=stack,
        model=model,
        as_json=as_json,
        open_report=open_report,
    )
    raise typer.Exit(run(options, console_for(as_json=as_json)))


@app.command(
    "status",
    epilog=examples(
        "plumbline status", "plumbline status last", "plumbline status run-4f2a --follow --stack plumbline"
    ),
)
def status_command(
    run_id: Annotated[str | None, typer.Argument(metavar="RUN", help="A run's id, its beginning, or `last`.")] = None,
    stack: StackName = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Follow a run that still goes on.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many runs to list.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Show one run, also while it goes on; without RUN list the runs, newest first."""
    console = console_for(as_json=as_json)
    raise typer.Exit(status.status(run_id, stack, console, as_json=as_json, follow=follow, limit=limit))


app.command("replay", epilog=REPLAY_EXAMPLES)(replay_command)
app.command("resume", epilog=RESUME_EXAMPLES)(resume_command)
app.command("plan", epilog=PLAN_EXAMPLES)(plan_command)
app.command("anonymize", epilog=ANONYMIZE_EXAMPLES)(anonymize_command)
app.command("evaluate", epilog=EVALUATE_EXAMPLES)(evaluate_command)
app.command("train", epilog=TRAIN_EXAMPLES)(train_command)
app.command("predict", epilog=PREDICT_EXAMPLES)(predict_command)
app.command("predict-batch", epilog=PREDICT_BATCH_EXAMPLES)(predict_batch_command)


@app.command(
    "up",
    epilog=examples("plumbline up", "plumbline up --detach --model llm", "plumbline up --parameter TargetPerClass=40"),
)
def up_command(
    model: Model = None,
    port: Port = 0,
    parameters: Annotated[
        list[str] | None,
        typer.Option(
            "--parameter",
            metavar="NAME=VALUE",
            help="A parameter of template.yaml, kept for the next start; NAME= takes it back.",
        ),
    ] = None,
    detach: Annotated[
        bool, typer.Option("--detach/--foreground", "-d", help="Run in the background, or until Ctrl-C.")
    ] = False,
    faults: Annotated[
        Path | None,
        typer.Option("--faults", metavar="FILE", help="What goes wrong in front of the model (docs/faults.md)."),
    ] = None,
) -> None:
    """Start the local stack: template.yaml deployed on this machine, with no account and no Docker."""
    given = parameters_of(parameters or ())
    if faults is not None:
        fault_file.use(faults)
    raise typer.Exit(up.up(model, port, given, Console(highlight=False), detach=detach))


@app.command("down")
def down_command() -> None:
    """Stop the local stack. What its buckets and tables hold is kept for the next start."""
    raise typer.Exit(up.down(Console(highlight=False)))


@app.command("destroy", epilog=examples("plumbline destroy --stack plumbline", "plumbline destroy"))
def destroy_command(
    stack: StackName = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Empty and delete everything a stack made: objects in all versions, tables, functions, logs.

    Without --stack: stop the local stack and forget what it holds.
    """
    console = Console(highlight=False)
    local = local_stack.running()
    if stack is None or (local is not None and stack == local.stack_name):
        _destroy_local(console, yes=yes)
        return
    found = destroying.target(stack)
    console.print(f"This deletes the stack {stack} in {found.region} with everything in it:", style="bold")
    for bucket in found.buckets:
        console.print(f"  s3://{bucket}, every object in every version")
    console.print("  labels, datasets, reports and trained models, the ledger, every function and its logs")
    _confirm(stack, yes=yes)
    destroying.destroy(found, lambda text: console.print(f"  {text}", soft_wrap=True))
    console.print(f"Nothing of the stack {stack} is left.", style="green")


@prompts_app.command("list")
def prompts_list_command() -> None:
    """Every task and prompt version, and whether it is published."""
    raise typer.Exit(prompts.list_prompts(prompts_dir(), Console(highlight=False)))


@prompts_app.command(
    "check",
    epilog=examples("plumbline prompts check root_cause", "plumbline prompts check prompts/root_cause/v4.yaml"),
)
def prompts_check_command(
    wanted: Annotated[str, typer.Argument(metavar="FILE|TASK", help="A prompt file, a task, or TASK/VERSION.")],
) -> None:
    """Check prompt files; each error names the file and the field."""
    raise typer.Exit(prompts.check_prompts(prompts_dir(), wanted, Console(highlight=False)))


@prompts_app.command("publish", epilog=examples("plumbline prompts publish root_cause v4"))
def prompts_publish_command(
    task: Annotated[str, typer.Argument(metavar="TASK")], version: Annotated[str, typer.Argument(metavar="VERSION")]
) -> None:
    """Publish a version: check it and lock it. A published version never changes."""
    raise typer.Exit(prompts.publish(prompts_dir(), task, version, Console(highlight=False)))


prompts_app.command("compare", epilog=COMPARE_EXAMPLES)(compare_command)
prompts_app.command("mine", epilog=MINE_EXAMPLES)(mine_command)
prompts_app.command("improve", epilog=IMPROVE_EXAMPLES)(improve_command)


def _destroy_local(console: Console, *, yes: bool) -> None:
    console.print(f"This stops the local stack and deletes what it holds in {shown(home())}.", style="bold")
    _confirm("local", yes=yes)
    local_stack.stop()
    local_stack.forget()
    console.print("Nothing of the local stack is left.", style="green")


def _confirm(name: str, *, yes: bool) -> None:
    """Ask for the name to be typed. Raises UsageProblem when there is nobody to ask or the name is another."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageProblem("Nothing was deleted: this asks first, and there is no terminal.", "Add --yes to be sure.")
    if typer.prompt(f"Type {name} to go on") != name:
        raise UsageProblem("Nothing was deleted: that is another name.")


def main() -> None:
    """The script's entry: run the command, and turn errors into words and an exit code."""
    if os.environ.get("AWS_REGION"):  # as every other AWS tool has it; boto3 alone reads only the older name
        os.environ["AWS_DEFAULT_REGION"] = os.environ["AWS_REGION"]
    try:
        app()
    except CliError as error:
        _complain(error)
    except (ClientError, BotoCoreError) as error:
        _complain(explained(error))
    except PlumblineError as error:  # of an adapter: its message says what happened and what to do
        _complain(CliError(f"{str(error)[:1].upper()}{str(error)[1:]}."))


def _complain(error: CliError) -> None:
    console = Console(stderr=True, highlight=False)
    say(console, str(error), mark="Error: ", mark_style="bold red")
    if error.hint:
        say(console, error.hint, mark="→ ", mark_style="cyan", hang=2)
    sys.exit(error.exit_code)

"""`plumbline up` and `down`: the local stack by hand."""

from collections.abc import Mapping

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.text import Text

from cli import local_stack, stack
from cli.errors import CliError
from cli.parameters import check_running_parameters, chosen
from cli.paths import home, plumbline, shown
from cli.remembered import remembered
from cli.run import check_running_model, start_local
from cli.stack import Stack
from cli.training_job import still_training, training_again
from cli.warm import warm
from cli.wrapping import say
from local.info import LocalInfo
from plumbline.adapters import clients
from plumbline.contracts.replay import run_of

_TAKEN_BACK = "--parameter NAME= takes one back to its default"


def up(model: str | None, port: int, parameters: Mapping[str, str], console: Console, *, detach: bool) -> int:
    """Bring the local stack up: in the foreground until Ctrl-C, or in the background."""
    running = local_stack.running()
    if running is not None:
        where = stack.at_local(running)
        check_running_model(where, model)
        check_running_parameters(where, parameters)
        console.print("The local stack is running already.")
        console.print(banner(where, detached=True), soft_wrap=True)
        return 0
    wanted = model or local_stack.MODELS[0]
    local_stack.check_model(wanted)
    if detach:
        where = start_local(console, wanted, port, parameters)
        warm(where, console)
        console.print(banner(where, detached=True), soft_wrap=True)
        return 0
    settings = chosen(parameters)
    console.print(f"Starting the local stack ({wanted} model) …", style="dim")

    def ready(info: LocalInfo) -> None:
        where = stack.at_local(info)
        warm(where, console)
        console.print(banner(where, detached=False), soft_wrap=True)

    def stopping() -> None:
        console.print("\nStopping; saving what the stack holds …", style="dim")

    code = local_stack.serve(wanted, port, ready, stopping, settings)
    console.print("The local stack has stopped; what it holds is kept for the next start.")
    return code


def down(console: Console) -> int:
    """Stop the local stack; what its buckets and tables hold is kept for the next start."""
    _say_what_is_cut_off(console)
    with console.status("Stopping the local stack; saving what it holds …"):
        stopped = local_stack.stop()
    if stopped:
        console.print("The local stack has stopped; what it holds is kept for the next start.")
    else:
        console.print("No local stack is running.")
    return 0


def _say_what_is_cut_off(console: Console) -> None:
    note = local_stack.running()
    if note is None:
        return
    try:
        where = stack.at_local(note)
        found = clients.stepfunctions().list_executions(
            stateMachineArn=where.state_machine_arn, statusFilter="RUNNING"
        )["executions"]
        jobs = still_training(where)
    except (CliError, ClientError, BotoCoreError):
        return  # a stack that does not answer can be stopped all the same
    for name in [*(execution["name"] for execution in found), *(job.name for job in jobs)]:
        say(console, f"This cuts off {name}, which is still running.", style="yellow")
    for execution in found:
        again = plumbline(f"resume {run_of(execution['name'])}")
        say(console, f"After the next start, go on with it: {again}", style="dim")
    for job in jobs:
        say(console, f"Train again later: {training_again(job.dataset, where)}", style="dim")


def banner(where: Stack, *, detached: bool) -> Text:
    """Where the stack is, its parameters and what to do with it. Without a frame: addresses and commands are copied."""
    local, settings = where.local, remembered()
    rows = [
        ("AWS", local.endpoint if local else where.region),
        ("Bedrock", f"{local.bedrock_endpoint}  ({where.model_id})" if local else where.model_id),
        ("Raw bucket", where.raw_bucket),
        ("Data bucket", where.data_bucket),
        ("API", f"{where.api_url}/predictions"),
        ("Swagger page", f"{where.api_url}/swagger"),
        ("Task", where.task),
        ("Logs", shown(home() / "logs")),
        *(("Parameter", f"{name}={value}") for name, value in settings.items()),
        *([("", f"kept for the next start; {_TAKEN_BACK}")] if settings else []),
        ("", ""),
        ("Label a file", plumbline("run FILE")),
        ("Train a model", plumbline("train")),
        ("Predict cases", plumbline("predict FILE")),
        ("Look at runs", plumbline("status")),
        ("Stop", plumbline("down") if detached else "Ctrl-C"),
    ]
    lines = (Text.assemble((f"{name:<15}", "dim"), value) if value else Text() for name, value in rows)
    return Text("\n").join([Text("Plumbline, on this machine", style="bold cyan"), *lines])

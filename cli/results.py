"""How a run ended: fetch what it made, show it, and give the command's exit code."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Final

from pydantic import ValidationError
from rich.console import Console, Group, RenderableType
from rich.text import Text

from cli.downloads import Downloads, fetch, fetch_report
from cli.errors import CliError
from cli.paths import home, plumbline, shown
from cli.progress import Progress
from cli.stack import Stack
from cli.summary import rendered
from cli.training_job import following
from plumbline import keys
from plumbline.adapters.s3 import S3ObjectStore
from plumbline.contracts.errors import MissingObject
from plumbline.contracts.summary import RunSummary

_ADVICE: Final[Mapping[str, str]] = {
    "BudgetExceeded": "Nothing was spent. Raise the budget with --budget, or run a smaller file.",
    "InvalidCaseFile": "",  # its cause says what was expected
    "InvalidMapping": "Mend the mapping file and run the export again.",
    "InvalidPrompt": "See which prompts there are: {plumbline} prompts list.",
    "InvalidEvent": "Check the options: {plumbline} run --help.",
    "MissingObject": "Was the file deleted meanwhile? Run it again.",
    "ModelAccessDenied": "Enable the model in the Bedrock console, check the stack's ModelArns, or name another with "
    "--model-id.",
    "NothingLabeled": "Mend the cause above, then go on with it: {plumbline} resume {run}. Replies already paid "
    "for are reused.",
    "ABORTED": "Go on with it: {plumbline} resume {run}. Replies already paid for are reused.",
    "TIMED_OUT": "Go on with it: {plumbline} resume {run}. Replies already paid for are reused.",
}


_SHOWN_FILES: Final = ("Labels", "Dataset", "Manifest", "Predictions", "Rejects", "Report")


def summary_of(stack: Stack, run_id: str) -> RunSummary | None:
    """The run's summary, or None where it has none (yet). Raises CliError for one of another version."""
    try:
        return RunSummary.model_validate_json(S3ObjectStore(stack.data_bucket).read(keys.summary(run_id)))
    except MissingObject:
        return None
    except ValidationError as error:
        message = f"The summary of {run_id} does not fit this version of the commands ({error.error_count()} fields)."
        raise CliError(message, "Use the commands of the version that is deployed.") from None


def conclude(console: Console, stack: Stack, run_id: str, progress: Progress, *, as_json: bool) -> int:
    """Show how the run ended; 0 when it succeeded, else 1. `as_json` prints the summary to standard output."""
    if progress.state != "SUCCEEDED":
        console.print(failure(stack, run_id, progress), soft_wrap=True)
        if report := fetch_report(stack, run_id):
            console.print(Text.assemble(("Report  ", "dim"), (shown(report), "bold cyan")), soft_wrap=True)
        if as_json:
            known = {"run_id": run_id, "status": progress.state, "error": progress.error, "cause": progress.cause}
            print(json.dumps(known, indent=2))
        return 1
    summary = summary_of(stack, run_id)
    if summary is None:
        raise CliError(f"The run {run_id} succeeded, but its summary is gone from s3://{stack.data_bucket}.")
    found = fetch(stack, summary)
    if as_json:
        print(summary.model_dump_json(indent=2))
        return 0
    places = {key: shown(path) for key, path in found.places.items()}
    if summary.training_job:
        places[summary.training_job] = following(summary.training_job, stack)
    console.print(rendered(summary, stack, places), crop=False)
    for line in file_lines(found, summary.ingest.rejected):
        console.print(line, soft_wrap=True)
    return 0


def file_lines(found: Downloads, rejected: int) -> Iterator[Text]:
    """The first rejected rows, then what lies on this machine, a line a kind."""
    if found.rejects:
        yield Text("\nRejected rows" if rejected <= len(found.rejects) else "\nThe first rejected rows", style="dim")
        for row in found.rejects:
            yield Text(f"  line {row.line}: {row.reason}")
    yield Text.assemble(("\nOn this machine: ", "dim"), f"{shown(found.folder)}/")
    width = max(9, *map(len, found.files)) if found.files else 9
    for name in _SHOWN_FILES:
        if paths := found.files.get(name):
            others = "".join(f", {path.name}" for path in paths[1:])
            yield Text.assemble((f"{name:<{width}} ", "dim"), (f"{shown(paths[0])}", "bold cyan"), others)
    yield from (Text(note, style="yellow") for note in found.notes)


def failure(stack: Stack, run_id: str, progress: Progress) -> RenderableType:
    """Why a run did not succeed, and what to do."""
    word = "stopped" if progress.state == "STOPPED" else "failed"
    parts: list[RenderableType] = [
        Text(),
        Text.assemble((f"The run {word}: ", "bold red"), (progress.error, "bold")),
        Text(progress.cause or "No cause was recorded."),
    ]
    if progress.batch and progress.batch.unsubmitted < progress.batch.jobs:
        words = "Its batch jobs are billed, and only this run can read their answers; a new run would submit them anew:"
        parts += [Text(words), *(Text(f"  {line}") for line in progress.batch.lines(datetime.now(UTC)))]
    advice = _ADVICE.get(progress.error, _look_at(stack, run_id))
    if advice:
        named = advice.replace("{plumbline}", plumbline()).replace("{run}", f"{run_id}{stack.option}")
        parts.append(Text.assemble(("→ ", "cyan"), named))
    if progress.error in _ADVICE and stack.local is None:
        parts.append(Text(_look_at(stack, run_id), style="dim"))
    return Group(*parts)


def _look_at(stack: Stack, run_id: str) -> str:
    if stack.local:
        return f"The functions' logs are in {shown(home() / 'logs')}."
    arn = stack.execution_arn(run_id)
    return (
        f"The execution: https://{stack.region}.console.aws.amazon.com/states/home?region={stack.region}"
        f"#/v2/executions/details/{arn}"
    )

"""`plumbline replay` and `resume`: go over a run again from a stage, and go on with one that broke off."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Final, get_args

import typer
from rich.console import Console
from rich.text import Text

from cli import stack as stacks
from cli.errors import CliError, UsageProblem
from cli.observe import describe
from cli.options import AsJson, StackName, examples
from cli.paths import plumbline
from cli.precheck import check_prompt
from cli.progress import Execution
from cli.results import summary_of
from cli.run import INTERRUPTED, console_for, watch
from cli.stack import Stack
from cli.status import chosen, is_starting, runs_of
from cli.wrapping import say
from plumbline import keys
from plumbline.adapters.dynamodb import DynamoLedger
from plumbline.adapters.s3 import S3ObjectStore
from plumbline.adapters.stepfunctions import LabelCasesWorkflow
from plumbline.collate.again import changes
from plumbline.contracts.errors import MissingObject
from plumbline.contracts.replay import Replay, ReplayStage
from plumbline.contracts.runs import IngestRecord, IngestResult, RunRequest, RunRow
from plumbline.contracts.summary import RunSummary
from plumbline.report.words import count, plural

REPLAY_EXAMPLES: Final = examples(
    "plumbline replay last --from parse",
    "plumbline replay run-4f2a --from parse --prompt v4",
    "plumbline replay run-4f2a --from balance --stack plumbline",
)
RESUME_EXAMPLES: Final = examples("plumbline resume last", "plumbline resume run-4f2a --budget 20 --stack plumbline")
STAGES: Final = ("parse", "collate", "balance", "report")
_GOING: Final = ("RUNNING", "PENDING_REDRIVE")
_SHOWN_CHANGES: Final = 10
_LABELING: Final = ("ingest", "label")
_OF_A_REPLAY: Final = {"prompt_version", "max_repairs", "vote_samples"}
Run = Annotated[str, typer.Argument(metavar="RUN", help="A run's id, its beginning, or `last`.")]


def replay_command(
    run: Run,
    stage: Annotated[str, typer.Option("--from", metavar="STAGE", help="parse, collate, balance or report.")],
    prompt: Annotated[
        str | None,
        typer.Option("--prompt", "-p", metavar="VERSION", help="Read with this version's categories and aliases."),
    ] = None,
    repairs: Annotated[
        int,
        typer.Option(
            "--repairs", min=0, max=5, help="Ask, up to N times in all, about replies that cannot be read. Costs."
        ),
    ] = 0,
    stack: StackName = None,
    as_json: AsJson = False,
) -> None:
    """Go over a run again from one of its stages; it costs no model call.

    parse reads the stored replies anew, with the rules of this version or
    with another prompt version; collate gives outcomes anew; balance writes
    the dataset anew (after a review, for example); report draws the page
    anew. Each goes on to the end. A label that is gone makes its case new
    again. What changed is shown, and kept in the summary.
    """
    wanted = _stage(stage)
    if wanted != "parse" and (prompt is not None or repairs):
        raise UsageProblem("--prompt and --repairs are for --from parse.", "Later stages read no reply.")
    where, console = stacks.find(stack), console_for(as_json=as_json)
    known = known_of(where, run)
    check_not_going(where, known)
    if where.local and prompt is not None:
        check_prompt(known.row.task, prompt)
    request, beside = replayed(known, wanted, prompt, repairs)
    raise typer.Exit(start(where, known, request, beside, console, as_json=as_json))


def resume_command(
    run: Run,
    budget: Annotated[
        float | None, typer.Option("--budget", metavar="USD", help="A higher cap, what is spent already included.")
    ] = None,
    stack: StackName = None,
    as_json: AsJson = False,
) -> None:
    """Go on with a run that failed, was stopped or cut off, or lost some cases.

    It goes on under its own id from the stage that failed. What a model has
    answered is looked up and not paid again, and the run's budget holds for
    all of it together.
    """
    if budget is not None and not budget > 0:
        raise UsageProblem("--budget must be above 0.")
    where, console = stacks.find(stack), console_for(as_json=as_json)
    known = known_of(where, run)
    check_not_going(where, known)
    request, beside = resumed(known, budget)
    raise typer.Exit(start(where, known, request, beside, console, as_json=as_json))


@dataclass(frozen=True)
class Known:
    """What there is of a run: its row, what it was asked for and found, its summary, its newest execution."""

    row: RunRow
    request: RunRequest | None
    ingest: IngestResult | None
    summary: RunSummary | None
    execution: Execution | None
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def again(self, stage: ReplayStage, **changes: object) -> RunRequest:
        """The run's request for its next execution, from that stage; after labeling with the prompt of its labels.

        Raises CliError where nobody knows any more what it was asked for.
        """
        if self.request is None:
            message = f"What the run {self.row.run_id} was asked for is not known any more."
            raise CliError(message, f"Upload the file again: {plumbline('run FILE')}")
        if self.summary is not None and stage not in _LABELING:  # labeling asks as it did: else it would pay anew
            changes = {"prompt_version": self.summary.prompt.version} | changes
        number = Replay(number=self.row.replays + 1, stage=stage, at=self.at)
        return self.request.model_copy(update=changes | {"replay": number})


def known_of(where: Stack, wanted: str) -> Known:
    """Look the run up. Raises UsageProblem for one that is not there."""
    row = chosen(runs_of(where), wanted)
    execution = describe(where, row.execution_name)
    summary = summary_of(where, row.run_id)
    try:
        record = IngestRecord.model_validate_json(S3ObjectStore(where.data_bucket).read(keys.ingested(row.run_id)))
    except MissingObject:  # it failed before, or it is of a version that kept no record
        request = execution.run if execution else None
        return Known(row, request, summary.ingest if summary else None, summary, execution)
    return Known(row, record.run, record.ingest, summary, execution)


def check_not_going(where: Stack, known: Known) -> None:
    """Raise CliError while the run is still running: two executions would write over each other."""
    going = known.execution is not None and known.execution.status in _GOING
    if going or (known.execution is None and is_starting(known.row, known.at)):
        follow = plumbline(f"status {known.row.run_id} --follow{where.option}")
        raise CliError(f"The run {known.row.run_id} is still running.", f"Wait for its end: {follow}")


def replayed(
    known: Known, stage: ReplayStage, prompt: str | None, repairs: int
) -> tuple[RunRequest, Mapping[str, object]]:
    """The request and what stands beside it in the execution's input. Raises CliError where the stage lacks something
    that only an earlier one makes."""
    if known.ingest is None or (known.summary is None and stage in ("balance", "report")):
        message = f"The run {known.row.run_id} did not come as far as {stage}."
        raise CliError(message, f"Go on with it: {plumbline(f'resume {known.row.run_id}')}")
    beside: dict[str, object] = {"ingest": {"value": known.ingest.model_dump(mode="json")}}
    if stage == "report":
        summary = known.summary
        if summary is None or summary.balance is None:
            hint = f"Begin there: {plumbline(f'replay {known.row.run_id} --from balance')}"
            raise CliError(f"The run {known.row.run_id} has no verdict yet.", hint)
        beside["balance"] = {"value": summary.balance.model_dump(mode="json")}
        beside["training"] = {"job_name": summary.training_job, "error": summary.training_error}
    if stage != "parse":
        return known.again(stage), beside
    version = {"prompt_version": prompt} if prompt is not None else {}
    return known.again(stage, max_repairs=repairs, vote_samples=0, **version), beside


def resumed(known: Known, budget: float | None) -> tuple[RunRequest, Mapping[str, object]]:
    """The request from the stage that failed, by what the run has written. Raises CliError where nothing is left."""
    last = known.execution.run if known.execution else None
    broken = last.replay.stage if last and last.replay and known.row.status != "SUCCEEDED" else None
    if last is not None and broken is not None and broken not in _LABELING:
        request, beside = replayed(known, broken, None, 0)
        return request.model_copy(update=last.model_dump(include=_OF_A_REPLAY)), beside
    more = {"budget_usd": budget} if budget is not None else {}
    stage = _left(known, more_money=budget is not None)
    if known.ingest is None:
        return known.again("ingest", **more), {}
    return known.again(stage, **more), {"ingest": {"value": known.ingest.model_dump(mode="json")}}


def _left(known: Known, *, more_money: bool) -> ReplayStage:
    summary, row = known.summary, known.row
    if summary is None:
        return "label"
    if summary.outcomes.get("failed") or (more_money and summary.budget_reached):
        return "label"
    if row.status == "SUCCEEDED":
        anew = f"To read its replies anew: {plumbline('replay')} {row.run_id} --from parse"
        hint = "A higher --budget would go on." if summary.budget_reached else anew
        raise CliError(f"The run {row.run_id} has ended, and no case of it failed.", hint)
    return "balance"


def start(
    where: Stack,
    known: Known,
    request: RunRequest,
    beside: Mapping[str, object],
    console: Console,
    *,
    as_json: bool,
) -> int:
    """Start the execution, follow it to its end, show what changed; the command's exit code."""
    ledger, run_id = DynamoLedger(where.ledger_table), request.run_id
    row = known.row.model_copy(
        update={"status": "RUNNING", "replays": request.replays, "finished_at": None, "error": None, "cause": None}
    )
    ledger.put_run(row)
    try:
        started = LabelCasesWorkflow(where.state_machine_arn).start_again(request, beside)
    except BaseException:
        ledger.put_run(known.row)
        raise
    if not started:  # the row is right: that one runs, or its end will be seen in its execution
        raise CliError(f"Somebody else has just begun to go over the run {run_id} again.", "Look at its status.")
    stage = request.replay.stage if request.replay else ""
    say(console, f"Run {run_id} goes on from {stage}, prompt {request.prompt_version}.", style="dim")
    code = watch(where, run_id, console, as_json=as_json, task=request.task, execution=row.execution_name)
    if code != INTERRUPTED and (summary := summary_of(where, run_id)) is not None:
        show_changes(where, summary, request.replays, console)
    return code


def show_changes(where: Stack, summary: RunSummary, number: int, console: Console) -> None:
    """How many labels changed, and the most frequent of the changes."""
    found = summary.replay
    if found is None or found.number != number or not found.compared:
        return  # it broke off before Collate, now or before
    console.print(
        Text.assemble(
            ("\nLabels: ", "bold"),
            f"{count(found.changed)} changed, {count(found.gained)} gained, {count(found.lost)} lost",
        )
    )
    if not found.changed + found.gained + found.lost:
        return
    data = S3ObjectStore(where.data_bucket)
    moves = Counter(
        (before.category if change != "gained" else None, after.category if change != "lost" else None)
        for before, after, change in changes(summary.run_id, number, data)
    )
    for (was, now), cases in moves.most_common(_SHOWN_CHANGES):
        say(console, f"  {was or '(no label)'} → {now or '(no label)'}: {count(cases)}")
    if len(moves) > _SHOWN_CHANGES:
        say(console, f"  and {plural(len(moves) - _SHOWN_CHANGES, 'other change')}", style="dim")
    if found.lost:
        say(console, "Cases that lost their label are new again: the next upload that has them labels them.")


def _stage(wanted: str) -> ReplayStage:
    if wanted not in STAGES:
        hint = f"One of: {', '.join(STAGES)}. What was not asked yet is asked by: {plumbline('resume RUN')}"
        raise UsageProblem(f"There is no stage {wanted!r} to begin from.", hint)
    return next(stage for stage in get_args(ReplayStage) if stage == wanted)

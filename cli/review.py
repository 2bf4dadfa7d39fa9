"""`plumbline review`: sheets for people to label, and their labels back as gold."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from cli import stack as stacks
from cli.downloads import run_folder
from cli.errors import CliError, UsageProblem
from cli.options import AsJson, StackName, examples
from cli.paths import plumbline, prompts_dir, shown
from cli.results import summary_of
from cli.review_view import rendered
from cli.run import console_for
from cli.stack import Stack
from cli.status import run_summary
from cli.wrapping import say
from plumbline import keys
from plumbline.adapters.dynamodb import DynamoLedger
from plumbline.adapters.s3 import S3ObjectStore
from plumbline.confidence import read_calibration
from plumbline.contracts.errors import InvalidPrompt, MissingObject
from plumbline.contracts.gold import GoldLabel
from plumbline.contracts.labels import Label, Outcome
from plumbline.contracts.prompts import Category
from plumbline.contracts.review import AskedCase
from plumbline.contracts.summary import RunSummary
from plumbline.gold import read_gold, write_gold
from plumbline.jsonl import read_if_there, read_models
from plumbline.prompting import load_prompt
from plumbline.report.words import plural
from plumbline.review.cases import ReviewCase, candidates_of_run, read_cases
from plumbline.review.queue import queue as queued
from plumbline.review.queue import sample as sampled
from plumbline.review.verdict import Verdict, verdict

DEFAULT_SAMPLE: Final = 150
MAX_SAMPLE: Final = 5000
review_app = typer.Typer(help="Let people label cases, and take their labels as gold.", no_args_is_help=True)
Run = Annotated[str, typer.Argument(metavar="RUN", help="A run's id, its beginning, or `last`.")]
Size = Annotated[int, typer.Option("--sample", min=1, max=MAX_SAMPLE, help="How many cases.")]
Queue = Annotated[bool, typer.Option("--queue", help="The most useful first; else all at random.")]
Seed = Annotated[int, typer.Option("--seed", help="The same seed draws the same cases.")]


@review_app.command(
    "export",
    epilog=examples("plumbline review export last", "plumbline review export run-4f2a --queue --out sheet.xlsx"),
)
def export_command(
    run: Run = "last",
    size: Size = DEFAULT_SAMPLE,
    queue: Queue = False,
    seed: Seed = 1,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE.xlsx", help="Where the sheet goes.")] = None,
    stack: StackName = None,
) -> None:
    """Write an Excel sheet of a run's cases for people to label.

    A random sample of the accepted labels, whose accuracy is the run's; with
    --queue what a person's label is worth most for, and a fifth at random.
    Only anonymized text is on it. Same seed, same cases.
    """
    where = stacks.find(stack)
    raise typer.Exit(export(where, run, size, seed, out, console_for(as_json=False), queue=queue))


@review_app.command("import", epilog=examples("plumbline review import review-run-4f2a.xlsx"))
def import_command(
    file: Annotated[Path, typer.Argument(metavar="FILE.xlsx", help="A sheet that came back.")],
    partial: Annotated[bool, typer.Option("--partial", help="Take a sheet from which rows were deleted.")] = False,
    stack: StackName = None,
    as_json: AsJson = False,
) -> None:
    """Check a sheet that came back, keep its labels as gold, say how right the model was.

    Rows without a label are not reviewed. A sheet with any problem is refused
    whole. Importing a sheet again replaces what it said before.
    """
    where = stacks.find(stack)
    raise typer.Exit(import_sheet(where, file, console_for(as_json=as_json), partial=partial, as_json=as_json))


def export(where: Stack, wanted: str, size: int, seed: int, out: Path | None, console: Console, *, queue: bool) -> int:
    """Write the sheet and say what it is a sample of; 0."""
    from cli import review_sheet as sheets  # noqa: PLC0415 - openpyxl takes its time

    if out is not None and out.suffix.lower() != ".xlsx":
        raise UsageProblem(f"{out} does not end in .xlsx.", "Name it so: spreadsheets go by the ending.")
    summary = run_summary(where, wanted)
    found = cases_for_people(where, summary, size, seed, queue=queue)
    cases, answers = found.cases, answers_of(summary, found.cases, console)
    now, names = datetime.now(UTC).replace(microsecond=0), [answer.name for answer in answers]
    lineage = sheets.lineage_of(summary, cases, names, found.population, seed, now, queue=queue)
    path = out or run_folder(summary.run_id) / f"review-{lineage.sheet_id}.xlsx"
    sheets.write_sheet(sheets.Sheet(lineage, cases, answers), path)
    drawn = sum(case.part == "random" for case in cases)
    say(console, sheets.how_drawn(lineage, len(cases), drawn))
    if found.near_duplicates:
        say(console, f"Left out: {plural(found.near_duplicates, 'near-duplicate')} of cases on the sheet.")
    if found.gone:
        say(console, f"Left out: {plural(found.gone, 'case')} whose text is deleted.")
    if known := sum(case.known is not None for case in cases):
        say(console, f"On the sheet with the label that people gave before: {plural(known, 'case')}.")
    say(console, f"The sheet: {shown(path)}")
    say(console, f"When it comes back: {plumbline(f'review import {shown(path)}{where.option}')}")
    return 0


def import_sheet(where: Stack, file: Path, console: Console, *, partial: bool, as_json: bool) -> int:
    """Check, store, show; 0. Raises CliError naming every problem, and then nothing is stored."""
    from cli import review_reading as reading  # noqa: PLC0415 - openpyxl takes its time

    sheet = reading.read_sheet(file)
    lineage = sheet.lineage
    summary = summary_for(where, lineage.run_id, file.name)
    strangers = not_of_run(where, summary, sheet.asked)
    known = known_answers(summary, [case for case in sheet.asked if case not in strangers])
    answers = reading.checked(sheet, known, partial=partial)
    if strangers:
        what = f"{plural(len(strangers), 'case')} of the sheet are not as the run {lineage.run_id} has them"
        fix = "Was the sheet exported from another stack, or has the run been repeated since? Export a new one."
        answers.problems.insert(0, reading.Problem(file.name, what, fix))
    if answers.problems:
        raise reading.refusal(file.name, answers.problems)
    if not answers.labels:
        raise CliError(f"{file.name} has no labels yet.", "Fill in the column Label and save the file.")
    found = verdict(sheet.asked, answers.labels, known)
    kept = keep(where, summary.task, f"review-{lineage.run_id}-{lineage.sheet_id}", answers.labels)
    show(found, kept, summary, where, console, as_json=as_json)
    return 0


@dataclass(frozen=True)
class Kept:
    """Reviewed cases that changed: `caught_up` before this review, whose label is of the newer text; `outdated` after
    the reviewed run, so that the label is of an older text than a later run has labeled."""

    caught_up: int
    outdated: int


def keep(where: Stack, task: str, name: str, labels: Sequence[GoldLabel]) -> Kept:
    """Store the labels as gold, replacing those of an earlier import of the same name, and tell the ledger: what a
    person has labeled is not new at the next upload. What a later run has labeled stays as that run left it."""
    write_gold(task, name, labels, S3ObjectStore(where.data_bucket))
    ledger = DynamoLedger(where.ledger_table)
    run_id = labels[0].run_id
    started = {row.run_id: row.started_at for row in ledger.runs(task)}
    known = ledger.recorded(task, [label.case_id for label in labels])
    new = {label.case_id: label.content_hash for label in labels if label.case_id not in known}
    changed = {
        label.case_id: label.content_hash
        for label in labels
        if label.case_id in known and known[label.case_id].content_hash != label.content_hash
    }
    caught_up = {
        case_id: content_hash
        for case_id, content_hash in changed.items()
        if run_id in started and started.get(known[case_id].run_id, started[run_id]) < started[run_id]
    }
    if done := new | caught_up:
        ledger.record_labeled(task, run_id, done)
    return Kept(len(caught_up), len(changed) - len(caught_up))


def show(found: Verdict, kept: Kept, summary: RunSummary, where: Stack, console: Console, *, as_json: bool) -> None:
    """The verdict, and what to do with it."""
    if as_json:
        corrected = [{"model": m, "person": p, "cases": n} for (m, p), n in found.corrected.items()]
        accuracy = found.accuracy.model_dump() if found.accuracy else None
        useful = found.useful.model_dump() if found.useful else None
        known = {"run_id": summary.run_id, "asked": found.asked, "reviewed": found.reviewed, "accuracy": accuracy}
        changed = {"caught_up": kept.caught_up, "outdated": kept.outdated}
        print(json.dumps(known | {"useful": useful, "corrected": corrected, "changed": changed}, indent=2))
        return
    console.print(rendered(found, summary))
    if kept.caught_up:
        cases = plural(kept.caught_up, "case")
        say(console, f"Changed since an earlier run labeled them: {cases}. The next upload does not read them again.")
    if kept.outdated:
        cases = plural(kept.outdated, "case")
        say(console, f"Changed since this run: {cases}. Their labels count for the text that was reviewed, no other.")
    say(console, "The next run's dataset takes these labels in place of the model's.")
    if found.corrected:
        say(console, f"What the model mixes up: {plumbline(f'prompts mine {summary.run_id}{where.option}')}")
    say(console, f"Confidence learns from them: {plumbline(f'confidence fit {summary.run_id}{where.option}')}")


def summary_for(where: Stack, run_id: str, name: str) -> RunSummary:
    """The summary of the run that a file is about. Raises CliError where this stack has no such run."""
    summary = summary_of(where, run_id)
    if summary is None:
        hint = "Name the stack that it was exported from with --stack." if where.local else "Is --stack the right one?"
        raise CliError(f"{name} is about the run {run_id}, which the stack {where.name} does not have.", hint)
    return summary


@dataclass(frozen=True)
class ForPeople:
    """The cases of a sheet; of how many accepted labels the random ones are a sample; and what was left out."""

    cases: list[ReviewCase]
    population: int
    near_duplicates: int
    gone: int


def cases_for_people(where: Stack, summary: RunSummary, size: int, seed: int, *, queue: bool) -> ForPeople:
    """The cases that people are asked about, with their texts. Raises CliError where there is none."""
    data = S3ObjectStore(where.data_bucket)
    try:
        calibration = read_calibration(summary.prompt, summary.model_id, data) if queue else None
        candidates = candidates_of_run(summary.run_id, data, with_signals=queue, calibration=calibration)
    except MissingObject as error:
        raise CliError(f"The labels of {summary.run_id} are gone: {error}.") from None
    known = read_gold(summary.task, data)
    if queue:
        judged = {
            c.case_id for c in candidates if c.case_id in known and known[c.case_id].content_hash == c.content_hash
        }
        choice = queued(candidates, size, seed, frozenset(judged))
    else:
        choice = sampled(candidates, size, seed)
    cases = read_cases(summary.run_id, choice, known, data)
    if not cases:
        raise CliError(
            f"The run {summary.run_id} has no label to review.",
            "Either it accepted none, which --queue shows too, or the texts are deleted.",
        )
    return ForPeople(cases, choice.population, choice.near_duplicates, gone=len(choice.rows) - len(cases))


def answers_of(summary: RunSummary, cases: Sequence[ReviewCase], console: Console) -> tuple[Category, ...]:
    """What people may answer, with the prompt's descriptions where this repository has the very prompt of the run."""
    if (answers := _answers_of_prompt(summary)) is not None:
        return answers
    prompt = f"{summary.prompt.task} {summary.prompt.version}"
    say(console, f"This repository has not the prompt {prompt} of the run: the sheet names categories only.")
    names = dict.fromkeys((*summary.classes, *(case.model_label for case in cases)))
    return tuple(Category(name=name, description="(not in this repository)") for name in names)


def _answers_of_prompt(summary: RunSummary) -> tuple[Category, ...] | None:
    try:
        loaded = load_prompt(prompts_dir(), summary.prompt.task, summary.prompt.version)
    except InvalidPrompt:
        return None
    return loaded.prompt.answers if loaded.ref.sha256 == summary.prompt.sha256 else None


def known_answers(summary: RunSummary, asked: Sequence[AskedCase]) -> tuple[str, ...]:
    """What a person may have answered: of the run's own prompt where this repository has it, else its classes and what
    the model answered. A file that comes back is not asked. `asked` are cases as the run has them."""
    answers = _answers_of_prompt(summary)
    names = summary.classes if answers is None else (answer.name for answer in answers)
    return tuple(dict.fromkeys((*names, *(case.model_label for case in asked))))


def not_of_run(where: Stack, summary: RunSummary, asked: Sequence[AskedCase]) -> list[AskedCase]:
    """Cases of a file that the run does not have, or not with that content, that label, or so drawn."""
    wanted, data = {case.case_id for case in asked}, S3ObjectStore(where.data_bucket)
    try:
        outcomes = read_models(data, keys.outcomes(summary.run_id), Outcome)
        found = {o.case_id: o for o in outcomes if o.case_id in wanted}
    except MissingObject as error:
        raise CliError(f"The labels of {summary.run_id} are gone: {error}.") from None
    nameless = {o.shard for o in found.values() if o.category is None and o.shard}  # the answer none-of-these
    labels = (label for shard in nameless for label in read_if_there(data, keys.labels(summary.run_id, shard), Label))
    said = {label.case_id: label.category for label in labels}
    return [case for case in asked if not _as_stored(case, found.get(case.case_id), said)]


def _as_stored(case: AskedCase, stored: Outcome | None, said: Mapping[str, str]) -> bool:
    if stored is None or stored.content_hash != case.content_hash:
        return False
    label = stored.category or said.get(case.case_id)
    return label == case.model_label and (case.part != "random" or stored.outcome == "labeled")

"""`plumbline evaluate`: how good a run's labels are, by the checks that can be made of it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from cli.downloads import run_folder
from cli.errors import CliError, UsageProblem
from cli.evaluate_view import rendered, show_choices
from cli.gold_cases import gold_by_id
from cli.judging import JudgeOptions, check_judge, judged_run
from cli.options import AsJson, StackName, examples
from cli.paths import plumbline, prompts_dir, shown
from cli.references import read_references
from cli.review import DEFAULT_SAMPLE, MAX_SAMPLE, export
from cli.run import console_for
from cli.run_misses import stored
from cli.stack import Stack
from cli.stack_model import any_stack, stack_model, stack_parameters
from cli.status import run_summary
from cli.wrapping import say
from plumbline.adapters.s3 import S3ObjectStore
from plumbline.contracts.errors import InvalidPrompt, MissingObject, ModelFileBroken
from plumbline.contracts.evaluation import Evaluation, Reference, ReferenceCheck
from plumbline.contracts.summary import RunSummary
from plumbline.evaluate import choose
from plumbline.evaluate.labels import RunGold, gold_of_labels
from plumbline.evaluate.texts import compare_texts
from plumbline.ports import Embedder
from plumbline.prompting import LoadedPrompt, load_prompt
from plumbline.report.evaluation_plot import evaluation_plot

EVALUATE_EXAMPLES: Final = examples(
    "plumbline evaluate last",
    "plumbline evaluate run-4f2a --gold gold.csv --plot labels.svg",
    "plumbline evaluate last --references reasonings.csv",
    "plumbline evaluate last --judge us.amazon.nova-pro-v1:0 --sample 200 --budget 1 --stack plumbline",
)


@dataclass(frozen=True)
class EvaluateOptions:
    """What `plumbline evaluate` was asked for."""

    run: str = "last"
    gold: Path | None = None
    mapping: Path | None = None
    references: Path | None = None
    judge: str | None = None
    sample: int = DEFAULT_SAMPLE
    seed: int = 1
    budget: float | None = None
    plot: Path | None = None
    out: Path | None = None
    stack_name: str | None = None
    as_json: bool = False


def evaluate_command(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run's id, its beginning, or `last`.")] = "last",
    gold: Annotated[
        Path | None, typer.Option("--gold", metavar="FILE", help="Gold labels; else reviews and the run's own.")
    ] = None,
    mapping: Annotated[
        Path | None, typer.Option("--map", metavar="FILE", help="Which column of it is which field (YAML).")
    ] = None,
    references: Annotated[
        Path | None,
        typer.Option("--references", metavar="FILE", help="Reasonings by people: CSV or JSONL, case_id and reasoning."),
    ] = None,
    judge: Annotated[
        str | None, typer.Option("--judge", metavar="MODEL_ID", help="Another model, which scores the labels.")
    ] = None,
    sample: Annotated[
        int, typer.Option("--sample", "-n", min=1, max=MAX_SAMPLE, help="Labels for the judge or the review sheet.")
    ] = DEFAULT_SAMPLE,
    seed: Annotated[int, typer.Option("--seed", help="Another seed draws other cases.")] = 1,
    budget: Annotated[
        float | None, typer.Option("--budget", metavar="USD", help="No call of the judge that could cost more.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option("--plot", metavar="FILE.svg", help="Draw the figures with their intervals.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="The evaluation (.json), or the review sheet (.xlsx)."),
    ] = None,
    stack: StackName = None,
    as_json: AsJson = False,
) -> None:
    """Say how good a run's labels are, by the check that fits what is known.

    Gold labels: accuracy, precision, recall, F1, kappa, the confusion matrix,
    and how many cases got a label at all. --references: ROUGE-L and the
    nearness of the reasonings. --judge: scores of another model, which are no
    accuracy, and how far it agrees with people. Nothing of these: a review
    sheet. It says which check it chose and why.
    """
    options = EvaluateOptions(
        run=run, gold=gold, mapping=mapping, references=references, judge=judge, sample=sample, seed=seed,
        budget=budget, plot=plot, out=out, stack_name=stack, as_json=as_json,
    )  # fmt: skip
    raise typer.Exit(evaluate(options, console_for(as_json=as_json)))


def evaluate(options: EvaluateOptions, console: Console) -> int:
    """Choose, check, show; 0. Raises UsageProblem, CliError."""
    _check(options)
    given = read_references(options.references) if options.references else None
    where = any_stack(options.stack_name, console)
    summary = run_summary(where, options.run)
    if options.judge:
        check_judge(options.judge, where, summary)
    prompt = _prompt_of(summary)
    found = _gold(options, where, summary, prompt)
    figures = found.check.figures if found.check else None
    choices = choose(
        gold=figures.accuracy.n if figures else 0,
        references=None if given is None else len(given),
        judge=options.judge,
        left_out=found.left_out.picked + found.left_out.unknown,
    )
    show_choices(console, summary, choices)
    result = Evaluation(
        run_id=summary.run_id, task=summary.task, prompt=summary.prompt, model_id=summary.model_id, choices=choices,
        gold=found.check,
    )  # fmt: skip
    if given is not None:
        result = result.model_copy(update={"references": compared_texts(where, summary, found, given)})
    if options.judge:
        data = S3ObjectStore(where.data_bucket)
        asked = stack_model(where, stack_parameters(where), options.judge, budget=options.budget)
        limits = JudgeOptions(options.sample, options.seed)
        check = judged_run(summary, _needed(prompt, summary), found.accepted, found.by_id, asked, data, limits, console)
        result = result.model_copy(update={"judge": check})
    if any(choice.made for choice in choices if choice.check == "review_sheet"):
        result = result.model_copy(update={"review_sheet": _sheet(options, where, summary, console)})
    _conclude(options, result, console)
    return 0


def _check(options: EvaluateOptions) -> None:
    if options.budget is not None and not options.budget > 0:
        raise UsageProblem("--budget must be above 0.")
    if options.mapping and not options.gold:
        raise UsageProblem("--map says which column of --gold FILE is which field; there is no --gold.")
    for name, path, endings in (("--plot", options.plot, (".svg",)), ("--out", options.out, (".json", ".xlsx"))):
        if path and path.suffix.lower() not in endings:
            raise UsageProblem(f"{name} {path} ends in none of {', '.join(endings)}.", "Give it another name.")
        if path and not path.absolute().parent.is_dir():
            raise UsageProblem(f"{name} {path}: there is no folder {path.parent}.")


def _prompt_of(summary: RunSummary) -> LoadedPrompt | None:
    """The very prompt that labeled the run; None where this repository has another one, or none."""
    try:
        prompt = load_prompt(prompts_dir(), summary.prompt.task, summary.prompt.version)
    except InvalidPrompt:
        return None
    return prompt if prompt.ref.sha256 == summary.prompt.sha256 else None


def _needed(prompt: LoadedPrompt | None, summary: RunSummary) -> LoadedPrompt:
    if prompt is None:
        name = f"{summary.prompt.task}/{summary.prompt.version}"
        message = f"A judge needs the categories of {name}, and this repository has not the file that labeled the run."
        raise CliError(message, "Evaluate from the repository that the stack was deployed from.")
    return prompt


def _gold(options: EvaluateOptions, where: Stack, summary: RunSummary, prompt: LoadedPrompt | None) -> RunGold:
    """A label none-of-these that people gave counts as what it is: the model's category was wrong."""
    categories = [*prompt.prompt.answer_names] if prompt else list(summary.classes)
    given = gold_by_id(options.gold, options.mapping, categories) if options.gold else None
    try:
        return gold_of_labels(summary.task, summary.run_id, categories, S3ObjectStore(where.data_bucket), given)
    except MissingObject as error:
        raise CliError(f"The labels of {summary.run_id} are gone: {error}.") from None


def embedder() -> Embedder:
    """The model that embeds reasonings, on this machine."""
    from plumbline.adapters.minilm import minilm  # noqa: PLC0415 - late: it takes a second

    return minilm()


def compared_texts(
    where: Stack, summary: RunSummary, found: RunGold, references: list[Reference]
) -> ReferenceCheck | None:
    """The run's reasonings beside the references. Raises CliError where none fits or a library is missing."""
    wanted = {one.case_id for one in references}
    outcomes = [outcome for outcome in found.accepted if outcome.case_id in wanted]
    _, labels = stored(S3ObjectStore(where.data_bucket), summary.run_id, outcomes)
    said = {case_id: label.reasoning for case_id, label in labels.items()}
    try:
        check = compare_texts(references, said, embedder())
    except (ImportError, ModelFileBroken) as error:
        raise CliError(
            f"Reasonings cannot be compared here: {error}.", "`make setup` installs what it takes."
        ) from None
    if check is None:
        hint = "The column case_id has the ids of the export."
        raise CliError(f"No reference is of a case that {summary.run_id} labeled.", hint)
    return check


def _sheet(options: EvaluateOptions, where: Stack, summary: RunSummary, console: Console) -> str:
    named = options.out if options.out and options.out.suffix.lower() == ".xlsx" else None
    path = named or run_folder(summary.run_id) / f"review-{summary.run_id}.xlsx"
    say(console, "")
    export(where, summary.run_id, options.sample, options.seed, path, console, queue=False)
    say(console, f"After the import: {plumbline(f'evaluate {summary.run_id}{where.option}')}")
    return shown(path)


def _conclude(options: EvaluateOptions, result: Evaluation, console: Console) -> None:
    if options.as_json:
        print(result.model_dump_json(indent=2))
    else:
        for part in rendered(result, console.width):
            console.print(part)
    if options.plot:
        if drawing := evaluation_plot(result):
            _write(options.plot, drawing, "Plot", console)
        else:
            say(console, "No plot: without gold there is no proportion to draw.", style="yellow")
    if options.out and options.out.suffix.lower() == ".json":
        _write(options.out, result.model_dump_json(indent=2) + "\n", "Evaluation", console)
    elif options.out and result.review_sheet is None:
        say(console, f"{shown(options.out)} was not written: no review sheet was needed.", style="yellow")
        say(console, f"For one all the same: {plumbline(f'review export {result.run_id}')}")


def _write(path: Path, text: str, what: str, console: Console) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CliError(f"{path} cannot be written: {error.strerror}.") from None
    say(console, f"{what}: {shown(path.absolute())}")

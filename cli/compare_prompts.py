"""`plumbline prompts compare`: prompt versions on the same cases, beside each other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from cli.compare_view import rendered, reuse_line
from cli.errors import CliError, UsageProblem
from cli.gold_cases import SAMPLE, GoldCases
from cli.options import AsJson, StackName, examples
from cli.paths import prompts_dir, shown
from cli.precheck import check_prompt
from cli.run import console_for
from cli.stack_model import StackModel, any_stack, stack_model, stack_parameters, stack_privacy
from cli.tasks import chosen_task
from cli.trying import drawn, label_all, say_estimate
from cli.wrapping import say
from plumbline.compare_prompts import answered, expected, figures, steps
from plumbline.contracts.cases import AnonymizedCase
from plumbline.contracts.comparisons import PromptComparison
from plumbline.prompting import LoadedPrompt, load_prompt
from plumbline.report.interval_plot import PlotRow, interval_plot
from plumbline.report.words import count, money, plural
from plumbline.spend_tracker import Estimate
from plumbline.trials import Trial

SHOWN_CASES: Final = 8
COMPARE_EXAMPLES: Final = examples(
    "plumbline prompts compare v1 v2 v3 --gold samples/cases.jsonl",
    "plumbline prompts compare v3 v4 --gold gold.csv --sample 300 --budget 2 --plot v4.svg --stack plumbline",
)


@dataclass(frozen=True)
class CompareOptions:
    """What `plumbline prompts compare` was asked for."""

    versions: tuple[str, ...]
    gold: Path
    task: str | None = None
    mapping: Path | None = None
    sample: int = SAMPLE
    seed: int = 0
    model_id: str | None = None
    budget: float | None = None
    plot: Path | None = None
    stack_name: str | None = None
    cases: int = SHOWN_CASES
    as_json: bool = False


def compare_command(
    versions: Annotated[list[str], typer.Argument(metavar="VERSION...", help="Two or more, for example v1 v2 v3.")],
    gold: Annotated[Path, typer.Option("--gold", metavar="FILE", help="Cases with gold labels, as `run` reads them.")],
    task: Annotated[str | None, typer.Option("--task", "-t", metavar="TASK", help="A folder under prompts/.")] = None,
    mapping: Annotated[
        Path | None, typer.Option("--map", metavar="FILE", help="Which column is which field (YAML).")
    ] = None,
    sample: Annotated[int, typer.Option("--sample", "-n", min=2, help="How many cases, drawn at random.")] = SAMPLE,
    seed: Annotated[int, typer.Option("--seed", help="Another seed draws other cases.")] = 0,
    model_id: Annotated[
        str | None, typer.Option("--model-id", metavar="ID", help="A Bedrock model or profile. [the stack's]")
    ] = None,
    budget: Annotated[
        float | None, typer.Option("--budget", metavar="USD", help="No call is made that could cost more.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option("--plot", metavar="FILE.svg", help="Draw the accuracies with their intervals.")
    ] = None,
    cases: Annotated[
        int, typer.Option("--cases", min=0, help="How many fixed and broken cases to list of each pair.")
    ] = SHOWN_CASES,
    stack: StackName = None,
    as_json: AsJson = False,
) -> None:
    """Compare prompt versions on the same random cases with gold labels.

    Shows accuracy with 95% intervals, macro-F1, how many replies could be
    read, tokens and cost per case, and which cases each version fixed and
    broke against the first and the one before it, with McNemar's test. The
    stack's model answers; what it has answered before is not paid again.
    """
    options = CompareOptions(
        versions=tuple(versions), gold=gold, task=task, mapping=mapping, sample=sample, seed=seed, model_id=model_id,
        budget=budget, plot=plot, stack_name=stack, cases=cases, as_json=as_json,
    )  # fmt: skip
    raise typer.Exit(compare(options, console_for(as_json=as_json)))


def compare(options: CompareOptions, console: Console) -> int:
    """Label the sample with each version and show the comparison; 0. Raises UsageProblem, CliError."""
    _check(options)
    where = any_stack(options.stack_name, console)
    task = chosen_task(where, options.task)
    prompts = loaded(task, options.versions)
    parameters = stack_parameters(where)
    found = drawn(
        options.gold, options.mapping, prompts, console,
        sample=options.sample, seed=options.seed, privacy=stack_privacy(parameters),
    )  # fmt: skip
    asked = stack_model(where, parameters, options.model_id, budget=options.budget)
    cases = [gold.case for gold in found.cases]
    estimate = sum((expected(prompt, cases) for prompt in prompts), Estimate())
    what = f"{plural(len(cases), 'case')} with {plural(len(prompts), 'prompt version')}"
    say_estimate(console, what, estimate, asked)
    trials = _trials(cases, prompts, asked, console)
    result = compared(options, task, prompts, found, trials, asked)
    if options.as_json:
        print(result.model_dump_json(indent=2))
    else:
        for part in rendered(result, console.width, options.cases):
            console.print(part)
        say(console, f"\n{reuse_line(result)}", style="dim")
    if options.plot:
        _draw(options.plot, result)
        say(console, f"Plot: {shown(options.plot.absolute())}")
    return 0


def _trials(
    cases: Sequence[AnonymizedCase], prompts: Sequence[LoadedPrompt], asked: StackModel, console: Console
) -> dict[str, list[Trial]]:
    """The cases labeled with each version, until the budget is used up. Raises CliError where it allowed nothing."""
    trials: dict[str, list[Trial]] = {}
    for prompt in prompts:
        if not asked.spend.refusals:
            trials[prompt.ref.version] = label_all(cases, prompt, asked, console)
    if not any(trial.asked for found in trials.values() for trial in found):
        budget = money(asked.spend.budget_usd or 0.0)
        raise CliError(f"The budget of {budget} does not allow a single call.", "Raise --budget.")
    return trials


def compared(
    options: CompareOptions,
    task: str,
    prompts: Sequence[LoadedPrompt],
    found: GoldCases,
    trials: Mapping[str, Sequence[Trial]],
    asked: StackModel,
) -> PromptComparison:
    """The trials as a comparison: the versions that had an answer, on the cases that each of them answered."""
    begun = {version: rows for version, rows in trials.items() if any(row.asked for row in rows)}
    places = answered(list(begun.values()))
    gold = [found.cases[place].gold for place in places]
    of = {prompt.ref.version: prompt for prompt in prompts}
    kept = {version: [rows[place] for place in places] for version, rows in begun.items()}
    return PromptComparison(
        task=task,
        model_id=asked.model_id,
        source=options.gold.name,
        seed=options.seed,
        cases=len(gold),
        versions=tuple(figures(of[version], gold, rows, asked.usd) for version, rows in kept.items()),
        steps=tuple(steps(gold, kept)),
        paid_usd=asked.spend.spent_usd,
        cut_short=_cut_short(prompts, trials, len(places), asked) if asked.spend.refusals else "",
    )


def _cut_short(
    prompts: Sequence[LoadedPrompt], trials: Mapping[str, Sequence[Trial]], compared: int, asked: StackModel
) -> str:
    """How many cases each version was asked about before the budget ended it."""
    names = [prompt.ref.version for prompt in prompts]
    each = ", ".join(f"{name} {count(sum(trial.asked for trial in trials.get(name, ())))}" for name in names)
    return (
        f"The budget of {money(asked.spend.budget_usd or 0.0)} ended it. Cases answered: {each}. The figures are of "
        f"the {plural(compared, 'case')} that every version shown has answered. With a larger --budget the same "
        "command goes on: what was answered is not paid for again."
    )


def loaded(task: str, versions: Sequence[str]) -> list[LoadedPrompt]:
    """The versions of the task, each checked. Raises UsageProblem."""
    for version in versions:
        check_prompt(task, version)
    return [load_prompt(prompts_dir(), task, version) for version in versions]


def _check(options: CompareOptions) -> None:
    if len(options.versions) < 2:
        raise UsageProblem("A comparison needs two versions or more.", "For example: v2 v3. `prompts list` has them.")
    if len(set(options.versions)) < len(options.versions):
        raise UsageProblem("A version is named twice.", "Name each one once.")
    if options.budget is not None and not options.budget > 0:
        raise UsageProblem("--budget must be above 0.")
    if options.plot and options.plot.suffix.lower() != ".svg":
        raise UsageProblem(f"--plot {options.plot}: the plot is an SVG file.", "Give it a name that ends in .svg.")
    if options.plot and not options.plot.absolute().parent.is_dir():
        raise UsageProblem(f"--plot {options.plot}: there is no folder {options.plot.parent}.")


def _draw(path: Path, found: PromptComparison) -> None:
    note = f"{plural(found.cases, 'case')} of {found.source}, seed {found.seed}; {found.model_id}; 95% Wilson intervals"
    rows = [PlotRow(row.version, row.accuracy) for row in found.versions]
    try:
        path.write_text(interval_plot(f"{found.task}: accuracy by prompt version", note, rows), encoding="utf-8")
    except OSError as error:
        raise CliError(f"{path} cannot be written: {error.strerror}.") from None

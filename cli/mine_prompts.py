"""`plumbline prompts mine`: a run's recurring confusions, and bad examples drafted from them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from cli.errors import CliError, UsageProblem
from cli.gold_cases import gold_by_id
from cli.mine_view import show_confusions, show_drafts
from cli.options import AsJson, StackName, examples
from cli.paths import plumbline, prompts_dir, shown
from cli.precheck import check_prompt
from cli.prompt_files import new_version, prompt_path, write_version
from cli.run import console_for
from cli.run_misses import RunMisses, run_misses
from cli.stack import Stack
from cli.stack_model import StackModel, any_stack, stack_model, stack_parameters
from cli.status import chosen, runs_of
from cli.trying import say_estimate
from cli.wrapping import say
from plumbline import keys
from plumbline.adapters.s3 import S3ObjectStore
from plumbline.contracts.errors import BudgetExceeded, MissingObject, PlumblineError
from plumbline.contracts.summary import RunSummary
from plumbline.drafting.mining import Confusion, Miss, confusions, worth_drafting
from plumbline.drafting.prompt_text import as_version
from plumbline.drafting.writing import (
    MOST_EXAMPLES,
    Drafted,
    expected_of_drafts,
    fresh,
    from_the_case,
    write,
)
from plumbline.prompting import LoadedPrompt, load_prompt
from plumbline.report.words import plural

_MOST: Final = 4
MINE_EXAMPLES: Final = examples(
    "plumbline prompts mine last",
    "plumbline prompts mine run-4f2a --gold gold.csv --out v4 --most 6",
    "plumbline prompts mine last --list",
)


@dataclass(frozen=True)
class MineOptions:
    """What `plumbline prompts mine` was asked for."""

    run_id: str
    gold: Path | None = None
    mapping: Path | None = None
    out: str | None = None
    most: int = _MOST
    least: int = 2
    list_only: bool = False
    with_llm: bool = True
    model_id: str | None = None
    budget: float | None = None
    stack_name: str | None = None
    as_json: bool = False


def mine_command(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run's id, its beginning, or `last`.")],
    gold: Annotated[
        Path | None, typer.Option("--gold", metavar="FILE", help="Gold labels; else reviews and the run's own.")
    ] = None,
    mapping: Annotated[
        Path | None, typer.Option("--map", metavar="FILE", help="Which column of it is which field (YAML).")
    ] = None,
    out: Annotated[
        str | None, typer.Option("--out", metavar="VERSION", help="The version to write. [the next number]")
    ] = None,
    most: Annotated[int, typer.Option("--most", min=1, max=MOST_EXAMPLES, help="How many examples to draft.")] = _MOST,
    least: Annotated[int, typer.Option("--least", min=1, help="A confusion recurs from so many cases on.")] = 2,
    list_only: Annotated[bool, typer.Option("--list", help="List the confusions; draft and write nothing.")] = False,
    with_llm: Annotated[
        bool, typer.Option("--with-llm/--without-llm", help="Let the model write the examples, or shorten the cases.")
    ] = True,
    model_id: Annotated[
        str | None, typer.Option("--model-id", metavar="ID", help="Who drafts: a Bedrock model. [the stack's]")
    ] = None,
    budget: Annotated[
        float | None, typer.Option("--budget", metavar="USD", help="No call is made that could cost more.")
    ] = None,
    stack: StackName = None,
    as_json: AsJson = False,
) -> None:
    """List a run's recurring confusions and draft bad examples from them.

    The model invents a like case for each and says why the answer was wrong;
    the drafts are shown, then written as a new version that is not published.
    Without a model, or where it gives no usable draft, the anonymized case is
    shortened and the reason marked as to do; such a version cannot be
    published before a person has written it.
    """
    options = MineOptions(
        run_id=run, gold=gold, mapping=mapping, out=out, most=most, least=least, list_only=list_only,
        with_llm=with_llm, model_id=model_id, budget=budget, stack_name=stack, as_json=as_json,
    )  # fmt: skip
    raise typer.Exit(mine(options, console_for(as_json=as_json)))


def mine(options: MineOptions, console: Console) -> int:
    """Show the confusions, draft and write; 0, or 1 where there was nothing to draft from."""
    if options.budget is not None and not options.budget > 0:
        raise UsageProblem("--budget must be above 0.")
    where = any_stack(options.stack_name, console)
    summary = _summary(where, options.run_id)
    prompt = _prompt_of(summary)
    given = gold_by_id(options.gold, options.mapping, prompt.prompt.answer_names) if options.gold else None
    found = run_misses(where, summary.task, summary.run_id, given, prompt.prompt.answer_names)
    listed = confusions(found.misses)
    show_confusions(console, summary, found, listed)
    if options.list_only:
        if options.as_json:
            print(_json(summary, found, listed, (), None))
        return 0
    version = new_version(summary.task, options.out)
    picked = list(worth_drafting(listed, most=options.most, least=options.least))
    drafts = _drafts(options, where, prompt, picked, console) if picked else []
    new = fresh(drafts, prompt.prompt.bad_examples)
    if not new:
        say(console, _why_nothing(listed, picked, drafts, options))
        if options.as_json:
            print(_json(summary, found, listed, (), None))
        return 1
    show_drafts(console, new, left_out=len(drafts) - len(new))
    path = _write(prompt, version, summary, new)
    if options.as_json:
        print(_json(summary, found, listed, new, path))
    _say_next(console, path, summary, version, new)
    return 0


def _summary(where: Stack, wanted: str) -> RunSummary:
    row = chosen(runs_of(where), wanted)
    try:
        return RunSummary.model_validate_json(S3ObjectStore(where.data_bucket).read(keys.summary(row.run_id)))
    except MissingObject:
        hint = "Mine a run that has ended well: "
        raise CliError(f"The run {row.run_id} has no results.", f"{hint}{plumbline('status')}") from None


def _prompt_of(summary: RunSummary) -> LoadedPrompt:
    """The run's prompt from this repository. Raises CliError where it is another one by now."""
    check_prompt(summary.task, summary.prompt.version)
    prompt = load_prompt(prompts_dir(), summary.task, summary.prompt.version)
    if prompt.ref.sha256 != summary.prompt.sha256:
        name = f"{summary.task}/{summary.prompt.version}"
        hint = f"Run the cases again with --prompt {summary.prompt.version}, then mine that run."
        raise CliError(f"{name} here is not the file that labeled {summary.run_id}; it has changed since.", hint)
    return prompt


def _drafts(
    options: MineOptions, where: Stack, prompt: LoadedPrompt, picked: Sequence[Miss], console: Console
) -> list[Drafted]:
    if not options.with_llm:
        return [from_the_case(miss) for miss in picked]
    asked = stack_model(where, stack_parameters(where), options.model_id, budget=options.budget)
    estimate = expected_of_drafts(len(picked), prompt)
    say_estimate(console, f"{plural(len(picked), 'draft')} by {asked.model_id}", estimate, asked)
    return written(prompt, picked, asked, console)


def written(prompt: LoadedPrompt, picked: Sequence[Miss], asked: StackModel, console: Console) -> list[Drafted]:
    """The model's drafts, as many as the budget allows; where it gave none, the case itself, which is said. Raises
    CliError where the model fails."""
    drafts = []
    for miss in picked:
        try:
            drafted = write(prompt, miss, model=asked.model, model_id=asked.model_id).drafted
        except BudgetExceeded as error:
            say(console, f"{str(error)[:1].upper()}{str(error)[1:]}.", style="yellow")
            break
        except PlumblineError as error:
            raise CliError(f"{str(error)[:1].upper()}{str(error)[1:]}.", "Without a model: --without-llm.") from None
        drafts.append(drafted or from_the_case(miss))
    if failed := sum(draft.unfinished for draft in drafts):
        words = (
            f"{asked.model_id} gave no usable draft for {plural(failed, 'case')}: the case itself is shortened instead."
        )
        say(console, words, style="yellow")
    return drafts


def _write(prompt: LoadedPrompt, version: str, summary: RunSummary, drafts: Sequence[Drafted]) -> Path:
    base = prompt.prompt
    words = f"{base.version} with {plural(len(drafts), 'bad example')} mined from {summary.run_id}"
    text = prompt_path(base.task, base.version).read_text(encoding="utf-8")
    fresh_text, _ = as_version(text, base, version, words, drafts)
    return write_version(base.task, version, fresh_text)


def _say_next(console: Console, path: Path, summary: RunSummary, version: str, drafts: Sequence[Drafted]) -> None:
    task, before = summary.task, summary.prompt.version
    name = f"{task} {before} {version}".split()
    say(console, f"\nWritten: {shown(path)} (a draft, not published).")
    if any(draft.unfinished for draft in drafts):
        words = "Examples marked TODO in it show an anonymized case: put an invented one in its place and say why."
        say(console, words, style="yellow")
    again = plumbline(f"prompts compare {name[1]} {name[2]} --task {task} --gold FILE")
    say(console, f"Read it, then try it on other cases: {again}")


def _why_nothing(
    listed: Sequence[Confusion], picked: Sequence[Miss], drafts: Sequence[Drafted], options: MineOptions
) -> str:
    if not listed:
        return "Nothing to draft from: every label is as gold says."
    if drafts:
        return "Nothing was written: the drafts are too much like examples that the prompt has, or it is full."
    if not picked and max(len(confusion.misses) for confusion in listed) < options.least:
        return f"Nothing was drafted: no confusion has {options.least} cases. --least 1 takes single ones, too."
    return "Nothing was drafted: of no such case the text is kept."


def _json(
    summary: RunSummary, found: RunMisses, listed: Sequence[Confusion], drafts: Sequence[Drafted], path: Path | None
) -> str:
    """Ids, labels and reasoning; no case text but the drafts' own."""
    return json.dumps(
        {
            "run_id": summary.run_id,
            "task": summary.task,
            "prompt": summary.prompt.model_dump(),
            "judged": found.judged,
            "wrong": len(found.misses),
            "confusions": [
                {
                    "gold": confusion.gold,
                    "label": confusion.label,
                    "cases": [{"case_id": miss.case_id, "reasoning": miss.reasoning} for miss in confusion.misses],
                }
                for confusion in listed
            ],
            "drafts": [
                {"case_id": draft.case_id, "unfinished": draft.unfinished, **draft.example.model_dump()}
                for draft in drafts
            ],
            "written": shown(path) if path else None,
        },
        indent=2,
    )

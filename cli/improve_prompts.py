"""`plumbline prompts improve`: mine, draft, try and keep, in rounds within a budget, with a report of all of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from cli.compare_prompts import loaded
from cli.errors import CliError, UsageProblem
from cli.options import AsJson, StackName, examples
from cli.paths import plumbline, prompts_dir, shown
from cli.precheck import check_prompt
from cli.prompt_files import new_version, prompt_path, write_version
from cli.run import console_for
from cli.stack import Stack
from cli.stack_model import any_stack, stack_model, stack_parameters, stack_privacy
from cli.tasks import chosen_task
from cli.trying import answering, drawn, say_estimate
from cli.wrapping import say
from plumbline.contracts.improvements import Improvement, ImproveRound
from plumbline.drafting.rounds import (
    ALPHA,
    PER_ROUND,
    Improver,
    Parts,
    final_estimate,
    round_estimate,
    split,
    start_estimate,
)
from plumbline.prompting import LoadedPrompt, versions
from plumbline.report.improvement import STOPPED, difference, doubt, render_improvement
from plumbline.report.words import count, interval_span, model_note, money, percent, plural

_SAMPLE: Final = 300
_LEAST: Final = 10  # cases a part, below which an interval spans nearly everything
IMPROVE_EXAMPLES: Final = examples(
    "plumbline prompts improve --gold gold.csv --budget 5 --rounds 4",
    "plumbline prompts improve --base v3 --gold gold.jsonl --budget 20 --target 0.9 --stack plumbline",
)


@dataclass(frozen=True)
class ImproveOptions:
    """What `plumbline prompts improve` was asked for."""

    gold: Path
    budget: float
    rounds: int = 3
    task: str | None = None
    base: str | None = None
    out: str | None = None
    mapping: Path | None = None
    sample: int = _SAMPLE
    seed: int = 0
    target: float | None = None
    per_round: int = PER_ROUND
    with_llm: bool = True
    model_id: str | None = None
    report: Path | None = None
    stack_name: str | None = None
    as_json: bool = False


def improve_command(
    gold: Annotated[Path, typer.Option("--gold", metavar="FILE", help="Cases with gold labels, as `run` reads them.")],
    budget: Annotated[float, typer.Option("--budget", metavar="USD", help="No call is made that could cost more.")],
    rounds: Annotated[int, typer.Option("--rounds", min=1, max=50, help="At most so many rounds.")] = 3,
    task: Annotated[str | None, typer.Option("--task", "-t", metavar="TASK", help="A folder under prompts/.")] = None,
    base: Annotated[str | None, typer.Option("--base", metavar="VERSION", help="Where to begin. [the newest]")] = None,
    out: Annotated[
        str | None, typer.Option("--out", metavar="VERSION", help="The version to write. [the next number]")
    ] = None,
    mapping: Annotated[
        Path | None, typer.Option("--map", metavar="FILE", help="Which column is which field (YAML).")
    ] = None,
    sample: Annotated[
        int, typer.Option("--sample", "-n", min=3 * _LEAST, help="How many cases, in three parts.")
    ] = _SAMPLE,
    seed: Annotated[int, typer.Option("--seed", help="Another seed draws and parts the cases otherwise.")] = 0,
    target: Annotated[
        float | None, typer.Option("--target", min=0, max=1, help="Stop at this accuracy on the held-back part.")
    ] = None,
    per_round: Annotated[int, typer.Option("--drafts", min=1, max=12, help="Examples a round.")] = PER_ROUND,
    with_llm: Annotated[
        bool, typer.Option("--with-llm/--without-llm", help="Let the model write the examples, or shorten the cases.")
    ] = True,
    model_id: Annotated[
        str | None, typer.Option("--model-id", metavar="ID", help="A Bedrock model or profile. [the stack's]")
    ] = None,
    report: Annotated[
        Path | None, typer.Option("--report", metavar="FILE.html", help="[improve-TASK-VERSION.html in this folder]")
    ] = None,
    stack: StackName = None,
    as_json: AsJson = False,
) -> None:
    """Improve a prompt in rounds: mine its mistakes, draft, keep what helps.

    The cases are parted in three. Examples are drafted from mistakes on the
    development part. Drafts are kept only if they are better on the held-back
    part. The final part is looked at once, at the end: its figure is the one
    to believe. The best is written as a version that is not published.
    Exit code: 0 a draft was kept, 1 none was, 2 wrong usage.
    """
    options = ImproveOptions(
        gold=gold, budget=budget, rounds=rounds, task=task, base=base, out=out, mapping=mapping, sample=sample,
        seed=seed, target=target, per_round=per_round, with_llm=with_llm, model_id=model_id, report=report,
        stack_name=stack, as_json=as_json,
    )  # fmt: skip
    raise typer.Exit(improve(options, console_for(as_json=as_json)))


def improve(options: ImproveOptions, console: Console) -> int:
    """Run the rounds, write the best draft and the report; 0 when a draft was kept, else 1."""
    if not options.budget > 0:
        raise UsageProblem("--budget must be above 0.")
    where = any_stack(options.stack_name, console)
    task = chosen_task(where, options.task)
    prompt = _base(task, options.base)
    version = new_version(task, options.out)
    report = _report_path(options, task, version)
    parts, left_out = _parts(options, where, prompt, console)
    asked = stack_model(where, stack_parameters(where), options.model_id, budget=options.budget)
    least = (
        start_estimate(prompt, parts) + round_estimate(prompt, parts, options.per_round) + final_estimate(prompt, parts)
    )
    say_estimate(console, "the first look, one round and the last look", least, asked)
    improver = Improver(
        parts=parts,
        base=prompt,
        text=prompt_path(task, prompt.ref.version).read_text(encoding="utf-8"),
        version=version,
        model=asked.model,
        model_id=asked.model_id,
        spend=asked.spend,
        target=options.target,
        per_round=options.per_round,
        with_llm=options.with_llm,
        on_round=lambda done: _say_round(console, done),
    )
    with _shown(console, improver):
        improver.run(options.rounds)
        found = _found(options, task, improver, left_out)
    if improver.kept:
        write_version(task, version, improver.best_text)
    _write_report(report, found)
    if options.as_json:
        print(found.model_dump_json(indent=2))
    _say_end(console, found, report)
    return 0 if improver.kept else 1


def _base(task: str, version: str | None) -> LoadedPrompt:
    known = versions(prompts_dir(), task)
    if not known:
        raise UsageProblem(f"The task {task} has no prompt in this repository.")
    check_prompt(task, version or known[-1])
    [prompt] = loaded(task, [version or known[-1]])
    return prompt


def _parts(options: ImproveOptions, where: Stack, prompt: LoadedPrompt, console: Console) -> tuple[Parts, int]:
    found = drawn(
        options.gold, options.mapping, [prompt], console,
        sample=options.sample, seed=options.seed, privacy=stack_privacy(stack_parameters(where)),
    )  # fmt: skip
    parts, left_out = split([(gold.case, gold.gold) for gold in found.cases])
    if len(parts.final) < _LEAST:
        raise UsageProblem(
            f"{options.gold} leaves {plural(len(parts.final), 'case')} for a part, and {_LEAST} are the least.",
            f"It takes {3 * _LEAST} different cases with gold labels, better {_SAMPLE}.",
        )
    return parts, left_out


@contextmanager
def _shown(console: Console, improver: Improver) -> Iterator[None]:
    """Progress on the screen, and the model's errors in words."""
    with answering(console) as progress:
        improver.on_part = lambda what, prompt, cases: progress.begin(f"{prompt.ref.version}, {what} part", cases)
        improver.on_done = progress.done
        yield


def _found(options: ImproveOptions, task: str, improver: Improver, left_out: int) -> Improvement:
    """The last look, and everything as one record."""
    final_base, final_best, final = improver.finish()
    development, held_back = improver.base_accuracy()
    parts = improver.parts
    sizes = {name: len(part) for name, part in vars(parts).items()}
    return Improvement(
        task=task,
        base=improver.base.ref.version,
        version=improver.version if improver.kept else None,
        model_id=improver.model_id,
        source=options.gold.name,
        seed=options.seed,
        finished_at=datetime.now(UTC),
        parts=sizes,
        near_duplicates=left_out,
        target=options.target,
        budget_usd=options.budget,
        alpha=ALPHA,
        development=development,
        held_back=held_back,
        rounds=tuple(improver.rounds),
        best_held_back=improver.best_held_back(),
        final_base=final_base,
        final_best=final_best,
        final=final,
        stopped=improver.stopped,
        calls=improver.calls,
        reused=improver.reused,
        usd=improver.spend.spent_usd,
    )


def _say_round(console: Console, done: ImproveRound) -> None:
    if done.step is None:
        words = f"no usable draft in {plural(done.unusable, 'answer')}"
        if done.cut_short:
            words = f"{plural(len(done.drafts), 'draft')} not tried: the budget allowed no more"
        say(console, f"Round {done.number}: {words}", style="yellow")
        return
    style = "green" if done.kept else "dim"
    drafts = plural(len(done.drafts), "draft")
    words = f"{drafts} {'kept' if done.kept else 'not kept'}; held-back part {difference(done.step)}"
    if done.cut_short:
        words += f"; the budget allowed no more than {plural(done.held_back.n if done.held_back else 0, 'case')} of it"
    say(console, f"Round {done.number}: {words}", style=style)


def _say_end(console: Console, found: Improvement, report: Path) -> None:
    say(console, f"\n{STOPPED[found.stopped]}")
    if found.version is None:
        stays = f"No draft was better; {found.base} stays: {_said(found, best=False)} on the final part."
        say(console, stays, style="yellow")
    else:
        words = f"{found.version}: {_said(found, best=True)} on the final part, {found.base} {_said(found, best=False)}"
        told = f": {difference(found.final)}" if found.final else ""
        say(console, f"{words}{told}.", style="bold")
        path = shown(prompt_path(found.task, str(found.version)))
        say(console, f"Written: {path} (a draft, not published).")
    if note := model_note(found.model_id):
        say(console, f"{found.model_id} is {note}: this says nothing about a language model.", style="yellow")
    paid = "" if found.usd is None else f"; paid {money(found.usd)} of {money(found.budget_usd)}"
    say(console, f"{plural(found.calls, 'answer')}, {count(found.reused)} reused{paid}.", style="dim")
    say(console, f"Report: {shown(report.absolute())}")
    if found.version is None:
        return
    if words := doubt(found):
        again = plumbline(f"prompts compare {found.base} {found.version} --task {found.task} --gold FILE")
        say(console, f"{words} Before you publish it, compare both on other cases:", style="yellow")
        say(console, f"  {again}")
        return
    again = plumbline(f"prompts publish {found.task} {found.version}")
    say(console, f"Read the draft, then: {again}")


def _said(found: Improvement, *, best: bool) -> str:
    value = found.final_best if best else found.final_base
    if not value.n:
        return "not known, since the budget allowed no such look,"
    of = f", {plural(value.n, 'case')}" if value.n < found.parts["final"] else ""
    return f"{percent(value.value)} ({interval_span(value)}{of})"


def _report_path(options: ImproveOptions, task: str, version: str) -> Path:
    path = options.report or Path(f"improve-{task}-{version}.html")
    if path.suffix.lower() not in (".html", ".htm"):
        raise UsageProblem(f"--report {path}: the report is an HTML page.", "Give it a name that ends in .html.")
    if not path.absolute().parent.is_dir():
        raise UsageProblem(f"--report {path}: there is no folder {path.parent}.")
    return path


def _write_report(path: Path, found: Improvement) -> None:
    try:
        path.write_text(render_improvement(found), encoding="utf-8")
    except OSError as error:
        raise CliError(f"{path} cannot be written: {error.strerror}.") from None

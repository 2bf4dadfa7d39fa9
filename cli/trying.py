"""Labeling a sample with a prompt from the command line: the draw, the estimate, the progress."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from cli.errors import CliError, UsageProblem
from cli.gold_cases import GoldCases, gold_cases
from cli.prompt_files import drafted_from
from cli.stack_model import CONCURRENCY, StackModel
from cli.wrapping import say
from plumbline.anonymize import Privacy
from plumbline.contracts.cases import AnonymizedCase
from plumbline.contracts.errors import PlumblineError
from plumbline.contracts.replies import ModelReply
from plumbline.prices import price_table
from plumbline.prompting import LoadedPrompt
from plumbline.report.words import count, money, plural
from plumbline.spend_tracker import Estimate
from plumbline.trials import Trial, label_cases


def drawn(
    file: Path,
    mapping: Path | None,
    prompts: Sequence[LoadedPrompt],
    console: Console,
    *,
    sample: int | None,
    seed: int,
    privacy: Privacy,
) -> GoldCases:
    """The sample, and a line on it. Cases from which an example of one of the prompts was drafted are passed over: a
    prompt that tells the answer to a case is not tried on it.

    Gold labels count that are an answer of every prompt: a category, or the same none-of-these. Raises as `gold_cases`
    does.
    """
    answers = [name for name in prompts[0].prompt.answer_names if all(name in p.prompt.answer_names for p in prompts)]
    known = frozenset(case_id for prompt in prompts for case_id in drafted_from(prompt.ref))
    with _bar(console, "Anonymizing") as bar:
        moving = bar.add_task("", total=None)
        found = gold_cases(
            file, mapping, answers, sample=sample, seed=seed, privacy=privacy, without=known,
            on_done=lambda done, total: bar.update(moving, completed=done, total=total),
        )  # fmt: skip
    words = f"{count(len(found.cases))} of {plural(found.eligible, 'case')} with a gold label, seed {seed}."
    say(console, f"{file.name}: {words}", style="dim")
    if found.left_out:
        say(console, f"Left out: {found.left_out}.", style="yellow")
    return found


def say_estimate(console: Console, what: str, estimate: Estimate, asked: StackModel) -> None:
    """Say what the calls may cost: each answered at once, and at the most.

    Raises UsageProblem where even the former is above the budget, and where no price is known while there is a budget.
    """
    budget = asked.spend.budget_usd
    usd, most = (price_table().estimated_usd(asked.model_id, usage) for usage in (estimate.once, estimate.most))
    tokens = f"{count(estimate.once.input_tokens)} input and {count(estimate.once.output_tokens)} output tokens"
    if usd is None or most is None:
        say(console, f"Estimate for {what}: {tokens}; no price is known for {asked.model_id}.", style="dim")
        if budget is not None:
            raise UsageProblem(
                f"No price is known for {asked.model_id}, so --budget cannot be kept.",
                "Leave --budget out, or add the model to prices.json.",
            )
        return
    worst = f"; up to {money(most)} if every answer is as long as allowed, and unreadable until the last ask"
    say(console, f"Estimate for {what}: {money(usd)} ({tokens}){worst if most > usd else ''}.", style="dim")
    if budget is not None and usd > budget:
        hint = "Nothing was asked. Take a smaller --sample, fewer versions, or raise --budget."
        raise UsageProblem(f"The estimate of {money(usd)} is above the budget of {money(budget)}.", hint)
    if budget is not None and most > budget:
        say(console, f"No call is made that could bring it above the budget of {money(budget)}.", style="dim")


def label_all(
    cases: Sequence[AnonymizedCase], prompt: LoadedPrompt, asked: StackModel, console: Console
) -> list[Trial]:
    """The cases labeled with the prompt, with progress; where the budget ends it, some were not `asked`.

    Raises CliError where the model does not answer.
    """
    with answering(console) as progress:
        progress.begin(f"{prompt.ref.task} {prompt.ref.version}", len(cases))
        return label_cases(
            cases, prompt=prompt, model=asked.model, model_id=asked.model_id, concurrency=CONCURRENCY,
            on_done=progress.done,
        )  # fmt: skip


class Answering:
    """How many answers of a part are there: a bar on a terminal, anywhere else a line when a part begins."""

    def __init__(self, console: Console, bar: Progress) -> None:
        self._console = console
        self._bar = bar
        self._task = bar.add_task("", visible=False)

    def begin(self, words: str, cases: int) -> None:
        """So many cases are asked about from now on."""
        if self._console.is_terminal:
            self._bar.reset(self._task, total=cases, description=words, visible=True)
        else:
            say(self._console, f"{words}: {plural(cases, 'case')} …")

    def done(self, _reply: ModelReply) -> None:
        """One more answer is there."""
        self._bar.advance(self._task)


@contextmanager
def answering(console: Console) -> Iterator[Answering]:
    """Progress of asking; the model's errors become a CliError that says what to do."""
    try:
        with _bar(console, "{task.description}") as bar:
            yield Answering(console, bar)
    except PlumblineError as error:
        hint = "What was answered is kept: the same command again pays for the rest only."
        raise CliError(f"{str(error)[:1].upper()}{str(error)[1:]}.", hint) from None


def _bar(console: Console, words: str) -> Progress:
    columns = (TextColumn(words), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(compact=True))
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)

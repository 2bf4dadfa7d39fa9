"""Having another model judge a run's labels: who may judge, the draw, the estimate, and what is kept of it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rich.console import Console

from cli.errors import CliError, UsageProblem
from cli.paths import plumbline, prompts_dir
from cli.run_misses import stored
from cli.stack import Stack
from cli.stack_model import StackModel
from cli.trying import answering, say_estimate
from cli.wrapping import say
from plumbline import keys
from plumbline.contracts.errors import MissingObject
from plumbline.contracts.evaluation import MAX_SCORE, MIN_SCORE, JudgeCheck, Judged
from plumbline.contracts.judges import LoadedJudge
from plumbline.contracts.labels import Outcome
from plumbline.contracts.summary import RunSummary
from plumbline.evaluate.judge import (
    CONCURRENCY,
    Judgement,
    ToJudge,
    agreement,
    drawn,
    expected,
    judge_labels,
    same_model,
)
from plumbline.evaluate.judge_prompt import load_judge
from plumbline.evaluate.texts import mean
from plumbline.jsonl import read_models, write_models
from plumbline.ports import ListedStore, ObjectStore
from plumbline.prompting import LoadedPrompt
from plumbline.report.words import money, plural

_LOWEST: Final = 5  # labels that are listed, those with the lowest scores


@dataclass(frozen=True)
class JudgeOptions:
    """Which labels are judged."""

    sample: int
    seed: int


def check_judge(model_id: str, where: Stack, summary: RunSummary) -> None:
    """Raise UsageProblem for a judge that cannot judge this run: it labeled it itself, or does not answer here."""
    if same_model(model_id, summary.model_id):
        message = f"{model_id} labeled {summary.run_id}; a model does not judge its own labels."
        raise UsageProblem(message, "Name another model, best one of another family.")
    if where.local and model_id != where.model_id:
        message = f"The local stack answers as {where.model_id}, not as {model_id}."
        hint = f"{plumbline('down')}, then {plumbline('up --detach --model NAME')}: the run is kept, and judged then."
        raise UsageProblem(message, hint)


def judged_run(
    summary: RunSummary,
    prompt: LoadedPrompt,
    accepted: Sequence[Outcome],
    gold: Mapping[str, str],
    asked: StackModel,
    data: ListedStore,
    options: JudgeOptions,
    console: Console,
) -> JudgeCheck:
    """Ask the judge about a sample of the labels, keep what it says beside the run, and put it in figures.

    Where the budget ends the asking, the figures are of what was answered. Raises UsageProblem for an estimate above
    it, CliError where nothing can be judged or the model does not answer.
    """
    judge = load_judge(prompts_dir())
    wanted, sampled = drawn(accepted, gold, options.sample, options.seed)
    texts, _ = stored(data, summary.run_id, wanted)
    items = [ToJudge(outcome, texts[outcome.case_id]) for outcome in wanted if outcome.case_id in texts]
    if not items:
        why = "its texts are gone" if wanted else "it accepted none"
        raise CliError(f"{summary.run_id} has no label to judge: {why}.", "Run the cases again.")
    at_random = {outcome.case_id for outcome in wanted[:sampled]}
    estimate = expected(judge, prompt.prompt, items)
    say_estimate(console, f"{plural(len(items), 'label')} judged by {asked.model_id}", estimate, asked)
    with answering(console) as progress:
        progress.begin("judging", len(items))
        found = judge_labels(
            items, judge=judge, prompt=prompt.prompt, model=asked.model, model_id=asked.model_id,
            concurrency=CONCURRENCY, on_done=progress.done,
        )  # fmt: skip
    if not found.calls:
        budget = money(asked.spend.budget_usd or 0.0)
        raise CliError(f"The budget of {budget} does not allow a single call.", "Raise --budget.")
    if found.judged:
        keep(summary.run_id, found.judged, data)
    else:
        say(console, f"No reply of {asked.model_id} could be read as a score.", style="yellow")
    return _figures(judge, found, at_random, gold, asked)


def _figures(
    judge: LoadedJudge, found: Judgement, at_random: set[str], gold: Mapping[str, str], asked: StackModel
) -> JudgeCheck:
    fair = [one.score for one in found.judged if one.case_id in at_random]
    counted = Counter(fair)
    judged = len({one.case_id for one in found.judged} | set(found.unread))
    return JudgeCheck(
        model_id=asked.model_id,
        prompt=judge.ref,
        sampled=sum(case_id in at_random for case_id in (*(one.case_id for one in found.judged), *found.unread)),
        extra=judged - sum(case_id in at_random for case_id in {*(o.case_id for o in found.judged), *found.unread}),
        unread=len(found.unread),
        unasked=len(found.unasked),
        score=mean([float(score) for score in fair]) if fair else None,
        scores={score: counted[score] for score in range(MIN_SCORE, MAX_SCORE + 1)},
        agreement=agreement(found.judged, gold),
        lowest=tuple(sorted(found.judged, key=lambda one: (one.score, one.case_id))[:_LOWEST]),
        usage=found.usage,
        calls=found.calls,
        reused=found.reused,
        paid_usd=asked.spend.spent_usd,
    )


def keep(run_id: str, judged: Sequence[Judged], data: ObjectStore) -> None:
    """Write the scores beside the run. Earlier ones of other labels stay where the same judge gave them with the same
    prompt; scores of two judges are never mixed."""
    new = {one.case_id: one for one in judged}
    judge = (judged[0].judge_model_id, judged[0].judge.sha256)
    try:
        earlier = list(read_models(data, keys.judged(run_id), Judged))
    except MissingObject:
        earlier = []
    kept = [o for o in earlier if (o.judge_model_id, o.judge.sha256) == judge and o.case_id not in new]
    write_models(data, keys.judged(run_id), [*kept, *new.values()])

"""The headline of a run, and what to do next."""

import math
from typing import NamedTuple

from plumbline import keys
from plumbline.contracts.errors import DatasetTooSmall, TrainingNotConfigured
from plumbline.contracts.labels import FITS_NO_CATEGORY, LOW_CONFIDENCE
from plumbline.contracts.runs import BalanceResult
from plumbline.contracts.summary import RunSummary
from plumbline.remedies import remedy_of_the_stack
from plumbline.report.confidence import reviewed
from plumbline.report.facts import nothing_labeled
from plumbline.report.names import training_fault
from plumbline.report.selection import backlog_step
from plumbline.report.words import count, money, percent, plural

_NAMED = 4  # how many short classes a step names
_LOW_BUDGET = 0.8  # share of the budget from which on the next run may hit it


class Advice(NamedTuple):
    """One next step: what to do, and the key or command it is about."""

    text: str
    code: str = ""


def headline(summary: RunSummary) -> tuple[str, str, str]:
    """Three clauses: how many labeled of how many, balanced or short by how much, what it cost."""
    return _labeled(summary), _balanced(summary.balance), _cost(summary)


def _labeled(summary: RunSummary) -> str:
    ingest, labeled = summary.ingest, summary.outcomes.get("labeled", 0)
    failed = "The run failed. " if summary.status == "FAILED" else ""
    running = "The run is not over. " if summary.status == "RUNNING" else ""
    if not ingest.cases:
        found = "No case was found in the file"
    elif not ingest.new:
        known = "the one case was" if ingest.cases == 1 else f"all {count(ingest.cases)} cases were"
        found = f"Nothing new: {known} labeled before"
    elif not labeled:
        found = f"None of {plural(ingest.new, 'new case')} labeled"
    else:
        found = f"{count(labeled)} of {plural(ingest.new, 'new case')} labeled"
        if summary.left_for_later:
            found += f" and {count(summary.left_for_later)} left for later"
        if summary.budget_reached:
            found += f", {count(summary.budget_reached)} not, because the budget was used up"
    return f"{failed}{running}{found}"


def _balanced(balance: BalanceResult | None) -> str:
    if balance is None:
        return "balance was not checked"
    if balance.verdict == "balanced":
        return f"the dataset is balanced with {plural(balance.selected, 'case')}"
    if balance.verdict == "empty":
        return "there is no dataset yet"
    short = [missing for missing in balance.missing.values() if missing > 0]
    of = f"{count(len(short))} of {plural(len(balance.counts), 'class')}"
    return f"the dataset is short by {plural(sum(short), 'case')} in {of}"


def _cost(summary: RunSummary) -> str:
    usd = summary.cost.usd
    if usd is None or not math.isfinite(usd):
        return "no price is known for this model"
    return f"the model calls cost {money(usd)}"


def next_steps(summary: RunSummary) -> list[Advice]:
    """What a person should do now, most urgent first; a single line of peace when there is nothing."""
    steps = [*_input_steps(summary), *_outcome_steps(summary), *_balance_steps(summary), *_quality_steps(summary)]
    usd = summary.cost.usd
    told = summary.selection is not None or summary.budget_reached > 0
    if usd is not None and not told and usd >= _LOW_BUDGET * summary.budget_usd:
        used = percent(usd / summary.budget_usd, 0) if summary.budget_usd else "all"
        steps.append(Advice(f"This run used {used} of its budget. Raise the budget before a larger file."))
    return steps or [Advice("Nothing needs attention.")]


def _input_steps(summary: RunSummary) -> list[Advice]:
    ingest, steps = summary.ingest, []
    if ingest.rejected:
        top = max(ingest.reject_reasons, key=lambda reason: ingest.reject_reasons[reason], default="")
        why = f" (most often: {top})" if top else ""
        text = f"Mend {plural(ingest.rejected, 'rejected row')}{why} and upload the file again. Line by line:"
        steps.append(Advice(text, keys.rejects(summary.run_id)))
    if not ingest.cases and not ingest.rejected:
        steps.append(Advice("Check the export: it held no row with a case id and text."))
    return steps


def _outcome_steps(summary: RunSummary) -> list[Advice]:
    outcomes, steps = summary.outcomes, []
    where = keys.outcomes(summary.run_id)
    if failed := outcomes.get("failed", 0):
        first = remedy_of_the_stack(summary.outcome_reasons)
        again = f"upload the file again to retry {plural(failed, 'failed case')}; replies already paid for are reused."
        text = f"{first}, then {again}" if first else again
        steps.append(Advice(text[0].upper() + text[1:]))
    if summary.budget_reached:
        text = f"The budget of {money(summary.budget_usd)} was used up before {plural(summary.budget_reached, 'case')} "
        steps.append(
            Advice(f"{text}had a label: upload the file again for them, with a larger budget where they are many.")
        )
    kept = sum(n for why, n in summary.outcome_reasons.items() if why.startswith("needs_review: Anonymization"))
    if kept:
        text = f"Read {plural(kept, 'case')} kept from the model: personal data may be left in the text. PiiAllow, "
        steps.append(
            Advice(f"{text}PiiPatterns and PiiPolicy settle it for the next upload. The kinds stand in", where)
        )
    unlikely, none = reviewed(summary, LOW_CONFIDENCE), reviewed(summary, FITS_NO_CATEGORY)
    if unlikely:
        text = f"Let a person decide {plural(unlikely, 'case')} whose label is likely wrong (low_confidence):"
        steps.append(Advice(text, f"plumbline review export {summary.run_id} --queue"))
        steps += _silent_classes(summary)
    if none:
        text = (
            f"Read {plural(none, 'case')} that fit no category. Where many are alike, the task lacks one. They are in"
        )
        steps.append(Advice(text, where))
    if review := outcomes.get("needs_review", 0) - kept - unlikely - none:
        steps.append(Advice(f"Let a person decide {plural(review, 'case')} marked needs_review in", where))
    if backlog := backlog_step(summary):
        steps.append(Advice(backlog))
    if dropped := outcomes.get("dropped", 0) - summary.left_for_later - summary.budget_reached:
        text = f"See why {plural(dropped, 'case')} got no label: the reasons stand beside outcome dropped in"
        steps.append(Advice(text, where))
    return steps


def _silent_classes(summary: RunSummary) -> list[Advice]:
    """Classes whose every label went to a person: no number of further cases fills them."""
    unlikely = summary.confidence.unlikely if summary.confidence else {}
    silent = [name for name in unlikely if not summary.classes.get(name)]
    if not silent:
        return []
    labels = plural(sum(unlikely[name] for name in silent), "label")
    text = (
        f"{', '.join(silent)}: all {labels} of it went to a person, so that more cases will not fill it. Review some, "
        "since what people decide is gold and counts, then fit the confidence on them; or lower ReviewBelow:"
    )
    return [Advice(text, "plumbline confidence fit --help")]


def _balance_steps(summary: RunSummary) -> list[Advice]:
    balance = summary.balance
    if balance is None:
        return []
    if balance.verdict == "balanced":
        if summary.training_error:
            return [_training_step(summary.training_error, balance)]
        if summary.training_job:
            return [Advice("A training job was asked for:", summary.training_job)]
        return [Advice("The dataset is ready to train on. Its manifest is", balance.manifest_key or "not written yet")]
    short = {name: missing for name, missing in balance.missing.items() if missing > 0}
    unseen = [name for name in short if balance.more_cases_needed.get(name) is None]
    needed = {name: more for name in short if (more := balance.more_cases_needed.get(name)) is not None}
    steps = []
    if needed:
        largest = max(needed, key=lambda name: needed[name])
        text = f"Add about {plural(needed[largest], 'more case')} like these to fill every class seen so far; "
        steps.append(Advice(f"{text}{largest} needs the most. Cases picked for the short classes get there sooner."))
    if unseen:
        rest = f" and {count(len(unseen) - _NAMED)} more" if len(unseen) > _NAMED else ""
        names = ", ".join(unseen[:_NAMED]) + rest
        steps.append(Advice(f"Look for cases of classes never seen so far: {names}."))
    return steps


def _training_step(error: str, balance: BalanceResult) -> Advice:
    fault = training_fault(error)
    if error == DatasetTooSmall.__name__:
        return Advice(f"{fault} Set a target of at least three as well.")
    if error == TrainingNotConfigured.__name__:
        return Advice(f"The dataset is ready. {fault} The manifest is", balance.manifest_key or "")
    return Advice(f"{fault} Drop the manifest under {keys.MANIFESTS} to retry:", balance.manifest_key or "")


def _quality_steps(summary: RunSummary) -> list[Advice]:
    block = summary.accuracy
    if block is None:
        if nothing_labeled(summary):
            return []
        return [Advice("Add a gold_category to a few hundred cases to learn how accurate the labels are.")]
    steps = []
    if block.unknown_gold:
        text = f"Check the spelling of {plural(block.unknown_gold, 'gold label')}: the task knows no such category."
        steps.append(Advice(text))
    wrong = {
        (gold, said): cases
        for gold, row in block.confusion.items()
        for said, cases in row.items()
        if gold != said and cases > 1
    }
    if wrong:
        gold, said = max(wrong, key=lambda pair: wrong[pair])
        text = f"The most frequent mix-up: {plural(wrong[gold, said], 'case')} of {gold} labeled {said}. "
        text += "A bad example of this pair in the prompt is the usual cure; this drafts some:"
        steps.append(Advice(text, f"plumbline prompts mine {summary.run_id}"))
    return steps
